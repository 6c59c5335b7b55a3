# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people do wrong, and what they are told then."""

import contextlib
import http.server
import os
import subprocess
import threading
import time

from collet_harness import RELOAD, free_port, wait_until
from faults import fault
from faults.death import newest_decision
from world import MODULE, Node

CERTIFICATES = """
ca () { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$1 \
          -keyout $1.key -out $1.pem; }
leaf () { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$1 -keyout $1.key -out $1.csr
          printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' >$1.ext
          openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem; }
ca ours; ca other; leaf server ours; leaf client ours; leaf stranger other
"""


@contextlib.contextmanager
def visitor(world, name, *arguments):
    """A daemon that is in no cluster yet."""
    node = Node(world, name)
    node.arguments += arguments
    world.visitors.append(node)
    try:
        yield node.start()
    finally:
        world.visitors.remove(node)
        node.stop()
        node.connection.close_sync(None)
        node.bus.close()


def new_name(world):
    world.n_visitors = getattr(world, 'n_visitors', 0) + 1
    return f'v{world.n_visitors}'


@fault(short=True)
def a_second_reload(world):
    """The same module is reloaded while a reload of it is open: refused, with which and by whom."""
    slow, asked, other = world.random.sample(world.nodes, 3)
    world.network.delay([slow.name], world.names(), 1.0)
    before, _ = newest_decision(world)
    reload = world.reload(asked)
    wait_until(lambda: newest_decision(world)[0] != before, 20, 'the transaction')
    txid, _ = newest_decision(world)
    world.expect_ctl(other, ('cluster', 'reload', world.version()), 1, 'ReloadInProgress',
                     rf'Reload {txid} of (module ")?{MODULE}"? is in progress '
                     # Its own part may have begun.
                     rf'\((by {asked.name}, \d+ s|decided by the cluster, \d+ s|phase "[a-z]+", by uid \d+)\)',
                     'Wait for it')
    world.network.heal()
    reload.expect_success()


@fault(short=True)
def two_reloads_at_once(world):
    """Two nodes are asked at the same moment: one reload is committed, the other is refused for it."""
    for _ in range(4):
        reloads = [world.reload(node, timeout_ms=20000) for node in world.random.sample(world.nodes, 2)]
        errors = [reload.wait().error for reload in reloads]
        refused = [error for error in errors if error is not None]
        if len(refused) > 1:
            raise AssertionError(f'neither went through: {errors[0].message}; {errors[1].message}')
        # The second may have come when the first was over.
        for error in refused:
            world.expect(f'{error.name}: {error.message}', '^ReloadInProgress: Reload [0-9a-f]+ of counter is in progress')
        wait_until(world.is_in_line, 40, 'all nodes to be in line')


@fault(short=True)
def a_node_joins_during_a_reload(world):
    """It takes no part in what is open, gets what was agreed on, and follows the commit."""
    slow, asked = world.random.sample(world.nodes[1:], 2) if len(world.nodes) > 2 else world.nodes
    with visitor(world, new_name(world)) as node:
        world.network.delay([slow.name], world.names(), 0.6)
        before, _ = newest_decision(world)
        reload = world.reload(asked)
        wait_until(lambda: newest_decision(world)[0] != before, 20, 'the transaction')
        world.join(node)
        world.network.heal()
        reload.expect_success()
        if node.name in [row['node'] for row in asked.property('Nodes', reload.object, RELOAD)]:
            raise AssertionError(f'{node.name} took part in a reload that was open when it joined')
        wait_until(lambda: world.rows(asked).get(node.name) == 'in-line', 40, f'{node.name} to be in line')
        node.call('LeaveCluster', '(a{sv})', {})
        wait_until(lambda: node.name not in world.rows(asked), 20, f'{node.name} to be gone')


