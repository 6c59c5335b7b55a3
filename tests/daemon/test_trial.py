# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a new version is to stay: its trial window, and the figures behind it."""

import json
import os
import signal
import subprocess
import threading
import time
import unittest

from collet_harness import HAS_FAILPOINTS, RELOAD, BusError, TestCase, module, variants, wait_until
from test_loading import sha256

COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')
OLD = sha256(module('echo-1.0.0'))


def confirm(daemon, reload, **options):
    return daemon.call('ConfirmReload', '(sa{sv})', reload, variants(options))


def revert(daemon, reload, **options):
    return daemon.wait(daemon.call('RevertReload', '(sa{sv})', reload, variants(options)))


def statistics(daemon, tool='', **options):
    return daemon.call('GetCallStatistics', '(sa{sv})', tool, variants(options))


class Caller(threading.Thread):
    """Calls a tool until told to stop; what it was answered."""

    def __init__(self, daemon, tool, arguments):
        super().__init__(daemon=True)
        self.client = daemon.mcp()
        self.call = (tool, arguments)
        self.answers = []
        self.is_over = False
        self.start()

    def run(self):
        while not self.is_over:
            try:
                self.answers.append(self.client.call(*self.call))
            except Exception:  # the daemon is gone
                return
            time.sleep(0.001)

    def stop(self):
        self.is_over = True
        self.join(10)
        return self.answers


class Trial(TestCase):
    def echo(self, calls=40):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        self.call(daemon, calls)
        return daemon

    def call(self, daemon, calls):
        client = daemon.mcp()
        for number in range(calls):
            client.call('echo', {'n': number})

    def begin(self, daemon, candidate, seconds=30, **options):
        path = daemon.begin_reload('echo', module(candidate), trial_ms=int(seconds * 1000), **options)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'trial' or
                   daemon.property('State', path, RELOAD) != 'running')
        return path

    def assert_taken_back(self, daemon, path, why, version=OLD, name='echo'):
        error = self.assertBusError('TrialFailed', daemon.wait, path)
        self.assertRegex(error.message, why)
        self.assertEqual(daemon.version(name), version)
        wait_until(lambda: daemon.history(name)[0]['State'] == 'succeeded')
        back, tried = daemon.history(name)[:2]
        self.assertEqual((back['Kind'], back['Reverts'], back['Initiator']), ('rollback', tried['Id'], -1))
        self.assertRegex(back['Reason'], why)
        self.assertEqual((tried['State'], tried['ErrorName']), ('failed', 'TrialFailed'))
        self.assertEqual(daemon.info(name)['TrialEndsAt'], 0)


