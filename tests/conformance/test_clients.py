# SPDX-License-Identifier: LGPL-2.1-or-later
"""The official clients use every feature of tools, and call on through reloads."""

import json
import os
import subprocess
import unittest

import collet_npm
from collet_harness import TestCase, example, wait_until

CLIENT = os.path.join(collet_npm.HERE, 'client.cjs')
RELOADS = 20
CALLS = 20  # between two
TIMEOUT = 60


class Official(TestCase):
    def start(self):
        daemon = self.daemon()
        for name in ('calculator-1.0.0', 'interview', 'gallery', 'countdown'):
            daemon.load(example(name))
        return daemon

    def use(self, kind, by_stdio):
        """What the client saw, with reloads while it called."""
        packages = collet_npm.packages()
        daemon = self.start()
        address = f'http://127.0.0.1:{daemon.port}/mcp'
        if by_stdio:
            address = os.path.join(self.folder, 'collet', 'mcp.sock')
        client = subprocess.Popen(
            [collet_npm.node(packages), CLIENT, packages, kind, address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        if client.stdout.readline() == 'ready\n':
            wait_until(lambda: daemon.info('countdown')['InFlight'] == 0, what='the end of the cancelled call')
            for number in range(RELOADS):
                enough = daemon.answered('add') + CALLS
                wait_until(lambda enough=enough: daemon.answered('add') >= enough or client.poll() is not None, TIMEOUT, 'calls')
                name = 'calculator-1.0.0' if number % 2 else 'calculator-1.1.0'
                daemon.reload('calculator', example(name), allow_breaking=True)
        out, _ = client.communicate('stop\n', TIMEOUT)
        self.assertEqual(client.returncode, 0, out)
        return json.loads(out.splitlines()[-1])

    def check(self, kind, protocol, by_stdio=False):
        seen = self.use(kind, by_stdio)
        self.assertEqual(seen['errors'], [])
        self.assertEqual(seen['tools'], sorted(seen['tools']))
        self.assertEqual(seen['table'], 'A table for 4 at Chez Collet is booked.')
        self.assertEqual(seen['color'], 'Poppy')
        self.assertIn('file:///home/ada', seen['folders'])
        self.assertEqual(seen['asked'], ['For how many people?', 'Really book it?', 'model', 'roots'])
        self.assertEqual(seen['kinds'], ['image', 'audio', 'resource_link', 'resource', 'resource'])
        self.assertEqual(seen['structured']['shape'], 'ring')
        self.assertEqual((seen['failed'], seen['refused'], seen['aborted']), (True, True, True))
        self.assertEqual(seen['progress'][:3], [0, 1, 2])
        if not by_stdio:
            self.assertEqual(seen['progress'][3:], [3])
        if protocol is not None:
            self.assertEqual(seen['protocol'], protocol)
        # Not one call was lost or wrong, and both versions answered some.
        self.assertEqual(seen['wrong'], 0)
        self.assertGreaterEqual(seen['calls'], RELOADS * CALLS)
        self.assertEqual(set(seen['versions']), {'1.0.0', '1.1.0'})
        self.assertGreater(seen['changes'], 0)
        return seen

    def test_sdk_1_loses_no_call_at_reloads(self):
        seen = self.check('sdk-1', None)
        self.assertEqual(seen['logs'], 3)

    def test_client_2_in_the_legacy_era_loses_no_call_at_reloads(self):
        self.check('legacy', '2025-11-25')

    def test_client_2_that_looks_which_era_loses_no_call_at_reloads(self):
        self.check('auto', '2026-07-28')

    def test_client_2_in_the_modern_era_loses_no_call_at_reloads(self):
        self.check('modern', '2026-07-28')


    def test_sdk_1_over_stdio_loses_no_call_at_reloads(self):
        self.check('sdk-1', None, by_stdio=True)

    def test_client_2_over_stdio_loses_no_call_at_reloads(self):
        self.check('auto', '2026-07-28', by_stdio=True)


class Inspector(TestCase):
    def run_inspector(self, daemon, *arguments):
        packages = collet_npm.packages()
        command = [collet_npm.node(packages),
                   collet_npm.script(packages, '@modelcontextprotocol', 'inspector', 'clients', 'launcher', 'build',
                                     'index.js'),
                   '--cli', '--transport', 'http', '--server-url', f'http://127.0.0.1:{daemon.port}/mcp', '--format',
                   'json', '-q', *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT,
                              env=os.environ | {'HOME': self.folder})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_lists_and_calls_in_both_eras(self):
        collet_npm.packages()
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        for era in ('legacy', 'modern'):
            with self.subTest(era=era):
                listed = self.run_inspector(daemon, '--protocol-era', era, '--method', 'tools/list')
                self.assertIn('add', json.dumps(listed))
                called = self.run_inspector(daemon, '--protocol-era', era, '--method', 'tools/call', '--tool-name',
                                            'add', '--tool-arg', 'a=2', '--tool-arg', 'b=40')
                self.assertIn('42', json.dumps(called))


if __name__ == '__main__':
    unittest.main()
