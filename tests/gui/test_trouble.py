# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong: artifacts of every bad kind, a bus that goes away, a user who may only look."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import a11y
from collet_app import AppCase, harness

PATH = 'File, or name in the module path'
NOBODY = 65534
BUS_AT = harness.BUS_CONFIGURATION.replace('unix:dir=%s', 'unix:path=%s/bus') \
    .replace('<allow own="*"/>', '<allow own="*"/><allow user="*"/>')


class Refused(AppCase):
    def check(self, path):
        self.type_in(PATH, path)
        self.press('Check Only')

    def test_every_check_that_failed_is_read_with_what_to_do(self):
        self.start('calculator-1.0.0')
        self.press('Load Module')
        for name in ('no-manifest', 'broken-manifest', 'bad-schema', 'abi-major', 'undefined-symbol', 'crash-constructor',
                     'fail-self-test'):
            path = harness.module(name)
            valid, _, checks = self.daemon.validate(path)
            self.assertFalse(valid, name)
            self.check(path)
            self.see(holds='It is refused; nothing was changed')
            failed = {check: row for check, row in checks.items() if row['outcome'] == 'failed'}
            self.assertTrue(failed, name)
            for check, row in failed.items():
                self.see('list item', check)
                self.see('label', holds=row['evidence'].splitlines()[0][:60])
                self.assertTrue(row['remedy'], (name, check))
                self.see('label', holds=row['remedy'])
            self.assertFalse(a11y.is_sensitive(self.see('push button', 'Load')))
        self.assertEqual(len(self.daemon.history()), 1)

    def test_a_reload_that_fails_says_why_and_keeps_what_was_typed_in(self):
        self.start('calculator-1.0.0')
        first = self.daemon.version('calculator')
        self.open_row('calculator, version 1.0.0')
        self.press('Reload…')
        self.check(harness.example('calculator-2.0.0'))
        self.see(holds='It can be loaded')
        self.type_in('Reason, for the history', 'a try')
        a11y.scroll_down('Reload calculator')
        a11y.click(self.see('list item', 'With Care'), 'Reload calculator')
        a11y.set_text(self.see('text', 'Smoke tests: JSON of tool, arguments, result'), 'no JSON')
        self.assertFalse(a11y.is_sensitive(self.see('push button', 'Reload')))
        a11y.set_text(self.see('text', 'Smoke tests: JSON of tool, arguments, result'),
                      '[{"tool":"add","arguments":{"a":1,"b":1},"result":{"structuredContent":{"result":3}}}]')
        self.press('Reload')
        self.see(holds='SmokeTestFailed')
        self.assertEqual(self.daemon.version('calculator'), first)
        self.assertEqual(self.daemon.history('calculator')[0]['Reason'], 'a try')

    def test_a_file_on_the_command_line_is_checked(self):
        self.arguments = (harness.example('calculator-1.0.0'),)
        self.start()
        self.see(holds='It can be loaded')
        self.assertEqual(a11y.text(self.see('text', PATH)), self.arguments[0])


class Canary(AppCase):
    def test_is_given_to_all_when_it_is_said(self):
        self.start('text-tools')
        self.open_row('text-tools, version')
        self.press('Reload…')
        self.type_in(PATH, harness.example('text-tools'))
        self.press('Check Only')
        self.see(holds='It can be loaded')
        self.daemon.begin_reload('text-tools', harness.example('text-tools'), canary_percent=10)
        self.press('Cancel')
        self.unsee('text', PATH)
        a11y.click(self.see('list item', 'Watch it'), 'Collet')
        self.see(name='Canary: some callers have it')
        self.press('Give It to All')
        self.see(name='Succeeded')


class OwnBus(AppCase):
    """The daemon on a bus that is not the app's own."""

    arguments = ('--system',)

    def start_bus(self):
        configuration = os.path.join(self.folder, 'bus.conf')
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(BUS_AT % self.folder)
        process = harness.Process(['dbus-daemon', '--config-file', configuration, '--nofork', '--print-address=1'],
                                  stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.stdout.close()
        return process

    def start_daemon(self):
        self.daemon = harness.Daemon(self, start=False)
        self.daemon.start()

    def setUp(self):
        super().setUp()
        self.bus = type('There', (), {'address': f'unix:path={self.folder}/bus', 'connect': harness.Bus.connect})()
        self.environment = {'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address}


class Bus(OwnBus):
    def test_that_goes_away_is_awaited_and_nothing_is_lost(self):
        process = self.start_bus()
        self.start_daemon()
        self.daemon.load(harness.example('calculator-1.0.0'))
        self.start(daemon=False)
        self.see('table row', holds='calculator, version')
        a11y.set_text(self.see('text', 'Search modules'), 'calc')
        process.kill()
        process.wait()
        harness.Process.known.discard(process.pid)
        self.see(holds='The daemon is gone; it is awaited.')
        self.see('table row', holds='calculator, version')
        self.assertEqual(a11y.text(self.see('text', 'Search modules')), 'calc')
        # One window, no dialogs.
        self.assertEqual([node.getRoleName() for node in self.app], ['frame'])
        self.daemon.kill()
        os.unlink(os.path.join(self.folder, 'bus'))
        process = self.start_bus()
        self.addCleanup(process.end)
        self.start_daemon()
        self.unsee(holds='The daemon is gone; it is awaited.', timeout=30)
        self.see('table row', holds='calculator, version')


class Inner(AppCase):
    """As another user than the daemon's; started by the test below."""

    arguments = ('--system',)

    def setUp(self):
        if 'COLLET_LOCKED_BUS' not in os.environ:
            self.skipTest('it is run by the test below, as another user')
        super().setUp()
        self.environment = {'DBUS_SYSTEM_BUS_ADDRESS': os.environ['COLLET_LOCKED_BUS']}

    def test_may_look_and_not_change(self):
        self.start(daemon=False)
        self.open_row('calculator, version 1.0.0')
        self.see(holds='You may look, but not change everything.')
        for button in ('Reload…', 'Roll Back…', 'Unload…'):
            self.assertFalse(a11y.is_sensitive(self.see('push button', button)), button)
        self.press('Unlock…')
        self.see(holds='Not authorised; nothing changed')
        self.press('Details')
        self.see(holds='Ask as the user who runs the daemon, or as root')


@unittest.skipUnless(os.getuid() == 0 and shutil.which('setpriv'), 'needs root, to be two users')
class AnotherUser(OwnBus):
    def test_may_look_and_not_change(self):
        program = os.path.abspath(__file__)
        if not os.stat(os.environ['COLLET_APP']).st_mode & stat.S_IROTH:
            self.skipTest('the build folder is for its owner alone')
        process = self.start_bus()
        self.addCleanup(process.end)
        os.chmod(self.folder, 0o755)
        os.chmod(os.path.join(self.folder, 'bus'), 0o777)
        self.start_daemon()
        self.daemon.load(harness.example('calculator-1.0.0'))
        home = tempfile.mkdtemp(prefix='collet-gui-')
        self.addCleanup(shutil.rmtree, home, True)
        os.chown(home, NOBODY, NOBODY)
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS', 'COLLET_SHOTS', 'AT_SPI_BUS')}
        done = subprocess.run(
            ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
             os.path.join(os.path.dirname(program), 'run-gui.sh'), sys.executable, program, 'Inner'],
            env=environment | {'COLLET_LOCKED_BUS': self.bus.address, 'TMPDIR': home, 'HOME': home}, cwd='/',
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('OK', done.stderr)
        self.assertNotIn('skipped', done.stderr)
        self.process = None


if __name__ == '__main__':
    unittest.main()
