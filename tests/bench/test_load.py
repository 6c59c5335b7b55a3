# SPDX-License-Identifier: LGPL-2.1-or-later
"""The load client against servers that misbehave: it may not call anything good
that was not."""

import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest

LOAD = os.environ.get('COLLET_LOAD', 'collet-load')


class Calculator(http.server.BaseHTTPRequestHandler):
    """A register that adds up, and a fault in one call of those that match."""

    protocol_version = 'HTTP/1.1'
    lock = threading.Lock()

    def log_message(self, *args):
        pass

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.seen.append((message, dict(self.headers)))
        if message['method'] == 'initialize':
            self.answer(200, {'jsonrpc': '2.0', 'id': message['id'], 'result': {}}, {'Mcp-Session-Id': 's'})
        elif 'id' not in message:
            self.answer(202, None)
        else:
            self.call(message)

    def call(self, message):
        name = message['params']['name']
        arguments = message['params']['arguments']
        with self.lock:
            self.server.calls += 1
            fault = None
            if self.server.calls >= self.server.fault_at and self.server.fault_tool in (None, name):
                fault, self.server.fault = self.server.fault, None
            if name == 'add':
                structured = {'result': arguments['a'] + arguments['b'] + (fault == 'value')}
            else:
                times = {'lost': 0, 'twice': 2}.get(fault, 1)
                self.server.memory += times * arguments.get('value', 0)
                structured = {'memory': self.server.memory}
        reply = {'jsonrpc': '2.0', 'id': message['id'],
                 'result': {'content': [], 'structuredContent': structured,
                            '_meta': {'org.collet/sha256': 'ab' * 32, 'org.collet/version': '1.0.0',
                                      'org.collet/generation': 7}}}
        if fault == 'id':
            reply['id'] += 'x'
        if fault == 'error':
            reply = {'jsonrpc': '2.0', 'id': message['id'],
                     'error': {'code': -32603, 'message': 'gone', 'data': {'reason': 'WorkerCrashed'}}}
        if fault == 'is-error':
            reply['result']['isError'] = True
        if fault == 'close':
            self.close_connection = True
            return
        if fault == 'silent':
            return
        self.answer(503 if fault == 'status' else 200, reply, extra=b'HTTP/1.1 200' if fault == 'unasked' else b'')

    def answer(self, status, reply, headers={}, extra=b''):
        body = json.dumps(reply).encode() if reply is not None else b''
        headers = {'Content-Type': 'application/json', 'Content-Length': len(body), **headers}
        head = f'HTTP/1.1 {status} Reason\r\n' + ''.join(f'{name}: {value}\r\n' for name, value in headers.items())
        # In one piece, or the client's delayed acknowledgement costs 40 ms a call.
        self.wfile.write(head.encode() + b'\r\n' + body + extra)
        self.wfile.flush()


class Server:
    def __init__(self, fault=None, fault_tool=None):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Calculator)
        self.server.daemon_threads = True
        self.server.fault, self.server.fault_tool, self.server.fault_at = fault, fault_tool, 40
        self.server.calls = self.server.memory = 0
        self.server.seen = []
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self.server

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()


