# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same work on Erlang/OTP, if `erl` is installed: loading the code of 100
small modules, and asking for their versions."""

import functools
import os
import shutil
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
