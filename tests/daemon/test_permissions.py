# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may call what on a system bus: every method, by several users, judged by a
real polkitd with our actions and an administrator's rules. Needs root, since the
callers are other users."""

import json
import os
import re
import shutil
import subprocess
import unittest

from collet_harness import ERROR, MANAGER, NAME, ROOT, Bus, Daemon, Process, TestCase, example, wait_until

from gi.repository import GLib

POLKITD = '/usr/lib/polkit-1/polkitd'
PREFIX = 'org.collet.Collet1.'
DATA = os.environ.get('COLLET_DATA_DIR', '')
SCHEMA = os.environ.get('COLLET_SCHEMA', '')
ROOT_UID, TRUSTED, STRANGER = 0, 65534, 1

# What an administrator would write: one user may load one module.
RULES = """
polkit.addRule(function(action, subject) {
  if (action.id == "org.collet.Collet1.load" && subject.user == "nobody" &&
      action.lookup("module") == "text-tools")
    return polkit.Result.YES;
  if (action.id == "org.collet.Collet1.rollback")
    return polkit.Result.NO;
  if (action.id == "org.collet.Collet1.drain" && subject.user == "nobody")
    return polkit.Result.YES;
});
"""

SYSTEM_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

# Runs as another user: makes the calls it reads, says how each ended.
CALLER = """
import json, sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
answers = []
for method, text, interactive in json.load(sys.stdin):
    flags = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else 0
    try:
        bus.call_sync('%s', '%s', '%s', method, GLib.Variant.parse(None, text, None, None) if text else None,
                      None, flags, 20000, None)
        answers.append(['', ''])
    except GLib.Error as error:
        answers.append([Gio.DBusError.get_remote_error(error) or str(error), error.message])
