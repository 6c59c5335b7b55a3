#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has Spin look at every state of the protocol's model, for each strategy; and at
broken protocols, in each of which it must find a fault. TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'reload.pml')
# The strategy's number, and how much goes wrong: quorum has the most states. More
# with COLLET_MODEL_TROUBLE=2, which takes minutes and gigabytes.
STRATEGIES = {'sync-all': (0, 1), 'quorum': (1, 0), 'rolling': (2, 1)}
MUTANTS = {
    'decides-without-comparing': ('MUT_NOCAS', 0),
    'begins-without-the-lock': ('MUT_NOLOCK', 0),
    'commits-with-one-vote': ('MUT_HALF', 0),
    'takes-a-vote-back': ('MUT_REVOTE', 0),
    'applies-without-preparing-itself': ('MUT_NOGATE', 1),
    'applies-before-the-decision': ('MUT_EARLY', 0),
    'applies-before-its-wave': ('MUT_WAVEJUMP', 2),
    'leaves-an-orphan-undecided': ('MUT_NORECOVER', 0),
}


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def faults(strategy, trouble, mutant=None):
    """How many Spin finds, and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        defines = [f'-DSTRAT={strategy}', f'-DTROUBLE={trouble}'] + ([f'-D{mutant}'] if mutant else [])
        made = run(['spin', *defines, '-a', MODEL], folder)
        if made.returncode != 0 or not os.path.exists(os.path.join(folder, 'pan.c')):
            return -1, made.stdout + made.stderr
        built = run(['cc', '-O2', '-w', '-DSAFETY', '-DCOLLAPSE', '-DVECTORSZ=2048', '-o', 'pan', 'pan.c'], folder)
        if built.returncode != 0:
            return -1, built.stderr
        done = run(['./pan', '-m100000', '-w22'], folder)
        for line in done.stdout.splitlines():
            if 'errors:' in line:
                whole = 'max search depth too small' not in done.stdout and 'out of memory' not in done.stdout
                return int(line.split('errors:')[1]) if whole else -1, done.stdout
        return -1, done.stdout + done.stderr


def main():
    if shutil.which('spin') is None:
        print('1..0 # SKIP there is no spin')
        return 0
    more = os.environ.get('COLLET_MODEL_TROUBLE')
    cases = [(f'/model/{name}/holds-in-every-state', number, int(more or trouble), None)
             for name, (number, trouble) in STRATEGIES.items()]
    cases += [(f'/model/mutant/one-that-{name}-is-found', number, 1, mutant)
              for name, (mutant, number) in MUTANTS.items()]
    print(f'1..{len(cases)}')
    for index, (path, strategy, trouble, mutant) in enumerate(cases, 1):
        found, text = faults(strategy, trouble, mutant)
        good = found > 0 if mutant else found == 0
        print(f'{"ok" if good else "not ok"} {index} {path}', flush=True)
        if not good:
            print('\n'.join('# ' + line for line in text.splitlines()[:40]))
    return 0


sys.exit(main())
