# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be asked of a reload of one node can be asked of all, and all keep to it."""

import os
import time
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import RELOAD, module, variants
from test_loading import sha256
from test_smoke import BAD, GOOD

from gi.repository import Gio

# Bytes for one node's state; a trial and a canary, for which a rolling reload has waves.
ONE_NODE = {'state', 'trial-ms', 'trial-error-rate', 'trial-slowdown', 'canary-percent', 'canary-callers'}
SHARED = {'require', 'waves', 'bake-s', 'max-error-rate', 'min-calls', 'auto-revert'}


class Contract(unittest.TestCase):
    def options(self, method):
        with open(os.environ['COLLET_SCHEMA'], encoding='utf-8') as file:
            node = Gio.DBusNodeInfo.new_for_xml(file.read())
        info = node.lookup_interface('org.collet.Collet1.Manager').lookup_method(method)
        return set(Gio.dbus_annotation_info_lookup(info.annotations, 'org.collet.Options').split())

    def assertSame(self, one, cluster, only_one, only_cluster):
        one, cluster = self.options(one), self.options(cluster)
        self.assertEqual({option.partition('=')[0] for option in one - cluster}, only_one)
        self.assertEqual({option.partition('=')[0] for option in cluster - one}, only_cluster)

    def test_a_cluster_takes_what_one_node_takes(self):
        self.assertSame('HotReload', 'ClusterReload', ONE_NODE, SHARED)
        self.assertSame('RollbackModule', 'ClusterRollback', set(), SHARED | {'strategy'})


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Options(ClusterTestCase):
    def passed(self, node):
        """Smoke tests that the newest reload of a node passed."""
        return node.sql("SELECT json_extract (detail, '$.items[0].smoke_tests') AS n FROM reload_end"
                        ' ORDER BY reload DESC LIMIT 1')[0]['n']

    def test_calls_as_before_are_accepted_on_every_node_for_the_time_that_was_asked_for(self):
        nodes = self.cluster(first='weather-1.0.0')
        self.ctl(nodes[0], 'cluster', 'reload', module('weather-2.0.0'), '--allow-breaking', '--grace', '5000')
        self.wait_in_line(nodes, 'weather', epoch=2)
        for node in nodes:
            (version, until), = node.info('weather')['FormerVersions']
            self.assertEqual(version, sha256(module('weather-1.0.0')))
            self.assertAlmostEqual(until / 1e6, time.time() + 5000, delta=300)
            self.assertEqual(node.mcp().value('look_up', {'name': 'x'}), {'name': 'x'})
        self.ctl(nodes[1], 'cluster', 'rollback', 'weather', '--grace', '0')
        self.wait_in_line(nodes, 'weather', epoch=3)
        self.ctl(nodes[2], 'cluster', 'reload', module('weather-2.0.0'), '--allow-breaking', '--grace', '0')
        self.wait_in_line(nodes, 'weather', epoch=4)
        for node in nodes:
            self.assertEqual(node.info('weather')['FormerVersions'], [])
            self.assertEqual(node.mcp().call('look_up', {'name': 'x'})['error']['data']['reason'], 'ToolNotFound')

    def test_state_is_discarded_on_every_node_or_on_none(self):
        nodes = self.cluster()
        for node in nodes:
            self.assertEqual(node.mcp().value('count', {}), {'count': 1})
        self.ctl(nodes[0], 'cluster', 'reload', module('counter-2.0.0'), '--discard-state')
        self.wait_in_line(nodes, epoch=2)
        for node in nodes:
            self.assertEqual(node.mcp().value('count', {}), {'count': 1})
        # The way back: what each had when that version was last in service.
        self.ctl(nodes[1], 'cluster', 'rollback', 'counter', '--state', 'snapshot')
        self.wait_in_line(nodes, epoch=3)
        for node in nodes:
            self.assertEqual(node.mcp().value('count', {}), {'count': 2})

    def test_smoke_tests_have_to_pass_on_every_node(self):
        nodes = self.cluster(first='echo-1.0.0')
        tests = f'{self.folder}/tests.json'
        with open(tests, 'w', encoding='utf-8') as file:
            file.write(GOOD)
        self.ctl(nodes[0], 'cluster', 'reload', module('echo-2.0.0'), '--smoke-tests', tests)
        self.wait_in_line(nodes, 'echo', epoch=2)
        self.assertEqual([self.passed(node) for node in nodes], [1, 1, 1])
        error = self.assertBusError('SmokeTestFailed', self.propose, nodes[0], module('echo-1.0.0'), smoke_tests=BAD)
        self.assertIn('expected 2, got 1', error.message)

    def test_what_only_one_node_can_be_asked_is_refused(self):
        nodes = self.cluster(1)
        for name in sorted(ONE_NODE - {'canary-callers'}):
            options = {name.replace('-', '_'): 0.5 if name.endswith(('rate', 'slowdown')) else 5}
            error = self.assertBusError('InvalidArgument', self.propose, nodes[0], module('counter-2.0.0'), **options)
            self.assertIn(name, error.message)


if __name__ == '__main__':
    unittest.main()
