# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control groups: where the daemon has one of its own to share out, each worker's
memory is bounded as a whole, with what it holds without mapping it."""

import os
import unittest
from pathlib import Path

from collet_harness import IS_SANITIZED, TestCase, example, module, wait_until

ROOT = Path('/sys/fs/cgroup')


def can_delegate():
    """As Delegate=yes in a unit does it, by hand."""
    controllers = ROOT / 'cgroup.controllers'
    return os.geteuid() == 0 and controllers.exists() and {'memory', 'pids'} <= set(controllers.read_text().split())


@unittest.skipIf(IS_SANITIZED, 'a sanitized worker has no limit on memory')
@unittest.skipUnless(can_delegate(), 'there is no cgroup v2 with memory and pids, or this is not root')
class Delegation(TestCase):
    def setUp(self):
        super().setUp()
        (ROOT / 'cgroup.subtree_control').write_text('+memory +pids')
        self.group = ROOT / f'collet-test-{os.getpid()}'
        self.group.mkdir()
        os.setxattr(self.group, 'user.delegate', b'1')
        self.addCleanup(self.remove_group)

    def remove_group(self):
        for folder in [*self.group.iterdir(), self.group]:
            if folder.is_dir():
                wait_until(lambda folder=folder: (folder / 'cgroup.events').read_text().startswith('populated 0'))
                folder.rmdir()

    def start_in_group(self, *arguments):
        home = next(line for line in Path('/proc/self/cgroup').read_text().splitlines() if line.startswith('0::'))[3:]
        (self.group / 'cgroup.procs').write_text('0')
        try:
            daemon = self.daemon(*arguments, start=False).spawn()
        finally:
            Path(f'{ROOT}{home}/cgroup.procs').write_text('0')
        wait_until(lambda: ' is ready' in daemon.output(), what='the start')
        return daemon

    def workers(self):
        return [folder for folder in self.group.glob('worker-*') if (folder / 'cgroup.procs').read_text()]

    def test_bounds_each_worker_as_a_whole(self):
        daemon = self.start_in_group('--worker-memory=256')
        self.assertEqual(len((self.group / 'daemon' / 'cgroup.procs').read_text().split()), 2)
        daemon.load(example('calculator-1.0.0'))
        daemon.load(module('burglar'))
        self.assertEqual(daemon.tool_value('add', {'a': 1, 'b': 2})['result'], 3)
        daemon.tool_value('burgle', {'way': 'nonsense'})
        groups = self.workers()
        self.assertEqual(len(groups), 2)
        for group in groups:
            self.assertEqual((group / 'memory.max').read_text().strip(), str(256 << 20))
        # Files in memory, which no rlimit counts together.
        self.assertToolError(daemon.mcp().call('burgle', {'way': 'disk'}), 'WorkerCrashed')
        self.assertEqual(daemon.tool_value('add', {'a': 1, 'b': 2})['result'], 3)
        # What is over leaves nothing behind.
        for name in ('burglar', 'calculator'):
            daemon.unload(name)
        wait_until(lambda: not list(self.group.glob('worker-*')), what='the end of the groups')


if __name__ == '__main__':
    unittest.main()
