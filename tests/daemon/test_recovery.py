# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is left after a crash of a worker, of the fork server and of the daemon."""

import os
import random
import signal
import sqlite3
import threading
import time
import unittest

from collet_harness import HAS_FAILPOINTS, IS_SANITIZED, BusError, TestCase, example, module, wait_until
from test_loading import sha256
from test_protocol import Stream
from test_reloading import Caller


class Worker(TestCase):
    def test_killed_in_a_call_fails_that_call_by_name_and_comes_back(self):
        daemon = self.daemon()
        daemon.load(module('hang-call'))
        daemon.load(module('echo-1.0.0'))
        caller = Caller(daemon.mcp(), 'hang-call')
        pid = wait_until(lambda: daemon.info('hang-call')['InFlight'] == 1 and daemon.info('hang-call')['Pid'])
        os.kill(pid, signal.SIGKILL)
        self.assertToolError(caller.result(), 'WorkerCrashed')
        self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})
        wait_until(lambda: daemon.info('hang-call')['Crashes'] == 1, what='the count of crashes')
        wait_until(lambda: daemon.info('hang-call')['Pid'] not in (0, pid) or
                   daemon.info('hang-call')['State'] == 'cold', what='another worker')

    def test_that_crashes_in_every_call_is_given_up_and_can_be_replaced(self):
        daemon = self.daemon()
        daemon.load(module('echo-crash-call'))
        client = daemon.mcp()
        reasons = []

        def crash():
            reasons.append(client.call('echo')['error']['data']['reason'])
            return reasons[-1] == 'WorkerUnavailable'

        wait_until(crash, 30, 'giving up')
        self.assertEqual(reasons[0], 'WorkerCrashed')
        self.assertLessEqual(set(reasons), {'WorkerCrashed', 'WorkerUnavailable'})
        wait_until(lambda: daemon.info('echo')['State'] == 'broken', what='the state "broken"')
        self.assertEqual(daemon.info('echo')['Verdict'], 'broken')
        self.assertTrue(daemon.info('echo')['VerdictMessage'])
        daemon.reload('echo', module('echo-1.0.0'))
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})

    def test_that_leaves_with_success_in_a_call_crashed_all_the_same(self):
        daemon = self.daemon()
        daemon.load(module('exit-call'))
        self.assertToolError(daemon.mcp().call('exit-call'), 'WorkerCrashed')

    def test_of_a_stateful_module_comes_back_with_its_last_durable_state(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.reload('calculator', example('calculator-1.1.0'))
        daemon.tool_value('memory_add', {'value': 1})
        os.kill(daemon.info('calculator')['Pid'], signal.SIGKILL)

        def read():
            try:
                return daemon.tool_value('memory_get')
            except BusError:
                return None

        self.assertEqual(wait_until(read), {'memory': 42})
        wait_until(lambda: daemon.info('calculator')['StateSavedAt'] > 0, what='the age of the state')

    @unittest.skipIf(IS_SANITIZED, 'a sanitized worker has no limit of memory')
    def test_that_takes_all_memory_fails_one_call(self):
        daemon = self.daemon()
        daemon.load(module('leak'))
        daemon.load(module('echo-1.0.0'))
        message = daemon.mcp().call('leak')
        if 'result' in message:
            self.assertTrue(message['result']['isError'])
            self.assertIn('out of memory', str(message['result']['content']))
        else:
            self.assertToolError(message, 'WorkerCrashed')
        self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})

    def test_that_answers_nonsense_fails_one_call_by_name(self):
        daemon = self.daemon()
        for name in ('bad-json', 'bad-result'):
            daemon.load(module(name))
            with self.subTest(name):
                self.assertToolError(daemon.mcp().call(name), 'InvalidResult')


