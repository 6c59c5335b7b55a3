#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/count-tests counts what ran, and nothing else. TAP on stdout."""

import json
import os
import subprocess
import sys
import tempfile

COUNT = os.path.join(os.path.dirname(__file__), "../../scripts/count-tests")


def run(*builds):
    """Each build is a list of (result, stdout) or (result, None); gives (lines, exit status)."""
    with tempfile.TemporaryDirectory() as folder:
        logs = []
        for number, tests in enumerate(builds):
            logs.append(os.path.join(folder, f"{number}.json"))
            with open(logs[-1], "w", encoding="utf-8") as log:
                for index, (result, stdout) in enumerate(tests):
                    log.write(json.dumps({"name": f"t{index}", "result": result, "stdout": stdout}) + "\n")
        done = subprocess.run([COUNT, *logs], stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.splitlines(), done.returncode


def count(*builds):
    """Last line and exit status."""
    lines, status = run(*builds)
    return lines[-1], status


TESTS = {
    "counts-each-case": (count([("OK", "TAP version 13\n1..3\nok 1 /a\nok 2 /b # SKIP why\n# x\nok 3 /c\n")]),
                         ("2 passed, 0 failed, 1 skipped", 0)),
    "a-failed-case-fails": (count([("FAIL", "1..2\nok 1 /a\nnot ok 2 /b - ERROR:x.c:1: no\n")]),
                            ("1 passed, 1 failed, 0 skipped", 1)),
    "what-was-planned-and-did-not-run-fails": (count([("ERROR", "1..5\nok 1 /a\n")]),
                                               ("1 passed, 1 failed, 0 skipped", 1)),
    "a-crash-at-the-end-fails": (count([("ERROR", "1..1\nok 1 /a\n")]), ("1 passed, 1 failed, 0 skipped", 1)),
    "a-crash-at-the-begin-fails": (count([("ERROR", "")]), ("0 passed, 1 failed, 0 skipped", 1)),
    "a-time-out-fails": (count([("TIMEOUT", "1..2\nok 1 /a\n")]), ("1 passed, 1 failed, 0 skipped", 1)),
    "a-time-out-fails-whatever-was-said": (count([("TIMEOUT", "ok 1 /a\nnot ok 2 /b\n1..2\n")]),
                                           ("1 passed, 2 failed, 0 skipped", 1)),
    "a-test-without-cases-is-one": (count([("OK", None), ("SKIP", None), ("FAIL", None)]),
                                    ("1 passed, 1 failed, 1 skipped", 1)),
    "nested-cases-count-without-their-group": (
        count([("OK", "1..1\n# Subtest: g\n    ok 1 a\n    ok 2 b\n    1..2\nok 1 g\n")]),
        ("2 passed, 0 failed, 0 skipped", 0)),
    "two-builds-count-a-case-once": (count([("OK", "1..1\nok 1 /a\n")], [("OK", "1..1\nok 1 /a\n")]),
                                     ("1 passed, 0 failed, 0 skipped", 0)),
    "failed-in-one-build-is-failed": (count([("OK", "1..1\nok 1 /a\n")], [("FAIL", "1..1\nnot ok 1 /a - E\n")]),
                                      ("0 passed, 1 failed, 0 skipped", 1)),
    "nothing-ran-is-no-success": (count([]), ("0 passed, 0 failed, 0 skipped", 1)),
    "a-failed-case-says-why": (
        run([("FAIL", "1..3\nok 1 /a\n# of a\nnot ok 2 /b\n# because\nok 3 /c\n# of c\n")])[0][:2],
        ["not ok 2 /b", "# because"]),
    "a-whole-program-skipped": (count([("SKIP", "1..0 # SKIP no bus\n"), ("OK", None)]),
                                ("1 passed, 0 failed, 1 skipped", 0)),
}

print(f"1..{len(TESTS)}")
failed = 0
for position, (name, (got, wanted)) in enumerate(TESTS.items(), 1):
    failed += got != wanted
    print(f"{'ok' if got == wanted else 'not ok'} {position} /scripts/count-tests/{name}")
    if got != wanted:
        print(f"# got {got}, wanted {wanted}")
sys.exit(1 if failed else 0)
