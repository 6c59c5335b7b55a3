#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon for tests of its clients: stand-in.py XML LOG

Owns the bus name, gives fixed answers, refuses options that the XML does not allow, and
writes each method call to LOG as a line of JSON.
"""

import json
import sys

from gi.repository import Gio, GLib

ROOT = "/org/collet/Collet1"
PREFIX = "org.collet.Collet1."
V = GLib.Variant
NOW = GLib.get_real_time()
SHA1, SHA2 = "a1" * 32, "b2" * 32
SCHEMA = '{"type":"object","properties":{"a":{"type":"number"},"text":{"type":"string"}}}'

MODULES = [
    {"Name": V("s", "calculator"), "SemanticVersion": V("s", "1.1.0"), "Version": V("s", SHA2),
     "State": V("s", "running"), "Host": V("s", "worker"), "Generation": V("t", 2), "Calls": V("t", 1234),
     "Errors": V("t", 0), "LoadedAt": V("x", NOW - 5_000_000), "Verdict": V("s", "ok"),
     "VerdictMessage": V("s", ""), "Tools": V("as", ["add", "recall"]), "Stateful": V("b", True),
     "StateFormat": V("u", 1), "Pid": V("u", 4711), "Prepared": V("as", [SHA2])},
    {"Name": V("s", "text-tools"), "SemanticVersion": V("s", "2.0.0"), "Version": V("s", SHA1),
     "State": V("s", "broken"), "Host": V("s", "worker"), "Generation": V("t", 7), "Calls": V("t", 9),
     "Errors": V("t", 3), "LoadedAt": V("x", 0), "Verdict": V("s", "broken"),
     "VerdictMessage": V("s", "It crashed 5 times in 30 s; roll back"), "Tools": V("as", [])},
]
TOOLS = [
    {"Name": V("s", "add"), "Module": V("s", "calculator"), "SemanticVersion": V("s", "1.1.0"),
     "Version": V("s", SHA2), "Title": V("s", "Add"), "Description": V("s", "Adds \u001b[2Jnumbers"),
     "InputSchema": V("s", SCHEMA), "Calls": V("t", 5), "Errors": V("t", 0)},
]
STATUS = {"Version": V("s", "0.1.0"), "State": V("s", "running"), "Pid": V("u", 4711),
          "StartedAt": V("x", NOW - 90_000_000), "NodeName": V("s", "alpha"), "ClusterState": V("s", "alone"),
          "McpAddresses": V("as", ["http://127.0.0.1:7311/mcp"]), "DataFolder": V("s", "/data"),
          "ModulePath": V("as", []), "Warnings": V("as", ["The old database was put aside"]),
          "Counts": V("a{st}", {"modules": 2, "tools": 1, "calls": 1243})}


class Refused(Exception):
    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


class Reload:
    def __init__(self, service, number, kind, modules):
        self.service, self.kind, self.modules = service, kind, modules
        self.id = f"{number:04x}" + "0" * 12
        self.path = f"{ROOT}/reloads/{self.id}"
        self.progress, self.phase, self.state, self.error = 0.0, "preflight", "running", ("", "")
        self.waiting = []
        self.expires = 0

    def items(self):
        failed = self.state == "failed"
        return [{"module": V("s", m), "from": V("s", SHA1), "to": V("s", SHA2), "from-version": V("s", "1.0.0"),
                 "to-version": V("s", "1.1.0"), "verdict": V("s", "compatible"), "state": V("s", self.state),
                 "pause-us": V("x", 250), "error-name": V("s", self.error[0] if failed else ""),
                 "error-message": V("s", self.error[1] if failed else "")} for m in self.modules]

    def properties(self):
        return {"Id": V("s", self.id), "Kind": V("s", self.kind), "Strategy": V("s", "local"),
                "State": V("s", self.state), "Phase": V("s", self.phase), "Progress": V("d", self.progress),
                "Items": V("aa{sv}", self.items()), "ErrorName": V("s", self.error[0]),
                "ErrorMessage": V("s", self.error[1]), "Initiator": V("x", 1000), "Reason": V("s", "because"),
                "StartedAt": V("x", NOW), "FinishedAt": V("x", 0), "DurationUs": V("x", 12345),
                "PauseUs": V("x", 250), "ExpiresAt": V("x", self.expires)}

    def row(self):
        return {name: value for name, value in self.properties().items() if name != "Progress"}

    def advance(self):
        if self.state != "running":
            return False
        self.progress, self.phase = min(1.0, self.progress + 0.25), "prepare"
        if self.progress >= 1.0:
            self.end("failed" if self.modules[0].endswith("broken.so") else "succeeded")
        changed = {name: self.properties()[name] for name in ("Progress", "Phase", "State")}
        self.service.connection.emit_signal(None, self.path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                            V("(sa{sv}as)", (PREFIX + "Reload", changed, [])))
        return self.state == "running"

    def end(self, state):
        self.state = state
        if state != "succeeded":
            self.phase = "prepare"
            self.error = (("ProbeCrashed", "broken.so crashed") if state == "failed"
                          else ("Cancelled", "Cancelled by uid 1000"))
        for invocation in self.waiting:
            self.answer(invocation)
        self.waiting = []

    def answer(self, invocation):
        if self.state == "succeeded":
            invocation.return_value(V("(a{sv})", (self.row(),)))
        else:
            invocation.return_dbus_error(PREFIX + "Error." + self.error[0], self.error[1])

    def wait(self, invocation, timeout_ms):
        if self.state != "running":
            self.answer(invocation)
            return
        self.waiting.append(invocation)
        if timeout_ms:
            GLib.timeout_add(timeout_ms, self.give_up, invocation)

    def give_up(self, invocation):
        if invocation in self.waiting:
            self.waiting.remove(invocation)
            invocation.return_dbus_error(PREFIX + "Error.Timeout", "It has not ended yet")
        return False


class Service:
    def __init__(self, xml, log):
        self.node = Gio.DBusNodeInfo.new_for_xml(open(xml, encoding="utf-8").read())
        self.log = open(log, "a", encoding="utf-8")
        self.reloads = {}
        self.follows = False
        self.connection = Gio.bus_get_sync(Gio.BusType.SESSION)
        self.connection.register_object(ROOT, self.interface("Manager"), self.on_call, self.on_get, None)
        Gio.bus_own_name_on_connection(self.connection, "org.collet.Collet1", 0, lambda *_: print("ready", flush=True),
                                       None)

    def interface(self, name):
        return self.node.lookup_interface(PREFIX + name)

    def on_get(self, _connection, _sender, path, _interface, name):
        if path == ROOT:
            return STATUS.get(name)
        return self.reloads[path].properties().get(name)

    def on_call(self, _connection, _sender, path, interface, name, arguments, invocation):
        self.log.write(json.dumps([name, arguments.unpack()]) + "\n")
        self.log.flush()
        try:
            self.check_options(interface, name, arguments)
            if path != ROOT:
                self.call_reload(self.reloads[path], name, arguments, invocation)
            else:
                invocation.return_value(getattr(self, "do_" + name)(*arguments.unpack()))
        except Refused as error:
            invocation.return_dbus_error(PREFIX + "Error." + error.name, str(error))
        except AttributeError:
            invocation.return_dbus_error(PREFIX + "Error.NotSupported", f"{name} is not offered")

    def check_options(self, interface, name, arguments):
        method = self.node.lookup_interface(interface).lookup_method(name)
        allowed = dict(item.split("=") for a in method.annotations if a.key == "org.collet.Options"
                       for item in a.value.split())
        for i in range(arguments.n_children()):
            value = arguments.get_child_value(i)
            if value.get_type_string() != "a{sv}":
                continue
            for j in range(value.n_children()):
                entry = value.get_child_value(j)
                key = entry.get_child_value(0).get_string()
                kind = entry.get_child_value(1).get_variant().get_type_string()
                if allowed.get(key) != kind:
                    raise Refused("InvalidArgument", f"{name} takes no option {key} of type {kind}")

    def call_reload(self, reload, name, arguments, invocation):
        if name == "Wait":
            reload.wait(invocation, arguments.unpack()[0])
        else:
            reload.end("cancelled")
            invocation.return_value(None)

    def start(self, kind, modules):
        if modules[0].endswith("gone.so"):
            raise Refused("ArtifactNotFound", f"{modules[0]} could not be opened: No such file or directory")
        reload = Reload(self, len(self.reloads) + 1, kind, modules)
        self.reloads[reload.path] = reload
        self.connection.register_object(reload.path, self.interface("Reload"), self.on_call, self.on_get, None)
        if not modules[0].endswith("endless.so"):
            GLib.timeout_add(30, reload.advance)
        return V("(o)", (reload.path,))

    def do_SafeLoad(self, module, _options):
        return self.start("load", [module])

    def do_SafeLoadBatch(self, modules, _options):
        return self.start("load", modules)

    def do_HotReload(self, module, _options):
        return self.start("hot-reload", [module])

    def do_ReloadModules(self, modules, _options):
        return self.start("hot-reload", modules)

    def do_PrepareReload(self, module, _options):
        path = self.start("hot-reload", [module + "-endless.so"]).unpack()[0]
        reload = self.reloads[path]
        reload.modules, reload.phase, reload.expires = [module], "prepared", NOW + 60_000_000
        return V("(os)", (path, SHA2))

    def do_CommitReload(self, module, _version, _options):
        return self.start("hot-reload", [module])

    def do_AbortReload(self, module, _version, _options):
        path = self.start("hot-reload", [module + "-endless.so"]).unpack()[0]
        self.reloads[path].end("cancelled")
        self.reloads[path].error = ("Cancelled", "The prepared version was given up by uid 1000.")
        return V("(o)", (path,))

    def do_CallPrepared(self, _module, _version, _tool, arguments, _options):
        return V("(s)", (json.dumps({"content": [{"type": "text", "text": arguments}]}),))

    def do_RollbackModule(self, module, _version, _options):
        return self.start("rollback", [module])

    def do_UnloadModule(self, module, _options):
        return self.start("unload", [module])

    def do_ValidateModule(self, module, _options):
        bad = module.endswith("broken.so")
        checks = [{"check": V("s", "artifact"), "outcome": V("s", "passed"), "evidence": V("s", "12 bytes")},
                  {"check": V("s", "abi"), "outcome": V("s", "failed" if bad else "passed"),
                   "evidence": V("s", "ABI 2.0"), "remedy": V("s", "Build it again" if bad else "")}]
        return V("(ba{sv}aa{sv})", (not bad, {"name": V("s", "calculator"), "sha256": V("s", SHA1),
                                              "version": V("s", "1.0.0"), "size": V("t", 15000)}, checks))

    def do_ListModules(self, options):
        state = options.get("state")
        return V("(aa{sv})", ([m for m in MODULES if state in (None, m["State"].unpack())],))

    def do_GetModuleInfo(self, name):
        for module in MODULES:
            if module["Name"].unpack() == name:
                return V("(a{sv})", (module,))
        raise Refused("ModuleNotLoaded", f"The module {name} is not loaded")

    def do_ListTools(self, options):
        module = options.get("module")
        return V("(aa{sv})", ([t for t in TOOLS if module in (None, t["Module"].unpack())],))

    def do_GetTool(self, name):
        for tool in TOOLS:
            if name in (tool["Name"].unpack(), "plus"):
                return V("(a{sv})", ({**tool, "Name": V("s", name)},))
        raise Refused("NotFound", f"There is no tool {name}")

    def do_CallTool(self, tool, arguments, _options):
        if tool == "fail":
            return V("(s)", ('{"content":[{"type":"text","text":"no such file"}],"isError":true}',))
        if tool != "add":
            raise Refused("ToolNotFound", f"There is no tool {tool}")
        return V("(s)", (json.dumps({"content": [{"type": "text", "text": arguments}],
                                     "structuredContent": {"sum": 3}}),))

    def do_WatchFolder(self, folder, options):
        if folder.endswith("nowhere"):
            raise Refused("NotFound", f"{folder} cannot be watched: No such file or directory")
        loaded = {"state": V("s", "loaded"), "module": V("s", "calculator"), "from-version": V("s", "1.0.0"),
                  "to-version": V("s", "1.1.0"), "to": V("s", SHA2), "pause-us": V("x", 250)}
        refused = {"state": V("s", "refused"), "error-name": V("s", "ProbeCrashed"),
                   "error-message": V("s", "It crashed. Debug it.")}
        for where, file, report in ((folder, "calculator.so", loaded), (folder + "-other", "x.so", loaded),
                                    (folder, "broken.so", refused), (folder, "", {"state": V("s", "gone")})):
            if options.get("enable", True):
                self.connection.emit_signal(None, ROOT, PREFIX + "Manager", "WatchReport",
                                            V("(ssa{sv})", (where, file, report)))

    def do_ListVersions(self, name):
        if name != "calculator":
            raise Refused("NotFound", f"No version of {name} is kept")
        rows = [{"Version": V("s", sha), "SemanticVersion": V("s", version), "Active": V("b", version == "1.1.0"),
                 "Previous": V("b", version == "1.0.0"), "Retained": V("b", version == "1.0.0"),
                 "RetainReason": V("s", "audited" if version == "1.0.0" else ""), "HasSnapshot": V("b", False),
                 "Trust": V("s", "signed"), "SignerRevoked": V("b", version == "1.0.0"),
                 "Size": V("t", 15000), "AddedAt": V("x", NOW), "UsedAt": V("x", NOW)}
                for version, sha in (("1.1.0", SHA2), ("1.0.0", SHA1))]
        return V("(aa{sv})", (rows,))

    def do_RetainVersion(self, name, _version, _retain, _options):
        if name != "calculator":
            raise Refused("NotFound", f"No version of {name} is kept")

    def known(self, tool):
        if tool not in ("add", "plus", "*"):
            raise Refused("NotFound", f"There is no tool {tool}")

    def do_RegisterTool(self, name, _module, _tool, _metadata):
        if name == "taken":
            raise Refused("AlreadyRegistered", "Tool taken is already registered")
        return V("(o)", (f"{ROOT}/tools/{name}",))

    def do_UnregisterTool(self, name):
        self.known(name)
        return None

    def do_UpdateToolVersion(self, name, version):
        self.known(name)
        if not SHA2.startswith(version):
            raise Refused("VersionMismatch", f"{name} runs {SHA2}")
        return V("(bt)", (True, 7))

    def do_CheckToolUpdated(self, name, _options):
        self.known(name)
        return V("(bs)", (True, SHA2))

    def do_SubscribeToToolUpdates(self, name, options):
        self.known(name)
        return V("(st)", (options.get("subscriber", "uid:7"), 7))

    def do_UnsubscribeFromToolUpdates(self, name, _options):
        return V("(b)", (name == "add",))

    def do_ListSubscriptions(self, _options):
        return V("(aa{sv})", ([{"subscriber": V("s", "ci"), "tool": V("s", "*"), "uid": V("x", 7),
                                "since": V("x", NOW), "sequence": V("t", 3), "pending": V("t", 2)}],))

    def do_GetUpdatesSince(self, sequence, options):
        newest = 7
        if sequence == 6:
            for number in (7, 8):
                self.connection.emit_signal(None, ROOT, PREFIX + "Manager", "ToolUpdated",
                                            V("(sst)", ("add", SHA2, number)))
        elif sequence == 7 and options.get("limit") == 1000 and self.follows:
            newest = 8
        self.follows = sequence == 6
        rows = [{"sequence": V("t", n), "tool": V("s", "add"), "module": V("s", "calculator"), "version": V("s", SHA2),
                 "previous-version": V("s", SHA1), "reload": V("s", f"r{n}"), "at": V("x", 1_000_000)}
                for n in range(max(5, sequence + 1), newest + 1)][:options.get("limit", 1000)]
        return V("(aa{sv}t)", (rows, rows[-1]["sequence"].unpack() if rows else newest))

    def find(self, given):
        found = [r for r in self.reloads.values() if r.path == given or r.id.startswith(given)]
        if len(found) != 1:
            raise Refused("NotFound", f"There is no reload {given}")
        return found[0]

    def do_GetReload(self, given):
        return V("(a{sv})", (self.find(given).row(),))

    def do_GetReloadHistory(self, module, limit, _options):
        rows = [r.row() for r in reversed(self.reloads.values()) if module in ("", *r.modules)]
        return V("(aa{sv})", (rows[:limit],))


if __name__ == "__main__":
    Service(sys.argv[1], sys.argv[2])
    GLib.MainLoop().run()
