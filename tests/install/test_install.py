# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed is complete, and a tree of it works wherever it is put."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import collet_harness as harness
from collet_tree import BUILD, PREFIX, Tree, german

SOURCE = Path(os.environ['COLLET_SOURCE'])
HAS_APP = os.environ['COLLET_HAS_APP'] == '1'
PROGRAMS = ['colletd', 'colletctl', 'collet-stdio', 'collet-build', 'collet-manifest'] + ['collet'] * HAS_APP
LANGUAGES = re.findall(r'^\w+$', (SOURCE / 'po' / 'LINGUAS').read_text(encoding='utf-8'), re.M)

tree = None
folder = None


def setUpModule():
    global tree, folder  # pylint: disable=global-statement
    folder = tempfile.mkdtemp(prefix='collet-install-')
    tree = Tree(folder)


def tearDownModule():
    shutil.rmtree(folder)


def expected():
    """What the documentation speaks of, from what the source has: each page, unit and so on."""
    data = SOURCE / 'data'
    yield from (f'bin/{name}' for name in PROGRAMS)
    yield 'libexec/collet/collet-worker'
    yield 'include/collet-module.h'
    yield 'share/pkgconfig/collet-module.pc'
    yield 'share/collet/manifest.schema.json'
    for page in data.glob('*.[1-8]'):
        if HAS_APP or page.name != 'collet.1':
            yield f'share/man/man{page.suffix[1:]}/{page.name}'
    for name in PROGRAMS:
        yield f'share/bash-completion/completions/{name}'
        yield f'share/zsh/site-functions/_{name}'
    for scope in ('system', 'user'):
        yield f'lib/systemd/{scope}/colletd.service'
        yield f'lib/systemd/{scope}/colletd.socket'
    yield 'lib/sysusers.d/collet.conf'
    yield 'share/polkit-1/actions/org.collet.Collet1.policy'
    yield 'share/dbus-1/system.d/org.collet.Collet1.conf'
    yield 'share/dbus-1/system-services/org.collet.Collet1.service'
    yield 'share/dbus-1/services/org.collet.Collet1.service'
    yield 'share/dbus-1/interfaces/org.collet.Collet1.xml'
    for language in LANGUAGES:
        yield f'share/locale/{language}/LC_MESSAGES/collet.mo'
    for file in [SOURCE / 'README.md', SOURCE / 'LICENSE', SOURCE / 'sdk' / 'README.md', *SOURCE.glob('docs/**/*.*'),
                 *SOURCE.glob('sdk/examples/*/*')]:
        yield f'share/doc/collet/{file.relative_to(SOURCE)}'
    if HAS_APP:
        yield 'share/applications/org.collet.Collet.desktop'
        yield 'share/metainfo/org.collet.Collet.metainfo.xml'
        yield 'share/dbus-1/services/org.collet.Collet.service'
        yield 'share/glib-2.0/schemas/org.collet.Collet.gschema.xml'
        yield 'share/icons/hicolor/scalable/apps/org.collet.Collet.svg'
        yield 'share/icons/hicolor/symbolic/apps/org.collet.Collet-symbolic.svg'


class Installed(unittest.TestCase):
    def test_is_all_that_the_documentation_speaks_of_and_nothing_else(self):
        self.assertEqual(tree.files(), sorted(expected()))
        self.assertEqual(tree.outside, [])

    def test_names_only_what_is_there(self):
        """Each path below the prefix in units, services and so on; nothing of the folders of the build."""
        count = 0
        for name in tree.files():
            data = tree.read(name)
            if data.startswith(b'\x7fELF'):
                continue
            with self.subTest(name):
                for place in (BUILD, str(SOURCE)):
                    self.assertNotIn(place.encode(), data)
                if not name.endswith(('.md', '.1', '.5', '.8')):
                    for found in re.findall(rb'(?<![\w.-])' + re.escape(PREFIX).encode() + rb'/[\w./-]+', data):
                        self.assertTrue(os.path.exists(tree.path(os.path.relpath(found.decode(), PREFIX))), found)
                        count += 1
        self.assertGreaterEqual(count, 3)

    def test_programs_need_no_library_of_the_build(self):
        for name in [f'bin/{name}' for name in PROGRAMS] + ['libexec/collet/collet-worker']:
            self.assertTrue(os.access(tree.path(name), os.X_OK), name)
            if tree.read(name).startswith(b'\x7fELF'):
                said = subprocess.run(['readelf', '-d', tree.path(name)], capture_output=True, text=True, check=True).stdout
                self.assertNotRegex(said, 'RPATH|RUNPATH')


