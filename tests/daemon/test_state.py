# SPDX-License-Identifier: LGPL-2.1-or-later
"""State under load: saved at intervals, carried and proven at reloads, and what a
crash costs. The ledger has ten megabytes of counters and is saved every second.

Each poster counts in a cell of its own and knows how often it was answered, and
when; so what is in the cell afterwards says what was lost."""

import os
import signal
import threading
import time
import unittest

from collet_harness import HAS_FAILPOINTS, IS_SANITIZED, BusError, TestCase, example, module, wait_until
from test_loading import sha256

INTERVAL = 1
# A save waits for its turn, exports ten megabytes and writes them.
SLACK = 20 if IS_SANITIZED else 9


class Poster(threading.Thread):
    """Counts in its cell until told to stop, or until the daemon is gone."""

    def __init__(self, daemon, cell):
        super().__init__(daemon=True)
        self.client = daemon.mcp()
        self.cell = cell
        self.acknowledged = []  # when each was
        self.errors = []
        self.is_over = False
        self.start()

    def run(self):
        while not self.is_over:
            try:
                message = self.client.call('post', {'cell': self.cell})
            except Exception:  # the daemon is gone; http.client has many words for it
                return
            if 'result' in message:
                self.acknowledged.append(time.time())
            else:
                self.errors.append(message['error']['data']['reason'])

    def stop(self):
        self.is_over = True
        self.join(20)
        return self

    def count_before(self, moment):
        return sum(at < moment for at in self.acknowledged)


class Ledger(TestCase):
    def ledger(self, environment=None, posters=3):
        daemon = self.daemon(environment=environment)
        daemon.load(module('ledger-1.0.0'))
        crowd = [Poster(daemon, cell) for cell in (0, 4711, 1310719)[:posters]]
        wait_until(lambda: all(len(poster.acknowledged) > 20 for poster in crowd))
        return daemon, crowd

    def saved(self, daemon):
        return daemon.info('ledger')['StateSavedAt']

    def balance(self, daemon, poster):
        return daemon.tool_value('balance', {'cell': poster.cell})['value']

    def assert_exact(self, daemon, crowd):
        """Nothing acknowledged is lost, and nothing was done twice. A call that was
        not answered may have been done."""
        for poster in crowd:
            count = len(poster.acknowledged)
            self.assertIn(self.balance(daemon, poster) - count, range(len(poster.errors) + 2), poster.cell)

    def assert_kept(self, daemon, crowd, saved_at, before=None):
        """What was acknowledged before that save is there, and nothing was done twice."""
        for poster in crowd:
            value = self.balance(daemon, poster) - (before or {}).get(poster.cell, 0)
            self.assertGreaterEqual(value, poster.count_before(saved_at / 1e6), poster.cell)
            self.assertLessEqual(value, len(poster.acknowledged) + len(poster.errors) + 1, poster.cell)


class Saved(Ledger):
    def test_at_intervals_while_it_is_called(self):
        daemon, crowd = self.ledger()
        first = wait_until(lambda: self.saved(daemon))
        wait_until(lambda: self.saved(daemon) > first)
        for poster in crowd:
            self.assertEqual(poster.stop().errors, [])
        rows = daemon.sql("SELECT cause, size FROM snapshot WHERE cause = 'interval'")
        self.assertEqual([row['size'] for row in rows], [10 * 1024 * 1024], 'the newest alone is kept')
        self.assert_exact(daemon, crowd)

    def test_no_more_when_nothing_changes(self):
        daemon, crowd = self.ledger(posters=1)
        crowd[0].stop()
        time.sleep(2 * INTERVAL + 0.5)
        at = wait_until(lambda: self.saved(daemon))
        time.sleep(2 * INTERVAL)
        self.assertEqual(self.saved(daemon), at)
        daemon.kill()
        daemon.start()
        self.assert_exact(daemon, crowd)

    def test_also_while_a_version_is_prepared(self):
        daemon, crowd = self.ledger(posters=1)
        daemon.call('PrepareReload', '(sa{sv})', module('ledger-2.0.0'), {})
        first = self.saved(daemon)
        wait_until(lambda: self.saved(daemon) > first)
        self.assertEqual(crowd[0].stop().errors, [])

    def test_does_not_stand_in_the_way_of_reloads(self):
        daemon, crowd = self.ledger()
        for turn in range(6):
            daemon.reload('ledger', module('ledger-2.0.0' if turn % 2 == 0 else 'ledger-1.0.0'), allow_breaking=True)
            time.sleep(0.4)
        for poster in crowd:
            self.assertEqual(poster.stop().errors, [])
        self.assert_exact(daemon, crowd)


