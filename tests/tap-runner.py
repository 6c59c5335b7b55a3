# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one unittest file and reports in TAP, a line for each method.

    tap-runner.py FILE [PATTERN...]

A method test_what_it_promises of class Reload in test_daemon.py becomes
/daemon/reload/what-it-promises. PATTERN: only names that contain it.
"""

import importlib.util
import os
import re
import sys
import unittest


def promise(test):
    """The name of a test in the style of GLib's."""
    words = re.sub(r'(?<=[a-z])(?=[A-Z])', '-', type(test).__name__).lower()
    part = test.__class__.__module__.removeprefix('test_').replace('_', '-')
    return f'/{part}/{words}/' + test._testMethodName.removeprefix('test_').replace('_', '-')


class TapResult(unittest.TestResult):
    """Writes to the real standard output; tests write to standard error."""

    def __init__(self, out):
        super().__init__()
        self.out = out
        self.count = 0

    def line(self, ok, test, directive=''):
        self.count += 1
        name = promise(test) if hasattr(test, '_testMethodName') else str(test)
        print(f"{'ok' if ok else 'not ok'} {self.count} {name}{directive}", file=self.out, flush=True)

    def trouble(self, test, err):
        for text in self._exc_info_to_string(err, test).splitlines():
            print('# ' + text, file=self.out)
        self.line(False, test)

    def addSuccess(self, test):
        self.line(True, test)

    def addError(self, test, err):
        super().addError(test, err)
        self.trouble(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.trouble(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            super().addSubTest(test, subtest, err)
            print(f'# {subtest}', file=self.out)
            self.trouble(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, ' # SKIP ' + reason)

    def addExpectedFailure(self, test, err):
        self.line(False, test, ' # TODO expected to fail')

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.line(False, test)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def main():
    path = os.path.abspath(sys.argv[1])
    patterns = sys.argv[2:]
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(path))
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module

    # Whatever a test or its children print must not break the protocol.
    out = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    spec.loader.exec_module(module)
    suite = unittest.TestSuite(
        test for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(module))
        if not patterns or any(pattern in promise(test) for pattern in patterns))
    result = TapResult(out)
    suite.run(result)
    print(f'1..{result.count}', file=out, flush=True)
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
