# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node that cannot apply what was agreed on, or cannot reach the others any more."""

import json
import os
import shutil
import signal
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import HAS_FAILPOINTS, module, wait_until


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Failures(ClusterTestCase):
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

    def test_a_node_that_cannot_reach_the_others_leaves_by_force(self):
        n1, n2 = self.cluster(2)
        before = n2.version('counter')
        self.etcd.kill(0)
        wait_until(lambda: n2.property('ClusterState') == 'minority', 60, 'a minority')
        error = self.assertBusError('QuorumNotReached', n2.call, 'LeaveCluster', '(a{sv})', {})
        self.assertEqual(n2.property('ClusterName'), 'demo', error.message)
        self.assertIn('alone', self.ctl(n2, 'cluster', 'leave', '--force'))
        self.assertEqual((n2.property('ClusterName'), n2.property('ClusterState')), ('', 'alone'))
        self.assertFalse(os.path.exists(os.path.join(n2.data, 'cluster', 'node.key')))
        # It goes on, and agrees with itself.
        self.assertEqual((n2.version('counter'), n2.mcp().value('count', {})), (before, {'count': 1}))
        self.wait_in_line([n2], epoch=1)
        n2.reload('counter', module('counter-2.0.0'))
        self.wait_in_line([n2], epoch=2)
        # On the other side it is one that is down, until it is removed.
        self.etcd.start(0)
        wait_until(lambda: n1.property('ClusterState') == 'joined', 60, 'etcd to be back')
        wait_until(lambda: self.node_states(n1).get('n2') == 'down', 60, 'n2 to be down')
        error = self.assertBusError('NodeFailed', self.propose, n1, module('counter-2.0.0'))
        self.assertIn('down: n2', error.message)
        self.ctl(n1, 'cluster', 'remove', 'n2')
        n1.wait(self.propose(n1, module('counter-2.0.0')))
        self.join(n2, n1)
        self.wait_in_line([n1, n2], epoch=2)

    def copy_key(self, node, other):
        path = os.path.join(other.data, 'cluster', 'authority.key')
        shutil.copy(os.path.join(node.data, 'cluster', 'authority.key'), path)
        os.chmod(path, 0o600)
        return path

    def test_a_copy_of_the_authoritys_key_lets_others_in(self):
        n1, n2 = self.cluster(2)
        error = self.assertBusError('NotSupported', n2.call, 'CreateJoinToken', '(a{sv})', {})
        self.assertIn('cluster/authority.key', error.message)
        error = self.assertBusError('InvalidArgument', n1.call, 'LeaveCluster', '(a{sv})', {})
        self.assertIn('cluster/authority.key', error.message)
        self.copy_key(n1, n2)
        n2.restart()
        # The first one is lost with its disk.
        n1.kill()
        shutil.rmtree(n1.data)
        n2.call('RemoveNode', '(sa{sv})', 'n1', {})
        n3 = self.node('n3')
        self.join(n3, n2)
        self.wait_in_line([n2, n3], epoch=1)
        n3.wait(self.propose(n3, module('counter-2.0.0')))
        self.wait_in_line([n2, n3], epoch=2)
        # And comes back as if new.
        n1.start()
        self.join(n1, n2)
        self.wait_in_line([n1, n2, n3], epoch=2)
        # Who has it can leave too, if that is meant.
        text = self.ctl(n2, 'cluster', 'leave', status=1)
        self.assertIn('InvalidArgument: This node has the key of the authority of cluster "demo"; without it nobody can '
                      'join any more.', text)
        self.ctl(n2, 'cluster', 'leave', '--force')
        wait_until(lambda: set(self.rows(n3)) == {'n1', 'n3'}, 30, 'n2 to be gone')

    def test_a_key_of_another_authority_or_that_others_can_read_is_refused(self):
        n1, n2 = self.cluster(2)
        other = self.node('other')
        self.found(other, 'else')
        path = self.copy_key(other, n2)
        n2.stop()
        n2.spawn()
        self.assertNotEqual(n2.wait_exit(), 0)
        self.assertIn("The authority's key (authority.key) is another cluster's.", n2.output())
        self.copy_key(n1, n2)
        os.chmod(path, 0o644)
        n2.spawn()
        self.assertNotEqual(n2.wait_exit(), 0)
        self.assertIn('can be read by others (mode 0644). If nobody did, make it 0600', n2.output())
        os.chmod(path, 0o600)
        n2.start()
        self.wait_in_line([n1, n2], epoch=1)


if __name__ == '__main__':
    unittest.main()
