# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command of docs/scripting.md does what the page says: it is run in order,
in one shell and one interpreter, and what stands behind "# →" is in its output."""

import contextlib
import io
import os
import re
import shutil
import unittest

from collet_harness import TestCase
from collet_pages import Shell, blocks, expected

PAGE = os.path.join(os.environ.get('COLLET_ROOT', ''), 'docs', 'scripting.md')

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
        for line, language, _, text in blocks(PAGE):
            kinds.add(language)
            if language == 'sh':
                output = self.shell.run(text)
            else:
                self.assertEqual(language, 'python')
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(compile(text, f'{PAGE}:{line}', 'exec'), namespace)  # pylint: disable=exec-used
                output = printed.getvalue()
            for wanted in expected(text):
                with self.subTest(line=line):
                    self.assertIn(wanted, output, text)
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
