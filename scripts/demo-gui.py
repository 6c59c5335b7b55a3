# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/demo --gui does once everything is built: the app on the first of three nodes,
of which one runs a version of its own, until its window is closed."""

import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.append(os.path.join(ROOT, 'tests', 'daemon'))
sys.dont_write_bytecode = True

import collet_build  # noqa: E402

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'build', 'debug'))
collet_build.use(BUILD)
from collet_cluster import HAS_ETCD, Cluster  # noqa: E402
from collet_harness import Gio, GLib, Process, example  # noqa: E402

import demo_guard  # noqa: E402

MODULE = 'calculator'


def call(node):
    """So that there is something to see of calls as well."""
    for number in range(40):
        node.tool_value('add', {'a': number, 'b': 1})
        node.tool_value('memory_add', {'value': number})


def prepare(cluster):
    first, second, _ = cluster.nodes
    for name in ('text-tools', 'countdown'):
        first.wait(cluster.propose(first, example(name)))
    first.wait(cluster.propose(first, example(f'{MODULE}-1.1.0'), reason='Exact for whole numbers'))
    cluster.wait_in_line(cluster.nodes, MODULE, epoch=2)
    second.reload(MODULE, example(f'{MODULE}-2.0.0'), reason='Tried on one node first')
    first.call('SubscribeToToolUpdates', '(sa{sv})', 'add', {})
    call(first)


def find_accessibility():
    """Of the session that the app is shown in; the nodes' buses have none."""
    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        reply = bus.call_sync('org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus', 'GetAddress', None, None,
                              Gio.DBusCallFlags.NONE, 2000, None)
        return {'AT_SPI_BUS_ADDRESS': reply.unpack()[0]}
    except GLib.Error:
        return {'GTK_A11Y': 'none'}


def show(cluster):
    first = cluster.nodes[0]
    print(f"""Three nodes agree on their modules; n2 runs a {MODULE} of its own, which the Overview says.
Serving MCP on {', '.join(f'http://127.0.0.1:{node.port}/mcp' for node in cluster.nodes)}
Try it: Sync…, or reload {MODULE} on all nodes (its page, Reload…) with
  {example(f'{MODULE}-2.0.0')}
and go back. colletctl sees the same with
  export DBUS_SESSION_BUS_ADDRESS='{first.bus.address}'
Closing the window, or Ctrl-C, ends all of it.""", flush=True)
    environment = os.environ | {'DBUS_SESSION_BUS_ADDRESS': first.bus.address,
                                'GSETTINGS_SCHEMA_DIR': os.path.join(BUILD, 'data', 'desktop'),
                                'COLLET_LOCALE_DIR': os.path.join(BUILD, 'po')} | find_accessibility()
    app = Process([os.path.join(BUILD, 'gui', 'collet'), '--session'], env=environment)
    try:
        return app.wait()
    finally:
        app.end()


def main():
    if not HAS_ETCD:
        print('demo: etcd is not installed (Debian: etcd-server)')
        return 1
    began = time.monotonic()
    with Cluster(3, first=example(f'{MODULE}-1.0.0')) as cluster:
        prepare(cluster)
        print(f'Three daemons and etcd are up after {time.monotonic() - began:.1f} s.', flush=True)
        status = show(cluster)
    if status != 0:
        print(f'demo: collet ended with {status}')
    return 0 if status == 0 else 1


if __name__ == '__main__':
    demo_guard.run(main, is_ended_by_signal=True)
