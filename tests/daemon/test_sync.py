# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nodes that went their own way are brought back into line, in a cluster of three."""

import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import RELOAD, module, variants, wait_until


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Sync(ClusterTestCase):
    def override(self, node, observer, path):
        node.reload('counter', module(path))
        wait_until(lambda: self.rows(observer)[node.name]['version'] == node.version('counter') and
                   self.states(observer)[node.name] == 'override', what='the override to be seen')
        return node.version('counter')

    def sync(self, node, name='counter', **options):
        return node.call('SyncVersions', '(sa{sv})', name, variants(options))

    def test_an_override_is_kept_or_ends_as_asked(self):
        nodes = self.cluster()
        first = nodes[0].version('counter')
        self.override(nodes[1], nodes[0], 'counter-2.0.0')
        self.assertEqual(self.sync(nodes[0]), [])
        self.assertEqual(self.states(nodes[0])['n2'], 'override')
        generation = nodes[2].info('counter')['Generation']
        self.assertEqual(self.sync(nodes[0], clear_overrides=True), ['n2'])
        # It answers when it is so, everywhere.
        self.assertEqual({node.version('counter') for node in nodes}, {first})
        self.assertTrue(nodes[2].call('CheckConsistency', '(s)', '')[0])
        self.assertEqual(nodes[2].info('counter')['Generation'], generation)
        self.override(nodes[1], nodes[0], 'counter-2.0.0')
        nodes[1].call('ClearOverride', '(sa{sv})', 'counter', {})
        self.assertEqual(nodes[1].version('counter'), first)
        self.assertEqual(set(self.states(nodes[0]).values()), {'in-line'})

    def test_what_most_nodes_run_wins_unless_the_agreed_version_is_wanted(self):
        nodes = self.cluster()
        first = nodes[0].version('counter')
        for node in nodes[1:]:
            second = self.override(node, nodes[0], 'counter-2.0.0')
        self.assertEqual(self.sync(nodes[2], '', clear_overrides=True, reason='most have it'), ['n1'])
        self.assertEqual(self.wait_in_line(nodes, epoch=2), second)
        for node in nodes[1:]:
            node.rollback('counter')
        wait_until(lambda: list(self.states(nodes[0]).values()).count('override') == 2 and
                   list(row['version'] for row in self.rows(nodes[0]).values()).count(first) == 2, what='the overrides')
        self.assertEqual(self.sync(nodes[0], clear_overrides=True, target='desired'), ['n2', 'n3'])
        self.assertEqual(self.wait_in_line(nodes, epoch=3), second)
        self.assertNotEqual(first, second)

    def test_a_rolling_reload_waits_and_goes_on_as_told(self):
        nodes = self.cluster()
        first = nodes[0].version('counter')
        path = self.propose(nodes[0], module('counter-2.0.0'), 'rolling', waves=['n1', '60%'], bake_s=3600)
        wait_until(lambda: nodes[0].version('counter') != first, what='the first wave')
        steer = ('(sa{sv})', 'counter', variants({'reason': 'looks odd'}))
        self.assertEqual(nodes[1].call('PauseRollout', *steer), path)
        self.assertEqual({node.version('counter') for node in nodes[1:]}, {first})
        self.assertEqual(nodes[2].call('ResumeRollout', *steer), path)
        self.assertEqual(nodes[2].call('PromoteRollout', *steer), path)
        wait_until(lambda: nodes[1].version('counter') != first, what='the second wave')
        self.assertEqual(nodes[2].version('counter'), first)
        nodes[0].call('PromoteRollout', '(sa{sv})', 'counter', variants({'all': True}))
        self.wait_in_line(nodes, epoch=2)
        rows = wait_until(lambda: (found := nodes[1].property('Nodes', path, RELOAD)) and
                          {row['state'] for row in found} == {'applied'} and found, what='the rows')
        self.assertEqual([row['node'] for row in rows], ['n1', 'n2', 'n3'])


if __name__ == '__main__':
    unittest.main()
