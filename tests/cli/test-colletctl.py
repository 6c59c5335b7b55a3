#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What colletctl promises, against a daemon that stands in: TAP on stdout.

test-colletctl.py COLLETCTL XML COMPLETION LOCALE
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

CTL, XML, COMPLETION, LOCALE = (str(Path(a).resolve()) for a in sys.argv[1:5])
HERE = Path(__file__).resolve().parent
FOLDER = Path(tempfile.mkdtemp(prefix="collet-cli-"))
LOG = FOLDER / "calls"
VERBS = ["validate", "load", "reload", "watch", "prepare", "commit", "abort", "shadow", "swap", "code", "smoke",
         "rollback", "unload", "modules",
         "tools", "call",
         "history", "versions", "retain", "release", "register",
         "unregister", "update-version", "check", "subscribe", "unsubscribe", "subscriptions", "updates", "status",
         "version"]


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    env.update({"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={FOLDER}/none", "TERM": "xterm", "LC_ALL": "C.UTF-8"}, **more)
    return env


def ctl(*arguments, stdin="", **env):
    LOG.write_text("")
    return subprocess.run([CTL, *arguments], input=stdin, capture_output=True, text=True, timeout=20, check=False,
                          cwd=FOLDER, env=environment(**env))


def ok(*arguments, **options):
    result = ctl(*arguments, **options)
    assert result.returncode == 0, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def ok_json(*arguments):
    return json.loads(ok("--json", *arguments))


def refused(name, *arguments, status=1):
    """The error is named on standard error, and the same with --json on standard output."""
    plain, machine = ctl(*arguments), ctl("--json", *arguments)
    assert plain.returncode == status and machine.returncode == status, (plain, machine)
    assert plain.stdout == "" and machine.stderr == "", (plain, machine)
    error = json.loads(machine.stdout)["error"]
    assert error["name"] == name and error["message"], error
    assert status == 2 or name in plain.stderr, plain.stderr
    return json.loads(machine.stdout)


def calls():
    return [json.loads(line) for line in LOG.read_text().splitlines()]


