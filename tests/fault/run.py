# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs faults, one after the other, on one cluster, and tells what came of each."""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

from collet_harness import adopt_orphans
from faults import FAULTS, FILES, load_all
from world import World

DESCRIPTION = """Ten real daemons, each on a bus of its own, and three real members of etcd on this
machine, every connection between them through a proxy, a client calling at every node without a break.
Each fault is injected while the cluster reloads a module; then it is healed, has to come into line by
itself, and what all nodes have written to etcd and to their databases is held against the rules: decided
once, with enough votes, nobody runs what was not agreed on, no epoch twice or backwards, the lock free,
everything decided and applied, and no call lost or made twice."""


def parse(arguments):
    parser = argparse.ArgumentParser(prog='tests/faults', description=DESCRIPTION)
    parser.add_argument('--long', action='store_true', help='all faults with ten nodes (default: some, with three)')
    parser.add_argument('--nodes', type=int, metavar='N', help='another number of nodes')
    parser.add_argument('--only', action='append', metavar='NAME', help='only faults whose name contains this')
    parser.add_argument('--group', choices=FILES, help='only faults of this kind')
    parser.add_argument('--seed', type=int, help='what is random is as it was under this number')
    parser.add_argument('--rounds', type=int, default=1, metavar='N', help='all of it so many times')
    parser.add_argument('--keep', action='store_true', help='leave the folder of a fault that was too much')
    parser.add_argument('--list', action='store_true', help='say which faults there are')
    parser.add_argument('--tap', action='store_true', help='report as the build wants it')
    return parser.parse_args(arguments)


def choose(options):
    chosen = [fault for fault in FAULTS if options.long or options.only or fault.is_short]
    if options.only:
        chosen = [fault for fault in chosen if any(part in fault.name for part in options.only)]
    if options.group:
        chosen = [fault for fault in chosen if fault.group == options.group]
    return chosen * options.rounds


class Report:
    def __init__(self, is_tap, n):
        self.is_tap, self.n, self.count, self.failed = is_tap, n, 0, []
        if is_tap:
            print(f'1..{n}', flush=True)

    def note(self, text):
        for line in text.splitlines():
            print(f'# {line}' if self.is_tap else f'      {line}', flush=True)

    def line(self, fault, is_good, text, seen):
        self.count += 1
        if not is_good:
            self.failed.append(fault.name)
        if self.is_tap:
            print(f'{"ok" if is_good else "not ok"} {self.count} /faults/{fault.name}', flush=True)
            self.note(text)
        else:
            print(f'{"ok  " if is_good else "FAIL"}  {fault.name:48} {text}', flush=True)
        for words in seen:
            first, *rest = words.splitlines() or ['']
            self.note('sees: ' + first)
            for more in rest:
                self.note('      ' + more)


def run_one(fault, world, report):
    """Whether the world can be used for another one."""
    begun = time.monotonic()
    world.seen = []
    try:
        fault.run(world)
        hurt = time.monotonic() - begun
        world.settle()
        calls, longest, ledger = world.check()
    except Exception as error:
        report.line(fault, False, f'{type(error).__name__}: {error}', world.seen)
        if not isinstance(error, AssertionError):
            report.note(traceback.format_exc())
        report.note(world.logs())
        return False
    commits = sum(1 for decision in ledger.decisions.values() if decision.get('commit'))
    report.line(fault, True, f'{hurt:5.1f} s hurt, in line {time.monotonic() - begun - hurt:4.1f} s later, '
                f'{calls} calls, longest {longest * 1000:.0f} ms; {commits} of {len(ledger.decisions)} committed',
                world.seen)
    return True


class Runner:
    """One cluster after the other: a new one when a fault was too much for the last."""

    def __init__(self, options, seed, report):
        self.options, self.seed, self.report = options, seed, report
        self.n = options.nodes or (10 if options.long else 3)
        self.world = None

    def run(self, faults):
        for index, fault in enumerate(faults):
            # Each can be run alone and is the same then.
            chance = random.Random(f'{self.seed} {fault.name} {index // len(set(faults))}')
            if self.world is None:
                self.world = World(tempfile.mkdtemp(prefix='collet-fault-'), self.n, chance)
            self.world.random = chance
            is_good = run_one(fault, self.world, self.report)
            if not is_good or fault.is_last:
                self.end(keep=self.options.keep and not is_good)

    def end(self, keep=False):
        if self.world is None:
            return
        world, self.world = self.world, None
        world.close()
        if keep:
            self.report.note(f'kept: {world.folder}')
        else:
            shutil.rmtree(world.folder, ignore_errors=True)


def run_all(faults, options, seed):
    report = Report(options.tap, len(faults))
    runner = Runner(options, seed, report)
    try:
        runner.run(faults)
    finally:
        runner.end()
    return report


def end(number, frame):
    """As by Ctrl-C: nothing of ours stays behind."""
    sys.exit(128 + number)


def main(arguments):
    options = parse(arguments)
    load_all()
    faults = choose(options)
    if options.list:
        for fault in FAULTS:
            print(f'{fault.group:12} {fault.name:48} {"short" if fault.is_short else "long "}  {fault.about}')
        return 0
    if shutil.which('etcd') is None or shutil.which('etcdctl') is None:
        print('1..0 # SKIP etcd and etcdctl are not installed' if options.tap else
              'faults: etcd and etcdctl are needed (Debian packages etcd-server, etcd-client)')
        return 0 if options.tap else 2
    if not faults:
        print('faults: no fault has such a name; see --list', file=sys.stderr)
        return 2
    missing = [path for path in (os.environ['COLLETD'], os.environ['COLLETCTL']) if not os.path.exists(path)]
    if missing:
        print(f'faults: {missing[0]} is not there. Build with scripts/test or ninja -C build/test, with '
              '-Dfailpoints=true.', file=sys.stderr)
        return 2
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2 ** 32)
    print(f'# seed {seed}' if options.tap else f'seed {seed}', flush=True)
    adopt_orphans()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    report = run_all(faults, options, seed)
    if not options.tap:
        print(f'{report.count - len(report.failed)} of {report.count} faults were survived'
              + (f'; not: {", ".join(report.failed)}. The same again: tests/faults '
                 f'{"--long " if options.long else ""}--seed {seed}' if report.failed else ''))
    return 1 if report.failed else 0
