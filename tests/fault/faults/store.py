# SPDX-License-Identifier: LGPL-2.1-or-later
"""etcd itself: members that die, hang, are full, or are set back to a backup."""

import re
import signal
import time

from collet_harness import RELOAD, wait_until
from faults import fault
from faults.death import newest_decision
from faults.links import expect_minority, wait_minority
from members import EtcdError


def swing(world):
    """A reload while that happens, at a node that is through with the last one."""
    node = world.pick()
    wait_until(lambda: not any(rows[RELOAD]['State'] == 'running' for rows in node.objects().values() if RELOAD in rows),
               20, f'{node.name} to be through with its last reload')
    return world.reload(node, world.random.choice(('sync_all', 'quorum')), timeout_ms=20000)


def swing_patiently(world):
    """A leader that comes back may end sessions that were renewed meanwhile (etcd's issue 15247): they are opened
    again within seconds. Who is told that nothing was written, or that nodes are down, tries again."""
    for _ in range(20):
        reload = swing(world).wait()
        if reload.error is None or not re.search('Nothing was written: the session|down: n', reload.error.message):
            break
        time.sleep(1)
    reload.expect_success()


@fault(short=True)
def leader_of_etcd_is_killed(world):
    """The leader is killed in the middle of a reload: a delay of some seconds, no error."""
    leader = world.members.leader()
    reload = swing(world)
    world.pause(0, 0.1)
    world.members.kill(leader)
    reload.expect_success()
    swing(world).expect_success()


@fault(short=True)
def leader_of_etcd_is_stopped(world):
    """The leader hangs (SIGSTOP) with its connections open, longer than a lease, and comes back with what it
    believed then."""
    leader = world.members.leader()
    reload = swing(world)
    world.members.signal(leader, signal.SIGSTOP)
    reload.expect_success()
    time.sleep(12)
    swing_patiently(world)
    world.members.signal(leader, signal.SIGCONT)
    swing_patiently(world)


@fault()
def each_member_is_killed_in_turn(world):
    """One member after the other is killed while everyone watches, and comes back."""
    for i in world.random.sample(range(3), 3):
        world.members.kill(i)
        swing(world).expect_success()
        world.members.start(i)
        world.members.wait_healthy()
        swing(world).expect_success()


@fault(short=True)
def history_is_compacted_under_a_lagging_watcher(world):
    """A node's watch lags; what it would be told is compacted meanwhile, so it has to look at everything again."""
    node = world.pick()
    world.network.hold([node.name], world.members.names, there=False)
    for _ in range(2):
        world.reload(world.pick(node), 'quorum').expect_success()
    world.recorder.compact()
    world.network.cut([node.name], world.members.names)
    world.network.heal()
    wait_until(world.is_in_line, 30, f'{node.name} to catch up')
    swing(world).expect_success()


@fault()
def everything_is_compacted_during_reloads(world):
    """History is compacted again and again while reloads run."""
    for _ in range(3):
        reload = swing(world)
        for _ in range(3):
            world.recorder.compact()
            time.sleep(0.1)
        reload.expect_success()


def fill(world):
    try:
        for i in range(200):
            world.members.put(f'/junk/{i}', 'x' * 1000000)
        raise AssertionError('etcd was never full')
    except EtcdError as error:
        if 'database space exceeded' not in str(error):
            raise


def make_space(world):
    """As the message says."""
    world.members.delete_prefix('/junk/')
    world.recorder.compact()
    world.members.ctl('defrag')
    world.members.ctl('alarm', 'disarm')


@fault(short=True)
def etcd_is_full(world):
    """The store's space is used up (NOSPACE): reloads are refused with how to repair it; what runs goes on."""
    node = world.pick()
    fill(world)
    world.expect_ctl(node, ('cluster', 'reload', world.version()), 1, r'cluster store out of space \(etcd NOSPACE\)',
                     'Compact and defragment it', 'etcdctl alarm disarm')
    make_space(world)
    wait_until(world.is_in_line, 60, 'all nodes to be in line')
    swing(world).expect_success()


