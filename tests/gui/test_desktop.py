# SPDX-License-Identifier: LGPL-2.1-or-later
"""The app among the other things of a desktop: files that are dragged and saved, notifications,
settings."""

import csv
import json
import os
import subprocess
import time
import unittest

import a11y
from collet_app import TITLE, AppCase, harness
from gi.repository import Gio, GLib

PATH = 'File, or name in the module path'
NOTIFICATIONS = """<node><interface name="org.freedesktop.Notifications">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
</interface></node>"""


class Files(AppCase):
    def test_a_module_is_dragged_onto_the_window(self):
        path = harness.example('calculator-1.0.0')
        self.start()
        self.see(name='No Modules')
        source = harness.Process([os.environ['COLLET_DRAG_SOURCE'], path])
        self.addCleanup(source.end)
        x, y = harness.wait_until(lambda: self.place('Files'), 10, 'the window that is dragged from')
        to_x, to_y = a11y.origin(TITLE)
        move = ['xdotool', 'mousemove', str(x + 60), str(y + 100), 'mousedown', '1']
        for step in range(1, 11):
            move += ['sleep', '0.05', 'mousemove', str(x + 60 + (to_x + 600 - x - 60) * step // 10),
                     str(y + 100 + (to_y + 500 - y - 100) * step // 10)]
        subprocess.run([*move, 'sleep', '0.3', 'mouseup', '1'], check=True)
        self.see(holds='It can be loaded')
        self.assertEqual(a11y.text(self.see('text', PATH)), path)

    @staticmethod
    def place(title):
        try:
            return a11y.origin(title)
        except ValueError:
            return None

    def has_place_to_type(self):
        return any(a11y.role_of(node) == 'text' and node.getState().contains(a11y.pyatspi.STATE_FOCUSED)
                   for node in a11y.walk(self.app))

    def export(self, item, name):
        a11y.click(self.see('push button', 'Export'), TITLE)
        self.press(item, 'menu item')
        path = os.path.join(self.folder, name)
        self.see(holds='Export History', timeout=30)
        harness.wait_until(self.has_place_to_type, what='the dialog')
        a11y.key('ctrl+a')
        subprocess.run(['xdotool', 'type', '--delay', '5', path], check=True)
        a11y.key('Return')
        self.see(holds='2 reloads were exported')
        with open(path, encoding='utf-8', newline='') as file:
            return file.read()

    def test_the_history_is_exported(self):
        self.start('calculator-1.0.0')
        self.daemon.reload('calculator', harness.example('calculator-1.1.0'), reason='=1+1, "quoted"')
        self.go('Reloads')
        self.see('table row', holds='Reload of calculator')
        rows = list(csv.DictReader(self.export('As CSV…', 'history.csv').splitlines()))
        self.assertEqual(len(rows), 2)
        self.assertIn('quoted', ' '.join(rows[0].values()))
        self.unsee(holds='2 reloads were exported', timeout=20)
        rows = json.loads(self.export('As JSON…', 'history.json'))
        self.assertEqual([row['id'] for row in rows], [row['Id'] for row in self.daemon.history()])


class Notified(AppCase):
    def setUp(self):
        super().setUp()
        self.told = []
        self.server = self.bus.connect()
        info = Gio.DBusNodeInfo.new_for_xml(NOTIFICATIONS).interfaces[0]
        self.server.register_object('/org/freedesktop/Notifications', info, self.on_call, None, None)
        self.server.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'RequestName',
                              GLib.Variant('(su)', ('org.freedesktop.Notifications', 4)), None, 0, 5000, None)
        self.addCleanup(self.server.close_sync, None)

    def on_call(self, _connection, _sender, _path, _interface, method, parameters, invocation):
        if method == 'Notify':
            self.told.append(parameters.unpack()[3:5])
            invocation.return_value(GLib.Variant('(u)', (len(self.told),)))
        elif method == 'GetCapabilities':
            invocation.return_value(GLib.Variant('(as)', (['body'],)))
        elif method == 'GetServerInformation':
            invocation.return_value(GLib.Variant('(ssss)', ('test', 'test', '1', '1.2')))
        else:
            invocation.return_value(None)

    def was_told(self):
        while GLib.MainContext.default().iteration(False):
            pass
        return self.told

    def test_of_what_fails_while_nobody_looks(self):
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version')
        smoke = '[{"tool":"add","arguments":{"a":1,"b":1},"result":{"structuredContent":{"result":3}}}]'
        with self.assertRaises(harness.BusError):
            self.daemon.reload('calculator', harness.example('calculator-1.1.0'), smoke_tests=smoke)
        time.sleep(1)
        self.assertEqual(self.was_told(), [], 'the window is in front')
        subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', f'^{TITLE}$', 'windowminimize', '%@'],
                       check=False)
        time.sleep(1)
        with self.assertRaises(harness.BusError):
            self.daemon.reload('calculator', harness.example('calculator-1.1.0'), smoke_tests=smoke)
        harness.wait_until(self.was_told, 10, 'a notification')
        self.assertIn('calculator', ' '.join(self.told[0]))
        # It leads to what it tells of.
        self.server.emit_signal(None, '/org/freedesktop/Notifications', 'org.freedesktop.Notifications', 'ActionInvoked',
                                GLib.Variant('(us)', (len(self.told), 'default')))
        self.see(name='What Went Wrong')
        self.see('list item', 'SmokeTestFailed')


class Preferences(AppCase):
    def test_are_there_and_hold(self):
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version')
        a11y.key('ctrl+comma')
        for name in ('Bus', 'Colours'):
            self.see(name=name)
        for name in ('Failed reloads, and the daemon going away', 'Updates of tools'):
            self.see(name=name)
        a11y.key('Escape')
        self.unsee(name='Colours')
        # The about window and the shortcuts are where a desktop has them.
        a11y.key('F10')
        self.press('About Collet', 'menu item')
        self.see(name='The Collet authors')


if __name__ == '__main__':
    unittest.main()