@fault(short=True)
def an_artifact_is_refused_by_one_node(world):
    """One node trusts signed modules alone: nothing changes anywhere, and its reason is what the caller gets."""
    node = world.pick()
    node.stop()
    node.arguments += ['--trust', 'signed']
    node.start()
    other = world.pick(node)
    wait_until(lambda: world.rows(other)[node.name] == 'in-line', 30, f'{node.name} to be back')
    before = other.version(MODULE)
    world.reload(other).expect_error('NodeFailed', f'{node.name} refused: NotTrusted: ', 'What ran goes on')
    world.expect_ctl(other, ('cluster', 'reload', world.version()), 1, f'{node.name} refused: NotTrusted')
    if {each.version(MODULE) for each in world.others(node)} != {before}:
        raise AssertionError('it was swapped somewhere')
    node.stop()
    del node.arguments[-2:]
    node.start()


@fault(short=True)
def a_candidate_that_crashes(world):
    """A version whose self-test crashes is refused where it is asked for; nothing is begun."""
    node = world.pick()
    before, _ = newest_decision(world)
    world.reload(node, path=world.version('echo-crash-self-test')).expect_error('ValidationFailed|ProbeCrashed')
    if newest_decision(world)[0] != before:
        raise AssertionError('it was put before the nodes')


@fault(short=True)
def joining_goes_wrong(world):
    """A token that has expired, was used, or is none; a name that is taken; a URL where nobody is."""
    first = world.nodes[0]
    spent = ('it was used, has expired', 'Ask for a new one with "colletctl cluster token"')
    with visitor(world, new_name(world)) as node:
        _, printed = world.ctl(first, 'cluster', 'token', '--expiry', '1')
        time.sleep(1.5)
        world.expect_ctl(node, ('cluster', 'join', first.url, '-'), 1, 'NotAuthorized', *spent, text=printed)
        _, token = world.ctl(first, 'cluster', 'token')
        world.expect_ctl(node, ('cluster', 'join', first.url, '-', '--name', world.nodes[1].name), 1, 'NameInUse',
                         f'There is a node "{world.nodes[1].name}"', world.nodes[1].url, text=token)
        world.expect_ctl(node, ('cluster', 'join', first.url, '-'), 1, 'NotAuthorized', *spent, text=token)
        world.expect_ctl(node, ('cluster', 'join', first.url, '-'), 1, 'InvalidArgument', 'Copy the whole line',
                         text='nonsense')
        _, token = world.ctl(first, 'cluster', 'token')
        world.expect_ctl(node, ('cluster', 'join', f'https://127.0.0.1:{free_port()}', '-'), 1, 'NodeFailed',
                         'cannot be reached', text=token)
        # Somebody who has not the authority that the token names.
        world.expect_ctl(node, ('cluster', 'join', world.members.endpoints[0].replace('http:', 'https:'), '-'), 1,
                         'NodeFailed|NotTrusted', text=token)
        world.expect_ctl(world.nodes[1], ('cluster', 'token'), 1, 'NotSupported', 'founded the cluster')
        if node.state() != 'alone':
            raise AssertionError(f'{node.name} is {node.state()}')
        world.expect_ctl(node, ('cluster', 'join', first.url, '-'), 0, 'demo', text=token)
        wait_until(lambda: world.rows(first).get(node.name) == 'in-line', 40, f'{node.name} to be in line')
        world.expect_ctl(node, ('cluster', 'leave'), 0, 'alone')
        wait_until(lambda: node.name not in world.rows(first), 20, f'{node.name} to be gone')


