# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of the daemon at each named place of a change: the next start is on
exactly one side of it, the history says which and why, and a subscriber is told of
the change once or not at all, as it stands or not."""

import os
import signal
import unittest

from collet_harness import HAS_FAILPOINTS, BusError, TestCase, module, variants
from test_loading import sha256

OLD, NEW = module('counter-1.0.0'), module('counter-4.0.0')


def reload(daemon):
    daemon.reload('counter', NEW)


def prepare(daemon):
    path, version = daemon.call('PrepareReload', '(sa{sv})', NEW, {})
    daemon.call('CommitReload', '(ssa{sv})', 'counter', version, {})
    daemon.wait(path)


def rollback(daemon):
    daemon.rollback('counter')


def rollback_to_snapshot(daemon):
    daemon.rollback('counter', state='snapshot')


def drain(daemon):
    daemon.wait(daemon.call('DrainModule', '(sua{sv})', 'counter', 0, {}))


# place, what is done then, whether it stands afterwards, and whether the history
# can have heard of it
POINTS = (
    ('artifact-before-rename', reload, False, False),  # before it is in the store
    ('artifact-after-rename', reload, False, False),  # after
    ('reload-begun', reload, False, True),
    ('reload-prepared', prepare, False, True),  # after the prepare
    ('reload-decided', prepare, False, True),
    ('reload-state-exported', reload, False, True),
    ('reload-state-migrated', reload, False, True),
    ('reload-before-commit', reload, False, True),
    ('store-before-commit', reload, False, True),
    ('store-after-commit', reload, True, True),
    ('reload-after-commit', reload, True, True),  # before it is published
    ('reload-published', reload, True, True),
    ('reload-draining', reload, True, True),
    ('reload-begun', rollback, False, True),  # in the middle of a rollback
    ('reload-state-exported', rollback, False, True),
    ('reload-before-commit', rollback_to_snapshot, False, True),
    ('reload-after-commit', rollback, True, True),
    ('reload-draining', rollback, True, True),
    ('service-draining', drain, False, True),
    ('service-before-commit', drain, False, True),
    ('service-after-commit', drain, True, True),
)


@unittest.skipUnless(HAS_FAILPOINTS, 'built without -Dfailpoints=true')
class Killed(TestCase):
    def test_at_each_place_is_old_or_new_and_told_once_or_never(self):
        for place, action, stands, is_known in POINTS:
            with self.subTest(place=place, action=action.__name__):
                daemon = self.daemon()
                try:
                    self.at(daemon, place, action, stands, is_known)
                finally:
                    daemon.stop()
                    self.daemons.remove(daemon)
                    daemon.connection.close_sync(None)
                    os.system(f'rm -rf {daemon.data} {daemon.log}')

    def updates(self, daemon, since=0):
        rows, _ = daemon.call('GetUpdatesSince', '(ta{sv})', since, variants({'subscriber': 'watcher'}))
        return rows

    def at(self, daemon, place, action, stands, is_known):
        daemon.load(OLD)
        daemon.call('SubscribeToToolUpdates', '(sa{sv})', '*', variants({'subscriber': 'watcher'}))
        daemon.tool_value('count', {'by': 5})
        is_rollback = action in (rollback, rollback_to_snapshot)
        if is_rollback:
            reload(daemon)
        before = daemon.version('counter')
        seen = self.updates(daemon)
        first = seen[-1]['sequence'] if seen else daemon.property('UpdateSequence')
        rows = len(daemon.history('counter', 100))

        daemon.restart({'COLLET_FAILPOINT': place})
        self.assertRaises(BusError, action, daemon)
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.start()

        after = sha256(OLD if is_rollback else NEW) if stands and action is not drain else before
        self.assertEqual(daemon.version('counter'), after)
        news = self.updates(daemon, first)
        self.assertEqual([(row['tool'], row['version']) for row in news],
                         [(tool, after) for tool in ('count', 'count_get')] if after != before else [])
        self.assertEqual([row['sequence'] for row in news], list(range(first + 1, first + 1 + len(news))))
        self.assertEqual(daemon.property('UpdateSequence'), first + len(news))
        self.check_history(daemon, rows, stands, is_known)

        self.assertEqual(daemon.info('counter')['State'] == 'drained', action is drain and stands)
        daemon.call('ResumeModule', '(sa{sv})', 'counter', {})
        daemon.wait(daemon.call('ResumeModule', '(sa{sv})', 'counter', {}))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})
        self.assertEqual(self.updates(daemon, first), news, 'nothing is told twice')

    def check_history(self, daemon, rows, stands, is_known):
        history = daemon.history('counter', 100)
        self.assertNotIn('running', [row['State'] for row in history])
        self.assertEqual(len(history), rows + is_known)
        if not is_known:
            return
        self.assertEqual(history[0]['State'], 'succeeded' if stands else 'interrupted')
        self.assertIn('daemon', (history[0]['Note'] or history[0]['ErrorMessage']).lower())
        self.assertEqual(history[0]['ErrorName'], '' if stands else 'Interrupted')


if __name__ == '__main__':
    unittest.main()
