# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unlock, judged by the real polkit: its daemon, its agent on a terminal of its own,
PAM and a password. For that a private system bus is where everybody looks for one, and
"nobody" has a password, both seen by these processes alone. Needs root."""

import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import a11y
from collet_app import AppCase, harness
from test_trouble import BUS_AT

POLKITD = '/usr/lib/polkit-1/polkitd'
AGENT = 'pkttyagent'
POLICY = os.path.join(os.environ['COLLET_DATA_DIR'], 'org.collet.Collet1.policy')
USER, UID, PASSWORD = 'nobody', 65534, 'open sesame'

# Who may not by himself may as this administrator; who that is, is of the machine.
RULES = f'polkit.addAdminRule(function(action, subject) {{ return ["unix-user:{USER}"]; }});\n'


class Terminal:
    """polkit's agent for one process, on a terminal, and a person at it."""

    def __init__(self, pid):
        self.master, slave = pty.openpty()
        self.said = ''
        self.agent = subprocess.Popen(['setsid', '--ctty', AGENT, '--process', str(pid)], stdin=slave, stdout=slave,
                                      stderr=slave)
        os.close(slave)

    def wait_for(self, text, timeout=20):
        """What was said up to there."""
        end = time.monotonic() + timeout
        while text not in self.said:
            if time.monotonic() > end:
                raise AssertionError(f'the agent did not say {text!r}; it said:\n{self.said}')
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self.master, 4096).decode(errors='replace')
                except OSError:
                    raise AssertionError(f'the agent ended; it said:\n{self.said}') from None
        before, self.said = self.said.split(text, 1)
        return before

    def says(self, text, timeout=5):
        try:
            self.wait_for(text, timeout)
        except AssertionError:
            return False
        return True

    def type(self, line):
        """What is typed before the prompt has switched its echo off is thrown away."""
        harness.wait_until(lambda: not termios.tcgetattr(self.master)[3] & termios.ECHO, what='the prompt')
        os.write(self.master, line.encode() + b'\n')

    def end(self):
        if self.agent.poll() is None:
            self.agent.terminate()
        self.agent.wait(10)
        os.close(self.master)


class Inner(AppCase):
    """As the user with the password; started by the test below."""

    arguments = ('--system',)

    def setUp(self):
        if 'COLLET_UNLOCK' not in os.environ:
            self.skipTest('it is run by the test below, as another user')
        super().setUp()
        self.start(daemon=False)
        self.open_row('calculator, version 1.0.0')
        self.see(holds='You may look, but not change everything.')

    def attach(self):
        self.terminal = Terminal(self.process.pid)
        self.addCleanup(self.terminal.end)
        time.sleep(1)  # it says nothing when it is registered

    def answer(self):
        if self.terminal.says('Password:'):
            self.terminal.type(PASSWORD)
            self.terminal.wait_for('AUTHENTICATION COMPLETE')

    def is_locked(self):
        return not a11y.is_sensitive(self.see('push button', 'Drain…'))

    def stays_locked(self, why):
        """And says so in words, without a dialog; the reason is there for who asks."""
        self.see(holds='Not authorised; nothing changed', timeout=30)
        self.assertEqual([node.getRoleName() for node in self.app], ['frame'])
        self.see(holds='You may look, but not change everything.')
        self.assertTrue(self.is_locked())
        self.press('Details')
        self.see(holds=why)
        # Not the window itself, which says it as well where the pointer is, and has a Close too.
        dialog = next(window for window in self.app
                      if window.getRoleName() != 'frame' and a11y.look(window, holds=why) is not None)
        a11y.press(a11y.find(dialog, 'push button', 'Close'))
        harness.wait_until(lambda: [node.getRoleName() for node in self.app] == ['frame'], what='the dialog to go')

    def test_unlock(self):
        self.assertTrue(self.is_locked())

        # Nobody is at the prompt any more.
        self.attach()
        self.press('Unlock…')
        self.terminal.wait_for('Password:')
        self.terminal.agent.kill()
        self.stays_locked('No right password was given')

        # The wrong password.
        self.attach()
        self.press('Unlock…')
        self.terminal.wait_for('Password:')
        self.terminal.type('not it')
        self.terminal.wait_for('AUTHENTICATION FAILED')
        self.stays_locked('No right password was given')

        # The right one: each permission has a question of its own, and so has what is then done.
        while (button := a11y.look(self.app, 'push button', 'Unlock…')) is not None:
            a11y.press(button)
            self.answer()
        self.assertFalse(self.is_locked())
        self.press('Drain…')
        self.press('Drain')
        while a11y.look(self.app, 'push button', 'Drain…') is not None:
            self.answer()
        self.see(name='Succeeded')


