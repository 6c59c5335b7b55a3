# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reloads of a cluster: ten daemons and three members of etcd on this machine, each
version new to all nodes but one, so that its bytes go over mutual TLS."""

import collections
import json
import os
import signal
import statistics
import threading
import time

import erlang
from collet_cluster import HAS_ETCD, Cluster
from collet_harness import RELOAD, module, wait_until
from collet_observer import Observer

NODES, MEMBERS = 10, 3
PUBLISHED = {'sync_all': '8.5 s', 'quorum': '3.2 s, 95 % of nodes', 'local': '0.8 s'}
LIMIT = {'sync_all': 150, 'quorum': 150, 'local': 20}


class Versions:
    """Any number of an echo that differ in their version, so in their hash."""

    def __init__(self, folder):
        self.folder = folder
        self.n = 0
        with open(module('echo-2.0.0'), 'rb') as file:
            self.bytes = file.read()

    def next(self):
        self.n += 1
        path = os.path.join(self.folder, f'echo-{self.n}.so')
        with open(path, 'wb') as file:
            file.write(self.bytes.replace(b'2.0.0', b'%d.%d.%d' % (3 + self.n // 100, self.n // 10 % 10, self.n % 10)))
        return path


class Bench:
    def __init__(self, cluster, observer):
        self.cluster = cluster
        self.nodes = cluster.nodes
        self.observer = observer
        self.versions = Versions(cluster.folder)
        self.epoch = 1
        self.writes = []

    def one(self, strategy, slow=None):
        """In milliseconds from the request: decided, applied on more than half, applied on
        all, and when the caller was told. None: it failed."""
        coordinator = self.nodes[self.epoch % (len(self.nodes) - 1)]
        path = self.versions.next()
        time.sleep(0.3)  # the last one's drains and signals are over
        since = len(self.observer.lines)
        if slow is not None:
            slow.process.send_signal(signal.SIGSTOP)
            threading.Timer(1, slow.process.send_signal, (signal.SIGCONT,)).start()
        begun = time.time()
        reload = self.cluster.propose(coordinator, path, strategy)
        coordinator.wait(reload)
        told = time.time()
        self.epoch += 1
        self.cluster.wait_in_line(self.nodes, 'echo', self.epoch)
        time.sleep(0.2)  # for what else is written
        writes = self.observer.writes(since)
        self.writes.append(writes)
        identity = coordinator.property('Id', reload, RELOAD)
        decided = next(write.at for write in writes if write.kind == 'decision' and write.parts[1] == identity)
        applied = sorted(write.at for write in writes if write.kind == 'applied' and
                         (value := json.loads(write.value))['epoch'] == self.epoch and value['state'] == 'applied')
        times = (decided, applied[len(self.nodes) // 2], applied[-1], told)
        return [(at - begun) * 1e3 for at in times]

    def local(self):
        """In milliseconds: until the caller was told that this node runs it."""
        node = self.nodes[-1]
        path = self.versions.next()
        time.sleep(0.3)
        begun = time.time()
        node.wait(self.cluster.propose(node, path, 'local'))
        told = (time.time() - begun) * 1e3
        wait_until(lambda: self.cluster.states(self.nodes[0], 'echo')[node.name] == 'override', what='the override')
        return [told]


def run(options, figures):
    rounds = options.repeat * 4
    results = collections.defaultdict(list)
    with Cluster(NODES, MEMBERS, first=module('echo-1.0.0'), is_durable=True) as cluster:
        observer = Observer(cluster.etcd.ports[0])
        bench = Bench(cluster, observer)
        bench.one('sync_all')
        bench.writes.clear()
        for _ in range(rounds):
            results['sync_all'].append(bench.one('sync_all'))
            results['quorum'].append(bench.one('quorum'))
        writes = [count_writes(each) for each in bench.writes[::2]]
        for _ in range(options.repeat):
            results['slow'].append(bench.one('quorum', cluster.nodes[-1]))
        for _ in range(rounds):
            results['local'].append(bench.local())
        observer.close()
    figures |= {**results, 'writes': writes}
    return results, writes


def count_writes(writes):
    """Keys written, and transactions: each has a revision."""
    return len(writes), len({write.revision for write in writes})


def middle(results, place):
    return statistics.median(result[place] for result in results)


def tail(results, place):
    return sorted(result[place] for result in results)[int(len(results) * 0.95)]


def shown(results, place):
    return f'{middle(results, place):.0f} ms, p95 {tail(results, place):.0f}'


def measure_cluster(options, figures):
    from measure import row

    work = f'{NODES} nodes, {MEMBERS} members of etcd: '
    if not HAS_ETCD:
        return [row(work + 'reload', 'skipped: etcd is not installed (Debian: etcd-server)', '', '')]
    results, writes = run(options, figures)
    beam = erlang.load_on_nodes(NODES)
    figures['erlang'] = beam

    def line(what, strategy, place, results, has_goal=True):
        limit = LIMIT[strategy]
        return row(f'  {what}', 'published by the reference', PUBLISHED[strategy], shown(results, place), '',
                   f'p50 < {limit} ms' if has_goal else '', middle(results, place) < limit if has_goal else None)

    rows = [
        row(work + 'a new version', '', '', f"{sum(map(len, results.values()))} reloads, all succeeded"),
        line('sync_all, applied on all', 'sync_all', 2, results['sync_all']),
        line('quorum, applied on more than half', 'quorum', 1, results['quorum']),
        line('quorum, applied on all', 'quorum', 2, results['quorum'], False),
        line('quorum, one node stands still for 1 s', 'quorum', 1, results['slow']),
        line('local', 'local', 0, results['local']),
        row('  sync_all, decided', '', '', shown(results['sync_all'], 0)),
    ]
    if 'skipped' in beam:
        rows.append(row('  code loaded on all', 'Erlang erpc:multicall', 'skipped: ' + beam['skipped'], ''))
    else:
        ours = middle(results['sync_all'], 2)
        rows.append(row('  sync_all, applied on all', 'Erlang erpc:multicall load_file',
                        f"{beam['p50']:.0f} ms, p95 {beam['p95']:.0f}", f'{ours:.0f} ms', f"{ours / beam['p50']:.1f} x"))
    keys, transactions = (statistics.median(column) for column in zip(*writes))
    rows.append(row('  sync_all, writes to etcd', '', '', f'{transactions:.0f} transactions, {keys:.0f} keys',
                    f'{transactions / NODES:.1f} and {keys / NODES:.1f} a node'))
    return rows
