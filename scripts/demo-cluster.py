# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/demo --cluster does once everything is built."""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import signal
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.append(os.path.join(ROOT, 'tests', 'daemon'))
sys.dont_write_bytecode = True

import collet_build  # noqa: E402

collet_build.use(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'build', 'debug'))
from collet_cluster import HAS_ETCD, Cluster  # noqa: E402
from collet_harness import BusError, GLib, Process, example, module, wait_until  # noqa: E402
from collet_observer import Observer  # noqa: E402
import demo_guard  # noqa: E402
from demo_parts import Checks, Failure, Load, number, say  # noqa: E402

COLUMNS = ('strategy', 'what', 'nodes', 'decided', 'applied everywhere', 'calls', 'failed')
CALCULATOR, ECHO = 'calculator', 'echo'
LOG_LINES = 12
HISTORY = ('SELECT reload, kind, strategy, initiator, reason, module, from_sha256, to_sha256, state, error '
           'FROM reload_history WHERE reload = ?')


def milliseconds(seconds):
    return f'{seconds * 1000:,.0f} ms'


class Outcome:
    """What the cluster's store was told of one reload: when it was decided, and when each
    node said that it runs what was."""

    def __init__(self, writes, identity):
        self.decided = self.by = None
        self.applied = {}
        for write in writes:
            if write.kind == 'decision' and write.parts[1] == identity and not write.is_delete:
                self.decided, self.by = write.at, json.loads(write.value)['by']
            elif write.kind == 'applied' and self.decided and json.loads(write.value)['state'] == 'applied':
                self.applied.setdefault(write.parts[2], write.at)


