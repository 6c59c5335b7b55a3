# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method of the contract, called blindly: it answers, soon, by
a result or by an error of ours; and what ran goes on."""

import os
import unittest

from collet_harness import MANAGER, NAME, RELOAD, ROOT, BusError, TestCase, module, variants

from gi.repository import Gio, GLib

LIMIT_MS = 5000
OURS = 'org.collet.'
WRONG_TYPE = GLib.Variant('(iii)', (1, 2, 3))


def zero(signature, text):
    """A value of that type with as little in it as can be."""
    simple = {'s': text, 'o': '/', 'g': '', 'b': False, 'd': 0.0, 'v': GLib.Variant('s', '')}
    if signature in simple:
        return GLib.Variant(signature, simple[signature])
    if signature == 'h':
        return GLib.Variant.new_handle(0)
    if signature[0] == 'a':
        return GLib.Variant.new_array(GLib.VariantType(signature[1:]), [])
    if signature in 'ynqiuxt':
        return GLib.Variant(signature, 0)
    raise ValueError(signature)


class Contract(TestCase):
    def setUp(self):
        super().setUp()
        self.served = self.daemon()
        self.served.load(module('echo-1.0.0'))
        self.reload = self.served.begin_load(module('counter-1.0.0'))
        self.served.wait(self.reload)
        objects = self.served.objects()
        self.paths = [ROOT] + sorted(objects)

    def interfaces(self, path):
        text = self.served.call('Introspect', path=path, interface='org.freedesktop.DBus.Introspectable')
        return [found for found in Gio.DBusNodeInfo.new_for_xml(text).interfaces if found.name.startswith(OURS)]

    def methods(self):
        """path, interface, method for each; the same method on two objects once."""
        seen = set()
        for path in self.paths:
            for interface in self.interfaces(path):
                for method in interface.methods:
                    if (interface.name, method.name) not in seen:
                        seen.add((interface.name, method.name))
                        yield path, interface.name, method

    def call(self, path, interface, method, values):
        """The name of the error, or None."""
        with open(os.devnull, 'rb') as file:
            fds = Gio.UnixFDList.new()
            fds.append(file.fileno())
            try:
                self.served.connection.call_with_unix_fd_list_sync(
                    NAME, path, interface, method.name, GLib.Variant.new_tuple(*values), None,
                    Gio.DBusCallFlags.NONE, LIMIT_MS, fds, None)
            except GLib.Error as error:
                return BusError(error)
        return None

    def assertServes(self):
        self.assertEqual(self.served.tool_value('echo', {'x': 1}), {'x': 1})

    def test_every_method_answers_by_name(self):
        texts = ('', 'echo', '/', '../../etc/passwd', 'x' * 100000)
        called = 0
        for path, interface, method in self.methods():
            for text in texts:
                if interface == MANAGER and (method.name == 'InitiateShutdown' or text == 'echo' and
                                             method.name in ('UnloadModule', 'DrainModule')):
                    continue  # would work
                with self.subTest(f'{interface}.{method.name}', text=text[:20]):
                    values = [zero(argument.signature, text) for argument in method.in_args]
                    error = self.call(path, interface, method, values)
                    called += 1
                    if error is not None:
                        # harness strips the prefix of ours only
                        self.assertNotIn('.', error.name, str(error)[:300])
                        self.assertGreater(len(error.message), 15)
                        self.assertLess(len(error.message), 20000)
                    self.assertNotIn(error and error.name, ('NotSupported', 'Failed'))
        self.assertGreater(called, 100)
        self.assertServes()

    def test_every_option_of_another_type_is_refused(self):
        for path, interface, method in self.methods():
            annotation = next((found.value for found in method.annotations or []
                               if found.key == 'org.collet.Options'), '')
            for option in [entry.partition('=')[0] for entry in annotation.split()] + ['no-such-option']:
                with self.subTest(f'{method.name} {option}'):
                    values = [GLib.Variant('a{sv}', {option: WRONG_TYPE}) if argument.signature == 'a{sv}'
                              else zero(argument.signature, 'echo') for argument in method.in_args]
                    if not any(argument.signature == 'a{sv}' for argument in method.in_args):
                        continue
                    error = self.call(path, interface, method, values)
                    self.assertEqual(error and error.name, 'InvalidArgument', error)
                    self.assertIn(option, error.message)
        self.assertServes()

    def test_arguments_of_another_type_are_refused_by_the_bus(self):
        for path, interface, method in self.methods():
            with self.subTest(method.name):
                error = self.call(path, interface, method, [WRONG_TYPE])
                self.assertIn(error and error.name, ('org.freedesktop.DBus.Error.InvalidArgs',))
        self.assertServes()

    def test_texts_have_a_limit(self):
        """What would be kept for ever in the history or in a list."""
        long = 'x' * (1 << 20)
        echo = module('echo-2.0.0')
        for what, attempt in {
                'reason': lambda: self.served.load(echo, reason=long),
                'module': lambda: self.served.load('/' + long),
                'batch': lambda: self.served.load_batch(['/' + long]),
                'name': lambda: self.served.reload(long),
                'rollback': lambda: self.served.rollback(long),
                'version': lambda: self.served.rollback('echo', long),
                'option': lambda: self.served.load(echo, **{long: 1}),
                'unload': lambda: self.served.unload(long),
                'title': lambda: self.served.call('RegisterTool', '(sssa{sv})', 'parrot', 'echo', 'echo',
                                                  variants({'title': long})),
                'tool': lambda: self.served.call('RegisterTool', '(sssa{sv})', long, 'echo', 'echo', {}),
        }.items():
            with self.subTest(what), self.assertRaises(BusError) as caught:
                attempt()
            self.assertNotIn(caught.exception.name, ('', 'Failed'))
            self.assertLess(len(caught.exception.message), 20000, what)
        self.assertLess(os.path.getsize(os.path.join(self.served.data, 'collet.db-wal')) +
                        os.path.getsize(os.path.join(self.served.data, 'collet.db')), 4 << 20)
        self.assertServes()


if __name__ == '__main__':
    unittest.main()
