# SPDX-License-Identifier: LGPL-2.1-or-later
"""Groups: all new or all old, dependencies first."""

import os
import signal
import unittest

from collet_harness import HAS_FAILPOINTS, RELOAD, BusError, TestCase, module, variants, wait_until
from test_loading import sha256

MANY = 100


class Groups(TestCase):
    def begin(self, daemon, modules, **options):
        return daemon.call('ReloadModules', '(asa{sv})', modules, variants(options))

    def reload(self, daemon, modules, **options):
        return daemon.wait(self.begin(daemon, modules, **options), 60)

    def pair(self):
        """A daemon with echo and needs-echo, which requires it, and counter with a count."""
        daemon = self.daemon()
        for name in ('echo-1.0.0', 'needs-echo-1.0.0', 'counter-1.0.0'):
            daemon.load(module(name))
        daemon.tool_value('count', {'by': 5})
        return daemon

    def versions(self, daemon):
        return {row['Name']: row['SemanticVersion'] for row in daemon.call('ListModules', '(a{sv})', {})}

    def test_is_reloaded_as_one_dependencies_first(self):
        daemon = self.pair()
        path = self.begin(daemon, ['needs-echo', 'echo', 'counter'],
                          artifacts={'needs-echo': module('needs-echo-2.0.0'), 'echo': module('echo-2.0.0'),
                                     'counter': module('counter-4.0.0')})
        result = daemon.wait(path)
        self.assertEqual([item['module'] for item in result['Items']], ['echo', 'needs-echo', 'counter'])
        self.assertEqual(self.versions(daemon), {'echo': '2.0.0', 'needs-echo': '2.0.0', 'counter': '4.0.0'})
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})
        self.assertEqual(daemon.history('', 1)[0]['Kind'], 'hot-reload')
        # One commit for all.
        self.assertEqual(daemon.sql('SELECT count(*) AS n FROM reload_commit')[0]['n'], 4)

    def test_by_path_with_what_is_newly_required(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        result = self.reload(daemon, [module('needs-echo-1.0.0'), module('echo-2.0.0')])
        self.assertEqual([item['module'] for item in result['Items']], ['echo', 'needs-echo'])
        self.assertEqual(self.versions(daemon), {'echo': '2.0.0', 'needs-echo': '1.0.0'})

    def test_one_that_fails_leaves_all_old(self):
        daemon = self.pair()
        for bad, name in ((module('counter-fail-code-change'), 'StateMigrationFailed'),
                          (module('counter-crash-import'), 'StateMigrationFailed'), ('/nowhere.so', 'ArtifactNotFound')):
            with self.subTest(bad):
                before = self.versions(daemon)
                error = self.assertBusError(name, self.reload, daemon, [module('echo-2.0.0'), 'counter'],
                                            artifacts={'counter': bad})
                self.assertTrue('counter' in error.message or 'nowhere' in error.message, error.message)
                self.assertEqual(self.versions(daemon), before)
                self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})

    def test_missing_dependency_is_named(self):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        error = self.assertBusError('InvalidArgument', self.reload, daemon, [module('needs-echo-1.0.0')])
        self.assertIn('"needs-echo" requires "echo"', error.message)
        self.assertEqual(daemon.history('', 1)[0]['ErrorName'], 'InvalidArgument')

    def test_circle_is_named(self):
        daemon = self.pair()
        for group in ([module('echo-needs-it'), module('needs-echo-2.0.0')], [module('echo-needs-it')]):
            error = self.assertBusError('InvalidArgument', self.reload, daemon, group)
            self.assertRegex(error.message, 'echo requires needs-echo requires echo|needs-echo requires echo requires')
        self.assertEqual(self.versions(daemon), {'echo': '1.0.0', 'needs-echo': '1.0.0', 'counter': '1.0.0'})

    def test_what_is_wrong_with_the_request_is_told(self):
        daemon = self.pair()
        echo = module('echo-2.0.0')
        for modules, options in (([], {}), ([echo, echo], {}), (['echo'], {'artifacts': {'counter': echo}}),
                                 (['counter'], {'artifacts': {'counter': echo}}),
                                 (['echo'], {'artifacts': {'echo': 'x' * 5000}})):
            with self.subTest(str(modules)[:50]):
                self.assertBusError('InvalidArgument', self.reload, daemon, modules, **options)
        daemon.unload('needs-echo')
        self.assertBusError('ModuleNotLoaded', self.reload, daemon, ['needs-echo'],
                            artifacts={'needs-echo': module('needs-echo-2.0.0')})
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))

    def test_one_module_that_is_held_holds_the_group(self):
        daemon = self.pair()
        _, version = daemon.prepare('counter', module('counter-2.0.0'))
        self.assertBusError('ReloadInProgress', self.reload, daemon, [module('echo-2.0.0'), module('counter-4.0.0')])
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        daemon.abort('counter', version)

    def on_trial(self, daemon, *modules, **options):
        path = self.begin(daemon, [module(name) for name in modules], trial_ms=60000, **options)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'trial')
        return path

    def test_on_trial_goes_back_as_one_if_one_of_them_fails(self):
        daemon = self.pair()
        before = self.versions(daemon)
        commits = daemon.sql('SELECT count(*) AS n FROM reload_commit')[0]['n']
        path = self.on_trial(daemon, 'needs-echo-2.0.0', 'echo-crash-call', 'counter-4.0.0')
        self.assertEqual(self.versions(daemon), {'echo': '9.0.0', 'needs-echo': '2.0.0', 'counter': '4.0.0'})
        daemon.tool_value('count', {'by': 1})
        self.assertIn('error', daemon.mcp().call('echo', {}))
        error = self.assertBusError('TrialFailed', daemon.wait, path)
        self.assertIn('crashed', error.message)
        self.assertEqual(self.versions(daemon), before)
        self.assertEqual(daemon.sql('SELECT count(*) AS n FROM reload_commit')[0]['n'], commits + 2)
        # The trial ends when the old ones serve; the way back does when the new ones have ended.
        wait_until(lambda: daemon.history('', 1)[0]['State'] == 'succeeded')
        back = daemon.history('', 2)[0]
        self.assertEqual((back['Kind'], len(back['Items'])), ('rollback', 3))
        self.assertEqual(path.rpartition('/')[2], back['Reverts'])
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        self.assertEqual(daemon.tool_value('needs-echo', {'x': 2}), {'x': 2})
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 7})  # migrated back, with the call on trial
        daemon.restart()
        self.assertEqual(self.versions(daemon), before)

    def test_on_trial_is_confirmed_or_reverted_as_one(self):
        daemon = self.pair()
        before = self.versions(daemon)
        path = self.on_trial(daemon, 'echo-2.0.0', 'counter-4.0.0')
        daemon.call('ConfirmReload', '(sa{sv})', path.rpartition('/')[2], {})
        daemon.wait(path)
        self.assertEqual(self.versions(daemon), before | {'echo': '2.0.0', 'counter': '4.0.0'})
        daemon.wait(daemon.call('RevertReload', '(sa{sv})', path.rpartition('/')[2], {}))
        self.assertEqual(self.versions(daemon), before)
        path = self.on_trial(daemon, 'echo-2.0.0', 'counter-4.0.0')
        daemon.wait(daemon.call('RevertReload', '(sa{sv})', path.rpartition('/')[2], {}))
        self.assertBusError('TrialFailed', daemon.wait, path)
        self.assertEqual(self.versions(daemon), before)
        # One that was changed meanwhile: not all can go back.
        path = self.on_trial(daemon, 'echo-2.0.0', 'counter-4.0.0')
        daemon.reload('echo', module('echo-slow'))
        self.assertIn('not judged', daemon.wait(path)['Note'])
        self.assertBusError('VersionMismatch', daemon.call, 'RevertReload', '(sa{sv})', path.rpartition('/')[2], {})

    @unittest.skipUnless(HAS_FAILPOINTS, 'failpoints are not built in')
    def test_killed_on_trial_or_on_the_way_back_all_are_new_or_all_are_old(self):
        daemon = self.pair()
        old = self.versions(daemon)
        new = old | {'echo': '2.0.0', 'counter': '4.0.0'}
        daemon.restart({'COLLET_FAILPOINT': 'reload-on-trial'})
        try:
            self.begin(daemon, [module('echo-2.0.0'), module('counter-4.0.0')], trial_ms=60000)
        except BusError:
            pass  # it died before it had answered
        daemon.wait_exit()
        daemon.start()
        self.assertEqual(self.versions(daemon), new)
        entry = next(row for row in daemon.history('', 5) if row['Kind'] == 'hot-reload')
        self.assertIn('was not judged', entry['Note'])
        for place, versions in (('reload-before-commit', new), ('reload-after-commit', old)):
            with self.subTest(place):
                daemon.restart({'COLLET_FAILPOINT': place})
                try:
                    daemon.call('RevertReload', '(sa{sv})', entry['Id'], {})
                except BusError:
                    pass
                daemon.wait_exit()
                daemon.start()
                self.assertEqual(self.versions(daemon), versions)
                self.assertEqual(daemon.tool_value('count', {'by': 0}), {'count': 5})

    def test_a_group_has_no_canary(self):
        daemon = self.pair()
        error = self.assertBusError('InvalidArgument', self.begin, daemon, [module('echo-2.0.0')], canary_percent=10)
        self.assertIn('canary-percent', error.message)

    def many(self, version):
        """Files of a hundred modules, each with a tool of its own."""
        with open(module('echo-' + version), 'rb') as file:
            original = file.read()
        paths = []
        for n in range(MANY):
            path = os.path.join(self.folder, f'e{n:03}-{version}.so')
            with open(path, 'wb') as file:
                file.write(original.replace(b'"name":"echo"', b'"name":"e%03d"' % n))
            paths.append(path)
        return paths

    def test_of_a_hundred_is_one_commit(self):
        daemon = self.daemon()
        daemon.load_batch(self.many('1.0.0'))
        before = daemon.sql('SELECT count(*) AS n FROM reload_commit')[0]['n']
        result = self.reload(daemon, self.many('2.0.0'))
        self.assertEqual(len(result['Items']), MANY)
        self.assertEqual(set(self.versions(daemon).values()), {'2.0.0'})
        self.assertEqual(daemon.sql('SELECT count(*) AS n FROM reload_commit')[0]['n'], before + 1)
        # They run already; no call starts one.
        self.assertEqual({daemon.info(f'e{n:03}')['State'] for n in (0, 50, 99)}, {'running'})
        self.assertEqual(daemon.tool_value('e042', {'x': 1}), {'x': 1})

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
    def test_killed_is_all_old_or_all_new(self):
        for failpoint, is_new in (('reload-begun', False), ('reload-before-commit', False), ('reload-after-commit', True),
                                  ('reload-draining', True)):
            with self.subTest(failpoint):
                folder = os.path.join(self.folder, failpoint)
                os.mkdir(folder)
                daemon = self.daemon(folder=folder)
                for name in ('echo-1.0.0', 'needs-echo-1.0.0', 'counter-1.0.0'):
                    daemon.load(module(name))
                daemon.tool_value('count', {'by': 5})
                daemon.restart({'COLLET_FAILPOINT': failpoint})
                with self.assertRaises(BusError):
                    self.reload(daemon, [module(name) for name in ('echo-2.0.0', 'needs-echo-2.0.0', 'counter-4.0.0')])
                self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
                daemon.drop_clients()
                daemon.start()
                self.assertEqual(self.versions(daemon),
                                 {'echo': '2.0.0', 'needs-echo': '2.0.0', 'counter': '4.0.0'} if is_new else
                                 {'echo': '1.0.0', 'needs-echo': '1.0.0', 'counter': '1.0.0'})
                self.assertEqual(daemon.history('', 1)[0]['State'], 'succeeded' if is_new else 'interrupted')
                self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})
                daemon.stop()


if __name__ == '__main__':
    unittest.main()
