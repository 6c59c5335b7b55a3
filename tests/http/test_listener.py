#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The listener with raw sockets: odd framing, slow and vanishing clients, many
streams, and stopping in the middle."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SERVER = os.environ['COLLET_HTTP_TEST_SERVER']
META = ('"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
        '"io.modelcontextprotocol/clientCapabilities":{}}')
PATIENCE = 20


def call_body(tool, arguments='{}', request_id='1'):
    return (f'{{"jsonrpc":"2.0","id":{request_id},"method":"tools/call","params":'
            f'{{"name":"{tool}","arguments":{arguments},{META}}}}}')


def head(method='POST', target='/mcp', extra='', host='127.0.0.1', version='HTTP/1.1'):
    return (f'{method} {target} {version}\r\nHost: {host}\r\nContent-Type: application/json\r\n'
            f'Accept: application/json, text/event-stream\r\n{extra}')


def call(tool, arguments='{}', request_id='1', extra=''):
    body = call_body(tool, arguments, request_id)
    return (head(extra=f'MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n'
                       f'Content-Length: {len(body)}\r\n{extra}') + f'\r\n{body}').encode()


def listen():
    body = ('{"jsonrpc":"2.0","id":"s","method":"subscriptions/listen","params":{"notifications":'
            f'{{"toolsListChanged":true}},{META}}}}}')
    return (head(extra='MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n'
                       f'Content-Length: {len(body)}\r\n') + f'\r\n{body}').encode()


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([SERVER, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def say(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        return dict(zip(*[iter(self.process.stdout.readline().split())] * 2))

    def until(self, **wanted):
        end = time.monotonic() + PATIENCE
        while True:
            counts = self.say('count')
            if all(int(counts[name]) == value for name, value in wanted.items()):
                return
            if time.monotonic() > end:
                raise AssertionError(f'wanted {wanted}, got {counts}')
            time.sleep(0.02)

    def stop(self):
        if self.process.stdin:
            self.process.stdin.close()
            self.process.stdin = None
        return self.process.wait(PATIENCE)

    def connect(self):
        connection = socket.create_connection(('127.0.0.1', self.port))
        connection.settimeout(PATIENCE)
        return connection


def read_response(connection, data=b''):
    """Status, headers, body and what came after; None if it was closed before an answer."""
    while b'\r\n\r\n' not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    top, data = data.split(b'\r\n\r\n', 1)
    lines = top.decode().split('\r\n')
    headers = {name.lower(): value for name, value in (line.split(': ', 1) for line in lines[1:])}
    length = int(headers.get('content-length', 0))
    while len(data) < length:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return int(lines[0].split()[1]), headers, data[:length], data[length:]


def read_to_end(connection):
    data = b''
    try:
        while more := connection.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


class Case(unittest.TestCase):
    options = ()

    def setUp(self):
        self.server = Server(*self.options)
        self.open = []

    def tearDown(self):
        for connection in self.open:
            connection.close()
        self.assertEqual(self.server.stop(), 0)
        self.server.process.stdout.close()

    def connect(self):
        connection = self.server.connect()
        self.open.append(connection)
        return connection

    def ask(self, data):
        connection = self.connect()
        connection.sendall(data)
        answer = read_response(connection)
        self.assertIsNotNone(answer)
        return answer


class Framing(Case):
    # libmicrohttpd 0.9.75 misses some half-closes behind half a head; the
    # listener's own clock finds them.
    options = ('--timeout', '2000')
    SMUGGLED = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

    def refused(self, data, *statuses):
        """Refused, and nothing after it is taken for a request."""
        connection = self.connect()
        connection.sendall(data.encode() + self.SMUGGLED.encode())
        everything = read_to_end(connection)
        found = [int(status) for status in re.findall(rb'HTTP/1\.[01] (\d+)', everything)]
        # libmicrohttpd 0.9.75 sends the head of its own refusals twice.
        self.assertLessEqual(len(found), 2, everything)
        for status in found:
            self.assertIn(status, statuses)
        self.assertNotIn(b'"status":"ok"', everything)

    def test_both_lengths(self):
        self.refused(head(extra='Content-Length: 4\r\nTransfer-Encoding: chunked\r\n') + '\r\n0\r\n\r\n', 400)
        self.refused(head(extra='Transfer-Encoding: chunked\r\nContent-Length: 0\r\n') + '\r\n0\r\n\r\n', 400)

    def test_two_lengths(self):
        self.refused(head(extra='Content-Length: 0\r\nContent-Length: 40\r\n') + '\r\n', 400)
        self.refused(head(extra='Content-Length: 0, 0\r\n') + '\r\n', 400)

    def test_two_hosts(self):
        self.refused(head(extra='Host: evil.example\r\nContent-Length: 0\r\n') + '\r\n', 400)

    def test_negative_length(self):
        self.refused(head(extra='Content-Length: -1\r\n') + '\r\n', 400)

    def test_odd_encodings(self):
        for encoding in ('identity', 'gzip, chunked', 'chunked, chunked', ' chunkedx', '\x0bchunked'):
            self.refused(head(extra=f'Transfer-Encoding: {encoding}\r\n') + '\r\n0\r\n\r\n', 400, 501)

    def test_odd_names(self):
        self.refused(head(extra='Content-Length : 0\r\n') + '\r\n', 400)
        self.refused(head(extra='Transfer-Encoding : chunked\r\n') + '\r\n0\r\n\r\n', 400)

    def test_bad_chunks(self):
        for chunk in ('-1\r\nx\r\n0\r\n\r\n', '0x1\r\nx\r\n0\r\n\r\n', '1 \r\nxx\r\n0\r\n\r\n', 'zz\r\n\r\n',
                      'ffffffffffffffffff\r\n\r\n', '1\r\nxy\r\n0\r\n\r\n'):
            self.refused(head(extra='Transfer-Encoding: chunked\r\n') + '\r\n' + chunk, 400, 413)

    def test_targets(self):
        self.refused('CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 405, 400)
        self.refused('TRACE /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 405)
        self.refused('GET http://evil.example/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400)
        self.refused('OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400)

    def test_no_host(self):
        self.refused('GET /healthz HTTP/1.1\r\nX: y\r\n\r\n', 400)

    def test_foreign_names(self):
        self.refused(head(host='evil.example', extra='Content-Length: 0\r\n') + '\r\n', 403)
        self.refused(head(extra='Origin: http://evil.example\r\nContent-Length: 0\r\n') + '\r\n', 403)

    def test_garbage(self):
        for data in (b'\x16\x03\x01\x02\x00\x01\x00', b'\0' * 100, b'GET\r\n\r\n', b'{"jsonrpc":"2.0"}\r\n\r\n'):
            connection = self.connect()
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            self.assertNotIn(b' 200 ', read_to_end(connection))

    def test_huge_head(self):
        connection = self.connect()
        try:
            connection.sendall((head(extra='X: ' + 'y' * 100000 + '\r\n') + '\r\n').encode())
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertNotIn(b' 200 ', read_to_end(connection))


class Bodies(Case):
    def test_chunked(self):
        body = call_body('echo', '{"a":1}')
        chunks = ''.join(f'{len(part):x}\r\n{part}\r\n' for part in (body[:1], body[1:40], body[40:]))
        status, _, answer, _ = self.ask(
            (head(extra='MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n'
                        'Transfer-Encoding: chunked\r\n') + f'\r\n{chunks}0\r\n\r\n').encode())
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(answer)['result']['structuredContent'], {'a': 1})

    def test_byte_by_byte(self):
        connection = self.connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in call('echo', '{"a":1}'):
            connection.sendall(bytes([byte]))
        self.assertEqual(read_response(connection)[0], 200)

    def test_large(self):
        arguments = '{"b":"' + 'x' * 3_000_000 + '"}'
        status, _, answer, _ = self.ask(call('echo', arguments))
        self.assertEqual(status, 200)
        self.assertEqual(len(json.loads(answer)['result']['structuredContent']['b']), 3_000_000)

    def test_too_large_is_said_from_the_length(self):
        status, headers, _, _ = self.ask((head(extra='Content-Length: 5000000\r\n') + '\r\n').encode())
        self.assertEqual(status, 413)
        self.assertEqual(headers['connection'].lower(), 'close')

    def test_too_large_is_said_while_reading(self):
        connection = self.connect()
        connection.sendall((head(extra='Transfer-Encoding: chunked\r\n') + '\r\n').encode())
        for _ in range(5):
            connection.sendall(b'100000\r\n' + b' ' * 0x100000 + b'\r\n')
        connection.sendall(b'0\r\n\r\n')
        self.assertEqual(read_response(connection)[0], 413)

    def test_endless_is_cut(self):
        connection = self.connect()
        connection.sendall((head(extra='Transfer-Encoding: chunked\r\n') + '\r\n').encode())
        sent = 0
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while sent < 200:
                connection.sendall(b'100000\r\n' + b' ' * 0x100000 + b'\r\n')
                sent += 1
        self.assertLess(sent, 40)

    def test_deep(self):
        status, _, answer, _ = self.ask(call('echo', '{"a":' + '[' * 100000 + ']' * 100000 + '}'))
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(answer)['error']['data']['reason'], 'JsonTooDeep')

    def test_expect(self):
        connection = self.connect()
        data = call('echo', extra='Expect: 100-continue\r\n')
        top, body = data.split(b'\r\n\r\n', 1)
        connection.sendall(top + b'\r\n\r\n')
        self.assertTrue(connection.recv(100).startswith(b'HTTP/1.1 100'))
        connection.sendall(body)
        self.assertEqual(read_response(connection)[0], 200)

    def test_nul_and_binary(self):
        for body in (b'\0', b'{"jsonrpc":"2.0\0"}', bytes(range(256))):
            status, _, answer, _ = self.ask(head(extra=f'Content-Length: {len(body)}\r\n').encode() + b'\r\n' + body)
            self.assertEqual(status, 400)
            self.assertEqual(json.loads(answer)['error']['code'], -32700)


class Connections(Case):
    options = ('--timeout', '1000')

    def test_keep_alive(self):
        connection = self.connect()
        for number in range(50):
            connection.sendall(call('hop', request_id=str(number)))
            self.assertEqual(json.loads(read_response(connection)[2])['id'], number)

    def test_pipelined(self):
        connection = self.connect()
        connection.sendall(b''.join(call('hop', request_id=str(number)) for number in range(20)))
        rest = b''
        for number in range(20):
            status, _, answer, rest = read_response(connection, rest)
            self.assertEqual((status, json.loads(answer)['id']), (200, number))

    def test_refusal_does_not_end_the_connection_of_a_whole_request(self):
        connection = self.connect()
        connection.sendall(b'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n')
        self.assertEqual(read_response(connection)[0], 404)
        connection.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
        self.assertEqual(read_response(connection)[0], 200)

    def test_half_closed(self):
        connection = self.connect()
        connection.sendall(call('echo'))
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(read_response(connection)[0], 200)

    def test_slow_head_is_cut(self):
        connection = self.connect()
        connection.sendall(b'POST /mcp HTTP/1.1\r\n')
        self.dribble(connection, b'X: y\r\n')

    def test_slow_body_is_cut(self):
        connection = self.connect()
        connection.sendall((head(extra='Content-Length: 100000\r\n') + '\r\n').encode())
        self.dribble(connection, b' ')

    def dribble(self, connection, piece):
        begin = time.monotonic()
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - begin < PATIENCE:
                connection.sendall(piece)
                time.sleep(0.1)
        self.assertLess(time.monotonic() - begin, 5)

    def test_idle_is_closed(self):
        connection = self.connect()
        self.assertEqual(read_to_end(connection), b'')

    def test_waiting_for_an_answer_is_not_idle(self):
        status, _, _, _ = self.ask(call('test_tool_with_progress'))
        self.assertEqual(status, 200)

    def test_gone_in_mid_call(self):
        connection = self.connect()
        connection.sendall(call('stuck'))
        self.server.until(running=1)
        connection.close()
        self.server.until(running=0, cancelled=1)

    def test_gone_in_mid_body(self):
        connection = self.connect()
        connection.sendall((head(extra='Content-Length: 1000\r\n') + '\r\n{"jsonrpc"').encode())
        connection.close()
        self.server.until(connections=0)


class Streams(Case):
    options = ('--keep-alive', '500')

    def stream(self):
        connection = self.connect()
        connection.sendall(listen())
        data = b''
        while b'acknowledged' not in data:
            data += connection.recv(4096)
        return connection

    def test_many_are_told_and_missed(self):
        streams = [self.stream() for _ in range(1000)]
        self.server.until(streams=1000)
        self.server.say('change')
        for connection in streams:
            data = b''
            while b'list_changed' not in data:
                more = connection.recv(4096)
                self.assertTrue(more)
                data += more
        for connection in streams:
            connection.close()
        self.server.until(streams=0, connections=0)

    def test_kept_alive(self):
        connection = self.stream()
        data = b''
        while data.count(b': \n\n') < 3:
            data += connection.recv(4096)
        self.assertIn(b'4\r\n: \n\n\r\n', data)

    def test_reset_is_noticed(self):
        connection = self.stream()
        self.server.until(streams=1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        connection.close()
        self.server.until(streams=0)

    def test_progress_and_end(self):
        connection = self.connect()
        body = call_body('test_tool_with_progress').replace('"_meta":{', '"_meta":{"progressToken":"t",')
        connection.sendall((head(extra='MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: '
                                       f'test_tool_with_progress\r\nContent-Length: {len(body)}\r\n')
                            + f'\r\n{body}').encode())
        data = read_to_end(connection)
        self.assertIn(b'Content-Type: text/event-stream', data)
        self.assertEqual(data.count(b'notifications/progress'), 3)
        self.assertIn(b'"result"', data)
        self.assertTrue(data.endswith(b'0\r\n\r\n'))
        self.server.until(streams=0)

    def test_ended_stream_of_a_client_that_stays(self):
        connection = self.connect()
        body = call_body('pretty').replace('"_meta":{', '"_meta":{"progressToken":"t",')
        connection.sendall((head(extra='MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: pretty\r\n'
                                       f'Content-Length: {len(body)}\r\n') + f'\r\n{body}').encode())
        self.assertTrue(read_to_end(connection).endswith(b'0\r\n\r\n'))
        self.server.until(streams=0)  # though the client never closes

    def test_old_client(self):
        connection = self.connect()
        data = listen().replace(b'HTTP/1.1', b'HTTP/1.0')
        connection.sendall(data)
        received = b''
        while b'acknowledged' not in received:
            received += connection.recv(4096)
        self.assertNotIn(b'chunked', received)


class Limits(Case):
    options = ('--max-streams', '5', '--max-connections', '20')

    def test_streams(self):
        streams = []
        for _ in range(5):
            connection = self.connect()
            connection.sendall(listen())
            self.assertIn(b'200 OK', connection.recv(4096))
            streams.append(connection)
        self.assertEqual(self.ask(listen())[0], 503)
        streams.pop().close()
        self.server.until(streams=4)
        connection = self.connect()
        connection.sendall(listen())
        self.assertIn(b'200 OK', connection.recv(4096))

    def test_connections(self):
        idle = [self.connect() for _ in range(20)]
        self.server.until(connections=20)
        waiting = self.connect()
        waiting.sendall(call('echo'))
        waiting.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            waiting.recv(100)
        idle.pop().close()
        waiting.settimeout(PATIENCE)
        self.assertEqual(read_response(waiting)[0], 200)


class Stopping(unittest.TestCase):
    def test_calls_are_answered_and_streams_end(self):
        server = Server()
        stream, running, keep = server.connect(), server.connect(), server.connect()
        stream.sendall(listen())
        self.assertIn(b'200 OK', stream.recv(4096))
        keep.sendall(call('echo'))
        self.assertEqual(read_response(keep)[0], 200)
        running.sendall(call('slow'))
        server.until(running=1)
        server.process.stdin.close()
        server.process.stdin = None
        status, headers, answer, _ = read_response(running)
        self.assertEqual((status, headers['connection'].lower()), (200, 'close'))
        self.assertIn(b'at last', answer)
        self.assertTrue(read_to_end(stream).endswith(b'0\r\n\r\n'))
        self.assertEqual(read_to_end(keep), b'')
        with self.assertRaises(OSError):
            server.connect()
        self.assertEqual(server.stop(), 0)
        server.process.stdout.close()
        for connection in (stream, running, keep):
            connection.close()

    def test_what_does_not_end_is_told_so(self):
        server = Server('--grace', '200')
        stuck = server.connect()
        stuck.sendall(call('stuck'))
        server.until(running=1)
        begin = time.monotonic()
        server.process.stdin.close()
        server.process.stdin = None
        self.assertEqual(read_response(stuck)[0], 503)
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - begin, 10)
        server.process.stdout.close()
        stuck.close()

    def test_under_load(self):
        for _ in range(3):
            server = Server('--threads', '2')
            connections = [server.connect() for _ in range(30)]
            for number, connection in enumerate(connections):
                connection.sendall(call('hop' if number % 3 else 'slow') if number % 5 else listen())
            server.process.stdin.close()
            server.process.stdin = None
            for connection in connections:
                read_to_end(connection)
                connection.close()
            self.assertEqual(server.stop(), 0)
            server.process.stdout.close()


class Elsewhere(unittest.TestCase):
    def test_taken_port(self):
        server = Server()
        second = subprocess.run([SERVER, '--listen', f'127.0.0.1:{server.port}'], capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn('Another program listens', second.stderr)
        server.stop()
        server.process.stdout.close()

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'mcp')
            server = Server('--unix', path, '--token', 'secret')
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            # Whoever may open it needs no token, and names do not matter.
            connection.sendall(call('hop').replace(b'Host: 127.0.0.1', b'Host: whatever'))
            self.assertEqual(read_response(connection)[0], 200)
            connection.sendall(listen())
            self.assertIn(b'200 OK', connection.recv(4096))
            connection.close()
            server.until(streams=0)
            self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))
            server.process.stdout.close()

    def test_token(self):
        server = Server('--token', 'secret')
        for extra, status in (('', 401), ('Authorization: Bearer wrong\r\n', 401),
                              ('Authorization: Bearer secret\r\n', 200)):
            connection = server.connect()
            connection.sendall(call('echo', extra=extra))
            self.assertEqual(read_response(connection)[0], status)
            connection.close()
        server.stop()
        server.process.stdout.close()


if __name__ == '__main__':
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    unittest.main(argv=[sys.argv[0], '-v', *sys.argv[1:]])
