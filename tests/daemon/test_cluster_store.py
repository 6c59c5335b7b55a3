# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the nodes agree through: with certificates on both sides, and after a backup was restored."""

import json
import os
import shutil
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import module, variants, wait_until

HAS_ETCDCTL = shutil.which('etcdctl') is not None
HAS_OPENSSL = shutil.which('openssl') is not None


@unittest.skipUnless(HAS_ETCD and HAS_ETCDCTL, 'etcd and etcdctl are not installed')
class Restored(ClusterTestCase):
    def freeze(self):
        """A cluster whose store is from before its second epoch; its nodes have seen that."""
        nodes = self.cluster(2)
        saved = os.path.join(self.folder, 'saved.db')
        self.etcd.save(saved)
        nodes[0].wait(self.propose(nodes[0], module('counter-2.0.0')))
        self.wait_in_line(nodes, epoch=2)
        self.etcd.restore(saved)
        for node in nodes:
            wait_until(lambda node=node: node.property('ClusterState') == 'frozen', 60, 'a frozen node')
        return nodes

    def wait_state(self, nodes, state):
        for node in nodes:
            wait_until(lambda node=node: node.property('ClusterState') == state, 60, f'a node that is {state}')

    def test_nothing_is_undone_and_nothing_agreed_on_until_it_is_adopted(self):
        nodes = self.freeze()
        n1, n2 = nodes
        newer = n1.version('counter')
        for node in nodes:
            self.assertEqual(node.mcp().value('count', {}), {'count': 1})
            self.assertIn('adopt-store', self.ctl(node, 'cluster', 'nodes'))
            error = self.assertBusError('QuorumNotReached', self.propose, node, module('counter-1.0.0'))
            self.assertIn('The cluster store went back from revision', error.message)
        # Also for the next process.
        n2.restart()
        self.wait_state([n2], 'frozen')
        self.assertEqual({node.version('counter') for node in nodes}, {newer})
        error = self.assertBusError('InvalidArgument', self.daemon_of_its_own().call, 'AdoptStore', '(a{sv})', {})
        self.assertIn('nothing is frozen', error.message)

        self.ctl(n1, 'cluster', 'adopt-store', '--reason', 'the disk of etcd')
        n2.call('AdoptStore', '(a{sv})', variants({'reason': 'as n1'}))
        self.wait_state(nodes, 'joined')
        for node, reason in ((n1, 'the disk of etcd'), (n2, 'as n1')):
            entry = wait_until(lambda node=node: [row for row in node.history() if row['Kind'] == 'adopt-store'],
                               what='the history')[0]
            self.assertEqual((entry['Reason'], entry['State'], entry['Initiator']),
                             (reason, 'succeeded', os.getuid()))
            self.assertIn('went back from revision', entry['Note'])
        self.assertBusError('InvalidArgument', n1.call, 'AdoptStore', '(a{sv})', {})
        # What they run is not what that store says; it is theirs until somebody decides.
        wait_until(lambda: set(self.states(n1).values()) == {'override'}, 30, 'their own versions')
        self.assertEqual({node.version('counter') for node in nodes}, {newer})
        synced = json.loads(self.ctl(n1, '--json', 'cluster', 'sync', 'counter', '--target', 'desired',
                                '--clear-overrides'))
        self.assertEqual(synced, {'synced': ['n1', 'n2']})
        self.assertNotEqual(self.wait_in_line(nodes, epoch=2), newer)
        n2.wait(self.propose(n2, module('counter-2.0.0')))
        self.assertEqual(self.wait_in_line(nodes, epoch=3), newer)

    def daemon_of_its_own(self):
        return self.node('alone')

    def test_a_daemon_that_was_down_meanwhile_sees_it_when_it_is_back(self):
        nodes = self.cluster(2)
        saved = os.path.join(self.folder, 'saved.db')
        self.etcd.save(saved)
        nodes[0].wait(self.propose(nodes[0], module('counter-2.0.0')))
        newer = self.wait_in_line(nodes, epoch=2)
        seen = os.path.join(nodes[1].data, 'cluster', 'store')
        wait_until(lambda: self.remembered(seen) > 0, 60, 'what is remembered')
        nodes[1].restart()  # it remembers what it sees at its start
        self.wait_in_line(nodes, epoch=2)
        nodes[1].stop()
        self.etcd.restore(saved)
        nodes[1].start()
        self.wait_state([nodes[1]], 'frozen')
        self.assertEqual(nodes[1].version('counter'), newer)

    def remembered(self, path):
        try:
            with open(path, encoding='ascii') as file:
                return int(file.read().split()[1])
        except (OSError, IndexError):
            return 0


@unittest.skipUnless(HAS_ETCD and HAS_OPENSSL, 'etcd and openssl are not installed')
class MutualTls(ClusterTestCase):
    members = 3
    has_tls = True

    def test_whole_daemons_agree_while_a_member_dies(self):
        nodes = self.cluster(3)
        for i, (name, strategy) in enumerate((('counter-2.0.0', 'sync_all'), ('counter-1.0.0', 'quorum'))):
            self.etcd.kill(i)
            nodes[i].wait(self.propose(nodes[i], module(name), strategy))
            self.wait_in_line(nodes, epoch=i + 2)
            self.assertEqual({node.property('ClusterState') for node in nodes}, {'joined'})
            self.etcd.start(i)
            wait_until(lambda i=i: self.etcd.is_healthy(i), 30, 'the member to be back')
        nodes[2].restart()
        self.wait_in_line(nodes, epoch=3)

    def test_without_a_majority_they_serve_and_say_so(self):
        n1, n2 = self.cluster(2)
        before = n1.version('counter')
        self.etcd.kill(0)
        self.etcd.kill(1)
        for node in (n1, n2):
            wait_until(lambda node=node: node.property('ClusterState') == 'minority', 60, 'a minority')
            self.assertEqual(node.mcp().value('count', {}), {'count': 1})
            self.assertBusError('QuorumNotReached', self.propose, node, module('counter-2.0.0'))
            self.assertBusError('QuorumNotReached', node.call, 'CheckConsistency', '(s)', '')
            self.assertIn('no cluster quorum since', self.ctl(node, 'status'))
        self.etcd.start(0)
        wait_until(lambda: n1.property('ClusterState') == 'joined', 60, 'the majority to be back')
        self.assertEqual(n1.version('counter'), before)
        n1.wait(self.propose(n1, module('counter-2.0.0')))
        self.wait_in_line([n1, n2], epoch=2)

    def test_a_certificate_that_etcd_does_not_know_is_named(self):
        n1 = self.node('n1', *self.etcd.options('stranger'))
        error = self.assertBusError('QuorumNotReached', self.found, n1)
        self.assertIn('Is our certificate, ', error.message)
        self.assertIn('/stranger.pem, valid and by the CA that etcd trusts', error.message)
        self.assertEqual(n1.property('ClusterState'), 'alone')
        # Its key lost, or its name mistyped.
        n2 = self.node('n2', '--set', 'cluster.etcd-key=/does/not/exist')
        error = self.assertBusError('InvalidArgument', self.found, n2)
        self.assertIn('/does/not/exist', error.message)


if __name__ == '__main__':
    unittest.main()
