# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls in the form of the version before are taken over for a time after a
breaking change; calls are checked by what runs them."""

import json
import re
import threading
import time
import unittest
import urllib.request

from collet_harness import RELOAD, BusError, TestCase, module, variants, wait_until
from test_canary import promote
from test_loading import sha256

OLD = {'place': 'Oslo', 'unit': 'C', 'verbose': True}
TAKEN_OVER = {'city': 'Oslo', 'unit': 'celsius', 'days': 1}


class Former(TestCase):
    def weather(self, *arguments, **options):
        daemon = self.daemon(*arguments)
        daemon.load(module('weather-1.0.0'))
        daemon.reload('weather', module('weather-2.0.0'), allow_breaking=True, **options)
        return daemon

    def refused(self, client, tool, arguments):
        """The text of a call that was answered with isError."""
        result = client.call(tool, arguments)['result']
        self.assertTrue(result['isError'], result)
        return result['content'][0]['text']

    def test_old_arguments_are_taken_over_and_it_is_said(self):
        daemon = self.weather()
        for client in (daemon.mcp(), daemon.mcp(modern=True)):
            result = client.call('forecast', OLD)['result']
            self.assertEqual(result['structuredContent'], TAKEN_OVER)
            note = result['_meta']['org.collet/former']
            self.assertEqual(note['version'], '1.0.0')
            self.assertRegex(note['acceptedUntil'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
            self.assertEqual(result['_meta']['org.collet/version'], '2.0.0')
        answer = json.loads(daemon.call('CallTool', '(ssa{sv})', 'forecast', json.dumps(OLD), {}))
        self.assertEqual((answer['structuredContent'], answer['_meta']['org.collet/former']['version']),
                         (TAKEN_OVER, '1.0.0'))
        self.assertEqual(daemon.info('weather')['FormerCalls'], 3)
        self.assertEqual(daemon.call('GetTool', '(s)', 'forecast')['FormerCalls'], 3)
        with urllib.request.urlopen(f'http://127.0.0.1:{daemon.port}/metrics') as reply:
            self.assertIn('collet_tool_former_calls_total{tool="forecast"} 3', reply.read().decode())

    def test_present_arguments_are_passed_on_byte_for_byte(self):
        daemon = self.weather()
        text = '{ "days":1.0,  "city" : "Bod\\u00f8" }'
        client = daemon.mcp()
        client.initialize()
        reply = client.post(f'{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":'
                            f'{{"name":"forecast","arguments":{text}}}}}'.encode())
        self.assertIn(text.encode(), reply.body)
        self.assertNotIn('org.collet/former', reply.json['result']['_meta'])
        self.assertEqual(daemon.info('weather')['FormerCalls'], 0)

    def test_a_tool_is_reached_by_its_former_name_and_not_listed_under_it(self):
        daemon = self.weather()
        client = daemon.mcp()
        self.assertEqual([tool['name'] for tool in client.tools()], ['find', 'forecast'])
        result = client.call('look_up', {'name': 'x'})['result']
        self.assertEqual((result['structuredContent'], result['_meta']['org.collet/former']['version']),
                         ({'name': 'x'}, '1.0.0'))
        self.assertNotIn('org.collet/former', client.call('find', {'name': 'x'})['result']['_meta'])
        self.assertEqual(daemon.call('GetTool', '(s)', 'find')['FormerCalls'], 1)
        # Whoever serves a tool of that name has it.
        daemon.call('RegisterTool', '(sssa{sv})', 'look_up', 'weather', 'forecast', {})
        self.assertIn('/name: is not allowed', self.refused(client, 'look_up', {'name': 'x'}))

    def test_what_fits_neither_form_is_refused_by_the_present_one(self):
        daemon = self.weather()
        client = daemon.mcp()
        text = self.refused(client, 'forecast', {'place': 5})
        self.assertNotIn('1.0.0', text)
        # Right before, and still not to be taken over: the two names at once do not fit the old form either.
        self.assertNotIn('1.0.0', self.refused(client, 'forecast', OLD | {'city': 'Bergen'}))
        self.assertEqual(daemon.info('weather')['FormerCalls'], 0)

    def test_without_a_way_it_is_said_that_the_call_was_right_before(self):
        daemon = self.daemon()
        daemon.load(module('weather-1.0.0'))
        daemon.reload('weather', module('weather-4.0.0'), allow_breaking=True)
        text = self.refused(daemon.mcp(), 'forecast', OLD)
        self.assertIn('form of version 1.0.0, which was replaced', text)
        self.assertIn('List the tools again', text)

    def test_the_time_ends(self):
        daemon = self.weather(grace_ms=1500)
        client = daemon.mcp()
        self.assertEqual(client.value('forecast', OLD), TAKEN_OVER)
        wait_until(lambda: client.call('forecast', OLD)['result'].get('isError'), 10)
        self.assertEqual(client.call('look_up', {'name': 'x'})['error']['data']['reason'], 'ToolNotFound')
        self.assertEqual(client.value('forecast', TAKEN_OVER), TAKEN_OVER)
        self.assertEqual(daemon.sql('SELECT module, version, is_open FROM former_versions'),
                         [{'module': 'weather', 'version': '1.0.0', 'is_open': 0}])

    def test_none_is_given_if_none_is_asked_for(self):
        daemon = self.weather('--set', 'node.grace-s=0')
        self.assertTrue(daemon.mcp().call('forecast', OLD)['result']['isError'])
        daemon.rollback('weather')
        daemon.arguments.clear()
        daemon.restart()
        daemon.reload('weather', module('weather-2.0.0'), allow_breaking=True, grace_ms=0)
        self.assertTrue(daemon.mcp().call('forecast', OLD)['result']['isError'])
        self.assertEqual(daemon.info('weather')['FormerVersions'], [])

    def test_it_survives_restart_and_kill(self):
        daemon = self.weather()
        before = daemon.info('weather')['FormerVersions']
        self.assertEqual([version for version, _ in before], [sha256(module('weather-1.0.0'))])
        self.assertAlmostEqual(before[0][1] / 1e6, time.time() + 600, delta=60)
        daemon.restart()
        self.assertEqual(daemon.info('weather')['FormerVersions'], before)
        daemon.process.kill()
        daemon.wait_exit()
        daemon.start()
        self.assertEqual(daemon.mcp().value('forecast', OLD), TAKEN_OVER)
        self.assertEqual(daemon.mcp().value('look_up', {'name': 'x'}), {'name': 'x'})

    def test_the_way_back_ends_it_and_an_unload_forgets_it(self):
        daemon = self.weather()
        daemon.rollback('weather')
        former = [version for version, _ in daemon.info('weather')['FormerVersions']]
        self.assertEqual(former, [sha256(module('weather-2.0.0'))])
        self.assertEqual(daemon.mcp().value('forecast', OLD), OLD)
        daemon.unload('weather')
        self.assertEqual(daemon.sql('SELECT * FROM former_version'), [])
        daemon.load(module('weather-2.0.0'))
        self.assertEqual(daemon.info('weather')['FormerVersions'], [])

    def test_what_is_to_be_taken_over_is_not_removed(self):
        daemon = self.daemon('--set', 'retention.versions=0')
        daemon.load(module('weather-1.0.0'))
        daemon.reload('weather', module('weather-2.0.0'), allow_breaking=True)
        daemon.reload('weather', module('weather-3.0.0'), allow_breaking=True)
        daemon.rollback('weather')
        time.sleep(1)  # the housekeeper looks half a second after a version came
        self.assertEqual(len(daemon.sql("SELECT * FROM artifact WHERE module = 'weather'")), 3)
        daemon.restart()
        self.assertEqual(daemon.mcp().value('forecast', OLD), TAKEN_OVER)

    def test_a_way_that_leads_nowhere_is_warned_of(self):
        daemon = self.weather()
        checks = {row['check']: row for row in
                  daemon.call('ValidateModule', '(sa{sv})', module('weather-3.0.0'), {})[2]}
        self.assertEqual(checks['former-calls']['outcome'], 'warning')
        self.assertIn('"hours" is required', checks['former-calls']['evidence'])
        self.assertNotEqual(checks['former-calls']['remedy'], '')
        daemon.rollback('weather')
        checks = {row['check']: row for row in
                  daemon.call('ValidateModule', '(sa{sv})', module('weather-2.0.0'), {})[2]}
        self.assertEqual(checks['former-calls']['outcome'], 'passed')
        verdict = daemon.reload('weather', module('weather-2.0.0'), allow_breaking=True)['Items'][0]
        self.assertIn('tool "forecast": calls as before are taken over for a time', verdict['differences'])

    def test_a_prepared_version_has_its_time_from_the_commit_on(self):
        daemon = self.daemon()
        daemon.load(module('weather-1.0.0'))
        path, version = daemon.prepare('weather', module('weather-2.0.0'), allow_breaking=True, grace_ms=60000)
        self.assertEqual(daemon.mcp().value('forecast', OLD), OLD)
        # On trial it is called as it is.
        self.assertBusError('InvalidArguments', daemon.call, 'CallPrepared', '(ssssa{sv})', 'weather', version,
                            'forecast', json.dumps(OLD), {})
        daemon.call('CommitReload', '(ssa{sv})', 'weather', version, {})
        daemon.wait(path)
        self.assertEqual(daemon.mcp().value('forecast', OLD), TAKEN_OVER)


class Canaries(TestCase):
    """Who gets a canary calls it by the list of the published version."""

    def canary(self, name, **options):
        daemon = self.daemon()
        daemon.load(module('weather-1.0.0'))
        path = daemon.begin_reload('weather', module(name), canary_percent=100, allow_breaking=True)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'canary')
        return daemon, path

    def test_calls_are_taken_over_by_a_canary(self):
        daemon, path = self.canary('weather-2.0.0')
        client = daemon.mcp()
        for tool, given, got in (('forecast', OLD, TAKEN_OVER), ('look_up', {'name': 'x'}, {'name': 'x'})):
            result = client.call(tool, given)['result']
            self.assertEqual(result['structuredContent'], got)
        self.assertEqual(client.call('forecast', OLD)['result']['_meta']['org.collet/version'], '2.0.0')
        promote(daemon, 'weather')
        daemon.wait(path)
        self.assertEqual(client.value('forecast', OLD), TAKEN_OVER)

    def test_a_canary_that_does_not_take_a_call_is_not_given_it(self):
        daemon, _ = self.canary('weather-4.0.0')
        result = daemon.mcp().call('forecast', OLD)['result']
        self.assertEqual((result['structuredContent'], result['_meta']['org.collet/version']), (OLD, '1.0.0'))
        # What the published version does not take is not tried on a canary.
        self.assertTrue(daemon.mcp().call('forecast', TAKEN_OVER)['result']['isError'])
        for row in daemon.call('GetCallStatistics', '(sa{sv})', 'forecast', {}):
            self.assertEqual(row['errors'], 0)


class Queued(TestCase):
    def test_no_call_is_given_to_a_version_that_it_does_not_fit(self):
        """Calls are made while the schema goes back and forth; each is answered well, or says why."""
        daemon = self.daemon()
        daemon.load(module('weather-1.0.0'))
        seen, stop = {'well': 0}, threading.Event()

        def call():
            client = daemon.mcp()
            while not stop.is_set():
                message = client.call('forecast', OLD)
                if message['result'].get('isError'):
                    seen.setdefault('bad', message)
                elif message['result']['structuredContent'] not in (OLD, TAKEN_OVER):
                    seen.setdefault('wrong', message)
                seen['well'] += 1

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            daemon.reload('weather', module('weather-2.0.0'), allow_breaking=True)
            daemon.rollback('weather')
        stop.set()
        for thread in threads:
            thread.join()
        self.assertGreater(seen.pop('well'), 10)
        self.assertEqual(seen, {})


if __name__ == '__main__':
    unittest.main()
