# SPDX-License-Identifier: LGPL-2.1-or-later
"""The faults, by file: what is killed, what is cut, what fills up."""

import importlib

FAULTS = []
FILES = ('death', 'links', 'store', 'surroundings', 'words', 'membership', 'rollout')


class Fault:
    """is_short: also in the short form; is_last: the cluster is not used afterwards."""

    def __init__(self, name, run, is_short, is_last):
        self.name, self.run = name, run
        self.group = run.__module__.rpartition('.')[2]
        self.is_short, self.is_last = is_short, is_last
        self.about = ' '.join((run.__doc__ or '').split())


def fault(name=None, short=False, last=False):
    def add(run):
        FAULTS.append(Fault(name or run.__name__.replace('_', '-'), run, short, last))
        return run
    return add


def load_all():
    for name in FILES:
        importlib.import_module(f'faults.{name}')