class Window(Trial):
    def test_that_goes_well_ends_with_figures(self):
        daemon = self.echo()
        path = self.begin(daemon, 'echo-2.0.0', 1)
        ends = daemon.property('TrialEndsAt', path, RELOAD)
        self.assertTrue(time.time() < ends / 1e6 < time.time() + 1)
        self.assertAlmostEqual(daemon.info('echo')['TrialEndsAt'] / 1e6, ends / 1e6, places=1)
        self.assertEqual(daemon.info('echo')['LiveGenerations'], 2)
        self.call(daemon, 30)
        daemon.wait(path)
        note = daemon.history('echo')[0]['Note']
        self.assertIn('ended well: 30 calls, 0.0 % not answered well (0.0 % before)', note)
        self.assertEqual(daemon.info('echo')['LiveGenerations'], 1)
        self.assertEqual(daemon.property('TrialEndsAt', path, RELOAD), 0)

    def test_with_too_few_calls_says_so(self):
        daemon = self.echo()
        path = self.begin(daemon, 'echo-flaky', 0.5)
        self.call(daemon, 6)
        daemon.wait(path)
        self.assertIn('6 calls, too few to judge', daemon.history('echo')[0]['Note'])

    def test_without_a_version_before_is_none(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'), trial_ms=60000)
        self.assertIn('no version before', daemon.history('echo')[0]['Note'])

    def test_takes_back_what_crashes(self):
        daemon = self.echo()
        path = self.begin(daemon, 'echo-crash-call')
        generation = daemon.info('echo')['Generation']
        daemon.mcp().call('echo', {})
        self.assert_taken_back(daemon, path, 'crashed')
        self.assertGreater(daemon.info('echo')['Generation'], generation)
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_takes_back_what_fails_more_often(self):
        daemon = self.echo()
        updates = daemon.property('UpdateSequence')
        pid = daemon.info('echo')['Pid']
        path = self.begin(daemon, 'echo-flaky')
        self.call(daemon, 30)
        self.assert_taken_back(daemon, path, r'calls of echo were not answered well \(\d')
        self.assertEqual(daemon.info('echo')['Pid'], pid, 'the old worker had stayed ready')
        self.assertEqual(daemon.property('UpdateSequence'), updates + 2)
        self.call(daemon, 5)

    def test_compares_with_the_old_version(self):
        daemon = self.daemon()
        daemon.load(module('echo-flaky'))
        self.call(daemon, 60)
        path = self.begin(daemon, 'echo-flaky', 1)
        self.call(daemon, 60)
        daemon.wait(path)
        self.assertIn('50.0 % not answered well (50.0 % before)', daemon.history('echo')[0]['Note'])

    def test_takes_back_what_is_slower_if_asked_to(self):
        daemon = self.echo(200)
        path = self.begin(daemon, 'echo-slow', 1)
        self.call(daemon, 25)
        daemon.wait(path)
        daemon.rollback('echo')
        path = self.begin(daemon, 'echo-slow', trial_slowdown=3.0)
        self.call(daemon, 25)
        self.assert_taken_back(daemon, path, '95 % of the calls of echo end within')

    def test_loses_no_call_when_it_takes_back(self):
        daemon = self.echo()
        callers = [Caller(daemon, 'echo', {'x': 1}) for _ in range(4)]
        for _ in range(3):
            path = self.begin(daemon, 'echo-flaky')
            self.assert_taken_back(daemon, path, 'not answered well')
            time.sleep(0.1)
        for caller in callers:
            self.assertTrue(all('result' in answer for answer in caller.stop()))

    def test_confirmed_ends_early(self):
        daemon = self.echo()
        path = self.begin(daemon, 'echo-flaky')
        identity = daemon.property('Id', path, RELOAD)
        self.assertEqual(confirm(daemon, identity[:8], reason='known flake'), path)
        daemon.wait(path)
        self.assertRegex(daemon.history('echo')[0]['Note'], r'Confirmed by uid \d+ .*: known flake')
        self.call(daemon, 30)
        self.assertEqual(daemon.version('echo'), sha256(module('echo-flaky')))
        self.assertBusError('InvalidArgument', confirm, daemon, identity)
        self.assertBusError('NotFound', confirm, daemon, '00000000')

    def test_reverted_goes_back_at_once(self):
        daemon = self.echo()
        path = self.begin(daemon, 'echo-2.0.0')
        identity = daemon.property('Id', path, RELOAD)
        revert(daemon, identity, reason='not this one')
        error = self.assertBusError('TrialFailed', daemon.wait, path)
        self.assertIn('not this one', error.message)
        self.assertEqual(daemon.version('echo'), OLD)
        self.assertEqual(daemon.history('echo')[0]['Reverts'], identity)
        self.assertEqual(daemon.sql('SELECT reverts FROM reload_history LIMIT 1')[0]['reverts'], identity)

    def test_ends_with_the_next_reload(self):
        daemon = self.echo()
        path = self.begin(daemon, 'echo-flaky')
        daemon.reload('echo', module('echo-2.0.0'))
        daemon.wait(path)
        tried = next(row for row in daemon.history('echo') if row['Items'][0]['to'] == sha256(module('echo-flaky')))
        self.assertIn('not judged', tried['Note'])
        wait_until(lambda: daemon.info('echo')['LiveGenerations'] == 1)

    def test_after_it_a_reload_can_still_be_reverted_until_another_came(self):
        daemon = self.echo()
        daemon.reload('echo', module('echo-2.0.0'))
        first = daemon.history('echo')[0]['Id']
        revert(daemon, first)
        self.assertEqual(daemon.version('echo'), OLD)
        self.assertBusError('VersionMismatch', revert, daemon, first)
        self.assertBusError('RollbackFailed', revert, daemon, daemon.history('echo')[-1]['Id'])

    def test_options_are_checked(self):
        daemon = self.echo(1)
        for options in ({'trial_error_rate': 2.0}, {'trial_error_rate': -0.1}, {'trial_slowdown': 0.5}):
            self.assertBusError('InvalidArgument', daemon.reload, 'echo', module('echo-2.0.0'), trial_ms=100, **options)


class Stateful(Trial):
    def counter(self, candidate, **options):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        for _ in range(30):
            daemon.tool_value('count', {'by': 1})
        path = daemon.begin_reload('counter', module(candidate), trial_ms=30000, **options)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'trial')
        return daemon, path

    def test_is_taken_back_with_its_state_migrated_down(self):
        daemon, path = self.counter('counter-4.0.0')
        daemon.tool_value('count', {'by': 12})
        revert(daemon, daemon.property('Id', path, RELOAD))
        self.assertEqual(daemon.tool_value('count_get'), {'count': 42})

    def count(self, daemon):
        """25 calls; how many were answered well: the last ones may come to the old version again."""
        return sum(not daemon.call_tool('count', {'by': 1}).get('isError') for _ in range(25))

    def test_that_fails_is_taken_back_with_its_state(self):
        daemon, path = self.counter('counter-flaky')
        counted = self.count(daemon)
        self.assert_taken_back(daemon, path, 'not answered well', sha256(module('counter-1.0.0')), 'counter')
        self.assertEqual(daemon.tool_value('count_get'), {'count': 30 + counted})

    def test_without_a_way_down_goes_back_to_the_snapshot_and_says_so(self):
        daemon, path = self.counter('counter-one-way')
        daemon.tool_value('count', {'by': 100})
        counted = self.count(daemon)
        self.assert_taken_back(daemon, path, 'not answered well', sha256(module('counter-1.0.0')), 'counter')
        self.assertEqual(daemon.tool_value('count_get'), {'count': 30 + counted})
        row = daemon.history('counter')[0]
        self.assertRegex(row['Note'], r'of \d+\.\d s before, is restored; what was done since is lost')


