#!/usr/bin/env python3
"""Sends much through the sample Relay to readers that are slow, and looks at the relay's memory meanwhile.

usage: relay.py PROGRAM [--connections N] [--mib N] [--rate N] [--growth N] [--to server|client]

In each direction, the readers read nothing until every writer is held; then they read, all together at most --rate MiB
a second, and compare each byte. The memory of the relay may grow by at most --growth MiB from when the connections are
there. Last, the script looks at what a client is told whose server cannot be reached.
"""

import argparse
import atexit
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time

MIB = 1 << 20


def fail(reason):
    sys.exit(f"relay.py: {reason}")


def handles_interrupt(process):
    """Whether a process has got as far as to end in order after SIGINT."""
    with open(f"/proc/{process.pid}/status") as status:
        caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGINT - 1) & 1)


class Relay:
    def __init__(self, program, target):
        self.process = subprocess.Popen(
            [program, "--port", "0", "--to", f"127.0.0.1:{target}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            fail(f"the relay did not start: {line}{self.process.stderr.read()}")
        self.port = int(line.split()[1])

    def memory(self):
        """The resident memory in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def sockets(self):
        """How many sockets are open."""
        folder, count = f"/proc/{self.process.pid}/fd", 0
        for descriptor in os.listdir(folder):
            try:
                count += os.readlink(f"{folder}/{descriptor}").startswith("socket:")
            except FileNotFoundError:
                pass
        return count

    def stop(self):
        while not handles_interrupt(self.process):
            os.sched_yield()
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60)
        if self.process.returncode != 0:
            fail(f"the relay ended with {self.process.returncode}: {errors}")
        return errors


class Stream:
    """One connection: the end that writes, the end that reads, and how far they are."""

    def __init__(self, number, writer, reader, size):
        self.writer, self.reader, self.size = writer, reader, size
        self.sent = self.received = 0
        # Twice, so that each piece of up to 1 MiB at any offset lies in one piece here.
        self.pattern = memoryview((bytes([number]) + os.urandom(MIB - 1)) * 2)

    def expected(self, offset, count):
        start = offset % MIB
        return self.pattern[start:start + count]

    def write(self):
        """Writes what the socket takes. Returns whether all is written."""
        count = min(MIB, self.size - self.sent)
        try:
            self.sent += self.writer.send(self.expected(self.sent, count))
        except BlockingIOError:
            pass
        if self.sent < self.size:
            return False
        self.writer.shutdown(socket.SHUT_WR)
        return True

    def read(self, buffer):
        """Reads and compares. Returns whether that was the end."""
        count = self.reader.recv_into(buffer)
        if count == 0:
            if self.received != self.size:
                raise ValueError(f"the stream ended after {self.received} of {self.size} bytes")
            return True
        if buffer[:count] != self.expected(self.received, count):
            raise ValueError(f"a byte after {self.received} differs")
        self.received += count
        return False


def write_all(streams, held):
    """Writes to all streams. Sets `held` when no socket has taken anything for a second, or all is written."""
    selector = selectors.DefaultSelector()
    for stream in streams:
        stream.writer.setblocking(False)
        selector.register(stream.writer, selectors.EVENT_WRITE, stream)
    while selector.get_map():
        ready = selector.select(1)
        if not ready:
            held.set()
        for key, _ in ready:
            if key.data.write():
                selector.unregister(key.fileobj)
    held.set()


def read_all(streams, held, rate):
    """Reads from all streams once the writers are held."""
    held.wait()
    buffer = memoryview(bytearray(256 << 10))
    selector = selectors.DefaultSelector()
    for stream in streams:
        selector.register(stream.reader, selectors.EVENT_READ, stream)
    start, total = time.monotonic(), 0
    while selector.get_map():
        for key, _ in selector.select():
            stream = key.data
            before = stream.received
            if stream.read(buffer):
                selector.unregister(key.fileobj)
            total += stream.received - before
            ahead = total / (rate * MIB) - (time.monotonic() - start) if rate else 0
            if ahead > 0:
                time.sleep(ahead)


def connect(relay, listener, count):
    pairs = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", relay.port))
        server, _ = listener.accept()
        for end in (client, server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 << 10)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)
        pairs.append((client, server))
    return pairs


def transfer(direction, relay, listener, options):
    pairs = connect(relay, listener, options.connections)
    size = options.mib * MIB
    streams = [
        Stream(number, *(pair if direction == "to the server" else reversed(pair)), size)
        for number, pair in enumerate(pairs)
    ]
    before = most = relay.memory()
    held, errors, start = threading.Event(), [], time.monotonic()

    def run(body, *arguments):
        try:
            body(*arguments)
        except Exception as error:
            errors.append(error)
            held.set()

    threads = [
        threading.Thread(target=run, args=(write_all, streams, held), daemon=True),
        threading.Thread(target=run, args=(read_all, streams, held, options.rate), daemon=True),
    ]
    for thread in threads:
        thread.start()
    held.wait()
    taken = sum(stream.sent for stream in streams)
    if taken >= size * len(streams):
        fail(f"{direction}: the relay took all {taken // MIB} MiB although nobody read")
    while any(thread.is_alive() for thread in threads) and not errors:
        most = max(most, relay.memory())
        threads[1].join(0.02)
    if errors:
        fail(f"{direction}: {errors[0]}")
    seconds = time.monotonic() - start
    for pair in pairs:
        for end in pair:
            end.close()
    print(
        f"{direction}: {len(streams)} connections of {options.mib} MiB in {seconds:.1f} s; the writers were held after "
        f"{taken / MIB:.0f} MiB in all; memory of the relay {before:.1f} MiB before, {most:.1f} MiB at most", flush=True)
    if most - before > options.growth:
        fail(f"the memory grew by more than {options.growth} MiB")


def refused(program):
    """A client whose server refuses is cut off, and the log says why."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        relay = Relay(program, port)
        with socket.create_connection(("127.0.0.1", relay.port)) as client:
            try:
                answer = client.recv(1)
            except ConnectionResetError:
                answer = b""
            if answer:
                fail("a client got an answer from a server that is not there")
        errors = relay.stop()
    wanted = f"connect to 127.0.0.1:{port}: Connection refused (ECONNREFUSED)"
    if wanted not in errors:
        fail(f"the log does not say '{wanted}': {errors}")
    print(f"refused: {errors.strip()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--mib", type=int, default=32)
    parser.add_argument("--rate", type=int, default=0, help="MiB a second; 0: as fast as it can")
    parser.add_argument("--growth", type=float, default=16)
    parser.add_argument("--to", choices=("server", "client"), help="only in this direction")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    relay = Relay(options.program, listener.getsockname()[1])
    idle = relay.sockets()
    for direction in [f"to the {options.to}"] if options.to else ["to the server", "to the client"]:
        transfer(direction, relay, listener, options)
    # The relay hears of the last ends a moment later.
    deadline = time.monotonic() + 30
    while relay.sockets() > idle and time.monotonic() < deadline:
        os.sched_yield()
    if relay.sockets() > idle:
        fail(f"{relay.sockets() - idle} sockets are left")
    errors = relay.stop()
    if errors:
        fail(f"the relay has complained: {errors}")
    refused(options.program)


main()
