# SPDX-License-Identifier: LGPL-2.1-or-later
"""MCP clients, well-behaved and not, against the whole daemon."""

import json
import socket
import threading
import time
import unittest

from collet_harness import LEGACY, MODERN, Mcp, TestCase, example, module, wait_until
from test_reloading import Caller


class Stream:
    """The stand-alone event stream of a legacy session."""

    def __init__(self, client, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
        self.socket.sendall(f'GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n'
                            f'MCP-Protocol-Version: {LEGACY}\r\nMcp-Session-Id: {client.session}\r\n\r\n'.encode())
        self.text = b''
        self.head = self.read_until(b'\r\n\r\n')

    def read_until(self, mark):
        while mark not in self.text:
            data = self.socket.recv(65536)
            assert data, 'the stream ended'
            self.text += data
        before, _, self.text = self.text.partition(mark)
        return before

    def close(self):
        self.socket.close()


class Client(TestCase):
    def echo(self, *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(module('echo-1.0.0'))
        return daemon

    def test_of_both_eras_is_served(self):
        daemon = self.echo()
        for modern in (False, True):
            client = daemon.mcp(modern)
            self.assertEqual([tool['name'] for tool in client.tools()], ['echo'])
            self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})
        self.assertEqual(daemon.mcp().initialize()['protocolVersion'], LEGACY)
        self.assertIn('tools', daemon.mcp(True).rpc('server/discover').json['result']['capabilities'])

    def test_sees_all_that_a_manifest_says_and_which_code_it_is(self):
        daemon = self.daemon()
        daemon.load(example('gallery'))
        tools = {}
        for modern in (False, True):
            body = daemon.mcp(modern).rpc('tools/list').body
            # The same bytes for everybody: what can be cached, can be shared.
            tools[modern] = body[body.index(b'"tools":'):body.index(b'}]') + 2]
            listed = {tool['name']: tool for tool in json.loads(body)['result']['tools']}
        self.assertEqual(tools[False], tools[True])
        image = listed['show_image']
        self.assertEqual((image['title'], image['annotations']),
                         ('Show an image', {'readOnlyHint': True, 'openWorldHint': False}))
        self.assertTrue(image['icons'][0]['src'].startswith('data:image/png;base64,'))
        self.assertEqual(listed['give_structured']['outputSchema']['required'], ['shape', 'diameter_mm'])
        sha256 = daemon.version('gallery')
        for tool in listed.values():
            self.assertEqual(tool['_meta'], {'org.collet/module': 'gallery', 'org.collet/sha256': sha256,
                                             'org.collet/version': '1.0.0'})
        for modern in (False, True):
            meta = daemon.mcp(modern).call('show_image')['result']['_meta']
            self.assertEqual((meta['org.collet/sha256'], meta['org.collet/version']), (sha256, '1.0.0'))
            self.assertGreater(meta['org.collet/generation'], 0)

    def test_is_told_that_tools_changed(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        client = daemon.mcp()
        client.initialize()
        stream = Stream(client, daemon.port)
        self.assertIn(b'text/event-stream', stream.head)
        daemon.reload('calculator', example('calculator-1.1.0'))
        self.assertIn(b'', stream.read_until(b'notifications/tools/list_changed'))
        stream.close()

    def test_that_asks_for_what_is_not_there_gets_a_named_error(self):
        daemon = self.echo()
        self.assertToolError(daemon.mcp().call('absent'), 'ToolNotFound')
        message = daemon.mcp().rpc('no/such/method').json
        self.assertEqual(message['error']['code'], -32601)

    def test_with_wrong_arguments_is_told_what_is_wrong(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        for arguments in ({'a': 1}, {'a': 'one', 'b': 2}, {'a': 1, 'b': 2, 'c': 3}):
            for modern in (False, True):
                message = daemon.mcp(modern).call('add', arguments)
                with self.subTest(arguments=arguments, modern=modern):
                    text = json.dumps(message)
                    self.assertTrue('error' in message or message['result']['isError'], message)
                    self.assertIn('InvalidArguments', text) if 'error' in message else None
        self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 2}), {'result': 3})

    def test_with_arguments_that_are_no_object_is_refused(self):
        daemon = self.echo()
        for arguments in ([], 'x', 7):
            message = daemon.mcp().rpc('tools/call', {'name': 'echo', 'arguments': arguments}).json
            self.assertIn('error', message)

    def test_that_sends_no_json_gets_400_and_the_next_one_is_served(self):
        daemon = self.echo()
        client = daemon.mcp()
        client.initialize()
        call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":%s}}'
        cases = {
            'no JSON': b'nonsense',
            'nothing': b'',
            'half': b'{"jsonrpc":"2.0","id":1,',
            'after': b'{"jsonrpc":"2.0","id":1,"method":"ping"}{}',
            'duplicate': b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
            'deep': call % (b'{"a":' + b'[' * 100 + b']' * 100 + b'}'),
            'very deep': b'[' * 200000,
            'not UTF-8': call % b'{"a":"\xff\xfe"}',
            'NUL': call % b'{"a":"\\u0000"}',
            'surrogate': call % b'{"a":"\\ud800"}',
            'number': call % b'{"a":1e400}',
            'comment': call % b'{/* */}',
            'single quotes': call % b"{'a':1}",
        }
        for name, body in cases.items():
            with self.subTest(name):
                reply = client.post(body)
                self.assertEqual(reply.status, 400, reply.body)
                self.assertIn(reply.json['error']['code'], (-32700, -32600))
        self.assertEqual(client.value('echo', {'x': 1}), {'x': 1})

    def test_that_sends_too_much_gets_413_before_it_is_read(self):
        daemon = self.echo()
        with socket.create_connection(('127.0.0.1', daemon.port), timeout=20) as raw:
            raw.sendall(f'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nContent-Type: application/json\r\n'
                        f'Accept: application/json, text/event-stream\r\nContent-Length: {1 << 30}\r\n\r\n'.encode())
            self.assertIn(b' 413 ', raw.recv(65536).split(b'\r\n')[0])
        self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})

    def test_may_send_four_mebibytes_and_no_byte_more(self):
        daemon = self.echo()
        client = daemon.mcp()
        client.initialize()
        body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
        self.assertEqual(client.post(body.ljust(4 << 20)).status, 200)
        with socket.create_connection(('127.0.0.1', daemon.port), timeout=20) as raw:
            raw.sendall(f'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nContent-Type: application/json\r\n'
                        f'Accept: application/json, text/event-stream\r\nContent-Length: {(4 << 20) + 1}\r\n\r\n'.encode())
            self.assertIn(b' 413 ', raw.recv(65536).split(b'\r\n')[0])

    def test_numbers_and_ids_come_back_as_they_were_sent(self):
        daemon = self.echo()
        client = daemon.mcp()
        client.initialize()
        for identity in (b'9007199254740993', b'"\\u00e9\\n"', b'-1', b'"1"'):
            body = (b'{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"echo",'
                    b'"arguments":{"n":12345678901234567890,"f":1.10}}}' % identity)
            reply = client.post(body)
            self.assertIn(b'"id":' + identity, reply.body.replace(b' ', b''))
            self.assertIn(b'"n":12345678901234567890', reply.body)
            self.assertIn(b'"f":1.10', reply.body)

    def test_from_another_site_is_refused(self):
        daemon = self.echo()
        for headers in ({'Origin': 'http://evil.example'}, {'Host': 'evil.example'}):
            client = daemon.mcp()
            client.connection.putrequest('POST', '/mcp', skip_host='Host' in headers)
            for name, value in {'Content-Type': 'application/json', 'Content-Length': '2',
                                'Accept': 'application/json, text/event-stream', **headers}.items():
                client.connection.putheader(name, value)
            client.connection.endheaders(b'{}')
            self.assertEqual(client.connection.getresponse().status, 403)

    def test_with_a_session_that_is_unknown_or_missing_is_told(self):
        daemon = self.echo()
        client = daemon.mcp()
        ping = {'jsonrpc': '2.0', 'id': 1, 'method': 'tools/list'}
        self.assertEqual(client.post(ping).status, 400)
        client.session = 'unknown'
        self.assertEqual(client.post(ping).status, 404)

    def test_gone_in_the_middle_of_a_call_harms_nobody(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        daemon.load(module('echo-1.0.0'))
        for modern in (False, True):
            client = Mcp(daemon.port, modern)
            Caller(client, 'countdown', {'from': 20, 'interval_ms': 100})
            wait_until(lambda: daemon.info('countdown')['InFlight'] == 1, what='the call')
            client.connection.sock.shutdown(socket.SHUT_RDWR)
            client.close()
            self.assertEqual(daemon.mcp().value('echo', {'x': 1}), {'x': 1})
            wait_until(lambda: daemon.info('countdown')['InFlight'] == 0, what='the end of the call')

    def test_may_use_an_id_that_another_uses_at_the_same_time(self):
        daemon = self.daemon()
        daemon.load(example('countdown'))
        daemon.load(module('echo-1.0.0'))
        slow = daemon.mcp()
        slow.initialize()
        slow.next_id = 6
        caller = Caller(slow, 'countdown', {'from': 3, 'interval_ms': 100})
        time.sleep(0.05)
        quick = daemon.mcp()
        reply = quick.rpc('tools/call', {'name': 'echo', 'arguments': {'x': 1}}, identity=7).json
        self.assertEqual(reply['result']['structuredContent'], {'x': 1})
        self.assertEqual(caller.result()['id'], 7)

    def test_sends_its_request_in_pieces(self):
        daemon = self.echo()
        client = daemon.mcp()
        client.initialize()
        body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'ping'}).encode()
        text = (f'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nContent-Type: application/json\r\n'
                f'Accept: application/json, text/event-stream\r\nMcp-Session-Id: {client.session}\r\n'
                f'Content-Length: {len(body)}\r\n\r\n').encode() + body
        with socket.create_connection(('127.0.0.1', daemon.port), timeout=20) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(text), 7):
                raw.sendall(text[i:i + 7])
                time.sleep(0.001)
            self.assertIn(b' 200 ', raw.recv(65536).split(b'\r\n')[0])

    def test_requests_smuggled_in_two_framings_are_refused(self):
        daemon = self.echo()
        port = daemon.port
        cases = {
            'both': 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
            'two lengths': 'Content-Length: 2\r\nContent-Length: 3\r\n',
            'negative': 'Content-Length: -2\r\n',
            'two hosts': f'Host: 127.0.0.1:{port}\r\nContent-Length: 2\r\n',
        }
        for name, headers in cases.items():
            with self.subTest(name), socket.create_connection(('127.0.0.1', port), timeout=20) as raw:
                raw.sendall(f'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n'
                            f'Accept: application/json, text/event-stream\r\n{headers}\r\n{{}}'.encode())
                self.assertIn(b' 400 ', raw.recv(65536).split(b'\r\n')[0])

    def test_that_comes_with_many_others_does_not_wait_for_ever(self):
        # As many events at once as a server's loop takes in one round, or twice that.
        daemon = self.echo()
        body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/list', 'params': {'_meta': {
            'io.modelcontextprotocol/protocolVersion': MODERN,
            'io.modelcontextprotocol/clientCapabilities': {}}}}).encode()
        head = (f'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nContent-Type: application/json\r\n'
                f'Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {MODERN}\r\n'
                f'Mcp-Method: tools/list\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n').encode()
        for _ in range(20):
            many = [socket.create_connection(('127.0.0.1', daemon.port), timeout=20) for _ in range(256)]
            for part in (head, body):
                for one in many:
                    one.sendall(part)
            self.assertEqual([one.recv(65536)[:12] for one in many], [b'HTTP/1.1 200'] * 256)
            for one in many:
                one.close()

    def test_many_at_once_are_all_answered_by_value(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        wrong = []

        def work(base):
            client = Mcp(daemon.port)
            for i in range(50):
                if client.value('add', {'a': base, 'b': i}) != {'result': base + i}:
                    wrong.append((base, i))
            client.close()

        threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class OnTheBus(TestCase):
    def test_a_call_has_the_same_limits(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        self.assertBusError('ToolNotFound', daemon.call_tool, 'absent')
        self.assertBusError('InvalidArguments', daemon.call_tool, 'add', {'a': 1})
        for text in ('nonsense', '{', '[' * 100000):
            with self.subTest(text[:5]):
                with self.assertRaises(Exception) as caught:
                    daemon.call('CallTool', '(ssa{sv})', 'add', text, {})
                self.assertIn(caught.exception.name, ('InvalidJson', 'JsonTooDeep'))

    def test_a_call_has_a_time_limit(self):
        daemon = self.daemon()
        daemon.load(module('hang-call'))
        self.assertBusError('CallTimeout', daemon.call_tool, 'hang-call', {}, timeout_ms=300)
        self.assertEqual(daemon.property('State'), 'running')


if __name__ == '__main__':
    unittest.main()
