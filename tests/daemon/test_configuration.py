# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each key of the configuration counts at once when the file is read again, or the
daemon says that it waits for the next start: all keys of colletd.conf(5), which has
the same ones as the daemon's table."""

import os
import pwd
import re
import stat
import threading
import unittest
from pathlib import Path

from collet_harness import LEGACY, example, free_port, module, variants, wait_until
from test_access import TOKENS, Configured, ask
from test_questions import LegacyCall

ROOT = Path(os.environ['COLLET_ROOT'])
PAGE = Path(os.environ['COLLET_DATA_DIR']) / 'colletd.conf.5'
TABLE = re.compile(r'\{ "(\w+)", "([\w-]+)", (\w+), AT \(\w+\)(?:, ([^.}]+?))?(, \.is_live = TRUE)? \},')


def keys_of_page():
    """{(group, key): is it marked live}"""
    found, group, is_live, key = {}, None, False, None
    for line in PAGE.read_text(encoding='utf-8').splitlines():
        if line.startswith('.Ss ['):
            group, is_live, key = line[5:-1], False, None
        elif line.startswith('.S'):
            group = None
        elif group and not key and line == '.Em live .':
            is_live = True
        elif group and line.startswith('.It Cm '):
            key = line[7:]
            found[group, key] = is_live
        elif group and key and line == '.Em ( live )':
            found[group, key] = True
    return found


def keys_of_table():
    """{(group, key): (kind, numbers, is it live)}"""
    text = (ROOT / 'daemon' / 'collet-config.c').read_text(encoding='utf-8')
    text = text[text.index('keys[] = {'):text.index('#define FIELD')]
    found = {(group, key): (kind, numbers, bool(live))
             for group, key, kind, numbers, live in TABLE.findall(' '.join(text.split()))}
    assert len(found) == text.count('AT ('), 'a line of the table was not understood'
    return found


class Keys(unittest.TestCase):
    def test_are_the_same_in_the_page_and_in_the_daemon(self):
        self.assertEqual(keys_of_page(), {key: live for key, (_, _, live) in keys_of_table().items()})
        self.assertGreater(len(keys_of_page()), 40)

    def test_have_the_defaults_that_the_page_says(self):
        page = PAGE.read_text(encoding='utf-8')
        for (group, key), (kind, numbers, _) in keys_of_table().items():
            if kind != 'NUMBER' or key == 'worker-memory-mib':  # that one depends on the build
                continue
            part = page[page.index(f'.Ss [{group}]'):]
            part = part[part.index(f'.It Cm {key}\n'):].split('.It Cm', 2)[1]
            said = re.search(r'Default: (\d+)|(\d+), the default', part)
            with self.subTest(f'[{group}] {key}'):
                self.assertEqual(said and (said[1] or said[2]), numbers.split(', ')[2])


class ReadAgain(Configured):
    def value(self, group, key, kind, numbers):
        """One that is allowed and is not the default."""
        special = {('mcp', 'listen'): f'127.0.0.1:{free_port()}', ('mcp', 'token-file'): 'tokens',
                   ('mcp', 'socket-users'): 'root', ('trust', 'rule'): 'any'}
        if kind == 'NUMBER':
            low, _, default = (eval(number, {'G_MAXINT32': 2 ** 31 - 1}) for number in numbers.split(', '))
            return default + 1 if default == low else low
        return special.get((group, key)) or {'TEXT': 'other', 'PATH': 'other', 'LIST': 'other;more', 'PATHS': 'other',
                                             'YES_NO': 'true', 'LEVEL': 'debug'}[kind]

    def test_each_key_counts_or_is_said_to_wait(self):
        self.write('tokens', TOKENS)
        daemon = self.configured('')
        for (group, key), (kind, numbers, is_live) in keys_of_table().items():
            with self.subTest(f'[{group}] {key}'):
                self.write('colletd.conf', f'[{group}]\n{key}={self.value(group, key, kind, numbers)}\n')
                said = self.hang_up(daemon, 'was read again')
                self.assertEqual(f'At the next start count: [{group}] {key}.' in said, not is_live, said)
                self.assertEqual('At the next start' in said, not is_live, said)
        self.write('colletd.conf', '')
        self.assertNotIn('At the next start', self.hang_up(daemon))

    def test_several_that_wait_are_named_together(self):
        daemon = self.configured('[node]\nname=former\n')
        self.write('colletd.conf', '[node]\nname=other\n[trust]\nrule=any\n[limits]\nmax-depth=9\n')
        self.assertIn('At the next start count: [node] name, [trust] rule.', self.hang_up(daemon))
        self.assertEqual(daemon.mcp().post(b'[' * 11 + b']' * 11).json['error']['data']['reason'], 'JsonTooDeep')


