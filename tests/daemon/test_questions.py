# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tools that ask their client, through reloads and restarts."""

import http.client
import json
import os
import unittest

from collet_harness import LEGACY, TestCase, example, module

FORM = {'elicitation': {}}
YES = {'action': 'accept', 'content': {'a': 'b'}}


class LegacyCall:
    """A call whose answer is a stream: next() gives its messages one by one."""

    def __init__(self, client, port, tool, arguments=None):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
        body = {'jsonrpc': '2.0', 'id': 77, 'method': 'tools/call',
                'params': {'name': tool, 'arguments': arguments or {}}}
        self.connection.request('POST', '/mcp', json.dumps(body), {
            'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream',
            'MCP-Protocol-Version': LEGACY, 'Mcp-Session-Id': client.session})
        self.response = self.connection.getresponse()

    def next(self):
        while True:
            line = self.response.readline()
            assert line, 'the stream ended'
            if line.startswith(b'data: ') and line[6:].strip():
                return json.loads(line[6:])

    def close(self):
        self.connection.close()


class Asked(TestCase):
    def legacy(self, daemon, capabilities=None):
        client = daemon.mcp()
        client.capabilities = FORM if capabilities is None else capabilities
        client.initialize()
        return client

    def modern(self, daemon, capabilities=None):
        client = daemon.mcp(True)
        client.capabilities = FORM if capabilities is None else capabilities
        return client

    def start(self, daemon, client, tool, arguments=None):
        call = LegacyCall(client, daemon.port, tool, arguments)
        self.addCleanup(call.close)
        return call

    def answer(self, client, question, result):
        reply = client.post({'jsonrpc': '2.0', 'id': question['id'], 'result': result})
        self.assertEqual(reply.status, 202)

    def asking(self, client, tool, arguments=None, **params):
        """The result, which asks; and what to send along with the answers."""
        result = client.call(tool, arguments, **params)['result']
        self.assertEqual(result['resultType'], 'input_required', result)
        return result, {'requestState': result['requestState']}

    def test_in_either_host_and_era_it_is_answered(self):
        daemon = self.daemon()
        for host in ('worker', 'in-process'):
            daemon.load(module('asker-1.0.0'), host=host)
            with self.subTest(host=host):
                client = self.modern(daemon)
                _, state = self.asking(client, 'ask')
                self.assertEqual(client.call('ask', inputResponses={'q': YES}, **state)['result']['structuredContent'],
                                 {'by': '1.0.0', 'reply': {'a': 'b'}, 'state': 'of 1.0.0'})
                client = self.legacy(daemon)
                call = self.start(daemon, client, 'ask')
                question = call.next()
                self.assertEqual((question['method'], question['params']['message']),
                                 ('elicitation/create', 'of 1.0.0'))
                self.answer(client, question, YES)
                self.assertEqual(call.next()['result']['structuredContent'],
                                 {'by': '1.0.0', 'reply': {'a': 'b'}, 'state': 'of 1.0.0'})
            daemon.unload('asker')

    def test_another_version_asks_for_itself(self):
        for host in ('worker', 'in-process'):
            daemon = self.daemon()
            daemon.load(module('asker-1.0.0'), host=host)
            modern, legacy = self.modern(daemon), self.legacy(daemon)
            _, state = self.asking(modern, 'ask')
            call = self.start(daemon, legacy, 'ask')
            question = call.next()
            # Nobody who was asked holds up a reload.
            daemon.reload('asker', module('asker-2.0.0'))
            with self.subTest(host=host):
                result, state = self.asking(modern, 'ask', inputResponses={'q': YES}, **state)
                self.assertEqual(result['inputRequests']['q']['params']['message'], 'of 2.0.0')
                value = modern.call('ask', inputResponses={'q': YES}, **state)['result']['structuredContent']
                self.assertEqual(value, {'by': '2.0.0', 'reply': {'a': 'b'}, 'state': 'of 2.0.0'})
                self.answer(legacy, question, YES)
                question = call.next()
                self.assertEqual(question['params']['message'], 'of 2.0.0')
                self.answer(legacy, question, {'action': 'accept', 'content': {'a': 'c'}})
                self.assertEqual(call.next()['result']['structuredContent'],
                                 {'by': '2.0.0', 'reply': {'a': 'c'}, 'state': 'of 2.0.0'})
            daemon.stop()

    def test_what_was_asked_outlives_the_daemon(self):
        daemon = self.daemon()
        daemon.load(module('asker-1.0.0'))
        modern, legacy = self.modern(daemon), self.legacy(daemon)
        _, state = self.asking(modern, 'ask')
        session = legacy.session
        daemon.restart()
        modern = self.modern(daemon)
        value = modern.call('ask', inputResponses={'q': YES}, **state)['result']['structuredContent']
        self.assertEqual(value['state'], 'of 1.0.0')
        # What the client can be asked is known still.
        legacy = daemon.mcp()
        legacy.session = session
        call = self.start(daemon, legacy, 'ask')
        self.answer(legacy, call.next(), YES)
        self.assertEqual(call.next()['result']['structuredContent']['reply'], {'a': 'b'})

    def test_with_another_key_its_state_is_not_taken(self):
        daemon = self.daemon()
        daemon.load(module('asker-1.0.0'))
        key = os.path.join(daemon.data, 'request-state.key')

        def shorten():
            os.truncate(key, 31)

        def replace():
            os.remove(key)
            os.symlink('/dev/zero', key)

        for damage in (lambda: os.remove(key), shorten, lambda: os.chmod(key, 0o644), replace):
            _, state = self.asking(self.modern(daemon), 'ask')
            daemon.stop()
            damage()
            daemon.start()
            message = self.modern(daemon).call('ask', inputResponses={'q': YES}, **state)
            self.assertEqual(message['error']['code'], -32602)
            info = os.lstat(key)
            self.assertEqual((info.st_mode, info.st_size), (0o100600, 32))

    def test_the_end_of_the_daemon_ends_a_question(self):
        daemon = self.daemon()
        daemon.load(module('asker-1.0.0'))
        client = self.legacy(daemon)
        call = self.start(daemon, client, 'ask')
        call.next()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(call.next()['method'], 'notifications/cancelled')
        self.assertEqual(call.next()['error']['data']['reason'], 'ShuttingDown')

    def test_a_module_that_is_gone_before_the_answer_is_named(self):
        daemon = self.daemon()
        daemon.load(module('asker-1.0.0'))
        client = self.legacy(daemon)
        call = self.start(daemon, client, 'ask')
        question = call.next()
        daemon.unload('asker')
        self.answer(client, question, YES)
        self.assertEqual(call.next()['error']['data']['reason'], 'ModuleNotLoaded')

    def test_the_bus_cannot_be_asked(self):
        daemon = self.daemon()
        daemon.load(module('asker-1.0.0'))
        self.assertBusError('NotSupported', daemon.call_tool, 'ask')

    def test_the_example_books_a_table(self):
        daemon = self.daemon()
        daemon.load(example('interview'))
        where = {'restaurant': 'Chez Collet'}

        client = self.modern(daemon)
        result, state = self.asking(client, 'book_table', where)
        self.assertIn('people', result['inputRequests'])
        result, state = self.asking(client, 'book_table', where, **state,
                                    inputResponses={'people': {'action': 'accept', 'content': {'people': 3}}})
        self.assertIn('sure', result['inputRequests'])
        done = client.call('book_table', where, **state,
                           inputResponses={'sure': {'action': 'accept', 'content': {'sure': True}}})['result']
        self.assertEqual(done['content'][0]['text'], 'A table for 3 at Chez Collet is booked.')

        client = self.legacy(daemon)
        call = self.start(daemon, client, 'book_table', where)
        self.answer(client, call.next(), {'action': 'accept', 'content': {'people': 3}})
        self.answer(client, call.next(), {'action': 'decline'})
        self.assertIn('Nothing was done', call.next()['result']['content'][0]['text'])

    def test_the_example_goes_on_without_a_model(self):
        daemon = self.daemon()
        daemon.load(example('interview'))
        red = {'rgb': '#ff0000'}
        self.assertEqual(self.modern(daemon, {}).call('name_color', red)['result']['content'][0]['text'], '#ff0000')
        client = self.legacy(daemon, {'sampling': {}})
        call = self.start(daemon, client, 'name_color', red)
        question = call.next()
        self.assertEqual(question['method'], 'sampling/createMessage')
        self.answer(client, question, {'role': 'assistant', 'content': {'type': 'text', 'text': 'Poppy'},
                                       'model': 'm'})
        self.assertEqual(call.next()['result']['content'][0]['text'], 'Poppy')

    def test_the_example_needs_a_client_with_pages(self):
        daemon = self.daemon()
        daemon.load(example('interview'))
        reply = self.modern(daemon).rpc('tools/call', {'name': 'sign_in'})
        self.assertEqual((reply.status, reply.json['error']['code'], reply.json['error']['data']),
                         (400, -32021, {'requiredCapabilities': {'elicitation': {'url': {}}}}))
        client = self.modern(daemon, {'elicitation': {'url': {}}, 'roots': {}})
        _, state = self.asking(client, 'sign_in')
        done = client.call('sign_in', inputResponses={'page': {'action': 'accept'}}, **state)['result']
        self.assertEqual(done['content'][0]['text'], 'The page was opened.')
        _, state = self.asking(client, 'list_folders')
        done = client.call('list_folders', inputResponses={'roots': {'roots': [{'uri': 'file:///a'}]}}, **state)
        self.assertEqual(done['result']['content'][0]['text'], '[{"uri": "file:///a"}]')


if __name__ == '__main__':
    unittest.main()
