# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real daemon on a private bus with a data folder of its own, and the clients
that talk to it. What a test starts is gone when it ends: whatever is left of
daemon, fork server or workers fails the test.

Environment (set by the build): COLLETD, COLLET_WORKER, COLLET_EXAMPLES_DIR,
COLLET_TEST_MODULES_DIR, COLLET_LOAD; COLLET_FAILPOINTS=1 if they are built in,
COLLET_SANITIZED=1 if a sanitizer is.
"""

import ctypes
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

import gi

gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

NAME = 'org.collet.Collet1'
ROOT = '/org/collet/Collet1'
MANAGER = 'org.collet.Collet1.Manager'
RELOAD = 'org.collet.Collet1.Reload'
ERROR = 'org.collet.Collet1.Error.'
START_TIMEOUT = 20
MODERN = '2026-07-28'
LEGACY = '2025-11-25'
PR_SET_CHILD_SUBREAPER = 36

COLLETD = os.environ.get('COLLETD', 'colletd')
EXAMPLES = os.environ.get('COLLET_EXAMPLES_DIR', '')
MODULES = os.environ.get('COLLET_TEST_MODULES_DIR', '')
HAS_FAILPOINTS = os.environ.get('COLLET_FAILPOINTS') == '1'
IS_SANITIZED = os.environ.get('COLLET_SANITIZED') == '1'

BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def example(name):
    return os.path.join(EXAMPLES, name + '.so')


def module(name):
    return os.path.join(MODULES, name + '.so')


def wait_until(condition, timeout=10, what='the condition'):
    """The first true value that condition() gives."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f'{what} did not come true within {timeout} s')
        time.sleep(0.01)


CLAIMS = []  # sockets that hold ports, as long as this process lives


def free_port():
    """One that nobody listens on, nor will another process of tests; of those that the
    kernel gives to no connection by itself."""
    while True:
        port = random.SystemRandom().randrange(10000, 32768)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f'\0collet-test-port-{port}')
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', port))
        except OSError:
            claim.close()
            continue
        CLAIMS.append(claim.detach())
        return port


def children_of(pid):
    found = []
    try:
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/children', encoding='ascii') as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        pass
    return found


def descendants(pid):
    found = []
    for child in children_of(pid):
        found += [child] + descendants(child)
    return found


def describe(pid):
    try:
        with open(f'/proc/{pid}/cmdline', 'rb') as file:
            return f'{pid}: ' + file.read().replace(b'\0', b' ').decode(errors='replace').strip()
    except OSError:
        return f'{pid}: gone'


