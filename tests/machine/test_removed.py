# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is left of the packages after dpkg removed them; see test_installed.py."""

import os
import subprocess
import unittest
from pathlib import Path

from test_installed import SOCKET, run


class Removed(unittest.TestCase):
    def processes(self):
        return subprocess.run(['pgrep', '-u', 'collet'], check=False, capture_output=True, text=True).stdout

    def test_1_removing_ends_it_and_keeps_what_it_knows(self):
        run('dpkg', '-r', 'colletd', timeout=300)
        self.assertEqual(self.processes(), '')
        self.assertFalse(os.path.exists(SOCKET))
        self.assertTrue(os.path.exists('/var/lib/collet/collet.db'))

    def test_2_purging_leaves_nothing(self):
        run('dpkg', '--purge', 'colletd', timeout=300)
        run('systemctl', 'daemon-reload')
        found = run('find', '/etc', '/run', '/usr', '/var', '-xdev', '-iname', '*collet*').split()
        # What Debian keeps of every package, and the log.
        self.assertEqual([path for path in found if not path.startswith(('/var/log/', '/run/systemd/'))], [])
        self.assertNotIn('collet', run('systemctl', 'list-unit-files', '--no-pager'))
        self.assertEqual(list(Path('/etc/systemd').rglob('*colletd*')), [])


if __name__ == '__main__':
    unittest.main()
