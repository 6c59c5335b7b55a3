# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replacing a module while it is called: state, calls, refusals, the way back."""

import json
import os
import subprocess
import threading
import time
import unittest

from collet_harness import MANAGER, RELOAD, BusError, TestCase, example, module, wait_until
from test_loading import sha256

LOAD = os.environ.get('COLLET_LOAD', 'collet-load')


class Caller(threading.Thread):
    """One call in the background."""

    def __init__(self, client, tool, arguments=None):
        super().__init__(daemon=True)
        self.client, self.tool, self.arguments = client, tool, arguments or {}
        self.message = self.error = None
        self.start()

    def run(self):
        try:
            self.message = self.client.call(self.tool, self.arguments)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def result(self, timeout=20):
        self.join(timeout)
        assert not self.is_alive(), 'the call did not end'
        if self.error is not None:
            raise self.error
        return self.message


def phase(daemon, reload):
    return daemon.property('Phase', reload, RELOAD)


class State(TestCase):
    def calculator(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        return daemon

    def test_survives_every_way_up_and_down(self):
        daemon = self.calculator()
        versions = {name: sha256(example('calculator-' + name)) for name in ('1.0.0', '1.1.0', '2.0.0')}
        total = 42

        def check(version):
            nonlocal total
            self.assertEqual(daemon.version('calculator'), versions[version])
            self.assertEqual(daemon.tool_value('memory_get')['memory'], total)
            total += 1
            self.assertEqual(daemon.mcp().value('memory_add', {'value': 1})['memory'], total)

        daemon.reload('calculator', example('calculator-1.1.0'))
        check('1.1.0')
        daemon.reload('calculator', example('calculator-2.0.0'))
        check('2.0.0')
        daemon.rollback('calculator')
        check('1.1.0')
        daemon.rollback('calculator', versions['1.0.0'])
        check('1.0.0')
        kinds = [(row['Kind'], row['State']) for row in daemon.history('calculator')]
        self.assertEqual(kinds, [('rollback', 'succeeded')] * 2 + [('hot-reload', 'succeeded')] * 2 +
                         [('load', 'succeeded')])

    def test_pause_is_measured_and_recorded(self):
        daemon = self.calculator()
        result = daemon.reload('calculator', example('calculator-2.0.0'))
        self.assertTrue(0 < result['PauseUs'] < 1000000, result['PauseUs'])
        self.assertEqual(daemon.history('calculator', 1)[0]['PauseUs'], result['PauseUs'])

    def test_can_be_given_or_discarded(self):
        daemon = self.calculator()
        daemon.reload('calculator', example('calculator-2.0.0'), state=b'memory=7')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 7)
        daemon.rollback('calculator', state='discard')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 0)

    def test_given_in_the_wrong_format_is_refused(self):
        daemon = self.calculator()
        error = self.assertBusError('StateMigrationFailed', daemon.reload, 'calculator', example('calculator-2.0.0'),
                                    state=b'nonsense')
        self.assertIn('memory=<integer>', error.message)
        self.assertEqual(daemon.tool_value('memory_get'), {'memory': 42})

    def test_of_ten_megabytes_survives(self):
        daemon = self.daemon()
        daemon.load(module('bigstate-1.0.0'))
        total = daemon.tool_value('bigstate', {'seed': 99})
        daemon.reload('bigstate', module('bigstate-2.0.0'))
        self.assertEqual(daemon.tool_value('bigstate'), total)

    def test_and_worker_move_between_hosts(self):
        daemon = self.calculator()
        daemon.reload('calculator', example('calculator-1.1.0'), host='in-process')
        self.assertEqual(daemon.tool_value('memory_get'), {'memory': 42})
        daemon.reload('calculator', example('calculator-2.0.0'), host='in-process')
        daemon.tool_value('memory_add', {'value': 1})
        daemon.rollback('calculator', host='worker')
        self.assertEqual(daemon.tool_value('memory_get'), {'memory': 43})
        self.assertEqual(daemon.info('calculator')['Host'], 'worker')


