# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real app, driven through accessibility, against a real daemon."""

import os
import shutil
import time
import unittest

import a11y
import pyatspi
from collet_app import AppCase, harness

PATH = 'File, or name in the module path'


class Reloading(AppCase):
    def load(self, path):
        self.type_in(PATH, path)
        self.press('Check Only')

    def test_from_a_file_to_a_version_and_back(self):
        old, new = (harness.example(f'calculator-{version}') for version in ('1.0.0', '2.0.0'))
        self.start()
        self.see(name='No Modules')
        self.press('Load Module')
        self.load(old)
        self.see(holds='It can be loaded')
        self.press('Load')
        self.see(name='Succeeded')
        first = self.daemon.version('calculator')

        # Another version, reviewed first.
        self.go('Overview')
        self.open_row(f'calculator, version 1.0.0 ({first[:12]})')
        self.press('Reload…')
        self.load(new)
        self.see(holds='Compatible; ')
        self.type_in('Reason, for the history', 'newer is better')
        self.press('Reload')

        # The phases, and what came of it.
        for phase in ('Check', 'Prepare', 'Commit', 'Drain', 'Done'):
            self.see('label', phase)
        self.see(name='Succeeded')
        self.see(name='newer is better')
        second = self.daemon.version('calculator')
        self.assertNotEqual(second, first)

        # The history has it; a row leads to the record.
        self.go('Reloads')
        self.open_row('Reload of calculator, 1.0.0 → 2.0.0, Succeeded')
        self.see(name='newer is better')

        # Back to the version that was before, with a reason.
        self.go('Overview')
        self.open_row(f'calculator, version 2.0.0 ({second[:12]})')
        a11y.press(self.see('push button', holds=f'Roll back to 1.0.0 ({first[:12]})'))
        # What that would do is said before: the versions, and what clients lose.
        self.see('label', f'2.0.0 ({second[:12]}) → 1.0.0 ({first[:12]})')
        self.see('label', holds='Taken back from clients:')
        self.type_in('Reason', 'older was better')
        self.press('Roll Back')
        self.see(name='older was better')
        harness.wait_until(lambda: self.daemon.version('calculator') == first, what='the old version')
        self.go('Reloads')
        self.see('table row', holds='Rollback of calculator')

    def test_undo_by_key(self):
        self.start('calculator-1.0.0')
        first = self.daemon.version('calculator')
        self.open_row('calculator, version 1.0.0')
        self.press('Reload…')
        self.load(harness.example('calculator-1.1.0'))
        self.see(holds='It can be loaded')
        self.press('Reload')
        self.see(holds='Reload of calculator succeeded')
        self.assertNotEqual(self.daemon.version('calculator'), first)
        a11y.key('ctrl+z')
        harness.wait_until(lambda: self.daemon.version('calculator') == first, what='the undone version')

    def test_a_drain_is_taken_back(self):
        self.start('calculator-1.0.0')
        self.open_row('calculator, version 1.0.0')
        self.press('Drain…')
        self.press('Drain')
        self.see(holds='Drain of calculator succeeded')
        state = lambda: next(row['State'] for row in self.daemon.call('ListModules', '(a{sv})', {}))
        self.assertEqual(state(), 'drained')
        self.press('Undo')
        harness.wait_until(lambda: state() == 'running', what='calls to be taken again')
        self.see(holds='Resume of calculator succeeded')

    def test_two_phases_by_hand(self):
        self.start('calculator-1.0.0')
        first = self.daemon.version('calculator')
        path, second = self.daemon.call('PrepareReload', '(sa{sv})', 'calculator',
                                        harness.variants({'artifact': harness.example('calculator-2.0.0')}))
        self.go('Reloads')
        self.open_row('Reload of calculator')
        self.see(name='Prepared, waits for commit')
        self.see('list item', 'Given up at')
        self.assertEqual(self.daemon.version('calculator'), first)
        self.press('Commit')
        self.see(name='Succeeded')
        self.assertEqual(self.daemon.version('calculator'), second)

    def test_a_prepared_version_is_given_up(self):
        self.start('calculator-1.0.0')
        first = self.daemon.version('calculator')
        self.open_row('calculator, version 1.0.0')
        self.daemon.call('PrepareReload', '(sa{sv})', 'calculator',
                         harness.variants({'artifact': harness.example('calculator-2.0.0')}))
        self.see(name='A Reload Is Under Way')
        a11y.click(self.see('list item', 'Watch it'), 'Collet')
        self.press('Abort')
        self.see(name='Cancelled')
        self.assertEqual(self.daemon.version('calculator'), first)

    def test_a_module_that_is_being_changed_offers_to_watch(self):
        self.start('calculator-1.0.0')
        self.daemon.call('PrepareReload', '(sa{sv})', 'calculator',
                         harness.variants({'artifact': harness.example('calculator-2.0.0')}))
        self.open_row('calculator, version 1.0.0')
        self.press('Unload…')
        self.press('Unload')
        self.see(holds='calculator is being changed already')
        self.press('Watch')
        self.see(name='Prepared, waits for commit')

    def test_what_is_refused_says_why_and_changes_nothing(self):
        self.start('calculator-1.0.0')
        bad = os.path.join(self.folder, 'not-a-module.so')
        with open(bad, 'w', encoding='utf-8') as file:
            file.write('text')
        self.press('Load Module')
        self.load(bad)
        self.see(holds='It is refused; nothing was changed')
        self.see(name='Why It Is Refused')
        self.see('list item', holds='elf-format')
        self.assertFalse(a11y.is_sensitive(self.see('push button', 'Load')))
        self.load(os.path.join(self.folder, 'absent.so'))
        self.see(holds='It could not be checked')
        # What was typed in is still there.
        self.assertEqual(a11y.text(self.see('text', PATH)), os.path.join(self.folder, 'absent.so'))
        self.assertEqual(len(self.daemon.history()), 1)

    def test_a_breaking_change_has_to_be_accepted(self):
        self.start()
        self.see(name='No Modules')
        self.daemon.load(harness.module('weather-1.0.0'))
        first = self.daemon.version('weather')
        self.open_row('weather, version')
        self.press('Reload…')
        self.load(harness.module('weather-2.0.0'))
        self.see(holds='It breaks callers; that has to be accepted below')
        # What breaks is listed; nothing can be pressed before that is accepted.
        self.see('list item', holds='tool "')
        self.assertFalse(a11y.is_sensitive(self.see('push button', 'Reload')))
        accept = self.see('check box', 'Accept a breaking change')
        self.assertEqual(accept.name, 'Accept a breaking change')
        a11y.press(accept)
        self.press('Reload')
        self.see(holds='Reload of weather succeeded')
        self.assertNotEqual(self.daemon.version('weather'), first)
        # Calls as before are taken for a while, which the page says.
        self.go('Overview')
        self.open_row('weather, version 2.0.0')
        self.see('label', holds=f'{first[:12]} until ')

    def test_a_module_that_is_another_one_is_refused(self):
        self.start('calculator-1.0.0')
        self.open_row('calculator, version 1.0.0')
        self.press('Reload…')
        self.load(harness.example('text-tools'))
        self.see(holds='The file is a module “text-tools”, not “calculator”.')
        self.assertFalse(a11y.is_sensitive(self.see('push button', 'Load')))

    def test_a_reload_from_elsewhere_is_seen(self):
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version 1.0.0')
        self.daemon.reload('calculator', harness.example('calculator-1.1.0'))
        self.see('table row', holds='calculator, version 1.1.0')
        self.go('Activity')
        self.see('table row', holds='Reload of calculator succeeded')
        self.see('table row', holds='Tool add is now at version')

    def test_what_became_of_a_build_is_told(self):
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version 1.0.0')
        builds = os.path.join(self.folder, 'builds')
        os.mkdir(builds)
        self.daemon.call('WatchFolder', '(sa{sv})', builds, {})
        shutil.copy(harness.example('calculator-1.1.0'), os.path.join(builds, 'calculator.so'))
        self.see('table row', holds='calculator, version 1.1.0', timeout=20)
        shutil.copy(harness.module('crash-constructor'), os.path.join(builds, 'broken.so'))
        self.go('Activity')
        self.see('table row', holds='calculator.so was built, and runs', timeout=20)
        self.see('table row', holds='broken.so was built, and is not let in: ', timeout=20)
        # Its record says why.
        self.open_row('calculator.so was built, and runs')
        self.see(name='Succeeded')


