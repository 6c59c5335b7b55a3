# SPDX-License-Identifier: LGPL-2.1-or-later
"""The wires between nodes and members of etcd, and what goes wrong on them.

Every server is reached through a listener of its own here. Who has called is
found by the process that owns the other end, so that each pair of them is a link
with faults of its own."""

import asyncio
import base64
import contextlib
import os
import re
import socket
import struct
import threading

KEY = re.compile(rb'"key":"([A-Za-z0-9+/=]+)"')
CHUNK = 65536


class Link:
    """From source to target. What is held is neither lost nor refused: it waits."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.heal()

    def heal(self):
        self.is_cut = False
        self.is_held_there = False  # what is asked does not arrive
        self.is_held_back = False   # what is answered does not
        self.delay_s = 0.0          # each way, each piece
        self.drop = None            # answers to requests that name a key like this
        self.drop_left = 0

    def takes_answer_of(self, keys):
        return self.drop_left > 0 and any(self.drop.search(key) for key in keys)


class Wire:
    """One connection."""

    def __init__(self, network, link, near, far):
        self.network, self.link, self.near, self.far = network, link, near, far
        self.queue_there, self.queue_back = asyncio.Queue(), asyncio.Queue()
        self.loses_answer = False
        self.is_over = False

    def end(self):
        if self.is_over:
            return
        self.is_over = True
        self.network.wires.discard(self)
        for writer in (self.near[1], self.far[1]):
            # Resets, as nothing that was sent can be taken back.
            connection = writer.get_extra_info('socket')
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            writer.transport.abort()

    async def there(self):
        rest = b''  # a key may come in two pieces
        while data := await self.near[0].read(CHUNK):
            keys = [base64.b64decode(key) for key in KEY.findall(rest + data)]
            rest = data[-512:]
            if keys and self.link.takes_answer_of(keys):
                self.loses_answer = True
            self.send(self.queue_there, data)

    async def back(self):
        while data := await self.far[0].read(CHUNK):
            if self.loses_answer:
                self.link.drop_left -= 1
                self.network.dropped += 1
                return
            self.send(self.queue_back, data)

    async def deliver(self, queue, writer, is_held):
        """What comes later does not wait for what came before to arrive, only behind it."""
        while True:
            due, data = await queue.get()
            if data is None:
                return
            await asyncio.sleep(max(0, due - self.network.loop.time()))
            while is_held():
                await asyncio.sleep(0.02)
            writer.write(data)
            await writer.drain()

    def send(self, queue, data):
        queue.put_nowait((self.network.loop.time() + self.link.delay_s, data))

    async def take(self, way, queue):
        """What was read before the end is delivered before it."""
        with contextlib.suppress(OSError):
            await way
        queue.put_nowait((0, None))

    async def run(self):
        readers = [asyncio.ensure_future(reader) for reader in (
            self.take(self.there(), self.queue_there), self.take(self.back(), self.queue_back))]
        writers = [asyncio.ensure_future(writer) for writer in (
            self.deliver(self.queue_there, self.far[1], lambda: self.link.is_held_there),
            self.deliver(self.queue_back, self.near[1], lambda: self.link.is_held_back))]
        try:
            await asyncio.wait(writers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in readers + writers:
                task.cancel()
            await asyncio.gather(*readers, *writers, return_exceptions=True)
            self.end()


def owner_of(port, to_port, processes):
    """The name of the process that has a TCP socket from port to to_port."""
    with open('/proc/net/tcp', encoding='ascii') as table:
        for line in table:
            fields = line.split()
            if fields[1].endswith(f':{port:04X}') and fields[2].endswith(f':{to_port:04X}'):
                wanted = f'socket:[{fields[9]}]'
                break
        else:
            return None
    for name, pid in processes.items():
        with contextlib.suppress(OSError):
            for fd in os.listdir(f'/proc/{pid}/fd'):
                with contextlib.suppress(OSError):  # closed meanwhile
                    if os.readlink(f'/proc/{pid}/fd/{fd}') == wanted:
                        return name
    return None


class Network:
    """processes(): the name and pid of everyone who may call."""

    def __init__(self, processes):
        self.processes = processes
        self.links = {}
        self.wires = set()
        self.dropped = 0
        self.servers = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True, name='network')
        self.thread.start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(90)

    def listen(self, target, upstream_port):
        """The port at which the target is reached from now on."""
        async def start():
            server = await asyncio.start_server(
                lambda reader, writer: self.on_call(target, upstream_port, reader, writer), '127.0.0.1', 0)
            self.servers.append(server)
            return server.sockets[0].getsockname()[1]
        return self.call(start())

    async def on_call(self, target, upstream_port, reader, writer):
        far = None
        try:
            port, own_port = writer.get_extra_info('peername')[1], writer.get_extra_info('sockname')[1]
            source = owner_of(port, own_port, self.processes())
            link = self.link(source, target)
            if source is not None and not link.is_cut:
                far = await asyncio.open_connection('127.0.0.1', upstream_port)
        except OSError:
            pass
        if far is None:
            writer.transport.abort()
            return
        wire = Wire(self, link, (reader, writer), far)
        self.wires.add(wire)
        await wire.run()

    # What the tests do, from their own thread.

    def link(self, source, target):
        return self.links.setdefault((source, target), Link(source, target))

    def change(self, sources, targets, resets=False, **faults):
        """On every link between them; resets: what is open ends."""
        async def apply():
            for source in sources:
                for target in targets:
                    link = self.link(source, target)
                    for name, value in faults.items():
                        setattr(link, name, value)
                    for wire in [wire for wire in self.wires if resets and wire.link is link]:
                        wire.end()
        self.call(apply())

    def cut(self, sources, targets):
        self.change(sources, targets, resets=True, is_cut=True)

    def hold(self, sources, targets, there=True, back=True):
        self.change(sources, targets, is_held_there=there, is_held_back=back)

    def delay(self, sources, targets, seconds):
        self.change(sources, targets, delay_s=seconds)

    def reset(self, sources, targets):
        self.change(sources, targets, resets=True)

    def drop_answers(self, sources, targets, pattern, count=1):
        """Of transactions that name such a key: they are made, and nobody is told."""
        self.change(sources, targets, drop=re.compile(pattern.encode()), drop_left=count)

    def heal(self):
        """What was held goes on."""
        async def apply():
            for link in self.links.values():
                link.heal()
        self.call(apply())

    def close(self):
        async def stop():
            for server in self.servers:
                server.close()
            for wire in list(self.wires):
                wire.end()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.call(stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
