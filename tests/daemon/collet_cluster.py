# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real clusters on this machine: etcd, and daemons that each have a private bus.

Tests derive from ClusterTestCase. Others (the demo, the benchmark, whoever wants
to look at a cluster) say which build it is, and have one while a block lasts:

    import collet_build
    collet_build.use('build/debug')
    from collet_cluster import Cluster

    with Cluster(3, members=1, first=example('calculator-1.0.0')) as cluster:
        first = cluster.nodes[0]             # a collet_harness.Daemon: n1
        first.wait(cluster.propose(first, example('calculator-2.0.0'), 'quorum'))
        cluster.wait_in_line(cluster.nodes, 'calculator', epoch=2)
        # for colletctl or the app: DBUS_SESSION_BUS_ADDRESS=first.bus.address, --session
        # MCP: http://127.0.0.1:{first.port}/mcp; database: first.data + '/collet.db'

These names stay: Cluster, its nodes, folder, etcd and the methods of Fleet.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile

from collet_harness import (
    Bus, BusError, Daemon, Process, TestCase, adopt_orphans, free_port, module, reap, variants, wait_until)

HAS_ETCD = shutil.which('etcd') is not None


CERTIFICATES = """
ca () {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$1 -keyout $1.key \\
    -out $1.pem
}
leaf () {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$1 -keyout $1.key -out $1.csr
  printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=%s\\n' $3 >$1.ext
  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem
}
ca ca
ca other
leaf server ca serverAuth,clientAuth
leaf client ca clientAuth
leaf stranger other clientAuth
"""


def make_certificates(folder):
    """ca, and by it server and client; stranger is by another one."""
    made = os.path.join(folder, 'certificates')
    os.makedirs(made)
    subprocess.run(['sh', '-ec', CERTIFICATES], cwd=made, check=True, capture_output=True, timeout=60)
    return made


