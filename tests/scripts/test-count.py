#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/count-tests counts what ran, and nothing else. TAP on stdout."""

import json
import os
import subprocess
import sys
import tempfile

COUNT = os.path.join(os.path.dirname(__file__), "../../scripts/count-tests")


def write_log(name, tests):
    with open(name, "w", encoding="utf-8") as log:
        for index, test in enumerate(tests):
            log.write(json.dumps({"name": f"s / t{index}", **dict(zip(("result", "stdout", "stderr"), test))}) + "\n")


def run(*builds, again=None, options=()):
    """Each build is a list of (result, stdout[, stderr]), stdout may be None; again: what
    of the first was run once more. Gives (lines, exit status)."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [os.path.join(folder, f"{number}.json") for number in range(len(builds))]
        for log, tests in zip(logs, builds):
            write_log(log, tests)
        if again:
            write_log(os.path.join(folder, "0-again.json"), again)
        done = subprocess.run([COUNT, *options, *logs], stdout=subprocess.PIPE, text=True, check=False)
        return [line for line in done.stdout.splitlines() if line], done.returncode


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
        run([("FAIL", "1..3\nok 1 /a\n# of a\nnot ok 2 /b\n# because\nok 3 /c\n# of c\n", "and so\n")])[0][:4],
        ["--- s / t0", "not ok 2 /b", "# because", "and so"]),
    "a-failed-test-without-cases-says-why": (run([("FAIL", "it\nbroke\n", None)])[0][:3],
                                             ["--- s / t0", "it", "broke"]),
    "names-what-failed": (run([("FAIL", None), ("OK", None), ("TIMEOUT", "1..2\nok 1 /a\n")], options=["--failed"]),
                          (["t0", "t2"], 0)),
    "what-passes-when-run-again-is-told": (
        [line.partition(":")[0] for line in
         run([("FAIL", "1..1\nnot ok 1 /a\n")], again=[("OK", "1..1\nok 1 /a\n")])[0]],
        ["--- s / t0", "not ok 1 /a", "passed only when it was run again", "1 passed, 0 failed, 0 skipped"]),
    "what-had-not-failed-is-not-told": (
        [line for line in run([("OK", None), ("FAIL", None)], again=[("OK", None), ("OK", None)])[0]
         if line.startswith("passed only") and "t0" in line], []),
    "what-fails-again-has-failed": (
        run([("FAIL", "1..1\nnot ok 1 /a\n"), ("OK", None)], again=[("FAIL", "1..1\nnot ok 1 /a\n")])[0][-1],
        "1 passed, 1 failed, 0 skipped"),
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