class Failure(TestCase):
    """A reload that fails leaves the old version with the old state, and says why."""

    def counter(self):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        self.assertEqual(daemon.tool_value('count', {'by': 5}), {'count': 5})
        return daemon

    def refuse(self, daemon, candidate, names, text=None, **options):
        path = daemon.begin_reload('counter', module(candidate), **options)
        with self.assertRaises(BusError) as caught:
            daemon.wait(path)
        error = caught.exception
        self.assertIn(error.name, names, error.message)
        if text is not None:
            self.assertIn(text, error.message)
        self.assertEqual(daemon.version('counter'), sha256(module('counter-1.0.0')))
        before = daemon.mcp().value('count_get')['count']
        self.assertEqual(daemon.mcp().value('count', {'by': 1}), {'count': before + 1})
        self.assertEqual(daemon.history('counter', 1)[0]['ErrorName'], error.name)
        self.assertEqual(daemon.property('State', path, RELOAD), 'failed')
        return error

    def test_no_code_change_for_a_new_format(self):
        daemon = self.counter()
        self.refuse(daemon, 'counter-3.0.0', {'StateMigrationFailed'})
        daemon.reload('counter', module('counter-3.0.0'), discard_state=True)
        self.assertEqual(daemon.tool_value('count_get'), {'count': 0})

    def test_code_change_fails_with_the_modules_reason(self):
        self.refuse(self.counter(), 'counter-fail-code-change', {'StateMigrationFailed'}, 'never migrates')

    def test_code_change_crashes(self):
        self.refuse(self.counter(), 'counter-crash-code-change', {'StateMigrationFailed', 'WorkerCrashed'})

    def test_code_change_hangs(self):
        self.refuse(self.counter(), 'counter-hang-code-change', {'StateMigrationFailed', 'Timeout'}, timeout_ms=1500)

    def test_import_fails_or_crashes(self):
        daemon = self.counter()
        self.refuse(daemon, 'counter-fail-import', {'StateMigrationFailed'}, 'never imports')
        self.refuse(daemon, 'counter-crash-import', {'StateMigrationFailed', 'WorkerCrashed'})

    def test_export_fails(self):
        daemon = self.daemon()
        daemon.load(module('counter-fail-export'))
        daemon.tool_value('count', {'by': 5})
        with self.assertRaises(BusError) as caught:
            daemon.reload('counter', module('counter-1.0.0'))
        self.assertEqual(caught.exception.name, 'StateMigrationFailed')
        self.assertIn('never exports', caught.exception.message)
        self.assertEqual(daemon.tool_value('count_get'), {'count': 5})

    def test_candidate_crashes_hangs_or_is_no_module(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        for name, names in (('echo-crash-init', {'ProbeCrashed'}), ('echo-no-symbol', {'InvalidModule'}),
                            ('echo-fail-self-test', {'SelfTestFailed', 'ValidationFailed'})):
            with self.subTest(name), self.assertRaises(BusError) as caught:
                daemon.reload('echo', module(name))
            self.assertIn(caught.exception.name, names)
            self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_of_what_is_not_loaded(self):
        daemon = self.daemon()
        self.assertBusError('ModuleNotLoaded', daemon.reload, 'counter', module('counter-1.0.0'))
        self.assertBusError('ModuleNotLoaded', daemon.rollback, 'counter')
        self.assertBusError('ModuleNotLoaded', daemon.unload, 'counter')
        self.assertBusError('ModuleNotLoaded', daemon.version, 'counter')

    def test_artifact_of_another_module(self):
        daemon = self.counter()
        self.assertBusError('InvalidArgument', daemon.reload, 'counter', module('echo-1.0.0'))

    def test_expected_version_does_not_run(self):
        daemon = self.counter()
        version = daemon.version('counter')
        self.assertBusError('VersionMismatch', daemon.reload, 'counter', module('counter-2.0.0'),
                            expect_version='0' * 64)
        daemon.reload('counter', module('counter-2.0.0'), expect_version=version[:12])

    def test_breaking_change_needs_a_word(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.1.0'))
        error = self.assertBusError('BreakingChange', daemon.reload, 'calculator', example('calculator-1.0.0'))
        self.assertIn('power', error.message)
        self.assertIn('power', [tool['name'] for tool in daemon.mcp().tools()])
        daemon.reload('calculator', example('calculator-1.0.0'), allow_breaking=True)
        self.assertNotIn('power', [tool['name'] for tool in daemon.mcp().tools()])

    def test_rollback_to_what_is_not_kept(self):
        daemon = self.counter()
        self.assertBusError('NotFound', daemon.rollback, 'counter', 'f' * 64)
        self.assertIn(self.previous_error(daemon), {'NotFound', 'RollbackFailed'})

    def previous_error(self, daemon):
        try:
            daemon.rollback('counter')
        except BusError as error:
            return error.name
        return None


class Requests(TestCase):
    def hanging(self):
        """A daemon with a reload of `counter` that does not get on."""
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        return daemon, daemon.begin_reload('counter', module('counter-hang-code-change'), timeout_ms=20000)

    def test_the_same_joins(self):
        daemon, path = self.hanging()
        self.assertEqual(daemon.begin_reload('counter', module('counter-hang-code-change'), timeout_ms=20000), path)
        daemon.call('Cancel', path=path, interface=RELOAD)

    def test_another_is_told_who_holds_the_module(self):
        daemon, path = self.hanging()
        error = self.assertBusError('ReloadInProgress', daemon.reload, 'counter', module('counter-2.0.0'))
        self.assertIn(daemon.property('Id', path, RELOAD), error.message)
        daemon.call('Cancel', path=path, interface=RELOAD)

    def test_other_modules_are_not_held_up(self):
        daemon, path = self.hanging()
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        daemon.call('Cancel', path=path, interface=RELOAD)

    def test_cancel_undoes(self):
        daemon, path = self.hanging()
        wait_until(lambda: phase(daemon, path) in ('prepare', 'commit'))
        time.sleep(0.2)
        self.assertTrue(daemon.property('Cancellable', path, RELOAD))
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)
        self.assertEqual(daemon.property('State', path, RELOAD), 'cancelled')
        self.assertEqual(daemon.version('counter'), sha256(module('counter-1.0.0')))
        self.assertEqual(daemon.tool_value('count'), {'count': 1})
        self.assertEqual(daemon.history('counter', 1)[0]['State'], 'cancelled')
        daemon.reload('counter', module('counter-2.0.0'))

    def test_cancel_after_the_end_is_refused(self):
        daemon = self.daemon()
        path = daemon.begin_load(module('echo-1.0.0'))
        daemon.wait(path)
        self.assertFalse(daemon.property('Cancellable', path, RELOAD))
        self.assertTrue(daemon.property('NotCancellableReason', path, RELOAD))
        self.assertBusError('InvalidArgument', daemon.call, 'Cancel', path=path, interface=RELOAD)

    def test_wait_has_a_limit_and_the_reload_goes_on(self):
        daemon, path = self.hanging()
        self.assertBusError('Timeout', daemon.call, 'Wait', '(u)', 100, path=path, interface=RELOAD)
        self.assertEqual(daemon.property('State', path, RELOAD), 'running')
        daemon.call('Cancel', path=path, interface=RELOAD)

    def test_many_updates_are_told_in_order_after_the_answer(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        aliases = [f'echo-{n:02}' for n in range(20)]
        for name in aliases:
            daemon.call('RegisterTool', '(sssa{sv})', name, 'echo', 'echo', {})
        seen = []
        subscription = daemon.connection.signal_subscribe(
            None, MANAGER, 'ToolUpdated', None, None, 0, lambda *signal: seen.append(signal[5].unpack()))
        before = daemon.property('UpdateSequence')
        daemon.reload('echo', module('echo-2.0.0'))
        daemon.call('RegisterTool', '(sssa{sv})', 'late', 'echo', 'echo', {})

        def turn():
            from gi.repository import GLib
            GLib.MainContext.default().iteration(False)
            return any(name == 'late' for name, _, _ in seen)

        wait_until(turn, what='the signals')
        daemon.connection.signal_unsubscribe(subscription)
        seen = [signal for signal in seen if signal[2] > before]  # not those of the registrations
        self.assertEqual([sequence for _, _, sequence in seen], list(range(before + 1, before + 23)))
        self.assertEqual({name for name, _, _ in seen}, {'echo', 'late', *aliases})
        self.assertEqual(seen[-1][0], 'late')

    def test_the_module_names_the_one_that_changes_it(self):
        daemon, path = self.hanging()
        self.assertEqual(daemon.info('counter')['Reload'], path)
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)
        self.assertEqual(daemon.info('counter')['Reload'], '/')

    def test_code_that_stays_in_memory_is_told(self):
        daemon = self.daemon()
        daemon.load(module('echo-nodelete'), host='in-process')
        self.assertEqual(daemon.info('echo')['ResidentVersions'], [])
        daemon.load(module('echo-2.0.0'), allow_breaking=True)
        self.assertEqual(daemon.info('echo')['ResidentVersions'], [sha256(module('echo-nodelete'))])
        client = daemon.mcp()
        client.connection.request('GET', '/metrics')
        figures = dict(line.rsplit(' ', 1) for line in client.connection.getresponse().read().decode().splitlines()
                       if line and not line.startswith('#'))
        self.assertEqual(figures['collet_resident_versions'], '1')
        self.assertTrue(20 < int(figures['collet_memory_mappings']) < int(figures['collet_memory_mappings_limit']))

    def test_the_version_on_disk_is_told(self):
        daemon = self.daemon()
        daemon.load(example('text-tools'))
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(daemon.info('text-tools')['OnDisk'], sha256(example('text-tools')))
        self.assertNotIn('OnDisk', daemon.info('echo'))  # there is no echo.so

    def test_finished_is_signalled_once(self):
        daemon = self.daemon()
        seen = []
        subscription = daemon.connection.signal_subscribe(
            None, RELOAD, 'Finished', None, None, 0, lambda *signal: seen.append(signal[5].unpack()))
        daemon.load(module('counter-1.0.0'))
        self.assertRaises(BusError, daemon.reload, 'counter', module('counter-fail-code-change'))

        def received():
            from gi.repository import GLib
            while GLib.MainContext.default().iteration(False):
                pass
            return len(seen) >= 2 or None

        wait_until(received)
        daemon.connection.signal_unsubscribe(subscription)
        self.assertEqual([(row[0], row[1]) for row in seen], [(True, ''), (False, 'StateMigrationFailed')])


class Calls(TestCase):
    def test_that_run_finish_where_they_began(self):
        daemon = self.daemon()
        daemon.load(module('echo-hang-call'))
        caller = Caller(daemon.mcp(), 'echo')
        wait_until(lambda: daemon.info('echo')['InFlight'] == 1, what='the call')
        path = daemon.begin_reload('echo', module('echo-1.0.0'), drain_timeout_ms=1000)
        wait_until(lambda: phase(daemon, path) == 'drain')
        self.assertTrue(caller.is_alive())
        self.assertEqual(daemon.mcp().value('echo', {'new': 1}), {'new': 1})
        # The deadline ends the worker of a call that never returns, and says so.
        message = caller.result()
        self.assertIn('error', message)
        self.assertTrue(message['error']['data']['reason'])
        self.assertEqual(daemon.wait(path)['State'], 'succeeded')

    def test_too_many_live_generations_are_refused(self):
        daemon = self.daemon()
        daemon.load(module('echo-hang-call'))
        callers = []
        for candidate in ('echo-1.0.0', 'echo-hang-call', 'echo-1.0.0'):
            if candidate == 'echo-1.0.0':
                callers.append(Caller(daemon.mcp(), 'echo'))
                time.sleep(0.5)
            path = daemon.begin_reload('echo', module(candidate), drain_timeout_ms=60000)
            wait_until(lambda: phase(daemon, path) in ('drain', 'done'))
        wait_until(lambda: daemon.info('echo')['LiveGenerations'] == 3, what='three live generations')
        error = self.assertBusError('NotPurged', daemon.reload, 'echo', module('echo-2.0.0'))
        self.assertIn('3', error.message)
        self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})
        for pid in daemon.processes()[1:]:
            if pid != daemon.info('echo')['Pid']:
                os.kill(pid, 9)
        for caller in callers:
            self.assertToolError(caller.result(), 'WorkerCrashed')

    def test_none_is_lost_while_versions_come_and_go(self):
        daemon = self.daemon('--record-calls')
        daemon.load(example('calculator-1.0.0'))
        versions = {name: sha256(example('calculator-' + name)) for name in ('1.0.0', '1.1.0', '2.0.0')}
        ledger = os.path.join(self.folder, 'ledger')
        with subprocess.Popen([LOAD, '--url', f'http://127.0.0.1:{daemon.port}/mcp', '--connections', '4', '--verify',
                               '--ledger', ledger], stdout=subprocess.PIPE, text=True) as load:
            try:
                for _ in range(5):
                    daemon.reload('calculator', example('calculator-1.1.0'))
                    daemon.reload('calculator', example('calculator-2.0.0'))
                    daemon.rollback('calculator', versions['1.1.0'])
                    daemon.rollback('calculator', versions['1.0.0'])
            finally:
                load.terminate()
                summary = json.loads(load.stdout.read().splitlines()[-1])
        self.assertEqual(load.returncode, 0, summary)
        self.assertEqual(summary['failed'], 0)
        self.assertTrue(summary['register']['adds_up'], summary['register'])
        self.assertEqual(set(summary['versions']), set(versions.values()))
        daemon.stop()
        with open(ledger, encoding='utf-8') as lines:
            ids = {line.split('\t')[0] for line in list(lines)[1:]}
        recorded = [row["request_id"].strip('"') for row in daemon.sql('SELECT request_id FROM call_record WHERE request_id IS NOT NULL')]
        self.assertEqual(len(recorded), len(set(recorded)))
        self.assertEqual(set(recorded), ids)

    def test_of_a_tool_that_comes_or_goes_follow_the_list(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        client = daemon.mcp()
        self.assertToolError(client.call('power', {'a': 2, 'b': 3}), 'ToolNotFound')
        daemon.reload('calculator', example('calculator-1.1.0'))
        self.assertEqual(client.value('power', {'a': 2, 'b': 3}), {'result': 8})
        daemon.unload('calculator')
        self.assertEqual(client.tools(), [])
        self.assertToolError(client.call('add', {'a': 2, 'b': 3}), 'ToolNotFound')
        self.assertEqual(daemon.history('calculator', 1)[0]['Kind'], 'unload')


if __name__ == '__main__':
    unittest.main()