class Demonstration:
    """A cluster, the load on its nodes, and a line of the table for each thing done to it."""

    def __init__(self, cluster, observer, options):
        self.cluster = cluster
        self.nodes = cluster.nodes
        self.observer = observer
        self.options = options
        self.loads = {}
        self.made = self.failed = 0
        self.epochs = collections.Counter({CALCULATOR: 1, ECHO: 1})
        self.rows = []
        self.reloads = []  # their ids
        self.checks = Checks()

    # ---- load ----

    def attend(self, *nodes):
        """Clients for these."""
        for node in nodes:
            self.loads[node] = Load(os.environ['COLLET_LOAD'], node.port, '--connections', self.options.connections,
                                    '--rate', self.options.rate)

    def leave(self, *nodes):
        """The clients of these go elsewhere, as a balancer would send them; every call is answered first."""
        for node in nodes:
            summary, status = self.loads.pop(node).finish()
            self.made += summary['made']
            self.failed += summary['failed']
            if status != 0:
                raise Failure(f'calls of {node.name} went wrong: {summary["errors"] or summary["register"]}')

    def count(self):
        counts = [load.count() for load in self.loads.values()]
        return self.made + sum(made for made, _ in counts), self.failed + sum(failed for _, failed in counts)

    # ---- the table ----

    @contextlib.contextmanager
    def line(self, strategy, what):
        """A line of the table; the block fills in nodes, decided and applied."""
        row = dict.fromkeys(COLUMNS, '-') | {'strategy': strategy, 'what': what}
        made, failed = self.count()
        yield row
        made_after, failed_after = self.count()
        row |= {'calls': number(made_after - made), 'failed': str(failed_after - failed)}
        self.rows.append(row)
        say('  ' + ', '.join(f'{name} {row[name]}' for name in COLUMNS[2:]))

    def print_table(self):
        cells = [COLUMNS] + [tuple(row[column] for column in COLUMNS) for row in self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
        for place, row in enumerate(cells):
            say('  ' + ' | '.join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
            if place == 0:
                say('  ' + '-|-'.join('-' * width for width in widths))

    # ---- what is done ----

    def settle(self, row, since, begun, path, node, nodes, module=CALCULATOR):
        """After a commit: all these nodes run it; what the store was told, for the row."""
        self.epochs[module] += 1
        self.cluster.wait_in_line(nodes, module, self.epochs[module])
        identity = path.rpartition('/')[2]
        outcome = self.wait_outcome(since, identity, nodes)
        self.reloads.append((identity, nodes))
        row |= {'nodes': f'{len(nodes)} of {len(self.nodes)}', 'decided': milliseconds(outcome.decided - begun),
                'applied everywhere': milliseconds(max(outcome.applied[node.name] for node in nodes) - begun)}
        return outcome

    def wait_outcome(self, since, identity, nodes=()):
        """The nodes know it already; the observer's line may come a moment later."""
        outcome = Outcome([], identity)

        def is_told():
            nonlocal outcome
            outcome = Outcome(self.observer.writes(since), identity)
            return outcome.decided and all(node.name in outcome.applied for node in nodes)

        try:
            wait_until(is_told, 20)
        except TimeoutError:
            raise Failure(f'the store was not told within 20 s that reload {identity} was decided and applied by '
                          f'{", ".join(node.name for node in nodes) or "nobody"}; it was '
                          f'{"decided" if outcome.decided else "not decided"} and applied by '
                          f'{", ".join(outcome.applied) or "nobody"}') from None
        return outcome

    def reload(self, node, version, strategy, nodes, what):
        with self.line(strategy, what) as row:
            since, begun = len(self.observer.lines), time.time()
            path = self.cluster.propose(node, version, strategy, reason=what)
            node.wait(path)
            self.settle(row, since, begun, path, node, nodes)

    def stop(self, node):
        self.leave(node)
        node.stop()
        others = [other for other in self.nodes if other is not node]
        wait_until(lambda: all(self.cluster.node_states(other)[node.name] == 'down' for other in others), 20,
                   f'{node.name} to be seen as down')

    def sync_all(self):
        say(f'sync_all: n1 is asked to bring {CALCULATOR} 1.1.0 to all; the others fetch it over mutual TLS')
        self.reload(self.nodes[0], example(f'{CALCULATOR}-1.1.0'), 'sync_all', self.nodes, '1.0.0 to 1.1.0')

    def refusal(self):
        picky = self.nodes[1]
        say(f'A refused artifact: {picky.name} is started anew with --trust signed, then {CALCULATOR} 2.0.0 is proposed')
        self.leave(picky)
        plain = list(picky.arguments)
        picky.arguments += ['--trust', 'signed']
        picky.restart()
        self.wait_live()
        with self.line('sync_all', f'2.0.0, {picky.name} refuses') as row:
            since, begun = len(self.observer.lines), time.time()
            path = self.cluster.propose(self.nodes[0], example(f'{CALCULATOR}-2.0.0'))
            try:
                self.nodes[0].wait(path)
                message = ''
            except BusError as error:
                message = error.message
            outcome = self.wait_outcome(since, path.rpartition('/')[2])
            row |= {'nodes': f'0 of {len(self.nodes)}', 'decided': milliseconds(outcome.decided - begun),
                    'applied everywhere': 'nowhere'}
        say(f'  n1 answers: {message}')
        versions = {node.version(CALCULATOR) for node in self.nodes}
        self.checks.expect(f'{picky.name} refused: NotTrusted' in message and versions == {hash_of('1.1.0')},
                           'the reason reached who asked, and every node still runs 1.1.0')
        picky.arguments = plain
        picky.restart()
        self.wait_live()
        self.attend(picky)

    def quorum(self):
        last = self.nodes[-1]
        say(f'quorum: {last.name} is stopped, then {CALCULATOR} 2.0.0 is proposed to the others (it migrates their state)')
        self.stop(last)
        self.reload(self.nodes[0], example(f'{CALCULATOR}-2.0.0'), 'quorum', self.nodes[:-1],
                    f'1.1.0 to 2.0.0, {last.name} is down')

    def catch_up(self):
        last = self.nodes[-1]
        say(f'{last.name} is started again; nobody tells it anything')
        with self.line('quorum', f'{last.name} catches up') as row:
            self.come_back(row, last)
        self.attend(last)

    def come_back(self, row, node):
        node.start()
        ready = time.time()
        self.cluster.wait_in_line(self.nodes, CALCULATOR, self.epochs[CALCULATOR])
        row |= {'nodes': f'1 of {len(self.nodes)}',
                'applied everywhere': f'{milliseconds(time.time() - ready)} after its start'}

    def death(self):
        victim, frozen = self.nodes[1], self.nodes[2]
        say(f'The coordinator dies: {frozen.name} is held up (SIGSTOP) so that nothing can be decided, {victim.name} is '
            f'asked to go back to 1.1.0 and is killed (-9) once it has voted, then {frozen.name} goes on')
        self.leave(victim)
        others = [node for node in self.nodes if node is not victim]
        with self.line('sync_all', f'back to 1.1.0, {victim.name} is killed') as row:
            since = len(self.observer.lines)
            frozen.process.send_signal(signal.SIGSTOP)
            try:
                begun = time.time()
                path = victim.call('ClusterRollback', '(ssa{sv})', CALCULATOR, '', {})
                wait_until(lambda: any(write.kind == 'vote' and write.parts[3] == victim.name
                                       for write in self.observer.writes(since)), 20, 'its vote')
                undecided = not any(write.kind == 'decision' for write in self.observer.writes(since))
                victim.kill()
            finally:
                frozen.process.send_signal(signal.SIGCONT)
            outcome = self.settle(row, since, begun, path, others[0], others)
        say(f'  it was decided by {outcome.by}')
        self.checks.expect(undecided and outcome.by != victim.name, f'it was killed in the middle, and {outcome.by} decided')
        say(f'{victim.name} is started again; its vote stands, so it does what was decided')
        with self.line('sync_all', f'{victim.name} comes back') as row:
            self.come_back(row, victim)
        self.attend(victim)

    def rolling(self):
        canary = self.nodes[0]
        say(f'rolling: an {ECHO} of which every second call fails goes to {canary.name} first; the gate allows one in ten. '
            f'Forty calls of the demonstration itself find that out; no client is told to use it')
        with self.line('rolling', f'{ECHO} 4.0.0, reverts by itself') as row:
            since, begun = len(self.observer.lines), time.time()
            before = canary.version(ECHO)
            path = self.cluster.propose(canary, module(f'{ECHO}-flaky'), 'rolling', waves=[canary.name], bake_s=60,
                                        max_error_rate=0.1, min_calls=GLib.Variant('t', 20), auto_revert=True)
            wait_until(lambda: canary.version(ECHO) != before, 20, 'the canary to run it')
            bad = sum(canary.call_tool(ECHO, {'x': 1}).get('isError', False) for _ in range(40))
            self.epochs[ECHO] += 2
            self.cluster.wait_in_line(self.nodes, ECHO, self.epochs[ECHO])
            outcome = self.wait_outcome(since, path.rpartition('/')[2])
            row |= {'nodes': f'1 of {len(self.nodes)}', 'decided': milliseconds(outcome.decided - begun),
                    'applied everywhere': f'taken back after {time.time() - begun:.1f} s'}
        reverts = canary.sql('SELECT reason FROM reload_history WHERE reverts = ?', path.rpartition('/')[2])
        say(f'  {bad} of 40 calls failed; the cluster says: {reverts[0]["reason"] if reverts else "nothing"}')
        bystanders = sum(len(node.sql("SELECT 1 FROM reload_history WHERE to_version = '4.0.0' AND state = 'succeeded'"))
                         for node in self.nodes[1:])
        self.checks.expect(len(reverts) == 1 and {node.version(ECHO) for node in self.nodes} == {before} and not bystanders,
                           f'every node runs {ECHO} 1.0.0; only {canary.name} ever ran the other one')

    # ---- the end ----

    def wait_live(self):
        wait_until(lambda: all(set(self.cluster.node_states(node).values()) == {'live'} for node in self.nodes), 20,
                   'all nodes to see each other')

    def check(self):
        say('Checks')
        self.leave(*list(self.loads))
        self.checks.expect(self.failed == 0 and self.made > 0,
                           f'{number(self.made)} calls made on {len(self.nodes)} nodes, {self.failed} failed or answered '
                           'wrongly; each node\'s register holds the sum of what was acknowledged')
        expected = hash_of('1.1.0')
        self.checks.expect({node.version(CALCULATOR) for node in self.nodes} == {expected},
                           f'every node runs the file whose sha256sum is {expected[:16]}…')
        answers = {node.mcp(modern=True).call('add', {'a': 2, 'b': 40})['result']['_meta']['org.collet/sha256']
                   for node in self.nodes}
        self.checks.expect(answers == {expected}, 'and over MCP each says that this is what answered')
        consistent = [node.call('CheckConsistency', '(s)', '') for node in self.nodes]
        self.checks.expect(all(verdict for verdict, _ in consistent), 'asked, each node finds the cluster consistent')
        for identity, nodes in self.reloads:
            histories = [node.sql(HISTORY, identity) for node in nodes]
            self.checks.expect(len(histories[0]) == 1 and histories[0][0]['state'] == 'succeeded'
                               and all(history == histories[0] for history in histories),
                               f'reload {identity} is in the history of {len(nodes)} nodes, row for row the same')
        return self.checks.failed == 0

    def run(self):
        self.attend(*self.nodes)
        time.sleep(1)
        for act in (self.sync_all, self.refusal, self.quorum, self.catch_up, self.death, self.rolling):
            act()
            say()
            time.sleep(self.options.seconds)
        self.print_table()
        say()
        return self.check()

    def close(self):
        for load in self.loads.values():
            load.close()


def hash_of(version):
    """A version is the SHA-256 of the artifact."""
    with open(example(f'{CALCULATOR}-{version}'), 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def describe(node):
    """What a node says of itself, and the last lines of its log, when something did not come about."""
    try:
        own = next(row for row in node.call('ListNodes', timeout=5) if row['Self'])
        say(f'  {node.name}: {node.property("ClusterState")} {own["Message"]}'.rstrip())
        for name in (CALCULATOR, ECHO):
            for row in node.call('GetClusterVersions', '(s)', name, timeout=5):
                if row['node'] == node.name:
                    say(f'    {name}: ' + ', '.join(f'{key} {value}' for key, value in row.items() if value not in ('', 0)))
    except (BusError, StopIteration) as error:
        say(f'  {node.name}: does not say how it is ({error})')
    for line in node.output().splitlines()[-LOG_LINES:]:
        say(f'    | {line}')


def explain(nodes):
    ctl = os.environ['COLLETCTL']
    say(f"""To look at it (each node has a bus of its own; this is that of n1):
  export DBUS_SESSION_BUS_ADDRESS='{nodes[0].bus.address}'
  {ctl} cluster nodes; {ctl} cluster matrix; {ctl} history""")


def demonstrate(options):
    begun = time.time()
    say(f'Starting {options.etcd} members of etcd and {options.cluster} daemons, each on a bus and ports of its own')
    with Cluster(options.cluster, options.etcd,
                 first=(example(f'{CALCULATOR}-1.0.0'), module(f'{ECHO}-1.0.0'))) as cluster:
        say(f'  all in line after {time.time() - begun:.1f} s: n1 founded the cluster and gave a token to each of the others, '
            f'which\n  have certificates of its authority since, and fetched what n1 ran')
        say(f'  on each node {options.connections} connections call add and memory_add, {options.rate:g} times a second; no '
            f'call is repeated')
        say()
        with contextlib.closing(Observer(cluster.etcd.ports[0])) as observer, \
                contextlib.closing(Demonstration(cluster, observer, options)) as demonstration:
            try:
                holds = demonstration.run()
            except (Failure, BusError, AssertionError, TimeoutError) as failure:
                say(f'demo: {failure}')
                say('What each node says now:')
                for node in cluster.nodes:
                    describe(node)
                return 1
            say()
            say('All of it held.' if holds else 'NOT everything held; see above.')
            say()
            if options.serve:
                explain(cluster.nodes)
                say('Ctrl-C ends it.')
                signal.pause()
            else:
                say('scripts/demo --cluster --serve leaves it running, and says how to look at it with colletctl:')
                say('  colletctl cluster nodes; colletctl cluster matrix; colletctl cluster check; colletctl history')
    return 0 if holds else 1


def parse():
    parser = argparse.ArgumentParser(prog='scripts/demo')
    parser.add_argument('build')
    parser.add_argument('--cluster', type=int, nargs='?', const=10, default=10, metavar='N')
    parser.add_argument('--etcd', type=int, default=3, metavar='N', help='members of etcd')
    parser.add_argument('--connections', type=int, default=2, help='on each node')
    parser.add_argument('--rate', type=float, default=20, help='calls a second on each node')
    parser.add_argument('--seconds', type=float, default=0.5, help='between two things that are done')
    parser.add_argument('--serve', action='store_true', help='go on until Ctrl-C')
    options = parser.parse_args()
    if options.cluster < 3 or options.etcd < 1:
        parser.error('a cluster of this demonstration has three nodes or more, and a member of etcd')
    return options


def main(options):
    Process.is_detached = True  # Ctrl-C is for us, who end things in order
    if not HAS_ETCD:
        say('demo: etcd is not installed (Debian: etcd-server); scripts/setup cluster installs it')
        return 1
    try:
        return demonstrate(options)
    except (Failure, BusError, AssertionError, TimeoutError) as failure:
        say(f'demo: {failure}')
        return 1


if __name__ == '__main__':
    chosen = parse()
    demo_guard.run(lambda: main(chosen), is_ended_by_signal=chosen.serve)
