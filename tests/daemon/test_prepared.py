# SPDX-License-Identifier: LGPL-2.1-or-later
"""A reload in two phases: what is prepared, who decides, and what becomes of it."""

import json
import os
import signal
import threading
import time
import unittest

from collet_harness import HAS_FAILPOINTS, RELOAD, BusError, TestCase, module
from test_loading import sha256
from test_reloading import Caller, phase


def remaining(daemon, name):
    """Which versions wait for word."""
    return daemon.info(name)['Prepared']


class Prepared(TestCase):
    def echo(self, *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(module('echo-1.0.0'))
        return daemon

    def counter(self, count=5):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        daemon.tool_value('count', {'by': count})
        return daemon

    def test_serves_nobody_until_it_is_committed(self):
        daemon = self.echo()
        path, version = daemon.prepare('echo', module('echo-2.0.0'))
        self.assertEqual(version, sha256(module('echo-2.0.0')))
        self.assertEqual(phase(daemon, path), 'prepared')
        self.assertEqual(daemon.property('State', path, RELOAD), 'running')
        left = daemon.property('ExpiresAt', path, RELOAD) / 1e6 - time.time()
        self.assertTrue(50 < left <= 60, left)
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        info = daemon.info('echo')
        self.assertEqual((info['Prepared'], info['CandidateVersion']), ([version], version))
        self.assertEqual(daemon.sql('SELECT count(*) AS n FROM reload_commit')[0]['n'], 1)
        meta = daemon.call_tool('echo', {'x': 1})['_meta']
        self.assertEqual(meta['org.collet/sha256'], sha256(module('echo-1.0.0')))
        daemon.commit('echo', version)
        self.assertEqual(daemon.version('echo'), version)
        self.assertEqual(daemon.property('State', path, RELOAD), 'succeeded')
        info = daemon.info('echo')
        self.assertEqual((info['Prepared'], info['CandidateVersion']), ([], ''))
        self.assertEqual(daemon.property('ExpiresAt', path, RELOAD), 0)

    def test_process_is_the_one_that_serves_later(self):
        """It was started before: the commit starts nothing."""
        daemon = self.echo()
        old = daemon.processes()
        _, version = daemon.prepare('echo', module('echo-2.0.0'))
        new = set(daemon.processes()) - set(old)
        self.assertEqual(len(new), 1)
        daemon.commit('echo', version[:12])
        self.assertEqual(daemon.info('echo')['Pid'], new.pop())

    def test_exact_bytes_are_committed_whatever_became_of_the_file(self):
        daemon = self.echo()
        path = os.path.join(self.folder, 'build.so')
        with open(module('echo-2.0.0'), 'rb') as file:
            bytes_ = file.read()
        with open(path, 'wb') as file:
            file.write(bytes_)
        _, version = daemon.prepare('echo', path)
        with open(path, 'wb') as file:
            file.write(b'something else')
        daemon.commit('echo', version)
        self.assertEqual(daemon.version('echo'), sha256(module('echo-2.0.0')))

    def test_is_called_on_trial(self):
        daemon = self.counter()
        _, version = daemon.prepare('counter', module('counter-4.0.0'))
        self.assertEqual(daemon.call_prepared('counter', version, 'count', {'by': 100}), {'count': 105})
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})
        raw = json.loads(daemon.call('CallPrepared', '(ssssa{sv})', 'counter', version, 'count_get', '{}', {}))
        self.assertEqual(raw['_meta']['org.collet/sha256'], version)
        self.assertBusError('ToolNotFound', daemon.call_prepared, 'counter', version, 'nonsense')
        self.assertBusError('InvalidArguments', daemon.call_prepared, 'counter', version, 'count', {'by': 'x'})
        # What the trial did to the copy of the state is not what is committed.
        daemon.commit('counter', version)
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 7})

    def test_trial_leaves_no_trace_in_a_state_that_starts_empty(self):
        daemon = self.counter()
        _, version = daemon.prepare('counter', module('counter-2.0.0'), discard_state=True)
        self.assertEqual(daemon.call_prepared('counter', version, 'count', {'by': 100}), {'count': 100})
        daemon.commit('counter', version)
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 1})

    def test_is_not_called_on_trial_once_it_is_committed(self):
        daemon = self.echo()
        _, version = daemon.prepare('echo', module('echo-2.0.0'))
        daemon.commit('echo', version)
        self.assertBusError('NotPrepared', daemon.call_prepared, 'echo', version, 'echo')

    def test_calls_on_trial_end_before_the_state_is_carried_over(self):
        daemon = self.counter()
        _, version = daemon.prepare('counter', module('counter-slow'))
        seen = []
        thread = threading.Thread(target=lambda: seen.append(
            daemon.call_prepared('counter', version, 'count', {'by': 100})))
        thread.start()
        time.sleep(0.1)
        daemon.commit('counter', version)
        thread.join(10)
        self.assertEqual(seen, [{'count': 105}])
        self.assertEqual(daemon.tool_value('count_get'), {'count': 5})

    def test_expires(self):
        daemon = self.echo()
        path, version = daemon.prepare('echo', module('echo-2.0.0'), expiry_ms=300)
        error = self.assertBusError('PrepareExpired', daemon.wait, path)
        self.assertIn('0.3 s', error.message)
        self.assertBusError('PrepareExpired', daemon.commit, 'echo', version)
        self.assertBusError('PrepareExpired', daemon.call_prepared, 'echo', version, 'echo')
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        self.assertEqual(remaining(daemon, 'echo'), [])
        row = daemon.history('echo', 1)[0]
        self.assertEqual((row['State'], row['ErrorName'], row['Phase']), ('failed', 'PrepareExpired', 'prepared'))
        daemon.reload('echo', module('echo-2.0.0'))
        self.assertEqual(daemon.version('echo'), version)

    def test_expiry_has_limits(self):
        daemon = self.echo()
        for wrong in (0, 2 ** 31):
            self.assertBusError('InvalidArgument', daemon.prepare, 'echo', module('echo-2.0.0'), expiry_ms=wrong)

    def test_is_aborted(self):
        daemon = self.echo()
        path, version = daemon.prepare('echo', module('echo-2.0.0'))
        self.assertEqual(daemon.abort('echo', version, reason='on second thoughts'), path)
        # The module is free at once, and the process is gone.
        self.assertEqual(daemon.property('State', path, RELOAD), 'cancelled')
        error = self.assertBusError('NotPrepared', daemon.commit, 'echo', version)
        self.assertIn('on second thoughts', error.message)
        self.assertBusError('NotPrepared', daemon.abort, 'echo', version)
        daemon.reload('echo', module('echo-2.0.0'))
        row = daemon.sql("SELECT e.state, e.message, json_extract (e.detail, '$.decided.uid') AS uid,"
                         " json_extract (e.detail, '$.decided.reason') AS reason FROM reload_end AS e"
                         " WHERE e.state = 'cancelled'")[0]
        self.assertEqual((row['uid'], row['reason']), (os.getuid(), 'on second thoughts'))
        self.assertIn('on second thoughts', row['message'])

    def test_cancel_of_the_object_is_an_abort(self):
        daemon = self.echo()
        path, version = daemon.prepare('echo', module('echo-2.0.0'))
        self.assertTrue(daemon.property('Cancellable', path, RELOAD))
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)
        self.assertBusError('NotPrepared', daemon.commit, 'echo', version)

    def test_version_must_be_the_prepared_one(self):
        daemon = self.echo()
        self.assertBusError('NotPrepared', daemon.commit, 'echo', sha256(module('echo-2.0.0')))
        _, version = daemon.prepare('echo', module('echo-2.0.0'))
        for wrong in ('', version[:5], sha256(module('echo-1.0.0'))):
            for method in (daemon.commit, daemon.abort):
                error = self.assertBusError('VersionMismatch', method, 'echo', wrong)
                self.assertIn(version[:12], error.message)
        self.assertBusError('VersionMismatch', daemon.commit, 'echo', version, expect_version='0123456789')
        self.assertEqual(remaining(daemon, 'echo'), [version])
        daemon.commit('echo', version, expect_version=sha256(module('echo-1.0.0')), reason='tried well')
        self.assertEqual(daemon.sql("SELECT json_extract (detail, '$.decided.reason') AS r FROM reload_end"
                                    " ORDER BY reload DESC LIMIT 1")[0]['r'], 'tried well')

    def test_holds_its_module(self):
        daemon = self.echo()
        path, version = daemon.prepare('echo', module('echo-2.0.0'))
        for attempt in (lambda: daemon.reload('echo', module('echo-2.0.0')), lambda: daemon.unload('echo'),
                        lambda: daemon.prepare('echo', module('echo-1.0.0'))):
            error = self.assertBusError('ReloadInProgress', attempt)
            self.assertIn(daemon.property('Id', path, RELOAD), error.message)
            self.assertIn('bort', error.message)
        # The same again is the same.
        self.assertEqual(daemon.prepare('echo', module('echo-2.0.0')), (path, version))
        daemon.load(module('counter-1.0.0'))
        self.assertEqual(daemon.tool_value('count'), {'count': 1})

    def test_bound_to_its_caller_goes_with_it(self):
        daemon = self.echo()
        mine = daemon.connection
        other = daemon.connection = self.bus.connect()
        path, version = daemon.prepare('echo', module('echo-2.0.0'), bind=True)
        daemon.connection = mine
        self.assertEqual(remaining(daemon, 'echo'), [version])
        other.close_sync(None)
        error = self.assertBusError('Cancelled', daemon.wait, path)
        self.assertIn('connection', error.message)

    def test_not_bound_outlives_its_caller(self):
        daemon = self.echo()
        mine = daemon.connection
        other = daemon.connection = self.bus.connect()
        _, version = daemon.prepare('echo', module('echo-2.0.0'))
        daemon.connection = mine
        other.close_sync(None)
        time.sleep(0.1)
        daemon.commit('echo', version)

    def test_that_is_no_good_is_told_at_once(self):
        daemon = self.counter()
        for candidate, name in (('counter-fail-import', 'StateMigrationFailed'),
                                ('counter-crash-code-change', 'StateMigrationFailed'),
                                ('counter-5.0.0', 'StateMigrationFailed')):
            with self.subTest(candidate):
                self.assertBusError(name, daemon.prepare, 'counter', module(candidate))
        self.assertBusError('ModuleNotLoaded', daemon.prepare, 'echo', module('echo-1.0.0'))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})

    def test_crash_gives_it_up(self):
        daemon = self.echo()
        path, version = daemon.prepare('echo', module('echo-crash-call'))
        self.assertBusError('WorkerCrashed', daemon.call_prepared, 'echo', version, 'echo')
        self.assertBusError('WorkerCrashed', daemon.wait, path)
        self.assertBusError('NotPrepared', daemon.commit, 'echo', version)
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_state_is_that_of_the_commit_not_of_the_prepare(self):
        daemon = self.counter()
        _, version = daemon.prepare('counter', module('counter-4.0.0'))
        daemon.tool_value('count', {'by': 3})
        daemon.commit('counter', version)
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 9})

    def test_migration_that_fails_at_the_commit_leaves_the_old(self):
        daemon = self.daemon()
        daemon.load(module('counter-fail-export'))  # fails once something was counted: the rehearsal is well
        path, version = daemon.prepare('counter', module('counter-2.0.0'))
        daemon.tool_value('count', {'by': 3})
        self.assertBusError('StateMigrationFailed', daemon.commit, 'counter', version)
        self.assertEqual(daemon.version('counter'), sha256(module('counter-fail-export')))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 4})
        self.assertEqual(remaining(daemon, 'counter'), [])
        self.assertEqual(phase(daemon, path), 'commit')

    def test_pause_of_a_stateless_commit_is_an_exchange(self):
        daemon = self.echo()
        _, version = daemon.prepare('echo', module('echo-2.0.0'))
        result = daemon.commit('echo', version)
        self.assertLess(result['PauseUs'], 50000)
        self.assertGreaterEqual(result['PauseUs'], 0)

    def test_trial_call_that_never_returns_ends_with_the_abort(self):
        daemon = self.echo()
        _, version = daemon.prepare('echo', module('echo-hang-call'))
        seen = []

        def call():
            try:
                daemon.call_prepared('echo', version, 'echo')
            except BusError as error:
                seen.append(error.name)

        thread = threading.Thread(target=call)
        thread.start()
        time.sleep(0.2)
        daemon.abort('echo', version)
        thread.join(10)
        self.assertEqual(seen, ['DrainTimeout'])
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_no_call_is_lost_at_the_commit(self):
        daemon = self.echo()
        callers = []
        for name in ('echo-2.0.0', 'echo-1.0.0') * 3:
            _, version = daemon.prepare('echo', module(name))
            callers += [Caller(daemon.mcp(), 'echo', {'n': n}) for n in range(5)]
            daemon.commit('echo', version)
        for caller in callers:
            self.assertIn('result', caller.result())


