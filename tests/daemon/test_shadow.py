# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recorded calls, asked again of a prepared version."""

import json
import os
import subprocess
import unittest

from collet_harness import BusError, TestCase, example, module, variants

ON = ('--set', 'shadow.calls=50')


class Shadow(TestCase):
    def calculator(self, *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(example('calculator-1.0.0'))
        return daemon

    def check(self, daemon, name, version, **options):
        return daemon.call('ShadowCheck', '(ssa{sv})', name, version, variants(options))

    def test_same_answers_are_equal(self):
        daemon = self.calculator(*ON)
        client = daemon.mcp()
        for n in range(10):
            client.value('add', {'a': n, 'b': 1})
        daemon.tool_value('multiply', {'a': 6, 'b': 7})  # by the bus as well
        path, version = daemon.prepare('calculator', example('calculator-1.1.0'))
        self.assertEqual(self.check(daemon, 'calculator', version), (True, []))
        self.assertEqual(self.check(daemon, 'calculator', version, tool='multiply', limit=5), (True, []))
        daemon.commit('calculator', version)
        detail = daemon.sql("SELECT json_extract (detail, '$.items[0].shadow.calls') AS calls,"
                            " json_extract (detail, '$.items[0].shadow.differences') AS differences"
                            ' FROM reload_end ORDER BY reload DESC LIMIT 1')[0]
        self.assertEqual(detail, {'calls': 1, 'differences': 0})
        self.assertTrue(path)

    def test_other_answers_are_shown_before_the_commit(self):
        daemon = self.daemon(*ON)
        daemon.load(module('reader-1.0.0'))
        daemon.mcp().value('read', {'x': 1})
        daemon.mcp().value('read', {'x': 2})
        _, version = daemon.prepare('reader', module('reader-2.0.0'))
        equal, rows = self.check(daemon, 'reader', version)
        self.assertFalse(equal)
        self.assertEqual([(row['tool'], json.loads(row['arguments'])) for row in rows],
                         [('read', {'x': 1}), ('read', {'x': 2})])
        self.assertEqual(json.loads(rows[0]['old'])['structuredContent'], {'x': 1})
        self.assertEqual(json.loads(rows[0]['new'])['structuredContent'], {'version': '2.0.0'})
        self.assertEqual(len(self.check(daemon, 'reader', version, limit=1)[1]), 1)
        self.assertEqual(daemon.mcp().value('read', {'x': 3}), {'x': 3})
        daemon.abort('reader', version)

    def test_only_read_only_tools_are_asked(self):
        daemon = self.calculator(*ON)
        daemon.tool_value('memory_add', {'value': 5})
        _, version = daemon.prepare('calculator', example('calculator-1.1.0'))
        self.assertBusError('NotFound', self.check, daemon, 'calculator', version)
        daemon.abort('calculator', version)
        # The same name, but the new version does not say that it only reads.
        daemon.load(module('reader-1.0.0'))
        daemon.tool_value('read', {'x': 1})
        _, version = daemon.prepare('reader', module('reader-writes'), allow_breaking=True)
        equal, rows = self.check(daemon, 'reader', version)
        self.assertFalse(equal)
        self.assertIn('readOnlyHint', json.loads(rows[0]['new'])['error']['message'])

    def test_secrets_are_neither_kept_nor_compared(self):
        daemon = self.daemon(*ON, '--set', 'shadow.redact=version;secret')
        daemon.load(module('reader-2.0.0'))
        daemon.tool_value('read', {'Secret': 'x'})
        _, version = daemon.prepare('reader', module('reader-3.0.0'))
        self.assertBusError('NotFound', self.check, daemon, 'reader', version)
        daemon.tool_value('read', {'x': 1})  # the version in the answer differs, and is redacted
        self.assertEqual(self.check(daemon, 'reader', version), (True, []))

    def test_what_cannot_be_is_told(self):
        daemon = self.calculator()
        daemon.tool_value('add', {'a': 1, 'b': 2})
        self.assertBusError('NotPrepared', self.check, daemon, 'calculator', 'f' * 64)
        _, version = daemon.prepare('calculator', example('calculator-1.1.0'))
        self.assertBusError('NotSupported', self.check, daemon, 'calculator', version)
        self.assertBusError('VersionMismatch', self.check, daemon, 'calculator', 'f' * 64)

    def test_crash_is_the_end_of_the_check_and_of_the_prepare(self):
        daemon = self.daemon(*ON)
        daemon.load(module('reader-1.0.0'))
        for n in range(3):
            daemon.tool_value('read', {'x': n})
        path, version = daemon.prepare('reader', module('reader-crash'))
        with self.assertRaises(BusError) as caught:
            self.check(daemon, 'reader', version)
        self.assertIn(caught.exception.name, ('NotPrepared', 'WorkerCrashed'))
        self.assertBusError('WorkerCrashed', daemon.wait, path)
        self.assertEqual(daemon.tool_value('read', {'x': 1}), {'x': 1})

    def test_from_the_command_line(self):
        daemon = self.daemon(*ON)
        daemon.load(module('reader-1.0.0'))
        daemon.tool_value('read', {'x': 1})
        environment = {'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}

        def ctl(*arguments):
            return subprocess.run([os.environ['COLLETCTL'], *arguments], env=environment, check=False, timeout=30,
                                  capture_output=True, text=True)

        self.assertIn('NotPrepared', ctl('shadow', 'reader').stderr)
        _, version = daemon.prepare('reader', module('reader-2.0.0'))
        shown = ctl('shadow', 'reader')
        self.assertEqual((shown.returncode, '1 recorded call is answered otherwise' in shown.stdout), (1, True), shown)
        self.assertFalse(json.loads(ctl('--json', 'shadow', 'reader', version).stdout)['shadow']['equal'])
        daemon.abort('reader', version)
        daemon.prepare('reader', module('reader-1.0.0'))
        shown = ctl('shadow', 'reader', '--limit=5', '--tool=read')
        self.assertEqual((shown.returncode, shown.stdout), (0, 'Every recorded call is answered as before.\n'), shown)


if __name__ == '__main__':
    unittest.main()
