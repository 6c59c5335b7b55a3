# SPDX-License-Identifier: LGPL-2.1-or-later
"""A demonstration that is ended by a signal leaves nothing behind and says so: no process, no
folder, no port, no mount; whatever it was at."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from collet_harness import adopt_orphans, children_of, describe, descendants, reap, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ['COLLET_BUILD']
LAST = 'demo: stopped. Nothing that it started is left.'
SLOW_BUILD = '#!/bin/sh\nmktemp; echo building; sleep 600 & sleep 600\n'


class DemoEnds(unittest.TestCase):
    def setUp(self):
        adopt_orphans()
        self.folder = tempfile.mkdtemp(prefix='collet-end-')

    def tearDown(self):
        for pid in descendants(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        reap()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *command):
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder,
                                env=os.environ | {'TMPDIR': self.folder}, start_new_session=True)

    def demo(self, *arguments):
        if shutil.which('etcd') is None:
            self.skipTest('etcd is not installed')
        return self.start('/usr/bin/python3', f'{ROOT}/scripts/demo-cluster.py', BUILD, '--cluster', '3', '--etcd', '1',
                          '--seconds', '0.2', *arguments)

    def read_until(self, demo, text):
        for line in demo.stdout:
            if text in line:
                return
        self.fail(f'it ended with {demo.wait()} before it said "{text}"')

    def left(self):
        reap()
        return [describe(pid) for pid in descendants(os.getpid())]

    def end(self, demo, status):
        """What it said from here on; nothing of it is left."""
        text = demo.stdout.read()
        self.assertEqual(demo.wait(60), status, text)
        demo.stdout.close()
        # Whoever asks is told at once, but processes of a killed one take their time.
        wait_until(lambda: not self.left(), 20, f'the end of {self.left()}')
        self.assertEqual(os.listdir(self.folder), [])
        with open('/proc/self/mountinfo', encoding='utf-8') as mounts:
            self.assertNotIn(self.folder, mounts.read())
        return text

    def stop_at(self, text, number, status, *arguments, demo=None):
        demo = demo or self.demo(*arguments)
        self.read_until(demo, text)
        demo.send_signal(number)
        said = self.end(demo, status).splitlines()
        self.assertEqual(said[-1], LAST)
        self.assertIn(f'demo: {number.name}, ending what was started', said)
        self.assertNotIn('had to be killed', '\n'.join(said))
        self.assertNotIn('Traceback', '\n'.join(said))
        self.assertNotIn('Checks', said)  # it was not at its end anyway

    def test_while_the_nodes_start(self):
        self.stop_at('Starting 1 members', signal.SIGTERM, 143)

    def test_under_load(self):
        self.stop_at('sync_all: n1 is asked', signal.SIGINT, 130)

    def test_while_a_node_is_held_up(self):
        self.stop_at('The coordinator dies', signal.SIGTERM, 143)

    def test_when_it_serves(self):
        self.stop_at('Ctrl-C ends it.', signal.SIGINT, 0, '--serve')

    def test_one_without_a_cluster(self):
        self.stop_at('Reloads under load', signal.SIGHUP, 129,
                     demo=self.start('/usr/bin/python3', f'{ROOT}/scripts/demo-run.py', BUILD))

    def test_twice_is_no_more_than_once(self):
        demo = self.demo()
        self.read_until(demo, 'A refused artifact')
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            demo.send_signal(number)
        self.assertEqual(self.end(demo, 130).splitlines()[-1], LAST)

    def test_when_it_is_killed(self):
        demo = self.demo()
        self.read_until(demo, 'quorum: n3 is stopped')
        os.killpg(demo.pid, signal.SIGKILL)
        said = self.end(demo, -9).splitlines()
        self.assertEqual(said[-1], LAST)
        self.assertNotIn('Checks', said)

    def test_when_the_process_that_runs_it_is_killed(self):
        demo = self.demo()
        self.read_until(demo, 'quorum: n3 is stopped')
        os.kill(children_of(demo.pid)[0], signal.SIGKILL)
        said = self.end(demo, 137).splitlines()
        self.assertIn('demo: its process was ended by SIGKILL', said)
        self.assertEqual(said[-1], LAST)

    def slow_build(self):
        scripts = os.path.join(self.folder, 'scripts')
        os.mkdir(scripts)
        shutil.copy(f'{ROOT}/scripts/demo', scripts)
        for name, text in (('setup', '#!/bin/sh\n'), ('build', SLOW_BUILD)):
            with open(os.path.join(scripts, name), 'w', encoding='ascii') as file:
                file.write(text)
            os.chmod(file.name, 0o755)
        return os.path.join(scripts, 'demo')

    def test_while_it_is_built(self):
        """With what stands in for the compiler, as long as it is told to."""
        script = self.slow_build()
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            demo = self.start(script, '--cluster', '3')
            self.read_until(demo, 'building')
            demo.send_signal(number)
            text = demo.stdout.read()
            self.assertEqual(demo.wait(30), status, text)
            demo.stdout.close()
            self.assertEqual(text.splitlines()[-1], f'demo: {number.name} before anything was started: stopped. '
                                                    'What was compiled stays in build/debug.')
            wait_until(lambda: not self.left(), 20, 'the end of what builds')
            self.assertEqual(os.listdir(self.folder), ['scripts'])


if __name__ == '__main__':
    sys.exit(unittest.main())
