# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links between nodes, between members of etcd, and between the two: cut, held in one
way or both, slow, reset, and with an answer that gets lost."""

import os
import signal
import time

from collet_harness import BusError, wait_until
from faults import fault
from faults.death import newest_decision, wait_decision


def wait_minority(world, node):
    """What a node says that does not reach the store."""
    world.wait_state(node, 'minority')
    world.wait_message(node, r'^no cluster quorum since \d\d:\d\d:\d\d .*[Ss]erving goes on.*refused')


def expect_minority(world, node):
    """What is seen there; its calls go on."""
    wait_minority(world, node)
    world.expect_ctl(node, ('cluster', 'reload', world.version()), 1, 'QuorumNotReached|No member of etcd',
                     'majority of its members run')
    world.expect_ctl(node, ('cluster', 'check'), 1, 'No member of etcd')


@fault(short=True)
def node_cut_from_etcd(world):
    """A node reaches no member of etcd: it serves on, refuses reloads, and is missed by the others."""
    node = world.pick()
    other = world.pick(node)
    world.network.cut([node.name], world.members.names)
    world.reload(other, timeout_ms=4000).expect_error('NodeFailed|Timeout', node.name, 'no vote|lost|down')
    expect_minority(world, node)
    wait_until(lambda: world.rows(other)[node.name] == 'unknown', 20, f'{node.name} to be seen as down')
    world.reload(other, timeout_ms=4000).expect_error('NodeFailed', f'down: {node.name}', 'Start them')
    world.reload(other, 'quorum').expect_success()
    wait_until(lambda: 'unknown' in world.ctl(other, 'cluster', 'check')[1], 20, 'the others to be in line')
    world.expect_ctl(other, ('cluster', 'check'), 1, 'unknown', f'not reached: {node.name}')


@fault()
def node_silent_to_etcd(world):
    """Nothing is refused, nothing arrives either way between a node and etcd."""
    node = world.pick()
    world.network.hold([node.name], world.members.names)
    world.reload(world.pick(node), 'quorum').expect_success()
    expect_minority(world, node)


@fault(short=True)
def node_hears_nothing_from_etcd(world):
    """What a node writes arrives, what it is answered does not: the votes and decisions stand."""
    node = world.pick()
    world.network.hold([node.name], world.members.names, there=False)
    world.reload(world.pick(node), 'quorum').expect_success()
    expect_minority(world, node)


@fault()
def node_is_not_heard_by_etcd(world):
    """What a node writes does not arrive, but it hears what the others do."""
    node = world.pick()
    world.network.hold([node.name], world.members.names, back=False)
    world.reload(world.pick(node), 'quorum').expect_success()
    expect_minority(world, node)


@fault()
def the_asked_node_is_cut_after_begin(world):
    """The node that was asked is cut off as soon as the transaction is open: the others decide it."""
    node = world.pick()
    before, _ = newest_decision(world)
    reload = world.reload(node, 'quorum', timeout_ms=8000)
    wait_until(lambda: world.members.revision() and newest_decision(world)[0] != before, 20, 'the transaction')
    world.network.cut([node.name], world.members.names)
    wait_decision(world, before)
    world.network.heal()
    reload.wait()


@fault()
def slow_links_to_etcd(world):
    """Every answer of etcd takes half a second."""
    world.network.delay(world.names(), world.members.names, 0.25)
    world.reload(world.pick()).expect_success()
    world.reload(world.pick(), 'quorum').expect_success()


@fault()
def very_slow_links_of_one_node(world):
    """One node is slower than a try may last: a quorum does not wait for it."""
    node = world.pick()
    world.network.delay([node.name], world.members.names, 0.8)
    begun = time.monotonic()
    world.reload(world.pick(node), 'quorum').expect_success()
    if time.monotonic() - begun > 25:
        raise AssertionError('the quorum waited for the slow node')


@fault(short=True)
def connections_to_etcd_are_reset(world):
    """All connections between nodes and etcd are reset again and again during reloads."""
    for strategy in ('sync_all', 'quorum', 'sync_all'):
        reload = world.reload(world.pick(), strategy)
        for _ in range(4):
            world.pause(0, 0.15)
            world.network.reset(world.names(), world.members.names)
        reload.expect_success()
        wait_until(world.is_in_line, 40, 'all nodes to be in line')


def lost_answer(what, pattern, everybody):
    def run(world):
        node = world.pick()
        for strategy in ('sync_all', 'quorum'):
            dropped = world.network.dropped
            world.network.drop_answers(world.names() if everybody else [node.name], world.members.names, pattern,
                                       count=world.random.choice((1, 2)))
            world.reload(node, strategy).expect_success()
            wait_until(lambda n=dropped: world.network.dropped > n, 10, 'an answer to be lost')
            wait_until(world.is_in_line, 40, 'all nodes to be in line')
    run.__doc__ = (f'etcd makes {what} of {"every node" if everybody else "the node that was asked"}, '
                   'and the answer is lost.')
    return run


for _what, _pattern in (('the begin', '/lock/'), ('the vote', '/vote/'), ('the decision', '/decision$'),
                        ('the report', '/applied/')):
    _place = _what.partition(' ')[2]
    fault(f'answer-to-{_place}-is-lost', short=True)(lost_answer(_what, _pattern, False))
    if _place != 'begin':
        fault(f'answers-to-{_place}s-of-all-are-lost')(lost_answer(_what, _pattern, True))


@fault(short=True)
def cut_from_the_asked_node(world):
    """A node cannot fetch the bytes: sync_all is given up with the reason, a quorum goes on and the node
    fetches them from another one."""
    node = world.pick()
    asked = world.pick(node)
    world.network.cut([node.name], world.names(world.others(node)))
    world.reload(asked).expect_error('NodeFailed', f'{node.name} refused: NodeFailed: Version .* could not be fetched',
                                     asked.name)
    world.network.heal()
    world.network.cut([node.name], [asked.name])
    world.reload(asked, 'quorum').expect_success()
    wait_until(world.is_in_line, 60, f'{node.name} to catch up by the others')


@fault(short=True)
def a_peer_goes_silent(world):
    """A node asks another one for bytes and hears nothing, for good: it is not blocked by that."""
    node = world.pick()
    asked, third = world.random.sample(world.others(node), 2)
    world.network.hold([node.name], [asked.name])
    world.reload(asked, timeout_ms=4000).expect_error('Timeout|NodeFailed', node.name)
    # That link stays as it is, and nothing waits for it.
    world.reload(third, 'quorum', timeout_ms=30000).expect_success()
    wait_until(world.is_in_line, 70, f'{node.name} to catch up by the others')


@fault()
def a_transfer_is_reset(world):
    """A large artifact on slow links, which are reset half-way: it is gone on with, from whoever has it."""
    node = world.pick()
    asked = world.pick(node)
    path = world.version()
    with open(path, 'ab') as file:
        file.write(os.urandom(6 * 1024 * 1024))
    world.network.delay(world.names(), world.names(), 0.02)
    reload = world.reload(asked, 'quorum', path, timeout_ms=30000)
    for _ in range(3):
        world.pause(0.2, 0.6)
        world.network.reset([node.name], world.names())
    reload.expect_success()


@fault(short=True)
def leader_of_etcd_is_cut_off(world):
    """The leader reaches no other member, but nodes still reach it: another leader, no error."""
    leader = world.members.names[world.members.leader()]
    rest = [name for name in world.members.names if name != leader]
    reload = world.reload(world.pick())
    world.network.cut([leader], rest)
    world.network.cut(rest, [leader])
    reload.expect_success()
    world.reload(world.pick(), timeout_ms=20000).expect_success()


@fault()
def leader_of_etcd_is_half_deaf(world):
    """The leader is reached by the other members, but reaches none itself."""
    leader = world.members.names[world.members.leader()]
    rest = [name for name in world.members.names if name != leader]
    world.network.cut([leader], rest)
    world.reload(world.pick(), timeout_ms=20000).expect_success()
    world.network.heal()
    world.network.hold(rest, [leader], there=False)
    world.reload(world.pick(), timeout_ms=20000).expect_success()


@fault()
def members_of_etcd_are_slow(world):
    """Members need 80 ms for each other."""
    world.network.delay(world.members.names, world.members.names, 0.08)
    world.reload(world.pick(), timeout_ms=20000).expect_success()


@fault()
def the_majority_of_members_is_out_of_reach(world):
    """Nodes reach only the member that is cut off from the others: no answer is better than an old one."""
    alone, *rest = world.random.sample(world.members.names, 3)
    world.network.cut([alone], rest)
    world.network.cut(rest, [alone])
    world.network.cut(world.names(), rest)
    node = world.pick()
    world.reload(node, timeout_ms=4000).expect_error('QuorumNotReached', 'No member of etcd gave an answer')
    world.wait_state(node, 'minority')


def trouble(world, node):
    """One thing at random, on one link of this node."""
    network, target = world.network, world.random.choice(world.members.names + world.names(world.others(node)))
    kind = world.random.choice(('cut', 'hold', 'back', 'there', 'delay', 'reset', 'drop'))
    if kind == 'cut':
        network.cut([node.name], [target])
    elif kind == 'delay':
        network.delay([node.name], [target], world.random.uniform(0.01, 0.4))
    elif kind == 'reset':
        network.reset([node.name], [target])
    elif kind == 'drop':
        network.drop_answers([node.name], [target], 'collet', 2)
    else:
        network.hold([node.name], [target], there=kind != 'back', back=kind != 'there')


def shake_member(world):
    """One member of etcd dies or hangs for a moment; the others are left alone meanwhile."""
    i = world.random.randrange(world.members.n)
    if world.random.random() < 0.5:
        world.members.kill(i)
        world.pause(0.2, 2)
        world.members.start(i)
    else:
        world.members.signal(i, signal.SIGSTOP)
        world.pause(0.2, 4)
        world.members.signal(i, signal.SIGCONT)


def storm(world, seconds, kills, shakes=False):
    """Reloads at random nodes, while links fail at random and are healed again."""
    end = time.monotonic() + seconds
    outcomes = {}
    while time.monotonic() < end:
        reload = world.reload(world.pick(), world.random.choice(('sync_all', 'quorum')), timeout_ms=3000)
        while reload.is_alive() and time.monotonic() < end + 60:
            for _ in range(world.random.randrange(3)):
                trouble(world, world.pick())
            if kills and world.random.random() < 0.15:
                node = world.pick()
                node.kill()
                world.pause(0, 0.5)
                node.start()
            if shakes and world.random.random() < 0.2:
                shake_member(world)
            world.pause(0, 0.4)
            if world.random.random() < 0.4:
                world.network.heal()
        reload.wait()
        name = reload.error.name if reload.error is not None else 'committed'
        outcomes[name] = outcomes.get(name, 0) + 1
        if not isinstance(reload.error, (BusError, type(None))):
            raise reload.error
    world.seen.append(', '.join(f'{count} x {name}' for name, count in sorted(outcomes.items())))


@fault(short=True)
def storm_on_the_links(world):
    """Links fail at random, one after the other, while reloads are asked for."""
    storm(world, 12 if len(world.nodes) < 5 else 60, False)


@fault()
def storm_on_the_links_with_deaths(world):
    """The same, and nodes are killed and started again in between."""
    storm(world, 60, True)


@fault()
def storm_of_everything(world):
    """Links, daemons and members of etcd, all at once."""
    storm(world, 90, True, True)
