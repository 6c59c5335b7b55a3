# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which versions and which history stay, and that nothing goes that is needed."""

import errno
import hashlib
import os
import shutil
import sqlite3
import time
import unittest

from collet_harness import HAS_FAILPOINTS, IS_SANITIZED, RELOAD, BusError, TestCase, example, module, variants, wait_until

DAY = 86400
SHIM = os.environ.get('COLLET_FAULT_SHIM', '')


class Retention(TestCase):
    def build(self, number, source=None):
        """Another version of echo: what is behind the ELF's end is not loaded, but hashed."""
        path = os.path.join(self.folder, f'build-{number}.so')
        with open(source or module('echo-1.0.0'), 'rb') as file:
            content = file.read() + b'\0' * 8 + str(number).encode()
        with open(path, 'wb') as file:
            file.write(content)
        return path, hashlib.sha256(content).hexdigest()

    def load_builds(self, daemon, count, first=0):
        versions = []
        for number in range(first, first + count):
            path, version = self.build(number)
            daemon.load(path)
            versions.append(version)
        return versions

    def versions(self, daemon, name='echo'):
        """Hashes, the newest first."""
        return [row['Version'] for row in daemon.call('ListVersions', '(s)', name)]

    def files(self, daemon):
        return {name[:64] for name in os.listdir(os.path.join(daemon.data, 'artifacts')) if name.endswith('.so')}

    def wait_versions(self, daemon, expected):
        wait_until(lambda: self.versions(daemon) == expected, what=f'only {expected}')
        wait_until(lambda: self.files(daemon) == set(expected), what='the files')
        self.assertEqual({row['sha256'] for row in daemon.sql('SELECT sha256 FROM artifact')}, set(expected))

    def pin(self, daemon, version, pin=True, owner='echo', **options):
        return daemon.call('RetainVersion', '(ssba{sv})', owner, version, pin, variants(options))

    def rewrite(self, daemon, *statements):
        """Changes the database while the daemon is stopped."""
        database = sqlite3.connect(os.path.join(daemon.data, 'collet.db'))
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()

    def test_any_retained_version_is_a_way_back_after_a_restart(self):
        daemon = self.daemon()
        versions = self.load_builds(daemon, 4)
        daemon.restart()
        for version in (versions[0], versions[2], versions[1]):
            daemon.rollback('echo', version[:12])
            self.assertEqual(daemon.version('echo'), version)
            self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        rows = {row['Version']: row for row in daemon.call('ListVersions', '(s)', 'echo')}
        self.assertEqual([version for version in versions if rows[version]['Active']], [versions[1]])
        self.assertEqual([version for version in versions if rows[version]['Previous']], [versions[2]])
        self.assertTrue(all(row['AddedAt'] > 0 and row['UsedAt'] >= row['AddedAt'] for row in rows.values()))

    def test_the_last_used_stay(self):
        daemon = self.daemon('--set', 'retention.versions=3')
        versions = self.load_builds(daemon, 3)
        daemon.rollback('echo', versions[0])
        versions += self.load_builds(daemon, 1, first=3)
        self.wait_versions(daemon, [versions[3], versions[2], versions[0]])
        self.assertBusError('NotFound', daemon.rollback, 'echo', versions[1])
        self.assertEqual(daemon.sql('SELECT what, removed_versions FROM retention_history'),
                         [{'what': 'versions', 'removed_versions': 1}])
        # It can come again.
        daemon.load(self.build(1)[0])
        self.assertEqual(daemon.version('echo'), versions[1])

    def test_what_serves_and_what_is_gone_back_to_stay_also_past_the_rule(self):
        daemon = self.daemon('--set', 'retention.versions=0')
        versions = self.load_builds(daemon, 4)
        self.wait_versions(daemon, versions[:1:-1])
        daemon.rollback('echo')
        self.assertEqual(daemon.version('echo'), versions[2])
        daemon.unload('echo')
        versions += self.load_builds(daemon, 1, first=9)
        daemon.restart()
        self.assertEqual(daemon.version('echo'), versions[-1])

    def test_a_pinned_one_stays_until_it_is_given_back(self):
        daemon = self.daemon('--set', 'retention.versions=1')
        versions = self.load_builds(daemon, 1)
        self.pin(daemon, versions[0][:8], reason='the one that was audited')
        versions += self.load_builds(daemon, 3, first=1)
        self.wait_versions(daemon, [versions[3], versions[2], versions[0]])
        row = daemon.call('ListVersions', '(s)', 'echo')[-1]
        self.assertEqual((row['Retained'], row['RetainReason']), (True, 'the one that was audited'))
        self.assertEqual(daemon.sql('SELECT pinned, pin_reason FROM version_status WHERE pinned'),
                         [{'pinned': 1, 'pin_reason': 'the one that was audited'}])
        daemon.restart()
        self.wait_versions(daemon, [versions[3], versions[2], versions[0]])
        self.pin(daemon, versions[0], False)
        self.wait_versions(daemon, [versions[3], versions[2]])
        self.assertBusError('NotFound', self.pin, daemon, versions[0])
        self.assertBusError('NotFound', self.pin, daemon, versions[3], owner='absent')

    def test_a_prepared_one_stays(self):
        daemon = self.daemon('--set', 'retention.versions=0')
        versions = self.load_builds(daemon, 2)
        path, prepared = self.build('prepared')
        daemon.call('PrepareReload', '(sa{sv})', path, variants({'expiry-ms': 60000}))
        # Another module's reload makes the housekeeper look.
        daemon.load(module('counter-1.0.0'))
        time.sleep(1)
        self.assertIn(prepared, self.files(daemon))
        daemon.wait(daemon.call('CommitReload', '(ssa{sv})', 'echo', prepared, {}))
        self.assertEqual(daemon.version('echo'), prepared)
        self.assertEqual(daemon.info('echo')['PreviousVersion'], versions[1])

    def test_what_is_on_trial_or_a_canary_stays_with_what_it_would_go_back_to(self):
        for how in ({'trial_ms': 60000}, {'canary_percent': 50}):
            with self.subTest(how):
                daemon = self.daemon('--set', 'retention.versions=0')
                versions = self.load_builds(daemon, 2)
                path, tried = self.build('tried')
                reload = daemon.begin_reload('echo', path, **how)
                wait_until(lambda reload=reload: daemon.property('Phase', reload, RELOAD) in ('trial', 'canary'))
                # Another module's reload makes the housekeeper look.
                daemon.load(module('counter-1.0.0'))
                time.sleep(1)
                self.assertLessEqual({tried, versions[1]}, self.files(daemon))
                self.assertLessEqual({versions[1]} | ({tried} if 'trial_ms' in how else set()),
                                     {row['sha256'] for row in daemon.sql('SELECT sha256 FROM artifact')})
                daemon.call('RevertReload', '(sa{sv})', os.path.basename(reload), {})
                wait_until(lambda: daemon.version('echo') == versions[1])
                self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
                daemon.stop()
                shutil.rmtree(daemon.data)

    def test_a_module_that_is_not_there_has_no_versions(self):
        self.assertBusError('NotFound', self.daemon().call, 'ListVersions', '(s)', 'absent')

    def test_unused_for_too_long_goes_with_its_state(self):
        daemon = self.daemon('--set', 'retention.version-days=30')
        for version in ('1.0.0', '1.1.0', '2.0.0'):
            daemon.load(example('calculator-' + version))
        self.assertEqual([row['HasSnapshot'] for row in daemon.call('ListVersions', '(s)', 'calculator')],
                         [True, True, True])
        oldest = self.versions(daemon, 'calculator')[-1]
        daemon.stop()
        self.rewrite(daemon, 'DROP TRIGGER reload_commit_keep',
                     f'UPDATE artifact SET added_at = added_at - {40 * DAY * 10**6}',
                     f'UPDATE reload_commit SET at = at - {40 * DAY * 10**6}')
        daemon.start()
        daemon.load(module('echo-1.0.0'))
        wait_until(lambda: len(self.versions(daemon, 'calculator')) == 2)
        self.assertNotIn(oldest, self.versions(daemon, 'calculator'))
        self.assertEqual(daemon.sql('SELECT * FROM snapshot WHERE sha256 = ?', oldest), [])
        # What serves, with its state, does not age.
        self.assertEqual(daemon.tool_value('memory_get')['memory'], 0)

    def test_old_history_goes_in_recorded_steps(self):
        daemon = self.daemon('--set', 'retention.history-days=30')
        daemon.load(module('echo-1.0.0'))
        daemon.stop()
        old = int((time.time() - 40 * DAY) * 10**6)
        number = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500) '
        self.rewrite(daemon, number + "INSERT INTO reload (id, kind, strategy, uid, options, started_at) "
                     f"SELECT 'old' || i, 'load', 'local', 0, '{{}}', {old} + i FROM n",
                     "INSERT INTO reload_end SELECT number, 'failed', NULL, NULL, NULL, started_at, NULL, 1, '{}' "
                     "FROM reload WHERE id LIKE 'old%'",
                     f"INSERT INTO tool_update (tool, module, version, at) VALUES ('echo', 'echo', 'x', {old}), "
                     f"('echo', 'echo', 'y', {old})",
                     f"INSERT INTO tool_check VALUES ('uid:7', 'gone', NULL, 0, {old})",
                     f"INSERT INTO subscriber VALUES ('uid:7', 7, {old})")
        daemon.start()
        # The newest thousand stay, however old, and what is younger; here those numbered last.
        kept = "SELECT count (*) AS n FROM reload WHERE id LIKE 'old%'"
        wait_until(lambda: daemon.sql(kept) == [{'n': 1000}], 30)
        wait_until(lambda: daemon.sql('SELECT * FROM subscriber') == [])
        removed = daemon.sql('SELECT removed_reloads AS n FROM retention_history ORDER BY number')
        self.assertEqual([row['n'] for row in removed], [1000, 1000, 500])
        self.assertIn('load', [row['Kind'] for row in daemon.history(limit=2000) if not row['Id'].startswith('old')])
        # Of a tool's updates the newest stays.
        self.assertEqual([row['version'] for row in daemon.sql('SELECT version FROM tool_update')][1:], ['y'])

    def test_history_goes_by_number_and_keeps_what_subscribers_missed_since(self):
        daemon = self.daemon('--set', 'retention.history-reloads=20')
        paths = [self.build(number)[0] for number in range(2)]
        daemon.load(paths[0])
        daemon.call('SubscribeToToolUpdates', '(sa{sv})', 'echo', variants({'subscriber': 'slow'}))
        for number in range(60):
            daemon.load(paths[number % 2 == 0])
        daemon.restart()  # it is looked at soon after the start
        wait_until(lambda: daemon.sql('SELECT count (*) AS n FROM reload') == [{'n': 20}], 30)
        self.assertEqual(len(daemon.history(limit=100)), 20)
        self.assertEqual(daemon.sql('SELECT sum (removed_reloads) AS n FROM retention_history'), [{'n': 42}])  # the shutdown is one
        missed = daemon.call('GetUpdatesSince', '(ta{sv})', 0, variants({'subscriber': 'slow'}))[0]
        self.assertEqual(len(missed), 19)  # of every load that is kept
        daemon.rollback('echo')

    def test_age_is_checked_at_start(self):
        self.assertEqual(self.daemon('--set', 'retention.version-days=-1', start=False).spawn().wait_exit(), 2)

    @unittest.skipIf(IS_SANITIZED, 'a preloaded library comes before the sanitizer')
    def test_a_full_disk_gets_the_room_of_what_may_go(self):
        fault = os.path.join(self.folder, 'fault')
        daemon = self.daemon(environment={'LD_PRELOAD': SHIM, 'COLLET_TEST_ERRNO': fault,
                                          'COLLET_TEST_FOLDER': os.path.join(self.folder, 'data')})
        versions = self.load_builds(daemon, 5)
        daemon.stop()
        daemon.arguments += ['--set', 'retention.versions=0']
        daemon.start()
        with open(fault, 'w', encoding='ascii') as file:
            file.write(str(errno.ENOSPC))
        self.assertBusError('DiskFull', daemon.load, module('counter-1.0.0'))
        needed = versions[:2:-1]
        wait_until(lambda: self.files(daemon) == set(needed), 20, 'the files')
        self.assertEqual(self.versions(daemon), needed)
        self.assertBusError('NotFound', daemon.rollback, 'echo', versions[0])
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        os.unlink(fault)
        daemon.load(module('counter-1.0.0'))
        wait_until(lambda: daemon.sql("SELECT count (*) AS n FROM artifact WHERE module = 'echo'") == [{'n': 2}], 20)
        daemon.rollback('echo')
        self.assertEqual(daemon.version('echo'), versions[3])

    @unittest.skipUnless(HAS_FAILPOINTS, 'failpoints are not built in')
    def test_killed_while_it_removes_nothing_needed_is_gone(self):
        daemon = self.daemon('--set', 'retention.versions=0')
        for turn, name in enumerate(('retention-chosen', 'retention-removed')):
            with self.subTest(name):
                daemon.restart({'COLLET_FAILPOINT': name})
                versions = []
                try:
                    for number in range(3):
                        path, version = self.build(f'{turn}-{number}')
                        daemon.load(path)
                        versions.append(version)
                except BusError:
                    pass  # the kill came before the third
                daemon.wait_exit()
                daemon.start()
                self.assertIn(daemon.version('echo'), versions)
                previous = daemon.info('echo')['PreviousVersion']
                daemon.rollback('echo')
                self.assertEqual(daemon.version('echo'), previous)
                stored = {row['sha256'] for row in daemon.sql('SELECT sha256 FROM artifact')}
                self.assertLessEqual(stored, self.files(daemon))


if __name__ == '__main__':
    unittest.main()