def adopt_orphans():
    """A process whose parent dies becomes our child, so none can hide."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """Buries adopted children; those of subprocess are left to it."""
    for pid in children_of(os.getpid()):
        try:
            with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
                state = file.read().rpartition(')')[2].split()[0]
            if state == 'Z' and pid not in Process.known:
                os.waitpid(pid, os.WNOHANG)
        except (OSError, ChildProcessError):
            pass


class Process(subprocess.Popen):
    known = set()
    is_detached = False  # all in sessions of their own: out of reach of Ctrl-C

    def __init__(self, *arguments, **options):
        options.setdefault('start_new_session', self.is_detached)
        super().__init__(*arguments, **options)
        self.known.add(self.pid)

    def end(self, timeout=15):
        """SIGTERM, then SIGKILL; the exit status. Raises if it had to be killed."""
        if self.poll() is None:
            self.terminate()
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()
            raise AssertionError(f'{self.args[0]} did not end within {timeout} s of SIGTERM') from None
        finally:
            self.known.discard(self.pid)
        return self.returncode


class BusError(Exception):
    """name: bare for our own errors, whole for others."""

    def __init__(self, error):
        remote = Gio.DBusError.get_remote_error(error) or ''
        self.name = remote.removeprefix(ERROR)
        self.message = error.message.removeprefix(f'GDBus.Error:{remote}: ')
        super().__init__(f'{self.name}: {self.message}')


class Bus:
    """A private dbus-daemon; every call below is its own method call on one connection."""

    def __init__(self, folder, text=BUS_CONFIGURATION):
        configuration = tempfile.mkstemp(prefix='bus-', suffix='.conf', dir=folder)[1]
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(text % folder)
        with open(os.path.join(folder, 'bus.log'), 'wb') as log:
            self.process = Process(['dbus-daemon', '--config-file', configuration, '--nofork', '--print-address=1'],
                                   stdout=subprocess.PIPE, stderr=log, text=True)
        self.address = self.process.stdout.readline().strip()

    def connect(self):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                 Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        connection = Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)
        connection.set_exit_on_close(False)
        return connection

    def close(self):
        self.process.end()
        self.process.stdout.close()


def variants(options):
    """Python values as a{sv}: bool b, int u, float d, str s, bytes ay, list as, dict a{ss}."""
    made = {}
    for name, value in options.items():
        name = name.replace('_', '-')
        if isinstance(value, GLib.Variant):
            made[name] = value
        else:
            kinds = {bool: 'b', int: 'u', float: 'd', str: 's', bytes: 'ay', list: 'as', dict: 'a{ss}'}
            made[name] = GLib.Variant(kinds[type(value)], value)
    return made


class Reply:
    """What an HTTP request gave."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Mcp:
    """An MCP client over HTTP: one connection, no retries."""

    def __init__(self, port, modern=False, timeout=30):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=timeout)
        self.modern = modern
        self.session = None
        self.next_id = 0
        self.capabilities = {}

    def post(self, body, headers=None):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        all_headers = {'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream'}
        if self.session is not None:
            all_headers |= {'Mcp-Session-Id': self.session, 'MCP-Protocol-Version': LEGACY}
        self.connection.request('POST', '/mcp', body, all_headers | (headers or {}))
        return Reply(self.connection.getresponse())

    def initialize(self):
        reply = self.rpc('initialize', {'protocolVersion': LEGACY, 'capabilities': self.capabilities,
                                        'clientInfo': {'name': 'test', 'version': '1'}})
        assert reply.status == 200, reply.body
        self.session = reply.headers['Mcp-Session-Id']
        assert self.post({'jsonrpc': '2.0', 'method': 'notifications/initialized'}).status == 202
        return reply.json['result']

    def rpc(self, method, params=None, identity=None, headers=None):
        """The HTTP reply to one request; opens a session first if one is needed."""
        headers = dict(headers or {})
        params = dict(params or {})
        if self.modern:
            params['_meta'] = {'io.modelcontextprotocol/protocolVersion': MODERN,
                               'io.modelcontextprotocol/clientCapabilities': self.capabilities,
                               **params.get('_meta', {})}
            headers |= {'MCP-Protocol-Version': MODERN, 'Mcp-Method': method}
            if method == 'tools/call':
                headers['Mcp-Name'] = params['name']
        elif self.session is None and method != 'initialize':
            self.initialize()
        self.next_id += 1
        identity = self.next_id if identity is None else identity
        reply = self.post({'jsonrpc': '2.0', 'id': identity, 'method': method, 'params': params}, headers)
        if reply.status == 200:
            assert reply.json['id'] == identity, reply.body
        return reply

    def call(self, tool, arguments=None, **params):
        """The message with result or error."""
        reply = self.rpc('tools/call', {'name': tool, 'arguments': arguments or {}, **params})
        assert reply.status == 200, (reply.status, reply.body)
        return reply.json

    def value(self, tool, arguments=None):
        """structuredContent of a call that succeeded."""
        message = self.call(tool, arguments)
        assert 'result' in message and not message['result'].get('isError'), message
        return message['result']['structuredContent']

    def tools(self):
        return self.rpc('tools/list').json['result']['tools']

    def close(self):
        self.connection.close()


