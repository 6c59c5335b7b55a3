# SPDX-License-Identifier: LGPL-2.1-or-later
"""The configuration file, limits, tokens, and who may use the unix socket."""

import errno
import hashlib
import http.client
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import unittest

from collet_harness import Mcp, TestCase, example, module, wait_until

TOKENS = """[desk]
sha256=%s
allow=list;call

[adder]
sha256=%s
allow=list;call
tools=add;memory_*

[prometheus]
sha256=%s
allow=metrics
""" % tuple(hashlib.sha256(word).hexdigest() for word in (b'desk-secret', b'adder-secret', b'prometheus-secret'))


class Configured(TestCase):
    def write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def configured(self, text, **options):
        path = self.write('colletd.conf', text)
        return self.daemon('--config', path, **options)

    def hang_up(self, daemon, said='was read again'):
        seen = len(daemon.output())
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: said in daemon.output()[seen:], what=said)
        return daemon.output()[seen:]

    def refused(self, *arguments):
        """What a daemon that does not start says."""
        daemon = self.daemon(*arguments, start=False)
        daemon.spawn()
        self.assertNotEqual(daemon.wait_exit(), 0)
        return daemon.output()

    def get(self, daemon, path, token=None):
        connection = http.client.HTTPConnection('127.0.0.1', daemon.port, timeout=20)
        connection.request('GET', path, headers={'Authorization': f'Bearer {token}'} if token else {})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status


class WithToken(Mcp):
    """A client that sends a token with everything."""

    def __init__(self, port, token, modern=False):
        super().__init__(port, modern)
        self.token = token

    def post(self, body, headers=None):
        return super().post(body, {'Authorization': f'Bearer {self.token}'} | (headers or {}))


class TheConfiguration(Configured):
    def test_is_found_among_the_users_files_and_the_command_line_wins(self):
        os.makedirs(os.path.join(self.folder, 'config', 'collet'))
        self.write('config/collet/colletd.conf', '[limits]\nmax-body-kib=1\nmax-depth=10\n')
        daemon = self.daemon('--set', 'limits.max-body-kib=2')
        self.assertEqual(daemon.mcp().post(b' ' * 1500).status, 400)
        self.assertEqual(daemon.mcp().post(b' ' * 2500).status, 413)
        self.assertEqual(daemon.mcp().post(b'[' * 11 + b']' * 11).json['error']['data']['reason'], 'JsonTooDeep')

    def test_with_a_mistake_is_refused_and_the_place_is_named(self):
        cases = {
            '[limits]\nmax-call=1\n': 'max-call',
            '[limit]\nmax-calls=1\n': 'limit',
            '[limits]\nmax-calls=many\n': 'max-calls',
            '[limits]\nmax-calls=0\n': '1 to 1000000',
            '[limits]\nmax-depth=65\n': '8 to 64',
            '[mcp]\nsocket-users=no-such-user-here\n': 'no-such-user-here',
            '[mcp]\ntoken-file=missing\n': 'missing',
            '[node]\nrecord-calls=maybe\n': 'maybe',
            'max-calls=1\n': 'colletd.conf',
        }
        for text, named in cases.items():
            with self.subTest(text):
                self.assertIn(named, self.refused('--config', self.write('colletd.conf', text)))
        for option in ('limits', 'limits.max-calls', 'x=limits.max-calls', 'a.b=c'):
            self.assertIn('--set', self.refused('--set', option))
        self.assertIn('absent', self.refused('--config', os.path.join(self.folder, 'absent')))

    def test_that_others_could_write_is_refused(self):
        for mode in (0o620, 0o602, 0o666):
            path = self.write('colletd.conf', '[limits]\nmax-calls=1\n', mode)
            self.assertIn('chmod', self.refused('--config', path))
        tokens = self.write('tokens', TOKENS, 0o644)
        self.assertIn('chmod', self.refused('--set', f'mcp.token-file={tokens}'))
        pipe = os.path.join(self.folder, 'pipe')
        os.mkfifo(pipe, 0o600)
        self.assertIn('regular file', self.refused('--config', pipe))

    def test_is_read_again_when_asked_and_stays_when_it_is_wrong(self):
        daemon = self.configured('[limits]\nmax-body-kib=1\n')
        client = daemon.mcp()
        self.assertEqual(client.post(b' ' * 1500).status, 413)
        self.write('colletd.conf', '[limits]\nmax-body-kib=2\n[mcp]\nallowed-origins=https://desk.example\n')
        self.hang_up(daemon)
        self.assertEqual(daemon.mcp().post(b' ' * 1500).status, 400)
        self.assertEqual(daemon.mcp().post(b'{}', {'Origin': 'https://desk.example'}).status, 400)
        self.write('colletd.conf', '[limits]\nmax-body-kib=3\nnonsense=1\n')
        self.assertIn('nonsense', self.hang_up(daemon, 'stays as it was'))
        self.assertEqual(daemon.mcp().post(b' ' * 1500).status, 400)
        self.assertEqual(daemon.mcp().post(b' ' * 2500).status, 413)
        self.assertEqual(daemon.mcp().post(b'{}', {'Origin': 'https://evil.example'}).status, 403)

    def test_a_change_cuts_no_session_and_no_call(self):
        daemon = self.configured('')
        daemon.load(module('echo-1.0.0'))
        client = daemon.mcp()
        client.initialize()
        for n in range(20):
            self.write('colletd.conf', f'[limits]\nmax-calls={n + 1}\n')
            daemon.process.send_signal(signal.SIGHUP)
            self.assertEqual(client.value('echo', {'n': n}), {'n': n})

    def test_limits_calls_and_rates(self):
        daemon = self.configured('[limits]\nclient-requests-per-second=5\ncall-timeout-s=1\n')
        daemon.load(module('hang-call'))
        statuses = [self.get(daemon, '/metrics') for _ in range(40)]
        self.assertIn(429, statuses)
        self.assertEqual(self.get(daemon, '/healthz'), 200)
        self.write('colletd.conf', '[limits]\ncall-timeout-s=1\n')
        self.hang_up(daemon)
        self.assertToolError(daemon.mcp().call('hang-call'), 'CallTimeout')

    def test_limits_sessions(self):
        daemon = self.configured('[limits]\nmax-sessions=2\n')
        for _ in range(2):
            daemon.mcp().initialize()
        reply = daemon.mcp().post({'jsonrpc': '2.0', 'id': 1, 'method': 'initialize',
                                   'params': {'protocolVersion': '2025-11-25', 'capabilities': {}}})
        self.assertEqual(reply.status, 503)
        self.assertEqual(reply.headers['Retry-After'], '1')