class Etcd:
    """n members on loopback ports; is_durable: they sync what they write."""

    def __init__(self, n=1, folder=None, has_tls=False, is_durable=False):
        self.folder = tempfile.mkdtemp(prefix='etcd-', dir=folder)
        self.certificates = make_certificates(self.folder) if has_tls else None
        self.ports = [free_port() for _ in range(n)]
        scheme = 'https' if has_tls else 'http'
        self.endpoints = [f'{scheme}://127.0.0.1:{port}' for port in self.ports]
        self.peers = [f'http://127.0.0.1:{free_port()}' for _ in range(n)]
        initial = ','.join(f'm{i}={url}' for i, url in enumerate(self.peers))
        tls = ['--client-cert-auth', '--trusted-ca-file', f'{self.certificates}/ca.pem',
               '--cert-file', f'{self.certificates}/server.pem', '--key-file', f'{self.certificates}/server.key']
        self.commands = [[
            'etcd', *(tls if has_tls else []), '--name', f'm{i}', '--data-dir', f'{self.folder}/m{i}',
            '--listen-client-urls', self.endpoints[i], '--advertise-client-urls', self.endpoints[i],
            '--listen-peer-urls', self.peers[i],
            '--initial-advertise-peer-urls', self.peers[i], '--initial-cluster', initial,
            '--logger', 'zap', '--log-level', 'error', '--unsafe-no-fsync',
            '--heartbeat-interval', '100', '--election-timeout', '1000'] for i in range(n)]
        if is_durable or not self.has_no_fsync():
            for command in self.commands:
                command.remove('--unsafe-no-fsync')
        self.members = [None] * n
        try:
            for i in range(n):
                self.start(i)
            for i in range(n):
                wait_until(lambda i=i: self.is_healthy(i), 30, f'member {i} of etcd')
        except BaseException:
            self.close()
            raise

    @staticmethod
    def has_no_fsync():
        """It came with 3.4.17."""
        return '--unsafe-no-fsync' in subprocess.run(['etcd', '--help'], capture_output=True, text=True,
                                                     check=False).stdout

    def start(self, i):
        with open(f'{self.folder}/log{i}', 'ab') as log:
            self.members[i] = Process(self.commands[i], stdout=log, stderr=log)

    def is_healthy(self, i):
        try:
            connection = self.connect(i)
            connection.request('GET', '/health')
            return b'"true"' in connection.getresponse().read()
        except OSError:
            return False

    def connect(self, i):
        if not self.certificates:
            return http.client.HTTPConnection('127.0.0.1', self.ports[i], timeout=2)
        context = ssl.create_default_context(cafile=f'{self.certificates}/ca.pem')
        # Newer Pythons ask for more extensions than these short-lived certificates have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_cert_chain(f'{self.certificates}/client.pem', f'{self.certificates}/client.key')
        return http.client.HTTPSConnection('127.0.0.1', self.ports[i], timeout=2, context=context)

    def revisions(self, prefix):
        """{key: revision of its last change} of all that begin so."""
        def coded(text):
            return base64.b64encode(text.encode()).decode()

        connection = self.connect(0)
        connection.request('POST', '/v3/kv/range', json.dumps({'key': coded(prefix), 'range_end': coded(prefix + '~'),
                                                               'keys_only': True}))
        rows = json.loads(connection.getresponse().read()).get('kvs', [])
        return {base64.b64decode(row['key']).decode(): int(row['mod_revision']) for row in rows}

    def options(self, client='client'):
        """For a daemon: how it reaches etcd, with that certificate."""
        files = {'etcd-ca': 'ca.pem', 'etcd-certificate': f'{client}.pem', 'etcd-key': f'{client}.key'}
        return [word for name, file in files.items() if self.certificates
                for word in ('--set', f'cluster.{name}={self.certificates}/{file}')]

    def etcdctl(self, *arguments):
        subprocess.run(['etcdctl', *arguments], check=True, capture_output=True, timeout=60,
                       env={'ETCDCTL_API': '3', 'PATH': '/usr/bin'})

    def save(self, path):
        self.etcdctl('--endpoints', self.endpoints[0], 'snapshot', 'save', path)

    def restore(self, path):
        """Of the only member: what it has is replaced by what was saved."""
        self.kill(0)
        shutil.rmtree(f'{self.folder}/m0')
        self.etcdctl('snapshot', 'restore', path, '--name', 'm0', '--data-dir', f'{self.folder}/m0',
                     '--initial-cluster', f'm0={self.peers[0]}', '--initial-advertise-peer-urls', self.peers[0])
        self.start(0)
        wait_until(lambda: self.is_healthy(0), 30, 'the restored member of etcd')

    def signal(self, i, number):
        self.members[i].send_signal(number)

    def kill(self, i):
        if self.members[i] is None:
            return
        self.members[i].send_signal(signal.SIGKILL)
        self.members[i].wait()
        Process.known.discard(self.members[i].pid)
        self.members[i] = None

    def close(self):
        for i in range(len(self.members)):
            self.kill(i)
        shutil.rmtree(self.folder, ignore_errors=True)


