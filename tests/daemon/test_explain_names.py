# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every error that there is, by its name: each is provoked here, and says what was
found and what to do, the same on the bus, in the history, by colletctl and by MCP;
or it is said which test provokes it instead, and why not this one."""

import json
import os
import re
import threading
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import RELOAD, BusError, module, variants, wait_until
import test_explain
import test_swap

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
NAMES = re.findall(r'ENTRY \(\w+, "(\w+)"\)',
                   open(os.path.join(TESTS, '..', 'schema', 'collet-error.c'), encoding='utf-8').read())

# By test_explain.py, beside the candidates.
BY_REQUESTS = ['AlreadyRegistered', 'ArtifactNotFound', 'BreakingChange', 'InvalidArgument', 'InvalidArguments',
               'InvalidResult', 'ModuleNotLoaded', 'NameClash', 'NotFound', 'NotPrepared', 'ToolNotFound',
               'VersionMismatch', 'WorkerCrashed']

# Where, and why not here; and what it is known by there, if not by its name.
ELSEWHERE = {
    'AddressInUse': ('http/test-head.c', 'the daemon does not start, and says it on standard error'),
    'ArtifactChanged': ('daemon/test_watch.py', 'a file has to change at the right moment'),
    'ArtifactTooLarge': ('daemon/test_loading.py', 'needs a file of more than 256 MiB'),
    'CallCancelled': ('host/test-worker.c', 'who cancels a call is not answered'),
    'ConfinementUnavailable': ('worker/test-fork-server.c', 'needs a kernel without Landlock'),
    'DatabaseBusy': ('daemon/test_surroundings.py', 'the daemon does not start'),
    'DatabaseCorrupt': ('daemon/test_surroundings.py', 'the daemon starts with an empty one, and a warning',
                        r'collet\.db\.corrupt'),
    'DatabaseNewer': ('daemon/test_surroundings.py', 'the daemon does not start'),
    'DiskFull': ('daemon/test_surroundings.py', 'needs a full disk'),
    'Failed': ('schema/test-error.c', 'a fault of ours: nothing may give it'),
    'MessageTooLarge': ('core/test-json-scan.c', 'the bus takes no message of 64 MiB'),
    'NameInUse': ('daemon/test_members.py', 'needs two nodes of one name'),
    'NotAuthorized': ('daemon/test_permissions.py', 'needs a system bus and other users'),
    'ProbeTimeout': ('daemon/test_loading.py', 'takes the ten seconds that a trial load may'),
    'SelfTestFailed': ('daemon/test_reloading.py', 'the trial load finds it first, unless it depends on the time'),
    'ShuttingDown': ('daemon/test_service.py', 'the daemon has to be on its way out'),
    'SpawnFailed': ('spawn/test-spawn.c', 'needs a limit on processes'),
    'StoreFailed': ('store/test-store.c', 'needs a disk that fails'),
    'StoreReadOnly': ('daemon/test_surroundings.py', 'the daemon does not start'),
    'WorkerConfined': ('daemon/test_confinement.py', 'no call gets it: the module goes on'),
}


class Names(test_explain.Explain):
    """Each provoke_NAME is a scenario of its own daemon; assertExplained compares the places."""

    def test_no_name_is_left_out(self):
        here = {name.removeprefix('provoke_') for name in dir(self) + dir(Cluster) if name.startswith('provoke_')}
        known = here | set(BY_REQUESTS) | {expected for _, expected, _ in test_explain.CANDIDATES} | set(ELSEWHERE)
        self.assertEqual(set(NAMES) - known, set(), 'provoke it here, or say where it is')
        self.assertEqual(known - set(NAMES), set(), 'there is no such error')
        self.assertEqual(set(ELSEWHERE) & here, set())

    def test_where_it_is_said_to_be_it_is(self):
        for name, (file, _reason, *words) in ELSEWHERE.items():
            constant = 'COLLET_ERROR_' + re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name).upper()
            with open(os.path.join(TESTS, file), encoding='utf-8') as text, self.subTest(name):
                self.assertRegex(text.read(), '|'.join([rf'\b({name}|{constant})\b', *words]))

    def test_those_of_one_node(self):
        for method in sorted(name for name in dir(self) if name.startswith('provoke_')):
            with self.subTest(method):
                try:
                    getattr(self, method)(method.removeprefix('provoke_'))
                finally:
                    if self.current.process.poll() is None:
                        self.current.process.kill()
                        self.current.wait_exit()

    # test_explain.py's own run there.
    test_refused_candidates = test_refused_changes = test_refused_calls_are_the_same_by_mcp = None

    def fresh(self, *modules, **options):
        """A daemon in a folder of its own, with these loaded."""
        folder = os.path.join(self.folder, f'n{len(os.listdir(self.folder))}')
        os.mkdir(folder)
        daemon = self.current = self.daemon(*options.pop('arguments', ()), folder=folder, **options)
        for name in modules:
            daemon.load(module(name))
        return daemon

    def ended(self, daemon, path, name):
        """A reload that had begun: Wait, its properties, the history and colletctl agree."""
        with self.assertRaises(BusError) as caught:
            daemon.wait(path, 30)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertSaysWhatToDo(caught.exception.message)
        row = next(row for row in daemon.history() if path.endswith(row['Id']))
        self.assertEqual((row['ErrorName'], row['ErrorMessage']), (name, daemon.property('ErrorMessage', path, RELOAD)))
        self.assertIn(row['ErrorMessage'].rstrip('.'), caught.exception.message)
        self.assertEqual(daemon.sql('SELECT error FROM reload_history WHERE reload = ?', row['Id']), [{'error': name}])
        daemon.stop()

    def explained(self, daemon, name, attempt):
        error = self.assertExplained(daemon, name, attempt)
        daemon.stop()
        return error

    def provoke_Cancelled(self, name):
        daemon = self.fresh('echo-1.0.0')
        path, _ = daemon.prepare('echo', module('echo-2.0.0'))
        daemon.call('Cancel', path=path, interface=RELOAD)
        self.ended(daemon, path, name)

    def provoke_Timeout(self, name):
        daemon = self.fresh('echo-1.0.0')
        path, _ = daemon.prepare('echo', module('echo-2.0.0'))
        self.explained(daemon, name, lambda: daemon.call('Wait', '(u)', 1, path=path, interface=RELOAD))

    def provoke_IntegrityFailed(self, name):
        daemon = self.fresh('echo-1.0.0')
        old = daemon.version('echo')
        daemon.reload('echo', module('echo-2.0.0'))
        file = next(entry for entry in os.listdir(os.path.join(daemon.data, 'artifacts')) if entry.startswith(old))
        path = os.path.join(daemon.data, 'artifacts', file)
        os.chmod(path, 0o600)
        with open(path, 'r+b') as damaged:
            damaged.seek(1000)
            damaged.write(b'damage')
        self.explained(daemon, name, lambda: daemon.rollback('echo'))

    def provoke_NotTrusted(self, name):
        daemon = self.fresh(arguments=('--set', 'trust.rule=signed'))
        self.explained(daemon, name, lambda: daemon.load(module('echo-1.0.0')))

    def provoke_NotPurged(self, name):
        daemon = self.fresh('echo-hang-call')
        for candidate in ('echo-1.0.0', 'echo-hang-call', 'echo-1.0.0'):
            if candidate == 'echo-1.0.0':
                client = daemon.mcp()
                client.initialize()
                threading.Thread(target=self.ignore, args=(client,), daemon=True).start()
                wait_until(lambda: daemon.info('echo')['InFlight'] > 0)
            path = daemon.begin_reload('echo', module(candidate), drain_timeout_ms=60000)
            wait_until(lambda path=path: daemon.property('Phase', path, RELOAD) in ('drain', 'done'))
        self.assertExplained(daemon, name, lambda: daemon.reload('echo', module('echo-2.0.0')))
        daemon.process.kill()
        daemon.wait_exit()

    @staticmethod
    def ignore(client):
        try:
            client.call('echo', {})
        except (OSError, AssertionError, ValueError):
            pass  # its daemon is killed

    def provoke_ReloadInProgress(self, name):
        daemon = self.fresh('echo-1.0.0')
        daemon.prepare('echo', module('echo-2.0.0'))
        self.explained(daemon, name, lambda: daemon.reload('echo', module('echo-slow')))

    def provoke_StateMigrationFailed(self, name):
        daemon = self.fresh('counter-1.0.0')
        self.ended(daemon, daemon.begin_reload('counter', module('counter-fail-code-change')), name)

    def provoke_SmokeTestFailed(self, name):
        daemon = self.fresh('echo-1.0.0')
        self.ended(daemon, daemon.begin_reload('echo', module('echo-smoke-bad')), name)

    def provoke_PrepareExpired(self, name):
        daemon = self.fresh('echo-1.0.0')
        path, _ = daemon.prepare('echo', module('echo-2.0.0'), expiry_ms=50)
        self.ended(daemon, path, name)

    def provoke_TrialFailed(self, name):
        daemon = self.fresh('echo-1.0.0')
        path = daemon.begin_reload('echo', module('echo-crash-call'), trial_ms=60000)
        wait_until(lambda: daemon.property('Phase', path, RELOAD) == 'trial')
        daemon.mcp().call('echo', {})
        self.ended(daemon, path, name)

    def provoke_SwapFailed(self, name):
        daemon = self.fresh('echo-1.0.0')
        reading, writing = os.pipe()
        self.explained(daemon, name, lambda: daemon.wait(test_swap.Swap.begin(self, daemon, 'echo', writing)))
        os.close(reading)

    def provoke_RollbackFailed(self, name):
        daemon = self.fresh('echo-1.0.0')
        self.explained(daemon, name, lambda: daemon.rollback('echo'))

    def provoke_DrainTimeout(self, name):
        daemon = self.fresh('echo-slower')
        client = daemon.mcp()
        client.initialize()
        thread = threading.Thread(target=client.call, args=('echo', {}))
        thread.start()
        wait_until(lambda: daemon.info('echo')['InFlight'] > 0)
        path = daemon.call('DrainModule', '(sua{sv})', 'echo', 50, {})
        with self.assertRaises(BusError) as caught:
            daemon.wait(path)
        self.assertEqual(caught.exception.name, name)
        thread.join()
        self.ended(daemon, path, name)

    def provoke_Interrupted(self, name):
        daemon = self.fresh('echo-1.0.0')
        daemon.prepare('echo', module('echo-2.0.0'))
        daemon.process.kill()
        daemon.wait_exit()
        daemon.start()
        wait_until(lambda: daemon.history('echo')[0]['ErrorName'] == name)
        self.assertSaysWhatToDo(daemon.history('echo')[0]['ErrorMessage'])
        self.assertEqual(daemon.sql('SELECT error FROM reload_history LIMIT 1'), [{'error': name}])
        daemon.stop()

    def by_both(self, daemon, name, tool, arguments, **options):
        """A call over D-Bus and one over MCP."""
        with self.assertRaises(BusError) as caught:
            daemon.call('CallTool', '(ssa{sv})', tool, json.dumps(arguments), variants(options))
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertSaysWhatToDo(caught.exception.message)
        message = daemon.mcp().call(tool, arguments)
        if not options:
            self.assertToolError(message, name)
            self.assertSaysWhatToDo(message['error']['message'])
        daemon.stop()

    def provoke_WorkerUnavailable(self, name):
        daemon = self.fresh('echo-crash-call')
        client = daemon.mcp()
        wait_until(lambda: client.call('echo')['error']['data']['reason'] == name, 30)
        self.by_both(daemon, name, 'echo', {})

    def provoke_CallTimeout(self, name):
        self.by_both(self.fresh('echo-slow'), name, 'echo', {}, timeout_ms=1)

    def provoke_ModuleDrained(self, name):
        daemon = self.fresh('echo-1.0.0')
        daemon.wait(daemon.call('DrainModule', '(sua{sv})', 'echo', 1000, {}))
        self.by_both(daemon, name, 'echo', {})

    def provoke_Overloaded(self, name):
        daemon = self.fresh('echo-slower', arguments=('--set', 'limits.max-calls=1'))
        client = daemon.mcp()
        client.initialize()
        thread = threading.Thread(target=client.call, args=('echo', {}))
        thread.start()
        wait_until(lambda: daemon.info('echo')['InFlight'] > 0)
        message = daemon.mcp().call('echo')
        self.assertToolError(message, name)
        self.assertSaysWhatToDo(message['error']['message'])
        thread.join()
        daemon.stop()

    def provoke_NotSupported(self, name):
        daemon = self.fresh('asker-1.0.0')
        self.explained(daemon, name, lambda: daemon.call_tool('ask', {}))

    def provoke_InvalidJson(self, name):
        daemon = self.fresh('echo-1.0.0')
        self.explained(daemon, name, lambda: daemon.call('CallTool', '(ssa{sv})', 'echo', '{"a":', {}))

    def provoke_JsonTooDeep(self, name):
        daemon = self.fresh('echo-1.0.0')
        deep = '{"a":' + '[' * 100 + ']' * 100 + '}'
        self.explained(daemon, name, lambda: daemon.call('CallTool', '(ssa{sv})', 'echo', deep, {}))


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class Cluster(ClusterTestCase):
    def provoked(self, name, node, module_name):
        before = {row['Id'] for row in node.history()}
        with self.assertRaises(BusError) as caught:
            node.wait(self.propose(node, module(module_name)))
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertSaysWhatToDo(caught.exception.message)
        for row in node.history():
            if row['Id'] not in before:
                self.assertEqual(row['ErrorName'], name)

    def provoke_NodeFailed(self, nodes):
        nodes[1].stop()
        wait_until(lambda: self.node_states(nodes[0])['n2'] == 'down', 20, 'n2 to be seen as down')
        self.provoked('NodeFailed', nodes[0], 'counter-2.0.0')

    def provoke_QuorumNotReached(self, nodes):
        self.etcd.close()
        self.provoked('QuorumNotReached', nodes[0], 'counter-2.0.0')

    def test_those_of_a_cluster(self):
        nodes = self.cluster(2)
        self.provoke_NodeFailed(nodes)
        self.provoke_QuorumNotReached(nodes)
        self.assertEqual(nodes[0].mcp().value('count', {}), {'count': 1})


if __name__ == '__main__':
    unittest.main()
