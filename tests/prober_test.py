"""A stranger sends 20,000 half-valid datagrams to a daemon at work, and must not get one byte.
Only whoever asks a question of the DHT gets an answer, one, in the language of the DHT.

usage: prober_test.py RAMAGE

The material is real: a relay between two friends keeps what they sent each other, and a third
program dials the daemon's address with somebody else's card, so that there are Initials under a
wrong key. The prober bends them and sends them from an address of its own. (Packets of a link that
has ended are left out: who was on the path of one may be told by a reset that it is no more, see
docs/threats.md.)
"""

import random
import socket
import struct
import sys
import threading
import time

import people

PACKETS = 20000
SEED = 20261122
ETH_P_IP = 0x0800
RELAY_PORT = 4000
LONG_HEADER = 0x80


class Relay(threading.Thread):
    """Stands between a caller and the daemon and keeps what either sends."""

    def __init__(self, namespace, daemon):
        super().__init__(daemon=True)
        self.front = people.socket_in(namespace, socket.AF_INET, socket.SOCK_DGRAM)
        self.back = people.socket_in(namespace, socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("0.0.0.0", RELAY_PORT))
        self.back.connect(daemon)
        self.caller = None
        self.kept = []

    def start(self):
        super().start()
        threading.Thread(target=self.back_to_front, daemon=True).start()

    def run(self):
        while True:
            data, self.caller = self.front.recvfrom(65535)
            if data:
                self.kept.append(data)
            self.back.send(data)

    def back_to_front(self):
        while True:
            data = self.back.recv(65535)
            self.kept.append(data)
            self.front.sendto(data, self.caller)


def bend(luck, whole):
    """One of the ways in which a datagram can be half valid."""
    data = bytearray(whole)
    way = luck.randrange(8)
    if way == 0:  # one bit anywhere
        data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
    elif way == 1:  # one bit where the headers are
        data[luck.randrange(min(60, len(data)))] ^= 1 << luck.randrange(8)
    elif way == 2:  # cut short
        del data[luck.randrange(len(data)):]
    elif way == 3:  # something behind it
        data += luck.randbytes(luck.randrange(1, 300))
    elif way == 4:  # the header as it was, the rest is noise
        keep = min(luck.randrange(1, 60), len(data))
        data[keep:] = luck.randbytes(len(data) - keep)
    elif way == 5:  # a version of somebody else
        data[1:5] = struct.pack(">I", luck.choice([0, 1, 0x6b3343cf, 0x0a0a0a0a]))
    elif way == 6:  # an id the daemon never gave out
        data[1:13] = luck.randbytes(12)
    return bytes(data)  # way 7: as it was, from another place


def noise(luck):
    """What never was a datagram of ours."""
    data = bytearray(luck.randbytes(luck.randrange(0, 1500)))
    if data and luck.random() < 0.5:
        data[0] = luck.choice([0x20, 0x40, 0x64, 0xc0, 0xe0])
    return bytes(data)


class Sniffer:
    """Everything the daemon's machine sends to the prober's, seen below every socket."""

    def __init__(self, namespace, watched):
        self.watched = socket.inet_aton(watched)
        self.socket = people.socket_in(namespace, socket.AF_PACKET, socket.SOCK_DGRAM,
                                       socket.htons(ETH_P_IP))
        self.socket.setblocking(False)

    def heard(self):
        """IP packets from the watched machine since the last call."""
        count = 0
        while True:
            try:
                data, place = self.socket.recvfrom(65535)
            except BlockingIOError:
                return count
            incoming = place[2] != socket.PACKET_OUTGOING
            count += incoming and data[12:16] == self.watched


def wrong_key_initials(lab, stranger, someone_elses_card):
    """Calls that the stranger's program makes to the daemon's address under another's key."""
    kept = []
    decoy = people.socket_in("mallory", socket.AF_INET, socket.SOCK_DGRAM)
    decoy.bind(("0.0.0.0", RELAY_PORT))
    decoy.settimeout(people.PATIENCE_SECONDS)
    stranger.start()
    stranger.ramage("new", "--no-passphrase", "--name", "mallory")
    stranger.ramage("contact", "add", someone_elses_card, "--name", "nobody",
                    "--at", f"{lab.address['mallory']}:{RELAY_PORT}",
                    "--at", f"{lab.address['bob']}:{people.PORT}")
    while len(kept) < 5:
        kept.append(decoy.recv(65535))
    return kept


