# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command of docs/scripting.md does what the page says: it is run in order,
in one shell and one interpreter, and what stands behind "# →" is in its output."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import unittest

from collet_harness import TestCase

PAGE = os.environ.get('COLLET_SCRIPTING', '')
COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')
END = '--- end of block'


def blocks():
    """Line, language, text of each fenced block."""
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    for match in re.finditer(r'^```(\w+)\n(.*?)^```$', page, re.M | re.S):
        yield page.count('\n', 0, match.start()) + 1, match.group(1), match.group(2)


class Shell:
    """One bash, in which each block must succeed."""

    def __init__(self, address, folder):
        path = os.path.dirname(COLLETCTL) + ':' + os.environ['PATH']
        self.process = subprocess.Popen(['bash', '-eu', '-o', 'pipefail'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
                                        env=os.environ | {'DBUS_SESSION_BUS_ADDRESS': address, 'PATH': path,
                                                          'LC_ALL': 'C.UTF-8'})

    def run(self, text):
        """What it printed; None if a command failed."""
        self.process.stdin.write(f'{text}\necho "{END}"\n')
        self.process.stdin.flush()
        output = ''
        for line in self.process.stdout:
            if line.strip() == END:
                return output
            output += line
        raise AssertionError(f'a command failed:\n{text}\n{output}')

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@unittest.skipUnless(shutil.which('busctl') and shutil.which('gdbus'), 'busctl and gdbus are not there')
class Scripting(TestCase):
    shell = None

    def tearDown(self):
        if self.shell is not None:
            self.shell.close()
        super().tearDown()

    def test_page_does_what_it_says(self):
        self.daemon()
        os.environ['DBUS_SESSION_BUS_ADDRESS'] = self.bus.address
        self.shell = Shell(self.bus.address, self.folder)
        namespace = {}
        kinds = set()
        for line, language, text in blocks():
            kinds.add(language)
            if language == 'sh':
                output = self.shell.run(text)
            else:
                self.assertEqual(language, 'python')
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(compile(text, f'{PAGE}:{line}', 'exec'), namespace)  # pylint: disable=exec-used
                output = printed.getvalue()
            for expected in re.findall(r'^# → (.*)$', text, re.M):
                with self.subTest(line=line):
                    self.assertIn(expected, output, text)
        self.assertEqual(kinds, {'sh', 'python'})
        bus = namespace['bus']
        bus.set_exit_on_close(False)
        bus.close_sync(None)

    def test_every_task_is_shown_from_each_side(self):
        with open(PAGE, encoding='utf-8') as file:
            sections = re.split(r'^## ', file.read(), flags=re.M)[2:]
        self.assertGreater(len(sections), 7)
        for section in sections:
            for side in ('colletctl ', 'busctl --user call', 'call ', '```python'):
                with self.subTest(section.splitlines()[0], side=side):
                    self.assertIn(side, section)


if __name__ == '__main__':
    unittest.main()