class Daemons(AppCase):
    def test_what_needs_somebody_is_counted(self):
        self.start('calculator-1.0.0', 'text-tools')
        self.see(holds='2 modules on one node')
        self.daemon.call('DrainModule', '(sua{sv})', 'calculator', 0, {})
        self.see(holds='1 of 2 modules needs you')
        self.press('Needs Attention')
        self.unsee('table row', holds='text-tools')
        self.daemon.call('ResumeModule', '(sa{sv})', 'calculator', {})
        self.see(holds='2 modules on one node')

    def test_a_reload_that_nobody_knows_any_more_is_not_shown_as_another_one(self):
        self.start()
        self.see(name='No Modules')
        self.daemon.load(harness.example('calculator-1.0.0'), reason='the first')
        self.go('Activity')
        self.open_row('Load of calculator succeeded')
        self.see(name='the first')
        self.daemon.stop()
        self.see(holds='The daemon is gone; it is awaited.')
        # What was read stays to be seen.
        self.see(name='the first')
        shutil.rmtree(os.path.join(self.daemon.folder, 'data'))
        self.daemon.start()
        self.unsee(holds='The daemon is gone; it is awaited.')
        self.go('Activity')
        self.open_row('Load of calculator succeeded')
        self.see(name='It could not be read')
        self.see('list item', 'NotFound')
        self.unsee(name='the first')
        self.press('Copy')
        self.see('push button', 'Copied')

    def test_a_daemon_that_dies_is_awaited(self):
        self.start('calculator-1.0.0', 'text-tools')
        self.see('table row', holds='calculator, version')
        a11y.set_text(self.see('text', 'Search modules'), 'calc')
        self.unsee('table row', holds='text-tools')
        self.daemon.kill()
        self.see(holds='The daemon is gone; it is awaited.')
        # What was known stays to be seen, and so does what was typed in.
        self.see('table row', holds='calculator, version')
        self.assertEqual(a11y.text(self.see('text', 'Search modules')), 'calc')
        self.daemon.start()
        self.unsee(holds='The daemon is gone; it is awaited.')
        self.see('table row', holds='calculator, version')

    def test_no_daemon_says_what_to_do(self):
        self.start(daemon=False)
        self.see(name='No Daemon')
        self.see(holds='colletd --session')
        self.daemon.start()
        self.see(name='No Modules')

    def test_a_search_without_match_says_so(self):
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version')
        a11y.set_text(self.see('text', 'Search modules'), 'nowhere')
        self.see(name='No Match')


