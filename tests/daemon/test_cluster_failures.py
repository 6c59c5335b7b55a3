# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node that cannot apply what was agreed on, or cannot reach the others any more."""

import json
import os
import signal
import subprocess
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import HAS_FAILPOINTS, module, wait_until


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Failures(ClusterTestCase):
    def ctl(self, daemon, *arguments, status=0):
        done = subprocess.run([os.environ['COLLETCTL'], '--session', *arguments], capture_output=True, text=True,
                              timeout=90, check=False,
                              env={'DBUS_SESSION_BUS_ADDRESS': daemon.bus.address, 'LC_ALL': 'C.UTF-8',
                                   'PATH': '/usr/bin'})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def die(self, daemon):
        """Waits for its end by a failpoint."""
        self.assertEqual(daemon.wait_exit(60), -signal.SIGKILL)
        daemon.drop_clients()

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
    def test_a_node_that_dies_of_a_version_three_times_gives_it_up(self):
        n1, n2, n3 = self.cluster()
        before = n3.version('counter')
        deadly = {'COLLET_FAILPOINT': 'cluster-before-commit'}
        n3.restart(deadly)
        self.wait_in_line([n1, n2, n3])
        n1.wait(self.propose(n1, module('counter-2.0.0')))
        self.die(n3)
        for death in (1, 2):
            n3.spawn(deadly)
            self.die(n3)
            # What it died of is told by the others, as well as how often.
            row = self.rows(n1)['n3']
            self.assertEqual((row['error'], row['epoch']), ('Interrupted', 1), f'{death}: {row}')
        n3.start(deadly)
        wait_until(lambda: self.states(n1)['n3'] == 'failed', 30, 'n3 to give up')
        for node in (n1, n2, n3):
            row = self.rows(node)['n3']
            self.assertEqual((row['state'], row['error'], row['semantic-version']), ('failed', 'Interrupted', '1.0.0'))
            self.assertIn('given up after 3 attempts: The daemon ended while it applied it.', row['message'])
            self.assertEqual(node.call('CheckConsistency', '(s)', 'counter')[1]['differing'], ['n3'])
        self.assertIn('failed', self.ctl(n1, 'cluster', 'versions', 'counter'))
        # It serves, and stays that way also after a restart.
        self.assertEqual(n3.mcp().value('count', {}), {'count': 1})
        n3.restart()
        wait_until(lambda: self.states(n1)['n3'] == 'failed', 30, 'n3 to be back')
        self.assertEqual(n3.version('counter'), before)
        # An administrator has it try again.
        self.assertEqual(json.loads(self.ctl(n2, '--json', 'cluster', 'sync', 'counter', '--target', 'desired')),
                         {'synced': ['n3']})
        version = self.wait_in_line([n1, n2, n3], epoch=3)
        self.assertNotEqual(version, before)

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
    def test_the_next_version_ends_a_failure(self):
        n1, n2 = self.cluster(2)
        deadly = {'COLLET_FAILPOINT': 'cluster-before-commit'}
        n2.restart(deadly)
        self.wait_in_line([n1, n2])
        n1.wait(self.propose(n1, module('counter-2.0.0')))
        self.die(n2)
        for _ in range(2):
            n2.spawn(deadly)
            self.die(n2)
        n2.start()
        wait_until(lambda: self.states(n1)['n2'] == 'failed', 30, 'n2 to give up')
        n1.wait(n1.call('ClusterRollback', '(ssa{sv})', 'counter', '', {}))
        self.wait_in_line([n1, n2], epoch=3)


if __name__ == '__main__':
    unittest.main()