class Restart(Trial):
    def test_in_the_window_keeps_the_new_version_and_says_so(self):
        daemon = self.echo()
        self.begin(daemon, 'echo-2.0.0')
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.version('echo'), sha256(module('echo-2.0.0')))
        row = daemon.history('echo')[0]
        self.assertEqual(row['State'], 'succeeded')
        self.assertIn('not judged', row['Note'])
        revert(daemon, row['Id'])
        self.assertEqual(daemon.version('echo'), OLD)

    def test_in_order_ends_soon(self):
        daemon = self.echo()
        self.begin(daemon, 'echo-2.0.0', 600)
        began = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - began, 10)
        daemon.start()
        self.assertRegex(daemon.history('echo')[0]['Note'], 'daemon ended .* not judged')


class Statistics(Trial):
    def test_are_by_version_and_count_errors_and_times(self):
        daemon = self.echo(0)
        self.call(daemon, 10)
        daemon.reload('echo', module('echo-slow'))
        self.call(daemon, 5)
        daemon.reload('echo', module('echo-flaky'))
        self.call(daemon, 8)
        rows = statistics(daemon, 'echo')
        figures = {}
        for row in rows:
            calls, errors = figures.get(row['semantic-version'], (0, 0))
            figures[row['semantic-version']] = (calls + row['calls'], errors + row['errors'])
        self.assertEqual(figures, {'1.0.0': (10, 0), '3.0.0': (5, 0), '4.0.0': (8, 4)})
        slow = next(row for row in rows if row['semantic-version'] == '3.0.0')
        self.assertTrue(20000 <= slow['p50-us'] <= slow['p95-us'] <= slow['p99-us'] <= slow['max-us'] < 2000000, slow)
        self.assertEqual({row['tool'] for row in statistics(daemon)}, {'echo'})
        self.assertEqual(statistics(daemon, since=__import__('gi').repository.GLib.Variant('x', 2 ** 62)), [])
        self.assertBusError('NotFound', statistics, daemon, 'nothing')


