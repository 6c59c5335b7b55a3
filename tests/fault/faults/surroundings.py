# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk that is full, a clock that is wrong, a process that is stopped."""

import errno
import signal
import time

from collet_harness import IS_SANITIZED, wait_until
from faults import fault

if not IS_SANITIZED:
    @fault(short=True)
    def disk_of_a_node_is_full(world):
        """Nothing can be written at a node: it votes no, "disk full", serves on, and does not crash."""
        node = world.pick()
        other = world.pick(node)
        life = node.life
        node.fill_disk()
        world.reload(other).expect_error('NodeFailed', f'{node.name} refused: DiskFull', 'What ran goes on')
        world.reload(other, 'quorum').expect_success()
        node.empty_disk()
        wait_until(world.is_in_line, 60, 'all nodes to be in line')
        if node.life != life or node.has_died():
            raise AssertionError(f'{node.name} died of its full disk')


    def part_of_disk(part, number, name):
        def run(world):
            node = world.pick()
            other = world.pick(node)
            node.stop()
            node.environment['COLLET_TEST_FOLDER'] = f'{node.data}/{part}'
            node.start()
            wait_until(world.is_in_line, 60, 'all nodes to be in line')
            node.fill_disk(number)
            reload = world.reload(other).wait()
            if reload.error is not None:
                reload.expect_error('NodeFailed', f'{node.name} refused: {name}')
            node.empty_disk()
            node.stop()
            node.environment['COLLET_TEST_FOLDER'] = node.data
            node.start()
        run.__doc__ = f'Only {part} of a node fails to be written, with {errno.errorcode[number]}.'
        return run


    fault('artifact-store-of-a-node-is-full')(part_of_disk('artifacts', errno.ENOSPC, 'DiskFull'))
    fault('database-of-a-node-is-full')(part_of_disk('collet.db', errno.ENOSPC, 'DiskFull'))
    fault('disk-of-a-node-fails')(part_of_disk('', errno.EIO, 'StoreFailed'))
    fault('disk-of-a-node-is-read-only', short=True)(part_of_disk('', errno.EROFS, 'StoreReadOnly'))


    @fault()
    def disk_of_the_asked_node_is_full(world):
        """The node that is asked cannot write: it says so, and nothing was begun."""
        node = world.pick()
        node.fill_disk()
        world.reload(node).expect_error('DiskFull')
        world.reload(world.pick(node), 'quorum').expect_success()


    @fault(short=True)
    def clocks_are_an_hour_apart(world):
        """Wall clocks differ by two hours and jump in the middle of a reload: it is no slower for that."""
        ahead, behind = world.random.sample(world.nodes, 2)
        ahead.set_clock(3600)
        behind.set_clock(-3600)
        begun = time.monotonic()
        world.reload(ahead).expect_success()
        reload = world.reload(behind)
        ahead.set_clock(-3600)
        behind.set_clock(3600)
        reload.expect_success()
        world.reload(behind, 'quorum').expect_success()
        if time.monotonic() - begun > 120:
            raise AssertionError('the clocks delayed it')
        # More than half have it when a quorum succeeds; this one may be about to.
        wait_until(lambda: 'running' not in world.ctl(ahead, 'history', '--limit', '1')[1], 60, 'its own part to end')
        world.expect_ctl(ahead, ('history', '--limit', '1'), 0, 'succeeded')


    @fault(last=True)
    def a_node_joins_with_a_wrong_clock(world):
        """A node whose clock is an hour behind, then one an hour ahead, joins: its certificate is good, its
        token too."""
        node = world.nodes[-1]
        for seconds in (-3600, 3600):
            node.call('LeaveCluster', '(a{sv})', {})
            node.set_clock(seconds)
            world.join(node)
            wait_until(world.is_in_line, 60, 'all nodes to be in line')
            world.reload(node).expect_success()
            wait_until(world.is_in_line, 60, 'all nodes to be in line')


@fault(short=True)
def a_node_hangs_for_longer_than_its_lease(world):
    """A daemon is stopped (SIGSTOP) for 14 s with its vote outstanding, is taken for dead, and wakes up."""
    node = world.pick()
    other = world.pick(node)
    caller = next(caller for caller in world.callers if caller.node is node)
    caller.is_paused = True
    time.sleep(0.3)
    node.process.send_signal(signal.SIGSTOP)
    reload = world.reload(other, timeout_ms=30000)
    reload.expect_error('NodeFailed', f'{node.name} lost [(]lease expired[)]', 'What ran goes on')
    world.reload(other, 'quorum').expect_success()
    node.process.send_signal(signal.SIGCONT)
    wait_until(world.is_in_line, 60, f'{node.name} to catch up')
    caller.is_paused = False


@fault()
def the_asked_node_hangs(world):
    """The daemon that was asked is stopped after the begin: the others decide; awake, it agrees."""
    node = world.pick()
    caller = next(caller for caller in world.callers if caller.node is node)
    caller.is_paused = True
    time.sleep(0.3)
    reload = world.reload(node, 'quorum', timeout_ms=8000)
    world.pause(0.05, 0.3)
    node.process.send_signal(signal.SIGSTOP)
    time.sleep(12)
    node.process.send_signal(signal.SIGCONT)
    reload.wait()
    if reload.error is not None:
        world.expect(f'{reload.error.name}: {reload.error.message}')
    wait_until(world.is_in_line, 60, f'{node.name} to be in line')
    caller.is_paused = False
