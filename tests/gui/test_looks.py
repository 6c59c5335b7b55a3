# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each screen, in each look, as a picture in COLLET_SHOTS: for people to look at.
What a machine can say is that they were drawn, and are not all the same."""

import os
import subprocess
import unittest

from collet_app import AppCase, harness

SCREENS = ('overview', 'module', 'tools', 'tool', 'nodes', 'reloads', 'reload', 'subscriptions', 'activity', 'review',
           'preferences', 'shortcuts', 'rollback', 'drain')
SHOTS = os.environ.get('COLLET_SHOTS', '.')


class Looks(AppCase):
    def draw(self, variant, *options, **environment):
        os.makedirs(SHOTS, exist_ok=True)
        self.daemon.start()
        self.daemon.load_batch([harness.example(name) for name in ('calculator-1.0.0', 'text-tools', 'countdown')])
        self.daemon.reload('calculator', harness.example('calculator-1.1.0'), reason='Faster, and exact')
        self.daemon.call('SubscribeToToolUpdates', '(sa{sv})', 'add', {})
        done = subprocess.run([os.environ['COLLET_SCREENSHOTS'], SHOTS, variant, harness.example('calculator-2.0.0'),
                               *options], env=os.environ | {'LC_ALL': 'C.UTF-8', 'G_DEBUG': 'fatal-criticals'} |
                              environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        pictures = set()
        for screen in SCREENS:
            with open(os.path.join(SHOTS, f'{variant}-{screen}.png'), 'rb') as file:
                pictures.add(file.read())
        self.assertEqual(len(pictures), len(SCREENS))

    def test_light(self):
        self.draw('light')

    def test_dark(self):
        self.draw('dark', ADW_DEBUG_COLOR_SCHEME='prefer-dark')

    def test_high_contrast(self):
        self.draw('contrast', ADW_DEBUG_HIGH_CONTRAST='1')

    def test_right_to_left(self):
        self.draw('rtl', '--rtl', LANGUAGE='he')

    def test_narrow(self):
        self.draw('narrow', '--width=360')

    def test_text_twice_as_large(self):
        self.draw('large', '--text-scale=2')

    def test_german(self):
        self.draw('german', LANGUAGE='de')


if __name__ == '__main__':
    unittest.main()
