# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command that the documentation shows is run, or, if it changes a whole machine, names what there is."""

import glob
import os
import re
import shutil
import subprocess
import unittest

from collet_harness import TestCase, example, module
from collet_pages import Shell, blocks, expected, wrong_names

ROOT = os.environ.get('COLLET_ROOT', '')

# Where else a page's commands are run.
ELSEWHERE = {
    'docs/scripting.md': 'daemon-scripting',
    'sdk/README.md': 'daemon-author',
    'bench/README.md': 'bench: it takes ten minutes; what it names is checked',
}


def pages():
    found = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', 'sdk/README.md']
    return found + sorted('docs/' + os.path.basename(path) for path in glob.glob(os.path.join(ROOT, 'docs', '*.md')))


class EveryPage(unittest.TestCase):
    def test_names_what_there_is(self):
        for page in pages():
            with open(os.path.join(ROOT, page), encoding='utf-8') as file:
                text = file.read()
            with self.subTest(page):
                self.assertEqual(wrong_names(text, ROOT), [])

    def test_with_commands_is_run_by_a_test(self):
        for page in pages():
            shown = [line for line, language, machine, _ in blocks(os.path.join(ROOT, page))
                     if language in ('sh', 'python') and not machine]
            name = 'test_' + re.sub(r'\W', '_', page.lower())
            with self.subTest(page):
                self.assertTrue(not shown or page in ELSEWHERE or hasattr(APage, name), f'{name} (lines {shown})')

    def test_names_cases_that_there_are(self):
        build = os.path.dirname(os.path.dirname(os.environ['COLLETD']))
        for page in pages():
            with open(os.path.join(ROOT, page), encoding='utf-8') as file:
                shown = re.findall(r'build/test/(tests/\S+) -p (/[\w/-]+)', file.read())
            for program, case in shown:
                program = os.path.join(build, program)
                if os.path.exists(program):
                    cases = subprocess.run([program, '-l'], capture_output=True, text=True, check=True).stdout
                    self.assertIn(case, cases.splitlines(), page)

    def test_shows_shell_that_bash_can_read(self):
        for page in pages():
            for line, language, _, text in blocks(os.path.join(ROOT, page)):
                if language != 'sh':
                    continue
                done = subprocess.run(['bash', '-n'], input=text, text=True, capture_output=True, check=False)
                with self.subTest(page, line=line):
                    self.assertEqual(done.stderr, '')

    def test_leads_to_files_that_are_there(self):
        for page in pages():
            with open(os.path.join(ROOT, page), encoding='utf-8') as file:
                targets = re.findall(r'\]\(([^)#:\s]+)(#[^)\s]*)?\)', file.read())
            for target, anchor in targets:
                path = os.path.normpath(os.path.join(ROOT, os.path.dirname(page), target))
                with self.subTest(page, target=target):
                    self.assertTrue(os.path.exists(path))
                    if anchor and target.endswith('.md'):
                        self.assertIn(anchor[1:], anchors(path))


def anchors(path):
    """As the forges make them of headings."""
    with open(path, encoding='utf-8') as file:
        headings = re.findall(r'^#+ (.*)$', file.read(), re.M)
    return [re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings]


@unittest.skipUnless(shutil.which('sqlite3') and shutil.which('curl') and shutil.which('gcc'),
                     'sqlite3, curl and a compiler are needed')
class Page(TestCase):
    shell = None

    def tearDown(self):
        if self.shell is not None:
            self.shell.close()
        super().tearDown()

    def start(self, *arguments):
        """The user's own daemon, where the pages say that it has its data."""
        share = os.path.join(self.folder, '.local', 'share')
        node = self.daemon(*arguments)
        os.makedirs(share)
        os.symlink(node.data, os.path.join(share, 'collet'))
        self.shell = Shell(self.bus.address, self.folder)
        return node

    def copy(self, **files):
        """NAME=path: as the page calls a module that its reader has."""
        for name, path in files.items():
            shutil.copy(path, os.path.join(self.folder, name.replace('_', '-') + '.so'))

    def other(self, name, number):
        """Another build of the same source, as it were."""
        path = os.path.join(self.folder, f'{name}.{number}')
        shutil.copy(example(name), path)
        with open(path, 'ab') as file:
            file.write(bytes(number))
        return path

    def run_page(self, page, change=lambda text: text):
        for line, language, machine, text in blocks(os.path.join(ROOT, page)):
            if language not in ('sh', 'python') or machine:
                continue
            output = self.shell.run(change(text), language)
            for line_expected in expected(text):
                with self.subTest(page, line=line):
                    self.assertIn(line_expected, output, text)

    def code(self, page, language):
        return next(text for _, name, _, text in blocks(os.path.join(ROOT, page)) if name == language)


class APage(Page):
    def test_readme_md(self):
        self.start()
        os.symlink(os.path.join(ROOT, 'sdk'), os.path.join(self.folder, 'sdk'))
        with open(os.path.join(self.folder, 'greeter.c'), 'w', encoding='utf-8') as file:
            file.write(self.code('README.md', 'c'))
        self.run_page('README.md')

    def test_docs_mcp_md(self):
        node = self.start()
        node.load(example('text-tools'))
        # The page's address is that of a daemon that could take it.
        self.run_page('docs/mcp.md', lambda text: text.replace('127.0.0.1:7311', f'127.0.0.1:{node.port}'))

    def test_docs_security_md(self):
        self.start('--keys', os.path.join(self.folder, '.config', 'collet', 'keys'))
        self.copy(greeter=example('text-tools'))
        # Root's is the machine's.
        self.run_page('docs/security.md', lambda text: text.replace('colletctl token', 'colletctl token --file=tokens'))

    def test_docs_reloading_md(self):
        node = self.start('--set', 'shadow.calls=200')
        for name in ('calculator-1.0.0', 'text-tools'):
            node.load(example(name))
        node.load(module('weather-1.0.0'))
        self.copy(weather_2=module('weather-2.0.0'), text_tools_2=self.other('text-tools', 1),
                  calculator_2=example('calculator-1.1.0'), calculator_3=example('calculator-2.0.0'))
        self.copy(**{name: self.other('calculator-2.0.0', number)
                     for number, name in enumerate(('after', 'calculator_4', 'calculator_5'), 1)})
        node.mcp().value('add', {'a': 1, 'b': 2})
        # The page's reader takes longer than the reload to be published.
        self.run_page('docs/reloading.md', lambda text: text.replace(
            'colletctl confirm "$id" ', 'until colletctl confirm "$id"; do sleep 0.1; done '))

    def test_docs_cluster_md(self):
        self.start().load(example('calculator-1.1.0'))
        self.copy(calculator_2=example('calculator-2.0.0'))
        self.run_page('docs/cluster.md')

    def test_docs_database_md(self):
        self.start().load(example('calculator-1.1.0'))
        self.run_page('docs/database.md')

    def test_docs_operating_md(self):
        node = self.start()
        node.load(example('calculator-1.1.0'))
        node.tool_value('memory_add', {'value': 42})
        node.reload('calculator', example('calculator-2.0.0'))
        self.run_page('docs/operating.md')
        node.stop()
        shutil.rmtree(node.data)
        shutil.copytree(os.path.join(self.folder, 'backup'), node.data)
        node.start()
        self.assertEqual(node.tool_value('memory_get')['memory'], 42)
        self.assertEqual(node.rollback('calculator')['State'], 'succeeded')


if __name__ == '__main__':
    unittest.main()
