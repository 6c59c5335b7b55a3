# SPDX-License-Identifier: LGPL-2.1-or-later
"""Members of etcd on this machine, each behind the network, and everything that
was ever written there."""

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import time

from collet_harness import Process, free_port, wait_until

QUOTA = 24 * 1024 * 1024


class EtcdError(Exception):
    pass


def encode(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Members:
    """n of them. `endpoints` lead through the network, what is asked here does not."""

    def __init__(self, network, folder, n=3):
        self.network, self.folder, self.n = network, folder, n
        self.names = [f'etcd{i + 1}' for i in range(n)]
        self.ports = [free_port() for _ in range(n)]
        self.peer_ports = [free_port() for _ in range(n)]
        self.endpoints = [f'http://127.0.0.1:{network.listen(name, port)}'
                          for name, port in zip(self.names, self.ports)]
        # etcd wants to find its own address among those of the members.
        self.peer_urls = [f'http://127.0.0.1:{network.listen(name, port)}'
                          for name, port in zip(self.names, self.peer_ports)]
        self.initial = ','.join(f'{name}={url}' for name, url in zip(self.names, self.peer_urls))
        self.data = [os.path.join(folder, name) for name in self.names]
        self.token = 'one'
        self.processes = [None] * n
        self.has_no_fsync = '--unsafe-no-fsync' in subprocess.run(
            ['etcd', '--help'], capture_output=True, text=True, check=False).stdout

    def start_all(self):
        for i in range(self.n):
            self.start(i)
        self.wait_healthy()

    def command(self, i):
        return ['etcd', '--name', self.names[i], '--data-dir', self.data[i],
                '--listen-client-urls', f'http://127.0.0.1:{self.ports[i]}',
                '--advertise-client-urls', f'http://127.0.0.1:{self.ports[i]}',
                '--listen-peer-urls', f'http://127.0.0.1:{self.peer_ports[i]}',
                '--initial-advertise-peer-urls', self.peer_urls[i], '--initial-cluster', self.initial,
                '--initial-cluster-token', self.token, '--logger', 'zap', '--log-level', 'error',
                '--heartbeat-interval', '100', '--election-timeout', '1000', '--quota-backend-bytes', str(QUOTA),
                *(['--unsafe-no-fsync'] if self.has_no_fsync else [])]

    def start(self, i):
        with open(os.path.join(self.folder, f'{self.names[i]}.log'), 'ab') as log:
            self.processes[i] = Process(self.command(i), stdout=log, stderr=log)

    def kill(self, i):
        if self.processes[i] is not None:
            self.signal(i, signal.SIGKILL)
            self.processes[i].wait()
            Process.known.discard(self.processes[i].pid)
            self.processes[i] = None

    def signal(self, i, number):
        self.processes[i].send_signal(number)

    def pids(self):
        return {name: process.pid for name, process in zip(self.names, self.processes) if process is not None}

    def heal(self):
        for i, process in enumerate(self.processes):
            if process is None:
                self.start(i)
            else:
                self.signal(i, signal.SIGCONT)
        self.wait_healthy()

    def close(self):
        for i in range(self.n):
            self.kill(i)

    # Asking one of them, or whoever answers.

    def post(self, i, path, body, timeout=3):
        connection = http.client.HTTPConnection('127.0.0.1', self.ports[i], timeout=timeout)
        try:
            connection.request('POST', path, json.dumps(body), {'Grpc-Metadata-hasleader': 'true'})
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 200:
                raise EtcdError(f'{reply.status}: {text.decode(errors="replace")}')
            return json.loads(text)
        finally:
            connection.close()

    def ask(self, path, body, timeout=3):
        """Of whoever answers; between two leaders there is none for a moment."""
        end = time.monotonic() + 20
        while True:
            for i in range(self.n):
                if self.processes[i] is None:
                    continue
                try:
                    return self.post(i, path, body, timeout)
                except (OSError, http.client.HTTPException, EtcdError) as error:
                    problem = error
            if time.monotonic() > end or 'space exceeded' in str(problem):
                raise EtcdError(f'no member answers: {problem}')
            time.sleep(0.1)

    def is_healthy(self, i):
        try:
            connection = http.client.HTTPConnection('127.0.0.1', self.ports[i], timeout=2)
            connection.request('GET', '/health')
            return b'"true"' in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False

    def wait_healthy(self):
        for i in range(self.n):
            if self.processes[i] is not None:
                wait_until(lambda i=i: self.is_healthy(i), 60, self.names[i])

    def leader(self):
        """Its number, as it says itself."""
        def find():
            for i in range(self.n):
                if self.processes[i] is None:
                    continue
                try:
                    status = self.post(i, '/v3/maintenance/status', {})
                except (OSError, http.client.HTTPException, EtcdError):
                    continue
                if status.get('leader') == status['header']['member_id']:
                    return i + 1
            return 0
        return wait_until(find, 20, 'a leader of etcd') - 1

    def revision(self):
        return int(self.ask('/v3/kv/range', {'key': encode('/')})['header']['revision'])

    def put(self, key, value):
        return self.ask('/v3/kv/put', {'key': encode(key), 'value': encode(value)}, 10)

    def delete_prefix(self, prefix):
        return self.ask('/v3/kv/deleterange', {'key': encode(prefix), 'range_end': encode(prefix[:-1] + chr(ord(prefix[-1]) + 1))})

    def compact(self, revision):
        return self.ask('/v3/kv/compaction', {'revision': str(revision), 'physical': True}, 10)

    def ctl(self, *arguments):
        environment = {'ETCDCTL_API': '3', 'PATH': '/usr/bin:/bin'}
        endpoints = ','.join(f'127.0.0.1:{port}' for port in self.ports)
        done = subprocess.run(['etcdctl', '--endpoints', endpoints, *arguments], capture_output=True, text=True,
                              env=environment, timeout=60, check=False)
        if done.returncode != 0:
            raise EtcdError(done.stdout + done.stderr)
        return done.stdout

    # A backup, and back to it.

    def save(self, path):
        environment = {'ETCDCTL_API': '3', 'PATH': '/usr/bin:/bin'}
        subprocess.run(['etcdctl', '--endpoints', f'127.0.0.1:{self.ports[0]}', 'snapshot', 'save', path],
                       env=environment, capture_output=True, timeout=60, check=True)

    def restore(self, path, token):
        """As it is done by the book: all members anew, from the one file."""
        self.token = token
        for i in range(self.n):
            self.kill(i)
            shutil.rmtree(self.data[i])
            subprocess.run(['etcdctl', 'snapshot', 'restore', path, '--name', self.names[i], '--initial-cluster',
                            self.initial, '--initial-cluster-token', token, '--initial-advertise-peer-urls',
                            self.peer_urls[i], '--data-dir', self.data[i]],
                           env={'ETCDCTL_API': '3', 'PATH': '/usr/bin:/bin'}, capture_output=True, timeout=60,
                           check=True)
        self.start_all()


class Recorder:
    """Every change of a key, in order: (revision, key, value or None, lease)."""

    def __init__(self, members, prefix):
        self.members, self.prefix = members, prefix
        self.changes = []
        self.revision = 0
        self.compacted = 0

    def catch_up(self):
        """Up to what is there now."""
        end = self.members.revision()
        if end <= self.revision:
            return self.changes
        for i in range(self.members.n):
            if self.members.processes[i] is not None and self.revision < end:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.read(i, end)
        if self.revision < end:
            raise EtcdError(f'no member tells of revision {end}')
        return self.changes

    def read(self, i, end):
        connection = http.client.HTTPConnection('127.0.0.1', self.members.ports[i], timeout=5)
        try:
            connection.request('POST', '/v3/watch', json.dumps({'create_request': {
                'key': encode('\0'), 'range_end': encode('\0'), 'start_revision': str(self.revision + 1)}}))
            reply = connection.getresponse()
            while self.revision < end:
                result = json.loads(reply.readline())['result']
                if result.get('canceled'):
                    raise EtcdError(f'history is gone: {result}')
                for event in result.get('events', []):
                    self.note(event)
        finally:
            connection.close()

    def note(self, event):
        row = event['kv']
        key = base64.b64decode(row['key']).decode(errors='replace')
        self.revision = int(row['mod_revision'])
        if key.startswith(self.prefix):
            value = None if event.get('type') == 'DELETE' else base64.b64decode(row.get('value', '')).decode()
            self.changes.append((self.revision, key.removeprefix(self.prefix), value))

    def compact(self):
        """What was read is not kept there."""
        before = self.compacted
        self.catch_up()
        self.compacted = self.revision
        if self.compacted > before:
            self.members.compact(self.compacted)

    def go_back(self, revision):
        """What came later has never been."""
        self.changes = [change for change in self.changes if change[0] <= revision]
        self.revision = revision
        self.compacted = min(self.compacted, revision)
