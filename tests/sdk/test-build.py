#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a tool author does, with the compilers that are there: TAP on stdout.

test-build.py SDK_FOLDER PC_FILE
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SDK, PC_FILE = Path(sys.argv[1]), Path(sys.argv[2])
WARNINGS = "-Wall -Wextra -pedantic -Werror -Wshadow -Wundef -Wcast-align -Wconversion".split()
MODULE = ["-shared", "-fPIC", "-fvisibility=hidden", f"-I{SDK}/include"]
LANGUAGE = {"gcc": "c", "clang": "c", "g++": "c++", "clang++": "c++"}
STANDARDS = {"c": ["c99", "c11", "c17", "gnu11"], "c++": ["c++14", "c++17", "c++20"]}
SOURCE = """#include "collet-module.h"
static int run_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void) instance;
  return collet_call_fail (call, tool);
}
COLLET_MODULE (.call = run_tool);
"""


class Skip(Exception):
    pass


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{result.stdout}")
    return result.stdout


def segments(data, wanted):
    """Contents of the program segments of one type, of a 64-bit little-endian ELF file."""
    assert data[:6] == b"\x7fELF\x02\x01", "not a 64-bit little-endian ELF file"
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, start, _, _, file_size, _, align = struct.unpack_from("<IIQQQQQQ", data, offset + i * size)
        if kind == wanted:
            yield data[start:start + file_size], align


def manifests(path):
    """The text of every manifest note, by the rules of the header."""
    found = []
    for segment, align in segments(Path(path).read_bytes(), 4):
        at, unit = 0, 8 if align == 8 else 4
        while at < len(segment):
            owner_size, size, kind = struct.unpack_from("<III", segment, at)
            owner = segment[at + 12:at + 12 + owner_size]
            start = at + 12 + (owner_size + 3) // 4 * 4
            assert start + size <= len(segment), "a note goes beyond its segment"
            if owner == b"Collet\0" and kind == 1:
                found.append(segment[start:start + size].decode())
            at = (start + size + unit - 1) // unit * unit
    return found


def dynamic_flags(path):
    tags = {}
    for segment, _ in segments(Path(path).read_bytes(), 2):
        for at in range(0, len(segment), 16):
            tag, value = struct.unpack_from("<QQ", segment, at)
            tags[tag] = value
    return tags


def exports(path):
    """Less what linkers and sanitizers add: names that begin with an underscore."""
    names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", path).splitlines()]
    return [name for name in names if not name.startswith("_")]


def check_module(path, manifest):
    assert manifests(path) == [manifest], f"manifests: {manifests(path)}"
    assert exports(path) == ["collet_module"], f"exports: {exports(path)}"


def literal(text):
    return json.dumps(text)


def build_with_macro(folder, compiler, manifest, *flags, after=None):
    need(compiler)
    suffix = "c" if LANGUAGE[compiler] == "c" else "cc"
    source = folder / f"module.{suffix}"
    source.write_text(SOURCE + f"COLLET_MANIFEST ({literal(manifest)});\n")
    run(compiler, *WARNINGS, *MODULE, *flags, "-o", folder / "module.so", source)
    if after:
        run(*after, folder / "module.so")
    check_module(folder / "module.so", manifest)


def build_with_helper(folder, compiler, manifest, *flags, after=None):
    need(compiler)
    (folder / "module.c").write_text(SOURCE)
    (folder / "manifest.json").write_text(manifest)
    run(SDK / "collet-manifest", folder / "manifest.json", folder / "manifest.c")
    run(compiler, *WARNINGS, *MODULE, *flags, "-o", folder / "module.so", folder / "module.c", folder / "manifest.c")
    if after:
        run(*after, folder / "module.so")
    check_module(folder / "module.so", manifest)


# Tests: functions of (folder); the name is the promise.
TESTS = []


def test(name):
    def add(function):
        TESTS.append((name, function))
        return function
    return add


for compiler, language in LANGUAGE.items():
    for standard in STANDARDS[language]:
        @test(f"/sdk/header/no-warnings/{compiler}-{standard}")
        def _(folder, compiler=compiler, standard=standard):
            build_with_macro(folder, compiler, '{"name":"x"}', f"-std={standard}")

    @test(f"/sdk/note/any-length/{compiler}")
    def _(folder, compiler=compiler):
        for n in range(1, 9):
            build_with_macro(folder, compiler, "0" * n)

