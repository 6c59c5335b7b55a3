# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a build folder has what the classes beside this run."""

import os


def use(build):
    """Before they are imported: they look once."""
    os.environ |= {name: os.path.join(os.path.abspath(build), path) for name, path in {
        'COLLETD': 'daemon/colletd',
        'COLLET_WORKER': 'worker/collet-worker',
        'COLLETCTL': 'cli/colletctl',
        'COLLET_LOAD': 'bench/collet-load',
        'COLLET_BENCH_DIR': 'bench',
        'COLLET_EXAMPLES_DIR': 'sdk/examples',
        'COLLET_TEST_MODULES_DIR': 'tests/modules',
    }.items()}
