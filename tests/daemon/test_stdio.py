# SPDX-License-Identifier: LGPL-2.1-or-later
"""collet-stdio between a client and the real daemon."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
import unittest

from collet_harness import BUS_CONFIGURATION, IS_SANITIZED, LEGACY, MODERN, NAME, Bus, Process, TestCase, module, example, wait_until
from gi.repository import GLib

STDIO = os.environ.get('COLLET_STDIO', 'collet-stdio')


class Stdio:
    """A client that starts the bridge and speaks with it, a line a message."""

    def __init__(self, case, *arguments, modern=False, reads=True):
        self.case, self.modern, self.next_id = case, modern, 0
        env = {'PATH': '/usr/bin:/bin', 'HOME': case.folder, 'XDG_RUNTIME_DIR': case.folder, 'LC_ALL': 'C.UTF-8',
               'DBUS_SESSION_BUS_ADDRESS': case.bus.address, 'G_DEBUG': 'fatal-criticals'}
        env |= {name: os.environ[name] for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS') if name in os.environ}
        self.errors = open(os.path.join(case.folder, 'stdio.log'), 'ab')
        self.process = Process([STDIO, '--session', *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=self.errors, env=env)
        self.messages, self.kept = queue.Queue(), []
        self.reader = threading.Thread(target=self.read, daemon=True)
        if reads:
            self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.messages.put(line)
        self.messages.put(b'')

    def write(self, line):
        self.process.stdin.write(line + b'\n')
        self.process.stdin.flush()

    def wait_for(self, wanted, timeout=30):
        """The first message for which wanted(message), also of those that came before."""
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        end = time.monotonic() + timeout
        while True:
            line = self.messages.get(timeout=max(end - time.monotonic(), 0.01))
            assert line, 'the bridge ended'
            message = json.loads(line)
            if wanted(message):
                return message
            self.kept.append(message)

    def send(self, method, params=None, identity=None):
        params = dict(params or {})
        if self.modern:
            params['_meta'] = {'io.modelcontextprotocol/protocolVersion': MODERN,
                               'io.modelcontextprotocol/clientCapabilities': {}} | params.get('_meta', {})
        self.next_id += 1
        identity = self.next_id if identity is None else identity
        self.write(json.dumps({'jsonrpc': '2.0', 'id': identity, 'method': method, 'params': params}).encode())
        return identity

    def notify(self, method, params=None):
        self.write(json.dumps({'jsonrpc': '2.0', 'method': method, 'params': params or {}}).encode())

    def reply(self, identity, timeout=30):
        return self.wait_for(lambda message: message.get('id') == identity and 'method' not in message, timeout)

    def rpc(self, method, params=None):
        return self.reply(self.send(method, params))

    def initialize(self):
        result = self.rpc('initialize', {'protocolVersion': LEGACY, 'capabilities': {},
                                         'clientInfo': {'name': 'stdio', 'version': '1'}})
        self.notify('notifications/initialized')
        return result['result']

    def value(self, tool, arguments):
        message = self.rpc('tools/call', {'name': tool, 'arguments': arguments})
        assert 'result' in message, message
        return message['result']['structuredContent']

    def notified(self, method, timeout=30):
        return self.wait_for(lambda message: message.get('method') == method, timeout)

    def close(self):
        """The end of the input; the exit status."""
        self.process.stdin.close()
        status = self.process.wait(20)
        self.dispose()
        return status

    def dispose(self):
        Process.known.discard(self.process.pid)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.reader.is_alive():
            self.reader.join(5)
        for file in (self.process.stdin, self.process.stdout, self.errors):
            try:
                file.close()
            except OSError:
                pass


class Base(TestCase):
    def stdio(self, *arguments, **options):
        client = Stdio(self, *arguments, **options)
        self.addCleanup(client.dispose)
        return client

    def tearDown(self):
        # What was added for clean-up would come too late for the look at leftovers.
        self.doCleanups()
        super().tearDown()

    def echo(self, *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(module('echo-1.0.0'))
        return daemon

    def sessions(self, daemon):
        return daemon.property('Counts')['sessions']


class AClient(Base):
    def test_of_the_legacy_era_is_served(self):
        self.echo()
        client = self.stdio()
        self.assertEqual(client.initialize()['protocolVersion'], LEGACY)
        self.assertEqual([tool['name'] for tool in client.rpc('tools/list')['result']['tools']], ['echo'])
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})
        self.assertEqual(client.close(), 0)

    def test_of_the_modern_era_is_served(self):
        self.echo()
        client = self.stdio(modern=True)
        self.assertIn(MODERN, client.rpc('server/discover')['result']['supportedVersions'])
        self.assertEqual([tool['name'] for tool in client.rpc('tools/list')['result']['tools']], ['echo'])
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})
        self.assertEqual(client.close(), 0)

    def test_may_probe_one_era_and_use_the_other_in_two_processes(self):
        self.echo()
        client, probe = self.stdio(), self.stdio(modern=True)
        probe.send('server/discover')
        client.initialize()
        probe.process.kill()
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})
        both = self.stdio(modern=True)
        self.assertIn('result', both.rpc('server/discover'))
        both.modern = False
        both.initialize()
        self.assertEqual(both.value('echo', {'x': 2}), {'x': 2})

    def test_that_asks_before_initialize_gets_an_answer_and_can_go_on(self):
        self.echo()
        client = self.stdio()
        self.assertIn('error', client.rpc('tools/list'))
        client.notify('notifications/initialized')
        client.initialize()
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})

    def test_that_does_not_wait_for_initialize_is_served_in_order(self):
        self.echo()
        client = self.stdio()
        first = client.send('initialize', {'protocolVersion': LEGACY, 'capabilities': {}})
        client.notify('notifications/initialized')
        second = client.send('tools/call', {'name': 'echo', 'arguments': {'x': 1}})
        self.assertIn('result', client.reply(first))
        self.assertEqual(client.reply(second)['result']['structuredContent'], {'x': 1})

    def test_numbers_and_ids_pass_through_untouched(self):
        self.echo()
        client = self.stdio(reads=False)
        client.write(b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
                     b'"capabilities":{}}}')
        client.process.stdout.readline()
        for identity in (b'9007199254740993', b'"\\u00e9\\n"', b'"1"'):
            client.write(b'{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"echo","arguments":'
                         b'{"n":12345678901234567890,"f":1.10}}}' % identity)
            line = client.process.stdout.readline()
            self.assertIn(b'"id":' + identity, line)
            self.assertIn(b'"n":12345678901234567890', line)
            self.assertIn(b'"f":1.10', line)

    def test_is_told_that_tools_changed(self):
        daemon = self.echo()
        legacy, modern = self.stdio(), self.stdio(modern=True)
        legacy.initialize()
        legacy.rpc('tools/list')
        listening = modern.send('subscriptions/listen', {'notifications': {'toolsListChanged': True}})
        modern.notified('notifications/subscriptions/acknowledged')
        daemon.load(example('calculator-1.0.0'))
        legacy.notified('notifications/tools/list_changed')
        message = modern.notified('notifications/tools/list_changed')
        self.assertEqual(message['params']['_meta']['io.modelcontextprotocol/subscriptionId'], listening)

    def test_hears_of_progress_before_the_result(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        for modern in (False, True):
            client = self.stdio(modern=modern)
            if not modern:
                client.initialize()
            identity = client.send('tools/call', {'name': 'countdown', 'arguments': {'from': 3, 'interval_ms': 20},
                                                  '_meta': {'progressToken': 'p'}})
            self.assertEqual(client.notified('notifications/progress')['params']['progressToken'], 'p')
            self.assertIn('result', client.reply(identity))

    def test_can_cancel_in_both_eras(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        for modern in (False, True):
            client = self.stdio(modern=modern)
            if not modern:
                client.initialize()
            identity = client.send('tools/call', {'name': 'countdown', 'arguments': {'from': 50, 'interval_ms': 200}})
            wait_until(lambda: daemon.info('countdown')['InFlight'] == 1, what='the call')
            client.notify('notifications/cancelled', {'requestId': identity})
            wait_until(lambda: daemon.info('countdown')['InFlight'] == 0, what='its end')
            self.assertIn('result', client.rpc('tools/list'))

    def test_that_sends_nonsense_is_told_and_can_go_on(self):
        self.echo()
        client = self.stdio()
        for line in (b'nonsense', b'{"jsonrpc":"2.0"', b'[' * 100000, b'"x"', b'{}', b'\xff\xfe', b'{"id":1,"id":2}'):
            client.write(line)
            self.assertIn('error', client.wait_for(lambda message: True))
        client.write(b'')
        client.initialize()
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})

    def test_with_too_many_requests_is_told_so(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        client = self.stdio(modern=True)
        sent = [client.send('tools/call', {'name': 'countdown', 'arguments': {'from': 3, 'interval_ms': 80}})
                for _ in range(300)]
        replies = [client.reply(identity) for identity in sent]
        refused = [reply for reply in replies if reply.get('error', {}).get('data', {}).get('reason') == 'Overloaded']
        self.assertGreaterEqual(len(refused), 44)
        self.assertIn('result', client.rpc('tools/list'))

    def test_that_does_not_read_is_not_read_from(self):
        self.echo()
        client = self.stdio(modern=True, reads=False)
        os.set_blocking(client.process.stdin.fileno(), False)
        line = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call', 'params': {
            'name': 'echo', 'arguments': {'x': 'y' * 30000},
            '_meta': {'io.modelcontextprotocol/protocolVersion': MODERN,
                      'io.modelcontextprotocol/clientCapabilities': {}}}}).encode() + b'\n'
        data, written, stuck_since = b'', 0, time.monotonic()
        while time.monotonic() - stuck_since < 1.5:
            data = data or line
            try:
                n = os.write(client.process.stdin.fileno(), data)
                data, written, stuck_since = data[n:], written + n, time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
            self.assertLess(written, 400 << 20, 'it takes without end')
        with open(f'/proc/{client.process.pid}/status', encoding='ascii') as file:
            status = dict(entry.split(':', 1) for entry in file)
        if not IS_SANITIZED:
            self.assertLess(int(status['VmRSS'].split()[0]), 200 << 10)

    def test_has_every_answer_after_the_end_of_its_input(self):
        daemon = self.echo()
        daemon.load(example('countdown'))
        client = self.stdio()
        client.initialize()
        wait_until(lambda: self.sessions(daemon) == 1, what='the session')
        identity = client.send('tools/call', {'name': 'countdown', 'arguments': {'from': 3, 'interval_ms': 100}})
        client.process.stdin.close()
        self.assertIn('result', client.reply(identity))
        self.assertEqual(client.process.wait(20), 0)
        wait_until(lambda: self.sessions(daemon) == 0, what='the end of the session')

    def test_gone_ends_the_bridge(self):
        self.echo()
        client = self.stdio(reads=False)
        client.write(b'{"jsonrpc":"2.0","id":0,"method":"ping"}')
        client.process.stdout.readline()
        client.process.stdout.close()
        client.write(b'{"jsonrpc":"2.0","id":0,"method":"ping"}')
        self.assertEqual(client.process.wait(20), 0)
        killed = self.stdio()
        killed.initialize()
        self.assertEqual(killed.process.end(), 0)


class ARestart(Base):
    def test_is_not_seen_by_clients(self):
        daemon = self.echo()
        legacy, modern = self.stdio('--no-start'), self.stdio('--no-start', modern=True)
        legacy.initialize()
        modern.send('subscriptions/listen', {'notifications': {'toolsListChanged': True}})
        modern.notified('notifications/subscriptions/acknowledged')
        for n in range(3):
            if n == 1:
                daemon.kill()
                daemon.start()
            else:
                daemon.restart()
            self.assertEqual(legacy.value('echo', {'n': n}), {'n': n})
            self.assertEqual(modern.value('echo', {'n': n}), {'n': n})
        # Both are still told, on streams that were opened again.
        while not modern.messages.empty():
            modern.messages.get()
        modern.kept, legacy.kept = [], []
        time.sleep(1.5)
        daemon.load(example('calculator-1.0.0'))
        legacy.notified('notifications/tools/list_changed')
        modern.notified('notifications/tools/list_changed')
        self.assertFalse([m for m in modern.kept if 'acknowledged' in m.get('method', '')])

    def test_makes_requests_wait(self):
        daemon = self.echo()
        client = self.stdio('--no-start')
        client.initialize()
        daemon.stop()
        identity = client.send('tools/call', {'name': 'echo', 'arguments': {'x': 1}})
        time.sleep(0.3)
        daemon.start()
        self.assertEqual(client.reply(identity)['result']['structuredContent'], {'x': 1})

    def test_in_the_middle_of_a_call_is_told_and_the_call_not_made_again(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        for modern in (False, True):
            client = self.stdio('--no-start', modern=modern)
            if not modern:
                client.initialize()
            identity = client.send('tools/call', {'name': 'countdown', 'arguments': {'from': 50, 'interval_ms': 200}})
            wait_until(lambda: daemon.info('countdown')['InFlight'] == 1, what='the call')
            daemon.kill()
            daemon.start()
            message = client.reply(identity)
            self.assertToolError(message, 'Interrupted')
            self.assertSaysWhatToDo(message['error']['message'])
            self.assertEqual(daemon.info('countdown')['InFlight'], 0)

    def test_with_lost_sessions_opens_another(self):
        daemon = self.echo()
        client = self.stdio('--no-start')
        client.initialize()
        daemon.stop()
        for name in os.listdir(daemon.data):
            if name.startswith('collet.db'):
                os.unlink(os.path.join(daemon.data, name))
        daemon.start()
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})
        daemon.load(example('calculator-1.0.0'))
        client.notified('notifications/tools/list_changed')

    def test_that_takes_too_long_is_told(self):
        client = self.stdio('--no-start', '--wait', '0')
        message = client.rpc('initialize', {'protocolVersion': LEGACY, 'capabilities': {}})
        self.assertToolError(message, 'Timeout')
        self.assertSaysWhatToDo(message['error']['message'])
        self.assertEqual(client.close(), 0)


class Activation(Base):
    def setUp(self):
        super().setUp()
        services = os.path.join(self.folder, 'services')
        os.mkdir(services)
        self.bus.close()
        self.bus = Bus(self.folder, BUS_CONFIGURATION.replace('<auth>', f'<servicedir>{services}</servicedir><auth>'))

    def install(self, daemon):
        """The service file as it is installed, with the test's own command."""
        with open(os.path.join(os.environ['COLLET_DATA_DIR'], 'org.collet.Collet1.service.in'), encoding='utf-8') as file:
            text = file.read()
        lines = [line for line in text.splitlines() if not line.startswith('SystemdService')]
        command = f'XDG_RUNTIME_DIR={self.folder} HOME={self.folder} ' + ' '.join(daemon.command())
        lines = [f"Exec=/usr/bin/env {command}" if line.startswith('Exec=') else line for line in lines]
        with open(os.path.join(self.folder, 'services', NAME + '.service'), 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')
        daemon.connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                    'ReloadConfig', None, None, 0, 5000, None)

    def end(self, daemon):
        pid = daemon.connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                          'GetConnectionUnixProcessID', GLib.Variant('(s)', (NAME,)), None, 0, 5000,
                                          None).unpack()[0]
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not daemon.has_name(), 20, 'the end of the daemon')

    def test_a_daemon_that_does_not_run_is_started(self):
        daemon = self.daemon(start=False)
        self.install(daemon)
        clients = [self.stdio(), self.stdio()]
        for client in clients:
            self.assertIn('protocolVersion', client.initialize())
        daemon.load(module('echo-1.0.0'))
        self.assertEqual(clients[0].value('echo', {'x': 1}), {'x': 1})
        # It was stopped on purpose: who only listens leaves it so, who asks has it started.
        self.end(daemon)
        time.sleep(1)
        self.assertFalse(daemon.has_name())
        self.assertEqual(clients[0].value('echo', {'x': 2}), {'x': 2})
        # Ends their sessions; the daemon is not started for that.
        for client in clients:
            self.assertEqual(client.close(), 0)
        self.end(daemon)


if __name__ == '__main__':
    unittest.main()
