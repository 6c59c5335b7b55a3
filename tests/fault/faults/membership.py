# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nodes that die while they join, leave, or let others in and out: they are in or out
when they are back, and what is left half-way is finished by asking again."""

from collet_harness import BusError, wait_until
from faults import fault
from faults.words import new_name, visitor


def is_on_roster(world, node):
    return node.name in [row['Name'] for row in world.nodes[0].call('ListNodes')]


def join(world, node):
    """As the messages say: once, or after the remains of the last time were removed."""
    first = world.nodes[0]
    try:
        world.join(node)
    except BusError as error:
        if error.name != 'NameInUse':
            raise
        world.expect(f'{error.name}: {error.message}', f'colletctl cluster remove {node.name}')
        world.expect_ctl(world.nodes[1], ('cluster', 'remove', node.name), 0)
        world.join(node)
    wait_until(lambda: world.rows(first).get(node.name) == 'in-line', 40, f'{node.name} to be in line')


def leave(world, node):
    world.expect_ctl(node, ('cluster', 'leave'), 0, 'alone')
    wait_until(lambda: not is_on_roster(world, node), 20, f'{node.name} to be off the roster')
    if node.state() != 'alone':
        raise AssertionError(f'{node.name} is {node.state()}')


def joining(place, dies_at_founder):
    def run(world):
        with visitor(world, new_name(world)) as node:
            dying = world.nodes[0] if dies_at_founder else node
            dying.arm(place)
            try:
                world.join(node)
            except Exception as error:  # its end, or that of the other side
                world.seen.append(f'{type(error).__name__}: {error}')
            dying.wait_death()
            dying.start()
            # Whether it is on the roster may still be decided.
            wait_until(lambda: {world.rows(world.nodes[0]).get(name) for name in world.names()} == {'in-line'}, 40,
                       'the others to go on')
            if node.state() == 'alone':
                join(world, node)
            world.reload(world.nodes[1]).expect_success()
            leave(world, node)
    run.__doc__ = f'{"The founder" if dies_at_founder else "A node"} dies at {place} while a node joins.'
    return run


for _place, _at_founder in (('peer-before-certificate', False), ('membership-before-facts', False),
                            ('membership-before-admit', True)):
    fault(f'joining-dies-at-{_place}', short=_place == 'membership-before-facts')(joining(_place, _at_founder))


def leaving(place):
    def run(world):
        with visitor(world, new_name(world)) as node:
            join(world, node)
            node.arm(place)
            world.ctl(node, 'cluster', 'leave')
            node.wait_death()
            node.start()
            wait_until(lambda: node.state() in ('alone', 'removed'), 40, f'{node.name} to know where it is')
            if node.state() == 'removed':
                world.wait_message(node, 'was removed from cluster "demo".*colletctl cluster leave')
                leave(world, node)
            if is_on_roster(world, node):
                raise AssertionError(f'{node.name} has left, and is on the roster')
            join(world, node)
            leave(world, node)
    run.__doc__ = f'A node dies at {place} while it leaves.'
    return run


for _place in ('cluster-before-leave', 'membership-left'):
    fault(f'leaving-dies-at-{_place}', short=_place == 'cluster-before-leave')(leaving(_place))


@fault(short=True)
def removing_dies_at_cluster_node_removed(world):
    """The node that removes another one dies when that is off the roster and what it wrote is not yet gone."""
    with visitor(world, new_name(world)) as node:
        join(world, node)
        remover = world.pick()
        remover.arm('cluster-node-removed')
        world.ctl(remover, 'cluster', 'remove', node.name)
        remover.wait_death()
        remover.start()
        world.wait_state(node, 'removed')
        world.expect_ctl(node, ('cluster', 'leave'), 0, 'alone')
        join(world, node)
        leave(world, node)
