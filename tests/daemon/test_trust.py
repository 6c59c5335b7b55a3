# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who signed what runs: keys, signatures by colletctl and by minisign, rotation and
revocation, all seen from outside."""

import os
import shutil
import subprocess
import unittest

from collet_harness import BusError, TestCase, example, wait_until

COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')


class Trust(TestCase):
    def setUp(self):
        super().setUp()
        self.keys = os.path.join(self.folder, 'keys')
        self.modules = os.path.join(self.folder, 'modules')
        os.mkdir(self.keys, 0o755)
        os.mkdir(self.modules)

    def ctl(self, *words, fails=False):
        done = subprocess.run([COLLETCTL, *words], capture_output=True, text=True, timeout=60, check=False,
                              env=os.environ | {'DBUS_SESSION_BUS_ADDRESS': self.bus.address})
        self.assertEqual(done.returncode != 0, fails, done.stderr + done.stdout)
        return done.stdout + done.stderr

    def key(self, name):
        """A key pair; its public half is trusted under that name. Path of the secret one."""
        secret = os.path.join(self.folder, name)
        self.ctl('key', secret)
        shutil.copy(secret + '.pub', os.path.join(self.keys, name + '.pub'))
        return secret

    def module(self, name, signed_with=None):
        path = shutil.copy(example(name), self.modules)
        if signed_with is not None:
            self.ctl('sign', path, '--key', signed_with)
        return path

    def signed_daemon(self):
        return self.daemon('--trust=signed', '--keys', self.keys)

    def revoke(self, name):
        os.rename(os.path.join(self.keys, name + '.pub'), os.path.join(self.keys, name + '.revoked'))

    def assert_not_trusted(self, function, *words):
        with self.assertRaises(BusError) as caught:
            function()
        self.assertEqual(caught.exception.name, 'NotTrusted')
        for word in words:
            self.assertIn(word, caught.exception.message)

    def test_only_what_a_trusted_key_signed_is_loaded(self):
        ada = self.key('ada')
        daemon = self.signed_daemon()
        self.assert_not_trusted(lambda: daemon.load(self.module('text-tools')), 'not signed')
        self.assertEqual(daemon.call('ListModules', '(a{sv})', {}), [])
        daemon.load(self.module('text-tools', ada))
        signer = daemon.info('text-tools')['Signer']
        self.assertTrue(signer.startswith('ada ('), signer)
        rows = daemon.sql('SELECT trust, signer FROM version_status')
        self.assertEqual(rows, [{'trust': 'signed', 'signer': signer}])
        # The history says so when the version is long gone.
        entry = daemon.history('text-tools')[0]
        self.assertEqual(entry['Items'][0]['to-signer'], signer)
        self.assertIn(signer, self.ctl('reload', 'show', entry['Id']))
        daemon.load(self.module('text-tools', ada))
        history = "SELECT to_signer FROM reload_history WHERE state = 'succeeded'"
        self.assertEqual([row['to_signer'] for row in daemon.sql(history)][-1], signer)

    def test_clients_are_told_who_signed_what_answers(self):
        ada = self.key('ada')
        daemon = self.daemon('--keys', self.keys)
        daemon.load(self.module('calculator-1.0.0', ada))
        daemon.load(self.module('text-tools'))
        signer = daemon.info('calculator')['Signer']
        client = daemon.mcp()
        told = {tool['name']: tool['_meta'].get('org.collet/signer') for tool in client.tools()}
        self.assertEqual((told['add'], told['reverse']), (signer, None))
        answers = [client.call('add', {'a': 1, 'b': 2})['result'], client.call('reverse', {'text': 'live'})['result']]
        self.assertEqual([answer['_meta'].get('org.collet/signer') for answer in answers], [signer, None])
        # On the bus, too.
        raw = daemon.call_tool('add', {'a': 1, 'b': 2})
        self.assertEqual(raw['_meta']['org.collet/signer'], signer)

    def test_a_changed_file_is_refused_whatever_the_rule(self):
        ada = self.key('ada')
        daemon = self.daemon('--trust=any', '--keys', self.keys)
        path = self.module('text-tools', ada)
        with open(path, 'ab') as file:
            file.write(b'\0')
        self.assert_not_trusted(lambda: daemon.load(path), 'not of these bytes')
        valid, facts, checks = daemon.validate(path)
        self.assertFalse(valid)
        self.assertEqual(facts['error-name'], 'NotTrusted')
        self.assertEqual((checks['trust']['outcome'], checks['trial']['outcome']), ('failed', 'skipped'))

    def test_a_revoked_key_lets_nothing_back_in_and_takes_nothing_away(self):
        ada, bob = self.key('ada'), self.key('bob')
        daemon = self.signed_daemon()
        daemon.load(self.module('calculator-1.0.0', ada))
        daemon.load(self.module('calculator-1.1.0', bob))
        self.revoke('ada')  # counts at once
        self.assert_not_trusted(lambda: daemon.rollback('calculator'), 'revoked')
        self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 2})['result'], 3)
        # What runs goes on, also after a restart; its signer is still named.
        self.revoke('bob')
        daemon.restart()
        self.assertTrue(daemon.info('calculator')['Signer'].startswith('bob ('))
        self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 2})['result'], 3)

    def flags(self, daemon):
        return {row['SemanticVersion']: row['SignerRevoked'] for row in daemon.call('ListVersions', '(s)', 'calculator')}

    def test_what_a_revoked_key_signed_is_flagged_at_once(self):
        ada, bob = self.key('ada'), self.key('bob')
        daemon = self.signed_daemon()
        daemon.load(self.module('calculator-1.0.0', ada))
        daemon.load(self.module('calculator-1.1.0', bob))
        self.assertEqual(self.flags(daemon), {'1.0.0': False, '1.1.0': False})
        self.revoke('ada')
        wait_until(lambda: self.flags(daemon) == {'1.0.0': True, '1.1.0': False})
        self.assertEqual(daemon.info('calculator')['Verdict'], 'ok')
        self.revoke('bob')
        wait_until(lambda: daemon.info('calculator')['SignerRevoked'])
        self.assertEqual(daemon.info('calculator')['Verdict'], 'attention')
        self.assertIn('revoked', daemon.info('calculator')['VerdictMessage'])
        self.assertRegex(daemon.output(), r'calculator 1\.1\.0 is served, and the key that signed it, bob \(\w+\), was revoked')
        flagged = 'SELECT version FROM version_status WHERE is_revoked ORDER BY version'
        wait_until(lambda: daemon.sql(flagged) == [{'version': '1.0.0'}, {'version': '1.1.0'}])
        self.assertIn('revoked', self.ctl('versions', 'calculator'))
        self.assertIn('whose key was revoked', self.ctl('modules', 'calculator'))
        # Also by the next process, and until it is trusted again.
        daemon.restart()
        wait_until(lambda: self.flags(daemon) == {'1.0.0': True, '1.1.0': True})
        os.rename(os.path.join(self.keys, 'bob.revoked'), os.path.join(self.keys, 'bob.pub'))
        wait_until(lambda: not daemon.info('calculator')['SignerRevoked'])
        self.assertEqual(daemon.info('calculator')['Verdict'], 'ok')
        wait_until(lambda: daemon.sql(flagged) == [{'version': '1.0.0'}])

    def test_a_key_that_comes_as_a_revoked_one_counts_for_what_was_loaded_before_it_was_known(self):
        ada = self.key('ada')
        public = os.path.join(self.keys, 'ada.pub')
        os.rename(public, public + '-away')
        for name in ('1.0.0', '1.1.0'):
            self.module('calculator-' + name, ada)
        daemon = self.daemon('--trust=any', '--keys', self.keys)
        for others in ([], ['bob']):  # a folder without keys, and one with another key
            for name in others:
                self.key(name)
            daemon.load(os.path.join(self.modules, f'calculator-1.{len(others)}.0.so'))
        self.assertEqual([daemon.info('calculator')['Signer'], self.flags(daemon)], ['', {'1.0.0': False, '1.1.0': False}])
        daemon.rollback('calculator')  # unknown is not revoked
        daemon.rollback('calculator')
        os.rename(public + '-away', os.path.join(self.keys, 'ada.revoked'))
        self.assert_not_trusted(lambda: daemon.rollback('calculator'), 'revoked')
        wait_until(lambda: self.flags(daemon) == {'1.0.0': True, '1.1.0': True})
        self.assertIn('somebody unknown, whose key was revoked', self.ctl('modules', 'calculator'))
        self.assertRegex(daemon.output(), r'calculator 1\.1\.0 is served, and the key that signed it, [0-9A-F]{16}, was revoked')
        daemon.restart()
        wait_until(lambda: daemon.info('calculator')['SignerRevoked'])
        self.assertEqual(self.flags(daemon), {'1.0.0': True, '1.1.0': True})
        wait_until(lambda: daemon.sql('SELECT count (*) AS n FROM version_status WHERE is_revoked') == [{'n': 2}])
        self.assert_not_trusted(lambda: daemon.rollback('calculator'), 'revoked')

    def test_a_signature_that_nobody_could_judge_is_judged_when_its_key_is_known(self):
        ada = self.key('ada')
        os.rename(os.path.join(self.keys, 'ada.pub'), os.path.join(self.folder, 'ada.pub-away'))
        second = self.module('calculator-1.1.0', ada)
        first = self.module('calculator-1.0.0')
        shutil.copy(second + '.minisig', first + '.minisig')  # of other bytes
        daemon = self.daemon('--trust=any', '--keys', self.keys)
        daemon.load(first)
        daemon.load(second)
        os.rename(os.path.join(self.folder, 'ada.pub-away'), os.path.join(self.keys, 'ada.pub'))
        self.assert_not_trusted(lambda: daemon.rollback('calculator'), 'not of these bytes')

    def test_a_folder_of_keys_that_comes_later_is_seen(self):
        ada = self.key('ada')
        os.rename(self.keys, self.keys + '-away')
        daemon = self.daemon('--keys', self.keys)
        os.rename(self.keys + '-away', self.keys)
        daemon.load(self.module('calculator-1.0.0', ada))
        self.assertTrue(daemon.info('calculator')['Signer'].startswith('ada ('))
        self.revoke('ada')
        wait_until(lambda: daemon.info('calculator')['SignerRevoked'])

    def test_a_retained_version_comes_back_with_its_signature_after_a_restart(self):
        ada = self.key('ada')
        daemon = self.signed_daemon()
        daemon.load(self.module('calculator-1.0.0', ada))
        daemon.load(self.module('calculator-1.1.0', ada))
        shutil.rmtree(self.modules)  # it has its own copy
        daemon.restart()
        daemon.rollback('calculator')
        self.assertEqual(daemon.info('calculator')['SemanticVersion'], '1.0.0')

    def test_a_file_that_others_can_write_is_refused_unless_allowed(self):
        path = self.module('text-tools')
        os.chmod(path, 0o666)
        strict = self.daemon('--keys', self.keys)
        self.assert_not_trusted(lambda: strict.load(path), '0666')
        strict.stop()
        lax = self.daemon('--keys', self.keys, '--trust=any')
        lax.load(path)
        self.assertEqual(lax.sql('SELECT trust FROM version_status'), [{'trust': 'unsigned'}])

    @unittest.skipUnless(shutil.which('minisign'), 'minisign is not installed')
    def test_minisign_and_colletctl_take_each_others_signatures(self):
        ada = self.key('ada')
        path = self.module('text-tools', ada)
        subprocess.run(['minisign', '-V', '-p', ada + '.pub', '-m', path], check=True, capture_output=True)
        theirs = os.path.join(self.folder, 'theirs')
        subprocess.run(['minisign', '-G', '-W', '-p', theirs + '.pub', '-s', theirs], check=True, capture_output=True)
        for secret in (ada, theirs):
            subprocess.run(['minisign', '-S', '-s', secret, '-m', path, '-t', 'by minisign'], check=True, capture_output=True)
            self.assertIn('by minisign', self.ctl('verify', path, '--key', secret + '.pub'))
        self.assertIn('by another key', self.ctl('verify', path, '--key', ada + '.pub', fails=True))
        self.ctl('sign', path, '--key', theirs)
        subprocess.run(['minisign', '-V', '-p', theirs + '.pub', '-m', path], check=True, capture_output=True)


if __name__ == '__main__':
    unittest.main()
