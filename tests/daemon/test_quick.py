# SPDX-License-Identifier: LGPL-2.1-or-later
"""In-process modules that promise to be quick, called by the thread that read the request."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from collet_harness import TestCase, module, wait_until

TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'


class Quick(TestCase):
    def quick(self, name='echo-quick', *arguments):
        daemon = self.daemon(*arguments)
        daemon.load(module(name), host='in-process')
        return daemon

    def test_is_called_in_either_era_and_counted(self):
        daemon = self.quick('echo-quick', '--record-calls')
        self.assertEqual(daemon.info('echo')['Quick'], 'kept')
        for modern in (False, True):
            client = daemon.mcp(modern=modern)
            for n in range(50):
                self.assertEqual(client.value('echo', {'n': n}), {'n': n})
        reply = client.call('echo', {'n': 1}, _meta={'traceparent': f'00-{TRACE}-00f067aa0ba902b7-01'})
        self.assertEqual(reply['result']['structuredContent'], {'n': 1})
        info = daemon.info('echo')
        self.assertEqual((info['Calls'], info['Errors'], info['InFlight'], info['Quick']), (101, 0, 0, 'kept'))
        wait_until(lambda: daemon.sql('SELECT count (*) AS n FROM call_history')[0]['n'] == 101, what='the records')
        self.assertEqual(len(daemon.sql('SELECT 1 FROM call_history WHERE trace = ?', TRACE)), 1)

    def test_in_a_worker_means_nothing(self):
        daemon = self.daemon()
        daemon.load(module('echo-not-quick'))
        client = daemon.mcp()
        for n in range(5):
            client.value('echo', {'n': n})
        info = daemon.info('echo')
        self.assertEqual((info['Quick'], info['Verdict']), ('', 'ok'))

    def test_module_that_is_not_is_said_and_goes_on(self):
        daemon = self.quick('echo-not-quick')
        client = daemon.mcp()

        def is_broken():
            self.assertEqual(client.value('echo', {'n': 1}), {'n': 1})
            return daemon.info('echo')['Quick'] == 'broken'

        wait_until(is_broken, what='the end of its promise')
        info = daemon.info('echo')
        self.assertEqual(info['Verdict'], 'attention')
        self.assertIn('threads of its own', info['VerdictMessage'])
        self.assertIn('echo 1.2.0 says in its manifest that it is quick', daemon.output())
        client.connection.request('GET', '/metrics')
        self.assertIn(b'\ncollet_quick_promises_broken_total 1\n', client.connection.getresponse().read())
        # What comes next promises for itself.
        daemon.reload('echo', module('echo-quick'), host='in-process', allow_breaking=True)
        self.assertEqual(client.value('echo', {'n': 2}), {'n': 2})
        self.assertEqual(daemon.info('echo')['Quick'], 'kept')
        self.assertEqual(daemon.info('echo')['Verdict'], 'ok')

    def test_calls_keep_their_limits_of_time(self):
        daemon = self.quick('echo-until-told', '--set', 'limits.call-timeout-s=1')
        client = daemon.mcp()
        self.assertIn('error', client.call('echo', {}))
        self.assertEqual(daemon.info('echo')['Quick'], 'broken')

    def test_calls_are_not_lost_by_reloads(self):
        daemon = self.quick()
        clients = [daemon.mcp() for _ in range(4)]

        def work(client):
            for n in range(300):
                self.assertEqual(client.value('echo', {'n': n}), {'n': n})

        with ThreadPoolExecutor(4) as pool:
            work_done = [pool.submit(work, client) for client in clients]
            for n in range(6):
                daemon.reload('echo', module('echo-1.0.0' if n % 2 == 0 else 'echo-quick'), host='in-process',
                              allow_breaking=True)
            for future in work_done:
                future.result()
        self.assertEqual(daemon.info('echo')['LiveGenerations'], 1)

    def test_canary_is_called_so_too(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'), host='in-process')
        daemon.begin_reload('echo', module('echo-quick'), host='in-process', canary_percent=100,
                            allow_breaking=True)
        client = daemon.mcp()
        wait_until(lambda: client.call('echo', {})['result']['_meta']['org.collet/version'] == '1.1.0',
                   what='the canary')
        rows = {row['semantic-version']: row for row in daemon.call('GetCallStatistics', '(sa{sv})', 'echo', {})}
        self.assertGreater(rows['1.1.0']['calls'], 0)
        daemon.call('PromoteRollout', '(sa{sv})', 'echo', {})
        wait_until(lambda: daemon.info('echo')['Quick'] == 'kept', what='the promotion')


if __name__ == '__main__':
    unittest.main()
