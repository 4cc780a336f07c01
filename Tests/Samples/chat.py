#!/usr/bin/env python3
"""Talks to the sample Chat by its port for terminals: a hundred clients that read, and one that does not. Then it
asks for WebSockets as pages of several sites would.

usage: chat.py PROGRAM [--clients N]
"""

import argparse
import asyncio
import re
import signal
import socket
import sys

LIMIT = 60  # Seconds after which whatever is awaited has failed.


def fail(reason):
    sys.exit(f"chat.py: {reason}")


def handles_interrupt(process):
    """Whether a process has got as far as to end in order after SIGINT."""
    with open(f"/proc/{process.pid}/status") as status:
        caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGINT - 1) & 1)


class Chat:
    """The program, on free ports."""

    @classmethod
    async def start(cls, program, *options):
        self = cls()
        self.process = await asyncio.create_subprocess_exec(
            program, "--port", "0", "--lines", "0", *options,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        page = (await self.process.stdout.readline()).decode()
        lines = (await self.process.stdout.readline()).decode()
        if not page.startswith("page: ") or not lines.startswith("lines: "):
            fail(f"the program did not start: {page}{lines}{(await self.process.stderr.read()).decode()}")
        self.page = page.split()[1]
        self.lines = int(lines.rsplit(":", 1)[1])
        while not handles_interrupt(self.process):
            await asyncio.sleep(0)
        return self

    async def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(self.process.communicate(), LIMIT)
        # What was on its way to those who left may be a dead letter.
        complaints = [line for line in errors.decode().splitlines() if "dead letter" not in line]
        if self.process.returncode != 0 or complaints:
            fail(f"the program ended with {self.process.returncode}: {complaints}")


class Client:
    """Somebody with a terminal."""

    @classmethod
    async def enter(cls, chat, name):
        self = cls()
        self.name = name
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", chat.lines)
        await self.expect(r"\* What is your name\?")
        self.say(name)
        await self.expect(rf"\* You are {name}\. .*")
        self.people = (await self.expect(r"\* In lobby: (.*)")).group(1).split(", ")
        return self

    def say(self, text):
        self.writer.write(text.encode() + b"\n")

    async def line(self):
        line = await asyncio.wait_for(self.reader.readline(), LIMIT)
        if not line.endswith(b"\n"):
            fail(f"the connection of {self.name} has ended")
        return line.decode().rstrip("\n")

    async def expect(self, pattern):
        line = await self.line()
        found = re.fullmatch(pattern, line)
        if not found:
            fail(f"{self.name} expected {pattern} and got {line}")
        return found

    async def posts(self, count):
        """The next posts, and nothing of what else comes."""
        found = []
        while len(found) < count:
            line = await self.line()
            if line.startswith("["):
                found.append(line)
        return found

    async def wait_for(self, wanted):
        while await self.line() != wanted:
            pass


async def crowd(chat, count):
    """All see the same posts in the same order, those of each speaker in the order in which they were said."""
    names = [f"guest-{number}" for number in range(count)]
    clients = await asyncio.gather(*(Client.enter(chat, name) for name in names))
    if max(len(client.people) for client in clients) != count:
        fail("nobody has seen all the others")
    for client in clients:
        for number in range(5):
            client.say(f"message {number}")
    seen = await asyncio.gather(*(client.posts(5 * count) for client in clients))
    if any(posts != seen[0] for posts in seen):
        fail("two clients have seen different posts")
    for name in names:
        own = [post for post in seen[0] if post.startswith(f"[lobby] {name}: ")]
        if own != [f"[lobby] {name}: message {number}" for number in range(5)]:
            fail(f"the posts of {name} are {own}")
    # Presence: one leaves by a command, one by the end of the input, and one by a reset.
    first, second, third, rest = clients[0], clients[1], clients[2], clients[3:]
    first.say("/quit")
    second.writer.write_eof()
    third.writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    third.writer.transport.abort()
    for client in rest:
        left = set()
        while len(left) < 3:
            left.add(await client.line())
        if left != {f"* guest-{number} has left lobby." for number in range(3)}:
            fail(f"{client.name} has seen {left}")
    rest[0].say("/who")
    here = (await rest[0].expect(r"\* In lobby: (.*)")).group(1)
    if here != ", ".join(sorted(names[3:])):
        fail(f"those who are here are {here}")
    print(f"{count} clients have seen the same posts, {len(seen[0])}, and who has left")


async def slow(chat):
    """A client that does not read is cut off, and nobody waits for it."""
    clients = [await Client.enter(chat, f"busy-{number}") for number in range(10)]
    for client in clients:
        client.say("/join busy")
        while not (await client.line()).startswith("* In busy: "):
            pass
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.connect(("127.0.0.1", chat.lines))
    sleeper.sendall(b"sleeper\n/join busy\n")
    speaker = clients[0]
    await speaker.wait_for("* sleeper has come to busy.")
    gone = [asyncio.create_task(client.wait_for("* sleeper has left busy.")) for client in clients[1:]]
    count = 0
    while not all(task.done() for task in gone):
        speaker.say(f"{count} " + "x" * 1900)
        await speaker.posts(1)
        count += 1
        if count > 20000:
            fail("a client that does not read was not cut off")
    for task in gone:
        task.result()
    sleeper.close()
    print(f"a client that does not read was cut off after {count} posts of 1.9 kB, and the others were served")


async def history(chat):
    """Who comes later sees what was said, even by somebody who said it just before the end of the input."""
    reader, writer = await asyncio.open_connection("127.0.0.1", chat.lines)
    writer.write(b"passer-by\n/join quiet\nis anybody here?\n")
    writer.write_eof()
    await asyncio.wait_for(reader.read(), LIMIT)
    late = await Client.enter(chat, "late")
    late.say("/join quiet")
    await late.wait_for("[quiet] passer-by: is anybody here?")
    print("who comes late sees what was said before")


async def sites():
    """A page may come in from the site itself and from those that are allowed, and from no other one."""

    async def status(chat, *fields):
        port = chat.page.strip("/").rsplit(":", 1)[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        head = ["GET /socket HTTP/1.1", f"Host: localhost:{port}", "Connection: Upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *fields]
        writer.write(("\r\n".join(head) + "\r\n\r\n").replace("{port}", port).encode())
        line = (await asyncio.wait_for(reader.readline(), LIMIT)).decode()
        writer.close()
        return int(line.split()[1])

    own, other = "Origin: http://localhost:{port}", "Origin: https://other.example"
    more = "Origin: http://more.example:81"
    chat = await Chat.start(options.program)
    for fields, expected in [
            ([], 101), ([own], 101), (["ORIGIN: HTTP://LOCALHOST:{port}"], 101), ([other], 403),
            ([own, own], 403), (["Origin: null"], 403), (["Origin: http://localhost"], 403),
            (["Origin: http://localhost:{port}.example"], 403)]:
        if (found := await status(chat, *fields)) != expected:
            fail(f"a page with {fields} is answered by {found}, and not by {expected}")
    await chat.stop()
    chat = await Chat.start(options.program, "--origins", "https://other.example,http://more.example:81")
    for fields, expected in [([own], 101), ([other], 101), ([more], 101), (["Origin: http://other.example"], 403)]:
        if (found := await status(chat, *fields)) != expected:
            fail(f"with --origins a page with {fields} is answered by {found}, and not by {expected}")
    await chat.stop()
    print("pages of other sites may not come in")


async def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--clients", type=int, default=100)
    options = parser.parse_args()
    chat = await Chat.start(options.program)
    await crowd(chat, options.clients)
    await slow(chat)
    await history(chat)
    await chat.stop()
    await sites()


asyncio.run(main())
