#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has Spin look at every state of the protocol's models, for each strategy: what must
never be (reload.pml), and what must come about at last (live.pml); and at broken
protocols, in each of which it must find a fault. TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
# The strategy's number, and how much goes wrong. More with COLLET_MODEL_TROUBLE=2 (or
# 3), which takes minutes and gigabytes.
STRATEGIES = {'sync-all': (0, 1), 'quorum': (1, 0), 'rolling': (2, 1), 'rolling-that-is-taken-back': (3, 0)}
LIVELY = {'sync-all': (0, 2), 'quorum': (1, 1), 'rolling': (2, 2)}
FORMULAS = ('decided', 'freed', 'applied')
MUTANTS = {
    'decides-without-comparing': ('MUT_NOCAS', 0),
    'begins-without-the-lock': ('MUT_NOLOCK', 0),
    'begins-from-an-old-epoch': ('MUT_STALE', 1),
    'begins-once-more-when-an-answer-was-lost': ('MUT_TWICE', 0),
    'counts-a-vote-that-came-late': ('MUT_LATEVOTE', 0),
    'commits-with-one-vote': ('MUT_HALF', 0),
    'takes-a-vote-back': ('MUT_REVOTE', 0),
    'applies-without-preparing-itself': ('MUT_NOGATE', 1),
    'applies-before-the-decision': ('MUT_EARLY', 0),
    'applies-before-its-wave': ('MUT_WAVEJUMP', 2),
    'takes-back-what-was-agreed-on-since': ('MUT_REVERTANY', 3),
    'leaves-an-orphan-undecided': ('MUT_NORECOVER', 0),
}
# mutant, strategy, trouble, the formula that fails
LAZY = {
    'waits-for-votes-for-ever': ('MUT_NODEADLINE', 0, 1, 'decided'),
    'lets-only-the-asked-node-decide': ('MUT_NORECOVER', 0, 1, 'decided'),
    'keeps-the-lock': ('MUT_KEEPLOCK', 0, 1, 'freed'),
    'believes-its-watch': ('MUT_NOCONVERGE', 0, 1, 'applied'),
    'waits-for-a-lost-answer': ('MUT_NORETRY', 0, 1, 'applied'),
    'prepares-only-once-when-it-lags': ('MUT_ONCE', 1, 2, 'applied'),
    'lets-only-the-first-node-steer-waves': ('MUT_STUCKWAVE', 2, 1, 'applied'),
}


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


class Model:
    """One, compiled; builds are kept for the next formula."""

    built = {}

    def __init__(self, file, strategy, trouble, mutant=None):
        self.folder = tempfile.mkdtemp()
        self.is_lively = file == 'live.pml'
        self.problem = None
        defines = [f'-DSTRAT={strategy}', f'-DTROUBLE={trouble}'] + ([f'-D{mutant}'] if mutant else [])
        made = run(['spin', *defines, '-a', os.path.join(FOLDER, file)], self.folder)
        if made.returncode != 0 or not os.path.exists(os.path.join(self.folder, 'pan.c')):
            self.problem = made.stdout + made.stderr
            return
        how = ['-DNFAIR=3'] if self.is_lively else ['-DSAFETY']
        built = run(['cc', '-O2', '-w', *how, '-DCOLLAPSE', '-DVECTORSZ=2048', '-o', 'pan', 'pan.c'], self.folder)
        if built.returncode != 0:
            self.problem = built.stderr

    @classmethod
    def get(cls, *what):
        if what not in cls.built:
            cls.built[what] = cls(*what)
        return cls.built[what]

    @classmethod
    def forget(cls):
        for model in cls.built.values():
            shutil.rmtree(model.folder, ignore_errors=True)

    def faults(self, formula=None):
        """How many Spin finds, and what it says. Formulas hold for processes that are
        treated fairly."""
        if self.problem is not None:
            return -1, self.problem
        done = run(['./pan', '-m200000', '-w22', *(['-a', '-f', '-N', formula] if formula else [])], self.folder)
        for line in done.stdout.splitlines():
            if 'errors:' in line:
                whole = 'max search depth too small' not in done.stdout and 'out of memory' not in done.stdout
                return int(line.split('errors:')[1]) if whole else -1, done.stdout
        return -1, done.stdout + done.stderr


def list_cases():
    """path, model, formula, whether it is a mutant."""
    more = os.environ.get('COLLET_MODEL_TROUBLE')
    for name, (number, trouble) in STRATEGIES.items():
        yield f'/model/{name}/holds-in-every-state', ('reload.pml', number, int(more or trouble)), None, False
    for name, (number, trouble) in LIVELY.items():
        for formula in FORMULAS:
            yield (f'/model/{name}/everything-is-at-last-{formula}', ('live.pml', number, int(more or trouble)),
                   formula, False)
    for name, (mutant, number) in MUTANTS.items():
        yield f'/model/mutant/one-that-{name}-is-found', ('reload.pml', number, 1, mutant), None, True
    for name, (mutant, number, trouble, formula) in LAZY.items():
        yield f'/model/mutant/one-that-{name}-is-found', ('live.pml', number, trouble, mutant), formula, True


def main():
    if shutil.which('spin') is None:
        print('1..0 # SKIP spin is not installed; scripts/setup test installs it')
        return 0
    cases = list(list_cases())
    print(f'1..{len(cases)}')
    for index, (path, what, formula, is_mutant) in enumerate(cases, 1):
        found, text = Model.get(*what).faults(formula)
        good = found > 0 if is_mutant else found == 0
        print(f'{"ok" if good else "not ok"} {index} {path}', flush=True)
        if not good:
            print('\n'.join('# ' + line for line in text.splitlines()[:40]))
    Model.forget()
    return 0


sys.exit(main())