class Tokens(Configured):
    def guarded(self):
        self.write('tokens', TOKENS)
        daemon = self.configured('[mcp]\ntoken-file=tokens\n')
        daemon.load(example('calculator-1.0.0'))
        return daemon

    def client(self, daemon, token, modern=False):
        client = WithToken(daemon.port, token, modern)
        daemon.clients.append(client)
        return client

    def test_are_asked_for(self):
        daemon = self.guarded()
        for modern in (False, True):
            for token in ('', 'wrong', 'desk-secre', 'desk-secret-'):
                reply = self.client(daemon, token, modern).post({'jsonrpc': '2.0', 'id': 1, 'method': 'initialize'})
                self.assertEqual((reply.status, reply.headers['WWW-Authenticate']), (401, 'Bearer'), token)
            self.assertEqual(self.client(daemon, 'desk-secret', modern).value('add', {'a': 1, 'b': 2}),
                             {'result': 3})
        self.assertEqual(self.get(daemon, '/healthz'), 200)
        # In a URL they count for nothing.
        self.assertEqual(self.get(daemon, '/metrics?access_token=prometheus-secret'), 401)

    def test_reach_as_far_as_their_scope(self):
        daemon = self.guarded()
        for modern in (False, True):
            adder = self.client(daemon, 'adder-secret', modern)
            self.assertEqual(adder.value('add', {'a': 1, 'b': 2}), {'result': 3})
            names = [tool['name'] for tool in adder.tools()]
            self.assertIn('add', names)
            self.assertTrue(all(name == 'add' or name.startswith('memory_') for name in names), names)
            reply = adder.rpc('tools/call', {'name': 'divide', 'arguments': {'a': 1, 'b': 2}})
            self.assertEqual(reply.status, 403)
            self.assertEqual(reply.json['error']['data']['reason'], 'NotAuthorized')
            self.assertIn('insufficient_scope', reply.headers['WWW-Authenticate'])
        self.assertEqual(self.get(daemon, '/metrics', 'adder-secret'), 403)
        self.assertEqual(self.get(daemon, '/metrics', 'prometheus-secret'), 200)
        prometheus = self.client(daemon, 'prometheus-secret', True)
        self.assertEqual(prometheus.rpc('tools/list').status, 403)

    def test_are_withdrawn_without_a_restart(self):
        daemon = self.guarded()
        client = self.client(daemon, 'desk-secret')
        client.initialize()
        self.write('tokens', TOKENS.replace(hashlib.sha256(b'desk-secret').hexdigest(),
                                            hashlib.sha256(b'another').hexdigest()))
        self.hang_up(daemon)
        self.assertEqual(client.post({'jsonrpc': '2.0', 'id': 1, 'method': 'ping'}).status, 401)
        client.token = 'another'
        self.assertEqual(client.post({'jsonrpc': '2.0', 'id': 1, 'method': 'ping'}).status, 200)

    def test_that_are_not_well_written_are_refused(self):
        good = hashlib.sha256(b'x').hexdigest()
        for text, named in {'': 'tokens', '[a]\nsha256=abc\nallow=call\n': 'sha256',
                            f'[a]\nsha256={good.upper()}\nallow=call\n': 'sha256',
                            f'[a]\nsha256={good}\n': 'allow', f'[a]\nsha256={good}\nallow=everything\n': 'everything',
                            f'[a]\nsha256={good}\nallow=call\ntool=add\n': 'tool'}.items():
            path = self.write('tokens', text)
            with self.subTest(text):
                self.assertIn(named, self.refused('--set', f'mcp.token-file={path}'))

    def test_are_never_shown(self):
        daemon = self.guarded()
        self.client(daemon, 'desk-secret').value('add', {'a': 1, 'b': 2})
        self.client(daemon, 'wrong-secret').post({})
        self.assertNotIn('-secret', daemon.output())
        with open(f'/proc/{daemon.process.pid}/cmdline', encoding='utf-8') as file:
            self.assertNotIn('-secret', file.read())


