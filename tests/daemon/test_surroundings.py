# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that is not as it should be: disks, databases, ports, names."""

import errno
import os
import socket
import sqlite3
import unittest

from collet_harness import IS_SANITIZED, Bus, BusError, TestCase, module, wait_until

SHIM = os.environ.get('COLLET_FAULT_SHIM', '')


class Start(TestCase):
    def refuses(self, daemon, *words):
        """Ends by itself with a message that has these words."""
        seen = len(daemon.output())
        daemon.spawn()
        self.assertNotEqual(daemon.wait_exit(), 0)
        for word in words:
            self.assertIn(word, daemon.output()[seen:])
        self.assertNotIn(' is ready', daemon.output()[seen:])

    def test_on_a_port_that_is_taken(self):
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            other.listen()
            daemon = self.daemon(start=False, port=other.getsockname()[1])
            self.refuses(daemon, str(daemon.port))

    def test_with_a_bus_name_that_is_taken(self):
        self.daemon()
        folder = os.path.join(self.folder, 'second')
        os.mkdir(folder)
        self.refuses(self.daemon(start=False, folder=folder), 'org.collet.Collet1')

    def test_with_a_data_folder_that_is_taken(self):
        first = self.daemon()
        folder = os.path.join(self.folder, 'bus')
        os.mkdir(folder)
        mine, self.bus = self.bus, Bus(folder)
        try:
            daemon = self.daemon(start=False)
            daemon.log = os.path.join(folder, 'log')
            self.refuses(daemon, str(first.process.pid))
            self.daemons.remove(daemon)
            daemon.connection.close_sync(None)
        finally:
            self.bus.close()
            self.bus = mine
        self.assertEqual(first.property('State'), 'running')

    def test_without_a_bus(self):
        daemon = self.daemon(start=False, environment={'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nowhere'})
        self.refuses(daemon, 'bus')

    def test_with_a_database_from_the_future_leaves_it_alone(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.stop()
        path = os.path.join(daemon.data, 'collet.db')
        with sqlite3.connect(path) as database:
            database.execute('PRAGMA user_version = 9999')
        database.close()
        with open(path, 'rb') as file:
            before = file.read()
        self.refuses(daemon, 'DatabaseNewer')
        with open(path, 'rb') as file:
            self.assertEqual(file.read(), before)

    def test_with_a_damaged_database_moves_it_aside_and_says_so(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.stop()
        path = os.path.join(daemon.data, 'collet.db')
        for name in os.listdir(daemon.data):
            if name.startswith('collet.db-'):
                os.unlink(os.path.join(daemon.data, name))
        with open(path, 'r+b') as file:
            file.write(b'this is no database at all, whatever its name may say' * 100)
        with open(path, 'rb') as file:
            damaged = file.read()
        daemon.start()
        self.assertEqual(len(daemon.property('Warnings')), 1)
        aside = [name for name in os.listdir(daemon.data) if name.startswith('collet.db.corrupt')]
        self.assertTrue(aside)
        self.assertIn(aside[0], daemon.property('Warnings')[0])
        with open(os.path.join(daemon.data, min(aside, key=len)), 'rb') as file:
            self.assertEqual(file.read(), damaged)
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_with_an_artifact_that_is_gone_or_changed_goes_on_with_the_others(self):
        daemon = self.daemon()
        for name in ('echo-1.0.0', 'counter-1.0.0', 'clash'):
            try:
                daemon.load(module(name))
            except BusError:
                pass
        version = daemon.version('counter')
        daemon.stop()
        for root, _, names in os.walk(daemon.data):
            for name in names:
                if name.startswith(version):
                    path = os.path.join(root, name)
                    os.chmod(path, 0o644)
                    with open(path, 'r+b') as file:
                        file.seek(5000)
                        file.write(b'\xff' * 16)
        daemon.start()
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        self.assertNotIn('count', [tool['name'] for tool in daemon.mcp().tools()])
        self.assertTrue(daemon.property('Warnings'))
        daemon.load(module('counter-1.0.0'))
        self.assertEqual(daemon.tool_value('count'), {'count': 1})


@unittest.skipIf(IS_SANITIZED, 'a preloaded library comes before the sanitizer')
class Disk(TestCase):
    """While the disk fails, changes are refused by name, calls go on, and nothing is lost."""

    def disk(self):
        fault = os.path.join(self.folder, 'fault')
        daemon = self.daemon(environment={'LD_PRELOAD': SHIM, 'COLLET_TEST_ERRNO': fault,
                                          'COLLET_TEST_FOLDER': os.path.join(self.folder, 'data')})
        daemon.load(module('counter-1.0.0'))
        daemon.tool_value('count', {'by': 7})
        return daemon, fault

    def fails(self, number, *names):
        daemon, fault = self.disk()
        with open(fault, 'w', encoding='ascii') as file:
            file.write(str(number))
        for attempt in (lambda: daemon.load(module('echo-1.0.0')),
                        lambda: daemon.reload('counter', module('counter-2.0.0'))):
            with self.assertRaises(BusError) as caught:
                attempt()
            self.assertIn(caught.exception.name, names, caught.exception.message)
        self.assertEqual(daemon.mcp().value('count_get'), {'count': 7})
        self.assertEqual(len(daemon.call('ListModules', '(a{sv})', {})), 1)
        os.unlink(fault)
        daemon.reload('counter', module('counter-2.0.0'))
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(daemon.mcp().value('count_get'), {'count': 7})
        daemon.restart()
        self.assertEqual(daemon.mcp().value('count_get'), {'count': 7})

    def test_is_full(self):
        self.fails(errno.ENOSPC, 'DiskFull')

    def test_is_read_only(self):
        self.fails(errno.EROFS, 'StoreReadOnly')

    def test_is_broken(self):
        self.fails(errno.EIO, 'StoreFailed')


class Database(TestCase):
    def test_locked_by_somebody_refuses_changes_and_serves_calls(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        database = sqlite3.connect(os.path.join(daemon.data, 'collet.db'), isolation_level=None)
        try:
            database.execute('BEGIN IMMEDIATE')
            with self.assertRaises(BusError) as caught:
                daemon.load(module('counter-1.0.0'))
            self.assertEqual(caught.exception.name, 'DatabaseBusy', caught.exception.message)
            self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})
            database.execute('ROLLBACK')
        finally:
            database.close()
        daemon.load(module('counter-1.0.0'))
        self.assertEqual(daemon.tool_value('count'), {'count': 1})

    def test_read_by_somebody_hinders_nothing(self):
        daemon = self.daemon()
        reader = sqlite3.connect(os.path.join(daemon.data, 'collet.db'), isolation_level=None)
        try:
            reader.execute('BEGIN')
            reader.execute('SELECT count(*) FROM reload_history').fetchall()
            daemon.load(module('echo-1.0.0'))
            self.assertEqual(reader.execute('SELECT count(*) FROM reload_history').fetchone()[0], 0)
        finally:
            reader.close()
        self.assertEqual(wait_until(lambda: len(daemon.sql('SELECT * FROM reload_history'))), 1)

    def test_history_cannot_be_changed(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.stop()
        database = sqlite3.connect(os.path.join(daemon.data, 'collet.db'))
        try:
            tables = [row[0] for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'reload%'")]
            self.assertTrue(tables)
            for table in tables:
                with self.subTest(table), self.assertRaises(sqlite3.DatabaseError):
                    database.execute(f'DELETE FROM {table}')
        finally:
            database.rollback()
            database.close()


if __name__ == '__main__':
    unittest.main()
