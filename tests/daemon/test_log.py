# SPDX-License-Identifier: LGPL-2.1-or-later
"""One id for a call: of its client, in the log, among the recorded calls, in the module."""

import unittest

from collet_harness import TestCase, example, module, wait_until

TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
GIVEN = {'traceparent': f'00-{TRACE}-00f067aa0ba902b7-01'}


class ACall(TestCase):
    def setUp(self):
        super().setUp()
        self.node = self.daemon('--record-calls', '--set', 'node.module-log-level=warning')
        self.node.load(example('gallery'))

    def trace(self, client, **params):
        """As the module is told it."""
        return client.call('show_trace', **params)['result']['content'][0]['text']

    def test_has_the_id_that_its_client_gave(self):
        for modern in (False, True):
            self.assertEqual(self.trace(self.node.mcp(modern), _meta=GIVEN), TRACE)
        reply = self.node.mcp().rpc('tools/call', {'name': 'show_trace'}, headers=GIVEN)
        self.assertEqual(reply.json['result']['content'][0]['text'], TRACE)

    def test_has_an_id_of_its_own_otherwise(self):
        client = self.node.mcp()
        traces = {self.trace(client), self.trace(client), self.trace(client, _meta={'traceparent': 'nonsense'}),
                  self.node.call_tool('show_trace')['content'][0]['text']}
        self.assertEqual(len(traces), 4)
        for trace in traces:
            self.assertRegex(trace, '^[0-9a-f]{32}$')

    def test_is_found_by_its_id_among_the_recorded_ones(self):
        self.trace(self.node.mcp(), _meta=GIVEN)
        wait_until(lambda: self.node.sql('SELECT tool, outcome FROM call_history WHERE trace = ?', TRACE) ==
                   [{'tool': 'show_trace', 'outcome': 'ok'}], what='the recorded call')

    def test_is_found_by_its_id_in_the_log_with_what_the_module_said(self):
        self.node.mcp().call('write_log', _meta=GIVEN)
        wait_until(lambda: 'the lights went out' in self.node.output(), what='what the module said')
        said = self.node.output()
        self.assertIn(f'write_log: the gallery closes soon (trace {TRACE})', said)
        self.assertNotIn('all is well', said)

    def test_that_failed_is_in_the_log_and_tells_its_client_the_id(self):
        self.node.load(module('crash-call'))
        message = self.node.mcp().call('crash-call')
        self.assertToolError(message, 'WorkerCrashed')
        self.assertIn(f"(trace {message['error']['data']['trace']})", self.node.output())


if __name__ == '__main__':
    unittest.main()
