# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed beside the programs is well-formed, by the tools of those who
read it: the manual, the service manager, polkit and the bus."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ['COLLET_SOURCE'])
DATA = SOURCE / 'data'
BUILD = Path(os.environ['COLLET_BUILD'])
POLKIT_DTD = Path('/usr/share/polkit-1/policyconfig-1.dtd')
EXPOSURE = 20  # tenths; as systemd-analyze counts

# Name, where the build has it, its page.
PROGRAMS = [
    ('colletd', 'daemon/colletd', 'colletd.8'),
    ('collet-stdio', 'bridge/collet-stdio', 'collet-stdio.1'),
    ('collet', 'gui/collet', 'collet.1'),
    ('collet-worker', 'worker/collet-worker', 'collet-worker.8'),
]
# GLib's own, in every program of its kind.
TOOLKIT = {'--help-all', '--help-gapplication', '--help-gtk'}


def complete(program, path, *words):
    """What bash would offer for the last word."""
    script = (f'source "{DATA / "completions" / "collet"}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              '_collet; printf "%s\\n" "${COMPREPLY[@]}"')
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(path, os.path.join(folder, program))
        done = subprocess.run(['bash', '-c', script, 'bash', os.path.join(folder, program), *words], capture_output=True,
                              text=True, timeout=20, check=True)
    return done.stdout.split()


def needs(program):
    return unittest.skipUnless(shutil.which(program), f'{program} is not installed')


class Data(unittest.TestCase):
    def run_tool(self, *words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    @needs('mandoc')
    def test_manual_pages_are_clean(self):
        pages = sorted(DATA.glob('*.[1-8]'))
        self.assertGreaterEqual(len(pages), 4)
        self.assertEqual(self.run_tool('mandoc', '-Tlint', '-W', 'warning', *pages), '')

    def test_each_program_has_a_manual_page(self):
        pages = {page.stem for page in DATA.glob('*.[1-8]')}
        for program in ('colletd', 'colletctl', 'collet-stdio', 'collet', 'collet-manifest', 'collet-build', 'collet-worker'):
            self.assertIn(program, pages)

    @needs('systemd-analyze')
    def test_the_service_is_hardened(self):
        self.run_tool('systemd-analyze', 'security', '--offline=yes', f'--threshold={EXPOSURE}', BUILD / 'data' / 'colletd.service')

    @needs('systemd-analyze')
    def test_a_service_that_is_open_would_be_noticed(self):
        """The threshold above can be missed at all."""
        open_unit = BUILD / 'data' / 'open.service'
        open_unit.write_text('[Service]\nExecStart=/bin/true\n', encoding='utf-8')
        done = subprocess.run(['systemd-analyze', 'security', '--offline=yes', f'--threshold={EXPOSURE}', open_unit],
                              capture_output=True, timeout=60, check=False)
        open_unit.unlink()
        self.assertNotEqual(done.returncode, 0)

    @needs('xmllint')
    def test_polkit_actions_are_as_its_dtd_wants(self):
        if not POLKIT_DTD.exists():
            self.skipTest('polkit is not installed')
        # Our file names the DTD's public address; nobody goes there.
        text = re.sub(r'<!DOCTYPE[^>]*>', '', (DATA / 'org.collet.Collet1.policy').read_text(encoding='utf-8'))
        bare = BUILD / 'data' / 'bare.policy'
        bare.write_text(text, encoding='utf-8')
        self.run_tool('xmllint', '--noout', '--nonet', '--dtdvalid', POLKIT_DTD, bare)

    @needs('xmllint')
    def test_xml_is_well_formed(self):
        self.run_tool('xmllint', '--noout', '--nonet', DATA / 'org.collet.Collet1.conf', SOURCE / 'schema' / 'org.collet.Collet1.xml')

    @needs('bash')
    def test_completions_load(self):
        for file in sorted((DATA / 'completions').iterdir()):
            if not file.name.startswith('_'):
                self.run_tool('bash', '-n', file)

    @needs('zsh')
    def test_completions_for_zsh_load(self):
        for file in sorted((DATA / 'completions').glob('_*')):
            self.assertTrue(file.read_text(encoding='utf-8').startswith('#compdef '))
            self.run_tool('zsh', '-n', file)

    def test_each_option_is_in_help_manual_and_completion(self):
        """One for all: what the program says of itself."""
        for program, path, page in PROGRAMS:
            if not (BUILD / path).exists():
                continue
            said = self.run_tool(BUILD / path, '--help')
            options = set(re.findall(r'^  (?:-., )?(--[a-z][a-z-]*)', said, re.M)) - TOOLKIT
            self.assertGreater(len(options), 1, said)
            manual = (DATA / page).read_text(encoding='utf-8').replace('\\-', '-')
            described = {'-' + word for line in re.findall(r'^\.(?:It|Op) (.*)$', manual, re.M)
                         for word in re.findall(r'Fl (-[a-z][a-z-]*)', line)}
            with self.subTest(program):
                self.assertEqual(options - {'--help'}, described - {'--help'})
                if program != 'collet-worker':
                    self.assertLessEqual(options, set(complete(program, BUILD / path, '--')))

    @needs('bash')
    def test_values_are_completed_as_well(self):
        self.assertEqual(complete('colletd', BUILD / 'daemon' / 'colletd', '--trust', '=', 's'), ['signed'])
        self.assertEqual(complete('colletd', BUILD / 'daemon' / 'colletd', '--data-dir', str(DATA / 'comp')), [str(DATA / 'completions')])
        self.assertEqual(complete('collet-build', SOURCE / 'sdk' / 'collet-build', str(SOURCE / 'sdk' / 'READ')), [str(SOURCE / 'sdk' / 'README.md')])

    def test_the_units_of_users_want_nothing_that_another_user_has(self):
        listens = {name: re.findall(r'^Listen\w+=(.*)$', (DATA / name).read_text(encoding='utf-8'), re.M)
                   for name in ('colletd.socket', 'colletd-user.socket')}
        self.assertEqual(listens, {'colletd.socket': ['127.0.0.1:7311', '/run/collet/mcp.sock'],
                                   'colletd-user.socket': ['%t/collet/mcp.sock']})

    def test_the_units_and_the_bus_agree_on_user_and_name(self):
        unit = (DATA / 'colletd.service.in').read_text(encoding='utf-8')
        users = (DATA / 'collet.sysusers').read_text(encoding='utf-8')
        bus = (DATA / 'org.collet.Collet1.conf').read_text(encoding='utf-8')
        user = re.search(r'^User=(\w+)$', unit, re.M)[1]
        self.assertIn(f'u {user} ', users)
        self.assertIn(f'<policy user="{user}">', bus)
        self.assertIn(f'unix-user:{user}', (DATA / 'org.collet.Collet1.policy').read_text(encoding='utf-8'))


if __name__ == '__main__':
    unittest.main()
