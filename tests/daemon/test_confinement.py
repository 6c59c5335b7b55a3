# SPDX-License-Identifier: LGPL-2.1-or-later
"""A module that tries to get out of its worker, by every way it can think of: each
is refused, or ends in a crash that has a name, and everybody else goes on."""

import errno
import os
import signal
import socket
import subprocess
import threading
import unittest

from collet_harness import IS_SANITIZED, TestCase, example, module, wait_until

REFUSED = (errno.EPERM, errno.EACCES, errno.ENOSYS)


class Confinement(TestCase):
    def start(self, *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(module('burglar'))
        daemon.load(example('calculator-1.0.0'))
        return daemon

    def burgle(self, daemon, way, **more):
        """The errno it met; None: it did not live to tell, and the call said so by name."""
        answer = daemon.mcp().call('burgle', {'way': way, **more})
        if 'error' in answer:
            self.assertEqual(answer['error']['data']['reason'], 'WorkerCrashed', answer)
            return None
        return answer['result']['structuredContent']['errno']

    def assert_all_well(self, daemon):
        """The daemon and another module's worker do not notice; the burglar is started again."""
        self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 2})['result'], 3)
        self.assertEqual(self.burgle(daemon, 'nonsense'), errno.EINVAL)

    def test_what_is_not_its_own_is_refused(self):
        daemon = self.start()
        for way in ('shadow', 'tmp', 'daemon-memory', 'ptrace', 'signal', 'fork', 'exec', 'setuid'):
            with self.subTest(way=way):
                self.assertIn(self.burgle(daemon, way), REFUSED)
        self.assertFalse(os.path.exists('/tmp/collet-burglar'))
        self.assert_all_well(daemon)

    def refusals(self, daemon):
        return dict(daemon.info('burglar')['Refusals'])

    def test_what_is_refused_is_told_by_name(self):
        daemon = self.start()
        self.assertEqual(daemon.info('burglar')['Verdict'], 'ok')
        for way, call in (('ptrace', 'ptrace'), ('signal', 'kill'), ('fork', 'clone'), ('exec', 'execve'),
                          ('setuid', 'setuid'), ('connect', 'socket')):
            with self.subTest(way=way):
                self.assertNotIn(call, self.refusals(daemon))
                self.assertIn(self.burgle(daemon, way, port=1), REFUSED)
                wait_until(lambda call=call: self.refusals(daemon).get(call) == 1, what='the refusal')
                self.assertIn(f'burglar 1.0.0: WorkerConfined: It called {call}, which', daemon.output())
                self.assert_all_well(daemon)
        info = daemon.info('burglar')
        self.assertEqual(info['Verdict'], 'attention')
        self.assertIn('It called ptrace, kill, clone', info['VerdictMessage'])
        self.assertEqual(daemon.info('calculator')['Refusals'], [])
        self.assertEqual(daemon.info('calculator')['Verdict'], 'ok')
        shown = subprocess.run([os.environ['COLLETCTL'], '--session', 'modules', 'burglar'], capture_output=True,
                               text=True, timeout=60, check=True,
                               env={'DBUS_SESSION_BUS_ADDRESS': daemon.bus.address, 'LC_ALL': 'C.UTF-8',
                                    'PATH': '/usr/bin'}).stdout
        self.assertRegex(shown, r'refused +ptrace, once\n')

    def test_it_is_told_once_and_counted_also_over_a_restart(self):
        daemon = self.start()
        for _ in range(5):
            self.burgle(daemon, 'connect', port=1)
        os.kill(daemon.info('burglar')['Pid'], signal.SIGKILL)
        wait_until(lambda: self.refusals(daemon).get('socket') == 5, what='the number')
        wait_until(lambda: self.burgle(daemon, 'connect', port=1) in REFUSED, what='the restart')
        wait_until(lambda: self.refusals(daemon)['socket'] == 6, what='the number')
        self.assertEqual(daemon.output().count('WorkerConfined'), 1)
        # Another generation is another matter.
        daemon.load(module('burglar-early'))
        wait_until(lambda: self.refusals(daemon) == {'socket': 1, 'ptrace': 1}, what='what the new one did')
        self.assertEqual(daemon.output().count('WorkerConfined'), 3)

    def test_what_is_refused_in_the_trial_is_evidence(self):
        daemon = self.daemon()
        valid, _facts, checks = daemon.validate(module('burglar-early'))
        self.assertTrue(valid)
        self.assertEqual(checks['confinement']['outcome'], 'warning')
        self.assertIn('It called socket and ptrace, which', checks['confinement']['evidence'])
        self.assertIn('[trust] network', checks['confinement']['remedy'])
        self.assertNotIn('confinement', daemon.validate(module('burglar'))[2])

    def test_a_temporary_file_is_one_in_memory(self):
        daemon = self.start()
        self.assertEqual(self.burgle(daemon, 'tmpfile'), 0)

    @unittest.skipIf(IS_SANITIZED, 'a sanitized worker has no limit on memory')
    def test_it_can_use_up_only_itself(self):
        daemon = self.start('--worker-memory=256')
        for way in ('threads', 'memory', 'files'):
            with self.subTest(way=way):
                self.assertIn(self.burgle(daemon, way), (errno.ENOMEM, errno.EAGAIN, errno.EMFILE, None))
                self.assert_all_well(daemon)

    def listen(self):
        """A port of this machine that takes connections; how many it took."""
        server = socket.create_server(('127.0.0.1', 0))
        taken = []

        def serve():
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
                taken.append(1)

        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(server.close)
        return server.getsockname()[1], taken

    def test_the_network_takes_both_manifest_and_policy(self):
        port, taken = self.listen()
        daemon = self.start()
        self.assertIn(self.burgle(daemon, 'connect', port=port), REFUSED)
        self.assertEqual(taken, [])
        valid, _facts, checks = daemon.validate(module('burglar'))
        self.assertTrue(valid)
        self.assertEqual(checks['network']['outcome'], 'warning')
        self.assertIn('colletd.conf', checks['network']['remedy'])
        daemon.stop()

        allowed = self.daemon('--set', 'trust.network=other;burglar')
        self.assertEqual(self.burgle(allowed, 'connect', port=port), 0)
        wait_until(lambda: len(taken) == 1, what='the connection to be taken')
        self.assertEqual(allowed.validate(module('burglar'))[2]['network']['outcome'], 'passed')
        self.assertNotIn('network', allowed.validate(example('calculator-1.0.0'))[2])

    def test_a_wrong_rule_of_trust_is_told_at_the_start(self):
        daemon = self.daemon('--set', 'trust.rule=some', start=False)
        self.expected_exits.add(1)
        daemon.spawn()
        self.assertEqual(daemon.wait_exit(), 1)
        self.assertIn('InvalidArgument', daemon.output())
        self.assertIn('"some"', daemon.output())


if __name__ == '__main__':
    unittest.main()
