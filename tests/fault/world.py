# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real cluster that things are done to: daemons, etcd, the network between them,
callers at every node, and the book of all that was written."""

import contextlib
import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import threading
import time

from collet_harness import (IS_SANITIZED, RELOAD, Bus, BusError, Daemon, free_port, module, reap, variants,
                            wait_until)
from history import Broken, Ledger, check_node, check_words
from load import Caller
from members import Members, Recorder
from network import Network

MODULE = 'counter'
BASES = ('counter-1.0.0', 'counter-2.0.0', 'counter-4.0.0')


class Node(Daemon):
    """A daemon behind the network, with a wall clock and a disk of its own."""

    def __init__(self, world, name):
        folder = os.path.join(world.folder, name)
        os.makedirs(folder)
        self.name = name
        self.life = 0
        self.is_dead = True
        self.own = set()  # versions that were loaded here by hand
        self.peer_port = free_port()
        self.url = f'https://127.0.0.1:{world.network.listen(name, self.peer_port)}'
        self.paths = {kind: os.path.join(folder, kind) for kind in ('failpoint', 'clock', 'errno')}
        self.set_clock(0)
        environment = {'COLLET_FAILPOINT': '@' + self.paths['failpoint'], 'COLLET_TEST_ERRNO': self.paths['errno'],
                       'COLLET_TEST_CLOCK': self.paths['clock'], 'COLLET_TEST_FOLDER': os.path.join(folder, 'data')}
        # The sanitizer's library has to come first.
        if not IS_SANITIZED:
            environment['LD_PRELOAD'] = f'{os.environ["COLLET_FAULT_SHIM"]} {os.environ["COLLET_CLOCK_SHIM"]}'
        self.bus_folder = folder
        super().__init__(world, '--node-name', name, '--set', f'cluster.listen=127.0.0.1:{self.peer_port}',
                         '--set', f'cluster.url={self.url}', start=False, folder=folder, bus=Bus(folder),
                         environment=environment)

    def start(self, environment=None):
        super().start(environment)
        self.is_dead = False
        return self

    def spawn(self, environment=None):
        self.life += 1
        return super().spawn(environment)

    def has_died(self):
        """Not by poll(), which knows nothing while another thread waits for it."""
        if self.process is None or self.process.returncode is not None:
            return True
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def stop(self):
        self.is_dead = True
        return super().stop()

    def kill(self):
        self.is_dead = True
        super().kill()

    def arm(self, failpoint):
        """It dies when it comes to that place next."""
        with open(self.paths['failpoint'], 'w', encoding='ascii') as file:
            file.write(failpoint)

    def disarm(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.paths['failpoint'])

    def wait_death(self, timeout=40):
        self.wait_exit(timeout)
        self.is_dead = True
        self.drop_clients()
        self.disarm()

    def set_clock(self, seconds):
        with open(self.paths['clock'], 'wb' if seconds == 0 and not os.path.exists(self.paths['clock']) else 'r+b') as file:
            file.write(struct.pack('q', seconds))

    def fill_disk(self, number=errno.ENOSPC):
        with open(self.paths['errno'], 'w', encoding='ascii') as file:
            file.write(str(number))

    def empty_disk(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.paths['errno'])

    def state(self):
        return self.property('ClusterState')

    def message(self):
        return next(row['Message'] for row in self.call('ListNodes') if row['Self'])


class Reload(threading.Thread):
    """A reload of the cluster that somebody waits for at a node."""

    def __init__(self, world, node, path, strategy, options, method=None):
        super().__init__(daemon=True)
        self.world, self.node, self.path, self.options = world, node, path, options
        self.strategy, self.method = strategy, method
        self.object = None
        self.id = None
        self.result = None
        self.error = None  # BusError
        self.start()

    def run(self):
        try:
            if self.method is not None:
                self.object = self.node.call(*self.method, timeout=60)
            else:
                self.object = self.node.call('ClusterReload', '(ssa{sv})', self.path, self.strategy,
                                             variants(self.options), timeout=60)
            self.id = self.node.property('Id', self.object, RELOAD)
            self.result = self.node.wait(self.object, 90)
        except BusError as error:
            self.error = error
        except Exception as error:  # its node died
            self.error = BusError.__new__(BusError)
            self.error.name, self.error.message = type(error).__name__, str(error)

    def wait(self, timeout=100):
        self.join(timeout)
        if self.is_alive():
            raise Broken(f'eventually: a reload at {self.node.name} did not end within {timeout} s')
        return self

    def expect_success(self):
        self.wait()
        if self.error is not None:
            raise Broken(f'a reload at {self.node.name} failed: {self.error.name}: {self.error.message}')
        return self

    def expect_error(self, name, *words):
        """That error, with these words, in two sentences."""
        self.wait()
        if self.error is None:
            raise Broken(f'a reload at {self.node.name} went through; {name} was expected')
        self.world.expect(f'{self.error.name}: {self.error.message}', f'^{name}: ', *words)
        check_words(self.error.message)
        return self


class World:
    def __init__(self, folder, n, random):
        self.folder, self.random, self.n_versions = folder, random, 0
        self.seen = []  # what a user saw
        self.bus = None
        os.makedirs(os.path.join(folder, 'versions'))
        self.nodes, self.visitors = [], []
        self.members = None
        self.network = Network(self.processes)
        self.members = Members(self.network, folder)
        self.members.start_all()
        self.recorder = Recorder(self.members, '/collet/v1/demo/')
        self.callers = []
        self.epoch = 0
        try:
            self.found(n)
        except BaseException:
            self.close()
            raise

    def processes(self):
        found = self.members.pids() if self.members is not None else {}
        return found | {node.name: node.process.pid for node in self.nodes + self.visitors
                        if node.process is not None}

    def found(self, n):
        for i in range(n):
            self.nodes.append(Node(self, f'n{i + 1}'))
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        first.load(self.version('counter-1.0.0'))
        first.call('InitCluster', '(sa{sv})', 'demo', variants({'endpoints': self.members.endpoints}))
        for node in self.nodes[1:]:
            self.join(node)
        wait_until(self.is_in_line, 60, 'the cluster to be in line')
        self.callers = [Caller(node) for node in self.nodes]
        for caller in self.callers:
            caller.start()

    def join(self, node, **options):
        token, _ = self.nodes[0].call('CreateJoinToken', '(a{sv})', {})
        return node.call('JoinCluster', '(ssa{sv})', self.nodes[0].url, token, variants(options), timeout=60)

    # What is done by a user.

    def version(self, base=None):
        """A file that nobody has seen before: bytes behind the end change the hash."""
        self.n_versions += 1
        path = os.path.join(self.folder, 'versions', f'{self.n_versions}.so')
        shutil.copy(module(base or self.random.choice(BASES)), path)
        with open(path, 'ab') as file:
            file.write(struct.pack('q', self.n_versions))
        return path

    def reload(self, node, strategy='sync_all', path=None, **options):
        return Reload(self, node, path or self.version(), strategy, options)

    def rollback(self, node):
        return Reload(self, node, None, None, None, ('ClusterRollback', '(ssa{sv})', MODULE, '', {}))

    def ctl(self, node, *arguments, text=None):
        """Exit status, and what colletctl printed."""
        done = subprocess.run([os.environ['COLLETCTL'], '--session', *arguments], capture_output=True, text=True,
                              input=text, timeout=100, check=False,
                              env={'DBUS_SESSION_BUS_ADDRESS': node.bus.address, 'LC_ALL': 'C.UTF-8',
                                   'PATH': '/usr/bin:/bin'})
        return done.returncode, (done.stdout + done.stderr).strip()

    def expect(self, text, *patterns):
        """A user sees these words."""
        import re
        self.seen.append(text)
        for pattern in patterns:
            if not re.search(pattern, text):
                raise Broken(f'words: no {pattern!r} in {text!r}')
        return text

    def expect_ctl(self, node, arguments, status, *patterns, text=None):
        got, printed = self.ctl(node, *arguments, text=text)
        if got != status:
            raise Broken(f'words: colletctl {" ".join(arguments)} ended with {got}, not {status}: {printed}')
        return self.expect(printed, *patterns)

    def wait_message(self, node, pattern, timeout=40):
        import re
        return self.expect(wait_until(lambda: (text := node.message()) and re.search(pattern, text) and text, timeout,
                                      f'{node.name} to say {pattern!r}'))

    def wait_state(self, node, state, timeout=40):
        wait_until(lambda: node.state() == state, timeout, f'{node.name} to be {state}')

    def rows(self, node):
        """States of the module, by node, as this one sees them."""
        return {row['node']: row['state'] for row in node.call('GetClusterVersions', '(s)', MODULE)}

    def others(self, *nodes):
        return [node for node in self.nodes if node not in nodes]

    def names(self, nodes=None):
        return [node.name for node in (self.nodes if nodes is None else nodes)]

    def pick(self, *but):
        return self.random.choice(self.others(*but))

    def pause(self, least, most):
        time.sleep(self.random.uniform(least, most))

    # Afterwards.

    def is_in_line(self):
        try:
            rows = self.nodes[0].call('GetClusterVersions', '(s)', MODULE)
        except BusError:
            return False
        states = {row['node']: (row['state'], row['version']) for row in rows}
        return (set(states) == set(self.names()) and len(set(states.values())) == 1 and
                states[self.nodes[0].name][0] == 'in-line')

    def heal(self):
        self.network.heal()
        self.members.heal()
        for node in self.nodes:
            node.disarm()
            node.empty_disk()
            node.set_clock(0)
            if node.has_died():
                node.is_dead = True
                if node.process is not None:
                    node.process.wait()
                    node.drop_clients()
                node.start()
            else:
                node.process.send_signal(signal.SIGCONT)

    def settle(self, timeout=75):
        """Healed, it comes into line by itself; every node sees the same."""
        self.heal()
        wait_until(self.is_in_line, timeout, 'all nodes to be in line')
        for node in self.nodes:
            wait_until(lambda node=node: node.call('CheckConsistency', '(s)', '')[0], 30,
                       f'{node.name} to see a cluster that is consistent')
        wait_until(lambda: len({node.version(MODULE) for node in self.nodes}) == 1, 10, 'one version everywhere')

    def check(self):
        """The invariants, from what was written. How many calls, and the longest."""
        ledger = Ledger()
        ledger.locals = {(MODULE, node.name): node.own for node in self.nodes}
        ledger.play(self.recorder.catch_up())
        ledger.check_settled(self.names(), self.names())
        for node in self.nodes:
            check_node(node.name, os.path.join(node.data, 'collet.db'), ledger, node.own)
            if 'CRITICAL' in node.output() or 'Sanitizer' in node.output() or 'runtime error:' in node.output():
                raise Broken(f'{node.name} complained:\n{node.output()[-3000:]}')
        calls, longest, problems = 0, 0.0, []
        for caller in self.callers:
            n, seconds, wrong = caller.take()
            calls, longest, problems = calls + n, max(longest, seconds), problems + wrong
        if problems:
            raise Broken('calls: ' + '; '.join(problems[:5]))
        return calls, longest, ledger

    def close(self):
        for caller in self.callers:
            caller.is_over = True
        for caller in self.callers:
            caller.join(25)
        with contextlib.suppress(Exception):
            self.network.heal()
        for node in self.nodes:
            with contextlib.suppress(Exception):
                node.disarm()
                if not node.has_died():
                    node.process.send_signal(signal.SIGCONT)
                node.stop()
            with contextlib.suppress(Exception):
                node.connection.close_sync(None)
                node.bus.close()
        if self.members is not None:
            self.members.close()
        self.network.close()
        reap()

    def logs(self):
        return '\n'.join(f'--- {node.name}\n{node.output()[-2500:]}' for node in self.nodes)

    def keys(self):
        return json.dumps(self.recorder.changes[-40:], indent=1)
