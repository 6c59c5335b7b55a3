# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the demonstrations share."""

import json
import signal
import socket
import subprocess


class Failure(Exception):
    """Something that ends the demonstration, for people."""


def say(text=''):
    print(text, flush=True)


def number(value):
    return f'{value:,}'


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def end(process, name, timeout=20):
    """SIGTERM, and SIGKILL after a while."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        say(f'{name} did not end by itself; it is killed.')
        process.kill()
        process.wait()


class Load:
    """The load client: a process of its own that never repeats a call. It checks every
    value, and that the calculator's register adds up."""

    def __init__(self, program, port, *arguments):
        self.url = f'http://127.0.0.1:{port}/mcp'
        # It starts with these blocked, and takes them when it is ready to: asked before, it would end of them.
        asks = {signal.SIGUSR1, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, asks)
        try:
            self.process = subprocess.Popen([program, '--url', self.url, '--verify', *map(str, arguments)],
                                            stdout=subprocess.PIPE, text=True, start_new_session=True)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, asks)

    def parse(self, line):
        try:
            return json.loads(line)
        except ValueError:
            raise Failure(f'the load client of {self.url} ended with {self.process.wait(10)} before its time; '
                          f'it said: {line.strip() or "nothing"}') from None

    def count(self):
        """Calls made and failed so far."""
        self.process.send_signal(signal.SIGUSR1)
        line = self.parse(self.process.stdout.readline())
        return line['made'], line['failed']

    def finish(self):
        """Its summary and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=60)
        return self.parse((rest.splitlines() or [''])[-1]), self.process.returncode

    def close(self):
        end(self.process, 'collet-load')


class Checks:
    def __init__(self):
        self.failed = 0

    def expect(self, holds, text):
        say(f"  {'ok  ' if holds else 'NOT '} {text}")
        self.failed += not holds