class Credentials(Configured):
    """What systemd hands over with LoadCredential=: a folder of files, named in the environment."""

    def handed_over(self, *arguments, start=True, **files):
        folder = os.path.join(self.folder, 'credentials')
        os.mkdir(folder, 0o700)
        for name, text in files.items():
            self.write('credentials/collet.' + name.replace('_', '-'), text, 0o400)
        daemon = self.daemon(*arguments, start=False)
        daemon.environment = {'CREDENTIALS_DIRECTORY': folder}
        if start:
            daemon.start(daemon.environment)
        return daemon

    def test_bring_the_tokens_without_a_line_of_configuration(self):
        daemon = self.handed_over(tokens=TOKENS)
        self.assertEqual([self.get(daemon, '/metrics', token) for token in (None, 'prometheus-secret')], [401, 200])
        # What the configuration names comes first.
        daemon.stop()
        mine = self.write('mine', TOKENS.replace('prometheus', 'mine'))
        other = self.daemon('--set', f'mcp.token-file={mine}', start=False)
        other.start(daemon.environment)
        self.assertEqual(self.get(other, '/metrics', 'prometheus-secret'), 200)

    def test_bring_the_key_of_what_clients_carry(self):
        daemon = self.handed_over(request_state_key='x' * 32)
        self.assertFalse(os.path.exists(os.path.join(daemon.data, 'request-state.key')))

    def test_that_can_be_guessed_are_refused(self):
        daemon = self.handed_over(request_state_key='secret', start=False)
        daemon.spawn(daemon.environment)
        self.assertNotEqual(daemon.wait_exit(), 0)
        self.assertIn('collet.request-state-key has 6 bytes', daemon.output())

    def test_do_not_reach_the_workers(self):
        daemon = self.handed_over(tokens=TOKENS)
        daemon.load(module('burglar'))
        path = os.path.join(self.folder, 'credentials', 'collet.tokens')
        self.assertIn(daemon.tool_value('burgle', {'way': 'read', 'path': path})['errno'], (errno.EACCES, errno.EPERM))