def load(server, *arguments):
    command = [LOAD, '--url', f'http://127.0.0.1:{server.server_port}/mcp', '--connections', '4', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = done.stdout.strip().splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else None, done.stderr


class Verify(unittest.TestCase):
    def fault(self, fault, kind, *arguments, tool=None):
        with Server(fault, tool) as server:
            status, summary, _ = load(server, '--verify', '--calls', '100', *arguments)
        self.assertEqual(status, 1)
        self.assertEqual(summary['errors'].get(kind, {}).get('count'), 1, summary)
        return summary

    def test_all_good_adds_up(self):
        with tempfile.TemporaryDirectory() as folder, Server() as server:
            ledger = os.path.join(folder, 'ledger')
            status, summary, _ = load(server, '--verify', '--calls', '100', '--ledger', ledger, '--run-id', 'run')
            with open(ledger, encoding='utf-8') as lines:
                rows = [line.rstrip('\n').split('\t') for line in lines]
        self.assertEqual(status, 0, summary)
        # one before and one after read the register
        self.assertEqual((summary['made'], summary['answered'], summary['ok'], summary['failed']), (102, 102, 102, 0))
        self.assertTrue(summary['register']['adds_up'])
        self.assertEqual(summary['register']['final'], server.memory)
        sent = [message['id'] for message, _ in server.seen if message['method'] == 'tools/call']
        self.assertEqual(len(set(sent)), 102)
        self.assertEqual(rows[0][:5], ['id', 'tool', 'value', 'result', 'outcome'])
        self.assertEqual(sorted(row[0] for row in rows[1:]), sorted(sent))
        self.assertTrue(all(row[5:8] == ['1.0.0', 'ab' * 32, '7'] for row in rows[1:]))

    def test_a_wrong_value_is_noticed(self):
        self.fault('value', 'wrong-value', tool='add')

    def test_an_error_is_noticed(self):
        self.fault('error', 'json-rpc-32603-WorkerCrashed')

    def test_a_tool_error_is_noticed(self):
        self.fault('is-error', 'is-error')

    def test_a_reply_to_somebody_else_is_noticed(self):
        summary = self.fault('id', 'wrong-id')
        self.assertEqual(summary['answered'], summary['made'] - 1)

    def test_a_status_is_noticed(self):
        self.fault('status', 'http-503')

    def test_a_cut_connection_fails_one_call_and_is_not_tried_again(self):
        summary = self.fault('close', 'closed')
        self.assertEqual((summary['made'], summary['failed']), (102, 1))

    def test_a_reply_that_never_comes_is_noticed(self):
        self.fault('silent', 'timeout', '--timeout', '500')

    def test_bytes_that_nobody_asked_for_are_noticed(self):
        self.fault('unasked', 'unasked')

    def test_an_addition_that_was_lost_is_noticed(self):
        self.register('lost')

    def test_an_addition_that_happened_twice_is_noticed(self):
        self.register('twice')

    def register(self, fault):
        with Server(fault, 'memory_add') as server:
            status, summary, _ = load(server, '--verify', '--calls', '100')
        self.assertEqual((status, summary['failed']), (1, 0))
        self.assertFalse(summary['register']['adds_up'])
        self.assertIn('acknowledged', summary['register']['problem'])


class Modes(unittest.TestCase):
    def test_the_modern_era_has_its_headers_and_no_session(self):
        with Server() as server:
            status, summary, _ = load(server, '--calls', '20', '--modern')
        self.assertEqual((status, summary['ok']), (0, 20))
        for message, headers in server.seen:
            self.assertEqual(headers['Mcp-Method'], 'tools/call')
            self.assertEqual(headers['Mcp-Name'], 'add')
            self.assertNotIn('Mcp-Session-Id', headers)
            self.assertEqual(message['params']['_meta']['io.modelcontextprotocol/protocolVersion'], '2026-07-28')

    def test_the_rate_is_kept(self):
        with Server() as server:
            status, summary, _ = load(server, '--seconds', '1', '--rate', '100')
        self.assertEqual(status, 0)
        self.assertTrue(90 <= summary['made'] <= 102, summary['made'])

    def test_a_signal_prints_a_line_and_another_ends_it(self):
        with Server() as server:
            command = [LOAD, '--url', f'http://127.0.0.1:{server.server_port}/mcp', '--rate', '200',
                       '--connections', '2', '--interval', '0.1']
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                line = json.loads(process.stdout.readline())
                self.assertEqual(line['failed'], 0)
                process.terminate()
                rest = process.stdout.read().splitlines()
            self.assertEqual(process.returncode, 0)
            self.assertEqual(json.loads(rest[-1])['failed'], 0)

    def test_nobody_there_is_said(self):
        with socket.socket() as unused:
            unused.bind(('127.0.0.1', 0))
            done = subprocess.run([LOAD, '--url', f'http://127.0.0.1:{unused.getsockname()[1]}/mcp', '--calls', '1'],
                                  capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.assertIn('refused', done.stderr)


if __name__ == '__main__':
    unittest.main()
