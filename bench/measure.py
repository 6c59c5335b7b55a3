# SPDX-License-Identifier: LGPL-2.1-or-later
"""The measurements of bench/run: each gives rows of its table. Repetitions of
what is compared are interleaved, so that a slow minute hits both."""

import atexit
import contextlib
import glob
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import erlang
import sdk
from gi.repository import Gio, GLib
from collet_harness import Bus, Daemon, Process, adopt_orphans, example, module, reap
from measure_agent import measure_agent
from measure_cluster import measure_cluster

BENCH = os.environ['COLLET_BENCH_DIR']
ECHO = '{"a":1,"b":2}'


class Node:
    """A bus and a folder for one daemon, which ends with the block."""

    def __init__(self, *arguments):
        adopt_orphans()
        self.folder = tempfile.mkdtemp(prefix='collet-bench-')
        self.bus = Bus(self.folder)
        self.daemon = Daemon(self, *arguments)

    def __enter__(self):
        return self.daemon

    def __exit__(self, *_):
        self.daemon.stop()
        self.daemon.connection.close_sync(None)
        self.bus.close()
        reap()
        # Not now: ext4 without a journal passes over inodes that were deleted in the
        # last seconds, one by one, and the next node's files would pay for that.
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)


@contextlib.contextmanager
def server(name):
    """A bare server; gives its port."""
    process = Process([os.path.join(BENCH, name), '--port', '0'], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.end()
        process.stdout.close()


def start_load(port, connections, seconds, *arguments):
    command = [os.path.join(BENCH, 'collet-load'), '--url', f'http://127.0.0.1:{port}/mcp', '--connections',
               str(connections), '--seconds', str(seconds), '--warm-up', '0.5', *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish_load(process):
    text, _ = process.communicate()
    return json.loads(text.splitlines()[-1])


def load(port, connections, seconds, *arguments):
    return finish_load(start_load(port, connections, seconds, *arguments))


def median(values):
    return statistics.median(values)


def row(work, reference, here, collet, ratio='', goal='', ok=None):
    return {'work': work, 'reference': reference, 'reference here': here, 'Collet': collet, 'ratio': ratio,
            'goal': goal, 'ok?': '' if ok is None else 'yes' if ok else 'NO'}


def milliseconds(function):
    begun = time.perf_counter()
    function()
    return (time.perf_counter() - begun) * 1e3


def many_modules():
    return sorted(glob.glob(module('many-*')))


# ---- loading ----

def raw_dlopen():
    return float(subprocess.run([os.path.join(BENCH, 'dlopen-many'), *many_modules()], capture_output=True, text=True,
                                check=True).stdout)


def load_to_answer(daemon):
    """SafeLoadBatch and Wait, from the call to the answer: without Python's time for
    their arguments and rows. In milliseconds."""
    batch = GLib.Variant('(asa{sv})', (many_modules(), {}))
    forever = GLib.Variant('(u)', (60000,))
    call = daemon.connection.call_sync
    begun = time.perf_counter()
    reload = call('org.collet.Collet1', '/org/collet/Collet1', 'org.collet.Collet1.Manager', 'SafeLoadBatch', batch,
                  None, Gio.DBusCallFlags.NONE, 65000, None)
    path = reload.get_child_value(0).get_string()
    call('org.collet.Collet1', path, 'org.collet.Collet1.Reload', 'Wait', forever, None, Gio.DBusCallFlags.NONE,
         65000, None)
    return (time.perf_counter() - begun) * 1e3


def load_by_command(daemon):
    environment = {**os.environ, 'DBUS_SESSION_BUS_ADDRESS': daemon.case.bus.address}
    subprocess.run([os.environ['COLLETCTL'], '--session', '--json', 'load', *many_modules()], env=environment,
                   stdout=subprocess.DEVNULL, check=True)


def measure_loading(options, figures):
    raw, first, again, command = [], [], [], []
    for _ in range(options.repeat):
        raw.append(raw_dlopen())
        with Node() as daemon:
            first.append(load_to_answer(daemon))
            again.append(load_to_answer(daemon))
        raw.append(raw_dlopen())
        with Node() as daemon:
            command.append(milliseconds(lambda: load_by_command(daemon)))
    figures |= {'raw': raw, 'first': first, 'again': again, 'command': command}
    limit = 24 * median(raw) / 7
    beam = erlang.load_100()
    figures['erlang'] = beam
    rows = [
        row('safe-load 100 modules, one batch', 'raw dlopen, no checks', f'{median(raw):.1f} ms',
            f'{median(first):.1f} ms', f'{median(first) / median(raw):.1f} x', f'<= {limit:.1f} ms',
            median(first) <= limit),
        row('the same 100 again', 'raw dlopen, no checks', f'{median(raw):.1f} ms', f'{median(again):.1f} ms',
            f'{median(again) / median(raw):.1f} x'),
        row('the same by "colletctl load"', 'raw dlopen, no checks', f'{median(raw):.1f} ms',
            f'{median(command):.1f} ms', f'{median(command) / median(raw):.1f} x'),
    ]
    for name in ('first', 'again'):
        if name in beam:
            ours = median(first if name == 'first' else again)
            rows.append(row(f'safe-load 100 modules, {name}', 'Erlang code:load_file', f'{beam[name]:.1f} ms',
                            f'{ours:.1f} ms', f'{ours / beam[name]:.2f} x', '<= 1 x', ours <= beam[name]))
    if 'skipped' in beam:
        rows.append(row('safe-load 100 modules', 'Erlang code:load_file', 'skipped: ' + beam['skipped'], ''))
    return rows


# ---- versions ----

def hash_of_running(daemon, name):
    """GetObjectCode: the running bytes by descriptor, hashed here."""
    reply, fds = daemon.connection.call_with_unix_fd_list_sync(
        'org.collet.Collet1', '/org/collet/Collet1', 'org.collet.Collet1.Manager', 'GetObjectCode',
        GLib.Variant('(sa{sv})', (name, {})), None, Gio.DBusCallFlags.NONE, 10000, None, None)
    fd = fds.get(reply.unpack()[0])
    try:
        return hashlib.md5(os.read(fd, 1 << 20)).hexdigest()
    finally:
        os.close(fd)


def measure_versions(options, figures):
    names = [os.path.basename(path)[:-3] for path in many_modules()]
    single, ping, listed, code = [], [], [], []
    with Node() as daemon:
        daemon.load_batch(many_modules())
        for _ in range(options.repeat * 3):
            ping.append(milliseconds(lambda: [
                daemon.call('Ping', interface='org.freedesktop.DBus.Peer') for _ in names]))
            single.append(milliseconds(lambda: [daemon.version(name) for name in names]))
            listed.append(milliseconds(lambda: daemon.call('ListModules', '(a{sv})', {})))
            try:
                code.append(milliseconds(lambda: [hash_of_running(daemon, name) for name in names]))
            except Exception as error:  # pylint: disable=broad-except
                figures['object-code'] = str(error)
    figures |= {'ping': ping, 'single': single, 'listed': listed, 'code': code}
    beam = erlang.versions_100()
    figures['erlang'] = beam
    rows = [
        row('version of 100 modules, a call each', '100 empty calls on the bus', f'{median(ping):.1f} ms',
            f'{median(single):.1f} ms', f'{median(single) / median(ping):.2f} x', '<= 1.5 x',
            median(single) <= 1.5 * median(ping)),
        row('everything about 100 modules, one call', 'published by the reference', '450 ms',
            f'{median(listed):.1f} ms', f'{median(listed) / 450:.3f} x', '<= 180 ms', median(listed) <= 180),
    ]
    if code:
        here = beam.get('object_code')
        rows.append(row('bytes and MD5 of 100 that run', 'Erlang get_object_code' if here else 'published, 180 ms',
                        f'{here:.1f} ms' if here else '180 ms', f'{median(code):.1f} ms',
                        f'{median(code) / (here or 180):.2f} x'))
    return rows


# ---- calls ----

def rates(results):
    return median([result['per_second'] for result in results])


def p99(results):
    return median([result['latency_us']['p99'] for result in results])


def measure_calls(options, figures):
    rows = []
    with server('bare-handler') as handler, server('bare-relay') as relay, Node() as daemon, \
            Node('--record-calls') as recorder, Node() as inside, Node() as pooled:
        daemon.load(module('echo-1.0.0'))
        inside.load(module('echo-quick'), host='in-process')
        pooled.load(module('echo-1.0.0'), host='in-process')
        daemon.load(example('calculator-1.0.0'))
        recorder.load(module('echo-1.0.0'))
        for connections in (1, 16, 64):
            runs = {
                'handler': (handler, '--busy', '--target', 'relay'),
                'relay': (relay, '--target', 'relay'),
                'collet': (daemon.port, '--tool', 'echo'),
                'inside': (inside.port, '--busy', '--tool', 'echo'),
            }
            if connections == 16:
                runs['modern'] = (daemon.port, '--tool', 'echo', '--modern')
                runs['inside-modern'] = (inside.port, '--busy', '--tool', 'echo', '--modern')
                runs['pooled'] = (pooled.port, '--busy', '--tool', 'echo')
                runs['serial'] = (daemon.port, '--tool', 'add')
                runs['recorded'] = (recorder.port, '--tool', 'echo')
            results = {name: [] for name in runs}
            for _ in range(options.repeat):
                for name, (port, *arguments) in runs.items():
                    results[name].append(load(port, connections, options.seconds, '--arguments', ECHO, *arguments))
            figures[str(connections)] = results
            rows += call_rows(connections, results)
        figures['quick'] = inside.info('echo')['Quick']
    return rows


def counted(connections):
    return '1 connection' if connections == 1 else f'{connections} connections'


def figure(results):
    failed = sum(result['failed'] for result in results)
    return f"{rates(results):,.0f}/s, p99 {p99(results) / 1e3:.2f} ms" + (f', {failed} FAILED' if failed else '')


def call_row(work, reference, there, here, goal):
    """goal: for the rate; None: for information."""
    ratio = rates(here) / rates(there)
    spread = p99(here) / p99(there)
    failed = sum(result['failed'] for result in here)
    return row(work, reference, figure(there), figure(here), f'{ratio:.2f} x, p99 {spread:.2f} x',
               f'>= {goal} x, p99 <= 2 x' if goal else '',
               (ratio >= goal and spread <= 2 and not failed) if goal else None)


def call_rows(connections, results):
    names = {'collet': '', 'modern': ', 2026-07-28', 'serial': ', one at a time in the module',
             'recorded': ', every call recorded'}
    goal = 0.8 if connections == 16 else None
    work = f'tools/call, {counted(connections)}'
    inside = {'inside': '', 'inside-modern': ', 2026-07-28', 'pooled': ', without the promise to be quick'}
    rows = [call_row(work + ', in-process' + extra, 'bare HTTP handler', results['handler'], results[name],
                     goal if name == 'inside' else None) for name, extra in inside.items() if name in results]
    for name, extra in names.items():
        if name in results:
            rows.append(call_row(work + extra, 'bare relay to a worker', results['relay'], results[name],
                                 goal if name == 'collet' else None))
    return rows


# ---- the official SDK ----

def measure_sdk(options, figures):
    """The calculator's "add" by Collet and by the SDK, in each era."""
    folder, reason = sdk.packages()
    if folder is None:
        return [row('tools/call, add', 'official TypeScript SDK', 'skipped: ' + reason, '')]
    rows = []
    eras = {'v1': ('v1, JSON mode, 2025-11-25',), 'v2': ('v2, JSON mode, 2026-07-28', '--modern')}
    with Node() as daemon:
        daemon.load(example('calculator-1.0.0'))
        for kind, (name, *modern) in eras.items():
            theirs, ours = [], []
            with sdk.typescript(folder, kind) as port:
                for _ in range(options.repeat):
                    for results, where in ((theirs, port), (ours, daemon.port)):
                        results.append(load(where, 16, options.seconds, '--tool', 'add', *modern))
            figures[kind] = {'sdk': theirs, 'collet': ours}
            ratio = rates(ours) / rates(theirs)
            failed = sum(result['failed'] for result in ours)
            rows.append(row('tools/call of add, 16 connections', f'TypeScript SDK {name}', figure(theirs),
                            figure(ours), f'{ratio:.1f} x', '>= 9 x', ratio >= 9 and not failed))
    return rows


# ---- a million calls ----

def measure_million(options, figures):
    """Every call once, its value checked, while the stateful module is replaced ten
    times a second."""
    if options.calls == 0:
        return []
    with Node() as daemon:
        daemon.load(example('calculator-1.0.0'))
        process = subprocess.Popen(
            [os.path.join(BENCH, 'collet-load'), '--url', f'http://127.0.0.1:{daemon.port}/mcp', '--connections',
             '16', '--verify', '--calls', str(options.calls)], stdout=subprocess.PIPE, text=True)
        pauses = reload_until(process, lambda n: daemon.rollback('calculator') if n % 2 else daemon.reload(
            'calculator', example('calculator-2.0.0')), 10)
        result = finish_load(process)
    figures |= {'load': result, 'reloads': len(pauses)}
    whole = result['made'] >= options.calls and result['failed'] == 0 and process.returncode == 0
    return [row(f'{options.calls:,} calls, {len(pauses)} reloads of a stateful module', 'calls lost or wrong', '0',
                f"{result['failed']} of {result['made']:,}, total {'right' if process.returncode == 0 else 'WRONG'}",
                '', '0', whole)]


# ---- streams ----

def measure_streams(options, figures):
    before, during, after = [], [], []
    # The clients that call have sessions too.
    with Node('--set', f'limits.max-sessions={options.streams + 1000}') as daemon:
        daemon.load(module('echo-1.0.0'))

        def run():
            return load(daemon.port, 16, options.seconds, '--tool', 'echo', '--arguments', ECHO)

        before += [run() for _ in range(options.repeat)]
        alone = resources(daemon)['rss']
        streams = subprocess.Popen([os.path.join(BENCH, 'collet-streams'), '--url',
                                    f'http://127.0.0.1:{daemon.port}/mcp', '--streams', str(options.streams)],
                                   stdout=subprocess.PIPE, text=True)
        line = streams.stdout.readline()
        memory = resources(daemon)['rss']
        if line:
            during += [run() for _ in range(options.repeat)]
        streams.terminate()
        rest, _ = streams.communicate()
        held = json.loads(rest.splitlines()[-1]) if rest and streams.returncode == 0 else None
        after += [run() for _ in range(options.repeat)]
    figures |= {'before': before, 'during': during, 'after': after, 'held': held, 'rss': [alone, memory]}
    work = f'tools/call with {options.streams:,} idle event streams'
    if not held or not during:
        return [row(work, 'the same without', f'{rates(before):,.0f}/s', 'streams were LOST', ok=False)]
    quiet = median([result['per_second'] for result in before + after])
    each = (memory - alone) / options.streams
    return [row(work, 'the same without', f'{quiet:,.0f}/s', f'{rates(during):,.0f}/s',
                f'{rates(during) / quiet:.2f} x', '>= 0.9 x', rates(during) >= 0.9 * quiet),
            row('  memory of a session with its stream', '', '', f'{each:.1f} KiB', '', '< 20 KiB', each < 20)]


# ---- reloads ----

def reload_until(process, change, per_second):
    """Calls change() as long as the load runs, so often or, for 0, all the time; the
    pauses in microseconds."""
    pauses = []
    while process.poll() is None:
        begun = time.monotonic()
        pauses.append(change(len(pauses))['PauseUs'])
        if per_second:
            time.sleep(max(begun + 1 / per_second - time.monotonic(), 0))
    return pauses


def under_reloads(options, daemon, tool, change, per_second=0):
    """Quiet and reloading by turns: results of each, and all pauses."""
    quiet, busy, pauses = [], [], []
    for _ in range(options.repeat):
        arguments = ('--tool', tool, '--arguments', ECHO)
        quiet.append(load(daemon.port, 16, options.seconds, *arguments))
        process = start_load(daemon.port, 16, options.seconds, *arguments)
        pauses += reload_until(process, change, per_second)
        busy.append(finish_load(process))
    return quiet, busy, pauses


def tail(results):
    return median([result['latency_us']['p99_9'] for result in results])


def measure_reloads(options, figures):
    rows = []
    with Node() as daemon:
        daemon.load(module('echo-1.0.0'))
        quiet, busy, pauses = under_reloads(
            options, daemon, 'echo', lambda n: daemon.reload('echo', module(f'echo-{2 - n % 2}.0.0')))
        figures['stateless'] = {'quiet': quiet, 'busy': busy, 'pauses': pauses}
        rows += reload_rows('stateless module', quiet, busy, pauses, 1000, False)
        quiet, busy, pauses = under_reloads(
            options, daemon, 'echo', lambda n: daemon.reload('echo', module(f'echo-{2 - n % 2}.0.0')), 10)
        figures['ten-a-second'] = {'quiet': quiet, 'busy': busy, 'pauses': pauses}
        rows += reload_rows('stateless module, ten times a second,', quiet, busy, pauses, 1000, True)
    with Node() as daemon:
        daemon.load(example('calculator-1.0.0'))
        quiet, busy, pauses = under_reloads(
            options, daemon, 'add',
            lambda n: daemon.rollback('calculator') if n % 2 else daemon.reload('calculator',
                                                                                example('calculator-2.0.0')))
        figures['stateful'] = {'quiet': quiet, 'busy': busy, 'pauses': pauses}
        rows += reload_rows('stateful module, migrated', quiet, busy, pauses, None, False)
    return rows


def reload_rows(what, quiet, busy, pauses, limit, has_goal):
    failed = sum(result['failed'] for result in busy)
    made = sum(result['made'] for result in busy)
    worst = max(pauses)
    ratio = tail(busy) / tail(quiet)
    return [
        row(f'reload a {what} under load', 'calls failed', '0', f'{failed} of {made:,}, {len(pauses)} reloads', '', '0',
            failed == 0),
        row('  its pause, median and longest', '', '', f'{median(pauses):,.0f} and {worst:,} us', '',
            f'< {limit:,} us' if limit else '', worst < limit if limit else None),
        row('  p99.9 meanwhile', 'p99.9 when quiet', f'{tail(quiet) / 1e3:.2f} ms',
            f'{tail(busy) / 1e3:.2f} ms', f'{ratio:.2f} x', '<= 1.5 x' if has_goal else '',
            ratio <= 1.5 if has_goal else None),
        row('  calls a second meanwhile', 'when quiet', f'{rates(quiet):,.0f}/s', f'{rates(busy):,.0f}/s',
            f'{rates(busy) / rates(quiet):.2f} x'),
    ]


def commit_prepared(daemon, n):
    """The pause of the second phase alone."""
    path, version = daemon.prepare('echo', module(f'echo-{2 - n % 2}.0.0'))
    daemon.call('CommitReload', '(ssa{sv})', 'echo', version, {})
    return daemon.wait(path)


def measure_commits(options, figures):
    commits = 50 if options.quick else 1000
    with Node() as daemon:
        daemon.load(module('echo-1.0.0'))
        process = subprocess.Popen(
            [os.path.join(BENCH, 'collet-load'), '--url', f'http://127.0.0.1:{daemon.port}/mcp', '--connections', '16',
             '--rate', '5000', '--tool', 'echo', '--arguments', ECHO], stdout=subprocess.PIPE, text=True)
        pauses = sorted(commit_prepared(daemon, n)['PauseUs'] for n in range(commits))
        process.terminate()
        result = finish_load(process)
    figures |= {'pauses': pauses, 'load': result}
    p99 = pauses[min(commits * 99 // 100, commits - 1)]
    return [row(f'{commits:,} commits of a prepared stateless module', 'calls failed meanwhile', '0',
                f"{result['failed']} of {result['made']:,}", '', '0', result['failed'] == 0),
            row('  their pauses, median, p99 and longest', '', '',
                f'{median(pauses):,.0f}, {p99:,} and {pauses[-1]:,} us', '', 'p99 < 100 us', p99 < 100)]


def copies(daemon, number):
    """The hundred modules once more, with other bytes that are never loaded."""
    folder = os.path.join(daemon.folder, f'copies-{number}')
    os.mkdir(folder)
    for path in many_modules():
        copy = shutil.copy(path, folder)
        with open(copy, 'ab') as file:
            file.write(str(number).encode())
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def measure_groups(options, figures):
    grouped, single, pauses, commits = [], [], [], []
    with Node() as daemon:
        daemon.load_batch(many_modules())
        for n in range(options.repeat):
            paths = copies(daemon, 2 * n)
            single.append(milliseconds(lambda paths=paths: [daemon.load(path) for path in paths]))
            paths = copies(daemon, 2 * n + 1)
            before = daemon.sql('SELECT count (*) AS n FROM reload_commit')[0]['n']
            results = []
            grouped.append(milliseconds(lambda paths=paths, results=results: results.append(
                daemon.wait(daemon.call('ReloadModules', '(asa{sv})', paths, {}), 60))))
            pauses.append(results[0]['PauseUs'])
            commits.append(daemon.sql('SELECT count (*) AS n FROM reload_commit')[0]['n'] - before)
    figures |= {'grouped': grouped, 'single': single, 'pauses': pauses, 'commits': commits}
    return [row('group of 100 reloaded, all of them running, in one commit', 'one by one', f'{median(single):,.0f} ms',
                f'{median(grouped):,.0f} ms, {max(commits)} commit', f'{median(grouped) / median(single):.2f} x',
                '< 1 x, 1 commit', median(grouped) < median(single) and set(commits) == {1}),
            row('  its pause, longest of the 100', '', '', f'{max(pauses):,} us', '', '< 1,000 us', max(pauses) < 1000)]


# ---- memory ----

def resources(daemon):
    pid = daemon.process.pid
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        status = dict(line.split(':', 1) for line in file)
    with open(f'/proc/{pid}/maps', encoding='utf-8') as file:
        maps = sum(1 for _ in file)
    return {'rss': int(status['VmRSS'].split()[0]), 'threads': int(status['Threads']), 'maps': maps,
            'fds': len(os.listdir(f'/proc/{pid}/fd')), 'processes': len(daemon.processes())}


def private_of(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        return sum(int(line.split()[1]) for line in file if line.startswith('Private_'))


def measure_workers(options, figures):
    with Node() as daemon:
        daemon.load_batch(many_modules()[:20])
        for path in many_modules()[:20]:
            daemon.tool_value(os.path.basename(path)[:-3].replace('-', '_'), {})
        pids = [daemon.info(os.path.basename(path)[:-3])['Pid'] for path in many_modules()[:20]]
        figures['private'] = [private_of(pid) for pid in pids if pid > 0]
    if not figures['private']:
        return []
    private = median(figures['private'])
    return [row('memory of a worker of its own', '', '', f'{private:,.0f} KiB', '', '< 1,024 KiB', private < 1024)]


def sizes(daemon):
    """Of the database with its journal, and of the stored artifacts, in KiB."""
    def size(names):
        return sum(os.path.getsize(os.path.join(daemon.data, name)) for name in names) // 1024

    stored = os.listdir(os.path.join(daemon.data, 'artifacts'))
    return {'database': size(name for name in os.listdir(daemon.data) if name.startswith('collet.db')),
            'artifacts': size(os.path.join('artifacts', name) for name in stored)}


def reload_and_sample(daemon, soak, warm_up, samples):
    """Reloads so often; a sample after the warm-up and after every twentieth of the rest."""
    begun = time.monotonic()
    for n in range(warm_up + soak):
        daemon.reload('echo', module(f'echo-{2 - n % 2}.0.0'))
        done = n + 1 - warm_up
        if done >= 0 and done % max(soak // 20, 1) == 0:
            samples.append({'reloads': done, 'seconds': time.monotonic() - begun, **resources(daemon), **sizes(daemon)})
            print(f'    {samples[-1]}', file=sys.stderr, flush=True)


def measure_soak(options, figures):
    if options.soak == 0:
        return []
    samples = []
    kept = 2000
    with Node('--set', f'retention.history-reloads={kept}') as daemon:
        daemon.load(module('echo-1.0.0'))
        process = subprocess.Popen(
            [os.path.join(BENCH, 'collet-load'), '--url', f'http://127.0.0.1:{daemon.port}/mcp', '--connections', '2',
             '--rate', '500', '--tool', 'echo', '--arguments', ECHO], stdout=subprocess.PIPE, text=True)
        reload_and_sample(daemon, options.soak, max(options.soak // 10, 3 * kept), samples)
        process.terminate()
        result = finish_load(process)
    figures |= {'samples': samples, 'load': result}
    first, last = samples[0], samples[-1]
    growth = last['rss'] - first['rss']
    # What leaks grows in every quarter; what the allocator keeps in reserve, in the first ones.
    third, fourth = (median([sample['rss'] for sample in samples[begin:begin + 5]]) for begin in (-10, -5))
    flat = (growth <= max(1024, first['rss'] // 8) and fourth <= 1.01 * third and last['fds'] <= first['fds'] + 4 and
            last['maps'] <= first['maps'] + 8 and last['processes'] <= first['processes'] + 1)
    shown = [f"{sample['rss']:,} KiB, {sample['fds']} fds, {sample['maps']} maps, {sample['processes']} processes"
             for sample in (first, last)]
    stored = [f"{sample['database']:,} + {sample['artifacts']:,} KiB" for sample in (first, last)]
    return [row(f'{options.soak:,} reloads under load', 'before them', shown[0], shown[1],
                f'{growth:+,} KiB, {fourth - third:+,.0f} of them in the last quarter', 'flat', flat),
            row(f'  database, {kept:,} reloads kept, and artifacts', 'before them', stored[0], stored[1],
                f"{last['database'] - first['database']:+,} KiB", 'flat',
                last['database'] <= 1.1 * first['database'] and last['artifacts'] == first['artifacts']),
            row('  calls meanwhile', 'calls failed', '0', f"{result['failed']} of {result['made']:,}", '', '0',
                result['failed'] == 0)]


MEASUREMENTS = {
    'loading': measure_loading,
    'versions': measure_versions,
    'calls': measure_calls,
    'sdk': measure_sdk,
    'million': measure_million,
    'streams': measure_streams,
    'reloads': measure_reloads,
    'commits': measure_commits,
    'groups': measure_groups,
    'workers': measure_workers,
    'cluster': measure_cluster,
    'agent': measure_agent,
    'soak': measure_soak,
}