class OnTrial(Trial):
    """Calls that nobody made for an answer."""

    def test_are_nobodys_calls(self):
        daemon = self.daemon('--set', 'shadow.calls=50')
        tests = json.dumps([{'tool': 'read', 'arguments': {'x': 1}, 'result': {}}] * 3)
        daemon.load(module('reader-1.0.0'), smoke_tests=tests)
        self.assertEqual(statistics(daemon), [])
        for number in range(5):
            daemon.mcp().value('read', {'x': number})
        _, version = daemon.prepare('reader', module('reader-2.0.0'), smoke_tests=tests)
        self.assertFalse(daemon.call('ShadowCheck', '(ssa{sv})', 'reader', version, {})[0])
        daemon.call_prepared('reader', version, 'read', {'x': 7})
        daemon.commit('reader', version)
        daemon.tool_value('read', {'x': 8})
        counted = {row['semantic-version']: 0 for row in statistics(daemon)}
        for row in statistics(daemon):
            counted[row['semantic-version']] += row['calls']
        self.assertEqual(counted, {'1.0.0': 5, '2.0.0': 1})
        self.assertEqual(daemon.info('reader')['Calls'], 6)


class CommandLine(Trial):
    def run_verb(self, daemon, *arguments):
        done = subprocess.run([COLLETCTL, '--json', *arguments], capture_output=True, text=True, timeout=60,
                              env={'DBUS_SESSION_BUS_ADDRESS': daemon.case.bus.address, 'PATH': '/usr/bin:/bin'})
        return done.returncode, json.loads(done.stdout or '{}')

    def test_tries_confirms_reverts_and_shows_figures(self):
        daemon = self.echo()
        caller = Caller(daemon, 'echo', {})
        code, out = self.run_verb(daemon, 'reload', 'echo', module('echo-flaky'), '--trial=30', '--trial-error-rate=0.2')
        self.assertEqual((code, out['error']['name']), (1, 'TrialFailed'))
        caller.stop()
        code, out = self.run_verb(daemon, 'reload', 'echo', module('echo-2.0.0'), '--trial=30', '--no-wait')
        identity = out['reload']['id']
        wait_until(lambda: daemon.info('echo')['TrialEndsAt'])
        code, out = self.run_verb(daemon, 'confirm', identity)
        self.assertEqual((code, out['reload']['state']), (0, 'succeeded'))
        code, out = self.run_verb(daemon, 'revert', identity)
        self.assertEqual((code, out['reload']['kind'], out['reload']['reverts']), (0, 'rollback', identity))
        code, out = self.run_verb(daemon, 'statistics', 'echo', '--since=600', '--step=600')
        self.assertEqual(code, 0)
        self.assertIn('4.0.0', {row['semantic_version'] for row in out['statistics']})


@unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
class Killed(Trial):
    def test_when_the_window_opens(self):
        daemon = self.echo(1)
        daemon.restart({'COLLET_FAILPOINT': 'reload-on-trial'})
        with self.assertRaises(BusError):
            daemon.reload('echo', module('echo-2.0.0'), trial_ms=30000)
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.start()
        self.assertEqual(daemon.version('echo'), sha256(module('echo-2.0.0')))
        self.assertIn('not judged', daemon.history('echo')[0]['Note'])


if __name__ == '__main__':
    unittest.main()
