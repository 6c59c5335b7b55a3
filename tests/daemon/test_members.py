# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three real daemons, a real etcd, and artifacts fetched over mutual TLS."""

import json
import os
import signal
import subprocess
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import HAS_FAILPOINTS, RELOAD, module, variants, wait_until
from test_protocol import Stream


def rows_of(node, reload):
    """What a node tells of a reload on each node."""
    return sorted((row['node'], row['phase']) for row in node.call('GetReload', '(s)', reload)['Nodes'])


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

    def test_who_subscribes_and_who_listens_is_told_on_every_node(self):
        nodes = self.cluster()
        streams, before = [], []
        for node in nodes:
            node.call('SubscribeToToolUpdates', '(sa{sv})', 'count', {})
            before.append(node.call('GetUpdatesSince', '(ta{sv})', 0, {})[1])
            client = node.mcp()
            client.initialize()
            streams.append(Stream(client, node.port))
        path = self.propose(nodes[0], module('counter-2.0.0'))
        nodes[0].wait(path)
        identity = nodes[0].properties(path, RELOAD)['Id']
        self.wait_in_line(nodes, epoch=2)
        for node, stream, sequence in zip(nodes, streams, before):
            with self.subTest(node.name):
                stream.read_until(b'notifications/tools/list_changed')
                rows, _ = node.call('GetUpdatesSince', '(ta{sv})', sequence, {})
                self.assertEqual([(row['tool'], row['version']) for row in rows], [('count', node.version('counter'))])
                history = node.history('counter', 1)[0]
                self.assertEqual((history['Id'], history['State']), (identity, 'succeeded'))
                self.assertEqual(rows_of(node, identity), rows_of(nodes[0], identity))

    def test_quorum_goes_on_without_one_and_it_catches_up(self):
        nodes = self.cluster()
        nodes[2].stop()
        wait_until(lambda: self.node_states(nodes[0])['n3'] == 'down', 20, 'n3 to be seen as down')
        error = self.assertBusError('NodeFailed', self.propose, nodes[0], module('counter-2.0.0'))
        self.assertIn('n3', error.message)
        nodes[0].wait(self.propose(nodes[0], module('counter-2.0.0'), 'quorum'))
        self.wait_in_line(nodes[:2], epoch=2)
        consistent, detail = nodes[1].call('CheckConsistency', '(s)', 'counter')
        self.assertEqual((consistent, detail['verdict'], detail['unreachable']), (False, 'unknown', ['n3']))
        nodes[2].start()
        self.wait_in_line(nodes, epoch=2)
        self.assertTrue(nodes[2].call('CheckConsistency', '(s)', 'counter')[0])

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
    def test_whoever_dies_another_one_decides(self):
        for place in ('cluster-before-decision', 'cluster-before-vote'):
            with self.subTest(place=place):
                self.one_death(place)

    def one_death(self, place):
        nodes = self.cluster(prefix=place[-4:])
        first = nodes[0].version('counter')
        nodes[0].restart({'COLLET_FAILPOINT': place})
        self.wait_in_line(nodes)
        try:
            path = self.propose(nodes[0], module('counter-2.0.0'), timeout_ms=3000)
            nodes[0].wait(path)
        except Exception:  # its end, whatever that looks like from here
            pass
        self.assertEqual(nodes[0].wait_exit(), -signal.SIGKILL)
        nodes[0].drop_clients()
        # Decided without it: by all votes, or because its own is missing at the deadline.
        wait_until(lambda: nodes[1].history('counter', 1)[0]['State'] in ('succeeded', 'failed', 'cancelled'), 30,
                   'a decision')
        nodes[0].start()
        version = self.wait_in_line(nodes)
        epoch = self.rows(nodes[1])['n1' + place[-4:]]['epoch']
        self.assertIn((version == first, epoch), ((True, 1), (False, 2)))
        if place == 'cluster-before-decision':
            self.assertEqual(epoch, 2)
        # Nothing holds the module.
        if epoch == 2:
            path = nodes[1].call('ClusterRollback', '(ssa{sv})', 'counter', '', {})
        else:
            path = self.propose(nodes[1], module('counter-2.0.0'))
        nodes[1].wait(path)
        for node in nodes:
            node.stop()

    def test_what_one_node_refuses_nobody_applies(self):
        nodes = self.cluster()
        nodes[2].stop()
        nodes[2].arguments += ['--trust', 'signed']
        nodes[2].start()
        wait_until(lambda: self.node_states(nodes[0])['n3'] == 'live', 20, 'n3 to be back')
        before = nodes[0].version('counter')
        error = self.assertBusError('NodeFailed', nodes[0].wait, self.propose(nodes[0], module('counter-2.0.0')))
        self.assertIn('n3 refused: NotTrusted', error.message)
        self.assertEqual({node.version('counter') for node in nodes[:2]}, {before})
        self.assertEqual({row['epoch'] for row in self.rows(nodes[1]).values()}, {1})

    def test_a_local_version_is_an_override_and_the_way_back_is_agreed(self):
        nodes = self.cluster()
        first = nodes[0].version('counter')
        nodes[1].reload('counter', module('counter-2.0.0'))
        wait_until(lambda: self.states(nodes[0])['n2'] == 'override', what='the override to be seen')
        consistent, detail = nodes[2].call('CheckConsistency', '(s)', 'counter')
        self.assertEqual((consistent, detail['verdict'], detail['differing']), (False, 'inconsistent', ['n2']))
        # Another one here is still this node's own; the cluster's next version ends that.
        nodes[1].rollback('counter')
        wait_until(lambda: self.rows(nodes[0])['n2']['semantic-version'] == '1.0.0', what='that one to be seen')
        self.assertEqual(self.states(nodes[0])['n2'], 'override')
        nodes[2].wait(self.propose(nodes[2], module('counter-2.0.0')))
        self.wait_in_line(nodes, epoch=2)
        nodes[1].wait(nodes[1].call('ClusterRollback', '(ssa{sv})', 'counter', '', {}))
        self.assertEqual(self.wait_in_line(nodes, epoch=3), first)

    def test_what_was_loaded_together_is_told_together(self):
        n1, = self.cluster(1)
        names = ('echo', 'weather', 'asker')
        n1.wait(n1.call('SafeLoadBatch', '(asa{sv})', [module(f'{name}-1.0.0') for name in names], {}))
        found = wait_until(lambda: len(rows := self.etcd.revisions('/collet/v1/demo/desired/')) == 4 and rows,
                           what='what is agreed')
        self.assertEqual(len(set(found.values())), 2, found)  # and counter, from before
        n2 = self.node('n2')
        self.join(n2, n1)
        for name in names:
            self.wait_in_line([n1, n2], name)
        n2.wait(n2.call('SafeLoadBatch', '(asa{sv})', [module(f'{name}-2.0.0') for name in ('echo', 'asker')], {}))
        found = wait_until(lambda: len(rows := self.etcd.revisions('/collet/v1/demo/override/')) == 2 and rows,
                           what='the overrides')
        self.assertEqual(len(set(found.values())), 1, found)

    def test_an_override_can_become_the_version_of_all(self):
        nodes = self.cluster()
        nodes[1].reload('counter', module('counter-2.0.0'))
        wait_until(lambda: self.states(nodes[0])['n2'] == 'override', what='the override to be seen')
        path = self.propose(nodes[1], module('counter-2.0.0'))
        nodes[1].wait(path)
        self.assertEqual(self.wait_in_line(nodes, epoch=2), nodes[1].version('counter'))
        self.assertBusError('InvalidArgument', self.propose, nodes[1], module('counter-2.0.0'))

    def test_a_node_that_was_removed_gets_nothing_more(self):
        n1, n2, n3 = self.cluster()
        self.assertBusError('InvalidArgument', n1.call, 'RemoveNode', '(sa{sv})', 'n1', {})
        self.assertBusError('NotFound', n1.call, 'RemoveNode', '(sa{sv})', 'n9', {})
        n1.call('RemoveNode', '(sa{sv})', 'n3', {})
        wait_until(lambda: n3.property('ClusterState') == 'removed', what='n3 to see that')
        before = n3.version('counter')
        n1.wait(self.propose(n1, module('counter-2.0.0')))
        version = self.wait_in_line([n1, n2], epoch=2)
        self.assertEqual(set(self.rows(n1)), {'n1', 'n2'})
        self.assertEqual(self.fetch(n1, n3, version), b'')
        self.assertNotEqual(self.fetch(n1, n2, version), b'')
        self.assertEqual(n3.version('counter'), before)
        self.assertBusError('NodeFailed', self.propose, n3, module('counter-2.0.0'))
        # It comes back under its name, as if new.
        n3.call('LeaveCluster', '(a{sv})', {})
        self.assertEqual((n3.property('ClusterName'), n3.property('ClusterState')), ('', 'alone'))
        self.assertFalse(os.path.exists(os.path.join(n3.data, 'cluster', 'node.key')))
        self.join(n3, n1)
        self.assertEqual(self.wait_in_line([n1, n2, n3], epoch=2), version)
        self.assertGreaterEqual(len(n3.history('counter')), 2)

    def fetch(self, server, client, version):
        """The artifact's bytes as the client's certificate gets them, or none."""
        folder = os.path.join(client.data, 'cluster')
        done = subprocess.run(['curl', '-sk', '--noproxy', '*', '--fail', '--cert', folder + '/node.crt', '--key',
                               folder + '/node.key', f'{server.url}/v1/artifacts/{version}'],
                              capture_output=True, timeout=20, check=False)
        return done.stdout if done.returncode == 0 else b''

    def test_it_is_in_its_cluster_after_a_restart_and_can_leave(self):
        nodes = self.cluster(2)
        for node in nodes:
            node.restart()
        self.wait_in_line(nodes, epoch=1)
        self.assertEqual(nodes[1].property('ClusterName'), 'demo')
        self.assertBusError('AlreadyRegistered', self.found, nodes[1], 'other')
        self.assertBusError('NotSupported', nodes[1].call, 'CreateJoinToken', '(a{sv})', {})
        nodes[1].call('LeaveCluster', '(a{sv})', {})
        self.assertBusError('NotFound', nodes[1].call, 'LeaveCluster', '(a{sv})', {})
        wait_until(lambda: set(self.rows(nodes[0])) == {'n1'}, what='n2 to be gone')
        # Alone it is the only one to agree, and goes on with what it runs.
        self.wait_in_line([nodes[1]], epoch=1)
        self.assertEqual(self.states(nodes[1]), {'n2': 'in-line'})
        self.assertEqual(nodes[1].version('counter'), nodes[0].version('counter'))

    def test_what_is_wrong_with_joining_has_a_name(self):
        n1, n2 = self.cluster(2)
        n3 = self.node('n3')
        token, _ = n1.call('CreateJoinToken', '(a{sv})', {})
        join = ('JoinCluster', '(ssa{sv})')
        self.assertBusError('InvalidArgument', n3.call, *join, 'http://127.0.0.1:1', token, {})
        self.assertBusError('NodeFailed', n3.call, *join, 'https://127.0.0.1:1', token, {})
        self.assertBusError('NameInUse', n3.call, *join, n1.url, token, variants({'node': 'n2'}))
        self.assertBusError('NotAuthorized', n3.call, *join, n1.url, token, {})  # it was used
        self.assertBusError('NameInUse', self.found, n3)
        self.assertEqual(n3.property('ClusterState'), 'alone')
        self.assertEqual(self.join(n3, n1, node='third'), 'demo')
        self.assertEqual(n3.property('NodeName'), 'third')

    def test_the_command_line_makes_and_ends_a_cluster(self):
        n1, n2 = self.node('n1'), self.node('n2')
        n1.load(module('counter-1.0.0'))
        self.ctl(n1, 'cluster', 'init', 'demo', status=1)
        self.assertIn('demo', self.ctl(n1, 'cluster', 'init', 'demo', '--endpoint', self.etcd.endpoints[0]))
        token = self.ctl(n1, 'cluster', 'token', '--expiry', '60')
        self.assertEqual(json.loads(self.ctl(n2, '--json', 'cluster', 'join', n1.url, '-', text=token)),
                         {'cluster': 'demo'})
        self.wait_in_line([n1, n2])
        self.assertIn(n2.url, self.ctl(n1, 'cluster', 'nodes'))
        self.assertEqual(json.loads(self.ctl(n1, '--json', 'cluster', 'remove', 'n2')), {'removed': 'n2'})
        wait_until(lambda: n2.property('ClusterState') == 'removed', what='n2 to see that')
        self.assertIn('alone', self.ctl(n2, 'cluster', 'leave'))
        self.ctl(n2, 'cluster', 'leave', status=1)


if __name__ == '__main__':
    unittest.main()