@fault()
def etcd_fills_up_during_a_reload(world):
    """The space is used up when the transaction is open: votes cannot be written, so it is decided when there is
    space again."""
    slow, asked = world.random.sample(world.nodes, 2)
    world.network.delay([slow.name], world.names(), 0.6)
    before, _ = newest_decision(world)
    reload = world.reload(asked, timeout_ms=60000)
    wait_until(lambda: newest_decision(world)[0] != before, 20, 'the transaction')
    fill(world)
    world.network.heal()
    time.sleep(3)
    make_space(world)
    reload.expect_success()


@fault(short=True)
def all_of_etcd_is_down(world):
    """No member runs: every node serves on and says since when."""
    for i in range(3):
        world.members.kill(i)
    node = world.pick()
    expect_minority(world, node)
    for other in world.nodes:
        wait_minority(world, other)
    for i in range(3):
        world.members.start(i)
    world.members.wait_healthy()
    wait_until(lambda: all(other.state() == 'joined' for other in world.nodes), 30, 'all nodes to be joined again')
    swing(world).expect_success()


@fault()
def majority_of_etcd_is_down(world):
    """One of three members is left; it gives no answer, and reads are no longer answered either."""
    for i in world.random.sample(range(3), 2):
        world.members.kill(i)
    expect_minority(world, world.pick())


@fault()
def daemons_start_without_etcd(world):
    """Nodes start while no member runs: they serve what they served, and join later by themselves."""
    for i in range(3):
        world.members.kill(i)
    some = world.random.sample(world.nodes, 2)
    for node in some:
        node.kill()
        node.start()
        world.wait_state(node, 'minority')
        if node.mcp().value('count', {'by': 0})['count'] < 0:
            raise AssertionError('it does not count')


def restored(token, pattern):
    def run(world):
        world.recorder.catch_up()
        revision = world.recorder.revision
        backup = f'{world.folder}/backup-{token}'
        world.members.save(backup)
        wait_until(world.is_in_line, 30, 'all nodes to be in line')
        for _ in range(2):
            swing(world).expect_success()
            wait_until(world.is_in_line, 30, 'all nodes to be in line')
        before = world.nodes[0].version('counter')
        world.members.restore(backup, token)
        for node in world.nodes:
            world.wait_state(node, 'frozen', 60)
        node = world.pick()
        world.wait_message(node, pattern)
        world.expect_ctl(node, ('cluster', 'reload', world.version()), 1, pattern, 'adopt-store')
        if {node.version('counter') for node in world.nodes} != {before}:
            raise AssertionError('a node went back with the store by itself')
        world.recorder.go_back(revision)
        for node in world.nodes:
            world.expect_ctl(node, ('cluster', 'adopt-store'), 0)
        wait_until(lambda: all(node.state() == 'joined' for node in world.nodes), 30, 'all nodes to be joined again')
        # What was agreed on since the backup is known to the nodes alone; it runs on until the next agreement.
        for node in world.nodes:
            node.own |= {row['sha256'] for row in node.sql('SELECT sha256 FROM artifact')}
        wait_until(lambda: set(world.rows(node).values()) == {'override'}, 40, 'what runs to be seen as overrides')
        world.expect_ctl(node, ('cluster', 'check'), 1, 'inconsistent')
        if {node.version('counter') for node in world.nodes} != {before}:
            raise AssertionError('a node went back with the store when that was adopted')
        swing(world).expect_success()
    run.__doc__ = 'All members are restored from a backup' + (
        ' as a store of another id' if token != 'one' else '') + ': nodes freeze, say so, and go on when told.'
    return run


fault('etcd-is-restored-from-a-backup', short=True, last=True)(restored('two', 'The cluster store (is another one|went back)'))
fault('etcd-is-restored-under-the-same-id', last=True)(restored('one', 'The cluster store went back from revision'))
