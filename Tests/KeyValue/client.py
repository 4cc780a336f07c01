#!/usr/bin/env python3
"""Talks to KeyValue with the Python package `redis`, and with hostile clients on plain sockets.

    client.py --port PORT [--unix PATH]

It ends with exit code 1 at the first difference. It needs `pip install redis`, and nothing else has to use the server.
"""
import argparse
import collections
import random
import socket
import threading
import time

import redis

arguments = argparse.ArgumentParser()
arguments.add_argument("--port", type=int, required=True)
arguments.add_argument("--unix")
arguments = arguments.parse_args()


def connect(protocol, **options):
    return redis.Redis(port=arguments.port, protocol=protocol, socket_timeout=30, **options)


def check(value, expected):
    if value != expected:
        raise SystemExit(f"client.py: expected {expected!r:.500}, got {value!r:.500}")


def refused(call, text):
    try:
        value = call()
    except redis.RedisError as error:
        check(text in str(error), True)
    else:
        raise SystemExit(f"client.py: expected an error with {text!r}, got {value!r}")


def until(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"client.py: {what} did not happen within 30 seconds")
        time.sleep(0.01)


def values(r):
    r.flushall()
    check(r.set("s", b"\x00\r\n\xff"), True)
    check(r.get("s"), b"\x00\r\n\xff")
    check(r.incrbyfloat("f", 1.5), 1.5)
    check(r.rpush("l", *range(5)), 5)
    check(r.lrange("l", 1, -2), [b"1", b"2", b"3"])
    check(r.hset("h", mapping={"a": 1, "b": 2}), 2)
    check(r.hgetall("h"), {b"a": b"1", b"b": b"2"})
    check(r.sadd("x", 1, 2, 3), 3)
    check(r.sadd("y", 2, 3, 4), 3)
    check(set(r.sinter("x", "y")), {b"2", b"3"})
    check(r.mset({f"m{i}": i for i in range(100)}), True)
    check(r.mget([f"m{i}" for i in range(101)]), [str(i).encode() for i in range(100)] + [None])
    check(r.delete(*[f"m{i}" for i in range(100)]), 100)
    check(r.rename("s", "t"), True)
    check(r.exists("s", "t"), 1)
    check(sorted(r.scan_iter(count=2)), [b"f", b"h", b"l", b"t", b"x", b"y"])
    check(dict(r.hscan_iter("h")), {b"a": b"1", b"b": b"2"})
    check(r.dbsize(), 6)
    check(r.info()["db0"]["keys"], 6)
    refused(lambda: r.incr("l"), "wrong kind of value")
    big = random.randbytes(4_000_000)
    check(r.set("big", big), True)
    check(r.get("big") == big, True)
    r.flushall()
    check(r.randomkey(), None)


def expiry(r):
    r.set("soon", 1, px=50)
    r.set("later", 1, ex=100)
    until(lambda: r.get("soon") is None, "the end of a key")
    # By the sweep, since nobody asks for these keys.
    for i in range(500):
        r.set(f"soon{i}", 1, px=20)
    until(lambda: r.dbsize() == 1, "the sweep of keys that have ended")
    check(90 < r.ttl("later") <= 100, True)
    r.delete("later")


def pipelines(r):
    """Commands of all kinds in one pipeline, against a model."""
    dice = random.Random(1)
    for _ in range(50):
        model = collections.Counter()
        pipe = r.pipeline(transaction=False)
        expected = []
        for _ in range(dice.randrange(1, 3000)):
            key = f"p{dice.randrange(20)}"
            kind = dice.randrange(6)
            if kind < 3:
                model[key] += 1
                pipe.incr(key)
                expected.append(model[key])
            elif kind == 3:
                pipe.get(key)
                expected.append(str(model[key]).encode() if model[key] else None)
            elif kind == 4:
                keys = [f"p{dice.randrange(20)}" for _ in range(3)]
                pipe.mget(keys)
                expected.append([str(model[k]).encode() if model[k] else None for k in keys])
            else:
                pipe.ping()
                expected.append(True)
        check(pipe.execute(), expected)
        r.flushall()