class ForkServer(TestCase):
    def test_killed_is_started_again(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        for pid in daemon.processes():
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                if b'fork-server' in file.read():
                    os.kill(pid, signal.SIGKILL)
                    break
        else:
            self.fail('no fork server')

        def load():
            try:
                return daemon.load(module('counter-1.0.0'))
            except BusError:
                return None

        wait_until(load)
        self.assertEqual(daemon.tool_value('count'), {'count': 1})
        self.assertEqual(wait_until(lambda: daemon.tool_value('echo', {'x': 1})), {'x': 1})


class Restart(TestCase):
    def test_brings_back_versions_tools_state_and_history(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.load(module('echo-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.reload('calculator', example('calculator-2.0.0'))
        daemon.tool_value('memory_add', {'value': 1})
        before = [row['Version'] for row in daemon.call('ListModules', '(a{sv})', {})]
        history = [row['Id'] for row in daemon.history()]
        generation = daemon.info('calculator')['Generation']
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        self.assertEqual([row['Version'] for row in daemon.call('ListModules', '(a{sv})', {})], before)
        rows = daemon.history()
        self.assertEqual([row['Id'] for row in rows[1:]], history)
        self.assertEqual((rows[0]['Kind'], rows[0]['State'], rows[0]['Initiator']), ('shutdown', 'succeeded', -1))
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 43)
        self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})
        daemon.rollback('calculator')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 43)
        self.assertGreater(daemon.info('calculator')['Generation'], generation)

    def test_keeps_sessions(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        client = daemon.mcp()
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})
        ended = daemon.mcp()
        ended.initialize()
        ended.connection.request('DELETE', '/mcp', headers={'Mcp-Session-Id': ended.session})
        self.assertEqual(ended.connection.getresponse().status, 200)
        daemon.restart()
        self.assertEqual(self.again(daemon, client).value('echo', {'x': 2}), {'x': 2})
        self.assertEqual(self.again(daemon, ended).rpc('ping').status, 404)

        second = daemon.mcp()
        second.initialize()
        wait_until(lambda: daemon.sql('SELECT id FROM session WHERE id = ?', second.session))
        daemon.kill()
        daemon.start()
        self.assertEqual(self.again(daemon, client).value('echo', {'x': 3}), {'x': 3})
        self.assertEqual(self.again(daemon, second).value('echo', {'x': 4}), {'x': 4})

    def test_tells_sessions_of_the_list_that_they_do_not_know(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        client = daemon.mcp()
        client.initialize()
        daemon.restart()
        stream = Stream(client, daemon.port)
        stream.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError, msg='told, but nothing has changed'):
            stream.read_until(b'list_changed')
        stream.close()

        daemon.stop()
        with sqlite3.connect(os.path.join(daemon.data, 'collet.db')) as database:
            database.execute("UPDATE tool SET metadata = '{\"title\": \"Another\"}' WHERE name = 'echo'")
        database.close()
        daemon.start()
        stream = Stream(client, daemon.port)
        stream.read_until(b'notifications/tools/list_changed')
        stream.close()
        self.assertEqual(self.again(daemon, client).tools()[0]['title'], 'Another')

    def again(self, daemon, client):
        """The same session over a new connection."""
        other = daemon.mcp()
        other.session = client.session
        return other

    def test_waits_for_calls_that_run(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        client = daemon.mcp()
        caller = Caller(client, 'countdown', {'from': 10, 'interval_ms': 100})
        wait_until(lambda: daemon.info('countdown')['InFlight'] == 1)
        daemon.clients.remove(client)
        self.assertEqual(daemon.stop(), 0)
        self.assertIn('result', caller.result())


class Killed(TestCase):
    def test_idle_comes_back_as_it_was(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.reload('calculator', example('calculator-1.1.0'))
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.version('calculator'), sha256(example('calculator-1.1.0')))
        self.assertEqual(daemon.tool_value('memory_get'), {'memory': 42})

    def test_takes_its_workers_with_it(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.tool_value('echo', {})
        self.assertGreaterEqual(len(daemon.processes()), 2)
        daemon.kill()
        self.assertEqual(self.leftovers(), [])

    def test_at_any_moment_is_old_or_new_and_the_history_knows(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.reload('calculator', example('calculator-1.1.0'))
        versions = {sha256(example('calculator-' + name)) for name in ('1.0.0', '1.1.0', '2.0.0')}
        dice = random.Random(20261122)
        for turn in range(8):
            stop = threading.Event()

            def reload():
                while not stop.is_set():
                    try:
                        daemon.reload('calculator', example('calculator-2.0.0'))
                        daemon.rollback('calculator', sha256(example('calculator-1.1.0')))
                    except BusError:
                        return

            worker = threading.Thread(target=reload)
            worker.start()
            time.sleep(dice.uniform(0.01, 0.4))
            daemon.kill()
            stop.set()
            worker.join()
            daemon.start()
            with self.subTest(turn):
                rows = daemon.history('calculator', 100)
                self.assertNotIn('running', {row['State'] for row in rows})
                version = daemon.version('calculator')
                self.assertIn(version, versions)
                # What runs is what the newest reload that stands says.
                done = [row for row in rows if row['State'] == 'succeeded']
                self.assertEqual(done[0]['Items'][0]['to'], version)
                self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)
                self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 1})['result'], 2)


@unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
class Failpoint(TestCase):
    """The daemon is killed at a named place; the next start is on one side of it."""

    def at(self, name, version, state):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.restart({'COLLET_FAILPOINT': name})
        with self.assertRaises(BusError):
            daemon.reload('calculator', example('calculator-2.0.0'))
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.start()
        self.assertEqual(daemon.version('calculator'), sha256(example('calculator-' + version)))
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)
        rows = daemon.history('calculator')
        if state is None:
            self.assertEqual([row['Kind'] for row in rows], ['load'])
        else:
            self.assertEqual((rows[0]['Kind'], rows[0]['State']), ('hot-reload', state))
        if state == 'interrupted':
            self.assertEqual(rows[0]['ErrorName'], 'Interrupted')
        # And it works from here.
        if version == '1.0.0':
            daemon.reload('calculator', example('calculator-2.0.0'))
        else:
            daemon.rollback('calculator')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)

    def test_before_an_artifact_has_its_name(self):
        self.at('artifact-before-rename', '1.0.0', None)

    def test_after_an_artifact_has_its_name(self):
        self.at('artifact-after-rename', '1.0.0', None)

    def test_after_the_journal_entry(self):
        self.at('reload-begun', '1.0.0', 'interrupted')

    def test_before_the_commit(self):
        self.at('reload-before-commit', '1.0.0', 'interrupted')

    def test_after_the_commit(self):
        self.at('reload-after-commit', '2.0.0', 'succeeded')

    def test_while_draining(self):
        self.at('reload-draining', '2.0.0', 'succeeded')


if __name__ == '__main__':
    unittest.main()
