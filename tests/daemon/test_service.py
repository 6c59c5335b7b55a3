# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules and the daemon out of service and back: drain, resume, shutdown."""

import json
import os
import signal
import subprocess
import time
import unittest

from collet_harness import HAS_FAILPOINTS, RELOAD, BusError, TestCase, example, module, variants, wait_until
from test_reloading import Caller

COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')


def drain(daemon, name, timeout_ms=0, **options):
    return daemon.call('DrainModule', '(sua{sv})', name, timeout_ms, variants(options))


def resume(daemon, name, **options):
    return daemon.wait(daemon.call('ResumeModule', '(sa{sv})', name, variants(options)))


def status(daemon, name=''):
    return daemon.call('GetDrainStatus', '(s)', name)


class Service(TestCase):
    def countdown(self, seconds):
        """A daemon with one call that takes so long."""
        daemon = self.daemon()
        daemon.load(example('countdown'))
        client = daemon.mcp()
        caller = Caller(client, 'countdown', {'from': int(seconds * 10), 'interval_ms': 100})
        wait_until(lambda: daemon.info('countdown')['InFlight'] == 1)
        return daemon, caller

    def assert_refused(self, daemon, tool='countdown', arguments=None):
        error = daemon.mcp().call(tool, {'from': 1, 'interval_ms': 1} if arguments is None else arguments)['error']
        self.assertEqual(error['data']['reason'], 'ModuleDrained')
        self.assertGreater(error['data']['retryAfterMs'], 0)
        self.assertIn('did not begin', error['message'])


