# SPDX-License-Identifier: LGPL-2.1-or-later
"""/metrics: what runs, how calls and changes went, as Prometheus reads it."""

import re
import unittest

from collet_harness import Reply, TestCase, example, module, wait_until

SAMPLE = re.compile(r'^([a-z_]+)(\{[a-z0-9_]+="[^"]*"(?:,[a-z0-9_]+="[^"]*")*\})? (-?[0-9.e+]+)$')


class Metrics(TestCase):
    def setUp(self):
        super().setUp()
        self.node = self.daemon()
        self.client = self.node.mcp()

    def text(self):
        self.client.connection.request('GET', '/metrics')
        return Reply(self.client.connection.getresponse()).body.decode()

    def value(self, sample):
        """None: there is no such line."""
        found = re.search(rf'^{re.escape(sample)} (\S+)$', self.text(), re.M)
        return float(found[1]) if found else None

    def test_are_lines_that_prometheus_takes(self):
        self.node.load(example('calculator-1.0.0'))
        self.node.load(module('crash-call'))
        self.client.value('add', {'a': 1, 'b': 2})
        self.client.call('crash-call')
        self.node.reload('calculator', example('calculator-1.1.0'))
        described, seen = {}, set()
        for line in self.text().splitlines():
            if line.startswith('# '):
                keyword, name, text = line[2:].split(' ', 2)
                self.assertNotIn((keyword, name), described, line)
                described[keyword, name] = text
                continue
            sample = SAMPLE.match(line)
            self.assertIsNotNone(sample, line)
            self.assertNotIn(sample[1] + (sample[2] or ''), seen, line)
            seen.add(sample[1] + (sample[2] or ''))
            family = sample[1]
            if ('TYPE', family) not in described:
                family = re.sub('_(bucket|sum|count)$', '', family)
                self.assertEqual(described['TYPE', family], 'histogram', line)
            self.assertIn(('HELP', family), described)

    def test_say_what_runs_and_how_often_it_died(self):
        version = self.node.load(module('crash-call'))
        info = re.search(r'^collet_module_info\{module="crash-call",version="1.0.0",sha256="([0-9a-f]{64})",'
                         r'host="worker"\} 1$', self.text(), re.M)
        self.assertEqual(info[1], self.node.version('crash-call'), version)
        self.assertEqual(self.value('collet_module_generations{module="crash-call"}'), 1)
        self.assertEqual(self.value('collet_module_crashes_total{module="crash-call"}'), 0)
        self.assertToolError(self.client.call('crash-call'), 'WorkerCrashed')
        wait_until(lambda: self.value('collet_module_crashes_total{module="crash-call"}') == 1, what='the crash')
        self.node.unload('crash-call')
        self.assertNotIn('module="crash-call"', self.text())

    def test_count_changes_and_how_long_calls_waited(self):
        self.node.load(example('calculator-1.0.0'))
        self.node.reload('calculator', example('calculator-1.1.0'))
        self.node.rollback('calculator')
        for kind in ('load', 'hot-reload', 'rollback'):
            self.assertEqual(self.value(f'collet_reloads_total{{kind="{kind}",state="succeeded"}}'), 1, kind)
        self.assertEqual(self.value('collet_reload_pause_seconds_count'), 2)
        self.assertGreater(self.value('collet_reload_pause_seconds_sum'), 0)
        _, version = self.node.prepare('calculator', example('calculator-2.0.0'))
        self.assertEqual(self.value('collet_reloads_running'), 1)
        self.node.abort('calculator', version)
        wait_until(lambda: self.value('collet_reloads_running') == 0, what='the end')
        self.assertIsNotNone(self.value('collet_reloads_total{kind="hot-reload",state="cancelled"}'))


if __name__ == '__main__':
    unittest.main()
