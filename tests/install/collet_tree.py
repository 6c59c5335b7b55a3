# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` gives, moved to another folder than it was configured for, with a space in its name."""

import os
import shutil
import subprocess

BUILD = os.environ['COLLET_BUILD']
PREFIX = os.environ['COLLET_PREFIX']


class Tree:
    def __init__(self, folder):
        """folder: where to; it is removed by the caller."""
        staged = os.path.join(folder, 'staged')
        done = subprocess.run([os.environ['COLLET_MESON'], 'install', '-C', BUILD, '--no-rebuild', '--quiet',
                               '--destdir', staged], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.root = os.path.join(folder, 'another place')
        os.rename(staged + PREFIX, self.root)
        self.outside = [os.path.join(at, name) for at, _, names in os.walk(staged) for name in names]
        shutil.rmtree(staged)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def files(self):
        """All, relative to the root."""
        return sorted(os.path.relpath(os.path.join(at, name), self.root)
                      for at, _, names in os.walk(self.root) for name in names)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()


def german(folder):
    """The environment of a German reader. Newer C libraries translate nothing in a C locale, so one is made."""
    locales = os.path.join(folder, 'locales')
    if not os.path.exists(locales):
        os.mkdir(locales)
        subprocess.run(['localedef', '-i', 'de_DE', '-f', 'UTF-8', os.path.join(locales, 'de_DE.UTF-8')], check=True,
                       capture_output=True)
    return {'LANGUAGE': 'de', 'LC_ALL': 'de_DE.UTF-8', 'LOCPATH': locales}
