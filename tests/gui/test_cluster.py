# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real app on the first of three real daemons that agree through a real etcd."""

import os
import signal
import unittest

import a11y
from collet_app import AppCase, harness
from collet_cluster import HAS_ETCD, ClusterTestCase, Etcd

PATH = 'File, or name in the module path'
NODES = ('n1', 'n2', 'n3')


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Cluster(AppCase):
    found, join = ClusterTestCase.found, ClusterTestCase.join
    rows, states = ClusterTestCase.rows, ClusterTestCase.states
    is_in_line, wait_in_line = ClusterTestCase.is_in_line, ClusterTestCase.wait_in_line

    def setUp(self):
        super().setUp()
        self.etcd = Etcd(1, self.folder)
        self.addCleanup(self.etcd.close)
        self.nodes = [self.node(name) for name in NODES]
        self.daemon = self.nodes[0]
        self.daemon.load_batch([harness.example(name) for name in ('calculator-1.0.0', 'text-tools')])
        self.found(self.daemon)
        for node in self.nodes[1:]:
            self.join(node, self.daemon)
        self.first = self.wait_in_line(self.nodes, 'calculator')
        self.wait_in_line(self.nodes, 'text-tools')

    def node(self, name):
        """The first is on the app's bus, the others have one of their own."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        bus = self.bus if name == NODES[0] else harness.Bus(folder)
        port = harness.free_port()
        node = harness.Daemon(self, '--node-name', name, '--set', f'cluster.listen=127.0.0.1:{port}', folder=folder,
                              bus=bus)
        node.name, node.url = name, f'https://127.0.0.1:{port}'
        if bus is not self.bus:
            self.addCleanup(bus.close)
        self.addCleanup(node.stop)
        return node

    def check(self, path):
        self.type_in(PATH, path)
        self.press('Check Only')

    def begin(self, version):
        """From the Overview to a checked file."""
        self.go('Overview')
        self.open_row('calculator, version')
        self.press('Reload…')
        self.check(harness.example(f'calculator-{version}'))
        self.see(holds='It can be loaded')

    def wait_versions(self, version):
        harness.wait_until(lambda: {node.version('calculator') for node in self.nodes} == {version}, 20,
                           'the version on all nodes')

    def open_app(self):
        self.start(daemon=False)
        self.see('table row', holds='3 of 3 nodes in line')

    def test_from_what_differs_to_all_in_line_and_back(self):
        self.open_app()
        for name in NODES:
            self.see('label', name)
        # A node goes its own way; the row says which, and so does the filter.
        self.nodes[1].reload('calculator', harness.example('calculator-1.1.0'))
        self.see('table row', holds='Override, 2 of 3 nodes in line; n2 differs')
        self.see(holds='1 of 2 modules')
        self.press('Needs Attention')
        self.unsee('table row', holds='text-tools')
        self.press('Needs Attention')

        # A new version for all; what is meant in a cluster is all nodes at once.
        self.begin('2.0.0')
        self.see(holds='Every node of the cluster, or none.')
        self.type_in('Reason, for the history', 'all the same')
        self.press('Reload')
        for phase in ('Check', 'Prepare', 'Commit', 'Drain', 'Done'):
            self.see('label', phase)
        for name in NODES:
            self.see('list item', name)
        self.see(name='Succeeded')
        harness.wait_until(lambda: len([1 for node in a11y.walk(self.app) if node.name == 'Applied']) == 3, 20,
                           'three rows of nodes')
        second = self.wait_in_line(self.nodes, 'calculator')
        self.assertNotEqual(second, self.first)
        self.go('Overview')
        self.see('table row', holds=f'calculator, version 2.0.0 ({second[:12]}), In line, 3 of 3 nodes in line')

        # The history has it, and its row leads to the record.
        self.go('Reloads')
        self.open_row('Reload of calculator, 1.0.0 → 2.0.0, Succeeded')
        self.see(name='all the same')
        self.see(name='All nodes at once')

        # Back, on all nodes.
        self.go('Overview')
        self.open_row('calculator, version 2.0.0')
        self.press('Roll Back…')
        self.see(holds='Every node of the cluster goes back, or none.')
        self.see('label', f'2.0.0 ({second[:12]}) → the version before')
        self.type_in('Reason', 'too new')
        self.press('Roll Back')
        self.see(name='Succeeded')
        self.wait_versions(self.first)
        self.go('Reloads')
        self.open_row('Rollback of calculator, 2.0.0 → 1.0.0, Succeeded')
        self.see(name='too new')
        self.assertEqual(self.wait_in_line(self.nodes, 'calculator'), self.first)

    def test_undo_goes_back_on_all_nodes(self):
        self.open_app()
        self.begin('1.1.0')
        self.press('Reload')
        self.see(holds='Reload of calculator succeeded')
        self.wait_in_line(self.nodes, 'calculator', 2)
        self.press('Undo')
        self.wait_versions(self.first)
        self.assertEqual(self.wait_in_line(self.nodes, 'calculator'), self.first)

    def test_overrides_end_by_sync_or_here(self):
        self.open_app()
        self.nodes[1].reload('calculator', harness.example('calculator-1.1.0'))
        self.see('table row', holds='2 of 3 nodes in line; n2 differs')
        self.press('Sync…')
        self.press('Sync')
        # What a node has of its own stays unless that is asked for.
        self.see(holds='No node had to be changed')
        self.press('Sync…')
        self.see('check box', 'Also nodes with a version of their own')
        a11y.key('alt+a')
        self.press('Sync')
        self.see(holds='Brought into line: n2')
        self.wait_versions(self.first)
        self.daemon.reload('calculator', harness.example('calculator-1.1.0'))
        self.open_row('2 of 3 nodes in line; n1 differs')
        self.press('As Agreed')
        self.see(holds='calculator runs what was agreed on')
        self.wait_versions(self.first)

    def test_the_daemon_dies_and_comes_back_in_the_middle(self):
        self.open_app()
        self.begin('2.0.0')
        # It waits for the vote of a node that is stopped.
        self.nodes[2].process.send_signal(signal.SIGSTOP)
        self.press('Reload')
        self.see(name='Prepare')
        row = harness.wait_until(lambda: self.daemon.history('calculator')[0]['State'] == 'running' and
                                 self.daemon.history('calculator')[0], 20, 'the reload')
        self.see('list item', 'n3')
        self.daemon.kill()
        self.see(holds='The daemon is gone; it is awaited.')
        # What was seen is still there, and nothing is claimed of how it ended.
        self.see('list item', 'n3')
        self.assertIsNone(a11y.look(self.app, name='Succeeded'))
        self.assertIsNone(a11y.look(self.app, name='Failed'))
        self.nodes[2].process.send_signal(signal.SIGCONT)
        self.daemon.start()
        self.unsee(holds='The daemon is gone; it is awaited.', timeout=30)
        # The page is that of the same reload, and says what became of it.
        state = harness.wait_until(lambda: (found := self.daemon.call('GetReload', '(s)', row['Id'])['State']) !=
                                   'running' and found, 60, 'the end of the reload')
        self.see(name={'succeeded': 'Succeeded', 'failed': 'Failed', 'interrupted': 'Interrupted',
                       'cancelled': 'Cancelled'}[state], timeout=30)
        harness.wait_until(lambda: self.is_in_line(self.nodes, 'calculator', None), 60, 'all in line')

    def test_a_node_that_is_lost_is_seen_and_named(self):
        self.open_app()
        self.nodes[2].kill()
        self.see('table row', holds='calculator, version 1.0.0', timeout=30)
        self.see('table row', holds='2 of 3 nodes in line; n3 differs', timeout=40)
        self.go('Nodes')
        self.see('table row', holds='n3, Down')
        self.see('table row', holds='n2, Live')
        # One bad node is not painted on all, and what it stops says so, and what to do.
        self.begin('2.0.0')
        self.press('Reload')
        self.see(holds='down: n3')
        self.assertEqual(self.daemon.version('calculator'), self.first)
        # What was typed in is still there for another try.
        self.assertEqual(a11y.text(self.see('text', PATH)), harness.example('calculator-2.0.0'))
        self.press('Cancel')
        self.unsee('text', PATH)
        self.nodes[2].start()
        self.go('Overview')
        self.see('table row', holds='3 of 3 nodes in line', timeout=40)

    def test_a_rollout_goes_on_wave_by_wave_as_told(self):
        self.open_app()
        options = harness.variants({'artifact': harness.example('calculator-2.0.0'), 'waves': ['n1', '60%'],
                                    'bake-s': 3600})
        self.daemon.call('ClusterReload', '(ssa{sv})', 'calculator', 'rolling', options)
        harness.wait_until(lambda: self.daemon.version('calculator') != self.first, 20, 'the first wave')
        self.go('Reloads')
        self.open_row('Reload of calculator')
        self.see(name='Wave by wave')
        self.press('Pause')
        self.press('Resume')
        self.assertEqual({node.version('calculator') for node in self.nodes[1:]}, {self.first})
        self.press('Next Wave')
        harness.wait_until(lambda: self.nodes[1].version('calculator') != self.first, 20, 'the second wave')
        self.assertEqual(self.nodes[2].version('calculator'), self.first)
        self.press('Next Wave')
        self.wait_versions(self.daemon.version('calculator'))
        self.unsee('push button', 'Next Wave')

    def test_who_comes_second_may_watch_the_first(self):
        self.open_app()
        self.begin('2.0.0')
        self.nodes[2].process.send_signal(signal.SIGSTOP)
        path = self.daemon.call('ClusterReload', '(ssa{sv})', 'calculator', 'sync_all',
                                harness.variants({'artifact': harness.example('calculator-1.1.0')}))
        self.press('Reload')
        self.see(holds='calculator is being changed already')
        self.press('Watch')
        self.nodes[2].process.send_signal(signal.SIGCONT)
        self.see('label', path.rpartition('/')[2])


if __name__ == '__main__':
    unittest.main()