class Author(unittest.TestCase):
    """Who writes a module against the tree, in a folder of his own."""

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix='my tools ', dir=folder)
        for name in ('text-tools.c', 'text-tools.json'):
            shutil.copy(tree.path('share/doc/collet/sdk/examples/text-tools', name), self.place)

    def run_tool(self, *words, **environment):
        done = subprocess.run(words, cwd=self.place, env={'PATH': '/usr/bin:/bin', 'CCACHE_DISABLE': '1'} | environment,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def test_builds_with_the_helper_what_any_other_place_gives(self):
        self.run_tool(tree.path('bin/collet-build'), 'text-tools.json', 'text-tools.c')
        self.run_tool(str(SOURCE / 'sdk' / 'collet-build'), '-o', 'other.so', 'text-tools.json', 'text-tools.c')
        self.assertEqual(Path(self.place, 'text-tools.so').read_bytes(), Path(self.place, 'other.so').read_bytes())

    def test_builds_by_pkg_config_that_takes_the_prefix_from_the_place(self):
        """With a compiler alone."""
        pkg_config = ['pkg-config', '--define-prefix', 'collet-module']
        at = {'PKG_CONFIG_PATH': tree.path('share/pkgconfig')}
        # It puts a backslash before the space.
        flag = self.run_tool(*pkg_config, '--cflags', **at).replace('\\ ', ' ')
        self.assertEqual(flag, '-I' + tree.path('include'))
        helper = self.run_tool(*pkg_config, '--variable=collet_manifest', **at).replace('\\ ', ' ')
        self.run_tool(helper, 'text-tools.json', 'manifest.c')
        self.run_tool('cc', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden', flag, '-o',
                      'text-tools.so', 'text-tools.c', 'manifest.c')
        self.assertIn(b'Collet', Path(self.place, 'text-tools.so').read_bytes())

    def test_builds_below_a_sysroot(self):
        root = os.path.join(self.place, 'root')
        shutil.copytree(tree.root, root + PREFIX)
        flags = self.run_tool('pkg-config', '--cflags', 'collet-module', PKG_CONFIG_SYSROOT_DIR=root.replace(' ', '\\ '),
                              PKG_CONFIG_PATH=root + PREFIX + '/share/pkgconfig')
        self.assertTrue(flags.replace('\\', '').endswith(f'my tools {self.place[-8:]}/root{PREFIX}/include'), flags)


class Moved(harness.TestCase):
    """The daemon and the command line."""

    def setUp(self):
        super().setUp()
        harness.COLLETD = tree.path('bin/colletd')
        self.module = os.path.join(self.folder, 'text-tools.so')
        source = tree.path('share/doc/collet/sdk/examples/text-tools/text-tools')
        subprocess.run([tree.path('bin/collet-build'), '-o', self.module, source + '.json', source + '.c'], check=True)

    def run_program(self, program, *words, code=0, **environment):
        done = subprocess.run([tree.path('bin', program), *words], capture_output=True, text=True, check=False,
                              env={'PATH': '/usr/bin:/bin', 'HOME': self.folder, 'LC_ALL': 'C.UTF-8',
                                   'DBUS_SESSION_BUS_ADDRESS': self.bus.address} | environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_daemon_serves_with_the_worker_beside_it(self):
        node = self.daemon()
        self.run_program('colletctl', 'load', self.module)
        self.assertIn('"words":2', self.run_program('colletctl', '--json', 'call', 'word_count', 'text=two words'))
        workers = {os.readlink(f'/proc/{pid}/exe') for pid in harness.descendants(node.process.pid)}
        self.assertEqual(workers, {os.path.realpath(tree.path('libexec/collet/collet-worker'))})

    def test_programs_speak_the_language_of_who_reads(self):
        reader = german(folder)
        self.assertIn('Befehle:', self.run_program('colletctl', '--help', **reader))
        self.assertIn('Aufruf', self.run_program('colletd', '--help', **reader))

    def test_programs_say_what_they_are(self):
        for program in ('colletd', 'collet-stdio') + ('collet',) * HAS_APP:
            self.assertRegex(self.run_program(program, '--version'), r'^\S+ \d+\.\d+\.\d+\n$')


if __name__ == '__main__':
    unittest.main()