def transactions(r, make):
    pipe = r.pipeline()
    pipe.set("a", 1).incr("b").lpush("b", 1).get("a").publish("nobody", 1)
    result = pipe.execute(raise_on_error=False)
    check(result[:2] + result[3:], [True, 1, b"1", 0])
    check(isinstance(result[2], redis.ResponseError), True)
    # Many clients move money between keys of different shards; a reader never sees a wrong total.
    accounts = [f"account{i}" for i in range(8)]
    r.mset({account: 100 for account in accounts})
    failures = []

    def move(seed):
        client, dice = make(), random.Random(seed)
        for _ in range(100):
            source, target = dice.sample(accounts, 2)

            def transfer(pipe):
                amount = int(pipe.get(source)) // 2
                pipe.multi()
                pipe.decrby(source, amount)
                pipe.incrby(target, amount)

            client.transaction(transfer, source)

    def watch():
        client = make()
        for _ in range(300):
            total = sum(map(int, client.mget(accounts)))
            if total != 800:
                failures.append(total)

    threads = [threading.Thread(target=move, args=(seed,)) for seed in range(4)] + [threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(failures, [])
    check(sum(map(int, r.mget(accounts))), 800)
    # Of many who try, one wins.
    wins = []

    def claim(number):
        if make().msetnx({"left": number, "right": number}):
            wins.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(len(wins), 1)
    check(r.mget("left", "right"), [str(wins[0]).encode()] * 2)
    r.flushall()


def publishing(r):
    listener = r.pubsub()
    listener.subscribe("news", "sports")
    listener.psubscribe("n*")
    check([listener.get_message(timeout=30)["data"] for _ in range(3)], [1, 2, 3])
    for number in range(1000):
        check(r.publish("news", number), 2)
    for number in range(1000):
        check(listener.get_message(timeout=30)["data"], str(number).encode())
        check(listener.get_message(timeout=30)["type"], "pmessage")
    listener.unsubscribe("news")
    check(listener.get_message(timeout=30)["type"], "unsubscribe")
    check(r.publish("news", "x"), 1)
    listener.close()
    until(lambda: r.publish("news", "x") == 0, "the end of the subscriptions of a client that has gone")


def plain(data=b""):
    s = socket.create_connection(("127.0.0.1", arguments.port))
    s.settimeout(30)
    s.sendall(data)
    return s


def read_to_end(s):
    data = b""
    while piece := s.recv(65536):
        data += piece
    return data


def memory_of_server(r):
    """The server's resident memory in MiB, or None where it cannot be read."""
    try:
        with open(f"/proc/{r.info()['process_id']}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) // 1024
    except OSError:
        return None


def read_exactly(s, count):
    data = bytearray()
    while len(data) < count:
        piece = s.recv(min(1 << 20, count - len(data)))
        if not piece:
            raise SystemExit("client.py: the connection ended in the middle of an answer")
        data += piece
    return bytes(data)


def long_answers(r):
    """A client that asks for many long values at once, and does not read them for a while, gets a few at a time."""
    for keys in (1, 8):
        blocks = [random.randbytes(1_000_000) for _ in range(keys)]
        for number, block in enumerate(blocks):
            r.set(f"block{number}", block)
        # Both orders of answers from the session itself and from shards.
        request = b"".join(b"GET block%d\r\nECHO %d\r\n" % (number % keys, number) for number in range(100))
        before = memory_of_server(r)
        greedy = plain(request)
        # When the first answer has begun, the server has made as many of the first batch as it does at once.
        first = read_exactly(greedy, 1)
        after = memory_of_server(r)
        # All of the first batch would be 64 MB, and 64 more in the output of the connection.
        if before and after and after - before > 40:
            raise SystemExit(f"client.py: the server keeps {after - before} MiB for a client that does not read")
        for number in range(100):
            head = b"$1000000\r\n"
            check(first + read_exactly(greedy, len(head) - len(first)), head)
            first = b""
            check(read_exactly(greedy, 1_000_002) == blocks[number % keys] + b"\r\n", True)
            echo = b"$%d\r\n%d\r\n" % (len(str(number)), number)
            check(read_exactly(greedy, len(echo)), echo)
        # What needs several shards is done alone, one after the other, and is held back as well.
        greedy.sendall((b"MGET " + b" ".join(b"block%d" % number for number in range(keys)) + b"\r\n") * 20)
        answer = b"*%d\r\n" % keys + b"".join(b"$1000000\r\n" + block + b"\r\n" for block in blocks)
        for _ in range(20):
            check(read_exactly(greedy, len(answer)) == answer, True)
        greedy.close()
        # One that goes away in the middle of it leaves nothing behind.
        gone = plain(request)
        read_exactly(gone, 1)
        gone.close()
        r.flushall()


def hostile(r):
    # Nonsense is answered by an error, after the answers to what came before it, and ends the connection.
    for text in (b"*1000000000\r\n", b"*1\r\n$1000000000\r\n", b"*1\r\n+x\r\n", b"\"\n", b"x" * 100_000):
        answer = read_to_end(plain(b"PING\r\n" + text))
        check(answer.startswith(b"+PONG\r\n-ERR Protocol error"), True)
    check(read_to_end(plain(b"PING\r\nQUIT\r\nPING\r\n")), b"+PONG\r\n+OK\r\n")
    # Bytes that come one at a time, and clients that die in the middle.
    s = plain()
    for byte in b"*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n":
        s.sendall(bytes([byte]))
    check(s.recv(100), b"$3\r\na\r\n\r\n")
    for _ in range(200):
        plain(b"*2\r\n$4\r\nECHO\r\n$300\r\nabc").close()
    # A listener that does not read is closed by the limit of its output, and the publisher does not notice.
    deaf = plain(b"SUBSCRIBE flood\r\n")
    until(lambda: r.publish("flood", "x") == 1, "the subscription")
    block = b"x" * 1_000_000
    sent = 0
    while r.publish("flood", block) == 1:
        sent += 1
        if sent > 1000:
            raise SystemExit("client.py: a listener that does not read is never closed")
    deaf.close()
    # A client that sends and does not read is held back, and nobody else is.
    r.set("block", block)
    greedy = plain()
    greedy.settimeout(1)
    request = b"GET block\r\n" * 1000
    try:
        for _ in range(100_000):
            greedy.sendall(request)
        raise SystemExit("client.py: a client that does not read may send without end")
    except TimeoutError:
        pass
    check(r.ping(), True)
    greedy.close()
    r.flushall()


for version in (2, 3):
    client = connect(version)
    values(client)
    expiry(client)
    pipelines(client)
    transactions(client, lambda: connect(version))
    publishing(client)
hostile(connect(2))
long_answers(connect(2))
if arguments.unix:
    check(redis.Redis(unix_socket_path=arguments.unix).ping(), True)
check(connect(2).ping(), True)
print("client.py: all is as it should be")