class TheTokenVerb(Configured):
    def ctl(self, *words):
        return subprocess.run([os.environ['COLLETCTL'], *words], capture_output=True, text=True, timeout=60, check=False)

    def test_makes_tokens_that_the_daemon_takes(self):
        path = os.path.join(self.folder, 'tokens')
        desk = self.ctl('token', 'desk', '--file', path)
        adder = self.ctl('token', 'adder', '--file', path, '--allow=list,call', '--tool=add', '--tool=memory_*')
        scraper = self.ctl('--json', 'token', 'scraper', '--allow=metrics', '--file', path)
        self.assertEqual((desk.returncode, adder.returncode, scraper.returncode), (0, 0, 0), desk.stderr + adder.stderr)
        self.assertEqual(os.stat(path).st_mode & 0o777 & ~0o040, 0o600)
        secrets = [desk.stdout.strip(), adder.stdout.strip(), json.loads(scraper.stdout)['token']['token']]
        self.assertEqual(len(set(secrets)), 3)
        with open(path, encoding='utf-8') as file:
            text = file.read()
        for secret in secrets:
            self.assertRegex(secret, r'^[A-Za-z0-9_-]{43}$')
            self.assertNotIn(secret, text)
            self.assertIn(hashlib.sha256(secret.encode()).hexdigest(), text)

        daemon = self.daemon('--set', f'mcp.token-file={path}')
        daemon.load(example('calculator-1.0.0'))
        daemon.load(example('text-tools'))
        tools = [[tool['name'] for tool in WithToken(daemon.port, secret).tools()] for secret in secrets[:2]]
        self.assertIn('reverse', tools[0])
        self.assertIn('add', tools[1])
        self.assertNotIn('reverse', tools[1])
        self.assertEqual([self.get(daemon, '/metrics', secret) for secret in secrets], [403, 403, 200])

    def test_takes_nothing_away_and_spoils_no_file(self):
        path = self.write('tokens', TOKENS.rstrip('\n'))
        again = self.ctl('token', 'desk', '--file', path)
        self.assertEqual(again.returncode, 1)
        self.assertIn('AlreadyRegistered', again.stderr)
        for words in (['token', 'x', '--allow=everything'], ['token', 'a]b'], ['token', 'x', '--tool=a;b']):
            self.assertEqual(self.ctl(*words, '--file', path).returncode, 2, words)
        with open(path, encoding='utf-8') as file:
            self.assertEqual(file.read(), TOKENS.rstrip('\n'))
        secret = self.ctl('token', 'new', '--file', path, '--allow=metrics').stdout.strip()
        daemon = self.daemon('--set', f'mcp.token-file={path}')
        self.assertEqual([self.get(daemon, '/metrics', token) for token in (secret, 'prometheus-secret')], [200, 200])
        odd = self.write('odd', 'no tokens here\n')
        self.assertEqual(self.ctl('token', 'x', '--file', odd).returncode, 1)


ASK = """
import os, socket, sys
uid = int(sys.argv[2])
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b'GET /healthz HTTP/1.1\\r\\nHost: collet\\r\\n\\r\\n')
print(s.recv(65536).split()[1].decode())
"""


def ask(path, uid=0):
    """Status that a user gets on a unix socket, or the error of connecting."""
    result = subprocess.run([sys.executable, '-c', ASK, path, str(uid)], capture_output=True, text=True, check=False)
    return result.stdout.strip() or result.stderr.strip().splitlines()[-1].split(':')[0]


class TheUnixSocket(Configured):
    def test_is_there_without_being_asked_for(self):
        daemon = self.daemon()
        path = os.path.join(self.folder, 'collet', 'mcp.sock')
        self.assertIn('unix:' + path, daemon.property('McpAddresses'))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(ask(path), '200')
        daemon.stop()
        self.assertFalse(os.path.exists(path))

    def test_can_be_left_out(self):
        daemon = self.daemon('--socket', 'none')
        self.assertEqual(len(daemon.property('McpAddresses')), 1)
        self.assertFalse(os.path.exists(os.path.join(self.folder, 'collet', 'mcp.sock')))

    def test_needs_no_token(self):
        self.write('tokens', TOKENS)
        daemon = self.configured('[mcp]\ntoken-file=tokens\nsocket=mcp.sock\n')
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(os.path.join(self.folder, 'mcp.sock'))
            client.sendall(b'GET /metrics HTTP/1.1\r\nHost: collet\r\n\r\n')
            self.assertIn(b' 200 ', client.recv(65536))
        self.assertEqual(self.get(daemon, '/metrics'), 401)

    @unittest.skipUnless(os.geteuid() == 0, 'only root can pretend to be others')
    def test_is_for_those_users_that_are_named(self):
        os.chmod(self.folder, 0o755)
        daemon = self.configured('[mcp]\nsocket=mcp.sock\nsocket-users=daemon\n')
        path = os.path.join(self.folder, 'mcp.sock')
        nobody, named = pwd.getpwnam('nobody').pw_uid, pwd.getpwnam('daemon').pw_uid
        self.assertEqual([ask(path, uid) for uid in (0, named, nobody)], ['200', '200', '403'])
        self.write('colletd.conf', f'[mcp]\nsocket=mcp.sock\nsocket-users={nobody}\n')
        self.hang_up(daemon)
        self.assertEqual([ask(path, uid) for uid in (0, named, nobody)], ['200', '403', '200'])
        self.write('colletd.conf', '[mcp]\nsocket=mcp.sock\nsocket-users=*\n')
        self.hang_up(daemon)
        self.assertEqual([ask(path, uid) for uid in (0, named, nobody)], ['200', '200', '200'])

    @unittest.skipUnless(os.geteuid() == 0, 'only root can pretend to be others')
    def test_is_for_its_owner_alone_if_nobody_is_named(self):
        os.chmod(self.folder, 0o755)
        self.configured('[mcp]\nsocket=mcp.sock\n')
        path = os.path.join(self.folder, 'mcp.sock')
        self.assertEqual(ask(path, pwd.getpwnam('nobody').pw_uid), 'PermissionError')


if __name__ == '__main__':
    unittest.main()
