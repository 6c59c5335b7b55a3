# SPDX-License-Identifier: LGPL-2.1-or-later
"""What sdk/README.md shows the author of a tool: built as it says, loaded, called."""

import json
import os
import shutil
import subprocess
import unittest

from collet_pages import blocks
from test_pages import ROOT, Page
from test_questions import LegacyCall

SDK = os.path.join(ROOT, 'sdk')
README = os.path.join(SDK, 'README.md')
OPTIONS = ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-I' + os.path.join(SDK, 'include')]
# Says what it was called with.
ECHO = '''
#include "collet-module.h"
static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  collet_add_text (call, collet_arguments (call, NULL));
  return COLLET_OK;
}
COLLET_MODULE (.call = run_tool);
'''
ASKER = '''
#include "collet-module.h"
COLLET_MANIFEST ("{\\"name\\":\\"asker\\",\\"version\\":\\"1.0.0\\",\\"tools\\":[{\\"name\\":\\"ask\\",\\"description\\":\\"Asks.\\","
                 "\\"inputSchema\\":{\\"type\\":\\"object\\"}}]}");
%s
static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  return greet (call);
}
COLLET_MODULE (.call = run_tool);
'''


def compilers(name):
    """Each one that is there, as programs of that name may be of several origins."""
    paths = [os.path.join(folder, name) for folder in os.get_exec_path()]
    return list({os.path.realpath(path): path for path in paths if os.access(path, os.X_OK)}.values())


@unittest.skipUnless(shutil.which('gcc') and shutil.which('pkg-config'), 'a compiler and pkg-config are needed')
class TheReadme(Page):
    def setUp(self):
        super().setUp()
        self.node = self.start()
        self.write('collet-module.pc', f'Name: collet-module\nDescription: -\nVersion: 0\nCflags: -I{SDK}/include\n')
        self.shell.run(f'export PATH={SDK}:$PATH PKG_CONFIG_PATH={self.folder}')

    def shown(self, language, containing=''):
        return next(text for _, name, _, text in blocks(README) if name == language and containing in text)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def build(self, *command):
        subprocess.run(command, cwd=self.folder, check=True, timeout=120)

    def build_c(self, name, source, manifest=None):
        self.write(name + '.c', source)
        sources = [name + '.c']
        if manifest is not None:
            self.write(name + '.json', json.dumps(manifest))
            self.build(os.path.join(SDK, 'collet-manifest'), name + '.json', name + '-manifest.c')
            sources.append(name + '-manifest.c')
        self.build('gcc', *OPTIONS, '-o', name + '.so', *sources)
        return os.path.join(self.folder, name + '.so')

    def text(self, tool, arguments):
        return self.node.call_tool(tool, arguments)['content'][0]['text']

    def test_is_true_command_by_command(self):
        self.write('hello.c', self.shown('c'))
        self.write('hello.json', self.shown('json'))
        self.run_page('sdk/README.md')
        # The same tool in C++.
        self.write('hello.cc', self.shown('cpp'))
        self.shell.run('collet-build hello.json hello.cc; colletctl reload hello ./hello.so')
        self.assertEqual([self.text('greet', {'name': 'Ada'}) for _ in range(2)],
                         [f'Hello, Ada! You are number {number}.' for number in (1, 2)])

    @unittest.skipUnless(compilers('rustc'), 'rustc is not installed')
    def test_has_a_module_in_rust_that_serves(self):
        self.write('hello.rs', self.shown('rust'))
        for number, compiler in enumerate(compilers('rustc')):
            with self.subTest(compiler):
                self.build(compiler, '--crate-type', 'cdylib', '-C', 'panic=abort', '-o', f'rust-{number}.so', 'hello.rs')
                self.node.load(os.path.join(self.folder, f'rust-{number}.so'))
                self.assertEqual(self.text('greet_rust', {}), 'Hello from greet_rust, in Rust!')

    def test_has_smoke_tests_that_are_made(self):
        self.write('hello.c', self.shown('c'))
        manifest = json.loads(self.shown('json'))
        manifest |= json.loads('{' + self.shown('json', 'smoke_tests') + '}')
        self.node.load(self.build_c('hello', self.shown('c'), manifest))
        manifest['version'] = '1.1.0'
        other = self.build_c('other', self.shown('c').replace('Hello', 'Good day'), manifest)
        self.assertBusError('SmokeTestFailed', self.node.load, other)
        self.assertEqual(self.text('greet', {'name': 'Ada'}), 'Hello, Ada!')

    def test_has_a_former_form_that_is_taken_over(self):
        tool = json.loads(self.shown('json', '"former"')) | {'description': 'Says.'}
        before = {'name': 'weather', 'description': 'Says.', 'inputSchema': {
            'type': 'object', 'additionalProperties': False, 'required': ['place'],
            'properties': {'place': {'type': 'string'}, 'unit': {'enum': ['C', 'F']}, 'verbose': {'type': 'boolean'}}}}
        versions = [self.build_c(f'weather-{number}', ECHO, {'name': 'weather', 'version': f'{number}.0.0', 'tools': [one]})
                    for number, one in enumerate((before, tool), 1)]
        self.node.load(versions[0])
        self.node.load(versions[1], allow_breaking=True)
        client = self.node.mcp()
        with open(README, encoding='utf-8') as file:
            given, arrives = [json.loads(word) for word in
                              next(line for line in file if 'arrives as' in line).split('`')[1::2]]
        said = client.call('weather', given)['result']['content'][0]['text']
        self.assertEqual(json.loads(said), arrives)

    def test_has_a_tool_that_asks(self):
        self.node.load(self.build_c('asker', ASKER % self.shown('c', 'collet_ask')))
        client = self.node.mcp()
        client.capabilities = {'elicitation': {}}
        client.initialize()
        call = LegacyCall(client, self.node.port, 'ask')
        question = call.next()
        self.assertEqual((question['method'], question['params']['message']), ('elicitation/create', 'What is your name?'))
        client.post({'jsonrpc': '2.0', 'id': question['id'], 'result': {'action': 'accept', 'content': {'name': 'Ada'}}})
        self.assertEqual(call.next()['result']['content'][0]['text'], 'Ada')
        call.close()
        # Nobody to ask: an error that says what is missing.
        self.assertIn('elicitation', json.dumps(self.node.mcp().call('ask', {})))


if __name__ == '__main__':
    unittest.main()
