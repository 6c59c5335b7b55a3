# SPDX-License-Identifier: LGPL-2.1-or-later
"""Some callers get a new version before all do."""

import os
import signal
import subprocess
import threading
import unittest

from collet_harness import HAS_FAILPOINTS, RELOAD, BusError, TestCase, example, module, variants, wait_until
from test_loading import sha256

OLD, NEW = '1.0.0', '2.0.0'


def promote(daemon, name, **options):
    return daemon.call('PromoteRollout', '(sa{sv})', name, variants(options))


class Canary(TestCase):
    def echo(self, **options):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        path = daemon.begin_reload('echo', module('echo-2.0.0'), **options)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'canary')
        return daemon, path

    def version(self, client, tool='echo'):
        return client.call(tool, {})['result']['_meta']['org.collet/version']

    def sessions(self, daemon, count):
        clients = [daemon.mcp() for _ in range(count)]
        return clients, [self.version(client) for client in clients]

    def test_is_a_part_of_the_callers_each_on_one_side(self):
        daemon, path = self.echo(canary_percent=30)
        clients, sides = self.sessions(daemon, 100)
        self.assertTrue(10 <= sides.count(NEW) <= 55, sides.count(NEW))
        for _ in range(3):
            self.assertEqual([self.version(client) for client in clients], sides)
        info = daemon.info('echo')
        self.assertEqual((info['Version'], info['CandidateVersion']),
                         (sha256(module('echo-1.0.0')), sha256(module('echo-2.0.0'))))
        rows = daemon.call('GetCallStatistics', '(sa{sv})', 'echo', {})
        self.assertEqual({row['semantic-version'] for row in rows}, {OLD, NEW})

        promote(daemon, 'echo', reason='looks well')
        daemon.wait(path)
        self.assertEqual({self.version(client) for client in clients}, {NEW})
        row = daemon.history('echo')[0]
        self.assertEqual((row['State'], row['Kind']), ('succeeded', 'hot-reload'))
        self.assertBusError('NotFound', promote, daemon, 'echo')

    def test_is_those_named(self):
        daemon, path = self.echo(canary_callers=['early', 'uid:0'])
        late, early = daemon.mcp(), daemon.mcp()
        self.assertEqual(self.version(late), OLD)
        reply = early.rpc('initialize', {'protocolVersion': '2025-11-25', 'capabilities': {},
                                         'clientInfo': {'name': 'early', 'version': '7'}})
        early.session = reply.headers['Mcp-Session-Id']
        early.post({'jsonrpc': '2.0', 'method': 'notifications/initialized'})
        self.assertEqual(self.version(early), NEW)
        self.assertEqual(self.version(daemon.mcp(modern=True)), OLD)
        daemon.call('Cancel', path=path, interface=RELOAD)

    def test_leaves_the_list_of_tools_until_it_is_promoted(self):
        daemon = self.daemon()
        daemon.load(example('text-tools'))
        before = daemon.mcp().tools()
        serial = daemon.property('ToolsSerial')
        path = daemon.begin_reload('text-tools', example('text-tools'), canary_percent=100)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'canary')
        self.assertEqual(daemon.mcp().tools(), before)
        self.assertEqual(daemon.property('ToolsSerial'), serial)
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)

    def test_taken_back_loses_no_call(self):
        daemon, path = self.echo(canary_percent=50)
        is_over = threading.Event()
        answers = []

        def call(client):
            while not is_over.is_set():
                answers.append(client.call('echo', {'x': 1}))

        threads = [threading.Thread(target=call, args=(daemon.mcp(),)) for _ in range(6)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 200)
        daemon.call('RevertReload', '(sa{sv})', daemon.property('Id', path, RELOAD), variants({'reason': 'no'}))
        self.assertBusError('Cancelled', daemon.wait, path)
        seen = len(answers)
        wait_until(lambda: len(answers) > seen + 100)
        is_over.set()
        for thread in threads:
            thread.join(10)
        self.assertTrue(all('result' in answer for answer in answers))
        last = [answer['result']['_meta']['org.collet/version'] for answer in answers[-20:]]
        self.assertEqual(set(last), {OLD})
        self.assertEqual(daemon.info('echo')['CandidateVersion'], '')
        self.assertEqual(daemon.info('echo')['LiveGenerations'], 1)

    def test_that_crashes_is_given_up(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        path = daemon.begin_reload('echo', module('echo-crash-call'), canary_callers=['early'])
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'canary')
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        client = daemon.mcp()
        reply = client.rpc('initialize', {'protocolVersion': '2025-11-25', 'capabilities': {},
                                          'clientInfo': {'name': 'early', 'version': '7'}})
        client.session = reply.headers['Mcp-Session-Id']
        self.assertEqual(client.call('echo', {})['error']['data']['reason'], 'WorkerCrashed')
        self.assertBusError('WorkerCrashed', daemon.wait, path)
        self.assertEqual(self.version(client), OLD)

    def test_of_a_module_with_state_is_refused(self):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        error = self.assertBusError('InvalidArgument', daemon.reload, 'counter', module('counter-2.0.0'),
                                    canary_percent=10)
        self.assertIn('part of it', error.message)
        self.assertBusError('InvalidArgument', daemon.reload, 'counter', module('counter-2.0.0'), canary_percent=101)

    def test_is_there_when_colletctl_comes_back(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))

        def ctl(*words):
            return subprocess.run([os.environ.get('COLLETCTL', 'colletctl'), *words], text=True, capture_output=True,
                                  timeout=60, check=False,
                                  env=os.environ | {'DBUS_SESSION_BUS_ADDRESS': self.bus.address})

        began = ctl('reload', 'echo', module('echo-2.0.0'), '--canary=50')
        self.assertEqual((began.returncode, began.stderr), (0, ''))
        self.assertEqual(daemon.history('echo')[0]['Id'], began.stdout.strip())
        self.assertEqual(ctl('promote', 'echo').returncode, 0)
        wait_until(lambda: daemon.info('echo')['SemanticVersion'] == NEW)
        # One that never gets so far has failed.
        daemon.call('SetSmokeTests', '(ssa{sv})', 'echo',
                    '[{"tool": "echo", "arguments": {"x": 1}, "result": {"structuredContent": {"x": 2}}}]', {})
        refused = ctl('reload', 'echo', module('echo-1.0.0'), '--canary=50')
        self.assertEqual(refused.returncode, 1)
        self.assertIn('SmokeTestFailed', refused.stderr)

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
    def test_ends_with_the_daemon(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.restart({'COLLET_FAILPOINT': 'reload-in-canary'})
        with self.assertRaises(BusError):
            daemon.reload('echo', module('echo-2.0.0'), canary_percent=50)
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.start()
        self.assertEqual(self.version(daemon.mcp()), OLD)
        self.assertEqual(daemon.history('echo')[0]['State'], 'interrupted')


if __name__ == '__main__':
    unittest.main()
