# SPDX-License-Identifier: LGPL-2.1-or-later
"""The app with a cluster that is larger than any that a test could start."""

import os
import subprocess
import time
import unittest

import a11y
from collet_app import TITLE, AppCase, harness


class Many(AppCase):
    def stand_in(self, *options):
        self.service = subprocess.Popen([os.environ['COLLET_STAND_IN'], *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.assertEqual(self.service.stdout.readline(), 'ready\n')
        self.addCleanup(self.end)

    def end(self):
        if self.service.poll() is not None:
            return
        self.service.terminate()
        self.service.wait(10)
        self.service.stdin.close()
        self.service.stdout.close()

    def rows(self):
        return [node.name for node in a11y.walk(self.app) if node.getRoleName() == 'table row']

    def test_many_nodes_are_a_strip_and_few_are_columns(self):
        self.stand_in('--nodes=50')
        self.start(daemon=False)
        row = self.see('table row', holds='module-001, version')
        self.assertIn('48 of 50 nodes in line; node-01, node-14 differ', row.name)
        self.see('image', '48 of 50 nodes in line; node-01, node-14 differ')
        self.see(holds='50 of 500 modules differ')
        # Rows that are not in sight do not exist.
        self.assertLess(len(self.rows()), 250)
        if 'COLLET_SHOTS' in os.environ:
            os.makedirs(os.environ['COLLET_SHOTS'], exist_ok=True)
            a11y.shot(os.path.join(os.environ['COLLET_SHOTS'], 'many-overview.png'))

    def test_few_nodes_are_columns(self):
        self.stand_in('--nodes=3', '--modules=20')
        self.start(daemon=False)
        self.see('table row', holds='module-001, version')
        for node in ('node-01', 'node-02', 'node-03'):
            self.see('label', node)
        self.see('label', 'Failed')
        if 'COLLET_SHOTS' in os.environ:
            os.makedirs(os.environ['COLLET_SHOTS'], exist_ok=True)
            a11y.shot(os.path.join(os.environ['COLLET_SHOTS'], 'few-overview.png'))

    def test_only_what_needs_attention(self):
        self.stand_in('--modules=40')
        self.start(daemon=False)
        self.see('table row', holds='module-002, version')
        self.press('Needs Attention')
        self.unsee('table row', holds='module-002, version')
        self.see('table row', holds='module-011, version')

    def test_changes_are_seen_and_a_gap_is_closed(self):
        self.stand_in('--modules=10', '--nodes=10', '--updates=20')
        self.start(daemon=False)
        before = self.see('table row', holds='module-008, version').name
        harness.wait_until(lambda: self.see('table row', holds='module-008, version').name != before, 20, 'a change')
        self.service.stdin.write('gap\n')
        self.service.stdin.flush()
        after = self.see('table row', holds='module-008, version').name
        harness.wait_until(lambda: self.see('table row', holds='module-008, version').name != after, 20, 'a change')

    def test_what_is_not_offered_says_so(self):
        self.stand_in('--modules=2', '--nodes=2')
        self.start(daemon=False)
        self.open_row('module-002, version')
        self.press('Drain…')
        self.press('Drain')
        self.see(holds='This daemon does not offer that')
        self.press('Details')
        self.see(holds='DrainModule is not offered here')

    def test_an_older_daemon_is_called_so(self):
        self.stand_in('--modules=2', '--nodes=2', '--deny=knowing')
        self.start(daemon=False)
        self.see(name='The Daemon Is Older than This App')
        self.see('push button', 'Copy Details')

    def test_a_daemon_that_comes_back_older_is_called_so(self):
        self.stand_in('--modules=2', '--nodes=2')
        self.start(daemon=False)
        self.see('table row', holds='module-002, version')
        self.end()
        self.see(holds='The daemon is gone; it is awaited.')
        self.stand_in('--modules=2', '--nodes=2', '--deny=knowing')
        # What was read from the other is still there, and said to be of then.
        self.see(holds='The daemon that is there now is older than this app. What you see was true')
        self.see('table row', holds='module-002, version')

    def test_every_column_sorts(self):
        self.stand_in('--modules=20', '--nodes=2')
        self.start(daemon=False)
        columns = {'Overview': ('Module', 'Health', 'Version', 'node-01', 'node-02'),
                   'Tools': ('Tool', 'Description', 'Module', 'Version', 'Calls', 'Errors', 'Updated'),
                   'Nodes': ('Node', 'State', 'Modules', 'Daemon', 'Last Seen', 'Address', 'What Is Wrong')}
        for place, titles in columns.items():
            self.go(place)
            for title in titles:
                self.see('label', title)
        # What is not in order is, and the other way round when it is pressed again.
        self.go('Tools')
        harness.wait_until(lambda: len(self.versions()) > 5, what='the rows')
        self.assertNotEqual(self.versions(), sorted(self.versions()))
        for is_turned in (False, True):
            time.sleep(0.5)  # two at once would be a double click, which is nothing to a header
            a11y.click(self.see('label', 'Version'), TITLE)
            harness.wait_until(lambda: self.versions() == sorted(self.versions(), reverse=is_turned), what='the order')

    def versions(self):
        return [row.split(', ')[1] for row in self.rows() if ' calls' in row]

    def test_who_may_not_look_is_told(self):
        self.stand_in('--modules=2', '--nodes=2', '--deny=looking')
        self.start(daemon=False)
        self.see(name='Not Allowed to Look')
        self.see('label', holds='NotAuthorized: You may not do that.')
        self.see('push button', 'Copy Details')

    def test_who_may_not_change_is_told_and_nothing_can_be_pressed(self):
        self.stand_in('--modules=2', '--nodes=2', '--deny=changing')
        self.start(daemon=False)
        self.see(holds='You may look, but not change everything.')
        self.open_row('module-002, version')
        for button in ('Reload…', 'Roll Back…', 'Unload…'):
            self.assertFalse(a11y.is_sensitive(self.see('push button', button)), button)
        a11y.hover(self.see('push button', 'Load Module'), TITLE)
        self.see(holds='You may not do that. Ask an administrator.')
        # That is no dead end: it can be asked for, and the answer is told.
        self.press('Unlock…')
        self.see(holds='Not authorised; nothing changed')
        self.see(holds='You may look, but not change everything.')
        self.see('label', holds='Running')

    def test_what_needs_a_password_can_be_unlocked(self):
        self.stand_in('--modules=2', '--nodes=2', '--deny=locked')
        self.start(daemon=False)
        self.open_row('module-002, version')
        self.see(holds='You may look, but not change everything.')
        self.assertFalse(a11y.is_sensitive(self.see('push button', 'Unload…')))
        self.press('Unlock…')
        self.unsee(holds='You may look, but not change everything.')
        self.press('Unload…')
        self.press('Unload')
        self.see(holds='This daemon does not offer that')


if __name__ == '__main__':
    unittest.main()
