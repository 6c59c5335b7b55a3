# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tools that are registered by hand."""

import unittest

from collet_harness import BusError, TestCase, example, module, variants, wait_until

class Tools(TestCase):
    def echo(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        return daemon

    def register(self, daemon, name, owner='echo', tool='echo', **metadata):
        return daemon.call('RegisterTool', '(sssa{sv})', name, owner, tool, variants(metadata))

    def names(self, daemon):
        listed = [row['Name'] for row in daemon.call('ListTools', '(a{sv})', {})]
        self.assertEqual(listed, [tool['name'] for tool in daemon.mcp().tools()])
        return listed

    def test_one_that_is_served_can_be_adopted_once(self):
        daemon = self.echo()
        path = self.register(daemon, 'echo', title='Mine', description='Says it again')
        self.assertEqual(daemon.properties(path, 'org.collet.Collet1.Tool')['Title'], 'Mine')
        listed = daemon.mcp().tools()[0]
        self.assertEqual((listed['title'], listed['description']), ('Mine', 'Says it again'))
        self.assertBusError('AlreadyRegistered', self.register, daemon, 'echo')

    def test_one_can_have_another_name_as_well(self):
        daemon = self.echo()
        self.register(daemon, 'say.again')
        self.assertEqual(self.names(daemon), ['echo', 'say.again'])
        self.assertEqual(daemon.mcp().value('say.again', {'x': 1}), {'x': 1})
        self.assertEqual(daemon.call('GetTool', '(s)', 'say.again')['ModuleTool'], 'echo')

    def test_what_is_wrong_has_a_name(self):
        daemon = self.echo()
        daemon.load(module('counter-1.0.0'))
        self.assertBusError('ModuleNotLoaded', self.register, daemon, 'x', 'absent')
        self.assertBusError('NotFound', self.register, daemon, 'x', 'echo', 'absent')
        self.assertBusError('InvalidArgument', self.register, daemon, 'no spaces')
        self.assertBusError('InvalidArgument', self.register, daemon, 'n' * 129)
        self.assertBusError('AlreadyRegistered', self.register, daemon, 'count', 'echo', 'echo')
        self.assertBusError('NotFound', daemon.call, 'GetTool', '(s)', 'absent')
        self.assertBusError('NotFound', daemon.call, 'UnregisterTool', '(s)', 'absent')
        self.assertEqual(self.names(daemon), ['count', 'count_get', 'echo'])

    def test_unregistered_is_not_served(self):
        daemon = self.echo()
        daemon.call('UnregisterTool', '(s)', 'echo')
        self.assertEqual(self.names(daemon), [])
        self.assertBusError('ToolNotFound', daemon.call_tool, 'echo')

    def test_survive_a_restart_and_a_reload(self):
        daemon = self.echo()
        self.register(daemon, 'again', title='Again')
        daemon.restart()
        self.assertEqual(self.names(daemon), ['again', 'echo'])
        daemon.reload('echo', module('echo-2.0.0'))
        self.assertEqual(self.names(daemon), ['again', 'echo'])
        self.assertEqual(daemon.call('GetTool', '(s)', 'again')['SemanticVersion'], '2.0.0')
        self.assertEqual(daemon.mcp().tools()[0]['title'], 'Again')

    def test_version_is_that_of_what_is_published(self):
        daemon = self.echo()
        version = daemon.version('echo')
        changed, sequence = daemon.call('UpdateToolVersion', '(ss)', 'echo', version)
        self.assertFalse(changed)
        # The same by a prefix and by MD5.
        for selector in (version[:8], daemon.call('GetModuleMd5', '(s)', 'echo')):
            self.assertEqual(daemon.call('UpdateToolVersion', '(ss)', 'echo', selector), (False, sequence))
        self.assertBusError('VersionMismatch', daemon.call, 'UpdateToolVersion', '(ss)', 'echo', 'f' * 64)
        self.assertBusError('NotFound', daemon.call, 'UpdateToolVersion', '(ss)', 'absent', version)

    def test_list_is_sorted_and_stable_to_the_byte(self):
        daemon = self.daemon()
        daemon.load(example('calculator-1.0.0'))
        daemon.load(module('echo-1.0.0'))
        client = daemon.mcp()
        first = client.rpc('tools/list', identity=1).body
        names = [tool['name'] for tool in client.tools()]
        self.assertEqual(names, sorted(names))
        self.assertEqual(daemon.mcp().rpc('tools/list', identity=1).body, first)
        daemon.restart()
        self.assertEqual(daemon.mcp().rpc('tools/list', identity=1).body, first)


class Contract(TestCase):
    def test_no_property_can_be_written(self):
        daemon = self.daemon()
        from gi.repository import GLib
        with self.assertRaises(BusError):
            daemon.call('Set', '(ssv)', 'org.collet.Collet1.Manager', 'Version', GLib.Variant('s', 'mine'),
                        path='/org/collet/Collet1', interface='org.freedesktop.DBus.Properties')

    def test_counts_what_there_is_and_what_was_done(self):
        daemon = self.daemon()
        daemon.load(example('text-tools'))
        wait_until(lambda: daemon.property('Counts')['reloads'] == 1, what='the load among the counts')
        counts = daemon.property('Counts')
        self.assertEqual((counts['modules'], counts['tools']), (1, len(daemon.mcp().tools())))
        daemon.unload('text-tools')
        wait_until(lambda: daemon.property('Counts')['reloads'] == 2, what='its end among the counts')
        self.assertEqual(daemon.property('Counts')['modules'], 0)

    def test_says_who_and_where_it_is(self):
        daemon = self.daemon()
        self.assertEqual(daemon.property('Pid'), daemon.process.pid)
        self.assertEqual(daemon.property('DataFolder'), daemon.data)
        self.assertEqual(daemon.property('State'), 'running')
        self.assertEqual(daemon.property('Warnings'), [])
        self.assertIn(f'http://127.0.0.1:{daemon.port}/mcp', daemon.property('McpAddresses'))


if __name__ == '__main__':
    unittest.main()
