# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same work on Erlang/OTP, if `erl` is installed: loading the code of 100
small modules, asking for their versions, and loading one on several nodes."""

import functools
import os
import re
import shutil
import socket
import subprocess
import tempfile

MODULE = '-module(m{n}).\n-export([add/2, version/0]).\nadd(A, B) -> A + B + {n}.\nversion() -> "1.0.{n}".\n'

SCRIPT = r"""
-module(bench).
-export([main/0]).

main() ->
    Modules = [list_to_atom("m" ++ integer_to_list(N)) || N <- lists:seq(0, 99)],
    Load = fun() -> [{module, M} = code:load_file(M) || M <- Modules] end,
    {First, _} = timer:tc(Load),
    Again = lists:sort([begin [code:purge(M) || M <- Modules], {T, _} = timer:tc(Load), T end
                        || _ <- lists:seq(1, 9)]),
    Md5 = lists:sort([begin {T, _} = timer:tc(fun() -> [M:module_info(md5) || M <- Modules] end), T end
                      || _ <- lists:seq(1, 9)]),
    Object = fun() -> [begin {M, Code, _} = code:get_object_code(M), {ok, _} = beam_lib:md5(Code) end
                       || M <- Modules] end,
    Code = lists:sort([begin {T, _} = timer:tc(Object), T end || _ <- lists:seq(1, 9)]),
    io:format("~p ~p ~p ~p~n", [First, lists:nth(5, Again), lists:nth(5, Md5), lists:nth(5, Code)]),
    halt().
"""

NODES = r"""
-module(nodes).
-export([main/1]).

main([Count, Folder]) ->
    Nodes = [begin {ok, _, Node} = peer:start_link(#{name => peer:random_name(), host => "127.0.0.1",
                                                     args => ["-pa", atom_to_list(Folder)]}), Node end
             || _ <- lists:seq(1, list_to_integer(atom_to_list(Count)))],
    Load = fun() -> [{ok, {module, m0}} = Answer || Answer <- erpc:multicall(Nodes, code, load_file, [m0])] end,
    Times = lists:sort([begin erpc:multicall(Nodes, code, purge, [m0]), {T, Done} = timer:tc(Load),
                              true = length(Done) =:= length(Nodes), timer:sleep(20), T end
                        || _ <- lists:seq(1, 40)]),
    io:format("times ~p ~p~n", [lists:nth(20, Times), lists:nth(38, Times)]),
    halt().
"""


@functools.lru_cache
def run():
    if shutil.which('erl') is None or shutil.which('erlc') is None:
        return {'skipped': 'erl is not installed (Debian: erlang-base)'}
    with tempfile.TemporaryDirectory(prefix='collet-bench-') as folder:
        sources = []
        for n in range(100):
            sources.append(os.path.join(folder, f'm{n}.erl'))
            with open(sources[-1], 'w', encoding='utf-8') as file:
                file.write(MODULE.format(n=n))
        sources.append(os.path.join(folder, 'bench.erl'))
        with open(sources[-1], 'w', encoding='utf-8') as file:
            file.write(SCRIPT)
        subprocess.run(['erlc', '-o', folder, *sources], check=True, cwd=folder)
        samples = []
        for _ in range(5):
            done = subprocess.run(['erl', '-noshell', '-pa', folder, '-s', 'bench', 'main'], check=True, cwd=folder,
                                  capture_output=True, text=True, timeout=120)
            samples.append([int(word) / 1000 for word in done.stdout.split()])
    middle = [sorted(column)[len(column) // 2] for column in zip(*samples)]
    return dict(zip(('first', 'again', 'md5', 'object_code'), middle))


def load_100():
    return run()


def versions_100():
    return run()


def load_on_nodes(count):
    """erpc:multicall(Nodes, code, load_file, [Module]), in milliseconds: p50 and p95. The
    nodes read the file from the same disk; nothing is agreed on, and nothing durable."""
    if shutil.which('erl') is None or shutil.which('erlc') is None:
        return {'skipped': 'erl is not installed (Debian: erlang-base)'}
    with tempfile.TemporaryDirectory(prefix='collet-bench-') as folder:
        for name, text in (('m0', MODULE.format(n=0)), ('nodes', NODES)):
            with open(os.path.join(folder, name + '.erl'), 'w', encoding='utf-8') as file:
                file.write(text)
        subprocess.run(['erlc', '-o', folder, 'm0.erl', 'nodes.erl'], check=True, cwd=folder)
        with socket.socket() as probe:  # for a name server of its own
            probe.bind(('127.0.0.1', 0))
            environment = os.environ | {'ERL_EPMD_PORT': str(probe.getsockname()[1]), 'ERL_EPMD_ADDRESS': '127.0.0.1'}
        try:
            done = subprocess.run(['erl', '-noshell', '-name', 'bench@127.0.0.1', '-pa', folder, '-s', 'nodes', 'main',
                                   str(count), folder], cwd=folder, env=environment, capture_output=True, text=True,
                                  timeout=120, check=False)
        finally:
            subprocess.run(['epmd', '-kill'], env=environment, capture_output=True, check=False)
    times = re.search(r'times (\d+) (\d+)', done.stdout)
    if times is None:
        return {'skipped': f'erl: {(done.stdout + done.stderr).strip()[-200:]}'}
    return {'p50': int(times[1]) / 1000, 'p95': int(times[2]) / 1000}