class Live(Configured):
    """That what is marked live is: each key, by what it does to a daemon that runs."""

    def setUp(self):
        super().setUp()
        self.node = self.configured('')
        self.node.load(example('countdown'))

    def now(self, group, line):
        self.write('colletd.conf', f'[{group}]\n{line}\n')
        self.assertNotIn('At the next start', self.hang_up(self.node))

    def initialize(self, client=None):
        return (client or self.node.mcp()).post({'jsonrpc': '2.0', 'id': 1, 'method': 'initialize', 'params': {
            'protocolVersion': LEGACY, 'capabilities': {}, 'clientInfo': {'name': 'test', 'version': '1'}}})

    def session(self):
        client = self.node.mcp()
        client.initialize()
        return client

    def ping(self, client, headers=None):
        return client.post({'jsonrpc': '2.0', 'id': 1, 'method': 'ping'}, headers).status

    def while_one_runs(self, session, other):
        """The reason for which a call of another client is refused meanwhile, or None."""
        busy = self.node.mcp()
        busy.session = session
        caller = threading.Thread(target=busy.call, args=('countdown', {'from': 600, 'interval_ms': 100}))
        caller.start()
        wait_until(lambda: self.node.info('countdown')['InFlight'] == 1)
        message = other.call('countdown', {'from': 1, 'interval_ms': 1})
        self.node.wait(self.node.call('DrainModule', '(sua{sv})', 'countdown', 1, variants({'force': True})))
        caller.join(20)
        self.node.wait(self.node.call('ResumeModule', '(sa{sv})', 'countdown', {}))
        return message['error']['data']['reason'] if 'error' in message else None

    def node_module_log_level(self):
        self.node.load(example('gallery'))
        self.node.mcp().call('write_log')
        self.now('node', 'module-log-level=debug')
        self.node.mcp().call('write_log')
        wait_until(lambda: 'all is well' in self.node.output())
        self.assertEqual(self.node.output().count('looking closely'), 1)

    def mcp_socket_users(self):
        os.chmod(self.folder, 0o755)
        path, nobody = os.path.join(self.folder, 'collet', 'mcp.sock'), pwd.getpwnam('nobody').pw_uid
        # Who else it is for shows in its mode; only root can also pretend to be others.
        for users, mode, answer in (None, 0o600, 'PermissionError'), ('nobody', 0o666, '200'), ('', 0o600, 'PermissionError'):
            if users is not None:
                self.now('mcp', f'socket-users={users}')
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode, users)
            if os.geteuid() == 0:
                self.assertEqual(ask(path, nobody), answer, users)

    def mcp_allowed_hosts(self):
        self.assertEqual(self.ping(self.session(), {'Host': 'desk.example'}), 403)
        self.now('mcp', 'allowed-hosts=desk.example')
        self.assertEqual(self.ping(self.session(), {'Host': 'desk.example'}), 200)

    def mcp_allowed_origins(self):
        self.assertEqual(self.ping(self.session(), {'Origin': 'https://desk.example'}), 403)
        self.now('mcp', 'allowed-origins=https://desk.example')
        self.assertEqual(self.ping(self.session(), {'Origin': 'https://desk.example'}), 200)

    def mcp_token_file(self):
        self.write('tokens', TOKENS)
        self.assertEqual(self.get(self.node, '/metrics'), 200)
        self.now('mcp', 'token-file=tokens')
        self.assertEqual([self.get(self.node, '/metrics', token) for token in (None, 'prometheus-secret')], [401, 200])

    def limits_max_body_kib(self):
        self.assertEqual(self.node.mcp().post(b' ' * 1500).status, 400)
        self.now('limits', 'max-body-kib=1')
        self.assertEqual(self.node.mcp().post(b' ' * 1500).status, 413)

    def limits_max_depth(self):
        self.now('limits', 'max-depth=10')
        self.assertEqual(self.node.mcp().post(b'[' * 11 + b']' * 11).json['error']['data']['reason'], 'JsonTooDeep')

    def limits_max_calls(self):
        first, second = self.session(), self.session()
        self.assertIsNone(self.while_one_runs(first.session, second))
        self.now('limits', 'max-calls=1')
        self.assertEqual(self.while_one_runs(first.session, second), 'Overloaded')

    def limits_max_calls_per_session(self):
        first, second = self.session(), self.session()
        self.now('limits', 'max-calls-per-session=1')
        self.assertIsNone(self.while_one_runs(first.session, second))
        self.assertEqual(self.while_one_runs(first.session, first), 'Overloaded')

    def limits_max_sessions(self):
        self.session()
        self.assertEqual(self.initialize().status, 200)
        self.now('limits', 'max-sessions=2')
        self.assertEqual(self.initialize().status, 503)

    def limits_session_idle_s(self):
        idle = self.session()
        self.assertEqual(self.ping(idle), 200)
        self.now('limits', 'session-idle-s=10')
        wait_until(lambda: self.node.gauge('collet_mcp_sessions') == 0, 60, 'the end of what is idle')
        self.assertEqual(self.ping(idle), 404)

    def limits_client_requests_per_second(self):
        self.now('limits', 'client-requests-per-second=1')
        self.assertIn(429, [self.get(self.node, '/metrics') for _ in range(20)])

    def limits_session_requests_per_second(self):
        client = self.session()
        self.now('limits', 'session-requests-per-second=1')
        self.assertIn(429, [self.ping(client) for _ in range(20)])
        self.assertEqual(self.get(self.node, '/metrics'), 200)

    def limits_call_timeout_s(self):
        self.now('limits', 'call-timeout-s=1')
        self.node.load(module('hang-call'))
        self.assertToolError(self.node.mcp().call('hang-call'), 'CallTimeout')

    def limits_input_timeout_s(self):
        self.node.load(module('asker-1.0.0'))
        self.now('limits', 'input-timeout-s=1')
        client = self.node.mcp()
        client.capabilities = {'elicitation': {}}
        client.initialize()
        call = LegacyCall(client, self.node.port, 'ask')
        self.assertEqual(call.next()['method'], 'elicitation/create')
        self.assertEqual(call.next()['method'], 'notifications/cancelled')
        self.assertIn('error', call.next())
        call.close()

    def test_each_key_is(self):
        for (group, key), is_live in keys_of_page().items():
            if not is_live:
                continue
            with self.subTest(f'[{group}] {key}'):
                self.write('colletd.conf', '')
                self.hang_up(self.node)
                getattr(self, f'{group}_{key}'.replace('-', '_'))()


if __name__ == '__main__':
    unittest.main()