class Daemon:
    """Starts in the constructor unless start=False; end() is checked by the test case."""

    def __init__(self, case, *arguments, start=True, environment=None, **options):
        self.case = case
        self.folder = options.get('folder') or case.folder
        self.data = os.path.join(self.folder, 'data')
        self.log = os.path.join(self.folder, 'log')
        self.port = options.get('port') or free_port()
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.process = None
        self.bus = options.get('bus') or case.bus
        self.connection = self.bus.connect()
        self.clients = []
        if start:
            self.start()

    def command(self):
        worker = ['--worker', os.environ['COLLET_WORKER']] if 'COLLET_WORKER' in os.environ else []
        return [COLLETD, '--session', '--data-dir', self.data, '--listen', f'127.0.0.1:{self.port}',
                '--module-path', EXAMPLES, '--module-path', MODULES, *worker, *self.arguments]

    def spawn(self, environment=None):
        """Starts the process and does not wait for anything."""
        env = {'PATH': '/usr/bin:/bin', 'HOME': self.folder, 'XDG_RUNTIME_DIR': self.folder,
               'XDG_DATA_HOME': os.path.join(self.folder, 'share'),
               'XDG_CONFIG_HOME': os.path.join(self.folder, 'config'),
               'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'LC_ALL': 'C.UTF-8', 'G_DEBUG': 'fatal-criticals'}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'):
            if name in os.environ:
                env[name] = os.environ[name]
        if IS_SANITIZED:
            env['G_SLICE'] = 'always-malloc'  # or a leak of what GLib cuts from its slices is not seen
        env |= self.environment | (environment or {})
        with open(self.log, 'ab') as log:
            self.process = Process(self.command(), stdout=log, stderr=log, env=env, start_new_session=True)
        return self

    def start(self, environment=None):
        """Starts and waits until it says that it serves."""
        seen = len(self.output())
        self.spawn(environment)
        wait_until(lambda: ' is ready' in self.output()[seen:] or self.process.poll() is not None, START_TIMEOUT,
                   'the start')
        if self.process.poll() is not None:
            raise AssertionError(f'colletd ended with {self.process.returncode}:\n{self.output()}')
        return self

    def has_name(self):
        reply = self.connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                          'NameHasOwner', GLib.Variant('(s)', (NAME,)), None, 0, 5000, None)
        return reply.unpack()[0]

    def wait_exit(self, timeout=START_TIMEOUT):
        """Waits for an end that was not asked for."""
        self.process.wait(timeout)
        Process.known.discard(self.process.pid)
        return self.process.returncode

    def output(self):
        if not os.path.exists(self.log):
            return ''
        with open(self.log, encoding='utf-8', errors='replace') as log:
            return log.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
        Process.known.discard(self.process.pid)
        self.drop_clients()

    def stop(self):
        """SIGTERM; the exit status."""
        self.drop_clients()
        return self.process.end() if self.process is not None else 0

    def restart(self, environment=None):
        self.stop()
        return self.start(environment)

    def drop_clients(self):
        for client in self.clients:
            client.close()
        self.clients = []

    # The bus.

    def call(self, method, signature='()', *arguments, path=ROOT, interface=MANAGER, timeout=30):
        """The result as a Python value: none, one, or a tuple. BusError."""
        try:
            reply = self.connection.call_sync(NAME, path, interface, method, GLib.Variant(signature, arguments), None,
                                              Gio.DBusCallFlags.NONE, int(timeout * 1000), None)
        except GLib.Error as error:
            raise BusError(error) from None
        values = reply.unpack()
        return values[0] if len(values) == 1 else values or None

    def property(self, name, path=ROOT, interface=MANAGER):
        return self.call('Get', '(ss)', interface, name, path=path, interface='org.freedesktop.DBus.Properties')

    def properties(self, path, interface):
        return self.call('GetAll', '(s)', interface, path=path, interface='org.freedesktop.DBus.Properties')

    def objects(self):
        return self.call('GetManagedObjects', path=ROOT, interface='org.freedesktop.DBus.ObjectManager')

    def wait(self, reload, timeout=30):
        """The result of a reload, or BusError."""
        return self.call('Wait', '(u)', int(timeout * 1000), path=reload, interface=RELOAD, timeout=timeout + 5)

    def begin_load(self, path, **options):
        return self.call('SafeLoad', '(sa{sv})', path, variants(options))

    def load(self, path, **options):
        return self.wait(self.begin_load(path, **options))

    def load_batch(self, paths, **options):
        return self.wait(self.call('SafeLoadBatch', '(asa{sv})', paths, variants(options)), 60)

    def begin_reload(self, name, artifact=None, **options):
        if artifact is not None:
            options['artifact'] = artifact
        return self.call('HotReload', '(sa{sv})', name, variants(options))

    def reload(self, name, artifact=None, **options):
        return self.wait(self.begin_reload(name, artifact, **options))

    def prepare(self, name, artifact=None, **options):
        """path of the Reload, version."""
        if artifact is not None:
            options['artifact'] = artifact
        return self.call('PrepareReload', '(sa{sv})', name, variants(options))

    def commit(self, name, version, **options):
        return self.wait(self.call('CommitReload', '(ssa{sv})', name, version, variants(options)))

    def abort(self, name, version, **options):
        return self.call('AbortReload', '(ssa{sv})', name, version, variants(options))

    def call_prepared(self, name, version, tool, arguments=None, **options):
        result = json.loads(self.call('CallPrepared', '(ssssa{sv})', name, version, tool, json.dumps(arguments or {}),
                                      variants(options)))
        assert not result.get('isError'), result
        return result['structuredContent']

    def rollback(self, name, version='', **options):
        return self.wait(self.call('RollbackModule', '(ssa{sv})', name, version, variants(options)))

    def unload(self, name, **options):
        return self.wait(self.call('UnloadModule', '(sa{sv})', name, variants(options)))

    def validate(self, path):
        """valid, facts, checks by name."""
        valid, facts, checks = self.call('ValidateModule', '(sa{sv})', path, {})
        return valid, facts, {check['check']: check for check in checks}

    def version(self, name):
        return self.call('GetModuleVersion', '(s)', name)

    def info(self, name):
        return self.call('GetModuleInfo', '(s)', name)

    def history(self, name='', limit=0):
        return self.call('GetReloadHistory', '(sua{sv})', name, limit, {})

    def call_tool(self, tool, arguments=None, **options):
        result = self.call('CallTool', '(ssa{sv})', tool, json.dumps(arguments or {}), variants(options))
        return json.loads(result)

    def tool_value(self, tool, arguments=None):
        result = self.call_tool(tool, arguments)
        assert not result.get('isError'), result
        return result['structuredContent']

    # HTTP and the database.

    def mcp(self, modern=False, timeout=30):
        client = Mcp(self.port, modern, timeout)
        self.clients.append(client)
        return client

    def answered(self, tool):
        """How many calls of a tool /metrics counts."""
        client = self.mcp()
        client.connection.request('GET', '/metrics')
        text = Reply(client.connection.getresponse()).body.decode()
        client.close()
        self.clients.remove(client)
        pattern = rf'^collet_tool_call_seconds_count\{{tool="{re.escape(tool)}",[^}}]*\}} (\d+)$'
        return sum(int(number) for number in re.findall(pattern, text, re.M))

    def gauge(self, name):
        """A number without labels of /metrics."""
        client = Mcp(self.port)
        client.connection.request('GET', '/metrics')
        text = Reply(client.connection.getresponse()).body.decode()
        client.close()
        return float(re.search(rf'^{name} (\S+)$', text, re.M)[1])

    def sql(self, statement, *values):
        """All rows, read as somebody else would: another connection, read-only."""
        path = os.path.join(self.data, 'collet.db')
        database = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(statement, values)]
        finally:
            database.close()

    def processes(self):
        return descendants(self.process.pid)


