# SPDX-License-Identifier: LGPL-2.1-or-later
"""The official TypeScript SDK, as a server of the same calculator (typescript.cjs),
from the packages that the conformance tests fetch."""

import contextlib
import os
import subprocess
import unittest

import collet_npm

HERE = os.path.dirname(os.path.realpath(__file__))


def packages():
    """The folder of the packages, and why there is none."""
    try:
        return collet_npm.packages(), None
    except unittest.SkipTest as reason:
        return None, str(reason)


@contextlib.contextmanager
def typescript(folder, kind):
    """Its port."""
    process = subprocess.Popen([collet_npm.node(folder), os.path.join(HERE, 'typescript.cjs'), folder, kind],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
