# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service manager that keeps the listening sockets: a restart refuses nobody."""

import array
import json
import os
import signal
import socket
import sys
import threading
import time
import unittest

from collet_harness import LEGACY, Daemon, Mcp, Process, TestCase, module, wait_until
from test_protocol import Stream

LAUNCH = """
import fcntl, os, sys
fds = [int(fd) for fd in sys.argv[1].split(',') if fd]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
for fd in fds:
    os.close(fd)
for number, fd in enumerate(high):
    os.dup2(fd, 3 + number, inheritable=True)
    os.close(fd)
os.environ['LISTEN_PID'] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager(Daemon):
    """Plays systemd for one service: LISTEN_FDS, NOTIFY_SOCKET, the store of descriptors."""

    def __init__(self, case, *arguments, sockets=(), **options):
        self.units = list(sockets)  # (name, socket) of a .socket unit
        self.stored = []            # (name, fd)
        self.states = []
        self.watchdog_us = 0
        super().__init__(case, *arguments, start=False, **options)
        self.notify_path = os.path.join(self.folder, 'notify')
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                text, ancillary, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(16 * 4))
            except OSError:
                return
            if not text:
                return
            fds = array.array('i')
            for _, _, data in ancillary:
                fds.frombytes(data)
            state = dict(line.split('=', 1) for line in text.decode().split('\n') if '=' in line)
            if 'FDSTORE' in state:
                self.stored += [(state.get('FDNAME', 'stored'), fd) for fd in fds]
            if 'FDSTOREREMOVE' in state:
                for name, fd in [entry for entry in self.stored if entry[0] == state['FDNAME']]:
                    self.stored.remove((name, fd))
                    os.close(fd)
            self.states.append(state)

    def has(self, name, since=0):
        return any(name in state for state in self.states[since:])

    def spawn(self, environment=None):
        given = [(name, unit.fileno()) for name, unit in self.units] + self.stored
        env = {'PATH': '/usr/bin:/bin', 'HOME': self.folder, 'XDG_RUNTIME_DIR': self.folder,
               'XDG_CONFIG_HOME': os.path.join(self.folder, 'config'),
               'DBUS_SESSION_BUS_ADDRESS': self.case.bus.address, 'LC_ALL': 'C.UTF-8', 'G_DEBUG': 'fatal-criticals',
               'NOTIFY_SOCKET': self.notify_path, 'LISTEN_FDS': str(len(given)),
               'LISTEN_FDNAMES': ':'.join(name for name, _ in given)}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'):
            if name in os.environ:
                env[name] = os.environ[name]
        if self.watchdog_us:
            env['WATCHDOG_USEC'] = str(self.watchdog_us)
        fds = [fd for _, fd in given]
        with open(self.log, 'ab') as log:
            self.process = Process([sys.executable, '-c', LAUNCH, ','.join(map(str, fds)), *self.command()],
                                   stdout=log, stderr=log, env=env, pass_fds=fds, start_new_session=True)
        return self

    def dispose(self):
        self.notify.shutdown(socket.SHUT_RDWR)
        self.reader.join(5)
        self.notify.close()
        for _, fd in self.stored:
            os.close(fd)
        for _, unit in self.units:
            unit.close()


class Client(threading.Thread):
    """Calls without a break; a refused or cut connection is a failure, a long answer is not."""

    def __init__(self, port, pause=0.0):
        super().__init__()
        self.port, self.pause = port, pause
        self.made, self.failed, self.is_ended = 0, [], False

    def run(self):
        client = Mcp(self.port, modern=True, timeout=30)
        while not self.is_ended:
            self.made += 1
            try:
                if client.value('echo', {'n': self.made}) != {'n': self.made}:
                    self.failed.append('wrong')
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(repr(error))
                client.close()
            time.sleep(self.pause)
        client.close()

    def end(self):
        self.is_ended = True
        self.join(60)


class Activation(TestCase):
    def managed(self, *arguments, **options):
        manager = Manager(self, *arguments, **options)
        self.daemons.append(manager)
        self.addCleanup(manager.dispose)
        return manager

    def listening(self, port=0, path=None):
        unit = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if not path:
            unit.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        unit.bind(path or ('127.0.0.1', port))
        unit.listen(128)
        return unit

    def restart_under_load(self, manager, port, rounds=3):
        """Restarts, calls meanwhile; what went wrong."""
        clients = [Client(port) for _ in range(4)]
        for client in clients:
            client.start()
        for _ in range(rounds):
            time.sleep(0.2)
            self.assertEqual(manager.process.end(), 0)
            manager.start()
        time.sleep(0.2)
        for client in clients:
            client.end()
        self.assertGreater(sum(client.made for client in clients), 4 * rounds)
        return [text for client in clients for text in client.failed]

    def test_sockets_are_stored_and_a_restart_refuses_nobody(self):
        manager = self.managed()
        manager.start()
        wait_until(lambda: manager.has('READY') and len(manager.stored) == 2, what='READY and two sockets')
        manager.load(module('echo-1.0.0'))
        self.assertEqual(self.restart_under_load(manager, manager.port), [])
        self.assertTrue(manager.has('STOPPING'))
        # They were not stored twice.
        self.assertEqual(len(manager.stored), 2)

    def test_a_connection_made_while_nobody_serves_waits(self):
        manager = self.managed()
        manager.start()
        wait_until(lambda: len(manager.stored) == 2, what='two sockets')
        manager.load(module('echo-1.0.0'))
        self.assertEqual(manager.process.end(), 0)
        waiting = [Client(manager.port) for _ in range(8)]
        for client in waiting:
            client.start()
        with socket.socket(socket.AF_UNIX) as local:
            local.connect(os.path.join(self.folder, 'collet', 'mcp.sock'))
            local.sendall(b'GET /healthz HTTP/1.1\r\nHost: collet\r\n\r\n')
            time.sleep(0.3)
            manager.start()
            local.settimeout(20)
            self.assertIn(b' 200 ', local.recv(65536))
        for client in waiting:
            client.end()
            self.assertEqual(client.failed, [])

    def test_a_killed_daemon_leaves_the_sockets_open(self):
        manager = self.managed()
        manager.start()
        wait_until(lambda: len(manager.stored) == 2, what='two sockets')
        manager.load(module('echo-1.0.0'))
        manager.kill()
        client = Client(manager.port)
        client.start()
        time.sleep(0.2)
        manager.start()
        client.end()
        self.assertEqual(client.failed, [])

    def test_sockets_of_a_unit_are_served_instead(self):
        path = os.path.join(self.folder, 'unit.sock')
        tcp, local = self.listening(), self.listening(path=path)
        manager = self.managed(sockets=[('collet.socket', tcp), ('collet.socket', local)])
        manager.start()
        port = tcp.getsockname()[1]
        self.assertEqual(sorted(manager.property('McpAddresses')), [f'http://127.0.0.1:{port}/mcp', f'unix:{path}'])
        self.assertEqual(manager.stored, [])
        manager.load(module('echo-1.0.0'))
        self.assertEqual(self.restart_under_load(manager, port, 2), [])
        self.assertTrue(os.path.exists(path))

    def test_a_setting_that_the_sockets_of_a_unit_overrule_is_said(self):
        tcp, other = self.listening(), self.listening_port()
        same = '127.0.0.1:%d' % tcp.getsockname()[1]
        manager = self.managed('--set', f'mcp.listen=127.0.0.1:{other}', sockets=[('collet.socket', tcp)])
        manager.command = lambda: [word for word in Manager.command(manager)
                                   if word not in ('--listen', f'127.0.0.1:{manager.port}')]
        manager.start()
        self.assertIn(f'[mcp] listen = 127.0.0.1:{other} counts for nothing', manager.output())
        manager.stop()
        seen = len(manager.output())
        manager.arguments = ['--set', f'mcp.listen={same}']
        manager.start()
        self.assertNotIn('counts for nothing', manager.output()[seen:])

    def by_default(self, manager, *arguments):
        """It listens where it does when nobody says where."""
        manager.command = lambda: [word for word in Manager.command(manager)
                                   if word not in ('--listen', f'127.0.0.1:{manager.port}')] + list(arguments)
        return manager.start()

    def test_a_unit_without_tcp_gets_none_by_default(self):
        path = os.path.join(self.folder, 'unit.sock')
        manager = self.by_default(self.managed(sockets=[('colletd.socket', self.listening(path=path))]))
        self.assertEqual((manager.property('McpAddresses'), manager.stored), ([f'unix:{path}'], []))
        manager.stop()
        self.by_default(manager, '--set', f'mcp.listen=127.0.0.1:{manager.port}')
        self.assertEqual(sorted(manager.property('McpAddresses')), [f'http://127.0.0.1:{manager.port}/mcp', f'unix:{path}'])

    def test_a_user_whose_port_another_has_goes_without_it(self):
        try:
            taken = self.listening(7311)
        except OSError:
            taken = None  # somebody has it already
        manager = self.by_default(self.managed())
        path = os.path.join(self.folder, 'collet', 'mcp.sock')
        self.assertEqual(manager.property('McpAddresses'), [f'unix:{path}'])
        self.assertIn('There is no MCP over TCP: Another program listens on 127.0.0.1:7311', manager.output())
        if taken is not None:
            taken.close()

    def test_stored_sockets_give_way_to_another_configuration(self):
        manager = self.managed()
        manager.start()
        wait_until(lambda: len(manager.stored) == 2, what='two sockets')
        self.assertEqual(manager.process.end(), 0)
        former, manager.port = manager.port, self.listening_port()
        manager.start()
        wait_until(lambda: len(manager.stored) == 2 and manager.has('FDSTOREREMOVE'), what='the new sockets')
        self.assertEqual(Mcp(manager.port, True).tools(), [])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', former), 5).close()

    def listening_port(self):
        with self.listening() as probe:
            return probe.getsockname()[1]

    def test_other_descriptors_are_closed_and_said(self):
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager = self.managed(sockets=[('odd.socket', plain)])
        manager.start()
        self.assertIn('odd.socket', manager.output())
        self.assertEqual(Mcp(manager.port, True).tools(), [])

    def test_the_watchdog_is_fed(self):
        manager = self.managed()
        manager.watchdog_us = 200000
        manager.start()
        wait_until(lambda: sum('WATCHDOG' in state for state in list(manager.states)) >= 3, what='the watchdog')
        seen = len(manager.states)
        manager.process.send_signal(signal.SIGHUP)
        wait_until(lambda: manager.has('RELOADING', seen) and manager.has('READY', seen), what='the reload')

    def test_sessions_and_what_changed_meanwhile_outlive_a_restart(self):
        manager = self.managed()
        manager.start()
        wait_until(lambda: len(manager.stored) == 2, what='two sockets')
        manager.load(module('echo-1.0.0'))
        client = Mcp(manager.port)
        client.initialize()
        client.tools()
        client.connection.close()
        self.assertEqual(manager.process.end(), 0)
        manager.start()
        # A session that saw the list before is told of the change it missed.
        manager.unload('echo')
        stream = Stream(client, manager.port)
        stream.read_until(b'notifications/tools/list_changed')
        stream.close()
        reply = client.post({'jsonrpc': '2.0', 'id': 9, 'method': 'ping'}, {'MCP-Protocol-Version': LEGACY})
        self.assertEqual((reply.status, json.loads(reply.body)['id']), (200, 9))
        client.close()


if __name__ == '__main__':
    unittest.main()
