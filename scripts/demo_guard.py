# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a demonstration so that nothing of it stays behind, however it ends.

Two processes: one runs it, in a session of its own, the other waits for that. On Ctrl-C,
SIGTERM or SIGHUP the second kills the first, which may be anywhere, has all that it had
started end in order, and removes the folder that everything is in. If the second is killed
(-9), the first does that."""

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
PATIENCE_S = 15


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


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


def started_at(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            return int(file.read().rpartition(')')[2].split()[19])
    except OSError:
        return 0


def has_ended(pid):
    """Within the patience that there is."""
    limit = time.monotonic() + PATIENCE_S
    while bury() and pid in children():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


def clear():
    """Ends all that is left, the last that was started first; what had to be killed, by name."""
    killed = []
    # Who is held up holds up who calls it, and that one is ended first.
    for pid in children():
        os.kill(pid, signal.SIGCONT)
    while bury():
        pid = max(children(), key=started_at)
        name = name_of(pid)
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)  # it may be held up
        if has_ended(pid):
            continue
        killed.append(name)
        os.kill(pid, signal.SIGKILL)
        if not has_ended(pid):
            break
    return killed


def remove(folder):
    """Everything that is left; what there is to say about it."""
    killed = clear()
    shutil.rmtree(folder, ignore_errors=True)
    if killed:
        print(f'demo: had to be killed: {", ".join(sorted(killed))}', flush=True)
    return 'demo: stopped. Nothing that it started is left.' if not bury() and not os.path.exists(folder) else \
        f'demo: stopped. Left are {folder} and {", ".join(map(name_of, children())) or "no process"}.'


def run_child(main, parent, folder):
    """Never returns."""
    def end(*_):
        # Not by an exception: one that is raised in the middle of a destructor is ignored.
        print('\ndemo: what waited for it was killed, ending what was started', flush=True)
        print(remove(folder), flush=True)
        os._exit(128 + signal.SIGTERM)

    status = 1
    os.setsid()
    signal.signal(signal.SIGTERM, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    tempfile.tempdir = folder
    try:
        if os.getppid() != parent:
            end()
        status = main()
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def wait_child(child, passed):
    """Its exit status; passed: signals that came."""
    def stop(number, _):
        if not passed:
            print(f'\ndemo: {signal.Signals(number).name}, ending what was started', flush=True)
            os.kill(child, signal.SIGKILL)
        passed.append(number)

    for number in SIGNALS:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
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
        run_child(main, parent, folder)
    status = wait_child(child, passed)
    words = remove(folder)
    if passed:
        print(words, flush=True)
        sys.exit(0 if is_ended_by_signal else 128 + passed[0])
    if status < 0:
        print(f'demo: its process was ended by {signal.Signals(-status).name}', flush=True)
        print(words, flush=True)
    sys.exit(status if status >= 0 else 128 - status)