@unittest.skipUnless(os.getuid() == 0 and all(map(shutil.which, ('setpriv', 'unshare', AGENT, 'openssl'))) and
                     os.path.exists(POLKITD), 'needs root, and polkit with its agent')
class Outer(AppCase):
    def setUp(self):
        super().setUp()
        self.bus = type('There', (), {'address': f'unix:path={self.folder}/bus', 'connect': harness.Bus.connect})()

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)

    def make_files(self):
        os.chmod(self.folder, 0o755)
        self.write('bus.conf', BUS_AT % self.folder)
        self.write('rules/10-test.rules', RULES)
        os.mkdir(os.path.join(self.folder, 'actions'))
        shutil.copy(POLICY, os.path.join(self.folder, 'actions'))
        hashed = subprocess.run(['openssl', 'passwd', '-6', PASSWORD], capture_output=True, text=True, check=True).stdout
        self.write('shadow', f'root:*:19000:0:99999:7:::\n{USER}:{hashed.strip()}:19000:0:99999:7:::\n', 0o600)
        # As an installation has them, and seen by these processes alone.
        self.write('enter', f"""#!/bin/sh -e
mount -t tmpfs -o mode=755 run /run
mkdir /run/dbus
touch /run/dbus/system_bus_socket
mount --bind {self.folder}/bus /run/dbus/system_bus_socket
mount --bind {self.folder}/shadow /etc/shadow
mount --bind {self.folder}/actions /usr/share/polkit-1/actions
mount --bind {self.folder}/rules /etc/polkit-1/rules.d
exec "$@"
""", 0o755)

    def start_there(self, *command):
        """In a mount namespace of its own."""
        with open(os.path.join(self.folder, 'there.log'), 'ab') as log:
            process = harness.Process(['unshare', '--mount', os.path.join(self.folder, 'enter'), *command], stdout=log,
                                      stderr=log, env=os.environ | {'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address})
        self.addCleanup(process.end)
        return process

    def start_bus(self):
        process = harness.Process(['dbus-daemon', '--config-file', os.path.join(self.folder, 'bus.conf'), '--nofork',
                                   '--print-address=1'], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.stdout.close()
        self.addCleanup(process.end)
        os.chmod(os.path.join(self.folder, 'bus'), 0o777)

    def has_polkit(self):
        from gi.repository import GLib
        return self.bus_connection.call_sync(
            'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner',
            GLib.Variant('(s)', ('org.freedesktop.PolicyKit1',)), None, 0, 5000, None).unpack()[0]

    def start_daemon(self):
        daemon = harness.Daemon(self, '--system', start=False, environment={'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address})
        command = daemon.command
        daemon.command = lambda: [word for word in command() if word != '--session']
        daemon.connection = self.bus_connection
        self.daemon = daemon
        daemon.start()

    def test_a_password_typed_at_polkits_prompt_unlocks_and_nothing_else_does(self):
        self.make_files()
        self.start_bus()
        self.bus_connection = self.bus.connect()
        polkitd = self.start_there(POLKITD, '--no-debug')
        harness.wait_until(lambda: polkitd.poll() is not None or self.has_polkit(), what='polkitd')
        if polkitd.poll() is not None:
            with open(os.path.join(self.folder, 'there.log'), encoding='utf-8') as log:
                self.skipTest('polkitd does not run here: ' + log.read())
        self.start_daemon()
        self.daemon.load(harness.example('calculator-1.0.0'))
        home = tempfile.mkdtemp(prefix='collet-gui-')
        self.addCleanup(shutil.rmtree, home, True)
        os.chown(home, UID, UID)
        program = os.path.abspath(__file__)
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS', 'COLLET_SHOTS', 'AT_SPI_BUS')}
        done = subprocess.run(
            ['unshare', '--mount', os.path.join(self.folder, 'enter'), 'setpriv', f'--reuid={UID}', f'--regid={UID}',
             '--clear-groups', os.path.join(os.path.dirname(program), 'run-gui.sh'), "/usr/bin/python3", program, 'Inner'],
            env=environment | {'COLLET_UNLOCK': '1', 'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address, 'TMPDIR': home,
                               'HOME': home}, cwd='/', capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn('skipped', done.stderr)
        # The daemon's own record: who did it.
        self.assertEqual(self.daemon.history('calculator')[0]['Kind'], 'drain')
        self.assertEqual(self.daemon.history('calculator')[0]['Initiator'], UID)


if __name__ == '__main__':
    unittest.main()
