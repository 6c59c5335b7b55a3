# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three real daemons, a real etcd, and artifacts fetched over mutual TLS."""

import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import HAS_FAILPOINTS, RELOAD, module, variants, wait_until


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Members(ClusterTestCase):
    def test_what_the_first_runs_is_agreed_and_joining_brings_it(self):
        n1, n2 = self.node('n1'), self.node('n2')
        version = n1.load(module('counter-1.0.0')) and n1.version('counter')
        self.found(n1)
        self.assertEqual((n1.property('ClusterName'), n1.property('ClusterState')), ('demo', 'joined'))
        self.assertEqual(self.join(n2, n1), 'demo')
        self.assertEqual(self.wait_in_line([n1, n2]), version)
        # The bytes are the same, and came from the other node: this one had never seen them.
        self.assertEqual(n2.mcp().value('count', {}), {'count': 1})
        nodes = n2.call('ListNodes')
        self.assertEqual([(row['Name'], row['Self'], row['State'], row['Url']) for row in nodes],
                         [('n1', False, 'live', n1.url), ('n2', True, 'live', n2.url)])

    def test_sync_all_swaps_everywhere_and_one_id_is_in_every_history(self):
        nodes = self.cluster()
        path = self.propose(nodes[0], module('counter-2.0.0'), reason='better')
        nodes[0].wait(path)
        version = self.wait_in_line(nodes, epoch=2)
        self.assertEqual(version, nodes[0].version('counter'))
        identity = nodes[0].properties(path, RELOAD)['Id']
        for node in nodes:
            wait_until(lambda node=node: node.history('counter', 1)[0]['State'] == 'succeeded', what='the history')
            row = node.history('counter', 1)[0]
            self.assertEqual((row['Id'], row['Strategy'], row['Reason']), (identity, 'sync_all', 'better'))
            consistent, detail = node.call('CheckConsistency', '(s)', '')
            self.assertTrue(consistent, detail)


if __name__ == '__main__':
    unittest.main()
