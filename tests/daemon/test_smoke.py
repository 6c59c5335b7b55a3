# SPDX-License-Identifier: LGPL-2.1-or-later
"""Smoke tests: of the manifest, of the administrator, of the request."""

import json
import os
import signal
import subprocess
import unittest

from collet_harness import HAS_FAILPOINTS, BusError, TestCase, example, module, variants
from test_loading import sha256


def tests(*rows):
    return json.dumps([{'tool': tool, 'arguments': arguments, 'result': result} for tool, arguments, result in rows])


def structured(value):
    return {'structuredContent': value}


GOOD = tests(('echo', {'a': 1}, structured({'a': 1})))
BAD = tests(('echo', {'a': 1}, structured({'a': 1})), ('echo', {'a': 1}, structured({'a': 2})))


class Smoke(TestCase):
    def echo(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        return daemon

    def set(self, daemon, name, text, **options):
        return daemon.call('SetSmokeTests', '(ssa{sv})', name, text, variants(options))

    def assertOld(self, daemon):
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_given_ones_have_to_pass(self):
        daemon = self.echo()
        error = self.assertBusError('SmokeTestFailed', daemon.reload, 'echo', module('echo-2.0.0'), smoke_tests=BAD)
        self.assertIn('smoke test 2 in the request', error.message)
        self.assertIn('at /structuredContent/a expected 2, got 1', error.message)
        self.assertOld(daemon)
        row = daemon.history('echo', 1)[0]
        self.assertEqual((row['State'], row['ErrorName'], row['Phase']), ('failed', 'SmokeTestFailed', 'prepare'))
        self.assertIn('expected 2, got 1', row['ErrorMessage'])
        daemon.reload('echo', module('echo-2.0.0'), smoke_tests=GOOD)
        detail = daemon.sql("SELECT json_extract (detail, '$.items[0].smoke_tests') AS n FROM reload_end"
                            ' ORDER BY reload DESC LIMIT 1')[0]
        self.assertEqual(detail['n'], 1)

    def test_of_the_manifest_run_at_every_load(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.1.0'))
        self.assertEqual(daemon.sql("SELECT json_extract (detail, '$.items[0].smoke_tests') > 0 AS n FROM reload_end")[0],
                         {'n': 1})
        error = self.assertBusError('SmokeTestFailed', daemon.load, module('echo-smoke-bad'))
        self.assertIn('in its manifest', error.message)
        self.assertIn('expected 2, got 1', error.message)
        self.assertBusError('ModuleNotLoaded', daemon.version, 'echo')
        daemon.load(module('echo-smoke-good'))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_one_in_a_batch_undoes_all(self):
        daemon = self.daemon()
        error = self.assertBusError('SmokeTestFailed', daemon.load_batch,
                                    [module('counter-1.0.0'), module('echo-smoke-bad')])
        self.assertIn('"echo"', error.message)
        self.assertEqual(daemon.call('ListModules', '(a{sv})', {}), [])
        daemon.load_batch([module('counter-1.0.0'), module('echo-smoke-good')])

    def test_set_ones_last(self):
        daemon = self.daemon()
        self.set(daemon, 'echo', BAD, reason='what we rely on')
        self.assertBusError('SmokeTestFailed', daemon.load, module('echo-1.0.0'))
        daemon.restart()
        error = self.assertBusError('SmokeTestFailed', daemon.load, module('echo-1.0.0'))
        self.assertIn('smoke test 2 set here', error.message)
        rows = daemon.sql('SELECT module, tool, arguments, result, reason FROM smoke_tests')
        self.assertEqual(rows[0], {'module': 'echo', 'tool': 'echo', 'arguments': '{"a":1}',
                                   'result': '{"structuredContent":{"a":1}}', 'reason': 'what we rely on'})
        self.set(daemon, 'echo', GOOD)
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(daemon.info('echo')['SmokeTests'], GOOD)
        self.set(daemon, 'echo', '[]')
        self.assertEqual(daemon.info('echo')['SmokeTests'], '')
        self.assertEqual(daemon.sql('SELECT count(*) AS n FROM smoke_test')[0]['n'], 0)

    def test_run_before_a_version_is_prepared(self):
        daemon = self.echo()
        self.assertBusError('SmokeTestFailed', daemon.prepare, 'echo', module('echo-2.0.0'), smoke_tests=BAD)
        self.assertOld(daemon)
        self.assertEqual(daemon.info('echo')['CandidateVersion'], '')
        _, version = daemon.prepare('echo', module('echo-2.0.0'), smoke_tests=GOOD)
        daemon.commit('echo', version)

    def test_see_no_state_and_leave_none(self):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'), smoke_tests=tests(('count', {'by': 3}, structured({'count': 3}))))
        self.assertEqual(daemon.tool_value('count', {'by': 5}), {'count': 5})
        daemon.reload('counter', module('counter-4.0.0'), smoke_tests=tests(
            ('count', {'by': 3}, structured({'count': 3})), ('count', {'by': 3}, structured({'count': 6}))))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})
        daemon.reload('counter', module('counter-2.0.0'), discard_state=True, smoke_tests=tests(
            ('count', {'by': 7}, structured({'count': 7}))))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 1})

    def test_fault_of_the_module_in_one_is_told(self):
        daemon = self.echo()
        for candidate, said in (('echo-crash-call', 'WorkerCrashed'), ('echo-bad-json', 'InvalidResult')):
            error = self.assertBusError('SmokeTestFailed', daemon.reload, 'echo', module(candidate), smoke_tests=GOOD)
            self.assertIn('got ' + said, error.message)
            self.assertOld(daemon)
        error = self.assertBusError('SmokeTestFailed', daemon.reload, 'echo', module('echo-hang-call'), smoke_tests=GOOD)
        self.assertIn('CallTimeout', error.message)
        self.assertOld(daemon)

    def test_arguments_that_do_not_fit_fail(self):
        daemon = self.daemon()
        error = self.assertBusError('SmokeTestFailed', daemon.load, module('counter-1.0.0'),
                                    smoke_tests=tests(('count', {'by': 'x'}, {})))
        self.assertIn('InvalidArguments', error.message)

    def test_what_is_wrong_with_them_is_told(self):
        daemon = self.echo()
        for text, name in (('nonsense', 'InvalidJson'), ('{}', 'InvalidArgument'), ('[{}]', 'InvalidArgument'),
                           (tests(('other', {}, {})), 'InvalidArgument')):
            self.assertBusError(name, daemon.reload, 'echo', module('echo-2.0.0'), smoke_tests=text)
            if 'other' not in text:
                self.assertBusError(name, self.set, daemon, 'echo', text)
        self.assertBusError('InvalidArgument', self.set, daemon, 'Not A Name', GOOD)
        self.assertBusError('InvalidArgument', self.set, daemon, 'echo', ' ' * 70000 + GOOD)
        self.assertOld(daemon)

    def test_way_back_needs_none(self):
        daemon = self.echo()
        daemon.reload('echo', module('echo-2.0.0'))
        self.set(daemon, 'echo', BAD)
        daemon.rollback('echo')
        self.assertOld(daemon)

    def test_from_the_command_line(self):
        self.echo()
        path = os.path.join(self.folder, 'smoke.json')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(BAD)
        environment = {'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}

        def ctl(*arguments, **options):
            return subprocess.run([os.environ['COLLETCTL'], *arguments], env=environment, check=False, timeout=30,
                                  capture_output=True, text=True, **options)

        self.assertIn('None are set', ctl('smoke', 'echo').stderr)
        failed = ctl('reload', 'echo', module('echo-2.0.0'), '--smoke-tests', path)
        self.assertEqual((failed.returncode, 'expected 2, got 1' in failed.stderr), (1, True), failed)
        self.assertEqual(ctl('smoke', 'echo', '-', '--reason=r', input=BAD).returncode, 0)
        self.assertEqual(json.loads(ctl('--json', 'smoke', 'echo').stdout)['smoke_tests'], json.loads(BAD))
        self.assertEqual(len(ctl('smoke', 'echo').stdout.splitlines()), 2)
        self.assertIn('SmokeTestFailed', ctl('prepare', 'echo', module('echo-2.0.0')).stderr)
        self.assertEqual(ctl('smoke', 'echo', '--clear').returncode, 0)
        self.assertEqual(ctl('reload', 'echo', module('echo-2.0.0')).returncode, 0)

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
    def test_killed_in_between_leaves_the_old(self):
        daemon = self.echo()
        daemon.restart({'COLLET_FAILPOINT': 'reload-smoke-test'})
        self.assertRaises(BusError, daemon.reload, 'echo', module('echo-2.0.0'), smoke_tests=GOOD)
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.drop_clients()
        daemon.start()
        self.assertOld(daemon)
        self.assertEqual(daemon.history('echo', 1)[0]['State'], 'interrupted')


if __name__ == '__main__':
    unittest.main()
