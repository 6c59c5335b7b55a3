# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon of its own is a cluster of one: every cluster call has that meaning."""

import json
import os
import subprocess
import unittest

from collet_harness import HAS_FAILPOINTS, MANAGER, RELOAD, ROOT, BusError, TestCase, module, variants, wait_until

from gi.repository import GLib

NODE = 'org.collet.Collet1.Node'


class ClusterCase(TestCase):
    def one(self, *arguments, **options):
        daemon = self.daemon('--node-name', 'solo', *arguments, **options)
        daemon.load(module('counter-1.0.0'))
        return daemon

    def begin(self, daemon, path, strategy='sync_all', **options):
        return daemon.call('ClusterReload', '(ssa{sv})', path, strategy, variants(options))

    def agreed(self, daemon, name='counter'):
        """Version and epoch that the matrix has for a module, and its cell's state."""
        serial, nodes, versions, rows = daemon.call('GetMatrix')
        self.assertEqual((nodes, versions[0]), (['solo'], ''))
        for module_name, version, epoch, cells in rows:
            if module_name == name:
                self.assertEqual(cells[0][0] if cells[0][1] == 1 else version, version)
                return versions[version], epoch, cells[0][1]
        return None

    def wait_agreed(self, daemon, epoch, name='counter'):
        return wait_until(lambda: (found := self.agreed(daemon, name)) and found[1] == epoch and found[2] == 1 and found,
                          what=f'epoch {epoch}')