class Tools(AppCase):
    def test_a_tool_is_called_by_its_form(self):
        self.start('calculator-1.0.0')
        self.go('Tools')
        self.open_row('add of calculator')
        a11y.set_text(self.see('text', 'a (number)'), '2')
        self.press('Call')
        self.see(holds='b: it has to be given')
        a11y.set_text(self.see('text', 'b (number)'), '40')
        self.press('Call')
        self.see(holds='Answered after')
        self.see('label', holds='"result" : 42')

    def test_a_tool_says_how_its_module_is_and_who_is_told(self):
        self.start('calculator-1.0.0')
        for name in ('one', 'two'):
            self.daemon.call('SubscribeToToolUpdates', '(sa{sv})', 'add', harness.variants({'subscriber': name}))
        self.go('Tools')
        self.open_row('add of calculator')
        self.see('label', 'calculator, Running')
        self.see('label', '2: one, two')
        self.see('list item', 'Load of calculator')
        # It says so when that changes, without being asked.
        self.daemon.reload('calculator', harness.example('calculator-1.1.0'))
        self.see('list item', 'Reload of calculator')
        self.daemon.call('DrainModule', '(sua{sv})', 'calculator', 0, {})
        self.see('label', 'calculator, Drained')
        self.daemon.call('SubscribeToToolUpdates', '(sa{sv})', 'add', harness.variants({'subscriber': 'three'}))
        self.see('label', '3: one, three, two')

    def test_a_subscription_comes_and_goes(self):
        self.start('calculator-1.0.0')
        self.go('Tools')
        self.open_row('add of calculator')
        self.press('Subscribe')
        self.see(holds='Subscribed to add')
        self.go('Subscriptions')
        self.open_row('add for uid:')
        self.press('Remove')
        self.see(name='No Subscriptions')
        self.see(holds='The subscription was removed')
        self.press('Undo')
        self.see('table row', holds='add for uid:')

    def test_who_is_subscribed_can_unsubscribe_and_take_that_back(self):
        self.start('calculator-1.0.0')
        subscribed = lambda: [row['tool'] for row in self.daemon.call('ListSubscriptions', '(a{sv})', {})]
        self.go('Tools')
        self.open_row('add of calculator')
        self.press('Subscribe')
        self.press('Unsubscribe')
        self.see(holds='Unsubscribed from add')
        self.see('push button', 'Subscribe')
        self.assertEqual(subscribed(), [])
        self.press('Undo')
        self.see('push button', 'Unsubscribe')
        self.assertEqual(subscribed(), ['add'])
        # Of every tool, on the page of all.
        self.go('Subscriptions')
        self.press('Subscribe to Every Tool')
        self.press('Unsubscribe from Every Tool')
        self.see('push button', 'Subscribe to Every Tool')
        self.assertEqual(subscribed(), ['add'])


