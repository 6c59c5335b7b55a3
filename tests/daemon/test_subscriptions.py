# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who is told of new versions of tools: by name, durably, in order, once."""

import os
import sqlite3
import unittest

from collet_harness import HAS_FAILPOINTS, MANAGER, NAME, ROOT, BusError, TestCase, module, variants, wait_until

from gi.repository import Gio, GLib

FAILPOINTS = ['reload-begun', 'reload-before-commit', 'store-before-commit', 'store-after-commit',
              'reload-after-commit', 'reload-draining']


class Subscriptions(TestCase):
    def echo(self, *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(module('echo-1.0.0'))
        return daemon

    def subscribe(self, daemon, tool='echo', **options):
        return daemon.call('SubscribeToToolUpdates', '(sa{sv})', tool, variants(options))

    def unsubscribe(self, daemon, tool='echo', **options):
        return daemon.call('UnsubscribeFromToolUpdates', '(sa{sv})', tool, variants(options))

    def check(self, daemon, tool='echo', **options):
        updated, version = daemon.call('CheckToolUpdated', '(sa{sv})', tool, variants(options))
        self.assertEqual(version, daemon.call('GetTool', '(s)', tool)['Version'])
        return updated

    def since(self, daemon, sequence=0, **options):
        rows, following = daemon.call('GetUpdatesSince', '(ta{sv})', sequence, variants(options))
        self.assertEqual([row['sequence'] for row in rows], sorted({row['sequence'] for row in rows}))
        return rows, following

    def listed(self, daemon, **options):
        return daemon.call('ListSubscriptions', '(a{sv})', variants(options))

    def subscribers(self, daemon, tool='echo'):
        return daemon.call('GetTool', '(s)', tool)['Subscribers']

    def swap(self, daemon, version):
        daemon.reload('echo', module(f'echo-{version}'))

    def test_example_of_the_reference(self):
        """Register, update the version, look: it was updated; the second look finds nothing new."""
        daemon = self.echo()
        self.assertFalse(self.check(daemon, subscriber='early'))
        self.swap(daemon, '2.0.0')
        daemon.call('UpdateToolVersion', '(ss)', 'echo', daemon.version('echo'))
        self.assertTrue(self.check(daemon))
        self.assertFalse(self.check(daemon))
        self.assertTrue(self.check(daemon, subscriber='early'))
        self.assertBusError('NotFound', self.check, daemon, 'absent')

    def test_look_is_since_the_subscription_if_there_was_none(self):
        daemon = self.echo()
        self.swap(daemon, '2.0.0')
        for tool, name in (('echo', 'one'), ('*', 'all')):
            self.subscribe(daemon, tool, subscriber=name)
            self.assertFalse(self.check(daemon, subscriber=name))
        self.subscribe(daemon, subscriber='later')
        self.swap(daemon, '1.0.0')
        self.assertTrue(self.check(daemon, subscriber='later'))

    def test_looks_survive_a_restart(self):
        daemon = self.echo()
        self.swap(daemon, '2.0.0')
        self.assertTrue(self.check(daemon))
        daemon.kill()
        daemon.start()
        self.assertFalse(self.check(daemon))

    def test_second_time_is_no_error_and_no_second_event(self):
        daemon = self.echo()
        subscriber, first = self.subscribe(daemon)
        self.assertEqual(subscriber, f'uid:{os.getuid()}')
        self.assertEqual(self.subscribe(daemon), (subscriber, first))
        self.swap(daemon, '2.0.0')
        rows, following = self.since(daemon)
        self.assertEqual([row['sequence'] for row in rows], [first + 1])
        self.assertEqual(daemon.call('UpdateToolVersion', '(ss)', 'echo', daemon.version('echo')), (False, first + 1))
        self.assertEqual(self.since(daemon, following), ([], following))
        self.assertBusError('NotFound', self.subscribe, daemon, 'absent')

    def test_what_was_missed_is_replayed_in_order_after_a_restart(self):
        daemon = self.echo()
        name, start = self.subscribe(daemon, subscriber='ci')
        self.assertEqual(name, 'ci')
        versions = []
        for version in ('2.0.0', '1.0.0', '2.0.0'):
            self.swap(daemon, version)
            versions.append(daemon.version('echo'))
        daemon.restart()
        rows, following = self.since(daemon, start, subscriber='ci')
        self.assertEqual([row['version'] for row in rows], versions)
        self.assertEqual([row['sequence'] for row in rows], [start + 1, start + 2, start + 3])
        self.assertEqual(rows[1]['previous-version'], versions[0])
        self.assertEqual(rows[0]['reload'], daemon.history()[-2]['Id'])
        self.assertEqual(following, daemon.property('UpdateSequence'))
        page, following = self.since(daemon, start, subscriber='ci', limit=2)
        self.assertEqual((page, following), (rows[:2], start + 2))
        self.assertEqual(self.since(daemon, following, subscriber='ci')[0], rows[2:])
        # Nobody else is told, and nothing from before.
        self.assertEqual(self.since(daemon, subscriber='other')[0], [])
        daemon.unload('echo')
        rows, _ = self.since(daemon, start + 3, subscriber='ci')
        self.assertEqual([(row['tool'], row['version']) for row in rows], [('echo', '')])

    def test_signal_has_the_number_and_comes_in_order(self):
        daemon = self.echo()
        _, start = self.subscribe(daemon, '*')
        heard = []
        listener = self.bus.connect()
        listener.signal_subscribe(NAME, MANAGER, 'ToolUpdated', ROOT, None, Gio.DBusSignalFlags.NONE,
                                  lambda *signal: heard.append(signal[5].unpack()))
        self.swap(daemon, '2.0.0')
        daemon.load(module('counter-1.0.0'))

        def all_there():
            while GLib.MainContext.default().iteration(False):
                pass
            return len(heard) == 3

        wait_until(all_there)
        listener.close_sync(None)
        rows, _ = self.since(daemon, start)
        self.assertEqual(heard, [(row['tool'], row['version'], row['sequence']) for row in rows])
        self.assertEqual([row[0] for row in heard], ['echo', 'count', 'count_get'])
        for tool, version, sequence in heard:
            row = daemon.call('GetTool', '(s)', tool)
            self.assertEqual((row['Version'], row['Sequence']), (version, sequence))
            self.assertGreater(row['UpdatedAt'], 0)

    def test_only_the_caller_is_unsubscribed(self):
        daemon = self.echo()
        self.subscribe(daemon, subscriber='one')
        self.subscribe(daemon, subscriber='two')
        self.subscribe(daemon, '*', subscriber='two')
        self.assertEqual(self.subscribers(daemon), 2)
        self.assertTrue(self.unsubscribe(daemon, subscriber='one'))
        self.assertFalse(self.unsubscribe(daemon, subscriber='one'))
        self.assertEqual([(row['subscriber'], row['tool']) for row in self.listed(daemon)],
                         [('two', '*'), ('two', 'echo')])
        daemon.restart()
        self.assertEqual(self.subscribers(daemon), 1)
        self.swap(daemon, '2.0.0')
        self.assertEqual(self.since(daemon, subscriber='one')[0], [])
        self.assertEqual(len(self.since(daemon, subscriber='two')[0]), 1)
        # One of two subscriptions still covers what was told.
        self.unsubscribe(daemon, 'echo', subscriber='two')
        self.assertEqual(len(self.since(daemon, subscriber='two')[0]), 1)
        self.unsubscribe(daemon, '*', subscriber='two')
        self.assertEqual(self.since(daemon, subscriber='two')[0], [])
        self.assertEqual(daemon.sql('SELECT count (*) AS n FROM subscriber_event'), [{'n': 0}])
        self.assertEqual(daemon.sql('SELECT * FROM subscriber'), [])

    def test_pending_is_what_came_since_the_last_look(self):
        daemon = self.echo()
        self.subscribe(daemon, subscriber='ci')
        for version in ('2.0.0', '1.0.0'):
            self.swap(daemon, version)
        self.assertEqual([row['pending'] for row in self.listed(daemon, subscriber='ci')], [2])
        self.assertEqual(daemon.sql('SELECT pending FROM subscription_status'), [{'pending': 2}])
        self.check(daemon, subscriber='ci')
        self.assertEqual([row['pending'] for row in self.listed(daemon, subscriber='ci')], [0])
        self.assertEqual(self.listed(daemon, subscriber='nobody'), [])

    def test_names_are_bounded_and_belong_to_somebody(self):
        daemon = self.echo()
        for name in ('', 'a b', 'x' * 129, 'é', 'a/b'):
            self.assertBusError('InvalidArgument', self.subscribe, daemon, subscriber=name)
        if os.getuid() != 0:
            self.assertBusError('NotAuthorized', self.subscribe, daemon, subscriber='uid:0')
        for number in range(256):
            self.subscribe(daemon, subscriber=f'n{number}')
        self.assertBusError('Overloaded', self.subscribe, daemon, subscriber='one-too-many')
        self.assertBusError('Overloaded', self.check, daemon, subscriber='one-too-many')
        self.unsubscribe(daemon, subscriber='n7')
        self.subscribe(daemon, subscriber='one-too-many')
        self.assertEqual(self.subscribers(daemon), 256)

    def test_name_of_another_user_is_not_ours(self):
        if os.getuid() == 0:
            self.skipTest('the administrator may use any name')
        daemon = self.echo()
        self.subscribe(daemon, subscriber='theirs')
        daemon.stop()
        database = sqlite3.connect(os.path.join(daemon.data, 'collet.db'))
        database.execute('UPDATE subscriber SET uid = uid + 1')
        database.commit()
        database.close()
        daemon.start()
        for method in (self.subscribe, self.unsubscribe, self.check):
            self.assertBusError('NotAuthorized', method, daemon, subscriber='theirs')
        self.assertBusError('NotAuthorized', self.since, daemon, subscriber='theirs')

    def test_polling_does_not_write(self):
        daemon = self.echo()
        self.check(daemon)
        before = daemon.sql('SELECT at FROM tool_check')
        for _ in range(20):
            self.assertFalse(self.check(daemon))
        self.assertEqual(daemon.sql('SELECT at FROM tool_check'), before)

    @unittest.skipUnless(HAS_FAILPOINTS, 'failpoints are not built in')
    def test_no_event_is_lost_or_doubled_when_the_daemon_is_killed(self):
        daemon = self.echo()
        _, start = self.subscribe(daemon, subscriber='ci')
        known = start
        for name in FAILPOINTS:
            with self.subTest(name):
                before = daemon.version('echo')
                target = '2.0.0' if daemon.info('echo')['SemanticVersion'] == '1.0.0' else '1.0.0'
                daemon.restart({'COLLET_FAILPOINT': name})
                with self.assertRaises(BusError):
                    self.swap(daemon, target)
                daemon.wait_exit()
                daemon.start()
                after = daemon.version('echo')
                rows, following = self.since(daemon, known, subscriber='ci')
                self.assertEqual([row['version'] for row in rows], [after] if after != before else [])
                self.assertEqual(daemon.call('GetTool', '(s)', 'echo')['Version'], after)
                self.assertEqual(following, daemon.property('UpdateSequence'))
                known = following
        numbers = [row['sequence'] for row in daemon.sql('SELECT sequence FROM tool_update ORDER BY sequence')]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))


if __name__ == '__main__':
    unittest.main()