class Fleet:
    """Daemons on buses of their own. Of its class it needs folder, etcd, buses and daemon()."""

    def node(self, name, *arguments, **options):
        """A daemon of that name, in no cluster yet."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        bus = Bus(folder)
        self.buses.append(bus)
        peers = free_port()
        daemon = self.daemon('--node-name', name, '--set', f'cluster.listen=127.0.0.1:{peers}',
                             *self.etcd.options(), *arguments, folder=folder, bus=bus, **options)
        daemon.name, daemon.url = name, f'https://127.0.0.1:{peers}'
        return daemon

    def found(self, daemon, name='demo'):
        daemon.call('InitCluster', '(sa{sv})', name, variants({'endpoints': self.etcd.endpoints}))

    def join(self, daemon, founder, **options):
        token, _ = founder.call('CreateJoinToken', '(a{sv})', {})
        return daemon.call('JoinCluster', '(ssa{sv})', founder.url, token, variants(options))

    def rows(self, daemon, name='counter'):
        """What a node knows of a module on each node."""
        return {row['node']: row for row in daemon.call('GetClusterVersions', '(s)', name)}

    def states(self, daemon, name='counter'):
        return {node: row['state'] for node, row in self.rows(daemon, name).items()}

    def node_states(self, daemon):
        return {row['Name']: row['State'] for row in daemon.call('ListNodes')}

    def is_in_line(self, nodes, name, epoch):
        try:
            rows = self.rows(nodes[0], name)
        except BusError:  # not agreed yet, or no answer of the store
            return False
        return all(rows.get(node.name, {}).get('state') == 'in-line' and
                   (epoch is None or rows[node.name]['epoch'] == epoch) for node in nodes)

    def wait_in_line(self, nodes, name='counter', epoch=None, timeout=30):
        """Until all these run what is agreed (at that epoch); the version."""
        try:
            wait_until(lambda: self.is_in_line(nodes, name, epoch), timeout)
        except TimeoutError:
            raise TimeoutError(f'{name} was not in line{f" at epoch {epoch}" if epoch else ""} on all nodes within '
                               f'{timeout} s: {self.tell_rows(nodes[0], name)}') from None
        versions = {node.version(name) for node in nodes}
        assert len(versions) == 1, versions
        return versions.pop()

    def tell_rows(self, daemon, name):
        """What a node knows of a module on each node, in a line."""
        try:
            return '; '.join(f'{node} {row["state"]} {row["version"][:12]} epoch {row["epoch"]} {row["message"]}'.rstrip()
                             for node, row in self.rows(daemon, name).items())
        except BusError as error:
            return f'{daemon.name} says {error}'

    def propose(self, daemon, path, strategy='sync_all', **options):
        """The path of the Reload, for daemon.wait()."""
        return daemon.call('ClusterReload', '(ssa{sv})', path, strategy, variants(options))


class Cluster(Fleet):
    """n nodes n1, n2, ... that run what the first had loaded (a path, or several); they
    end with the block."""

    def __init__(self, n=3, members=1, first=(), name='demo', arguments=(), is_durable=False):
        paths = [first] if isinstance(first, str) else list(first)
        adopt_orphans()
        self.folder = tempfile.mkdtemp(prefix='collet-')
        self.buses, self.nodes = [], []
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            self.etcd = None
            self.etcd = Etcd(members, self.folder, is_durable=is_durable)
            for i in range(n):
                self.node(f'n{i + 1}', *arguments)
            for path in paths:
                self.nodes[0].load(path)
            self.found(self.nodes[0], name)
            for node in self.nodes[1:]:
                self.join(node, self.nodes[0])
            wait_until(lambda: all(list(self.node_states(node).values()) == ['live'] * n for node in self.nodes), 30,
                       'all nodes to see each other')
            for path in paths:
                self.wait_in_line(self.nodes, os.path.basename(path).partition('-')[0])
            stack.pop_all()

    def daemon(self, *arguments, **options):
        daemon = Daemon(self, *arguments, start=False, **options)
        self.nodes.append(daemon)
        return daemon.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """All of it, also if one does not end; that is said afterwards."""
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stack.callback(reap)
            for bus in self.buses:
                stack.callback(bus.close)
            if self.etcd is not None:
                stack.callback(self.etcd.close)
            for node in self.nodes:
                stack.callback(node.connection.close_sync, None)
                stack.callback(node.stop)


class ClusterTestCase(Fleet, TestCase):
    """self.cluster(n) founds one of nodes n1, n2, ..., all with the same module."""

    members = 1
    has_tls = False

    def setUp(self):
        super().setUp()
        self.buses = []
        self.etcd = Etcd(self.members, self.folder, self.has_tls)

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            for bus in self.buses:
                bus.close()

    def leftovers(self):
        self.etcd.close()
        return super().leftovers()

    def ctl(self, daemon, *arguments, status=0, text=None):
        """What colletctl prints for that daemon; its errors too, if it has no other output."""
        done = subprocess.run([os.environ['COLLETCTL'], '--session', *arguments], capture_output=True, text=True,
                              input=text, timeout=90, check=False,
                              env={'DBUS_SESSION_BUS_ADDRESS': daemon.bus.address, 'LC_ALL': 'C.UTF-8',
                                   'PATH': '/usr/bin'})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout or done.stderr

    def cluster(self, n=3, first='counter-1.0.0', prefix=''):
        """All n, in line with what the first had loaded when it founded the cluster."""
        nodes = [self.node(f'n{i + 1}{prefix}') for i in range(n)]
        if first:
            nodes[0].load(module(first))
        self.found(nodes[0], 'demo' + prefix)
        for node in nodes[1:]:
            self.join(node, nodes[0])
        if first:
            self.wait_in_line(nodes, first.partition('-')[0])
        return nodes