@contextlib.contextmanager
def another_server():
    """Something that speaks HTTP and is no etcd."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *arguments: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_address[1]}'
    finally:
        server.shutdown()
        server.server_close()


@fault(short=True)
def founding_goes_wrong(world):
    """etcd that is not there, is something else, has such a cluster already, or would be talked to in the clear."""
    with visitor(world, new_name(world)) as node, another_server() as other:
        init = ('cluster', 'init', 'mine', '--endpoint')
        world.expect_ctl(node, (*init, f'http://127.0.0.1:{free_port()}'), 1, 'QuorumNotReached',
                         'No member of etcd gave an answer', 'Connection refused',
                         'Nothing could be sent, so nothing was changed.')
        world.expect_ctl(node, (*init, other), 1, 'QuorumNotReached', 'No member of etcd gave an answer', 'HTTP status 501')
        world.expect_ctl(node, (*init, 'http://192.0.2.1:2379'), 1, 'InvalidArgument', 'https://HOST:PORT')
        world.expect_ctl(node, ('cluster', 'init', 'demo', '--endpoint', world.members.endpoints[0]), 1, 'NameInUse',
                         'has a cluster "demo" already')
        world.expect_ctl(node, ('cluster', 'init', 'mine'), 1, 'A cluster needs etcd')
        if node.state() != 'alone':
            raise AssertionError(f'{node.name} is {node.state()}')


@contextlib.contextmanager
def etcd_with_certificates(folder):
    port, peer_port = free_port(), free_port()
    url = f'https://127.0.0.1:{port}'
    with open(f'{folder}/etcd.log', 'wb') as log:
        process = subprocess.Popen(
            ['etcd', '--name', 'tls', '--data-dir', f'{folder}/data', '--listen-client-urls', url,
             '--advertise-client-urls', url, '--listen-peer-urls', f'http://127.0.0.1:{peer_port}',
             '--initial-advertise-peer-urls', f'http://127.0.0.1:{peer_port}', '--initial-cluster',
             f'tls=http://127.0.0.1:{peer_port}', '--client-cert-auth', '--trusted-ca-file', f'{folder}/ours.pem',
             '--cert-file', f'{folder}/server.pem', '--key-file', f'{folder}/server.key', '--logger', 'zap',
             '--log-level', 'error'], stdout=log, stderr=log)
    try:
        yield url
    finally:
        process.kill()
        process.wait()


def found_with(world, url, ca, client, status, *patterns):
    certificates = os.path.join(world.folder, 'tls')
    settings = {'etcd-ca': f'{ca}.pem', 'etcd-certificate': f'{client}.pem', 'etcd-key': f'{client}.key'}
    arguments = [word for name, file in settings.items()
                 for word in ('--set', f'cluster.{name}={certificates}/{file}')]
    with visitor(world, new_name(world), *arguments) as node:
        world.expect_ctl(node, ('cluster', 'init', 'mine', '--endpoint', url), status, *patterns)


@fault(short=True)
def certificates_are_wrong(world):
    """etcd's certificate is of an authority that is not ours, ours is not of its; or the files are not there."""
    folder = os.path.join(world.folder, 'tls')
    os.makedirs(folder, exist_ok=True)
    subprocess.run(['sh', '-ec', CERTIFICATES], cwd=folder, check=True, capture_output=True)
    with etcd_with_certificates(folder) as url:
        found_with(world, url, 'other', 'client', 1, 'QuorumNotReached', 'certificate')
        found_with(world, url, 'ours', 'stranger', 1, 'QuorumNotReached', 'certificate|TLS')
        found_with(world, url, 'ours', 'missing', 1, 'certificates for the cluster store cannot be read', 'missing.pem')
        found_with(world, url, 'ours', 'client', 0, 'mine')


@fault(short=True)
def a_node_is_given_a_version_of_its_own_without_etcd(world):
    """No etcd: one node is given another version by hand; later that is seen as its override, and can be ended."""
    for i in range(3):
        world.members.kill(i)
    node = world.pick()
    world.wait_state(node, 'minority')
    path = world.version('counter-2.0.0')
    node.load(path)
    node.own.add(node.version(MODULE))
    world.members.heal()
    other = world.pick(node)
    wait_until(lambda: other.state() == 'joined' and world.rows(other)[node.name] == 'override', 40,
               'the override to be seen')
    world.expect_ctl(other, ('cluster', 'check'), 1, 'inconsistent', node.name)
    world.expect_ctl(node, ('cluster', 'unoverride', MODULE), 0)