class Restart(TestCase):
    def prepared(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        path, version = daemon.prepare('echo', module('echo-2.0.0'), expiry_ms=600000)
        return daemon, path.rpartition('/')[2], version

    def check_given_up(self, daemon, version):
        """The old one serves, the history says why, and the bytes are not kept."""
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        row = daemon.history('echo', 1)[0]
        self.assertEqual((row['State'], row['ErrorName']), ('interrupted', 'Interrupted'))
        self.assertIn('repare it again', row['ErrorMessage'])
        self.assertBusError('NotPrepared', daemon.commit, 'echo', version)
        self.assertNotIn(version + '.so', os.listdir(os.path.join(daemon.data, 'artifacts')))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        _, again = daemon.prepare('echo', module('echo-2.0.0'))
        daemon.commit('echo', again)

    def test_gives_it_up(self):
        daemon, _, version = self.prepared()
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        self.check_given_up(daemon, version)

    def test_after_a_kill_gives_it_up(self):
        daemon, _, version = self.prepared()
        daemon.kill()
        daemon.start()
        self.check_given_up(daemon, version)


@unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
class Killed(TestCase):
    """At each step: the next start resolves to exactly old or new, and says which."""

    def at(self, failpoint, action, is_new):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        daemon.tool_value('count', {'by': 5})
        daemon.restart({'COLLET_FAILPOINT': failpoint})
        self.assertRaises(BusError, action, daemon)
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.drop_clients()
        daemon.start()
        row = daemon.history('counter', 1)[0]
        self.assertEqual(row['Kind'], 'hot-reload')
        self.assertEqual(row['State'], 'succeeded' if is_new else 'interrupted')
        self.assertIn('commit', row['Note' if is_new else 'ErrorMessage'])
        self.assertEqual(daemon.version('counter'), sha256(module('counter-4.0.0' if is_new else 'counter-1.0.0')))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})
        updates = daemon.sql("SELECT count(*) AS n FROM tool_update WHERE tool = 'count'")[0]['n']
        self.assertEqual(updates, 2 if is_new else 1)
        daemon.prepare('counter', module('counter-2.0.0'), allow_breaking=True)

    @staticmethod
    def prepare(daemon):
        return daemon.prepare('counter', module('counter-4.0.0'))[1]

    def both(self, daemon):
        daemon.commit('counter', self.prepare(daemon))

    def test_when_begun(self):
        self.at('reload-begun', self.prepare, False)

    def test_when_prepared(self):
        self.at('reload-prepared', self.prepare, False)

    def test_when_decided(self):
        self.at('reload-decided', self.both, False)

    def test_before_the_commit(self):
        self.at('reload-before-commit', self.both, False)

    def test_after_the_commit(self):
        self.at('reload-after-commit', self.both, True)

    def test_while_draining(self):
        self.at('reload-draining', self.both, True)


if __name__ == '__main__':
    unittest.main()
