# SPDX-License-Identifier: LGPL-2.1-or-later
"""MCP's own conformance suite against the whole daemon with a module that has its
tools, for both eras. What a scenario really checked counts, not its tick."""

import collections
import json
import os
import re
import subprocess
import threading
import time

import collet_npm
from collet_harness import TestCase, example

MODULE = os.path.join(os.environ.get('COLLET_CONFORMANCE_DIR', ''), 'conformance.so')
EXPECTED = os.path.join(collet_npm.HERE, 'expected-failures.yaml')
SUITE_TIMEOUT = 240
# Run by the suite beside what is required; not scored by it, but passed here.
MORE = {
    '2025-11-25': {'server-session-lifecycle', 'json-schema-2020-12'},
    '2026-07-28': {'json-schema-2020-12', 'http-header-validation', 'http-custom-header-server-validation'},
}
# What the suite itself skips in a server without prompts and resources.
SKIPPED = {'sep-2575-server-sends-prompts-list-changed-on-subscription'}


def items(path, section):
    """The list under `section:` of a YAML file as flat as these are."""
    with open(path, encoding='utf-8') as file:
        text = file.read().partition(f'\n{section}:\n')[2]
    return set(re.findall(r'^  - ([\w-]+)$', re.split(r'^\S', text, maxsplit=1, flags=re.M)[0], re.M))


class Changer(threading.Thread):
    """Reloads another module whenever the suite's tool for that is called."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_ = daemon
        self.is_over = False
        self.changes = 0

    def run(self):
        seen = 0
        while not self.is_over:
            now = self.daemon_.answered('test_trigger_tool_change')
            if now > seen:
                seen = now
                self.changes += 1
                name = 'calculator-1.1.0' if self.changes % 2 else 'calculator-1.0.0'
                self.daemon_.reload('calculator', example(name), allow_breaking=True)
            time.sleep(0.02)

    def end(self):
        self.is_over = True
        self.join()


class Suite(TestCase):
    def run_suite(self, revision):
        """Checks by scenario, of those that are required and some more."""
        packages = collet_npm.packages()
        suite = collet_npm.script(packages, '@modelcontextprotocol', 'conformance')
        out = os.path.join(self.folder, 'checks')
        daemon = self.daemon()
        daemon.load(MODULE)
        daemon.load(example('calculator-1.0.0'))
        changer = Changer(daemon)
        changer.start()
        try:
            done = subprocess.run(
                [collet_npm.node(packages), os.path.join(suite, 'dist', 'index.js'), 'server',
                 '--url', f'http://127.0.0.1:{daemon.port}/mcp', '--requirements', revision, '-o', out,
                 '--expected-failures', EXPECTED],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SUITE_TIMEOUT)
        finally:
            changer.end()
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        required = items(os.path.join(suite, 'requirements', revision + '.yaml'), 'server')
        self.assertGreaterEqual(len(required), 30)
        return {name: self.read_checks(out, name) for name in required | MORE[revision]}, changer

    def read_checks(self, out, scenario):
        folders = [name for name in os.listdir(out) if re.fullmatch(rf'server-{scenario}-\d{{4}}-.*', name)]
        self.assertEqual(len(folders), 1, f'{scenario} was not run once')
        with open(os.path.join(out, folders[0], 'checks.json'), encoding='utf-8') as file:
            return json.load(file)

    def check(self, revision):
        expected = items(EXPECTED, 'server')
        checks, changer = self.run_suite(revision)
        for scenario, found in sorted(checks.items()):
            states = collections.Counter(check['status'] for check in found)
            wrong = [f"{check['status']} {check['id']}: {check.get('errorMessage')}" for check in found
                     if check['status'] in ('FAILURE', 'WARNING')
                     or check['status'] == 'SKIPPED' and check['id'] not in SKIPPED]
            with self.subTest(scenario=scenario):
                if scenario in expected:
                    self.assertGreater(states['FAILURE'] + states['WARNING'], 0, f'{scenario} passes: it is not to be expected to fail')
                else:
                    self.assertEqual(wrong, [])
                    self.assertGreater(states['SUCCESS'], 0, f'{scenario} checked nothing')
        return checks, changer

    def test_of_2025_11_25_finds_no_fault_in_tools(self):
        self.check('2025-11-25')

    def test_of_2026_07_28_finds_no_fault_in_tools(self):
        checks, changer = self.check('2026-07-28')
        self.assertGreater(changer.changes, 0)
        caching = {check['id']: check['status'] for check in checks['caching']}
        self.assertEqual(caching['sep-2549-tools-list-caching-hints'], 'SUCCESS')
