# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service manager, the bus, polkit and dpkg make of the packages. Runs as
root in the machine of tests/machine/run, and in no other: it installs and removes.
The tests tell one story, in the order of their numbers."""

import glob
import http.client
import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest
from pathlib import Path

UNIT = 'colletd.service'
PORT = 7311
SOCKET = '/run/collet/mcp.sock'
PROTOCOL = '2026-07-28'
EXPOSURE = 20  # tenths, as systemd-analyze counts
RULE = Path('/etc/polkit-1/rules.d/50-test.rules')


def run(*words, fails=False, user=None, timeout=120):
    """Both outputs of a program that has to succeed, or to fail (None: either)."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False, user=user,
                              group=pwd.getpwnam(user).pw_gid if user else None, extra_groups=[] if user else None)
    except subprocess.TimeoutExpired as error:
        log = subprocess.run(['journalctl', '-n', '60', '--no-pager'], capture_output=True, text=True, check=False).stdout
        raise AssertionError(f'{error}\n{log}') from None
    if fails is not None and (done.returncode != 0) != fails:
        raise AssertionError(f'{" ".join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}')
    return (done.stdout + done.stderr).strip()


def show(name, unit=UNIT):
    return run('systemctl', 'show', '--value', '-p', name, unit)


def wait_for(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'{what} did not come true; {run("systemctl", "status", "--no-pager", UNIT, fails=None)}')
        time.sleep(0.1)


def status(pid):
    lines = Path(f'/proc/{pid}/status').read_text(encoding='utf-8').splitlines()
    return {name: value.split() for name, _, value in (line.partition(':') for line in lines)}


