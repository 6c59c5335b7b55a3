# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons that die: at each named place, at any moment, as the one that was asked or
as one that takes part."""

import time

from collet_harness import wait_until
from faults import fault

TIMEOUT_MS = 4000  # of a reload that is given up
AMPLE_TIMEOUT_MS = 30000  # of one that is not, however slow the machine

# place: whether sync_all is committed if the node stays away until it is decided;
# None: that depends on who is faster.
BEFORE_VOTE = ('artifact-before-rename', 'artifact-after-rename', 'reload-begun', 'cluster-prepared',
               'cluster-before-vote')
# The bytes of who was asked may not be with the others yet when it has voted itself.
AFTER_VOTE = ('cluster-before-commit', 'reload-decided', 'reload-state-exported',
              'reload-before-commit', 'reload-after-commit', 'reload-published', 'reload-draining', 'cluster-committed',
              'cluster-before-applied')
SHORT = {'asked cluster-begun', 'asked cluster-before-decision', 'asked cluster-decided',
         'taking-part peer-fetching', 'taking-part cluster-before-vote', 'taking-part cluster-voted',
         'taking-part cluster-before-commit', 'taking-part reload-before-commit', 'taking-part cluster-before-applied'}


def newest_decision(world):
    """Of the newest transaction: its id, and what was decided, or None."""
    found = {}
    for _, key, value in world.recorder.catch_up():
        part, _, rest = key.partition('/')
        if part == 'tx' and value is not None:
            txid, _, kind = rest.partition('/')
            found.setdefault(txid, None)
            if kind == 'decision':
                found[txid] = value
    return list(found.items())[-1] if found else (None, None)


def wait_decision(world, before, timeout=40):
    """Of the first transaction after `before`."""
    def decided():
        txid, decision = newest_decision(world)
        return txid != before and decision
    return wait_until(decided, timeout, 'a decision')


def expect_decision(world, before, commits):
    decision = wait_decision(world, before)
    if commits is not None and ('"commit":true' in decision) != commits:
        raise AssertionError(f'{"commit" if commits else "abort"} was expected, not {decision}')
    return decision


def asked(place, commits):
    def run(world):
        """The node that was asked dies there."""
        node = world.pick()
        other = world.pick(node)
        before, _ = newest_decision(world)
        node.arm(place)
        world.reload(node, timeout_ms=AMPLE_TIMEOUT_MS if commits else TIMEOUT_MS)
        node.wait_death()
        if place == 'cluster-begun' or commits:
            world.seen.append(expect_decision(world, before, commits))
            # Whichever node one asks, by the same id.
            txid, _ = newest_decision(world)
            state = f'{node.name} +(commit|done) +(lagging|down|applied)' if commits else f'{node.name} +done +undone'
            world.expect_ctl(other, ('reload', 'show', txid), 0, 'succeeded|committed' if commits else 'failed', state)
        node.start()
    run.__doc__ = f'The node that was asked is killed at {place}.'
    return run


def taking_part(place, commits):
    def run(world):
        """A node that takes part dies there."""
        node = world.pick()
        other = world.pick(node)
        before, _ = newest_decision(world)
        node.arm(place)
        reload = world.reload(other, timeout_ms=AMPLE_TIMEOUT_MS if commits else TIMEOUT_MS)
        node.wait_death()
        expect_decision(world, before, commits)
        if commits:
            reload.expect_success()
        elif commits is False:
            reload.expect_error('NodeFailed|Timeout', node.name, 'no vote within 4000 ms|lost [(]lease expired[)]',
                                'What ran goes on')
        node.start()
    run.__doc__ = f'A node that takes part is killed at {place}.'
    return run


def taking_part_in_quorum(place):
    def run(world):
        node = world.pick()
        other = world.pick(node)
        before, _ = newest_decision(world)
        node.arm(place)
        reload = world.reload(other, 'quorum', timeout_ms=AMPLE_TIMEOUT_MS)
        node.wait_death()
        expect_decision(world, before, True)
        reload.expect_success()
        node.start()
    run.__doc__ = f'A node that takes part in a quorum is killed at {place}; the others go on.'
    return run


def back_in_time(place):
    def run(world):
        node = world.pick()
        other = world.pick(node)
        node.arm(place)
        reload = world.reload(other, timeout_ms=AMPLE_TIMEOUT_MS)
        node.wait_death()
        node.start()
        reload.expect_success()
    run.__doc__ = f'A node is killed at {place} and is back before the deadline: it prepares anew, and all is well.'
    return run


def add(role, place, make, *arguments):
    name = f'{role} {place}'
    fault(name.replace(' ', '-dies-at-'), short=name in SHORT)(make(place, *arguments))


for _place in ('cluster-begun', *BEFORE_VOTE, 'cluster-voted', *AFTER_VOTE, 'cluster-before-decision',
               'cluster-decided', 'peer-serving-artifact'):
    add('asked', _place, asked, True if _place in AFTER_VOTE + ('cluster-before-decision', 'cluster-decided') else
        False if _place == 'cluster-begun' else None)
for _place in ('peer-fetching', *BEFORE_VOTE, 'cluster-voted', *AFTER_VOTE):
    add('taking-part', _place, taking_part, _place == 'cluster-voted' or _place in AFTER_VOTE)
for _place in ('peer-fetching', *BEFORE_VOTE):
    fault(f'back-in-time-from-{_place}', short=_place in ('reload-begun', 'cluster-before-vote'))(back_in_time(_place))
for _place in ('peer-fetching', 'cluster-voted', 'cluster-before-commit'):
    add('quorum', _place, taking_part_in_quorum)


@fault(short=True)
def dies_at_any_moment(world):
    """Nodes are killed at random moments of three reloads, and come back at random ones."""
    for strategy in ('sync_all', 'quorum', 'sync_all'):
        node = world.pick()
        asked_node = world.pick(node)
        reload = world.reload(asked_node, strategy, timeout_ms=TIMEOUT_MS)
        world.pause(0, 0.4)
        node.kill()
        world.pause(0, 2)
        node.start()
        reload.wait()
        if reload.error is not None:
            world.expect(f'{reload.error.name}: {reload.error.message}',
                         '^(NodeFailed|Timeout|ReloadInProgress|QuorumNotReached): ')
        wait_until(world.is_in_line, 40, 'all nodes to be in line')


@fault()
def half_of_them_die_at_once(world):
    """As many as may die without a majority being lost, in the middle of a quorum reload."""
    dying = world.random.sample(world.nodes, (len(world.nodes) - 1) // 2)
    asked_node = world.pick(*dying)
    reload = world.reload(asked_node, 'quorum', timeout_ms=8000)
    world.pause(0, 0.1)
    for node in dying:
        node.kill()
    reload.wait()
    if reload.error is not None:
        reload.expect_error('QuorumNotReached', 'agreed within|are up')
    for node in dying:
        node.start()


@fault()
def all_die_at_once(world):
    """Every daemon is killed in the middle of a reload; they start again in another order."""
    world.reload(world.pick(), timeout_ms=TIMEOUT_MS)
    world.pause(0, 0.5)
    for node in world.nodes:
        node.kill()
    for node in world.random.sample(world.nodes, len(world.nodes)):
        node.start()


@fault(short=True)
def a_node_that_comes_back_at_once_is_not_missed(world):
    """A node is killed and started again at once: no lease of its last life makes it look dead later."""
    node = world.pick()
    other = world.pick(node)
    revision = world.members.revision()
    node.kill()
    node.start()
    wait_until(world.is_in_line, 30, 'all nodes to be in line')
    world.reload(other, timeout_ms=20000).expect_success()
    time.sleep(12)
    gone = [change for change in world.recorder.catch_up()
            if change[0] > revision and change[1] == f'live/{node.name}' and change[2] is None]
    if gone:
        raise AssertionError(f'{node.name} was seen as dead while it lived, at revision {gone[0][0]}')