def on_terminal(*arguments, interrupt_at=None, **env):
    """Runs it with a terminal on all three streams, and interrupts it when it has written that; what it
    wrote, and its status."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(FOLDER)
        os.execve(CTL, [CTL, *arguments], environment(**env))
    out, started = b"", time.monotonic()
    while time.monotonic() - started < 60:
        if interrupt_at and interrupt_at in out.decode(errors="ignore"):
            os.kill(pid, signal.SIGINT)
            interrupt_at = None
        if select.select([fd], [], [], 0.05)[0]:
            try:
                block = os.read(fd, 65536)
            except OSError:
                break
            if not block:
                break
            out += block
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    return out.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_help_names_every_verb():
    text = ok("--help")
    for verb in VERBS:
        assert re.search(rf"^  {verb}\s+\w", text, re.M), verb
        assert ok("help", verb) == ok(verb, "--help")
        assert f"] {verb} " in ok("help", verb)
    assert "Exit status" in text


def german_reader():
    """Newer C libraries translate nothing in a C locale; a German one is made then."""
    german = {"LANGUAGE": "de", "COLLET_LOCALE_DIR": LOCALE}
    if "Befehle:" not in ok("--help", **german):
        made = FOLDER / "locales"
        made.mkdir()
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", made / "de_DE.UTF-8"], check=True, capture_output=True)
        german |= {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(made)}
    return german


def test_people_read_their_language_and_programs_do_not():
    german = german_reader()
    odd = FOLDER / "odd"
    odd.write_text("no tokens here\n")
    if "Befehle:" not in ok("--help", **german):
        raise AssertionError("the help is not in German")
    plain = ctl("token", "x", f"--file={odd}", **german)
    # The name stays; what it means, what was found and what to do come in German.
    assert plain.stderr.startswith("colletctl: InvalidArgument: Ein Argument ist falsch.\n"), plain.stderr
    assert "ist keine Datei mit Tokens" in plain.stderr and "Berichtigen Sie" in plain.stderr, plain.stderr
    # What stands for a value is called as the texts call it, not as a column of the same name.
    assert "--name=NODE" in ok("help", "cluster", **german), ok("help", "cluster", **german)
    nobody = ctl("--system", "status", **german)
    assert nobody.stderr.startswith("colletctl: NotReachable: Es gibt keinen Systembus: "), nobody.stderr
    machine = [ctl("--json", "token", "x", f"--file={odd}", **env) for env in (german, {})]
    assert machine[0].stdout == machine[1].stdout and machine[0].returncode == 1, machine
    usage = [ctl("--json", "nonsense", **env).stdout for env in (german, {})]
    assert usage[0] == usage[1] and "nonsense" in usage[0], usage


def test_wrong_usage_is_2():
    refused("InvalidArgument", "nonsense", status=2)
    refused("InvalidArgument", status=2)
    refused("InvalidArgument", "load", status=2)
    refused("InvalidArgument", "modules", "a", "b", status=2)
    refused("InvalidArgument", "modules", "--nonsense", status=2)
    refused("InvalidArgument", "--session", "--system", "status", status=2)
    refused("InvalidArgument", "--timeout=-1", "status", status=2)
    refused("InvalidArgument", "history", "--limit=0", status=2)
    refused("InvalidArgument", "call", "add", "a=1", "a=2", status=2)
    refused("InvalidArgument", "call", "add", "word", "more", status=2)
    assert ctl("help", "nonsense").returncode == 2


def test_no_daemon_is_3():
    refused("NotReachable", "--system", "status", status=3)
    result = ctl("status", DBUS_SESSION_BUS_ADDRESS=f"unix:path={FOLDER}/none")
    assert result.returncode == 3 and "colletd --session" in result.stderr, result


def test_version_works_without_daemon():
    assert "no daemon" in ok("--system", "version")
    assert ok_json("--system", "version")["daemon"] is None
    assert ok_json("version")["daemon"] == "0.1.0"


def test_global_options_go_anywhere():
    assert ok("--json", "modules") == ok("modules", "--json") == ok("modules", "-j")
    # Names alone: the table says how long ago, which the next second changes.
    assert ok("--session", "modules", "--names") == ok("modules", "--names", "--session")


def test_modules_for_people_and_machines():
    lines = ok("modules").splitlines()
    assert lines[0].split()[:4] == ["MODULE", "VERSION", "SHA256", "STATE"]
    assert lines[1].split()[:4] == ["calculator", "1.1.0", "b2" * 6, "running"]
    assert lines[0].index("STATE") == lines[1].index("running") == lines[2].index("broken")
    assert not any(line.endswith(" ") for line in lines)
    rows = ok_json("modules")["modules"]
    assert [row["name"] for row in rows] == ["calculator", "text-tools"]
    assert rows[0]["semantic_version"] == "1.1.0" and rows[0]["calls"] == 1234 and rows[0]["stateful"] is True
    assert ok("modules", "--names").split() == ["calculator", "text-tools"]
    assert [r["name"] for r in ok_json("modules", "--state=broken")["modules"]] == ["text-tools"]
    assert ok_json("modules", "calculator")["module"]["pid"] == 4711
    assert "format 1" in ok("modules", "calculator")
    refused("ModuleNotLoaded", "modules", "nobody")


def test_tools():
    assert ok("tools", "--names") == "add\n"
    assert ok_json("tools", "--module=calculator")["tools"][0]["input_schema"].startswith("{")
    assert ok_json("tools", "--module=other") == {"tools": []}
    refused("NotFound", "tools", "nothing")


def test_load_one():
    (FOLDER / "x.so").write_text("")
    out = ok("load", "x.so", "--reason=why", "--drain-timeout=1.5", "--timeout=5")
    assert "1.0.0 → 1.1.0" in out and "b2b2b2b2b2b2" in out, out
    method, (path, options) = calls()[0]
    assert method == "SafeLoad" and path == str(FOLDER / "x.so"), calls()
    assert options == {"reason": "why", "drain-timeout-ms": 1500, "timeout-ms": 5000}, options
    reload = ok_json("load", "x.so")["reload"]
    assert reload["state"] == "succeeded" and reload["items"][0]["to_version"] == "1.1.0", reload


def test_name_in_module_path_is_left():
    ok("load", "elsewhere.so")
    assert calls()[0][1][0] == "elsewhere.so"


def test_load_many_is_one_batch():
    out = ok("load", "a.so", "b.so", "c.so")
    method, (paths, _options) = calls()[0]
    assert method == "SafeLoadBatch" and paths == ["a.so", "b.so", "c.so"]
    assert "3 modules in" in out, out
    refused("InvalidArgument", "load", "a.so", "b.so", "--expect-version=abcdef", status=2)


def test_failures_are_named():
    error = refused("ArtifactNotFound", "load", "gone.so")
    assert "gone.so could not be opened" in error["error"]["message"]
    assert "module path" in ctl("load", "gone.so").stderr, "the remedy is said"
    error = refused("ProbeCrashed", "load", "broken.so")
    assert error["reload"]["state"] == "failed", error


def test_every_changing_option_is_allowed():
    """The stand-in refuses an option that the XML does not list."""
    common = ["--reason=r", "--drain-timeout=1", "--timeout=9"]
    more = ["--host=worker", "--allow-breaking"]
    ok("load", "x.so", *common, *more, "--discard-state", "--expect-version=abcdef")
    ok("load", "x.so", "y.so", *common, *more, "--discard-state")
    ok("reload", "x", *common, *more, "--discard-state", "--expect-version=abcdef", "--artifact=x.so")
    ok("reload", "x", "y", *common, *more, "--discard-state")
    ok("rollback", "x", "abcdef", *common, *more, "--state=auto", "--expect-version=abcdef")
    ok("unload", "x", *common, "--expect-version=abcdef")


def test_reload_takes_a_name_or_a_file():
    ok("reload", "calculator", "--artifact", "x.so")
    assert calls()[0] == ["HotReload", ["calculator", {"artifact": str(FOLDER / "x.so")}]], calls()
    ok("reload", "calculator", "x.so")
    assert calls()[0] == ["HotReload", ["calculator", {"artifact": str(FOLDER / "x.so")}]], calls()
    ok("reload", "./y.so")
    assert calls()[0][1][0] == str(FOLDER / "y.so")
    ok("rollback", "calculator")
    assert calls()[0] == ["RollbackModule", ["calculator", "", {}]]


def test_two_phases():
    (FOLDER / "x.so").write_text("")
    out = ok("prepare", "calculator", "x.so", "--expiry=5", "--reason=r", "--timeout=9", "--host=worker",
             "--allow-breaking", "--discard-state", "--expect-version=abcdef", "--drain-timeout=1")
    assert "Prepared, and serving nobody" in out and "colletctl commit" in out, out
    method, (module, options) = calls()[0]
    assert (method, module, options["expiry-ms"]) == ("PrepareReload", "calculator", 5000), calls()
    assert options["artifact"] == str(FOLDER / "x.so"), options
    assert ok_json("prepare", "x.so")["reload"]["phase"] == "prepared"
    ok("call", "--prepared=calculator", "add", "a=1")
    assert calls()[-1] == ["CallPrepared", ["calculator", "b2" * 32, "add", '{"a":1}', {}]], calls()
    # The version is the one there is, unless it is named.
    ok("commit", "calculator", "--reason=good", "--expect-version=abcdef")
    assert ["CommitReload", ["calculator", "b2" * 32, {"reason": "good", "expect-version": "abcdef"}]] in calls()
    assert "given up" in ok("abort", "calculator", "abcdef", "--reason=bad")
    assert calls()[0] == ["AbortReload", ["calculator", "abcdef", {"reason": "bad"}]], calls()
    refused("NotPrepared", "commit", "text-tools")
    refused("NotPrepared", "call", "--prepared=text-tools", "add")
    refused("InvalidArgument", "prepare", "x.so", "--expiry=-1", status=2)


def test_time_limit_leaves_the_reload_alone():
    result = ctl("--timeout=2", "load", "endless.so")
    assert result.returncode == 1 and "Timeout" in result.stderr and "colletctl reload watch" in result.stderr, result


def test_reloads_by_id():
    identity = ok("load", "endless.so", "--no-wait").strip()
    assert re.fullmatch("[0-9a-f]{16}", identity), identity
    assert ok_json("reload", "show", identity[:4])["reload"]["state"] == "running"
    assert "running" in ok("reload", "show", identity[:4])
    assert ok_json("reload", "cancel", identity[:4])["reload"]["state"] == "cancelled"
    assert ctl("reload", "watch", identity[:4]).returncode == 1
    refused("NotFound", "reload", "show", "ffff")


def test_history():
    ok("load", "x.so")
    rows = ok_json("history", "-n", "1")["reloads"]
    assert len(rows) == 1 and rows[0]["kind"] == "load" and rows[0]["error_name"] == ""
    assert ok("history", "--ids", "-n", "1").strip() == rows[0]["id"]
    assert "1.0.0 → 1.1.0" in ok("history")
    assert "no-such" not in ok("history")
    assert ok_json("history", "no-such") == {"reloads": []}


def test_validate():
    assert "valid" in ok("validate", "x.so")
    assert ok_json("validate", "x.so")["candidates"][0]["checks"][1]["check"] == "abi"
    bad = ctl("validate", "x.so", "broken.so")
    assert bad.returncode == 1 and "refused" in bad.stdout and "Build it again" in bad.stdout, bad
    machine = json.loads(ctl("--json", "validate", "x.so", "broken.so").stdout)
    assert [c["valid"] for c in machine["candidates"]] == [True, False]


def test_call():
    assert ok("call", "add", '{"a":1}') == '{"a":1}\n'
    assert ok("call", "add", "-", stdin='{"a":2}') == '{"a":2}\n'
    assert ok("call", "add") == "{}\n"
    # Text where the schema wants text, else JSON where it is.
    assert ok("call", "add", "a=1.5", "text=7", "flag=true", "list=[1,2]", "s=1x", "e=") == (
        '{"a":1.5,"text":"7","flag":true,"list":[1,2],"s":"1x","e":""}\n')
    assert ok_json("call", "add", "a=1")["structuredContent"] == {"sum": 3}
    failed = ctl("call", "fail")
    assert failed.returncode == 1 and failed.stderr == "no such file\n" and failed.stdout == "", failed
    refused("ToolNotFound", "call", "nothing")


def test_watch():
    (FOLDER / "builds").mkdir(exist_ok=True)
    folder = str(FOLDER / "builds")
    out = ctl("watch", "builds", "--timeout=1", "--allow-breaking", "--host=worker")
    assert out.returncode == 0 and "until interrupted" in out.stderr, out
    lines = out.stdout.splitlines()
    assert lines[0].startswith("calculator.so: loaded: calculator 1.0.0 → 1.1.0 (b2b2b2b2b2b2), calls paused for"), lines
    assert lines[1] == "broken.so: refused: ProbeCrashed: It crashed. Debug it.", lines
    assert lines[2].startswith("the folder: gone"), lines
    assert calls()[0] == ["WatchFolder", [folder, {"allow-breaking": True, "host": "worker"}]], calls()
    assert calls()[-1][0] == "WatchFolder" and calls()[-1][1][1]["enable"] is False, calls()
    rows = [json.loads(line)["report"] for line in ok("--json", "watch", "builds", "--timeout=1").splitlines()]
    assert [row["state"] for row in rows] == ["loaded", "refused", "gone"] and rows[0]["folder"] == folder, rows
    assert ok_json("watch", "builds", "--detach") == {"watched": True}
    assert ok_json("watch", "builds", "--stop") == {"watched": False}
    assert len(calls()) == 1, calls()
    refused("NotFound", "watch", "nowhere")


def test_versions():
    lines = ok("versions", "calculator").splitlines()
    assert lines[0].split() == ["VERSION", "SHA256", "STATE", "SIZE", "ADDED", "USED", "SAVED", "TRUST",
                                "KEPT"], lines
    assert lines[1].split()[:3] == ["1.1.0", "b2" * 6, "serves"] and lines[1].endswith("by the rules"), lines
    assert lines[2].split()[:3] == ["1.0.0", "a1" * 6, "previous"] and lines[2].endswith("for ever: audited"), lines
    assert " signed " in lines[1] and " revoked " in lines[2], lines
    assert [row["retained"] for row in ok_json("versions", "calculator")["versions"]] == [False, True]
    refused("NotFound", "versions", "nobody")
    ok("retain", "calculator", "a1a1a1", "--reason=audited")
    assert calls()[0] == ["RetainVersion", ["calculator", "a1a1a1", True, {"reason": "audited"}]], calls()
    assert ok_json("release", "calculator", "a1a1a1") == {"retained": False}
    assert calls()[0] == ["RetainVersion", ["calculator", "a1a1a1", False, {}]], calls()
    refused("NotFound", "retain", "nobody", "a1a1a1")


def test_register():
    ok("register", "plus", "calculator", "add", "--title=Plus", "--description=d", "--annotations={}")
    assert calls()[0] == ["RegisterTool", ["plus", "calculator", "add",
                                           {"title": "Plus", "description": "d", "annotations": "{}"}]], calls()
    out = ok("register", "add", "calculator")
    assert calls()[0] == ["RegisterTool", ["add", "calculator", "add", {}]], calls()
    assert "add: registered" in out and "calculator 1.1.0" in out, out
    assert ok_json("register", "add", "calculator")["tool"]["name"] == "add"
    refused("AlreadyRegistered", "register", "taken", "calculator")
    assert ok_json("unregister", "add") == {"unregistered": "add"}
    assert "unregistered" in ok("unregister", "add")
    refused("NotFound", "unregister", "nothing")


def test_update_version():
    assert ok_json("update-version", "add", "b2b2b2") == {"update": {"changed": True, "sequence": 7, "tool": "add"}}
    assert "recorded (update 7)" in ok("update-version", "add", "b2b2b2")
    refused("VersionMismatch", "update-version", "add", "c3c3c3")


def test_check():
    assert ok_json("check", "add") == {"check": {"tool": "add", "updated": True, "version": "b2" * 32}}
    assert ok("check", "add", "--subscriber=ci") == "add: updated, version b2b2b2b2b2b2\n"
    assert calls()[0] == ["CheckToolUpdated", ["add", {"subscriber": "ci"}]], calls()
    refused("NotFound", "check", "nothing")


def test_subscribe():
    assert ok("subscribe", "*", "-s", "ci") == "ci is told of every tool from update 8 on\n"
    assert calls()[0] == ["SubscribeToToolUpdates", ["*", {"subscriber": "ci"}]], calls()
    assert ok_json("subscribe", "add") == {"subscription": {"subscriber": "uid:7", "tool": "add", "sequence": 7}}
    assert ok_json("unsubscribe", "add") == {"existed": True}
    assert "no such" in ok("unsubscribe", "nothing")
    lines = ok("subscriptions").splitlines()
    assert lines[0].split() == ["SUBSCRIBER", "TOOL", "OWNER", "SINCE", "FROM", "PENDING"], lines
    assert lines[1].split()[:3] == ["ci", "*", "uid:7"] and lines[1].split()[-2:] == ["4", "2"], lines
    assert ok_json("subscriptions", "-s", "ci")["subscriptions"][0]["pending"] == 2
    assert calls()[0] == ["ListSubscriptions", [{"subscriber": "ci"}]], calls()


def test_updates():
    assert [row["sequence"] for row in ok_json("updates")["updates"]] == [5, 6, 7]
    assert ok_json("updates", "--since=5", "--limit=1", "-s", "ci") == {
        "next": 6, "updates": [{"at": 1_000_000, "module": "calculator", "previous_version": "a1" * 32, "reload": "r6",
                                "sequence": 6, "tool": "add", "version": "b2" * 32}]}
    assert calls()[0] == ["GetUpdatesSince", [5, {"subscriber": "ci", "limit": 1}]], calls()
    assert [line.split()[0] for line in ok("updates").splitlines()] == ["UPDATE", "5", "6", "7"]
    assert ok_json("updates", "--since=7") == {"next": 7, "updates": []}
    refused("InvalidArgument", "updates", "--since=-1", status=2)


def test_updates_are_followed():
    """The stand-in tells of update 8 when 7 was fetched; a signal of what is known is not asked about."""
    lines = ok("--json", "updates", "--since=6", "--follow", "--timeout=1").splitlines()
    assert [json.loads(line)["update"]["sequence"] for line in lines] == [7, 8], lines
    assert [call[1][0] for call in calls()] == [6, 7], calls()
    assert " → " in ok("updates", "--since=6", "-f", "--timeout=1")


def test_status():
    out = ok("status")
    assert "http://127.0.0.1:7311/mcp" in out and "put aside" in out and "session bus" in out, out
    assert ok_json("status")["daemon"]["counts"]["modules"] == 2


def test_colour_and_bar_on_a_terminal_only():
    # One that ends by itself may have ended before there was anything to draw.
    out, _ = on_terminal("load", "endless.so", interrupt_at=" %")
    assert "\033[" in out and " %" in out, repr(out)
    out, status = on_terminal("load", "x.so")
    assert status == 0 and "1.1.0" in out, repr(out)
    assert "\033[32m" in on_terminal("modules")[0]
    for arguments, env in ((("--no-color", "modules"), {}), (("modules",), {"NO_COLOR": "1"}),
                           (("modules",), {"TERM": "dumb"})):
        assert "\033[" not in on_terminal(*arguments, **env)[0]
    plain = ctl("load", "x.so")
    assert "\033" not in plain.stdout + plain.stderr and plain.stderr == ""
    assert "\033" not in on_terminal("--json", "load", "x.so")[0]


def test_interrupt_leaves_the_reload_alone():
    out, status = on_terminal("load", "endless.so", interrupt_at=" %")
    assert status == 1 and "goes on" in out, (status, out)


def test_words_of_others_do_not_move_the_cursor():
    assert "\033[2J" not in on_terminal("tools")[0]
    assert "\033[2J" not in on_terminal("tools", "add")[0]


def complete(*words):
    script = (f'source "{COMPLETION}"; COMP_WORDS=(colletctl "$@"); COMP_CWORD=$#; COMPREPLY=(); _colletctl; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    env = environment(PATH=f"{Path(CTL).parent}:{os.environ['PATH']}")
    result = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=20,
                            check=True, env=env, cwd=FOLDER)
    return result.stdout.split()


def test_completion():
    assert set(VERBS) <= set(complete(""))
    assert complete("mod") == ["modules"]
    assert complete("modules", "calc") == ["calculator"]
    assert complete("unload", "") == ["calculator", "text-tools"]
    assert complete("--json", "call", "a") == ["add"]
    assert "--drain-timeout" in complete("load", "--")
    assert "watch" in complete("reload", "wa")
    assert complete("retain", "calculator", "b") == ["b2" * 6]
    (FOLDER / "present.so").write_text("")
    assert complete("load", "pres") == ["present.so"]
    # Every option that the help lists is offered.
    for verb in VERBS:
        listed = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", ok("help", verb), re.M))
        missing = listed - set(complete(verb, "--"))
        assert not missing, (verb, missing)


def test_manual_covers_every_verb_and_option():
    page = (Path(COMPLETION).parent.parent / "colletctl.1").read_text(encoding="utf-8").replace("\\-", "-")
    for verb in VERBS:
        assert re.search(rf"^\.It Cm {verb}\b|^\.Ss .*\b{verb}\b", page, re.M), verb
        for option in re.findall(r"^  (?:-\w, )?--([a-z-]+)", ok("help", verb), re.M):
            assert f"-{option}" in page, (verb, option)


def main():
    address = subprocess.run(["dbus-daemon", "--session", "--fork", "--print-address=1", "--print-pid=1"],
                             capture_output=True, text=True, check=True).stdout.split()
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = address[0]
    LOG.write_text("")
    service = subprocess.Popen(["/usr/bin/python3", HERE / "stand-in.py", XML, LOG], stdout=subprocess.PIPE, text=True)
    assert service.stdout.readline() == "ready\n"
    tests = [(name[5:], test) for name, test in globals().items() if name.startswith("test_")]
    wanted = os.environ.get("TEST_ONLY", "")
    tests = [t for t in tests if wanted in t[0]]
    failed = 0
    print(f"1..{len(tests)}")
    try:
        for number, (name, test) in enumerate(tests, 1):
            path = f"/cli/colletctl/{name.replace('_', '-')}"
            try:
                test()
                print(f"ok {number} {path}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} {path}", flush=True)
                print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
    finally:
        service.terminate()
        service.wait()
        os.kill(int(address[1]), signal.SIGTERM)
        shutil.rmtree(FOLDER, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