def probe(lab, material):
    """Sends it all; returns how many datagrams were sent."""
    luck = random.Random(SEED)
    sender = people.socket_in("mallory", socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(("0.0.0.0", 0))
    target = (lab.address["bob"], people.PORT)
    for number in range(PACKETS):
        data = noise(luck) if number % 10 == 0 else bend(luck, luck.choice(material))
        sender.sendto(data, target)
        if number % 50 == 49:
            time.sleep(0.002)  # the daemon must read them, not its kernel drop them
    sender.close()
    return PACKETS


QUESTION = b"d1:ad2:id20:" + b"m" * 20 + b"e1:q4:ping1:t4:prob1:y1:qe"
NO_QUESTIONS = [
    QUESTION[:-1],  # cut short
    QUESTION.replace(b"1:y1:q", b""),  # does not say what it is
    QUESTION.replace(b"1:y1:q", b"1:y1:z"),
    QUESTION.replace(b"d1:a", b"d9:a", 1),
    b"d1:", b"d0:e", b"de", b"d" * 1000, b"d1:a" * 300,
    b"d1:rd2:id20:" + b"m" * 20 + b"e1:t4:prob1:y1:re",  # an answer nobody waits for
]


def ask_the_dht(lab, sniffer):
    """What is no question gets nothing; a question gets one answer, which does not name us."""
    asker = people.socket_in("mallory", socket.AF_INET, socket.SOCK_DGRAM)
    asker.bind(("0.0.0.0", 0))
    asker.settimeout(people.PATIENCE_SECONDS)
    target = (lab.address["bob"], people.PORT)
    for text in NO_QUESTIONS:
        asker.sendto(text, target)
    time.sleep(2)
    unasked = sniffer.heard()
    asker.sendto(QUESTION, target)
    answer = asker.recv(65535)
    asker.close()
    return unasked, answer


def received_datagrams(namespace):
    """How many UDP datagrams reached sockets of that namespace, and how many found a full queue."""
    counts = people.subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", "cat",
                                    "/proc/net/snmp"], stdout=people.subprocess.PIPE, check=True,
                                   encoding="utf-8").stdout
    names, values = [line.split()[1:] for line in counts.splitlines() if line.startswith("Udp:")]
    table = dict(zip(names, map(int, values)))
    return table["InDatagrams"], table["RcvbufErrors"]


def main(program):
    people.enter()
    lab = people.Lab("alice", "bob", "mallory", "carol")
    alice, bob, mallory, carol = (people.Person(program, name)
                                  for name in ("alice", "bob", "mallory", "carol"))
    report = people.Report()
    try:
        relay = Relay("alice", (lab.address["bob"], people.PORT))
        relay.start()
        for person in (alice, bob, carol):
            # Neighbours are nodes of the DHT to each other: those are no strangers.
            with open(person.home + "/config", "w", encoding="ascii") as config:
                config.write("nearby = off\n")
            person.start()
            person.ramage("new", "--no-passphrase", "--name", person.name)
        cards = {person: person.json("id")[0]["card"] for person in (alice, bob, carol)}
        bob.ramage("contact", "add", cards[alice], "--name", "alice")
        alice.ramage("contact", "add", cards[bob], "--name", "bob",
                     "--at", f"{lab.address['alice']}:{RELAY_PORT}")
        talk(alice, "before")
        report.say("the friends talk through the relay",
                   sum(data[0] & LONG_HEADER != 0 for data in relay.kept) >= 2)

        ended = len(relay.kept)
        talk(alice, "on the link that lasts")
        sniffer = Sniffer("mallory", lab.address["bob"])
        material = relay.kept[ended:]
        material += [data for data in relay.kept if data[0] & LONG_HEADER]
        material += wrong_key_initials(lab, mallory, cards[carol])
        before, _ = received_datagrams("bob")
        sent = probe(lab, material)
        people.wait_for("the daemon to have read it all",
                        lambda: sum(received_datagrams("bob")) - before >= sent)
        time.sleep(2)  # an answer that is late is an answer
        after, lost = received_datagrams("bob")
        print(f"{sent} sent, {after - before} read by the daemon, {lost} lost in its queue")
        report.say("the daemon was really asked", after - before >= sent * 9 // 10)
        heard = sniffer.heard()
        report.say(f"a stranger gets not one byte ({heard} packets)", heard == 0)
        unasked, answer = ask_the_dht(lab, sniffer)
        report.say(f"nor for what is no question of the DHT ({unasked} packets)", unasked == 0)
        report.say("a question of the DHT gets its answer, which names no program",
                   answer.startswith(b"d2:ip6:") and answer.endswith(b"1:t4:prob1:y1:re") and
                   b"1:v" not in answer and len(answer) <= 4 * len(QUESTION))
        talk(alice, "after")
        report.say("and the friends talk on", True)
        for person in (alice, bob, mallory, carol):
            report.say(f"{person.name}'s daemon ends well", person.stop() == 0)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    for person in (alice, bob, mallory, carol):
        if report.failed:
            person.show_log()
        person.end()
    return 1 if report.failed else 0


def talk(person, text):
    person.ramage("send", "bob", text)
    rpc = person.rpc()
    people.wait_for(f"'{text}' to be delivered", lambda: rpc.call("session.status")["owed"] == 0)
    rpc.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
