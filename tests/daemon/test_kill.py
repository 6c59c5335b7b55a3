# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of a daemon on which many people work at once: whatever the moment, the
next start serves what was committed, and everything that tells of it agrees.
COLLET_TEST_TURNS says how often (default 8)."""

import hashlib
import os
import random
import threading
import time
import unittest

from collet_harness import GLib, BusError, TestCase, example, module

TURNS = int(os.environ.get('COLLET_TEST_TURNS', '8'))
CALCULATORS = [example('calculator-' + version) for version in ('1.0.0', '1.1.0', '2.0.0')]
ECHOS = [module('echo-' + version) for version in ('1.0.0', '2.0.0')]
COUNTERS = [module('counter-' + version) for version in ('1.0.0', '2.0.0', '4.0.0')]
BATCH = [module('bigstate-1.0.0'), example('text-tools')]
# What somebody may be told when others change the same things.
EXPECTED = {'ReloadInProgress', 'NotPurged', 'ModuleNotLoaded', 'RollbackFailed', 'InvalidArgument', 'NotPrepared',
            'PrepareExpired'}


def sha256(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


class Crowd:
    """Each thread does one thing over and over until the daemon is gone."""

    def __init__(self, daemon, turn, registered):
        self.daemon = daemon
        self.dice = random.Random(turn)
        self.turn = turn
        self.registered = registered
        self.surprises = []
        self.is_over = threading.Event()
        work = (self.prepare, self.group, self.reload, self.load, self.count, self.batch, self.unload, self.register, self.call, self.call)
        self.threads = [threading.Thread(target=self.repeat, args=(step,), daemon=True) for step in work]
        for thread in self.threads:
            thread.start()

    def repeat(self, step):
        client = self.daemon.mcp(timeout=30) if step == self.call else None
        while not self.is_over.is_set():
            try:
                step(*([client] if client else []))
            except BusError as error:
                if error.name.startswith('org.freedesktop.DBus.Error.'):
                    return
                if error.name not in EXPECTED:
                    self.surprises.append(str(error))
            except (OSError, ValueError, AssertionError) as error:
                if not self.is_over.is_set():
                    self.surprises.append(repr(error))
                return
            except Exception:  # http.client has many
                return

    def reload(self):
        self.daemon.reload('calculator', self.dice.choice(CALCULATORS), allow_breaking=True)

    def load(self):
        self.daemon.load(self.dice.choice(ECHOS), allow_breaking=True)

    def prepare(self):
        _, version = self.daemon.prepare('echo', self.dice.choice(ECHOS), expiry_ms=self.dice.choice((5, 5000)))
        if self.dice.random() < 0.7:
            self.daemon.commit('echo', version)
        else:
            self.daemon.abort('echo', version)

    def group(self):
        self.daemon.wait(self.daemon.call('ReloadModules', '(asa{sv})', [self.dice.choice(ECHOS), COUNTERS[0]],
                                          {'allow-breaking': GLib.Variant('b', True)}))

    def count(self):
        if self.dice.random() < 0.5:
            self.daemon.reload('counter', self.dice.choice(COUNTERS), allow_breaking=True)
        else:
            self.daemon.rollback('counter')

    def batch(self):
        self.daemon.load_batch(BATCH)

    def unload(self):
        self.daemon.unload('bigstate')

    def register(self):
        name = f'alias-{self.turn}-{self.dice.randrange(10 ** 9)}'
        self.daemon.call('RegisterTool', '(sssa{sv})', name, 'echo', 'echo', {})
        self.registered.add(name)

    def call(self, client):
        client.value('add', {'a': 1, 'b': 2})

    def end(self):
        self.is_over.set()
        self.daemon.kill()
        for thread in self.threads:
            thread.join(20)


class Killed(TestCase):
    def test_under_load_again_and_again_everything_agrees(self):
        daemon = self.daemon()
        for path in (CALCULATORS[0], ECHOS[0], COUNTERS[0]):
            daemon.load(path)
        known = {sha256(path) for path in CALCULATORS + ECHOS + COUNTERS + BATCH}
        dice = random.Random(20261123)
        registered = set()
        for turn in range(TURNS):
            with self.subTest(turn):
                crowd = Crowd(daemon, turn, registered)
                time.sleep(dice.uniform(0.005, 0.5))
                crowd.end()
                self.assertEqual(self.leftovers(), [])
                self.assertEqual(crowd.surprises, [])
                daemon.start()
                self.check_modules(daemon, known)
                self.check_artifacts(daemon)
                self.check_tools(daemon, registered)
                self.assertEqual(daemon.mcp().value('add', {'a': 1, 'b': 2})['result'], 3)
                self.assertEqual(daemon.tool_value('echo', {'turn': turn}), {'turn': turn})
                daemon.tool_value('count', {'by': 1})
                daemon.drop_clients()

    def check_modules(self, daemon, known):
        """What runs, the database's register and the newest reload that stands are one."""
        rows = daemon.history('', 10000)
        self.assertNotIn('running', {row['State'] for row in rows})
        register = {row['name']: row['sha256'] for row in daemon.sql('SELECT name, sha256 FROM module')}
        serves = {row['Name']: row['Version'] for row in daemon.call('ListModules', '(a{sv})', {})}
        self.assertEqual(serves, {name: version for name, version in register.items() if version})
        self.assertLessEqual(set(serves.values()), known)
        for name, version in register.items():
            last = next(item['to'] for row in rows if row['State'] == 'succeeded'
                        for item in row['Items'] if item['module'] == name)
            self.assertEqual(last, version or '', name)
        self.assertEqual(daemon.sql('PRAGMA integrity_check')[0]['integrity_check'], 'ok')

    def check_artifacts(self, daemon):
        """Each has its hash, each is known, nothing half-written is left."""
        folder = os.path.join(daemon.data, 'artifacts')
        names = set(os.listdir(folder)) - {'tmp'}
        self.assertEqual(os.listdir(os.path.join(folder, 'tmp')), [])
        self.assertEqual(names, {row['sha256'] + '.so' for row in daemon.sql('SELECT sha256 FROM artifact')})
        for name in names:
            self.assertEqual(sha256(os.path.join(folder, name)) + '.so', name)

    def check_tools(self, daemon, registered):
        tools = {row['Name']: row['Version'] for row in daemon.call('ListTools', '(a{sv})', {})}
        self.assertLessEqual(registered, set(tools))
        self.assertEqual(tools, {row['name']: row['version'] for row in daemon.sql('SELECT name, version FROM tool')})


if __name__ == '__main__':
    unittest.main()