HARSH = ["-O2", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
WAYS = {
    "unoptimised": (["-O0"], None),
    "gc-sections": (HARSH, None),
    "strip": (HARSH, ["strip"]),
    "lto": ([*HARSH, "-flto"], ["strip", "--strip-all"]),
    "gold": ([*HARSH, "-fuse-ld=gold"], ["strip"]),
    "lld": ([*HARSH, "-fuse-ld=lld"], ["strip"]),
    "lto-lld": ([*HARSH, "-flto", "-fuse-ld=lld"], ["strip"]),
    "address-sanitizer": (["-O1", "-fsanitize=address"], None),
}
LINKERS = {"gold": "ld.gold", "lld": "ld.lld", "lto-lld": "ld.lld"}

for compiler in LANGUAGE:
    for way, (flags, after) in WAYS.items():
        if compiler in ("gcc", "g++") and way == "lto-lld":
            continue  # known not to work; see the README

        @test(f"/sdk/note/survives/{compiler}-{way}")
        def _(folder, compiler=compiler, way=way, flags=flags, after=after):
            need(LINKERS.get(way, "ld"))
            if way == "lto" and compiler.startswith("clang"):
                # clang's bitcode needs a linker that reads it.
                need("ld.lld")
                flags = [*flags, "-fuse-ld=lld"]
            if way == "address-sanitizer" and not has_sanitizer(folder, compiler):
                raise Skip(f"{compiler} comes without the sanitizer")
            text = json.dumps({"name": "x", "text": "\\ \" ä " * 30}, ensure_ascii=False)
            build_with_macro(folder, compiler, text, *flags, after=after)
            if LANGUAGE[compiler] == "c":
                build_with_helper(folder, compiler, text + "\n", *flags, after=after)


def has_sanitizer(folder, compiler):
    need(compiler)
    (folder / "empty.c").write_text("int empty (void);\n")
    return subprocess.run([compiler, "-x", "c", "-shared", "-fsanitize=address", "-o", folder / "empty.so",
                           folder / "empty.c"], stderr=subprocess.DEVNULL, check=False).returncode == 0


@test("/sdk/collet-manifest/takes-large-ones")
def _(folder):
    build_with_helper(folder, "gcc", json.dumps({"x-text": "t" * 200_000}))


@test("/sdk/collet-manifest/says-what-is-wrong")
def _(folder):
    (folder / "empty.json").write_text("")
    for arguments, message in ((["none.json", "out.c"], "cannot read none.json"), (["empty.json", "out.c"], "is empty"),
                               (["empty.json"], "usage:")):
        result = subprocess.run([SDK / "collet-manifest", *arguments], cwd=folder, stderr=subprocess.PIPE, text=True,
                                check=False)
        assert result.returncode != 0 and message in result.stderr, result.stderr
        assert not list(folder.glob("out.c*"))


def readme(language, folder=SDK):
    return re.findall(rf"^```{language}\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)


def author(folder):
    """A folder with the README's files, and an environment as if Collet were installed in `prefix`."""
    prefix = folder / "prefix"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "include").mkdir()
    for program in ("collet-manifest", "collet-build"):
        shutil.copy(SDK / program, prefix / "bin")
    shutil.copy(SDK / "include/collet-module.h", prefix / "include")
    (prefix / "collet-module.pc").write_text(re.sub(r"^prefix=.*", f"prefix={prefix}", PC_FILE.read_text(), flags=re.M))
    (folder / "hello.c").write_text(readme("c")[0])
    (folder / "hello.json").write_text(readme("json")[0])
    return {**os.environ, "PKG_CONFIG_PATH": str(prefix), "PATH": f"{prefix}/bin:{os.environ['PATH']}"}


@test("/sdk/readme/plain-compiler")
def _(folder):
    environment = author(folder)
    run("sh", "-e", "-c", readme("sh")[1], cwd=folder, env=environment)
    check_module(folder / "hello.so", readme("json")[0])


def build_twice(folder, command, output):
    """The bytes that the author's command gives in two folders, at two times; with a manifest, or it is no test."""
    built = []
    for place in (folder / "here", folder / "some" / "where" / "else"):
        place.mkdir(parents=True)
        environment = author(place)
        # ccache would give back what it saw in the other folder.
        run("sh", "-e", "-c", command, cwd=place, env={**environment, "CCACHE_DISABLE": "1"})
        check_module(place / output, readme("json")[0])
        built.append((place / output).read_bytes())
        time.sleep(1.1)
    return built


def assert_same(built):
    assert built[0] == built[1], "two builds of the same sources differ"


@test("/sdk/readme/meson-gives-the-same-version-in-any-folder")
def _(folder):
    need("meson")
    text = readme("meson")[0].replace("'", "'\\''")
    assert_same(build_twice(folder, f"printf '%s' '{text}' >meson.build; meson setup --werror build; meson compile -C build",
                            "build/hello.so"))


@test("/sdk/readme/collet-build-gives-the-same-version-in-any-folder")
def _(folder):
    assert_same(build_twice(folder, readme("sh")[0], "hello.so"))


for compiler in LANGUAGE:
    @test(f"/sdk/collet-build/same-sources-same-version/{compiler}")
    def _(folder, compiler=compiler):
        need(compiler)
        name, variable = ("hello.c", "CC") if LANGUAGE[compiler] == "c" else ("hello.cc", "CXX")
        # Where __FILE__ and an assertion would tell the folder, and a second source.
        command = f"""[ {name} = hello.c ] || mv hello.c {name}
            printf '%s\\n' '#include <cassert>' 'extern const char *where (int n);' \\
              'const char *where (int n) {{ assert (n > 0); return __FILE__; }}' >other.{name.split('.')[1]}
            [ {name} = hello.cc ] || sed -i s/cassert/assert.h/ other.c
            {variable}={compiler} collet-build -o out.so hello.json {name} other.* -- -O1 -g3"""
        built = build_twice(folder, command, "out.so")
        assert_same(built)
        assert b".debug_info" in built[0], "there is debug information to differ"
        assert str(folder).encode() not in built[0], "a folder is named"


@test("/sdk/collet-build/refuses-what-changes-with-time")
def _(folder):
    environment = author(folder)
    (folder / "when.c").write_text("const char when[] = __DATE__;\n")
    result = subprocess.run(["collet-build", "hello.json", "hello.c", "when.c"], cwd=folder, env=environment,
                            stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode != 0 and "date-time" in result.stderr, result.stderr
    assert not (folder / "hello.so").exists()


@test("/sdk/collet-build/a-plain-build-differs-so-the-test-can-fail")
def _(folder):
    built = build_twice(folder, "collet-manifest hello.json m.c; cc -g -shared -fPIC -fvisibility=hidden -o hello.so "
                        "$(pkg-config --cflags collet-module) hello.c m.c", "hello.so")
    assert built[0] != built[1]


@test("/sdk/readme/greeter-of-the-front-page")
def _(folder):
    (folder / "greeter.c").write_text(readme("c", SDK.parent)[0])
    run("gcc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", *MODULE, "-o", folder / "greeter.so",
        folder / "greeter.c")
    assert json.loads(manifests(folder / "greeter.so")[0])["name"] == "greeter"


@test("/sdk/readme/c++")
def _(folder):
    environment = author(folder)
    (folder / "hello.cc").write_text(readme("cpp")[0])
    for standard in STANDARDS["c++"]:
        run("collet-build", "hello.json", "hello.cc", "--", f"-std={standard}", "-Wall", "-Wextra", "-Werror", cwd=folder,
            env=environment)
        check_module(folder / "hello.so", readme("json")[0])


@test("/sdk/readme/rust")
def _(folder):
    need("rustc")
    (folder / "hello.rs").write_text(readme("rust")[0])
    run("rustc", "--crate-type", "cdylib", "-C", "panic=abort", "-D", "warnings", "-A", "dead-code", "-A",
        "non_upper_case_globals", "hello.rs", cwd=folder)
    check_module(folder / "libhello.so", re.search(r'br#"(.*?)"#', readme("rust")[0], re.S).group(1))


# The test modules are what their names say.
def test_module(name):
    return Path(os.environ["COLLET_TEST_MODULES_DIR"]) / f"{name}.so"


@test("/sdk/modules/have-the-flags-they-are-named-after")
def _(folder):
    DT_TEXTREL, DT_FLAGS, DT_FLAGS_1 = 22, 30, 0x6FFFFFFB
    DF_STATIC_TLS, DF_1_NODELETE = 0x10, 0x8
    assert DT_TEXTREL in dynamic_flags(test_module("textrel"))
    assert dynamic_flags(test_module("static-tls"))[DT_FLAGS] & DF_STATIC_TLS
    assert dynamic_flags(test_module("nodelete"))[DT_FLAGS_1] & DF_1_NODELETE
    assert "collet_module" not in exports(test_module("no-symbol"))
    assert manifests(test_module("no-manifest")) == []


@test("/sdk/modules/candidates-have-the-name-they-follow")
def _(folder):
    for path in test_module("echo").parent.glob("echo-*.so"):
        for text in manifests(path):
            if path.name != "echo-broken-manifest.so":
                manifest = json.loads(text)
                assert (manifest["name"], manifest["tools"][0]["name"]) == ("echo", "echo"), path


def main():
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    for number, (name, function) in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory(prefix="collet-sdk-") as folder:
            try:
                function(Path(folder))
                print(f"ok {number} {name}", flush=True)
            except Skip as reason:
                print(f"ok {number} {name} # SKIP {reason}", flush=True)
            except Exception as error:
                failed += 1
                print(f"not ok {number} {name}", flush=True)
                for line in f"{type(error).__name__}: {error}".splitlines():
                    print(f"# {line}", flush=True)
    return 1 if failed else 0


sys.exit(main())
