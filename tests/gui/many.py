# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon of a large cluster, for programs that show one: many.py XML [--modules N]
[--nodes N] [--updates N] [--deny WHAT]

Owns the bus name on the session bus. Every tenth module differs on two nodes. --updates: changes of
the matrix a second, in ten signals. --deny looking, --deny changing: what the caller
may not do. Prints "ready"; a line "gap" on its input makes
it leave one signal out.
"""

import argparse
import hashlib
import sys

from gi.repository import Gio, GLib

NAME = 'org.collet.Collet1'
ROOT = '/org/collet/Collet1'
MANAGER = f'{NAME}.Manager'
NOT_SUPPORTED = f'{NAME}.Error.NotSupported'
NOT_AUTHORIZED = f'{NAME}.Error.NotAuthorized'
ANSWERED_WITH_NO_ROWS = ('GetReloadHistory', 'ListVersions', 'ListSubscriptions')
OBJECT_MANAGER = """<node><interface name="org.freedesktop.DBus.ObjectManager">
<method name="GetManagedObjects"><arg type="a{oa{sa{sv}}}" direction="out"/></method>
<signal name="InterfacesAdded"><arg type="o"/><arg type="a{sa{sv}}"/></signal>
<signal name="InterfacesRemoved"><arg type="o"/><arg type="as"/></signal></interface></node>"""
IN_LINE, LAGGING, FAILED = 1, 2, 3
V = GLib.Variant


def path_of(folder, name):
    return f'{ROOT}/{folder}/' + ''.join(c if c.isascii() and c.isalnum() else f'_{ord(c):02x}' for c in name)


class Cluster:
    def __init__(self, xml, options):
        self.options = options
        self.serial = 1
        self.turn = 0
        self.skip = False
        self.nodes = [f'node-{number:02}' for number in range(1, options.nodes + 1)]
        self.modules = [f'module-{number:03}' for number in range(1, options.modules + 1)]
        self.versions = [''] + [hashlib.sha256(str(number).encode()).hexdigest() for number in range(8)]
        self.rows = {name: [[1 + number % 7, IN_LINE] for _ in self.nodes] for number, name in enumerate(self.modules)}
        self.agreed = {name: 1 + number % 7 for number, name in enumerate(self.modules)}
        for number, name in enumerate(self.modules):
            if number % 10 == 0:
                self.rows[name][number % len(self.nodes)] = [8, LAGGING]
                self.rows[name][(number + 13) % len(self.nodes)] = [0, FAILED]
        self.connection = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        with open(xml, encoding='utf-8') as file:
            manager = Gio.DBusNodeInfo.new_for_xml(file.read()).lookup_interface(MANAGER)
        objects = Gio.DBusNodeInfo.new_for_xml(OBJECT_MANAGER).interfaces[0]
        self.connection.register_object(ROOT, manager, self.on_call, self.on_get, None)
        self.connection.register_object(ROOT, objects, self.on_call, None, None)
        Gio.bus_own_name_on_connection(self.connection, NAME, Gio.BusNameOwnerFlags.NONE, self.on_name, None)
        if options.updates:
            GLib.timeout_add(100, self.change)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN, self.on_input)

    def on_name(self, *_):
        print('ready', flush=True)

    def on_input(self, *_):
        self.skip = sys.stdin.readline().strip() == 'gap'
        return True

    def properties(self):
        return {'Version': V('s', '0.1.0'), 'NodeName': V('s', self.nodes[0]), 'ClusterName': V('s', 'large'),
                'ClusterState': V('s', 'joined'), 'State': V('s', 'running'), 'Warnings': V('as', []),
                'McpAddresses': V('as', []), 'ModulePath': V('as', []), 'DataFolder': V('s', '/nowhere'),
                'StartedAt': V('x', GLib.get_real_time()), 'Pid': V('u', 1), 'ToolsSerial': V('t', 1),
                'UpdateSequence': V('t', 1), 'Counts': V('a{st}', {'modules': len(self.modules)})}

    def on_get(self, _connection, _sender, _path, _interface, name):
        return self.properties()[name]

    def module(self, number, name):
        return {'Name': V('s', name), 'Description': V('s', f'Module number {number}'), 'State': V('s', 'running'),
                'Version': V('s', self.versions[self.agreed[name]]), 'SemanticVersion': V('s', f'1.{number % 7}.0'),
                'Tools': V('as', [f'tool-{number:03}']), 'Verdict': V('s', 'ok'), 'Host': V('s', 'worker'),
                'Calls': V('t', number * 7), 'Reload': V('o', '/')}

    def objects(self):
        found = {}
        for number, name in enumerate(self.modules):
            found[path_of('modules', name)] = {f'{NAME}.Module': self.module(number, name)}
            found[path_of('tools', f'tool-{number:03}')] = {f'{NAME}.Tool': {
                'Name': V('s', f'tool-{number:03}'), 'Module': V('s', name), 'Description': V('s', f'Does number {number}'),
                'InputSchema': V('s', '{"type":"object"}'), 'SemanticVersion': V('s', f'1.{number % 7}.0'),
                'Version': V('s', self.versions[self.agreed[name]]), 'Calls': V('t', number * 7)}}
        for number, name in enumerate(self.nodes):
            found[path_of('nodes', name)] = {f'{NAME}.Node': {
                'Name': V('s', name), 'Self': V('b', number == 0), 'State': V('s', 'live' if number != 7 else 'down'),
                'Message': V('s', '' if number != 7 else 'It was not reached; look at its daemon.'),
                'DaemonVersion': V('s', '0.1.0'), 'LastSeen': V('x', GLib.get_real_time()),
                'Url': V('s', f'https://{name}:7312'), 'Counts': V('a{st}', {'modules': len(self.modules),
                                                                              'in-line': len(self.modules)})}}
        return found

    def on_call(self, _connection, _sender, _path, _interface, method, _parameters, invocation):
        is_change = method not in ('GetManagedObjects', 'GetMatrix', *ANSWERED_WITH_NO_ROWS)
        if self.options.deny == 'changing' and is_change or self.options.deny == 'looking':
            invocation.return_dbus_error(NOT_AUTHORIZED, 'You may not do that. Ask an administrator.')
        elif method == 'GetManagedObjects':
            invocation.return_value(V('(a{oa{sa{sv}}})', (self.objects(),)))
        elif method == 'GetMatrix':
            rows = [(name, self.agreed[name], 1, [tuple(cell) for cell in self.rows[name]]) for name in self.modules]
            invocation.return_value(V('(tasasa(suta(uy)))', (self.serial, self.nodes, self.versions, rows)))
        elif method in ANSWERED_WITH_NO_ROWS:
            invocation.return_value(V('(aa{sv})', ([],)))
        else:
            invocation.return_dbus_error(NOT_SUPPORTED, f'{method} is not offered here. Use another daemon.')

    def change(self):
        """A tenth of a second's changes, one signal."""
        deltas = []
        for _ in range(max(1, self.options.updates // 10)):
            self.turn += 1
            name = self.modules[self.turn * 7 % len(self.modules)]
            node = self.turn * 11 % len(self.nodes)
            cell = self.rows[name][node]
            cell[:] = [self.agreed[name], IN_LINE] if cell[1] != IN_LINE else [8, LAGGING]
            deltas.append((name, self.nodes[node], self.versions[cell[0]], 1, cell[1]))
        self.serial += 1
        if not self.skip:
            self.connection.emit_signal(None, ROOT, MANAGER, 'MatrixChanged', V('(ta(sssty))', (self.serial, deltas)))
        self.skip = False
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('xml')
    parser.add_argument('--modules', type=int, default=500)
    parser.add_argument('--nodes', type=int, default=50)
    parser.add_argument('--updates', type=int, default=0)
    parser.add_argument('--deny', choices=('looking', 'changing'))
    options = parser.parse_args()
    cluster = Cluster(options.xml, options)
    loop = GLib.MainLoop()
    cluster.connection.connect('closed', lambda *_: loop.quit())
    loop.run()


main()
