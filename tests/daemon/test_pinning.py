# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that ask for a version of a tool's module."""

import hashlib
import threading
import unittest

from collet_harness import RELOAD, TestCase, module, wait_until
from test_loading import sha256

OLD, NEW = '1.0.0', '2.0.0'
KEY = 'org.collet/version'
YES = {'action': 'accept', 'content': {'a': 'b'}}


def pin(version):
    return {'_meta': {KEY: version}}


class Pinned(TestCase):
    def eras(self, daemon):
        for modern in (False, True):
            with self.subTest(modern=modern):
                yield daemon.mcp(modern)

    def version(self, message):
        self.assertIn('result', message)
        return message['result']['_meta'][KEY]

    def assertMismatch(self, message):
        self.assertEqual((message['error']['code'], message['error']['data']['reason']), (-32603, 'VersionMismatch'))
        return message['error']['message']

    def in_canary(self, daemon, old, new, name):
        daemon.load(module(old))
        path = daemon.begin_reload(name, module(new), canary_callers=['early'])
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'canary')
        return path

    def test_choose_a_side_of_a_canary(self):
        daemon = self.daemon()
        path = self.in_canary(daemon, 'echo-1.0.0', 'echo-2.0.0', 'echo')
        names = {OLD: module('echo-1.0.0'), NEW: module('echo-2.0.0')}
        for client in self.eras(daemon):
            for version, file in names.items():
                with open(file, 'rb') as artifact:
                    md5 = hashlib.md5(artifact.read()).hexdigest()
                for name in (version, sha256(file), sha256(file)[:12].upper(), md5):
                    self.assertEqual(self.version(client.call('echo', {'x': 1}, **pin(name))), version)
                    reply = client.rpc('tools/call', {'name': 'echo', 'arguments': {}},
                                       headers={'Collet-Version': name})
                    self.assertEqual(self.version(reply.json), version)
            self.assertEqual(self.version(client.call('echo')), OLD)
            message = self.assertMismatch(client.call('echo', **pin('3.0.0')))
            self.assertIn(f'{NEW} ({sha256(names[NEW])[:12]})', message)
            self.assertMismatch(client.call('echo', **pin(sha256(names[OLD])[:5])))
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)
        for client in self.eras(daemon):
            self.assertNotIn(NEW + ' (', self.assertMismatch(client.call('echo', **pin(NEW))))

    def test_are_answered_by_what_drains_until_it_is_gone(self):
        daemon = self.daemon()
        daemon.load(module('echo-slower'))
        answers = {}

        def call(key, client, **params):
            answers[key] = client.call('echo', {'x': 1}, **params)

        clients = [daemon.mcp(), daemon.mcp(True)]
        threads = [threading.Thread(target=call, args=('first', daemon.mcp()))]
        threads[0].start()
        wait_until(lambda: daemon.info('echo')['InFlight'] == 1)
        path = daemon.begin_reload('echo', module('echo-1.0.0'), drain_timeout_ms=60000)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'drain')
        for client in clients:
            threads.append(threading.Thread(target=call, args=(client.modern, client), kwargs=pin('3.1.0')))
            threads[-1].start()
        self.assertEqual(self.version(daemon.mcp().call('echo')), OLD)
        for thread in threads:
            thread.join(30)
        self.assertEqual({self.version(answer) for answer in answers.values()}, {'3.1.0'})
        self.assertEqual(len(answers), 3)
        self.assertEqual(daemon.wait(path)['State'], 'succeeded')
        for client in clients:
            self.assertMismatch(client.call('echo', **pin('3.1.0')))
            self.assertEqual(self.version(client.call('echo', **pin(OLD))), OLD)

    def test_do_not_reach_what_is_only_prepared(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        daemon.prepare('echo', module('echo-2.0.0'))
        for client in self.eras(daemon):
            self.assertMismatch(client.call('echo', **pin(NEW)))

    def test_answers_go_back_to_the_version_that_asked(self):
        daemon = self.daemon()
        path = self.in_canary(daemon, 'asker-1.0.0', 'asker-2.0.0', 'asker')
        client = daemon.mcp(True)
        client.capabilities = {'elicitation': {}}
        result = client.call('ask', **pin(NEW))['result']
        self.assertEqual(result['inputRequests']['q']['params']['message'], 'of ' + NEW)
        answer = {'inputResponses': {'q': YES}, 'requestState': result['requestState']}
        value = client.call('ask', **answer)['result']['structuredContent']
        self.assertEqual(value, {'by': NEW, 'reply': {'a': 'b'}, 'state': 'of ' + NEW})
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.assertBusError('Cancelled', daemon.wait, path)
        # It is gone: what serves asks for itself.
        result = client.call('ask', **answer)['result']
        self.assertEqual(result['inputRequests']['q']['params']['message'], 'of ' + OLD)


if __name__ == '__main__':
    unittest.main()
