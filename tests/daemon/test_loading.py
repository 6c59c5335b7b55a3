# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loading: what is served afterwards, what is refused, and that a refusal leaves
everything as it was."""

import hashlib
import os
import shutil
import struct
import unittest

from collet_harness import NAME, RELOAD, TestCase, example, module, wait_until
from gi.repository import GLib


def sha256(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def files_of(folder):
    return sorted(os.path.relpath(os.path.join(root, name), folder)
                  for root, _, names in os.walk(folder) for name in names)


class Load(TestCase):
    def test_serves_what_the_manifest_declares(self):
        daemon = self.daemon()
        result = daemon.load(example('calculator-1.0.0'))
        self.assertEqual(result['State'], 'succeeded')
        self.assertEqual(daemon.version('calculator'), sha256(example('calculator-1.0.0')))
        names = ['add', 'divide', 'memory_add', 'memory_clear', 'memory_get', 'multiply', 'subtract']
        self.assertEqual([tool['name'] for tool in daemon.mcp().tools()], names)
        self.assertEqual([tool['Name'] for tool in daemon.call('ListTools', '(a{sv})', {})], names)
        self.assertEqual(daemon.mcp().value('add', {'a': 2, 'b': 40}), {'result': 42})
        self.assertEqual(daemon.tool_value('add', {'a': 2, 'b': 40}), {'result': 42})

    def test_shows_module_and_tools_as_objects(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        objects = daemon.objects()
        shown = objects['/org/collet/Collet1/modules/echo']['org.collet.Collet1.Module']
        self.assertEqual((shown['Name'], shown['SemanticVersion'], shown['Host']), ('echo', '1.0.0', 'worker'))
        self.assertEqual(shown['Version'], sha256(module('echo-1.0.0')))
        self.assertEqual(shown['Tools'], ['echo'])
        tool = objects['/org/collet/Collet1/tools/echo']['org.collet.Collet1.Tool']
        self.assertEqual((tool['Module'], tool['Version']), ('echo', shown['Version']))
        info = daemon.info('echo')
        self.assertEqual(info['Version'], shown['Version'])
        self.assertEqual(len(daemon.call('GetModuleMd5', '(s)', 'echo')), 32)

    def test_finds_a_name_in_the_module_path(self):
        daemon = self.daemon()
        daemon.load('echo-1.0.0.so')
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))

    def test_names_the_version_that_answered(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        result = daemon.mcp().call('echo', {'x': 1})['result']
        self.assertEqual(result['_meta']['org.collet/sha256'], sha256(module('echo-1.0.0')))
        self.assertEqual(result['_meta']['org.collet/version'], '1.0.0')
        self.assertGreater(result['_meta']['org.collet/generation'], 0)

    def test_is_recorded_alike_on_the_bus_and_in_the_database(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'), reason='because')
        row = daemon.history('echo')[0]
        self.assertEqual((row['Kind'], row['State'], row['Reason']), ('load', 'succeeded', 'because'))
        self.assertEqual(row['Initiator'], os.getuid())
        item = row['Items'][0]
        self.assertEqual((item['module'], item['to-version']), ('echo', '1.0.0'))
        found = wait_until(lambda: [line for line in daemon.sql('SELECT * FROM reload_history')
                                    if 'succeeded' in line.values()])
        self.assertIn('echo', found[0].values())

    def test_keeps_its_own_copy(self):
        daemon = self.daemon()
        path = os.path.join(self.folder, 'mine.so')
        shutil.copy(module('echo-1.0.0'), path)
        daemon.load(path)
        with open(path, 'wb') as file:
            file.write(b'overwritten in place')
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        daemon.restart()
        self.assertEqual(daemon.tool_value('echo', {'x': 2}), {'x': 2})

    def test_the_same_again_keeps_the_state(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('memory_add', {'value': 5})
        daemon.load(example('calculator-1.0.0'))
        self.assertEqual(daemon.tool_value('memory_get'), {'memory': 5})

    def test_outlives_its_caller(self):
        daemon = self.daemon()
        caller = self.bus.connect()
        reply = caller.call_sync(NAME, '/org/collet/Collet1', 'org.collet.Collet1.Manager', 'SafeLoad',
                                 GLib.Variant('(sa{sv})', (module('echo-1.0.0'), {})), None, 0, 10000, None)
        caller.close_sync(None)
        path = reply.unpack()[0]
        self.assertEqual(daemon.wait(path)['State'], 'succeeded')
        shown = daemon.properties(path, RELOAD)
        self.assertEqual((shown['State'], shown['Phase'], shown['Progress']), ('succeeded', 'done', 1.0))
        self.assertEqual(shown['Modules'], ['echo'])

    def test_in_process_serves_as_well(self):
        daemon = self.daemon()
        before = len(daemon.processes())
        daemon.load(example('calculator-1.0.0'), host='in-process')
        self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 1}), {'result': 2})
        self.assertEqual(daemon.info('calculator')['Host'], 'in-process')
        self.assertEqual(len(daemon.processes()), before)


# More than what is told at once.
MANY = ('asker-1.0.0', 'bad-json', 'bad-result', 'bigstate-1.0.0', 'burglar', 'clash', 'crash-call', 'exit-call', 'greedy',
        'leak', 'ledger-1.0.0', 'nodelete', 'textrel')
MANY_EXAMPLES = ('calculator-1.0.0', 'countdown', 'gallery', 'interview', 'text-tools')


class Batch(TestCase):
    def test_publishes_all(self):
        daemon = self.daemon()
        result = daemon.load_batch([module('echo-1.0.0'), example('calculator-1.0.0'), module('counter-1.0.0')])
        self.assertEqual(result['State'], 'succeeded')
        names = [row['Name'] for row in daemon.call('ListModules', '(a{sv})', {})]
        self.assertEqual(names, ['calculator', 'counter', 'echo'])
        self.assertEqual(daemon.mcp().value('echo', {'a': []}), {'a': []})
        self.assertEqual(daemon.mcp().value('count', {'by': 3}), {'count': 3})

    def test_of_many_is_told_to_everybody_as_well(self):
        daemon = self.daemon()
        news = []
        subscriptions = [
            daemon.connection.signal_subscribe(None, RELOAD, 'Finished', None, None, 0,
                                               lambda *signal: news.append(('Finished', signal[5].unpack()[0]))),
            daemon.connection.signal_subscribe(
                None, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', None, RELOAD, 0,
                lambda *signal: news.append(('State', signal[5].unpack()[1].get('State'))))]
        result = daemon.load_batch([module(name) for name in MANY] + [example(name) for name in MANY_EXAMPLES])
        self.assertEqual(len(result['Items']), len(MANY) + len(MANY_EXAMPLES))
        self.assertEqual({item['state'] for item in result['Items']}, {'succeeded'})

        def heard():
            GLib.MainContext.default().iteration(False)
            return ('Finished', True) in news

        wait_until(heard)
        for subscription in subscriptions:
            daemon.connection.signal_unsubscribe(subscription)
        self.assertEqual(news.count(('Finished', True)), 1)
        self.assertLess(news.index(('State', 'succeeded')), news.index(('Finished', True)))

    def test_publishes_none_if_one_is_refused_and_says_which(self):
        daemon = self.daemon()
        path = None

        def load():
            nonlocal path
            path = daemon.call('SafeLoadBatch', '(asa{sv})',
                               [module('echo-1.0.0'), module('crash-constructor'), module('counter-1.0.0')], {})
            daemon.wait(path)

        error = self.assertBusError('ProbeCrashed', load)
        self.assertIn('crash-constructor', error.message)
        self.assertEqual(daemon.call('ListModules', '(a{sv})', {}), [])
        self.assertEqual(daemon.mcp().tools(), [])

    def test_the_same_twice_is_refused(self):
        daemon = self.daemon()
        self.assertBusError('InvalidArgument', daemon.load_batch, [module('echo-1.0.0'), module('echo-1.0.0')])
        self.assertBusError('InvalidArgument', daemon.load_batch, [module('echo-1.0.0'), module('echo-2.0.0')])

    def test_a_clash_within_it_is_refused(self):
        daemon = self.daemon()
        self.assertBusError('NameClash', daemon.load_batch, [module('echo-1.0.0'), module('clash')])


# What a candidate does wrong, and the errors that say so.
REFUSED = {
    'abi-major': {'AbiMismatch'},
    'abi-minor': {'AbiMismatch'},
    'bad-schema': {'InvalidManifest', 'InvalidSchema'},
    'broken-manifest': {'InvalidManifest'},
    'crash-constructor': {'ProbeCrashed'},
    'crash-init': {'ProbeCrashed'},
    'crash-self-test': {'ProbeCrashed'},
    'exit-constructor': {'ProbeCrashed'},
    'fail-init': {'ValidationFailed'},
    'fail-self-test': {'SelfTestFailed', 'ValidationFailed'},
    'no-call': {'InvalidModule', 'AbiMismatch'},
    'no-manifest': {'InvalidManifest', 'InvalidModule'},
    'no-symbol': {'InvalidModule'},
    'short-struct': {'AbiMismatch', 'InvalidModule'},
    'undefined-symbol': {'InvalidModule', 'ValidationFailed'},
}


class Refusal(TestCase):
    """Each leaves the running version serving, nothing in the store, and a row in the history."""

    def refuse(self, daemon, path, names):
        store = files_of(daemon.data)
        with self.assertRaises(Exception) as caught:
            daemon.load(path)
        error = caught.exception
        self.assertIn(getattr(error, 'name', error), names, error)
        self.assertGreater(len(error.message), 20)
        wait_until(lambda: not [name for name in files_of(daemon.data)
                                if name.endswith('.so') and name not in store], what='a store without the refused')
        self.assertEqual(daemon.mcp().value('echo', {'still': 1}), {'still': 1})
        return error

    def echo_daemon(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        return daemon

    def test_of_every_module_that_misbehaves_when_loaded(self):
        daemon = self.echo_daemon()
        for fault, names in REFUSED.items():
            with self.subTest(fault):
                # As a new module and as the next version of one that runs.
                self.refuse(daemon, module(fault), names)
                self.refuse(daemon, module('echo-' + fault), names)
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        self.assertEqual([row['Name'] for row in daemon.call('ListModules', '(a{sv})', {})], ['echo'])
        failed = [row for row in daemon.history(limit=100) if row['State'] == 'failed']
        self.assertEqual(len(failed), 2 * len(REFUSED))
        self.assertTrue(all(row['ErrorName'] and row['ErrorMessage'] for row in failed))

    def test_of_a_module_that_hangs_when_loaded(self):
        self.refuse(self.echo_daemon(), module('echo-hang-constructor'), {'ProbeTimeout'})

    def test_says_why_in_the_modules_own_words(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        self.assertIn('always fails', self.refuse(daemon, module('fail-init'), {'ValidationFailed'}).message)

    def test_of_what_is_no_module(self):
        daemon = self.echo_daemon()
        good = module('echo-1.0.0')
        with open(good, 'rb') as file:
            image = file.read()
        other = bytearray(image)
        struct.pack_into('<H', other, 18, 243 if image[18:20] != struct.pack('<H', 243) else 62)
        cases = {
            'empty': (b'', {'InvalidModule'}),
            'text': (b'#!/bin/sh\necho no\n' * 100, {'InvalidModule'}),
            'half': (image[:len(image) // 2], {'InvalidModule'}),
            'head': (image[:40], {'InvalidModule'}),
            'machine': (bytes(other), {'InvalidModule'}),
            'class': (image[:4] + b'\1' + image[5:], {'InvalidModule'}),
        }
        for name, (content, names) in cases.items():
            with self.subTest(name):
                path = os.path.join(self.folder, name + '.so')
                with open(path, 'wb') as file:
                    file.write(content)
                self.refuse(daemon, path, names)

    def test_of_every_damaged_byte_of_the_head_leaves_the_daemon_alive(self):
        daemon = self.echo_daemon()
        with open(module('echo-1.0.0'), 'rb') as file:
            image = file.read()
        path = os.path.join(self.folder, 'damaged.so')
        for offset in (4, 5, 16, 20, 32, 40, 52, 54, 56, 58, 60, 62, 64, 72, 96, 120):
            with self.subTest(offset):
                damaged = bytearray(image)
                damaged[offset] ^= 0xff
                with open(path, 'wb') as file:
                    file.write(damaged)
                try:
                    daemon.load(path)
                except Exception as error:  # pylint: disable=broad-except
                    self.assertTrue(hasattr(error, 'name'), error)
                self.assertEqual(daemon.mcp().value('echo', {'x': offset}), {'x': offset})

    def test_of_what_is_not_there_or_not_a_file(self):
        daemon = self.echo_daemon()
        os.mkfifo(os.path.join(self.folder, 'pipe.so'))
        self.refuse(daemon, os.path.join(self.folder, 'absent.so'), {'ArtifactNotFound'})
        self.refuse(daemon, 'absent.so', {'ArtifactNotFound'})
        self.refuse(daemon, '../../../etc/passwd', {'ArtifactNotFound', 'InvalidArgument'})
        self.refuse(daemon, self.folder, {'ArtifactNotFound', 'InvalidModule', 'InvalidArgument'})
        self.refuse(daemon, os.path.join(self.folder, 'pipe.so'), {'ArtifactNotFound', 'InvalidModule'})

    def test_of_what_is_too_large(self):
        daemon = self.echo_daemon()
        path = os.path.join(self.folder, 'huge.so')
        shutil.copy(module('echo-1.0.0'), path)
        os.truncate(path, 8 << 30)
        self.refuse(daemon, path, {'ArtifactTooLarge'})

    def test_of_a_tool_name_that_another_module_has(self):
        daemon = self.echo_daemon()
        error = self.refuse(daemon, module('clash'), {'NameClash'})
        self.assertIn('echo', error.message)

    def test_of_an_unknown_option(self):
        daemon = self.daemon()
        error = self.assertBusError('InvalidArgument', daemon.load, module('echo-1.0.0'), nonsense=True)
        self.assertIn('nonsense', error.message)
        self.assertBusError('InvalidArgument', daemon.load, module('echo-1.0.0'), reason=7)


class Validate(TestCase):
    def test_reports_every_check_with_evidence_and_remedy(self):
        daemon = self.daemon()
        for fault in REFUSED:
            with self.subTest(fault):
                valid, _, checks = daemon.validate(module(fault))
                self.assertFalse(valid)
                failed = [check for check in checks.values() if check['outcome'] == 'failed']
                self.assertTrue(failed)
                for check in failed:
                    self.assertTrue(check['evidence'])
                    self.assertTrue(check['remedy'])

    def test_accepts_what_a_load_would_and_says_what_it_read(self):
        daemon = self.daemon()
        valid, facts, checks = daemon.validate(example('calculator-2.0.0'))
        self.assertTrue(valid, checks)
        self.assertEqual((facts['name'], facts['version']), ('calculator', '2.0.0'))
        self.assertEqual(facts['sha256'], sha256(example('calculator-2.0.0')))
        self.assertEqual((facts['stateful'], facts['state-format'], facts['verdict']), (True, 2, 'new'))
        self.assertIn('memory_add', facts['tools'])
        daemon.load(example('calculator-1.0.0'))
        self.assertEqual(daemon.validate(example('calculator-1.1.0'))[1]['verdict'], 'compatible')
        self.assertEqual(daemon.validate(example('calculator-1.0.0'))[1]['verdict'], 'identical')

    def test_warns_of_what_cannot_leave_memory(self):
        daemon = self.daemon()
        for name in ('nodelete', 'textrel'):
            with self.subTest(name):
                _, _, checks = daemon.validate(module(name))
                self.assertIn('warning', {check['outcome'] for check in checks.values()})

    def test_has_no_side_effects(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        before = files_of(daemon.data), daemon.history(), daemon.property('ToolsSerial')
        for name in ('echo-2.0.0', 'crash-constructor', 'clash'):
            daemon.validate(module(name))
        self.assertEqual((files_of(daemon.data), daemon.history(), daemon.property('ToolsSerial')), before)

    def test_of_what_is_not_there_is_an_error(self):
        self.assertBusError('ArtifactNotFound', self.daemon().validate, '/nowhere/absent.so')


if __name__ == '__main__':
    unittest.main()
