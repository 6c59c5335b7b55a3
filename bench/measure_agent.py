# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a large cluster costs one node: a real daemon on a real etcd, in which 49 nodes that
are only keys run 500 modules and say something new a hundred times a second."""

import base64
import http.client
import json
import os
import threading
import time

from collet_cluster import HAS_ETCD, Cluster
from collet_harness import module, wait_until

NODES, MODULES, UPDATES = 50, 500, 100
PREFIX = '/collet/v1/demo/'
TICK = os.sysconf('SC_CLK_TCK')


def coded(text):
    return base64.b64encode(text.encode()).decode()


class Store:
    """A connection to etcd's gateway."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port)

    def put(self, rows):
        """{key: record}, in one transaction."""
        self.connection.request('POST', '/v3/kv/txn', json.dumps({'success': [
            {'request_put': {'key': coded(PREFIX + key), 'value': coded(json.dumps(value, separators=(',', ':')))}}
            for key, value in rows.items()]}))
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text


def applied(epoch, state='applied'):
    return {'epoch': epoch, 'sha256': f'{epoch:064x}', 'version': f'1.0.{epoch}', 'state': state}


def fill(store, own):
    """Modules that are agreed and run everywhere but on the node that is measured, which has
    said of each that it cannot apply it; so it has nothing to do but to know."""
    def node(n):
        return own if n == 0 else f'node-{n:02}'

    for n in range(1, NODES):
        store.put({f'node/{node(n)}': {'url': f'https://127.0.0.1:{n + 1}', 'fingerprint': f'{n:064x}'},
                   f'live/{node(n)}': {'version': '1'}})
    for m in range(MODULES):
        name = f'module-{m:03}'
        desired = {key: value for key, value in applied(1).items() if key != 'state'} | {'txid': f'{m:016x}'}
        store.put({f'applied/{name}/{node(n)}': applied(1, 'failed' if n == 0 else 'applied') for n in range(NODES)} |
                  {f'desired/{name}': desired, f'history/{name}/1': desired | {'kind': 'load', 'strategy': 'quorum'}})


class Updates(threading.Thread):
    """Every update is one node's word on one module, in a transaction of its own."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.store, self.n, self.is_over = Store(port), 0, False
        self.start()

    def run(self):
        begun = time.monotonic()
        while not self.is_over:
            n, self.n = self.n, self.n + 1
            self.store.put({f'applied/module-{n * 7 % MODULES:03}/node-{1 + n % (NODES - 1):02}': applied(2 - n // 24500 % 2)})
            time.sleep(max(0, begun + self.n / UPDATES - time.monotonic()))


def ticks(pid, task=''):
    """Seconds of processor."""
    with open(f'/proc/{pid}/{task}stat', encoding='ascii') as file:
        fields = file.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def watch(daemon, seconds):
    """Over that time: share of a processor, of it on the main thread, and how long each
    of many small questions on the bus was without an answer, in ms, sorted."""
    pid = daemon.process.pid
    before, waits, begun = (ticks(pid), ticks(pid, f'task/{pid}/')), [], time.monotonic()
    while time.monotonic() < begun + seconds:
        asked = time.monotonic()
        daemon.property('NodeName')
        waits.append((time.monotonic() - asked) * 1e3)
        time.sleep(0.01)
    took = time.monotonic() - begun
    after = (ticks(pid), ticks(pid, f'task/{pid}/'))
    return [(b - a) / took for a, b in zip(before, after)], sorted(waits)


def run(options, figures):
    seconds = max(10 * options.seconds, 35)  # everything is looked at anew every 30 s
    with Cluster(1, first=module('echo-1.0.0')) as cluster:
        daemon = cluster.nodes[0]
        fill(Store(cluster.etcd.ports[0]), daemon.name)
        wait_until(lambda: len(daemon.call('ListNodes')) == NODES, 60, 'the nodes to be seen')
        time.sleep(5)
        figures['idle'] = watch(daemon, seconds)
        updates = Updates(cluster.etcd.ports[0])
        time.sleep(1)
        first, begun = updates.n, time.monotonic()
        figures['updated'] = watch(daemon, seconds)
        figures['rate'] = (updates.n - first) / (time.monotonic() - begun)
        updates.is_over = True
        updates.join()


def measure_agent(options, figures):
    from measure import row

    work = f'a node of {NODES} that have {MODULES} modules'
    if not HAS_ETCD:
        return [row(work, 'skipped: etcd is not installed (Debian: etcd-server)', '', '')]
    run(options, figures)

    def line(what, name):
        (processor, main), waits = figures[name]
        return row(f'  {what}', '', '', f'{processor:.1%} of a processor, {main:.1%} on the main thread',
                   f'p50 {waits[len(waits) // 2]:.1f} ms, p99 {waits[len(waits) * 99 // 100]:.1f}, longest {waits[-1]:.0f}')

    return [row(work, '', '', '', 'a question on the bus'), line('nothing happens', 'idle'),
            line(f"{figures['rate']:.0f} updates a second", 'updated')]
