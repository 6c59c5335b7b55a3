# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/demo does once everything is built."""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import demo_guard  # noqa: E402
from demo_parts import Checks, Failure, Load, end, free_port, number, say  # noqa: E402

MODULE = 'calculator'
PORT = 7311
BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Node:
    """A bus, a data folder and a daemon, private to this demonstration."""

    def __init__(self, build, keep, port):
        self.build = build
        self.port = port
        self.folder = tempfile.mkdtemp(prefix='collet-demo-')
        self.data = os.path.join(keep or self.folder, 'data')
        self.bus = self.daemon = None
        self.environment = dict(os.environ)

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.access(path, os.X_OK):
            raise Failure(f'{path} was not built')
        return path

    def example(self, name):
        return os.path.join(self.build, 'sdk', 'examples', name + '.so')

    def start_bus(self):
        configuration = os.path.join(self.folder, 'bus.conf')
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(BUS_CONFIGURATION % self.folder)
        # In a process group of its own: Ctrl-C is for us, who end things in order.
        log = os.path.join(self.folder, 'bus.log')
        with open(log, 'w', encoding='utf-8') as file:
            self.bus = subprocess.Popen(['dbus-daemon', '--config-file', configuration, '--nofork',
                                         '--print-address=1'],
                                        stdout=subprocess.PIPE, stderr=file, text=True, start_new_session=True)
        address = self.bus.stdout.readline().strip()
        if not address:
            with open(log, encoding='utf-8') as file:
                raise Failure(f'dbus-daemon did not start: {file.read().strip()}')
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = address

    def start_daemon(self, *arguments):
        log = os.path.join(self.folder, 'log')
        command = [self.program('daemon/colletd'), '--session', '--data-dir', self.data,
                   '--listen', f'127.0.0.1:{self.port}', '--module-path', os.path.join(self.build, 'sdk', 'examples'),
                   *arguments]
        with open(log, 'wb') as file:
            self.daemon = subprocess.Popen(command, stdout=file, stderr=file, env=self.environment,
                                           start_new_session=True)
        limit = time.monotonic() + 20
        while True:
            with open(log, encoding='utf-8', errors='replace') as file:
                text = file.read()
            if ' is ready' in text:
                return
            if self.daemon.poll() is not None or time.monotonic() > limit:
                raise Failure(f'colletd did not start:\n{text.strip()}')
            time.sleep(0.02)

    def ctl(self, *arguments):
        """colletctl, for its JSON."""
        done = subprocess.run([self.program('cli/colletctl'), '--session', '--json', *arguments],
                              env=self.environment, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = {}
        if done.returncode != 0:
            error = answer.get('error', {})
            raise Failure(f"colletctl {' '.join(arguments)}: {error.get('name')}: {error.get('message')}")
        return answer

    def sql(self, statement):
        database = sqlite3.connect(f'file:{self.data}/collet.db?mode=ro', uri=True, timeout=10)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    def close(self):
        end(self.daemon, 'colletd')
        end(self.bus, 'dbus-daemon')
        shutil.rmtree(self.folder, ignore_errors=True)


def ledger_rows(ledger):
    with open(ledger, encoding='utf-8') as lines:
        names = next(lines).rstrip('\n').split('\t')
        return [dict(zip(names, line.rstrip('\n').split('\t'))) for line in lines]


def version_of(node, name):
    """A version is the SHA-256 of the artifact."""
    with open(node.example(f'{MODULE}-{name}'), 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def change(node, load, arguments, seconds):
    """One reload under load, and its line."""
    made, failed = load.count()
    row = node.ctl(*arguments)['reload']
    time.sleep(seconds)
    made_after, failed_after = load.count()
    item = row['items'][0]
    say(f"  {item['from_version']} -> {item['to_version']}   {row['kind']:<10}   pause {row['pause_us'] / 1000:6.2f} ms"
        f"   calls made {number(made_after - made):>8}   calls failed {failed_after - failed}")


def spanning(rows):
    """For each swap: calls that began while the old version still answered others,
    and were answered by the new one."""
    generations = sorted({int(row['generation']) for row in rows})
    found = []
    for old, new in zip(generations, generations[1:]):
        last = max(int(row['ended_us']) for row in rows if int(row['generation']) == old)
        found.append(sum(int(row['generation']) == new and int(row['started_us']) < last for row in rows))
    return found


def recorded_calls(node, expected):
    """The daemon's own rows; it writes them in batches, so wait for the last."""
    limit = time.monotonic() + 10
    while True:
        rows = node.sql('SELECT request_id, sha256, outcome FROM call_history WHERE request_id IS NOT NULL')
        if len(rows) >= expected or time.monotonic() > limit:
            return [(identity.strip('"'), sha256, outcome) for identity, sha256, outcome in rows]
        time.sleep(0.1)


def check(node, rows, summary, status, versions):
    checks = Checks()
    recorded = recorded_calls(node, len(rows))
    register = summary['register']
    ids = {row['id'] for row in rows}

    say('Checks')
    checks.expect(summary['failed'] == 0 and status == 0,
                  f"{number(summary['made'])} calls made, {summary['failed']} failed or answered wrongly")
    checks.expect(len(ids) == len(rows) == summary['made'] == summary['answered'],
                  f'{number(len(ids))} request ids, each with exactly one reply')
    checks.expect(len(recorded) == len({row[0] for row in recorded}) and {row[0] for row in recorded} == ids,
                  f'{number(len(recorded))} rows of the daemon\'s own count, one for each of these ids')
    checks.expect({(row['id'], row['sha256']) for row in rows} == {(row[0], row[1]) for row in recorded}
                  and {row[2] for row in recorded} == {'ok'},
                  'client and daemon name the same version for every call')
    checks.expect(set(summary['versions']) == set(versions.values()),
                  'calls were answered by ' + ', '.join(
                      f"{row['version']} ({number(row['count'])})"
                      for row in sorted(summary['versions'].values(), key=lambda row: row['version'])))
    spans = spanning(rows)
    checks.expect(len(spans) == 4 and min(spans, default=0) > 0,
                  'calls that began before a swap and were answered after it: ' + ', '.join(map(str, spans)))
    checks.expect(register['adds_up'] and register['final'] == register['initial'] + register['acknowledged'],
                  f"the register holds {number(register['final'])}, the sum of what was acknowledged"
                  + (f" ({register['problem']})" if register['problem'] else ''))
    memory = node.ctl('call', 'memory_get').get('structuredContent', {}).get('memory')
    checks.expect(memory == register['final'], 'the same is read over D-Bus')
    for kind, row in summary['errors'].items():
        say(f"       {row['count']} x {kind}: {row['first']}")
    return checks.failed == 0


def show_history(node):
    statement = ('SELECT started, kind, module, from_version, to_version, state, pause_us, duration_ms '
                 'FROM reload_history ORDER BY started')
    say('History, as sqlite3 shows it')
    say(f'  sqlite3 {node.data}/collet.db \\\n    "{statement}"')
    sys.stdout.flush()
    subprocess.run(['sqlite3', '-readonly', '-header', '-column', f'{node.data}/collet.db', statement], check=True)


def demonstrate(node, options):
    node.start_daemon('--record-calls')
    say(f'colletd serves MCP on http://127.0.0.1:{node.port}/mcp, on a private bus, data in {node.data}')
    versions = {name: version_of(node, name) for name in ('1.0.0', '1.1.0', '2.0.0')}
    node.ctl('load', node.example(f'{MODULE}-1.0.0'))
    say(f'{MODULE} 1.0.0 is loaded; {options.connections} connections call add and memory_add, no call is repeated')
    say()
    ledger = os.path.join(os.path.dirname(node.data), 'ledger.tsv')
    load = Load(node.program('bench/collet-load'), node.port, '--connections', options.connections, '--ledger', ledger,
                '--run-id', f'demo{os.getpid()}')
    with contextlib.closing(load):
        time.sleep(options.seconds)
        say('Reloads under load')
        reload = ('reload', MODULE, '--artifact')
        change(node, load, reload + (node.example(f'{MODULE}-1.1.0'),), options.seconds)
        change(node, load, reload + (node.example(f'{MODULE}-2.0.0'),), options.seconds)
        change(node, load, ('rollback', MODULE, versions['1.1.0']), options.seconds)
        change(node, load, ('rollback', MODULE, versions['1.0.0']), options.seconds)
        summary, status = load.finish()
        latency = summary['latency_us']
        say(f"  {number(round(summary['per_second']))} calls a second; latency p50 {latency['p50'] / 1000:.2f} ms, "
            f"p99 {latency['p99'] / 1000:.2f} ms, longest {latency['max'] / 1000:.2f} ms")
        say()
        show_history(node)
        say()
        holds = check(node, ledger_rows(ledger), summary, status, versions)
    say()
    say('Every call is accounted for.' if holds else 'NOT everything holds; see above.')
    return 0 if holds else 1


def explain(node):
    url = f'http://127.0.0.1:{node.port}/mcp'
    address = node.environment['DBUS_SESSION_BUS_ADDRESS']
    ctl = os.path.join(node.build, 'cli', 'colletctl')
    examples = os.path.join(node.build, 'sdk', 'examples')
    say(f"""
Serving MCP on {url} until Ctrl-C. In another terminal:

curl
  curl -s {url} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
    -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: add' \\
    -d '{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"add","arguments":{{"a":2,"b":40}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}'

an MCP client
  npx @modelcontextprotocol/inspector --cli --transport http --server-url {url} \\
    --method tools/call --tool-name add --tool-arg a=2 --tool-arg b=40
  or in a client's configuration: {{"mcpServers": {{"collet": {{"type": "http", "url": "{url}"}}}}}}

the bus (it is private: all commands below need its address)
  export DBUS_SESSION_BUS_ADDRESS='{address}'

colletctl
  {ctl} modules
  {ctl} call add a=2 b=40
  {ctl} reload calculator --artifact {examples}/calculator-1.1.0.so
  {ctl} reload calculator --artifact {examples}/calculator-2.0.0.so
  {ctl} rollback calculator
  {ctl} history

busctl, gdbus
  busctl --user call org.collet.Collet1 /org/collet/Collet1 org.collet.Collet1.Manager GetModuleVersion s calculator
  gdbus call --session -d org.collet.Collet1 -o /org/collet/Collet1 \\
    -m org.collet.Collet1.Manager.CallTool add '{{"a": 2, "b": 40}}' '{{}}'

sqlite3
  sqlite3 -readonly -header -column {node.data}/collet.db 'SELECT * FROM reload_history'
""")


def serve(node):
    node.start_daemon()
    node.ctl('load', *(node.example(name) for name in (f'{MODULE}-1.0.0', 'text-tools', 'countdown')))
    explain(node)
    status = node.daemon.wait()
    raise Failure(f'colletd ended with {status}')


def parse():
    parser = argparse.ArgumentParser(prog='scripts/demo')
    parser.add_argument('build')
    parser.add_argument('--serve', action='store_true')
    parser.add_argument('--port', type=int, default=PORT)
    parser.add_argument('--connections', type=int, default=8)
    parser.add_argument('--seconds', type=float, default=1.5)
    parser.add_argument('--keep', type=os.path.abspath)
    return parser.parse_args()


def main(options):
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        if os.path.exists(os.path.join(options.keep, 'data')):
            say(f'{options.keep}/data exists already; choose another folder for --keep')
            return 2
    node = Node(os.path.abspath(options.build), options.keep, options.port if options.serve else free_port())
    with contextlib.closing(node):
        try:
            node.start_bus()
            if options.serve:
                serve(node)
            return demonstrate(node, options)
        except Failure as failure:
            say(f'demo: {failure}')
            return 1


if __name__ == '__main__':
    chosen = parse()
    demo_guard.run(lambda: main(chosen), is_ended_by_signal=chosen.serve)
