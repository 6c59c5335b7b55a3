# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a demonstration so that nothing of it stays behind, however it ends.

Two processes: one runs it, the other waits for that, passes Ctrl-C and SIGTERM on,
and at the end kills what is left and removes the folder that all was in. If the one
that waits is killed (-9), the other ends in order; if that is killed, it is waited for."""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PATIENCE_S = 5


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def ignore(*_):
    """Not SIG_IGN, which every process that is started would inherit."""


def interrupt(*_):
    """Once: ending in order is not to be interrupted as well."""
    signal.signal(signal.SIGTERM, ignore)
    raise KeyboardInterrupt


def children():
    """Ours, and those whose parents have died."""
    with open(f'/proc/self/task/{os.getpid()}/children', encoding='ascii') as file:
        return [int(pid) for pid in file.read().split()]


def name_of(pid):
    try:
        with open(f'/proc/{pid}/comm', encoding='utf-8', errors='replace') as file:
            return file.read().strip()
    except OSError:
        return 'gone'


def bury():
    """Who has ended. Whether anybody is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    except ChildProcessError:
        return False


def clear():
    """Ends all that is left; what had to be killed, by name."""
    killed = []
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit = time.monotonic() + PATIENCE_S
        told = set()
        while bury() and time.monotonic() < limit:
            # What a killed one leaves behind becomes ours only then.
            for pid in set(children()) - told:
                told.add(pid)
                killed += [name_of(pid)] if number == signal.SIGKILL else []
                os.kill(pid, number)
            time.sleep(0.02)
    return killed


def run_child(main, parent):
    """The exit status of main(); an end by a signal is told by the parent."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ignore)  # a terminal sends it to both; SIGTERM follows
    signal.signal(signal.SIGTERM, interrupt)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        if os.getppid() != parent:
            raise KeyboardInterrupt
        return main()
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM
    except Exception:
        traceback.print_exc()
        return 1


def remove(folder):
    """Everything that is left; what there is to say about it."""
    killed = clear()
    shutil.rmtree(folder, ignore_errors=True)
    if killed:
        print(f'demo: had to be killed: {", ".join(sorted(killed))}', flush=True)
    return 'demo: stopped. Nothing that it started is left.' if not bury() and not os.path.exists(folder) else \
        f'demo: stopped. Left are {folder} and {", ".join(map(name_of, children())) or "no process"}.'


def wait_child(child, passed):
    """Its exit status; passed: signals that came."""
    def pass_on(number, _):
        if not passed:
            print(f'\ndemo: {signal.Signals(number).name}: ending what was started', flush=True)
            os.kill(child, signal.SIGTERM)
        passed.append(number)

    for number in SIGNALS:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def run(main, is_ended_by_signal=False):
    """Never returns. The exit status is that of main(), or 128 + the signal's number; 0 if a signal
    is how it is meant to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    folder = tempfile.mkdtemp(prefix='collet-demo-')
    parent, passed = os.getpid(), []
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        tempfile.tempdir = folder
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        status = run_child(main, parent)
        if os.getppid() != parent:
            print(remove(folder), flush=True)
        sys.stdout.flush()
        os._exit(status)
    status = wait_child(child, passed)
    words = remove(folder)
    if passed:
        print(words, flush=True)
        sys.exit(0 if is_ended_by_signal else 128 + passed[0])
    if status < 0:
        print(f'demo: its process was ended by {signal.Signals(-status).name}', flush=True)
        print(words, flush=True)
    sys.exit(status if status >= 0 else 128 - status)