class Everybody(AppCase):
    PLACES = ('Overview', 'Tools', 'Nodes', 'Reloads', 'Subscriptions', 'Activity')
    NAMED = ('push button', 'toggle button', 'check box', 'text', 'combo box', 'table row', 'list item', 'image', 'list',
             'table', 'progress bar', 'switch')
    # Parts that GTK puts inside a control that has a name itself.
    INSIDE = ('GtkImage', 'GtkText')

    @staticmethod
    def way_to(node):
        way = []
        while node is not None and len(way) < 6:
            way.append(f'{node.getRoleName()} {node.name!r}')
            node = node.parent
        return ' in '.join(way)

    @staticmethod
    def is_in_named_row(node):
        while node is not None and a11y.role_of(node) not in ('frame', 'application'):
            if a11y.role_of(node) in ('list item', 'combo box') and node.name:
                return True
            node = node.parent
        return False

    def nameless(self):
        found = []
        for node in a11y.walk(self.app):
            try:
                role, name, parent = a11y.role_of(node), node.name, node.parent
                if role not in self.NAMED or not a11y.is_shown(node):
                    continue
                # What a row that is named shows of its choice.
                if role in ('list', 'list item') and not name and self.is_in_named_row(parent):
                    continue
                if role == 'image' or node.getState().contains(pyatspi.STATE_DEFUNCT):
                    continue
                if name.strip() in ('', 'GtkButton', 'GtkListItemWidget', 'GtkListBoxRow', 'GtkSwitch', 'GtkEntry') and \
                        a11y.role_of(parent) not in ('combo box', 'text', 'push button', 'toggle button'):
                    found.append(f'{role} {name!r} in ' + self.way_to(parent))
                    node.clear_cache()
            except Exception:  # it is gone
                continue
        return found

    def assert_named(self, where):
        """What the toolkit has just made, as the buttons of a window, has its name a moment later."""
        end = time.monotonic() + 3
        while (found := self.nameless()) and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(found, [], where)

    def test_every_control_has_a_name(self):
        self.start('calculator-1.0.0', 'text-tools')
        for place in self.PLACES:
            self.go(place)
            time.sleep(0.3)
            self.assert_named(f'on {place}')
        self.go('Overview')
        self.open_row('calculator, version')
        time.sleep(0.3)
        self.assert_named('on the page of a module')
        self.press('Drain…')
        for role, name in (('text', 'Reason'), ('check box', 'End calls that take too long'), ('push button', 'Cancel')):
            self.see(role, name)
        self.assert_named('in a question')
        self.press('Cancel')
        self.unsee('text', 'Reason')
        self.press('Reload…')
        self.see('text', PATH)
        self.type_in(PATH, harness.example('calculator-2.0.0'))
        self.press('Check Only')
        self.see('push button', 'Choose…')
        self.see('text', 'Reason, for the history')
        self.assert_named('in the dialog')
        self.press('Cancel')
        self.unsee('text', PATH)
        a11y.click(self.see('list item', 'add'), 'Collet')
        for role, name in (('push button', 'Call'), ('push button', 'Subscribe'), ('text', 'a (number)'),
                           ('list item', 'Version')):
            self.see(role, name)
        self.assert_named('on the page of a tool')
        self.go('Reloads')
        self.open_row('Load of calculator')
        self.see('list item', 'Id')
        self.assert_named('on the page of a reload')
        a11y.key('ctrl+comma')
        self.see(name='Colours')
        self.assert_named('in the preferences')

    def test_a_screen_reader_may_ask_for_a_window_that_is_gone(self):
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version')
        a11y.key('ctrl+o')
        self.see('text', PATH)
        a11y.key('Escape')
        self.unsee('text', PATH)
        for index in (1, 2, 9):
            self.ask_for_window(index)
        self.see('table row', holds='calculator, version')

    def ask_for_window(self, index):
        """As a screen reader does; which library it uses remembers what there is, so without one."""
        from gi.repository import Gio, GLib
        address = self.bus.connect().call_sync('org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus', 'GetAddress', None, None,
                                               0, 5000, None).unpack()[0]
        bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None,
            None)
        self.addCleanup(bus.close_sync, None)
        ask = lambda name, path, interface, method, *arguments: bus.call_sync(
            name, path, interface, method, *arguments, None, 0, 2000, None).unpack()[0]
        names = ask('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ListNames', None)
        owner = next(name for name in names if name.startswith(':') and self.process.pid == ask(
            'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetConnectionUnixProcessID',
            GLib.Variant('(s)', (name,))))
        ask(owner, '/org/a11y/atspi/accessible/root', 'org.a11y.atspi.Accessible', 'GetChildAtIndex',
            GLib.Variant('(i)', (index,)))

    def test_every_place_is_reached_by_key(self):
        titles = {'Overview': 'Search modules', 'Tools': 'Search tools', 'Nodes': 'Search nodes',
                  'Reloads': 'Search reloads', 'Subscriptions': 'Search subscriptions', 'Activity': 'Search activity'}
        self.start('calculator-1.0.0')
        self.see('table row', holds='calculator, version')
        for number, place in reversed(list(enumerate(self.PLACES, 1))):
            a11y.key(f'alt+{number}')
            self.see('text', titles[place])
        a11y.key('ctrl+f')
        time.sleep(0.2)
        a11y.key('x', 'y', 'z')
        self.see(name='No Match')
        a11y.key('ctrl+o')
        self.see('text', PATH)
        a11y.key('Escape')
        self.unsee('text', PATH)
        a11y.key('ctrl+question')
        self.see(name='Load a module')


if __name__ == '__main__':
    unittest.main()