class Drain(Service):
    def test_finishes_calls_that_run_and_refuses_new_ones(self):
        daemon, caller = self.countdown(1)
        path = drain(daemon, 'countdown', 10000, reason='maintenance')
        wait_until(lambda: daemon.info('countdown')['State'] == 'draining')
        row, = status(daemon, 'countdown')
        self.assertEqual((row['state'], row['in-flight'], row['version']),
                         ('draining', 1, daemon.version('countdown')))
        self.assertGreater(row['oldest-call-ms'], 0)
        self.assertTrue(time.time() < row['deadline'] / 1e6 < time.time() + 11)
        self.assert_refused(daemon)
        self.assertEqual(daemon.property('State', path, RELOAD), 'running')
        self.assertIn('result', caller.result())
        daemon.wait(path)

        self.assert_refused(daemon)
        self.assertBusError('ModuleDrained', daemon.tool_value, 'countdown', {'from': 1, 'interval_ms': 1})
        info = daemon.info('countdown')
        self.assertEqual((info['State'], info['Verdict'], info['InFlight']), ('drained', 'attention', 0))
        self.assertEqual([(row['state'], row['in-flight']) for row in status(daemon)], [('drained', 0)])
        self.assertIn('countdown', [tool['name'] for tool in daemon.mcp().tools()])
        row = daemon.history('countdown')[0]
        self.assertEqual((row['Kind'], row['State'], row['Reason']), ('drain', 'succeeded', 'maintenance'))
        self.assertEqual(row['Items'][0]['from'], row['Items'][0]['to'])
        self.assertEqual(daemon.sql('SELECT state FROM module_status')[0]['state'], 'drained')

        resume(daemon, 'countdown')
        self.assertIn('result', daemon.mcp().call('countdown', {'from': 1, 'interval_ms': 1}))
        self.assertEqual(daemon.history('countdown')[0]['Kind'], 'resume')
        self.assertEqual(daemon.sql('SELECT state, drained FROM module_status')[0], {'state': 'loaded', 'drained': None})

    def test_that_takes_too_long_changes_nothing_and_says_what_is_left(self):
        daemon, caller = self.countdown(2)
        time.sleep(0.2)
        path = drain(daemon, 'countdown', 150)
        with self.assertRaises(BusError) as caught:
            daemon.wait(path)
        self.assertEqual(caught.exception.name, 'DrainTimeout')
        self.assertRegex(caught.exception.message, r'^1 call of countdown \S+ still ran after 150 ms, the oldest for \d+')
        age = int(caught.exception.message.split('the oldest for ')[1].split(' ')[0])
        self.assertGreaterEqual(age, 300)
        self.assertNotIn(daemon.info('countdown')['State'], ('drained', 'draining'))
        self.assertEqual(status(daemon), [])
        self.assertEqual(daemon.history('countdown')[0]['ErrorName'], 'DrainTimeout')
        self.assertIn('result', caller.result())
        self.assertIn('result', daemon.mcp().call('countdown', {'from': 1, 'interval_ms': 1}))

    def test_with_force_ends_the_calls_that_are_left(self):
        daemon, caller = self.countdown(60)
        daemon.wait(drain(daemon, 'countdown', 100, force=True))
        self.assertEqual(caller.result()['error']['data']['reason'], 'DrainTimeout')
        row = daemon.history('countdown')[0]
        self.assertEqual((row['Kind'], row['State'], row['Note']),
                         ('drain', 'succeeded', '1 call did not end in time and was ended.'))
        self.assert_refused(daemon)
        resume(daemon, 'countdown')
        self.assertIn('result', daemon.mcp().call('countdown', {'from': 1, 'interval_ms': 1}))

    def test_cancelled_changes_nothing(self):
        daemon, caller = self.countdown(2)
        path = drain(daemon, 'countdown', 10000)
        wait_until(lambda: daemon.info('countdown')['State'] == 'draining')
        self.assertBusError('ReloadInProgress', daemon.reload, 'countdown', example('countdown'))
        self.assertBusError('ReloadInProgress', resume, daemon, 'countdown')
        self.assertEqual(drain(daemon, 'countdown', 10000), path, 'the same request again joins')
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)
        self.assertIn('result', caller.result())
        self.assertIn('result', daemon.mcp().call('countdown', {'from': 1, 'interval_ms': 1}))

    def test_saves_state_and_lasts_through_restart_and_reload(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.wait(drain(daemon, 'calculator'))
        self.assertEqual(daemon.sql("SELECT cause FROM snapshot ORDER BY number DESC")[0]['cause'], 'drain')
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.info('calculator')['State'], 'drained')
        self.assert_refused(daemon, 'memory_get', {})
        daemon.reload('calculator', example('calculator-2.0.0'))
        self.assertEqual(daemon.info('calculator')['State'], 'drained')
        self.assert_refused(daemon, 'memory_get', {})
        daemon.wait(drain(daemon, 'calculator'))
        daemon.restart()
        resume(daemon, 'calculator')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)
        resume(daemon, 'calculator')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)

    def test_ends_with_the_unloading(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.wait(drain(daemon, 'echo'))
        daemon.unload('echo')
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        daemon.restart()
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_of_what_is_not_loaded(self):
        daemon = self.daemon()
        self.assertBusError('ModuleNotLoaded', drain, daemon, 'echo')
        self.assertBusError('ModuleNotLoaded', resume, daemon, 'echo')
        self.assertBusError('ModuleNotLoaded', status, daemon, 'echo')
        self.assertEqual(status(daemon), [])

    def test_in_process_works_as_well(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'), host='in-process')
        daemon.tool_value('memory_add', {'value': 7})
        daemon.wait(drain(daemon, 'calculator'))
        self.assert_refused(daemon, 'memory_get', {})
        resume(daemon, 'calculator')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 7)

    def test_shows_old_generations_that_finish_their_calls(self):
        daemon, caller = self.countdown(1)
        path = daemon.begin_reload('countdown', example('countdown'))
        row = wait_until(lambda: status(daemon))[0]
        self.assertEqual((row['module'], row['state'], row['in-flight']), ('countdown', 'draining', 1))
        self.assertLess(row['generation'], daemon.info('countdown')['Generation'])
        self.assertIn('result', caller.result())
        daemon.wait(path)
        self.assertEqual(status(daemon), [])


class Shutdown(Service):
    def test_waits_for_calls_saves_state_and_is_recorded(self):
        daemon, caller = self.countdown(1)
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        result = daemon.wait(daemon.call('InitiateShutdown', '(ua{sv})', 10000, variants({'reason': 'new kernel'})))
        self.assertEqual((result['Kind'], result['State']), ('shutdown', 'succeeded'))
        self.assertIn('result', caller.result())
        self.assertEqual(daemon.wait_exit(), 0)
        daemon.start()
        row = daemon.history()[0]
        self.assertEqual((row['Kind'], row['State'], row['Reason']), ('shutdown', 'succeeded', 'new kernel'))
        self.assertEqual(row['Note'], 'All calls had ended. 1 state was saved.')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)

    def test_ends_calls_that_are_left(self):
        daemon, caller = self.countdown(60)
        began = time.monotonic()
        daemon.call('InitiateShutdown', '(ua{sv})', 300, {})
        self.assertBusError('ShuttingDown', daemon.load, module('echo-1.0.0'))
        self.assertBusError('ShuttingDown', daemon.call, 'InitiateShutdown', '(ua{sv})', 300, {})
        self.assertEqual(daemon.wait_exit(), 0)
        self.assertLess(time.monotonic() - began, 25)
        caller.join(5)
        daemon.start()
        self.assertEqual(daemon.history()[0]['Kind'], 'shutdown')

    def test_by_a_second_signal_waits_for_nothing(self):
        daemon, caller = self.countdown(60)
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: daemon.property('State') == 'stopping')
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait_exit(5), 1)
        caller.join(5)
        daemon.start()
        row = daemon.history()[0]
        self.assertEqual((row['Kind'], row['State']), ('shutdown', 'interrupted'))

    def test_by_signal_says_so(self):
        daemon = self.daemon()
        daemon.stop()
        daemon.start()
        row = daemon.history()[0]
        self.assertEqual((row['Kind'], row['State'], row['Initiator']), ('shutdown', 'succeeded', -1))
        self.assertIn('signal', row['Reason'])


@unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
class Killed(TestCase):
    """In the middle of a drain: it serves, or it is drained, as the history says."""

    def at(self, name, is_drained):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.restart({'COLLET_FAILPOINT': name})
        with self.assertRaises(BusError):
            daemon.wait(drain(daemon, 'calculator'))
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.start()
        row = daemon.history('calculator')[0]
        self.assertEqual((row['Kind'], row['State']), ('drain', 'succeeded' if is_drained else 'interrupted'))
        self.assertEqual(daemon.info('calculator')['State'] == 'drained', is_drained)
        resume(daemon, 'calculator')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)

    def test_while_calls_are_waited_for(self):
        self.at('service-draining', False)

    def test_before_the_commit(self):
        self.at('service-before-commit', False)

    def test_after_the_commit(self):
        self.at('service-after-commit', True)


class CommandLine(Service):
    def run_verb(self, daemon, *arguments):
        done = subprocess.run([COLLETCTL, '--json', *arguments], capture_output=True, text=True, timeout=30,
                              env={'DBUS_SESSION_BUS_ADDRESS': daemon.case.bus.address, 'PATH': '/usr/bin:/bin'})
        return done.returncode, json.loads(done.stdout or '{}')

    def test_drains_shows_resumes_and_stops(self):
        daemon, caller = self.countdown(2)
        code, out = self.run_verb(daemon, 'drain', 'countdown', '--drain-timeout=0.1', '--reason', 'look')
        self.assertEqual((code, out['error']['name']), (1, 'DrainTimeout'))
        code, out = self.run_verb(daemon, 'drain', 'countdown', '--drain-timeout=0.1', '--force')
        self.assertEqual((code, out['reload']['kind'], out['reload']['state']), (0, 'drain', 'succeeded'))
        code, out = self.run_verb(daemon, 'drain', 'status')
        self.assertEqual([(row['module'], row['state']) for row in out['draining']], [('countdown', 'drained')])
        self.assertEqual(self.run_verb(daemon, 'resume', 'countdown')[0], 0)
        self.assertIn('result', daemon.mcp().call('countdown', {'from': 1, 'interval_ms': 1}))
        code, out = self.run_verb(daemon, 'shutdown', '--reason', 'done')
        self.assertEqual(code, 0)
        self.assertEqual(daemon.wait_exit(), 0)
        caller.join(5)


if __name__ == '__main__':
    unittest.main()
