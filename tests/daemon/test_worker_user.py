# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers of another user than the daemon's: what the file modes keep from that user
is kept from them, whatever else confines them."""

import errno
import os
import pwd
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from collet_harness import TestCase, example, module, wait_until

OWN = 'nobody'
OPEN = 'import os, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[2])); open(sys.argv[3], "rb")'


def status(pid):
    """/proc/PID/status by field."""
    lines = Path(f'/proc/{pid}/status').read_text(encoding='utf-8').splitlines()
    return {name: value.split() for name, _, value in (line.partition(':') for line in lines)}


def find(name, session):
    """Processes of that name in the session of the fork server of a daemon."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            if (folder / 'comm').read_text(encoding='utf-8').strip() == name and os.getsid(int(folder.name)) == session:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@unittest.skipUnless(os.geteuid() == 0, 'only root can start processes of others')
class WorkerUser(TestCase):
    def start(self, *arguments):
        return self.daemon('--set', f'node.worker-user={OWN}', *arguments)

    def assert_own(self, pid):
        user = pwd.getpwnam(OWN)
        facts = status(pid)
        self.assertEqual(facts['Uid'], [str(user.pw_uid)] * 4)
        self.assertEqual(facts['Gid'], [str(user.pw_gid)] * 4)
        self.assertEqual(facts['Groups'], [])
        self.assertEqual(facts['NoNewPrivs'], ['1'])
        for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
            self.assertEqual(int(facts[name][0], 16), 0, name)

    def test_has_nothing_of_the_daemons(self):
        daemon = self.start()
        daemon.load(module('burglar'))
        self.assertEqual(daemon.tool_value('burgle', {'way': 'nonsense'})['errno'], errno.EINVAL)
        self.assert_own(daemon.info('burglar')['Pid'])
        user = pwd.getpwnam(OWN)
        kept = [path for path in Path(daemon.data).rglob('*') if path.is_file()]
        self.assertIn(Path(daemon.data) / 'collet.db', kept)
        for path in kept:
            done = subprocess.run([sys.executable, '-c', OPEN, str(user.pw_gid), str(user.pw_uid), path], check=False,
                                  capture_output=True, text=True)
            self.assertIn('PermissionError', done.stderr, path)
        self.assertEqual(daemon.property('WorkerUser'), OWN)
        self.assertIn(f'Workers run as user {OWN}.', daemon.output())

    def test_is_ended_and_started_again(self):
        daemon = self.start()
        for name in ('hang-call', 'crash-call'):
            daemon.load(module(name))
        self.assertToolError(daemon.mcp().call('crash-call'), 'WorkerCrashed')
        self.assertToolError(daemon.mcp().call('crash-call'), 'WorkerCrashed')
        self.assertBusError('CallTimeout', daemon.call_tool, 'hang-call', timeout_ms=300)
        wait_until(lambda: daemon.info('hang-call')['Crashes'] == 1 and daemon.info('hang-call')['Pid'],
                   what='a new worker')
        self.assert_own(daemon.info('hang-call')['Pid'])
        daemon.load(example('calculator-1.0.0'))
        self.assertEqual(daemon.tool_value('add', {'a': 1, 'b': 2})['result'], 3)
        daemon.reload('calculator', example('calculator-1.1.0'))
        self.assertEqual(daemon.tool_value('add', {'a': 1, 'b': 2})['result'], 3)

    def test_a_trial_is_that_users_too(self):
        daemon = self.start()
        daemon.load(example('calculator-1.0.0'))
        daemon.tool_value('add', {'a': 1, 'b': 2})
        session = os.getsid(daemon.info('calculator')['Pid'])
        results = []
        thread = threading.Thread(target=lambda: results.append(daemon.validate(module('hang-constructor'))))
        thread.start()
        probe = wait_until(lambda: find('collet-probe', session), what='the trial')
        wait_until(lambda: status(probe[0])['Uid'][0] != '0', what='the change of its user')
        self.assert_own(probe[0])
        thread.join()
        self.assertFalse(results[0][0])
        self.assertIn('came to no end', results[0][2]['trial']['evidence'])
        self.assertEqual(find('collet-probe', session), [])

    def test_one_that_cannot_be_had_is_named_at_the_start(self):
        daemon = self.daemon('--set', 'node.worker-user=no-such-user', start=False)
        self.expected_exits.add(1)
        daemon.spawn()
        self.assertEqual(daemon.wait_exit(), 1)
        self.assertIn('InvalidArgument', daemon.output())
        self.assertIn('no-such-user', daemon.output())

    def test_without_one_it_is_the_daemons(self):
        try:
            pwd.getpwnam('collet-worker')
        except KeyError:
            daemon = self.daemon()
            self.assertEqual(daemon.property('WorkerUser'), 'root')
            self.assertIn("Workers run as the daemon's user: there is no user collet-worker", daemon.output())
        else:
            self.skipTest('Collet is installed here')


if __name__ == '__main__':
    unittest.main()