class Proven(TestCase):
    def ledger(self):
        daemon = self.daemon()
        daemon.load(module('ledger-1.0.0'))
        for _ in range(3):
            daemon.tool_value('post', {'cell': 0})
        return daemon

    def way_back(self, daemon):
        return daemon.sql("SELECT json_extract (detail, '$.items[0].way_back') AS way FROM reload_end "
                          "ORDER BY reload DESC")[0]['way']

    def test_up_and_down_give_the_same_bytes(self):
        daemon = self.ledger()
        result = daemon.reload('ledger', module('ledger-2.0.0'))
        self.assertEqual(result['Items'][0]['way-back'], 'migrate')
        self.assertEqual(self.way_back(daemon), 'migrate')
        daemon.tool_value('post', {'cell': 0})
        daemon.rollback('ledger')
        self.assertEqual(daemon.tool_value('balance', {'cell': 0}), {'value': 4})

    def test_a_way_down_that_loses_something_is_refused(self):
        daemon = self.ledger()
        error = self.assertBusError('StateMigrationFailed', daemon.reload, 'ledger', module('ledger-lossy'))
        self.assertIn('differ at byte 0', error.message)
        self.assertEqual(daemon.version('ledger'), sha256(module('ledger-1.0.0')))
        self.assertEqual(daemon.tool_value('post', {'cell': 0}), {'value': 4})

    def test_without_a_way_down_the_snapshot_is_the_way_back(self):
        daemon = self.ledger()
        result = daemon.reload('ledger', module('ledger-one-way'))
        self.assertEqual(result['Items'][0]['way-back'], 'snapshot')
        daemon.tool_value('post', {'cell': 0})
        self.assertBusError('StateMigrationFailed', daemon.rollback, 'ledger', state='migrate')
        daemon.rollback('ledger')
        self.assertEqual(daemon.tool_value('balance', {'cell': 0}), {'value': 3})

    def test_rollback_chooses_the_state_of_then_or_of_now(self):
        daemon = self.ledger()
        daemon.reload('ledger', module('ledger-2.0.0'))
        daemon.tool_value('post', {'cell': 0})
        daemon.rollback('ledger', state='snapshot')
        self.assertEqual(daemon.tool_value('balance', {'cell': 0}), {'value': 3})
        daemon.reload('ledger', module('ledger-2.0.0'))
        daemon.tool_value('post', {'cell': 0})
        daemon.rollback('ledger', state='migrate')
        self.assertEqual(daemon.tool_value('balance', {'cell': 0}), {'value': 4})


