# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every refusal says what was found and what to do, the same wherever one looks:
on the bus, in the history, in a validation, by colletctl, by MCP."""

import json
import os
import subprocess
import unittest

from collet_harness import BusError, TestCase, example, module, variants

COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')

# A candidate, the error of loading it, the check that finds it.
CANDIDATES = [
    ('abi-major', 'AbiMismatch', 'abi'),
    ('bad-schema', 'InvalidSchema', 'schemas'),
    ('broken-manifest', 'InvalidManifest', 'manifest'),
    ('crash-constructor', 'ProbeCrashed', None),
    ('crash-init', 'ProbeCrashed', None),
    ('exit-constructor', 'ProbeCrashed', None),
    ('fail-init', 'ValidationFailed', None),
    ('no-call', 'InvalidModule', None),
    ('no-manifest', 'InvalidManifest', 'manifest'),
    ('no-symbol', 'InvalidModule', None),
    ('short-struct', 'InvalidModule', None),
    ('undefined-symbol', 'InvalidModule', None),
]


class Explain(TestCase):
    def ctl(self, *arguments):
        """The error that colletctl --json prints, or what it printed."""
        result = subprocess.run([COLLETCTL, '--session', '--json', *arguments], capture_output=True, text=True,
                                timeout=60, check=False,
                                env=os.environ | {'DBUS_SESSION_BUS_ADDRESS': self.bus.address})
        self.assertEqual(result.stderr, '')
        answer = json.loads(result.stdout)
        return answer.get('error', answer)

    def assertExplained(self, daemon, name, attempt, arguments=None):
        """The bus, colletctl and, for a change, the history say the same; the error."""
        before = {row['Id'] for row in daemon.history()}
        with self.assertRaises(BusError) as caught:
            attempt()
        self.assertIn(caught.exception.name, name if isinstance(name, tuple) else (name,), caught.exception.message)
        message = caught.exception.message
        self.assertSaysWhatToDo(message)
        for row in daemon.history():
            if row['Id'] not in before:
                self.assertEqual((row['ErrorName'], row['ErrorMessage']), (caught.exception.name, message))
        if arguments is not None:
            self.assertEqual(self.ctl(*arguments), {'name': caught.exception.name, 'message': message})
        return caught.exception

    def test_refused_candidates(self):
        daemon = self.daemon()
        for name, expected, check in CANDIDATES:
            with self.subTest(name):
                path = module(name)
                error = self.assertExplained(daemon, expected, lambda path=path: daemon.load(path), ['load', path])
                valid, facts, checks = daemon.validate(path)
                self.assertFalse(valid)
                self.assertEqual(facts['error-name'], error.name)
                failed = [row for row in checks.values() if row['outcome'] == 'failed']
                self.assertTrue(failed, checks)
                for row in failed:
                    self.assertTrue(row['evidence'] and row['remedy'], row)
                self.assertIn(failed[0]['evidence'].rstrip('.'), error.message)
                if check is not None:
                    self.assertIn(check, failed[0]['check'])
                candidate = self.ctl('validate', path)['candidates'][0]
                self.assertEqual(candidate['facts']['error_name'], error.name)
                # As the history has it.
                row = daemon.sql('SELECT error, message FROM reload_history LIMIT 1')[0]
                self.assertEqual((row['error'], row['message']), (error.name, error.message))

    def changes(self, daemon):
        """What is refused of a module that is fine; name, attempt, colletctl's arguments."""
        echo2, calculator1 = module('echo-2.0.0'), example('calculator-1.0.0')
        registered = variants({'title': 'x'})
        return [
            ('ArtifactNotFound', lambda: daemon.load('/absent.so'), ['load', '/absent.so']),
            ('ArtifactNotFound', lambda: daemon.load('absent'), ['load', 'absent']),
            ('InvalidArgument', lambda: daemon.load('a/relative.so'), None),
            ('InvalidArgument', lambda: daemon.reload('absent', echo2), None),
            ('ModuleNotLoaded', lambda: daemon.reload(module('counter-1.0.0')), None),
            ('ModuleNotLoaded', lambda: daemon.unload('absent'), ['unload', 'absent']),
            ('ModuleNotLoaded', lambda: daemon.rollback('absent'), ['rollback', 'absent']),
            ('NotFound', lambda: daemon.rollback('echo', 'abcdef'), ['rollback', 'echo', 'abcdef']),
            (('NotFound', 'RollbackFailed'), lambda: daemon.rollback('echo'), ['rollback', 'echo']),
            ('VersionMismatch', lambda: daemon.load(echo2, **{'expect-version': 'abcdef'}),
             ['load', echo2, '--expect-version=abcdef']),
            ('InvalidArgument', lambda: daemon.reload('echo', module('counter-1.0.0')),
             ['reload', 'echo', module('counter-1.0.0')]),
            ('BreakingChange', lambda: daemon.load(calculator1), ['load', calculator1]),
            ('ModuleNotLoaded', lambda: daemon.info('absent'), ['modules', 'absent']),
            ('NotFound', lambda: daemon.call('GetTool', '(s)', 'absent'), ['tools', 'absent']),
            ('NotFound', lambda: daemon.call('GetReload', '(s)', 'abcdef'), ['reload', 'show', 'abcdef']),
            ('NotFound', lambda: daemon.call('ListVersions', '(s)', 'absent'), ['versions', 'absent']),
            ('NotFound', lambda: daemon.call('RetainVersion', '(ssba{sv})', 'echo', 'abcdef', True, {}),
             ['retain', 'echo', 'abcdef']),
            ('ModuleNotLoaded', lambda: daemon.call('RegisterTool', '(sssa{sv})', 'x', 'absent', 'x', {}),
             ['register', 'x', 'absent']),
            ('AlreadyRegistered', lambda: daemon.call('RegisterTool', '(sssa{sv})', 'add', 'echo', 'echo', registered),
             ['register', 'add', 'echo', 'echo', '--title=x']),
            ('NotFound', lambda: daemon.call('UnregisterTool', '(s)', 'absent'), ['unregister', 'absent']),
            ('VersionMismatch', lambda: daemon.call('UpdateToolVersion', '(ss)', 'echo', 'abcdef'),
             ['update-version', 'echo', 'abcdef']),
            ('NotFound', lambda: daemon.call('CheckToolUpdated', '(sa{sv})', 'absent', {}), ['check', 'absent']),
            ('NotFound', lambda: daemon.call('SubscribeToToolUpdates', '(sa{sv})', 'absent', {}),
             ['subscribe', 'absent']),
            ('InvalidArgument', lambda: daemon.call('SubscribeToToolUpdates', '(sa{sv})', '*',
                                                    variants({'subscriber': 'a b'})),
             ['subscribe', '*', '--subscriber=a b']),
            ('NotFound', lambda: daemon.call('WatchFolder', '(sa{sv})', '/absent', {}), ['watch', '/absent']),
            ('NotPrepared', lambda: daemon.call('CommitReload', '(ssa{sv})', 'echo', daemon.version('echo'), {}), None),
            ('ModuleNotLoaded', lambda: daemon.call('DrainModule', '(sua{sv})', 'absent', 0, {}), ['drain', 'absent']),
            ('ToolNotFound', lambda: daemon.call_tool('absent'), ['call', 'absent']),
            ('InvalidArguments', lambda: daemon.call_tool('add', {'a': 'x'}), ['call', 'add', '{"a":"x"}']),
        ]

    def test_refused_changes(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.load(example('calculator-2.0.0'))
        for number, (name, attempt, arguments) in enumerate(self.changes(daemon)):
            with self.subTest(name, number=number, arguments=arguments):
                self.assertExplained(daemon, name, attempt, arguments)
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_refused_calls_are_the_same_by_mcp(self):
        daemon = self.daemon()
        daemon.load(example('calculator-2.0.0'))
        daemon.load(module('crash-call'))
        daemon.load(module('bad-result'))
        client = daemon.mcp()
        for tool, arguments in (('absent', {}), ('crash-call', {}), ('bad-result', {})):
            with self.subTest(tool, arguments=arguments):
                with self.assertRaises(BusError) as caught:
                    daemon.call_tool(tool, arguments)
                self.assertSaysWhatToDo(caught.exception.message)
                message = client.call(tool, arguments)
                self.assertEqual(message['error']['data']['reason'], caught.exception.name)
                self.assertSaysWhatToDo(message['error']['message'])
        # What a model can mend it is told as a result.
        for arguments in ({'a': 'x'}, {}):
            with self.assertRaises(BusError) as caught:
                daemon.call_tool('add', arguments)
            self.assertEqual(caught.exception.name, 'InvalidArguments')
            result = client.call('add', arguments)['result']
            self.assertTrue(result['isError'])
            self.assertIn(caught.exception.message.split('. ')[0][:40], result['content'][0]['text'])


class Compatibility(TestCase):
    """The verdict on a candidate, and what clients see of it, wherever one looks."""

    def test_verdicts(self):
        daemon = self.daemon()
        valid, facts, checks = daemon.validate(example('calculator-1.0.0'))
        self.assertEqual((valid, facts['verdict'], checks['compatibility']['outcome']), (True, 'new', 'skipped'))
        daemon.load(example('calculator-1.0.0'))
        valid, facts, checks = daemon.validate(example('calculator-1.0.0'))
        self.assertEqual((valid, facts['verdict']), (True, 'identical'))
        self.assertEqual((checks['names']['outcome'], checks['admission']['outcome']), ('passed', 'passed'))
        valid, facts, checks = daemon.validate(example('calculator-1.1.0'))
        self.assertEqual((valid, facts['verdict'], checks['compatibility']['outcome']), (True, 'compatible', 'passed'))
        self.assertIn('tool "power" is new', facts['differences'])
        result = daemon.load(example('calculator-1.1.0'))
        self.assertEqual((result['Items'][0]['verdict'], result['Items'][0]['differences']),
                         ('compatible', facts['differences']))
        # After its end as well, and in the database.
        daemon.restart()
        item = next(row for row in daemon.history('calculator') if row['State'] == 'succeeded')['Items'][0]
        self.assertEqual((item['verdict'], item['differences']), ('compatible', facts['differences']))
        self.assertGreaterEqual(item['pause-us'], 0)

    def test_breaking_is_refused_with_what_breaks(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.1.0'))
        valid, facts, checks = daemon.validate(example('calculator-1.0.0'))
        self.assertEqual((valid, facts['verdict'], facts['error-name']), (False, 'breaking', 'BreakingChange'))
        check = checks['compatibility']
        self.assertEqual(check['outcome'], 'failed')
        self.assertIn('tool "power" was there, is gone', check['evidence'])
        self.assertIn('allow', check['remedy'])
        error = self.assertBusError('BreakingChange', daemon.load, example('calculator-1.0.0'))
        self.assertIn('tool "power" was there, is gone', error.message)
        item = daemon.history()[0]['Items'][0]
        self.assertEqual(item['verdict'], 'breaking')
        self.assertIn('tool "power" was there, is gone', item['differences'])
        daemon.load(example('calculator-1.0.0'), **{'allow-breaking': True})
        self.assertEqual(daemon.info('calculator')['SemanticVersion'], '1.0.0')

    def test_name_of_another_module_is_found_before_loading(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.call('RegisterTool', '(sssa{sv})', 'count', 'echo', 'echo', {})
        valid, facts, checks = daemon.validate(module('counter-1.0.0'))
        self.assertEqual((valid, facts['error-name'], checks['names']['outcome']), (False, 'NameClash', 'failed'))
        self.assertTrue(checks['names']['remedy'])
        self.assertBusError('NameClash', daemon.load, module('counter-1.0.0'))


if __name__ == '__main__':
    unittest.main()
