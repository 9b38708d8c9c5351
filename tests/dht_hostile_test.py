"""A million hostile packets at full rate, to one DHT node of ours.

usage: dht_hostile_test.py RAMAGE

Random bytes, real queries with bytes changed, guessed tokens and floods of puts, from thousands of
addresses in a network of the test's own. The node's memory stays bounded, no address gets more than
four times the bytes it sent, and most honest nodes are answered within a second meanwhile.
"""

import json
import os
import random
import socket
import sys
import time

import dht_lab as lab
import people
from dht_krpc import ID, Pen, item_target, query

PACKETS = 1_000_000
SOURCES = 4000
OPEN_AT_ONCE = 100
MEMORY_MIB_MAX = 32  # 2,000 hashes, 1,000 items, two tables, and the program itself
AMPLIFIED_MAX = 4
NEIGHBOURS = 10
HONEST_EVERY_SECONDS = 0.25
HONEST_WITHIN_SECONDS = 1
# The sender takes a whole core and fills the socket's buffer: what is lost there nobody can answer.
HONEST_SHARE = 0.5
TRY_SECONDS = 0.1  # a full socket loses packets of honest nodes too, so they repeat themselves


def real_queries(luck):
    """What hostile packets are made of."""
    pen, target = Pen(luck.randbytes(32)), luck.randbytes(20)
    value = luck.randbytes(luck.choice([8, 900]))
    return [
        query("ping"), query("find_node", {"target": target}),
        query("get_peers", {"info_hash": target}),
        query("get_peers", {"info_hash": target, "scrape": 1}),
        query("get", {"target": target}), query("sample_infohashes", {"target": target}),
        query("announce_peer", {"info_hash": target, "port": 1, "token": luck.randbytes(4)}),
        query("put", {"target": item_target(value), "token": luck.randbytes(4), "v": value}),
        query("put", pen.put(value, 1, luck.randbytes(4))),
        query("vote", {"target": target}),
    ]


def packets(luck):
    """A thousand of each sort: real ones, real ones changed, and random bytes."""
    real = [each for _ in range(100) for each in real_queries(luck)]
    return real + [changed(luck, each) for each in real] + [
        luck.randbytes(luck.randrange(1, 400)) for _ in real] + [
        b"d1:" + luck.randbytes(luck.randrange(1, 200)) for _ in real]


def changed(luck, packet):
    bytes_of = bytearray(packet)
    for _ in range(luck.randrange(1, 4)):
        bytes_of[luck.randrange(len(bytes_of))] = luck.randrange(256)
    return bytes(bytes_of[:luck.randrange(len(bytes_of))] if luck.random() < 0.2 else bytes_of)


def flood(to):
    """Sends them all; figures of it. Each address sends its share from one socket, then is done."""
    luck = random.Random(lab.SEED)
    stock = packets(luck)
    sent = received = 0
    worst = 0.0
    began = time.monotonic()
    for first in range(0, SOURCES, OPEN_AT_ONCE):
        sockets = [source(first + number, to) for number in range(OPEN_AT_ONCE)]
        out = [0] * OPEN_AT_ONCE
        for turn in range(PACKETS // SOURCES):
            for number, one in enumerate(sockets):
                packet = stock[(turn * 7919 + number * 104729 + first) % len(stock)]
                one.send(packet)
                out[number] += len(packet)
        time.sleep(0.02)
        back = [drain(one) for one in sockets]
        sent, received = sent + sum(out), received + sum(back)
        worst = max(worst, *(got / gave for got, gave in zip(back, out)))
    seconds = time.monotonic() - began
    return {"sent": sent, "received": received, "worst": worst, "seconds": seconds}


def source(number, to):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    one.bind((f"{lab.STRANGERS}.{number >> 8}.{number & 255}.9", lab.PORT))
    one.connect(to)
    return one


def drain(one):
    """All bytes that came back to it."""
    one.setblocking(False)
    count = 0
    try:
        while True:
            count += len(one.recv(65535))
    except BlockingIOError:
        pass
    one.close()
    return count


def in_child(function, *arguments):
    """(pid, pipe that gives its result)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(writer, json.dumps(function(*arguments)).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    return pid, reader


def resident_kib(pid, which):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(which))


def honest(address):
    """How long somebody new waits for his answer; more than a second if he gets none."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < HONEST_WITHIN_SECONDS:
        asker = lab.asker()
        answer = asker.raw(address, query("find_node", {"target": ID}), TRY_SECONDS)
        asker.close()
        if answer is not None:
            return time.monotonic() - began
    return waited


def main(program):
    lab.enter()
    report, children = people.Report(), []
    flooder = None
    try:
        network = lab.Network()
        hosts = [lab.ipv4(number) for number in range(NEIGHBOURS + 1)]
        network.own(hosts)
        node = lab.Node(program, hosts[0])
        children.append(node)
        for host in hosts[1:]:
            children.append(lab.Node(program, host, [node.address]))
        people.wait_for("the node's first answers", lambda: honest(node.address) < 1, 10)
        before = resident_kib(node.process.pid, "VmRSS:")
        flooder, pipe = in_child(flood, node.address)
        waits = []
        while os.waitpid(flooder, os.WNOHANG)[0] == 0:
            waits.append(honest(node.address))
            time.sleep(HONEST_EVERY_SECONDS)
        flooder = None
        told = json.loads(os.read(pipe, 65536))
        tell(report, node, before, waits, told)
    except Exception as trouble:
        report.say(f"the flood ({trouble!r})", False)
    finally:
        if flooder:
            os.kill(flooder, 9)
        for child in children:
            child.end()
    return 1 if report.failed else 0


def tell(report, node, before, waits, told):
    peak = resident_kib(node.process.pid, "VmHWM:")
    waits.sort()
    print(f"{PACKETS} packets in {told['seconds']:.1f} s from {SOURCES} addresses; "
          f"{told['sent'] / 1e6:.1f} MB in, {told['received'] / 1e6:.2f} MB out; "
          f"memory {before} KiB before, {peak} KiB at most; {len(waits)} honest askers, "
          f"answered after {waits[len(waits) // 2] * 1000:.1f} ms (median), "
          f"{waits[-1] * 1000:.0f} ms at most")
    report.say("the node lives on", node.alive())
    report.say(f"its memory stays under {MEMORY_MIB_MAX} MiB", peak <= MEMORY_MIB_MAX * 1024)
    report.say(f"nobody unknown got more than {AMPLIFIED_MAX} times what he sent "
               f"(most: {told['worst']:.2f})", told["worst"] <= AMPLIFIED_MAX)
    in_time = sum(each < HONEST_WITHIN_SECONDS for each in waits)
    report.say(f"honest askers were answered within a second ({in_time} of {len(waits)})",
               in_time >= HONEST_SHARE * len(waits))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
