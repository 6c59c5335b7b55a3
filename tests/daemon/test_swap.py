# SPDX-License-Identifier: LGPL-2.1-or-later
"""A module from bytes, and the bytes of a module."""

import hashlib
import os
import subprocess
import tempfile
import threading
import unittest

from collet_harness import NAME, MANAGER, ROOT, BusError, TestCase, module, variants
from test_loading import sha256

from gi.repository import Gio, GLib


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def memfd(data, is_sealed=True):
    fd = os.memfd_create('artifact', os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, data)  # and not wound back
    if is_sealed:
        import fcntl
        fcntl.fcntl(fd, 1033, 15)  # F_ADD_SEALS: seal, shrink, grow, write
    return fd


class Swap(TestCase):
    def echo(self):
        daemon = self.daemon()
        daemon.load(module('echo-1.0.0'))
        return daemon

    def begin(self, daemon, name, fd, filename='echo.so', handle=0, **options):
        """Takes the fd."""
        fds = Gio.UnixFDList.new()
        if fd is not None:
            fds.append(fd)
            os.close(fd)
        arguments = GLib.Variant('(ssha{sv})', (name, filename, handle, variants(options)))
        try:
            reply, _ = daemon.connection.call_with_unix_fd_list_sync(NAME, ROOT, MANAGER, 'AtomicSwap', arguments, None,
                                                                     Gio.DBusCallFlags.NONE, 20000, fds, None)
        except GLib.Error as error:
            raise BusError(error) from None
        return reply.unpack()[0]

    def swap(self, daemon, name, fd, *arguments, **options):
        return daemon.wait(self.begin(daemon, name, fd, *arguments, **options))

    def code(self, daemon, name, **options):
        """The bytes, and where they came from."""
        try:
            reply, fds = daemon.connection.call_with_unix_fd_list_sync(
                NAME, ROOT, MANAGER, 'GetObjectCode', GLib.Variant('(sa{sv})', (name, variants(options))), None,
                Gio.DBusCallFlags.NONE, 20000, None, None)
        except GLib.Error as error:
            raise BusError(error) from None
        handle, filename = reply.unpack()
        with os.fdopen(fds.get(handle), 'rb') as file:
            self.assertRaises(OSError, os.write, file.fileno(), b'x')
            return file.read(), filename

    def test_takes_bytes_of_any_kind(self):
        daemon = self.echo()
        new, old = read(module('echo-2.0.0')), read(module('echo-1.0.0'))
        with tempfile.TemporaryFile() as file:
            file.write(new)
            file.flush()
            self.assertEqual(self.swap(daemon, 'echo', os.dup(file.fileno()))['Kind'], 'swap')
        self.assertEqual(daemon.version('echo'), hashlib.sha256(new).hexdigest())
        self.swap(daemon, 'echo', memfd(old))
        self.assertEqual(daemon.version('echo'), hashlib.sha256(old).hexdigest())
        self.swap(daemon, 'echo', memfd(new, False))
        self.assertEqual(daemon.version('echo'), hashlib.sha256(new).hexdigest())
        reading, writing = os.pipe()
        writer = threading.Thread(target=lambda: (os.write(writing, old[:5]), os.write(writing, old[5:]), os.close(writing)))
        writer.start()
        self.swap(daemon, 'echo', reading, 'pipe.so', reason='try it')
        writer.join()
        self.assertEqual(daemon.version('echo'), hashlib.sha256(old).hexdigest())
        row = daemon.sql("SELECT kind, reason, json_extract (options, '$.filename') AS filename FROM reload"
                         " ORDER BY number DESC LIMIT 1")[0]
        self.assertEqual(row, {'kind': 'swap', 'reason': 'try it', 'filename': 'pipe.so'})

    def test_round_trip_is_identical_to_the_byte(self):
        daemon = self.echo()
        original = read(module('echo-1.0.0'))
        first, filename = self.code(daemon, 'echo')
        self.assertEqual(first, original)
        self.assertIn('echo', filename)
        self.swap(daemon, 'echo', memfd(read(module('echo-2.0.0'))))
        self.assertEqual(self.code(daemon, 'echo')[0], read(module('echo-2.0.0')))
        self.assertEqual(self.code(daemon, 'echo', version=sha256(module('echo-1.0.0'))[:10])[0], original)
        # What it gives can be handed back as it is.
        reply, fds = daemon.connection.call_with_unix_fd_list_sync(
            NAME, ROOT, MANAGER, 'GetObjectCode',
            GLib.Variant('(sa{sv})', ('echo', variants({'version': sha256(module('echo-1.0.0'))}))), None,
            Gio.DBusCallFlags.NONE, 20000, None, None)
        self.swap(daemon, 'echo', fds.get(reply.unpack()[0]))
        self.assertEqual(self.code(daemon, 'echo')[0], original)
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))

    def test_state_is_kept(self):
        daemon = self.daemon()
        daemon.load(module('counter-1.0.0'))
        daemon.tool_value('count', {'by': 5})
        self.swap(daemon, 'counter', memfd(read(module('counter-4.0.0'))))
        self.assertEqual(daemon.tool_value('count', {'by': 1}), {'count': 6})

    def test_loads_what_was_not_loaded(self):
        daemon = self.daemon()
        self.swap(daemon, 'echo', memfd(read(module('echo-1.0.0'))))
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_on_any_error_the_old_version_serves(self):
        daemon = self.echo()
        original = read(module('echo-2.0.0'))
        reading, writing = os.pipe()
        os.close(reading)
        folder = os.open(self.folder, os.O_RDONLY)
        for what, fd, name in (('nothing', memfd(b''), 'InvalidModule'),
                               ('text', memfd(b'#!/bin/sh\n' * 1000), 'InvalidModule'),
                               ('half', memfd(original[:len(original) // 2]), 'InvalidModule'),
                               ('another', memfd(read(module('counter-1.0.0'))), 'InvalidArgument'),
                               ('crash', memfd(read(module('echo-crash-init'))), 'ProbeCrashed'),
                               ('folder', folder, 'InvalidModule'),
                               ('writing end', writing, 'SwapFailed'),
                               ('device', os.open('/dev/zero', os.O_RDONLY), 'InvalidModule')):
            with self.subTest(what):
                self.assertBusError(name, self.swap, daemon, 'echo', fd)
                self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
                self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})
        self.assertNotIn('running', {row['State'] for row in daemon.history()})
        self.assertEqual(len(os.listdir(os.path.join(daemon.data, 'artifacts'))), 2)  # it and tmp

    def test_too_many_bytes_are_refused(self):
        daemon = self.echo()
        fd = os.memfd_create('much')
        os.ftruncate(fd, 65 << 20)
        self.assertBusError('ArtifactTooLarge', self.swap, daemon, 'echo', fd)
        reading, writing = os.pipe()

        def flood():
            try:
                for _ in range(70):
                    os.write(writing, b'\0' * (1 << 20))
            except BrokenPipeError:
                pass
            os.close(writing)

        writer = threading.Thread(target=flood)
        writer.start()
        self.assertBusError('ArtifactTooLarge', self.swap, daemon, 'echo', reading)
        writer.join(20)
        self.assertFalse(writer.is_alive())

    def test_pipe_that_never_ends_is_given_up_and_others_are_not_held_up(self):
        daemon = self.echo()
        reading, writing = os.pipe()
        os.write(writing, read(module('echo-2.0.0'))[:100])
        errors = []
        thread = threading.Thread(target=lambda: errors.append(
            self.assertBusError('SwapFailed', self.swap, daemon, 'echo', reading)))
        thread.start()
        daemon.load(module('counter-1.0.0'))
        self.assertEqual(daemon.tool_value('count'), {'count': 1})
        thread.join(20)
        self.assertIn('100 bytes', errors[0].message)
        os.close(writing)
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_handle_that_is_none_is_refused(self):
        daemon = self.echo()
        self.assertBusError('InvalidArgument', self.begin, daemon, 'echo', None)
        for handle in (1, 2 ** 31 - 1, -1):
            # The bus may refuse a message with a handle that it does not carry.
            with self.assertRaises(BusError):
                self.begin(daemon, 'echo', memfd(b''), handle=handle)
        self.assertEqual(daemon.tool_value('echo', {'x': 1}), {'x': 1})

    def test_code_of_what_is_not_there(self):
        daemon = self.echo()
        self.assertBusError('ModuleNotLoaded', self.code, daemon, 'counter')
        self.assertBusError('NotFound', self.code, daemon, 'echo', version='f' * 64)

    def test_from_the_command_line(self):
        daemon = self.echo()
        environment = {'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}

        def ctl(*arguments, **options):
            return subprocess.run([os.environ['COLLETCTL'], *arguments], env=environment, check=False, timeout=30,
                                  capture_output=True, **options)

        original, new = read(module('echo-1.0.0')), read(module('echo-2.0.0'))
        self.assertEqual(ctl('code', 'echo').stdout, original)
        done = ctl('swap', 'echo', module('echo-2.0.0'), '--reason=cli')
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(ctl('code', 'echo').stdout, new)
        self.assertEqual(ctl('swap', 'echo', '-', input=original).returncode, 0)
        out = os.path.join(self.folder, 'out.so')
        self.assertEqual(ctl('code', 'echo', sha256(module('echo-2.0.0'))[:8], '--output', out).returncode, 0)
        self.assertEqual(read(out), new)
        self.assertEqual(daemon.version('echo'), sha256(module('echo-1.0.0')))
        failed = ctl('swap', 'echo', '-', input=b'nothing')
        self.assertEqual((failed.returncode, b'InvalidModule' in failed.stderr), (1, True), failed)


if __name__ == '__main__':
    unittest.main()