class TestCase(unittest.TestCase):
    """self.daemon() starts one; at the end all of them stop, and nothing is left."""

    def setUp(self):
        adopt_orphans()
        self.folder = tempfile.mkdtemp(prefix='collet-')
        self.bus = Bus(self.folder)
        self.daemons = []
        self.expected_exits = {0}

    def daemon(self, *arguments, start=True, **options):
        daemon = Daemon(self, *arguments, start=False, **options)
        self.daemons.append(daemon)
        if start:
            daemon.start()
        return daemon

    def tearDown(self):
        problems = []
        for daemon in self.daemons:
            try:
                was_running = daemon.process is not None and daemon.process.poll() is None
                status = daemon.stop()
                if was_running and status != 0:
                    problems.append(f'colletd ended with {status}')
            except AssertionError as error:
                problems.append(str(error))
            if not daemon.connection.is_closed():
                daemon.connection.close_sync(None)
        problems += self.leftovers()
        self.bus.close()
        reap()
        logs = ''.join(daemon.output() for daemon in self.daemons)
        if 'runtime error:' in logs or 'ERROR: AddressSanitizer' in logs or 'WARNING: ThreadSanitizer' in logs:
            problems.append('a sanitizer complained')
        if problems or self.has_failed():
            print(f'--- log of {self.id()}\n{logs[-8000:]}')
        shutil.rmtree(self.folder, ignore_errors=True)
        if problems:
            self.fail('; '.join(problems))

    def has_failed(self):
        outcome = getattr(self, '_outcome', None)
        result = getattr(outcome, 'result', None)
        errors = list(getattr(outcome, 'errors', None) or [])
        return any(error for _, error in errors) or bool(
            result and any(test is self for test, _ in result.failures + result.errors))

    def leftovers(self):
        """Processes that outlived the daemons by more than five seconds."""
        def left():
            reap()
            return [pid for pid in descendants(os.getpid()) if pid not in Process.known]

        try:
            wait_until(lambda: not left(), 5)
            return []
        except TimeoutError:
            names = [describe(pid) for pid in left()]
            for pid in left():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return ['left behind: ' + ', '.join(names)]

    def assertBusError(self, name, function, *arguments, **options):
        """Raises the named error with a message for people; returns the error."""
        with self.assertRaises(BusError) as caught:
            function(*arguments, **options)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertSaysWhatToDo(caught.exception.message)
        return caught.exception

    def assertSaysWhatToDo(self, message):
        """What was found, and what to do: two sentences at least."""
        self.assertRegex(message, r'(?s)^.{10,}[.!?:]\s+.{10,}[.!?]$')

    def assertToolError(self, message, reason):
        """A reply of MCP says which error it was."""
        self.assertIn('error', message)
        self.assertEqual(message['error'].get('data', {}).get('reason'), reason, message)
