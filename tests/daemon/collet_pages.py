# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands that a page of the documentation shows.

A block that begins with ```sh is run; what stands behind "# →" in it has to be in its output. One that begins
with ```sh machine changes a whole machine (packages, services): it is not run, but what it names has to exist.
"""

import os
import re
import subprocess
import sys

COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')
END = '--- end of block'


def blocks(page):
    """Line, language, whether it is for a whole machine, text of each fenced block."""
    with open(page, encoding='utf-8') as file:
        text = file.read()
    for match in re.finditer(r'^```(\w+)( machine)?\n(.*?)^```$', text, re.M | re.S):
        yield text.count('\n', 0, match.start()) + 1, match[1], match[2] is not None, match[3]


def expected(block):
    return re.findall(r'^# → (.*)$', block, re.M)


class Shell:
    """One bash, in which each block must succeed."""

    def __init__(self, address, folder, **environment):
        path = os.path.dirname(COLLETCTL) + ':' + os.environ['PATH']
        self.block = os.path.join(folder, 'block.sh')
        self.process = subprocess.Popen(['bash', '-eu', '-o', 'pipefail'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
                                        env=os.environ | {'DBUS_SESSION_BUS_ADDRESS': address, 'PATH': path,
                                                          'LC_ALL': 'C.UTF-8', 'HOME': folder} | environment)

    def run(self, text, language='sh'):
        """What it printed."""
        with open(self.block, 'w', encoding='utf-8') as file:
            file.write(text)
        # Nobody answers questions, and nothing reads the commands that follow.
        run = '.' if language == 'sh' else sys.executable
        self.process.stdin.write(f'{run} {self.block} < /dev/null\necho; echo "{END}"\n')
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


def help_of(verb, cache={}):
    """What colletctl says of a verb; '' if there is no such."""
    if verb not in cache:
        done = subprocess.run([COLLETCTL, 'help', *verb.split()], capture_output=True, text=True, check=False,
                              env=os.environ | {'LC_ALL': 'C.UTF-8'})
        cache[verb] = done.stdout if done.returncode == 0 else ''
    return cache[verb]


def wrong_names(text, root):
    """What a text names of ours that is not there: verbs and options of colletctl, scripts, units."""
    wrong = []
    joined = text.replace('\\\n', ' ')
    for match in re.finditer(r'\bcolletctl ((?:--system |--session )?)([a-z][a-z-]*)((?: [^\n|;#`]*)?)', joined):
        verb, rest = match[2], match[3]
        if verb == 'help':
            continue
        said = help_of(verb)
        if not said:
            wrong.append(f'colletctl {verb}')
        wrong += [f'colletctl {verb} {option}' for option in re.findall(r'(?<= )--[a-z][a-z-]*', rest)
                  if said and option not in said]
    for script in re.findall(r'(?<![\w./-])((?:scripts|bench)/[a-z][a-z-]*)\b', joined):
        if not os.path.exists(os.path.join(root, script)):
            wrong.append(script)
    # A build folder is laid out as the source is.
    for folder in re.findall(r'\bbuild/(?:debug|test|release)/([a-z]+)\b', joined):
        if not os.path.isdir(os.path.join(root, folder)):
            wrong.append('build/debug/' + folder)
    units = os.listdir(os.path.join(root, 'data'))
    for unit in re.findall(r'\b([a-z][a-z-]*\.(?:service|socket))\b', joined):
        if unit not in units and unit + '.in' not in units:
            wrong.append(unit)
    return wrong
