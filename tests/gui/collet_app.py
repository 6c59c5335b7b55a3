# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real daemon and the real app on the session bus that run-gui.sh made, and a
person who uses them by way of accessibility."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'daemon'))
import collet_harness as harness  # noqa: E402

import a11y  # noqa: E402

APP = os.environ['COLLET_APP']
TITLE = 'Collet'


class SessionBus:
    """The bus that run-gui.sh started, in the shape that the harness expects."""

    address = os.environ.get('DBUS_SESSION_BUS_ADDRESS', '')
    connect = harness.Bus.connect


class AppCase(unittest.TestCase):
    arguments = ()
    environment = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='collet-gui-')
        self.bus = SessionBus()
        self.process = None
        self.daemon = harness.Daemon(self, start=False)

    def start(self, *modules, daemon=True):
        if daemon:
            self.daemon.start()
            if modules:
                self.daemon.load_batch([harness.example(name) for name in modules])
        environment = os.environ | {'LC_ALL': 'C.UTF-8', 'G_DEBUG': 'fatal-criticals'} | self.environment
        with open(os.path.join(self.folder, 'app.log'), 'wb') as log:
            self.process = subprocess.Popen([APP, *self.arguments], env=environment, stdout=log, stderr=log)
        self.app = a11y.app('collet')

    def app_log(self):
        with open(os.path.join(self.folder, 'app.log'), encoding='utf-8', errors='replace') as log:
            return log.read()

    def tearDown(self):
        outcome = getattr(self, '_outcome', None)
        result = getattr(outcome, 'result', None)
        failed = any(error for _, error in getattr(outcome, 'errors', None) or []) or bool(
            result and any(test is self for test, _ in result.failures + result.errors))
        if failed and 'COLLET_SHOTS' in os.environ:
            os.makedirs(os.environ['COLLET_SHOTS'], exist_ok=True)
            a11y.shot(os.path.join(os.environ['COLLET_SHOTS'], f'failed-{self._testMethodName}.png'))
        if self.process is not None:
            alive = self.process.poll() is None
            self.process.terminate()
            self.process.wait(20)
            log = self.app_log()
            if not alive:
                print(f'--- the app ended by itself; it had said:\n{log[-4000:]}')
        else:
            alive = True
        if self.daemon.process is not None:
            self.daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertTrue(alive, f'the app ended by itself, with {self.process and self.process.returncode}')

    # What a person does.

    def see(self, role=None, name=None, holds=None, timeout=10):
        return a11y.find(self.app, role, name, holds, timeout)

    def unsee(self, role=None, name=None, holds=None, timeout=10):
        a11y.gone(self.app, role, name, holds, timeout)

    def press(self, name, role='push button'):
        """Waits until it can be pressed."""
        end = time.monotonic() + 10
        while True:
            button = self.see(role, name)
            if a11y.is_sensitive(button):
                return a11y.press(button)
            self.assertLess(time.monotonic(), end, f'{name} cannot be pressed')
            time.sleep(0.05)

    def type_in(self, name, text):
        a11y.set_text(self.see('text', name), text)

    def go(self, place):
        """By the sidebar."""
        a11y.click(self.see('list item', place), TITLE)
        time.sleep(0.2)

    def open_row(self, holds):
        a11y.click(self.see('table row', holds=holds), TITLE)
        time.sleep(0.2)