def capabilities(facts):
    return [int(facts[name][0], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')]


def ctl(*words, **options):
    return run('colletctl', '--system', *words, **options)


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, host, timeout, path=SOCKET):
        super().__init__(host, timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, tool, arguments):
    """structuredContent; any error is raised."""
    body = {'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call',
            'params': {'name': tool, 'arguments': arguments,
                       '_meta': {'io.modelcontextprotocol/protocolVersion': PROTOCOL,
                                 'io.modelcontextprotocol/clientCapabilities': {}}}}
    connection.request('POST', '/mcp', json.dumps(body), {
        'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream',
        'MCP-Protocol-Version': PROTOCOL, 'Mcp-Method': 'tools/call', 'Mcp-Name': tool})
    answer = json.loads(connection.getresponse().read())
    return answer['result']['structuredContent']


def tcp():
    return http.client.HTTPConnection('127.0.0.1', PORT, timeout=60)


def is_healthy(connection):
    connection.request('GET', '/healthz')
    status = connection.getresponse().status
    connection.close()
    return status == 200


def add(a, b, connection=None):
    connection = connection or tcp()
    result = ask(connection, 'add', {'a': a, 'b': b})['result']
    connection.close()
    return result


class Load:
    """Calls from several threads, each on a connection of its own; what failed is kept."""

    def __init__(self):
        self.made, self.failed, self.ended = 0, [], False
        self.threads = [threading.Thread(target=self.loop, args=(make,)) for make in (tcp, lambda: LocalConnection('collet', timeout=60))]

    def loop(self, make):
        n = 0
        while not self.ended:
            time.sleep(0.05)  # an emulated machine has other things to do
            n += 1
            self.made += 1
            try:
                if add(n, 1, make()) != n + 1:
                    self.failed.append('wrong')
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(1)
        self.ended = True
        for thread in self.threads:
            thread.join(60)


class Installed(unittest.TestCase):
    maxDiff = None

    def test_01_dpkg_installs_and_starts_it(self):
        run('dpkg', '-i', *glob.glob('/test/former/*.deb'), timeout=300)
        wait_for(lambda: show('ActiveState') == 'active', 'the start')
        self.assertEqual(run('systemctl', 'is-active', 'colletd.socket'), 'active')
        self.assertEqual(run('systemctl', 'is-enabled', 'colletd.socket', UNIT).split(), ['enabled', 'enabled'])
        self.assertIn('colletd', ctl('version'))

    def test_02_it_has_its_user_and_folders(self):
        user = pwd.getpwnam('collet')
        self.assertIn(user.pw_shell, ('/usr/sbin/nologin', '/sbin/nologin'))
        self.assertEqual(Path(f'/proc/{show("MainPID")}').stat().st_uid, user.pw_uid)
        for path, mode in (('/var/lib/collet', 0o700), ('/run/collet', 0o755)):
            info = os.stat(path)
            self.assertEqual((info.st_uid, stat.S_IMODE(info.st_mode)), (user.pw_uid, mode), path)

    def test_03_it_is_hardened(self):
        run('systemd-analyze', 'security', '--no-pager', f'--threshold={EXPOSURE}', UNIT)

    def test_04_tools_are_loaded_and_called(self):
        ctl('load', '/test/modules/calculator-1.0.0.so', '/test/modules/text-tools.so')
        self.assertEqual(add(1, 2), 3)
        self.assertEqual(add(3, 4, LocalConnection('collet', timeout=60)), 7)
        self.assertIn('calculator', ctl('modules'))

    def test_05_each_worker_has_a_bounded_group(self):
        groups = [group for group in Path('/sys/fs/cgroup/system.slice/colletd.service').glob('worker-*')
                  if (group / 'cgroup.procs').read_text()]
        self.assertGreaterEqual(len(groups), 1)
        for group in groups:
            self.assertNotEqual((group / 'memory.max').read_text().strip(), 'max')
            self.assertNotEqual((group / 'pids.max').read_text().strip(), 'max')

    def test_05_workers_have_a_user_without_rights_of_its_own(self):
        user, own = (pwd.getpwnam(name).pw_uid for name in ('collet', 'collet-worker'))
        add(1, 2)
        processes = [status(pid) for pid in Path('/sys/fs/cgroup/system.slice/colletd.service/daemon/cgroup.procs').read_text().split()]
        daemon = next(facts for facts in processes if facts['Name'] == ['colletd'])
        server = next(facts for facts in processes if facts['Name'] == ['collet-worker'])
        # Each thread has its own.
        for task in Path(f'/proc/{show("MainPID")}/task').iterdir():
            self.assertEqual(capabilities(status(task.name)), [0] * 4)
        self.assertEqual(daemon['Uid'], [str(user)] * 4)
        self.assertEqual(capabilities(server)[2], 1 << 6 | 1 << 7)  # CAP_SETGID, CAP_SETUID
        workers = self.workers()
        self.assertGreaterEqual(len(workers), 1)
        for facts in map(status, workers):
            self.assertEqual(facts['Uid'], [str(own)] * 4)
            self.assertEqual((facts['Groups'], facts['NoNewPrivs'], facts['Seccomp']), ([], ['1'], ['2']))
            self.assertEqual(capabilities(facts), [0] * 4)
        self.assertIn('collet-worker', ctl('status'))
        self.assertIn('Workers run as user collet-worker', run('journalctl', '-u', UNIT, '--no-pager'))
        for path in ('/var/lib/collet/collet.db', *glob.glob('/var/lib/collet/artifacts/**/*.so', recursive=True)[:1]):
            self.assertIn('Permission denied', run('cat', path, user='collet-worker', fails=True))

    def workers(self):
        return [pid for group in Path('/sys/fs/cgroup/system.slice/colletd.service').glob('worker-*')
                for pid in (group / 'cgroup.procs').read_text().split()]

    def test_06_the_first_connection_starts_it(self):
        for make in (tcp, lambda: LocalConnection('collet', timeout=60)):
            run('systemctl', 'stop', UNIT)
            self.assertEqual(show('ActiveState'), 'inactive')
            self.assertEqual(add(1, 2, make()), 3)
            self.assertEqual(show('ActiveState'), 'active')

    def test_07_a_call_on_the_bus_starts_it(self):
        run('systemctl', 'stop', UNIT)
        self.assertIn('calculator', ctl('modules'))
        self.assertEqual(show('ActiveState'), 'active')

    def test_08_a_restart_refuses_nobody(self):
        with Load() as load:
            for _ in range(3):
                run('systemctl', 'restart', UNIT)
                time.sleep(1)
        self.assertEqual(load.failed, [])
        self.assertGreater(load.made, 10)

    def test_09_the_configuration_is_read_again(self):
        before = show('MainPID')
        self.addCleanup(lambda: (os.unlink('/etc/collet/colletd.conf'), run('systemctl', 'reload', UNIT)))
        Path('/etc/collet/colletd.conf').write_text('[limits]\nmax-body-kib=1\n[mcp]\nmax-streams=7\n', encoding='utf-8')
        run('systemctl', 'reload', UNIT)
        wait_for(lambda: '[mcp] max-streams' in show('StatusText'), 'what the status says')
        connection = tcp()
        connection.request('POST', '/mcp', b' ' * 2000, {'Content-Type': 'application/json'})
        self.assertEqual(connection.getresponse().status, 413)
        self.assertEqual(show('MainPID'), before)

    def test_10_one_that_hangs_is_started_again(self):
        folder = Path('/run/systemd/system/colletd.service.d')
        folder.mkdir(parents=True)
        (folder / 'soon.conf').write_text('[Service]\nWatchdogSec=5\n', encoding='utf-8')
        run('systemctl', 'daemon-reload')
        run('systemctl', 'restart', UNIT)
        before = show('MainPID')
        time.sleep(7)  # it is fed
        self.assertEqual(show('MainPID'), before)
        os.kill(int(before), signal.SIGSTOP)
        wait_for(lambda: show('MainPID') not in ('0', before) and show('ActiveState') == 'active', 'another one', 90)
        self.assertEqual(add(1, 2), 3)
        (folder / 'soon.conf').unlink()
        folder.rmdir()
        run('systemctl', 'daemon-reload')
        run('systemctl', 'restart', UNIT)

    def test_11_one_that_is_killed_is_started_again(self):
        with Load() as load:
            os.kill(int(show('MainPID')), signal.SIGKILL)
            time.sleep(5)
        # Those that it was answering are lost, no other.
        self.assertLessEqual(len(load.failed), 2, load.failed)
        self.assertFalse([text for text in load.failed if 'Refused' in text or 'FileNotFound' in text], load.failed)
        self.assertEqual(add(1, 2), 3)

    def test_12_others_may_look_and_polkit_says_who_may_change(self):
        run('useradd', '--create-home', 'ada')
        self.assertIn('calculator', ctl('modules', user='ada'))
        said = ctl('load', '/test/modules/echo-1.0.0.so', user='ada', fails=True)
        self.assertIn('NotAuthorized', said)
        RULE.write_text('polkit.addRule(function(action, subject) {\n'
                        '  if (action.id == "org.collet.Collet1.load" && subject.user == "ada") return polkit.Result.YES;\n'
                        '});\n', encoding='utf-8')
        os.chmod(RULE, 0o644)
        run('systemctl', 'restart', 'polkit')
        ctl('load', '/test/modules/echo-1.0.0.so', user='ada')
        self.assertIn('NotAuthorized', ctl('rollback', 'echo', user='ada', fails=True))
        RULE.unlink()
        run('systemctl', 'restart', 'polkit')

    def test_13_nobody_else_can_take_its_name(self):
        run('systemctl', 'stop', UNIT)
        said = run('gdbus', 'call', '--system', '--dest', 'org.freedesktop.DBus', '--object-path', '/org/freedesktop/DBus',
                   '--method', 'org.freedesktop.DBus.RequestName', 'org.collet.Collet1', '4', user='ada', fails=True)
        self.assertIn('AccessDenied', said)

    def test_14_no_user_gets_a_daemon_unasked(self):
        for unit in ('colletd.service', 'colletd.socket'):
            self.assertEqual(run('systemctl', '--global', 'is-enabled', unit, fails=True), 'disabled')
        run('loginctl', 'enable-linger', 'ada')
        uid = pwd.getpwnam('ada').pw_uid
        wait_for(lambda: run('systemctl', 'is-active', f'user@{uid}.service', fails=None) == 'active', "ada's own units")
        time.sleep(2)
        self.assertEqual(subprocess.run(['pgrep', '-u', 'ada', 'colletd'], check=False, capture_output=True).stdout, b'')

    def test_15_a_user_can_have_one(self):
        # Beside the system's, which has the port.
        uid = pwd.getpwnam('ada').pw_uid
        run('systemctl', '--user', '-M', 'ada@', 'enable', '--now', 'colletd.socket')
        self.assertEqual(run('systemctl', '--user', '-M', 'ada@', 'is-active', 'colletd.socket'), 'active')
        self.assertTrue(is_healthy(LocalConnection('collet', timeout=60, path=f'/run/user/{uid}/collet/mcp.sock')))
        run('pgrep', '-u', 'ada', 'colletd')
        # As docs/operating.md says, for clients that speak TCP alone.
        folder = Path('/home/ada/.config/systemd/user/colletd.socket.d')
        run('mkdir', '-p', folder, user='ada')
        (folder / 'override.conf').write_text(f'[Socket]\nListenStream=127.0.0.1:{PORT + 1}\n', encoding='utf-8')
        run('systemctl', '--user', '-M', 'ada@', 'stop', 'colletd.service')
        run('systemctl', '--user', '-M', 'ada@', 'daemon-reload')
        run('systemctl', '--user', '-M', 'ada@', 'restart', 'colletd.socket')
        self.assertTrue(is_healthy(http.client.HTTPConnection('127.0.0.1', PORT + 1, timeout=60)))
        run('systemctl', '--user', '-M', 'ada@', 'disable', '--now', 'colletd.socket', 'colletd.service')
        run('loginctl', 'disable-linger', 'ada')

    def metrics(self, token=None):
        connection = tcp()
        connection.request('GET', '/metrics', headers={'Authorization': f'Bearer {token}'} if token else {})
        status = connection.getresponse().status
        connection.close()
        return status

    def test_16_a_token_is_made_and_asked_for(self):
        token = run('colletctl', 'token', 'desk', '--allow=metrics').split()[0]
        configuration = Path('/etc/collet/colletd.conf')
        configuration.write_text('[mcp]\ntoken-file=tokens\n', encoding='utf-8')
        self.addCleanup(lambda: (configuration.unlink(), os.unlink('/etc/collet/tokens'), run('systemctl', 'restart', UNIT)))
        run('systemctl', 'restart', UNIT)
        self.assertEqual([self.metrics(), self.metrics('wrong'), self.metrics(token)], [401, 401, 200])

    def test_16_secrets_come_as_credentials(self):
        store = Path('/etc/credstore')
        store.mkdir(mode=0o700, exist_ok=True)
        tokens = store / 'collet.tokens'
        token = run('colletctl', 'token', 'desk', '--allow=metrics', f'--file={tokens}').split()[0]
        self.addCleanup(lambda: (tokens.unlink(), run('systemctl', 'restart', UNIT)))
        run('systemctl', 'restart', UNIT)
        self.assertEqual([self.metrics(), self.metrics('wrong'), self.metrics(token)], [401, 401, 200])

    def test_17_an_upgrade_loses_no_call(self):
        before = show('MainPID')
        with Load() as load:
            run('dpkg', '-i', *glob.glob('/test/now/*.deb'), timeout=300)
        self.assertEqual(load.failed, [], run('journalctl', '-n', '60', '--no-pager'))
        self.assertGreater(load.made, 5)
        self.assertNotEqual(show('MainPID'), before)
        self.assertEqual(run('systemctl', 'is-enabled', 'colletd.socket', UNIT).split(), ['enabled', 'enabled'])
        self.assertEqual(add(1, 2), 3)

    def test_18_the_log_has_nothing_that_went_wrong_by_itself(self):
        log = run('journalctl', '-u', UNIT, '-p', 'warning', '--no-pager', '-o', 'cat', '_COMM=colletd', fails=None)
        self.assertEqual(log.replace('-- No entries --', ''), '')

    def test_19_a_module_that_breaks_out_or_hangs_is_stopped(self):
        ctl('load', '/test/modules/burglar.so', '/test/modules/hang-call.so')
        for way in ('shadow', 'fork', 'exec', 'setuid', 'signal'):
            self.assertIn(json.loads(ctl('--json', 'call', 'burgle', json.dumps({'way': way})))['structuredContent']['errno'], (1, 13), way)
        wait_for(lambda: 'execve' in ctl('modules', 'burglar'), 'what is told of it')
        self.assertIn('WorkerConfined', run('journalctl', '-u', UNIT, '--no-pager', '-o', 'cat', 'COLLET_MODULE=burglar'))
        self.assertIn('CallTimeout', ctl('call', 'hang-call', '--timeout=1', fails=True))
        wait_for(lambda: re.search(r'crashes +1', ctl('modules', 'hang-call')), 'the end of the one that hangs')
        self.assertEqual(add(1, 2), 3)

    def test_20_with_its_fork_server_it_is_started_again(self):
        before = show('MainPID')
        server = next(pid for pid in Path('/sys/fs/cgroup/system.slice/colletd.service/daemon/cgroup.procs').read_text().split()
                      if pid != before)
        workers = self.workers()
        os.kill(int(server), signal.SIGKILL)
        wait_for(lambda: show('MainPID') not in ('0', before) and show('ActiveState') == 'active', 'another one', 90)
        self.assertEqual(add(1, 2), 3)
        self.assertFalse([pid for pid in workers if Path(f'/proc/{pid}').exists()])


if __name__ == '__main__':
    unittest.main()
