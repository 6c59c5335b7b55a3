# SPDX-License-Identifier: LGPL-2.1-or-later
"""The app out of a tree that was moved: it speaks the reader's language by itself, and has its settings where
XDG_DATA_DIRS leads to them."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ['COLLET_SOURCE'], 'tests', 'gui'))
from collet_tree import Tree, german  # noqa: E402

FOLDER = tempfile.mkdtemp(prefix='collet-install-')
atexit.register(shutil.rmtree, FOLDER)
TREE = Tree(FOLDER)
SHARE = TREE.path('share')
# What a package does after it was unpacked.
subprocess.run(['glib-compile-schemas', os.path.join(SHARE, 'glib-2.0', 'schemas')], check=True)
for name in ('GSETTINGS_SCHEMA_DIR', 'COLLET_LOCALE_DIR', 'COLLET_WORKER'):
    os.environ.pop(name, None)
os.environ |= {'COLLET_APP': TREE.path('bin', 'collet'), 'COLLETD': TREE.path('bin', 'colletd')}

import a11y  # noqa: E402
from collet_app import AppCase  # noqa: E402


class Moved(AppCase):
    def look(self, **environment):
        """In German; whether anything in the preferences can be set."""
        self.environment = german(FOLDER) | environment
        self.start()
        self.see(name='Keine Module')
        a11y.key('ctrl+comma')
        node = self.see(name='Farben')
        while node != self.app and a11y.is_sensitive(node):
            node = node.parent
        return node == self.app

    def test_finds_settings_and_speaks_the_language(self):
        self.assertTrue(self.look(XDG_DATA_DIRS=f'{SHARE}:/usr/local/share:/usr/share'))

    def test_runs_without_settings_where_nobody_says_where_they_are(self):
        self.assertFalse(self.look(XDG_DATA_DIRS=self.machine()))

    @staticmethod
    def machine():
        """/usr/share, less the settings of a Collet that may be installed there."""
        share, schemas = os.path.join(FOLDER, 'share'), os.path.join('glib-2.0', 'schemas')
        os.makedirs(os.path.join(share, schemas))
        for part in os.scandir('/usr/share'):
            if part.name != 'glib-2.0':
                os.symlink(part.path, os.path.join(share, part.name))
        for schema in os.scandir(os.path.join('/usr/share', schemas)):
            if schema.name.endswith('.xml') and 'collet' not in schema.name:
                os.symlink(schema.path, os.path.join(share, schemas, schema.name))
        subprocess.run(['glib-compile-schemas', os.path.join(share, schemas)], check=True)
        return share

    def test_is_a_program_of_the_desktop(self):
        """As its launcher finds it: by the entry, whose icon is a file of the theme."""
        entry = TREE.path('share', 'applications', 'org.collet.Collet.desktop')
        subprocess.run(['desktop-file-validate', entry], check=True)
        with open(entry, encoding='utf-8') as file:
            words = dict(line.rstrip().split('=', 1) for line in file if '=' in line)
        self.assertEqual(words['Exec'].split()[0], 'collet')
        self.assertTrue(os.path.exists(TREE.path('share/icons/hicolor/scalable/apps', words['Icon'] + '.svg')))


if __name__ == '__main__':
    unittest.main()
