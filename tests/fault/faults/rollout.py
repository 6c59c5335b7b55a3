# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rolling reloads whose nodes die or are cut off between the waves."""

import json
import time

from collet_harness import GLib, wait_until
from faults import fault
from world import MODULE


def desired(world):
    """What is agreed on, as it stands in etcd."""
    rows = [value for _, key, value in world.recorder.catch_up() if key == f'desired/{MODULE}']
    return json.loads(rows[-1])


def wait_wave(world, wave, state='running'):
    def there():
        rollout = desired(world).get('rollout') or {}
        return rollout.get('wave', 0) >= wave and (wave > 0 or rollout.get('state') == state)
    wait_until(there, 40, f'wave {wave + 1}')


def wait_end(world):
    wait_until(lambda: desired(world)['rollout']['state'] == 'done', 60, 'the end of the rolling reload')


def begin(world, canary, **options):
    """One node, then half, then all."""
    return world.reload(world.pick(canary), 'rolling', waves=[canary.name, '60%', '100%'], timeout_ms=20000, **options)


@fault(short=True)
def whoever_steers_the_waves_dies(world):
    """The first node of the roster moves the waves on; it is killed in the first one, and another one does it."""
    steering, canary = world.nodes[0], world.nodes[-1]
    begin(world, canary, bake_s=2)
    wait_wave(world, 0)
    steering.kill()
    wait_end(world)
    steering.start()


@fault()
def the_canary_dies(world):
    """The node of the first wave is killed when it has applied, and comes back while that wave is observed."""
    canary = world.pick()
    begin(world, canary, bake_s=3)
    wait_wave(world, 0)
    canary.kill()
    world.pause(0, 2)
    canary.start()
    wait_end(world)


@fault(short=True)
def a_node_is_cut_off_between_waves(world):
    """A node of the last wave does not reach etcd while the waves go on; it follows when it does."""
    canary, node = world.random.sample(world.nodes, 2)
    begin(world, canary, bake_s=1)
    wait_wave(world, 0)
    world.network.cut([node.name], world.members.names)
    time.sleep(2)
    if node.version(MODULE) == canary.version(MODULE):
        raise AssertionError(f'{node.name} runs a version whose wave it has not heard of')
    wait_end(world)


@fault()
def everybody_dies_between_waves(world):
    """All daemons are killed between two waves: it goes on from there."""
    begin(world, world.pick(), bake_s=2)
    wait_wave(world, 0)
    for node in world.nodes:
        node.kill()
    for node in world.random.sample(world.nodes, len(world.nodes)):
        node.start()
    wait_end(world)


@fault(short=True)
def too_few_calls_are_no_evidence(world):
    """A wave is called too rarely to be judged: it stops there, says so, and is taken back by hand."""
    canary = world.pick()
    before = canary.version(MODULE)
    epoch = desired(world)['epoch']
    reload = begin(world, canary, bake_s=1, max_error_rate=0.5, min_calls=GLib.Variant('t', 1000000))
    reload.wait()
    wait_until(lambda: desired(world).get('rollout', {}).get('state') in ('paused', 'done') or
               desired(world)['epoch'] > epoch + 1, 40, 'it to be judged')
    rollout = desired(world).get('rollout') or {}
    world.expect(rollout.get('message', ''), 'inconclusive: \\d+ calls in wave 1, 1000000 are needed')
    # Also at a node that it has not come to.
    world.expect_ctl(world.pick(canary), ('cluster', 'rollback', MODULE), 0)
    wait_until(world.is_in_line, 40, 'all nodes to be in line')
    if canary.version(MODULE) != before:
        raise AssertionError('the canary did not go back')