class Killed(Ledger):
    def test_worker_costs_at_most_an_interval_and_that_is_shown(self):
        daemon, crowd = self.ledger()
        wait_until(lambda: self.saved(daemon))
        time.sleep(0.5)
        info = daemon.info('ledger')
        os.kill(info['Pid'], signal.SIGKILL)
        moment = time.time()
        wait_until(lambda: daemon.info('ledger')['StateRestoredAt'])
        wait_until(lambda: all(poster.acknowledged[-1] > moment for poster in crowd))
        for poster in crowd:
            poster.stop()
        for poster in crowd:
            after = len(poster.acknowledged) - poster.count_before(moment)
            value = self.balance(daemon, poster)
            self.assertGreaterEqual(value, poster.count_before(info['StateSavedAt'] / 1e6) + after - 1)
            self.assertLessEqual(value, len(poster.acknowledged) + len(poster.errors))
        info = daemon.info('ledger')
        self.assertTrue(0 < info['StateLostUs'] < (INTERVAL + SLACK) * 1e6, info['StateLostUs'])
        row = wait_until(lambda: daemon.sql('SELECT * FROM state_history'))[0]
        self.assertEqual((row['module'], row['version'], row['cause']), ('ledger', '1.0.0', 'worker'))
        self.assertAlmostEqual(row['age_s'], info['StateLostUs'] / 1e6, places=2)

    def test_daemon_costs_at_most_an_interval_and_that_is_shown(self):
        daemon, crowd = self.ledger()
        wait_until(lambda: self.saved(daemon))
        time.sleep(0.5)
        moment = time.time()
        daemon.kill()
        for poster in crowd:
            poster.stop()
        daemon.start()
        info = daemon.info('ledger')
        self.assertGreater(info['StateSavedAt'] / 1e6, moment - INTERVAL - SLACK)
        self.assert_kept(daemon, crowd, info['StateSavedAt'])
        self.assertGreater(info['StateRestoredAt'], info['StateSavedAt'])
        self.assertEqual(info['StateRestoredAt'] - info['StateSavedAt'], info['StateLostUs'])
        rows = wait_until(lambda: daemon.sql('SELECT cause FROM state_history'))
        self.assertEqual(rows[0]['cause'], 'daemon')

    def test_nothing_is_lost_when_it_ends_in_order(self):
        daemon, crowd = self.ledger()
        for poster in crowd:
            poster.stop()
        daemon.restart()
        self.assert_exact(daemon, crowd)
        self.assertEqual(daemon.info('ledger')['StateRestoredAt'], 0)
        self.assertEqual(daemon.sql('SELECT * FROM state_history'), [])
        daemon.tool_value('post', {'cell': 5})
        daemon.kill()
        daemon.start()
        rows = wait_until(lambda: daemon.sql('SELECT cause FROM state_history'), what='the record')
        self.assertEqual(rows, [{'cause': 'daemon'}])

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
    def test_daemon_between_the_steps_of_a_reload(self):
        for name, version in (('reload-state-exported', '1.0.0'), ('reload-state-migrated', '1.0.0'),
                              ('reload-before-commit', '1.0.0'), ('reload-after-commit', '2.0.0'),
                              ('reload-published', '2.0.0'), ('reload-draining', '2.0.0')):
            with self.subTest(name):
                daemon, crowd = self.ledger()
                for poster in crowd:
                    poster.stop()
                daemon.restart({'COLLET_FAILPOINT': name})
                before = {poster.cell: self.balance(daemon, poster) for poster in crowd}
                crowd = [Poster(daemon, poster.cell) for poster in crowd]
                wait_until(lambda: self.saved(daemon) and all(len(poster.acknowledged) > 50 for poster in crowd))
                saved_at = self.saved(daemon)
                with self.assertRaises(BusError):
                    daemon.reload('ledger', module('ledger-2.0.0'))
                self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
                for poster in crowd:
                    poster.stop()
                daemon.start()
                self.assertEqual(daemon.version('ledger'), sha256(module('ledger-' + version)))
                self.assert_kept(daemon, crowd, saved_at, before)
                if version == '2.0.0':  # saved with the commit, when nothing ran
                    for poster in crowd:
                        value = self.balance(daemon, poster) - before[poster.cell]
                        passed = 0 if name == 'reload-after-commit' else 20
                        self.assertGreaterEqual(value, len(poster.acknowledged) - passed)
                row = daemon.history('ledger')[0]
                self.assertEqual(row['State'], 'succeeded' if version == '2.0.0' else 'interrupted')
                daemon.stop()
                self.daemons.remove(daemon)
                daemon.connection.close_sync(None)
                os.system(f'rm -rf {daemon.data} {daemon.log}')

    @unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
    def test_daemon_while_it_saves(self):
        daemon = self.daemon(environment={'COLLET_FAILPOINT': 'snapshot-exported'})
        daemon.load(module('ledger-1.0.0'))
        crowd = [Poster(daemon, 0)]
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        crowd[0].stop()
        daemon.environment = {}
        daemon.start()
        self.assertEqual(self.balance(daemon, crowd[0]), 0)
        self.assertEqual(daemon.sql('SELECT cause, state_saved FROM state_history'),
                         [{'cause': 'daemon', 'state_saved': None}])
        self.assertEqual(daemon.info('ledger')['StateLostUs'], -1)

    def test_worker_during_a_reload_leaves_the_old_version(self):
        daemon, crowd = self.ledger(posters=1)
        wait_until(lambda: self.saved(daemon))
        for turn in range(4):
            path = daemon.begin_reload('ledger', module('ledger-2.0.0'))
            time.sleep(0.01 * turn)
            pid = daemon.info('ledger')['Pid']
            if pid:
                os.kill(pid, signal.SIGKILL)
            try:
                daemon.wait(path)
                self.assertEqual(daemon.version('ledger'), sha256(module('ledger-2.0.0')))
                daemon.rollback('ledger')
            except BusError as error:
                self.assertIn(error.name, ('StateMigrationFailed', 'WorkerCrashed', 'WorkerUnavailable'))
                self.assertEqual(daemon.version('ledger'), sha256(module('ledger-1.0.0')))
        wait_until(lambda: daemon.info('ledger')['State'] == 'running')
        crowd[0].stop()
        self.assertGreater(self.balance(daemon, crowd[0]), 0)
        self.assertLessEqual(self.balance(daemon, crowd[0]), len(crowd[0].acknowledged) + len(crowd[0].errors))


class Given(TestCase):
    def test_state_is_migrated_in_place_of_its_own(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 42})
        daemon.reload('calculator', example('calculator-2.0.0'), state=b'memory=7')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 7)
        daemon.rollback('calculator', state='snapshot')
        self.assertEqual(daemon.tool_value('memory_get'), {'memory': 42})


if __name__ == '__main__':
    unittest.main()