print(json.dumps(answers))
""" % (NAME, ROOT, MANAGER)


def blank(signature):
    """The text of a value of that type with as little in it as can be; no descriptor."""
    simple = {'s': '"text-tools"', 'b': 'false', 'u': 'uint32 0', 't': 'uint64 0', 'x': 'int64 0', 'd': '0.0'}
    if signature in simple:
        return simple[signature]
    if signature[0] == 'a':
        return f'@{signature} []' if signature != 'a{sv}' else '@a{sv} {}'
    raise ValueError(signature)


def methods():
    """name → (permission, text of blank arguments) of the Manager, but those that take a descriptor."""
    from gi.repository import Gio
    with open(SCHEMA, encoding='utf-8') as file:
        node = Gio.DBusNodeInfo.new_for_xml(file.read())
    found = {}
    for method in node.lookup_interface(MANAGER).methods:
        signatures = [argument.signature for argument in method.in_args or []]
        permission = Gio.DBusAnnotationInfo.lookup(method.annotations, 'org.collet.Permission')
        if 'h' not in signatures:
            text = ', '.join(blank(signature) for signature in signatures)
            found[method.name] = (permission, f'({text},)' if len(signatures) == 1 else f'({text})')
    return found


class Permissions(TestCase):
    def setUp(self):
        super().setUp()
        self.helpers = []

    def start(self, with_polkit=True):
        if os.getuid() != 0:
            self.skipTest('needs root: the callers are other users')
        if with_polkit and not os.path.exists(POLKITD):
            self.skipTest(f'{POLKITD} is not installed')
        os.chmod(self.folder, 0o755)
        self.system_bus = Bus(self.folder, SYSTEM_BUS)
        if with_polkit:
            self.start_polkitd()
        daemon = Daemon(self, '--system', start=False, environment={'DBUS_SYSTEM_BUS_ADDRESS': self.system_bus.address})
        command = daemon.command
        daemon.command = lambda: [word for word in command() if word != '--session']
        self.daemons.append(daemon)
        daemon.connection = self.system_bus.connect()
        daemon.start()
        return daemon

    def start_polkitd(self):
        """With our actions and our rules, seen by it alone."""
        actions, rules = os.path.join(self.folder, 'actions'), os.path.join(self.folder, 'rules')
        os.mkdir(actions)
        os.mkdir(rules)
        shutil.copy(os.path.join(DATA, 'org.collet.Collet1.policy'), actions)
        with open(os.path.join(rules, '10-test.rules'), 'w', encoding='utf-8') as file:
            file.write(RULES)
        script = f'mount --bind {actions} /usr/share/polkit-1/actions && mount --bind {rules} /etc/polkit-1/rules.d && ' \
                 f'exec {POLKITD} --no-debug'
        with open(os.path.join(self.folder, 'polkit.log'), 'wb') as log:
            polkitd = Process(['unshare', '--mount', 'sh', '-c', script], stdout=log, stderr=log,
                              env=os.environ | {'DBUS_SYSTEM_BUS_ADDRESS': self.system_bus.address})
        self.helpers.append(polkitd)
        connection = self.system_bus.connect()
        wait_until(lambda: polkitd.poll() is not None or connection.call_sync(
            'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner',
            GLib.Variant('(s)', ('org.freedesktop.PolicyKit1',)), None, 0, 5000, None).unpack()[0], what='polkitd')
        if polkitd.poll() is not None:
            with open(os.path.join(self.folder, 'polkit.log'), encoding='utf-8') as log:
                self.skipTest('polkitd does not run here: ' + log.read())
        connection.close_sync(None)

    def tearDown(self):
        super().tearDown()
        for process in self.helpers:
            process.end()
        if hasattr(self, 'system_bus'):
            self.system_bus.close()

    def as_user(self, uid, calls):
        """calls: (method, text of its arguments, interactive). → (name of the error or '', message) each."""
        done = subprocess.run(['setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups', '/usr/bin/python3', '-c', CALLER],
                              input=json.dumps(calls), capture_output=True, text=True, timeout=120, check=False,
                              cwd='/', env={'PATH': '/usr/bin:/bin', 'DBUS_SYSTEM_BUS_ADDRESS': self.system_bus.address})
        self.assertEqual(done.returncode, 0, done.stderr)
        return [(name.removeprefix(ERROR), message) for name, message in json.loads(done.stdout)]

    def test_each_method_is_for_whom_the_contract_and_the_rules_say(self):
        self.start()
        # What stops the daemon goes last; there is nothing to wait for a user in the others.
        table = {name: row for name, row in methods().items() if name != 'InitiateShutdown'}
        self.assertGreater(len(table), 50)
        calls = [(name, text, False) for name, (_permission, text) in table.items()]
        for uid in (STRANGER, TRUSTED, ROOT_UID):
            for (name, (permission, _text)), (error, message) in zip(table.items(), self.as_user(uid, calls)):
                may = uid == ROOT_UID or permission == PREFIX + 'read' or \
                    (uid == TRUSTED and permission == PREFIX + 'drain') or \
                    (uid == TRUSTED and permission == PREFIX + 'load' and name not in ('SafeLoadBatch', 'WatchFolder'))
                with self.subTest(method=name, uid=uid):
                    if may:
                        self.assertNotEqual(error, 'NotAuthorized', message)
                    else:
                        # What the daemon does not offer is answered before anybody is asked.
                        self.assertIn(error, ('NotAuthorized', 'NotSupported', 'InvalidArgument'), message)

    def test_a_rule_can_let_a_user_load_one_module_only(self):
        daemon = self.start()
        other = example('calculator-1.0.0')
        self.assertEqual(self.as_user(TRUSTED, [('SafeLoad', f'("{other}", @a{{sv}} {{}})', False)])[0][0], 'NotAuthorized')
        self.assertEqual(self.as_user(TRUSTED, [('SafeLoad', '("text-tools", @a{sv} {})', False)])[0], ('', ''))
        wait_until(lambda: daemon.call('ListModules', '(a{sv})', {}), what='the module')
        self.assertEqual([row['Name'] for row in daemon.call('ListModules', '(a{sv})', {})], ['text-tools'])
        row = daemon.call('GetReloadHistory', '(sua{sv})', 'text-tools', 0, {})[0]
        self.assertEqual(row['Initiator'], TRUSTED)

    def test_a_refusal_says_what_would_help(self):
        self.start()
        load = '("calculator-1.0.0", @a{sv} {})'
        silent, asking, never = self.as_user(STRANGER, [
            ('SafeLoad', load, False), ('SafeLoad', load, True), ('RollbackModule', '("text-tools", "", @a{sv} {})', True)])
        self.assertEqual(silent[0], 'NotAuthorized')
        self.assertIn('did not let it ask', silent[1])
        self.assertEqual(asking[0], 'NotAuthorized')
        self.assertIn('authentication agent', asking[1])
        self.assertEqual(never[0], 'NotAuthorized')
        self.assertIn('rules do not let you', never[1])

    def test_without_polkit_only_root_changes_anything(self):
        self.start(with_polkit=False)
        load, read = ('SafeLoad', '("text-tools", @a{sv} {})', False), ('ListModules', '(@a{sv} {},)', False)
        refused, allowed = self.as_user(STRANGER, [load, read])
        self.assertEqual(refused[0], 'NotAuthorized')
        self.assertIn('polkit', refused[1])
        self.assertEqual(allowed[0], '')
        self.assertEqual(self.as_user(ROOT_UID, [load])[0], ('', ''))


class Actions(unittest.TestCase):
    def test_each_permission_of_the_contract_is_an_action_and_none_is_left_over(self):
        with open(os.path.join(DATA, 'org.collet.Collet1.policy'), encoding='utf-8') as file:
            actions = set(re.findall(r'<action id="([^"]+)"', file.read()))
        permissions = {permission for permission, _text in methods().values()}
        self.assertNotIn(None, permissions)
        self.assertEqual(actions, permissions - {PREFIX + 'read'})


if __name__ == '__main__':
    unittest.main()
