# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders whose finished builds are loaded at once."""

import os
import shutil
import threading
import time
import unittest

from collet_harness import MANAGER, NAME, ROOT, TestCase, example, module, variants, wait_until

from gi.repository import Gio, GLib


class Watch(TestCase):
    def watched(self, *arguments, **options):
        """A daemon that watches a folder; what it reports is collected."""
        self.builds = os.path.join(self.folder, 'builds')
        os.mkdir(self.builds)
        daemon = self.daemon(*arguments)
        self.reports = []
        self.listener = self.bus.connect()
        self.listener.signal_subscribe(NAME, MANAGER, 'WatchReport', ROOT, None, Gio.DBusSignalFlags.NONE,
                                       lambda *signal: self.reports.append(signal[5].unpack()))
        if options.get('start', True):
            self.watch(daemon)
        return daemon

    def tearDown(self):
        self.listener.close_sync(None)
        super().tearDown()

    def watch(self, daemon, **options):
        daemon.call('WatchFolder', '(sa{sv})', self.builds, variants(options))

    def path(self, name):
        return os.path.join(self.builds, name)

    def write(self, name, source):
        """As a linker does: the file is made anew in its place."""
        if os.path.exists(self.path(name)):
            os.unlink(self.path(name))
        shutil.copyfile(source, self.path(name))

    def report(self, name='echo.so', timeout=15):
        """The next report of a file."""
        def find():
            while GLib.MainContext.default().iteration(False):
                pass
            return next((report for report in self.reports if report[1] == name), None)

        report = wait_until(find, timeout, f'a report of {name}')
        self.reports.remove(report)
        self.assertEqual(report[0], self.builds)
        return report[2]

    def assertNoReport(self, seconds=0.6):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            GLib.MainContext.default().iteration(False)
            time.sleep(0.01)
        self.assertEqual(self.reports, [])

    def semver(self, daemon, name='echo'):
        return daemon.info(name)['SemanticVersion']

    def test_new_build_is_loaded_and_the_next_replaces_it(self):
        daemon = self.watched()
        self.write('echo.so', module('echo-1.0.0'))
        report = self.report()
        self.assertEqual((report['state'], report['module'], report['from-version'], report['to-version']),
                         ('loaded', 'echo', '', '1.0.0'))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        self.write('echo.so', module('echo-2.0.0'))
        report = self.report()
        self.assertEqual((report['from-version'], report['to-version']), ('1.0.0', '2.0.0'))
        self.assertEqual(self.semver(daemon), '2.0.0')
        newest = daemon.history()[0]
        self.assertEqual((newest['Id'], newest['Reason']), (report['reload'], f'watch {self.builds}'))

    def test_state_goes_along(self):
        daemon = self.watched()
        self.write('calculator.so', example('calculator-1.0.0'))
        self.report('calculator.so')
        daemon.tool_value('memory_add', {'value': 42})
        self.write('calculator.so', example('calculator-1.1.0'))
        self.report('calculator.so')
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 42)

    def test_broken_build_leaves_what_runs_and_says_why(self):
        daemon = self.watched()
        self.write('echo.so', module('echo-1.0.0'))
        self.report()
        self.write('echo.so', module('crash-init'))
        report = self.report()
        self.assertEqual((report['state'], report['error-name']), ('refused', 'ProbeCrashed'))
        self.assertSaysWhatToDo(report['error-message'])
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        self.assertEqual(daemon.history()[0]['ErrorName'], 'ProbeCrashed')
        # The same again is not tried again; another one is.
        self.write('echo.so', module('crash-init'))
        self.assertNoReport()
        self.write('echo.so', module('echo-2.0.0'))
        self.assertEqual(self.report()['to-version'], '2.0.0')

    def test_text_instead_of_a_module_is_refused(self):
        self.watched()
        with open(self.path('echo.so'), 'w', encoding='utf-8') as file:
            file.write('INPUT(-lecho)')
        self.assertEqual(self.report()['error-name'], 'InvalidModule')

    def test_half_written_file_is_not_touched(self):
        daemon = self.watched()
        with open(module('echo-1.0.0'), 'rb') as file:
            content = file.read()
        with open(self.path('echo.so'), 'wb') as file:
            for start in range(0, len(content), len(content) // 5):
                file.write(content[start:start + len(content) // 5])
                file.flush()
                time.sleep(0.15)
            # Whole, but open still.
            self.assertNoReport()
        self.assertEqual(self.report()['state'], 'loaded')
        self.assertEqual([row['State'] for row in daemon.history()], ['succeeded'])

    def test_file_that_is_closed_too_early_is_waited_for(self):
        daemon = self.watched()
        with open(module('echo-1.0.0'), 'rb') as file:
            content = file.read()
        for size in (1000, len(content) // 2, len(content) - 100, len(content)):
            with open(self.path('echo.so'), 'wb') as file:
                file.write(content[:size])
            time.sleep(0.2)
        self.assertEqual(self.report()['state'], 'loaded')
        self.assertEqual([row['State'] for row in daemon.history()], ['succeeded'])

    def test_written_without_a_pause_never_loads_what_is_not_whole(self):
        """A writer that rewrites the file over and over: only whole builds are ever seen."""
        daemon = self.watched()
        sources = [module('echo-1.0.0'), module('echo-2.0.0')]
        stop = time.monotonic() + 3

        def rewrite():
            turn = 0
            while time.monotonic() < stop:
                with open(sources[turn % 2], 'rb') as source, open(self.path('echo.so'), 'wb') as file:
                    while block := source.read(4096):
                        file.write(block)
                turn += 1
                time.sleep(0.02 if turn % 5 else 0.2)

        writer = threading.Thread(target=rewrite)
        writer.start()
        writer.join()
        wait_until(lambda: daemon.history() and daemon.history()[0]['State'] == 'succeeded')
        errors = {row['ErrorName'] for row in daemon.history()}
        self.assertLessEqual(errors, {'', 'ArtifactChanged'})
        with open(self.path('echo.so'), 'rb') as last, open(sources[0], 'rb') as first:
            expected = '1.0.0' if last.read() == first.read() else '2.0.0'
        wait_until(lambda: self.semver(daemon) == expected, what='the last build')

    def test_moved_and_linked_files_count(self):
        daemon = self.watched()
        shutil.copyfile(module('echo-1.0.0'), self.path('.echo.so.tmp'))
        self.assertNoReport()
        os.rename(self.path('.echo.so.tmp'), self.path('echo.so'))
        self.assertEqual(self.report()['to-version'], '1.0.0')
        shutil.copyfile(module('echo-2.0.0'), os.path.join(self.folder, 'aside'))
        os.link(os.path.join(self.folder, 'aside'), self.path('linked.so'))
        self.assertEqual(self.report('linked.so')['to-version'], '2.0.0')
        self.assertEqual(self.semver(daemon), '2.0.0')

    def test_what_is_no_build_is_left_alone(self):
        daemon = self.watched()
        for name in ('.echo.so', '#echo.so', 'echo.so~', 'echo.so.swp', '4913', 'echo.o', '.so'):
            shutil.copyfile(module('echo-1.0.0'), self.path(name))
        os.symlink(module('echo-1.0.0'), self.path('link.so'))
        os.mkfifo(self.path('pipe.so'))
        os.mkdir(self.path('folder.so'))
        self.assertNoReport(1)
        self.assertEqual(daemon.history(), [])

    def test_times_do_not_matter(self):
        daemon = self.watched()
        self.write('echo.so', module('echo-1.0.0'))
        self.report()
        os.utime(self.path('echo.so'))
        with open(self.path('echo.so'), 'r+b'):
            pass
        self.assertNoReport()
        # Nor does an older date of a newer build.
        self.write('echo.so', module('echo-2.0.0'))
        os.utime(self.path('echo.so'), (0, 0))
        self.assertEqual(self.report()['to-version'], '2.0.0')
        self.assertEqual(len(daemon.history()), 2)

    def test_what_lies_there_is_loaded_but_a_way_back_is_not_undone(self):
        daemon = self.watched(start=False)
        self.write('echo.so', module('echo-1.0.0'))
        self.watch(daemon)
        self.report()
        self.write('echo.so', module('echo-2.0.0'))
        self.report()
        daemon.rollback('echo')
        daemon.restart()
        self.watch(daemon)
        self.assertNoReport()
        self.assertEqual(self.semver(daemon), '1.0.0')
        # Built again, it is meant.
        self.write('echo.so', module('echo-2.0.0'))
        self.assertEqual(self.report()['to-version'], '2.0.0')

    def test_folder_that_vanishes_is_waited_for(self):
        daemon = self.watched()
        self.write('echo.so', module('echo-1.0.0'))
        self.report()
        shutil.rmtree(self.builds)
        self.assertEqual(self.report('')['state'], 'gone')
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        os.mkdir(self.builds)
        self.assertEqual(self.report('')['state'], 'back')
        self.write('echo.so', module('echo-2.0.0'))
        self.assertEqual(self.report()['to-version'], '2.0.0')
        # One that is moved away is not followed.
        os.rename(self.builds, self.builds + '-old')
        self.assertEqual(self.report('')['state'], 'gone')
        shutil.copyfile(module('echo-1.0.0'), os.path.join(self.builds + '-old', 'echo.so'))
        self.assertNoReport()
        os.rename(self.builds + '-old', self.builds)
        self.assertEqual(self.report('')['state'], 'back')

    def test_thousands_of_files(self):
        daemon = self.watched()
        self.write('echo.so', module('echo-1.0.0'))
        self.report()
        for number in range(3000):
            with open(self.path(f'object-{number}.o'), 'w', encoding='ascii'):
                pass
        for number in range(40):
            shutil.copyfile(module('echo-1.0.0'), self.path(f'copy-{number}.so'))
        self.write('echo.so', module('echo-2.0.0'))
        report = self.report()
        self.assertEqual(report['to-version'], '2.0.0')
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_breaking_one_needs_the_word(self):
        daemon = self.watched()
        self.write('calculator.so', example('calculator-2.0.0'))
        self.report('calculator.so')
        self.write('calculator.so', example('calculator-1.0.0'))
        report = self.report('calculator.so')
        self.assertEqual((report['state'], report['error-name']), ('refused', 'BreakingChange'))
        self.watch(daemon, **{'allow-breaking': True, 'discard-state': True})
        self.assertEqual(self.report('calculator.so')['to-version'], '1.0.0')

    def test_can_be_stopped(self):
        daemon = self.watched()
        self.watch(daemon, enable=False)
        self.write('echo.so', module('echo-1.0.0'))
        self.assertNoReport()
        self.assertBusError('NotFound', self.watch, daemon, enable=False)

    def test_what_cannot_be_watched_has_a_name(self):
        daemon = self.watched()
        self.assertBusError('InvalidArgument', daemon.call, 'WatchFolder', '(sa{sv})', 'builds', {})
        self.assertBusError('NotFound', daemon.call, 'WatchFolder', '(sa{sv})', '/absent', {})
        self.assertBusError('InvalidArgument', daemon.call, 'WatchFolder', '(sa{sv})', module('echo-1.0.0'), {})
        for number in range(15):
            os.mkdir(f'{self.builds}-{number}')
            daemon.call('WatchFolder', '(sa{sv})', f'{self.builds}-{number}', {})
        self.assertBusError('Overloaded', daemon.call, 'WatchFolder', '(sa{sv})', self.folder, {})

    def test_option_of_the_daemon_lasts(self):
        daemon = self.watched('--watch', os.path.join(self.folder, 'builds'), start=False)
        self.write('echo.so', module('echo-1.0.0'))
        self.report()
        daemon.stop()
        self.write('echo.so', module('echo-2.0.0'))
        daemon.start()
        wait_until(lambda: self.semver(daemon) == '2.0.0', what='what was built meanwhile')
        self.assertEqual(daemon.history()[0]['Initiator'], -1)


if __name__ == '__main__':
    unittest.main()