class Cluster(ClusterCase):
    def test_what_is_loaded_is_what_is_agreed(self):
        daemon = self.one()
        version, _, _ = self.wait_agreed(daemon, 1)
        self.assertEqual(version, daemon.version('counter'))
        consistent, detail = daemon.call('CheckConsistency', '(s)', 'counter')
        self.assertTrue(consistent)
        self.assertEqual((detail['verdict'], detail['differing'], detail['unreachable']), ('consistent', [], []))
        daemon.reload('counter', module('counter-2.0.0'))
        version, _, _ = self.wait_agreed(daemon, 2)
        self.assertEqual(version, daemon.version('counter'))

    def test_a_cluster_reload_runs_through_votes_and_keeps_state(self):
        for number, strategy in enumerate(('sync_all', 'quorum', 'rolling')):
            with self.subTest(strategy=strategy):
                folder = f'{self.folder}/{strategy}'
                daemon = self.daemon('--node-name', 'solo', folder=self.make(folder))
                daemon.load(module('counter-1.0.0'))
                self.wait_agreed(daemon, 1)
                daemon.mcp().value('count', {})
                path = self.begin(daemon, module('counter-2.0.0'), strategy, reason='agreed')
                result = daemon.wait(path)
                self.assertEqual(result['State'], 'succeeded')
                facts = daemon.properties(path, RELOAD)
                self.assertEqual((facts['Strategy'], facts['Reason']), (strategy, 'agreed'))
                self.assertEqual(self.wait_agreed(daemon, 2)[0], daemon.version('counter'))
                self.assertEqual(daemon.mcp().value('count', {}), {'count': 2})
                rows = daemon.sql('SELECT key, value FROM coordination ORDER BY key')
                keys = {row['key'].removeprefix('/collet/v1/local/'): row['value'] for row in rows}
                self.assertIn('"commit":true', keys[f'tx/{facts["Id"]}/decision'])
                self.assertIn('"yes":true', keys[f'tx/{facts["Id"]}/vote/solo'])
                self.assertNotIn('lock/counter', keys)
                row = daemon.history('counter', 1)[0]
                self.assertEqual((row['Id'], row['Strategy']), (facts['Id'], strategy))
                daemon.stop()

    def make(self, folder):
        os.mkdir(folder)
        return folder

    def test_a_refused_artifact_changes_nothing(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        before = daemon.version('counter')
        self.assertBusError('ValidationFailed', self.begin, daemon, module('fail-self-test'))
        self.assertBusError('InvalidArgument', self.begin, daemon, module('counter-2.0.0'), 'all')
        self.assertBusError('InvalidArgument', self.begin, daemon, module('counter-2.0.0'), require='some')
        self.assertBusError('InvalidArgument', self.begin, daemon, module('counter-2.0.0'), 'rolling', waves=['other'])
        self.assertEqual(daemon.version('counter'), before)
        self.assertEqual(self.agreed(daemon)[1], 1)
        # What was prepared for it was given up.
        wait_until(lambda: self.begin_works(daemon), what='the module to be free again')
        self.wait_agreed(daemon, 2)

    def begin_works(self, daemon):
        daemon.wait(self.begin(daemon, module('counter-2.0.0')))
        return True

    def test_a_module_that_is_not_loaded_is_loaded(self):
        daemon = self.daemon('--node-name', 'solo')
        daemon.wait(self.begin(daemon, module('echo-1.0.0')))
        self.assertEqual(self.wait_agreed(daemon, 1, 'echo')[0], daemon.version('echo'))
        self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})

    def test_the_way_back_is_a_new_epoch(self):
        daemon = self.one()
        first, _, _ = self.wait_agreed(daemon, 1)
        self.assertBusError('NotFound', daemon.call, 'ClusterRollback', '(ssa{sv})', 'counter', '', {})
        path = self.begin(daemon, module('counter-2.0.0'))
        daemon.wait(path)
        self.wait_agreed(daemon, 2)
        back = daemon.call('ClusterRollback', '(ssa{sv})', 'counter', '', variants({'reason': 'no good'}))
        daemon.wait(back)
        self.assertEqual(self.wait_agreed(daemon, 3)[0], first)
        self.assertEqual(daemon.version('counter'), first)
        facts = daemon.properties(back, RELOAD)
        self.assertEqual(facts['Reverts'], daemon.properties(path, RELOAD)['Id'])
        self.assertBusError('NotFound', daemon.call, 'ClusterRollback', '(ssa{sv})', 'counter', 'abcdef', {})

    def pause_before_the_end(self, daemon):
        """A rolling reload of the only node, which would be over in an hour."""
        path = self.begin(daemon, module('counter-2.0.0'), 'rolling', bake_s=3600)
        daemon.wait(path)
        return path

    def verdict(self, daemon):
        return daemon.call('CheckConsistency', '(s)', 'counter')[1]['verdict']

    def test_a_rolling_reload_is_paused_resumed_and_promoted(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        for method in ('PauseRollout', 'ResumeRollout', 'PromoteRollout'):
            error = self.assertBusError('NotFound', daemon.call, method, '(sa{sv})', 'counter', {})
            self.assertIn('no rolling reload of counter', error.message)
        path = self.pause_before_the_end(daemon)
        self.assertEqual(self.verdict(daemon), 'rolling')
        self.assertBusError('ReloadInProgress', self.begin, daemon, module('counter-1.0.0'))
        steer = variants({'reason': 'lunch'})
        self.assertEqual(daemon.call('PauseRollout', '(sa{sv})', 'counter', steer), path)
        self.assertIn('"state":"paused"', self.rollout(daemon))
        self.assertIn('lunch', self.rollout(daemon))
        identity = daemon.property('Id', path, RELOAD)
        note = 'The roll-out is paused in wave 1 of 1: lunch.'
        self.assertEqual(daemon.call('GetReload', '(s)', identity)['Note'], note)
        wait_until(lambda: daemon.property('Note', path, RELOAD) == note, what='the note')
        self.assertEqual(daemon.call('ResumeRollout', '(sa{sv})', 'counter', {}), path)
        self.assertIn('"state":"running"', self.rollout(daemon))
        self.assertEqual(daemon.call('PromoteRollout', '(sa{sv})', 'counter', {}), path)
        self.assertEqual(self.verdict(daemon), 'consistent')
        wait_until(lambda: daemon.property('Note', path, RELOAD) == '', what='the note to go')
        self.assertBusError('NotFound', daemon.call, 'PromoteRollout', '(sa{sv})', 'counter', {})
        daemon.wait(self.begin(daemon, module('counter-1.0.0')))

    def rollout(self, daemon):
        return daemon.sql("SELECT value FROM coordination WHERE key LIKE '%/desired/counter'")[0]['value']

    def test_what_runs_is_not_agreed_on_again(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        error = self.assertBusError('InvalidArgument', self.begin, daemon, module('counter-1.0.0'))
        self.assertIn('already', error.message)
        wait_until(lambda: self.loads(daemon, module('counter-2.0.0')), what='the module to be free')
        self.wait_agreed(daemon, 2)

    def test_what_is_in_line_is_not_synced(self):
        daemon = self.one()
        first, _, _ = self.wait_agreed(daemon, 1)
        generation = daemon.info('counter')['Generation']
        for name in ('counter', ''):
            for options in ({}, {'target': 'desired'}, {'clear_overrides': True}):
                self.assertEqual(daemon.call('SyncVersions', '(sa{sv})', name, variants(options)), [])
        self.assertEqual(self.agreed(daemon), (first, 1, 1))
        self.assertEqual(daemon.info('counter')['Generation'], generation)
        self.assertBusError('NotFound', daemon.call, 'SyncVersions', '(sa{sv})', 'absent', {})
        self.assertBusError('InvalidArgument', daemon.call, 'SyncVersions', '(sa{sv})', 'counter',
                            variants({'target': 'newest'}))
        self.assertBusError('NotFound', daemon.call, 'ClearOverride', '(sa{sv})', 'counter', {})

    def test_the_reload_shows_each_node(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        path = self.begin(daemon, module('counter-2.0.0'))
        daemon.wait(path)
        rows = wait_until(lambda: [row for row in daemon.property('Nodes', path, RELOAD) if row['phase'] == 'done'],
                          what='the row')
        self.assertEqual(rows, [{'node': 'solo', 'phase': 'done', 'state': 'applied', 'error-name': '',
                                 'error-message': ''}])
        local = daemon.begin_reload('counter', module('counter-1.0.0'))
        daemon.wait(local)
        self.assertEqual(daemon.property('Nodes', local, RELOAD), [])

    def test_versions_and_nodes_tell_what_runs(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        rows = daemon.call('GetClusterVersions', '(s)', 'counter')
        self.assertEqual(rows, [{'node': 'solo', 'version': daemon.version('counter'), 'semantic-version': '1.0.0',
                                 'state': 'in-line', 'epoch': 1, 'desired': True, 'error': '', 'message': ''}])
        self.assertBusError('NotFound', daemon.call, 'GetClusterVersions', '(s)', 'absent')
        nodes = daemon.call('ListNodes')
        self.assertEqual([(node['Name'], node['Self'], node['State']) for node in nodes], [('solo', True, 'live')])
        self.assertEqual(nodes[0]['Counts'], {'modules': 1, 'in-line': 1, 'lagging': 0, 'failed': 0, 'overrides': 0})
        facts = daemon.properties(ROOT + '/nodes/solo', NODE)
        self.assertEqual(facts['DaemonVersion'], daemon.property('Version'))
        self.assertEqual(daemon.property('ClusterState'), 'alone')

    def test_changes_are_signalled_by_number(self):
        daemon = self.one()
        seen = []
        loop = GLib.MainContext.default()
        daemon.connection.signal_subscribe(None, MANAGER, 'MatrixChanged', ROOT, None, 0,
                                           lambda *arguments: seen.append(arguments[5].unpack()))
        self.wait_agreed(daemon, 1)
        daemon.reload('counter', module('counter-2.0.0'))
        version = self.wait_agreed(daemon, 2)[0]

        def arrived():
            while loop.iteration(False):
                pass
            return any(('counter', 'solo', version, 2, 1) in deltas for _, deltas in seen)
        wait_until(arrived, what='the signal')
        self.assertTrue(any(('counter', '', version, 2, 0) in deltas for _, deltas in seen), seen)
        numbers = [serial for serial, _ in seen]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_it_is_known_after_a_restart(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        daemon.wait(self.begin(daemon, module('counter-2.0.0')))
        version = self.wait_agreed(daemon, 2)[0]
        daemon.restart()
        self.assertEqual(self.wait_agreed(daemon, 2)[0], version)
        self.assertEqual(daemon.version('counter'), version)

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without failpoints')
    def test_killed_at_any_step_it_ends_decided_and_in_line(self):
        for place in ('cluster-prepared', 'cluster-before-vote', 'cluster-before-decision', 'cluster-before-commit',
                      'cluster-committed', 'store-before-commit', 'store-after-commit'):
            with self.subTest(place=place):
                daemon = self.daemon('--node-name', 'solo', folder=self.make(f'{self.folder}/{place}'))
                daemon.load(module('counter-1.0.0'))
                first = self.wait_agreed(daemon, 1)[0]
                daemon.restart({'COLLET_FAILPOINT': place})
                try:
                    daemon.wait(self.begin(daemon, module('counter-2.0.0')))
                except Exception:  # its end, whatever that looks like from here
                    pass
                self.assertEqual(daemon.wait_exit(), -9)
                daemon.drop_clients()
                daemon.start()
                found = wait_until(lambda: (found := self.agreed(daemon)) and found[2] == 1 and found, 20,
                                   'that it is settled')
                self.assertIn((found[0] == first, found[1]), ((True, 1), (False, 2)))
                self.assertEqual(daemon.version('counter'), found[0])
                # Nothing holds it, once what was begun again for it has been given up.
                other = module('counter-2.0.0' if found[1] == 1 else 'counter-1.0.0')
                wait_until(lambda: self.loads(daemon, other), what='the module to be free')
                daemon.stop()

    def loads(self, daemon, path):
        try:
            daemon.load(path)
        except BusError as error:
            if error.name != 'ReloadInProgress':
                raise
            return False
        return True


class Colletctl(ClusterCase):
    def ctl(self, *arguments, status=0):
        done = subprocess.run([os.environ['COLLETCTL'], '--session', *arguments], capture_output=True, text=True,
                              env={'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'LC_ALL': 'C.UTF-8', 'PATH': '/usr/bin'},
                              timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn('CRITICAL', done.stderr)
        return done.stdout

    def test_the_command_line_shows_and_changes_it(self):
        daemon = self.one()
        self.wait_agreed(daemon, 1)
        self.assertEqual(self.ctl('cluster', 'check'), 'consistent\n')
        self.assertEqual(json.loads(self.ctl('--json', 'cluster', 'check', 'counter'))['consistency']['verdict'],
                         'consistent')
        self.assertIn('solo *', self.ctl('cluster', 'nodes'))
        self.ctl('cluster', 'reload', module('counter-2.0.0'), '--strategy', 'quorum', '--reason', 'better')
        version = self.wait_agreed(daemon, 2)[0]
        rows = json.loads(self.ctl('--json', 'cluster', 'matrix'))['matrix']
        self.assertEqual([(row['module'], row['node'], row['version'], row['epoch'], row['state']) for row in rows],
                         [('counter', 'solo', version, 2, 'in-line')])
        self.assertIn(version[:12], self.ctl('cluster', 'matrix'))
        self.ctl('cluster', 'rollback', 'counter', '--reason', 'worse')
        rows = json.loads(self.ctl('--json', 'cluster', 'versions', 'counter'))['versions']
        self.assertEqual(rows[0]['semantic_version'], '1.0.0')
        error = json.loads(self.ctl('--json', 'cluster', 'versions', 'absent', status=1))
        self.assertEqual(error['error']['name'], 'NotFound')
        self.ctl('cluster', 'adopt-store', status=1)
        self.assertEqual(self.ctl('cluster', 'sync', '--target', 'desired'), 'nothing differed\n')
        self.assertEqual(json.loads(self.ctl('--json', 'cluster', 'sync', 'counter')), {'synced': []})
        self.ctl('cluster', 'sync', 'absent', status=1)
        self.ctl('cluster', 'unoverride', 'counter', status=1)
        self.ctl('cluster', 'pause', 'counter', status=1)
        self.ctl('cluster', 'reload', module('counter-2.0.0'), '--strategy', 'rolling', '--bake', '3600')
        self.assertRegex(self.ctl('cluster', 'pause', 'counter', '--reason', 'wait'), r'^counter: paused \([0-9a-f]{16}\)\n$')
        self.assertRegex(json.loads(self.ctl('--json', 'cluster', 'resume', 'counter'))['resumed'], '^[0-9a-f]{16}$')
        self.ctl('cluster', 'check', status=1)
        self.assertIn('promoted', self.ctl('cluster', 'promote', 'counter'))
        self.ctl('cluster', 'check')
        self.ctl('cluster', 'something', status=2)


if __name__ == '__main__':
    unittest.main()
