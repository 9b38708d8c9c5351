"""Our answers beside libtorrent's and Transmission's, field by field, for a list of questions.

usage: dht_replies_test.py RAMAGE [--keep FOLDER]

What still differs stands in DIFFERENCES with a reason each, and docs/threats.md tells the reader
what an observer can make of it. The test fails when one is met that is not listed, and when one is
listed that is not met. With --keep every answer of a foreign program is written to a file.
"""

import os
import select
import sys
import time

import dht_lab as lab
import people
from dht_krpc import ID, Asker, Malformed, Pen, decode, encode, item_target, query

NODES = 20
WAIT_SECONDS = 1.5
SEEDER = "151.250.9.9"  # announced before anything else
TARGET = bytes(range(20))
SWARM = b"a swarm with a peer."  # 20 bytes
LONELY = b"a hash nobody told.."
VALUE = b"an immutable value that was put before"
MUTABLE = b"a mutable value, seq 7"
PEN = Pen(b"\x07" * 32)


class Question:
    """One datagram, made for whom it goes to, after what must come before it."""

    def __init__(self, name, make):
        self.name, self.make = name, make


def plain(name, method, arguments=None, **more):
    return Question(name, lambda talk: query(method, arguments, **more))


def raw(name, datagram):
    return Question(name, lambda talk: datagram)


class Talk:
    """One asker and one program; remembers what it needs to know of it."""

    def __init__(self, subject):
        self.subject, self.asker = subject, lab.asker()

    def token(self, target, method="get_peers"):
        """A silent program has none to give; then any will do."""
        if method == "get" and not self.subject.items:
            return b"none"
        return self.asker.token(self.subject.address, target, method) or b"none"

    def tell(self, datagram):
        """What must be answered first; who knows no items would only cost time."""
        if self.subject.items:
            self.asker.raw(self.subject.address, datagram)


def announce(name, target=LONELY, told=None, **arguments):
    def make(talk):
        given = {"info_hash": target, "port": 7777, "token": talk.token(told or target),
                 **arguments}
        return query("announce_peer", given)
    return Question(name, make)


def put(name, value, **arguments):
    def make(talk):
        target = item_target(value)
        given = {"target": target, "token": talk.token(target, "get"), "v": value, **arguments}
        return query("put", given)
    return Question(name, make)


def put_mutable(name, value, number, pen=None, before=None, salt=b"", **arguments):
    """`before`: (value, seq) that is put there first."""
    def make(talk):
        writer = pen or Pen(name.encode().ljust(32, b".")[:32])
        token = talk.token(writer.target(salt), "get")
        if before:
            talk.tell(query("put", writer.put(*before, token, salt)))
        return query("put", writer.put(value, number, token, salt, **arguments))
    return Question(name, make)


def unsorted(talk):
    return encode({"y": "q", "t": "ab12", "q": "ping", "a": {"id": ID}})


def deep(kind, levels):
    return odd(b"1:x" + kind * levels + b"e" * levels)


def odd(more):
    """A ping with these bytes among its arguments."""
    return b"d1:ad2:id20:" + ID + more + b"e1:q4:ping1:t4:ab121:y1:qe"


QUESTIONS = [
    plain("ping", "ping"),
    plain("ping, tid of 1 byte", "ping", tid=b"x"),
    plain("ping, tid of 8 bytes", "ping", tid=b"12345678"),
    plain("ping, tid of 15 bytes", "ping", tid=b"x" * 15),
    plain("ping, tid of 20 bytes", "ping", tid=b"x" * 20),
    plain("ping, tid of 40 bytes", "ping", tid=b"x" * 40),
    plain("ping, tid of 200 bytes", "ping", tid=b"x" * 200),
    plain("ping, empty tid", "ping", tid=b""),
    plain("ping with a version", "ping", v=b"LT\x02\x08"),
    plain("ping of a read-only node", "ping", ro=1),
    plain("ping with unknown keys", "ping", {"zzz": 1, "list": [1, [b"x"]]}, zz=b"x"),
    Question("ping, unsorted", unsorted),
    Question("ping, bytes behind it", lambda talk: query("ping") + b"garbage"),
    Question("ping, cut off", lambda talk: query("ping")[:-1]),
    plain("ping without an id", "ping", {"id": None}),
    plain("ping, id of 19 bytes", "ping", {"id": ID[:19]}),
    plain("ping, id of 21 bytes", "ping", {"id": ID + b"x"}),
    plain("ping, id a number", "ping", {"id": 5}),
    raw("ping without a", encode({"q": "ping", "t": "ab12", "y": "q"})),
    raw("ping, a is a list", encode({"a": [ID], "q": "ping", "t": "ab12", "y": "q"})),
    raw("ping without t", encode({"a": {"id": ID}, "q": "ping", "y": "q"})),
    raw("ping, t a number", encode({"a": {"id": ID}, "q": "ping", "t": 5, "y": "q"})),
    raw("no q", encode({"a": {"id": ID}, "t": "ab12", "y": "q"})),
    raw("q a number", encode({"a": {"id": ID}, "q": 5, "t": "ab12", "y": "q"})),
    raw("no y", encode({"a": {"id": ID}, "q": "ping", "t": "ab12"})),
    raw("y of no kind", encode({"a": {"id": ID}, "q": "ping", "t": "ab12", "y": "z"})),
    raw("a reply nobody asked for", encode({"r": {"id": ID}, "t": "ab12", "y": "r"})),
    raw("an error nobody caused", encode({"e": [201, "no"], "t": "ab12", "y": "e"})),
    raw("a number with zeros before it", odd(b"1:xi007e")),
    raw("a number too large", odd(b"1:xi" + b"9" * 40 + b"e")),
    raw("a length with a zero before it", b"d1:ad2:id020:" + ID + b"e1:q4:ping1:t4:ab121:y1:qe"),
    raw("a length too large", b"d1:ad2:id99999999999:" + ID + b"e1:q4:ping1:t4:ab121:y1:qe"),
    raw("10 lists in each other", deep(b"l", 10)),
    raw("400 lists in each other", deep(b"l", 400)),
    raw("400 lists without an end", b"l" * 400),
    raw("a list", encode([b"ping"])),
    raw("an empty dictionary", b"de"),
    raw("one byte", b"d"),
    plain("unknown method", "vote"),
    plain("unknown method with a target", "vote", {"target": TARGET}),
    plain("unknown method with an infohash", "vote", {"info_hash": TARGET}),
    plain("find_node", "find_node", {"target": TARGET}),
    plain("find_node, want n4", "find_node", {"target": TARGET, "want": [b"n4"]}),
    plain("find_node, want n6", "find_node", {"target": TARGET, "want": [b"n6"]}),
    plain("find_node, want n4 n6", "find_node", {"target": TARGET, "want": [b"n4", b"n6"]}),
    plain("find_node, want x", "find_node", {"target": TARGET, "want": [b"x"]}),
    plain("find_node, want a string", "find_node", {"target": TARGET, "want": b"n4"}),
    plain("find_node without a target", "find_node"),
    plain("find_node, target of 19 bytes", "find_node", {"target": TARGET[:19]}),
    plain("find_node, infohash for target", "find_node", {"info_hash": TARGET}),
    plain("get_peers, none known", "get_peers", {"info_hash": LONELY}),
    plain("get_peers, one known", "get_peers", {"info_hash": SWARM}),
    plain("get_peers, want n6", "get_peers", {"info_hash": SWARM, "want": [b"n6"]}),
    plain("get_peers, noseed", "get_peers", {"info_hash": SWARM, "noseed": 1}),
    plain("get_peers, scrape", "get_peers", {"info_hash": SWARM, "scrape": 1}),
    plain("get_peers, scrape, none known", "get_peers", {"info_hash": LONELY, "scrape": 1}),
    plain("get_peers without an infohash", "get_peers"),
    plain("get_peers, infohash of 19 bytes", "get_peers", {"info_hash": SWARM[:19]}),
    announce("announce_peer"),
    announce("announce_peer, implied port", implied_port=1),
    announce("announce_peer, seed and name", seed=1, n=b"name"),
    announce("announce_peer, port 0", port=0),
    announce("announce_peer, port 0 implied", port=0, implied_port=1),
    announce("announce_peer, port 70000", port=70000),
    announce("announce_peer, port -1", port=-1),
    announce("announce_peer without a port", port=None),
    announce("announce_peer without a token", token=None),
    announce("announce_peer, wrong token", token=b"wron"),
    announce("announce_peer, long wrong token", token=b"wrong" * 8),
    announce("announce_peer, token of another hash", told=TARGET),
    announce("announce_peer without an infohash", info_hash=None),
    plain("get, nothing there", "get", {"target": TARGET}),
    plain("get, immutable", "get", {"target": item_target(VALUE)}),
    plain("get, mutable", "get", {"target": PEN.target()}),
    plain("get, mutable, seq below", "get", {"target": PEN.target(), "seq": 6}),
    plain("get, mutable, seq equal", "get", {"target": PEN.target(), "seq": 7}),
    plain("get, mutable, seq above", "get", {"target": PEN.target(), "seq": 8}),
    plain("get without a target", "get"),
    plain("get, target of 19 bytes", "get", {"target": TARGET[:19]}),
    put("put, immutable", b"immutable one"),
    put("put, immutable, a dictionary", {"a": 1, "b": [2, b"x"]}),
    put("put, immutable, unsorted keys", {"b": 1, "a": 2}),
    put("put, immutable, a key twice", {"a": 1, b"a": 2}),
    put("put, immutable, 1000 bytes", b"x" * 996),
    put("put, immutable, 1001 bytes", b"x" * 997),
    put("put, immutable, wrong token", b"immutable two", token=b"wron"),
    put("put, immutable, no token", b"immutable three", token=None),
    put("put, immutable, another's target", b"immutable four", target=TARGET),
    put("put, immutable, no target", b"immutable five", target=None),
    put("put without a value", b"immutable six", v=None),
    put_mutable("put, mutable", b"new", 1),
    put_mutable("put, mutable, salted", b"new", 1, salt=b"salt"),
    put_mutable("put, mutable, salt of 64", b"new", 1, salt=b"s" * 64),
    put_mutable("put, mutable, salt of 65", b"new", 1, salt=b"s" * 65),
    put_mutable("put, mutable, higher seq", b"new", 2, before=(b"old", 1)),
    put_mutable("put, mutable, same again", b"old", 1, before=(b"old", 1)),
    put_mutable("put, mutable, same seq, other value", b"new", 1, before=(b"old", 1)),
    put_mutable("put, mutable, older seq", b"new", 1, before=(b"old", 2)),
    put_mutable("put, mutable, cas fits", b"new", 2, before=(b"old", 1), cas=1),
    put_mutable("put, mutable, cas fits not", b"new", 3, before=(b"old", 2), cas=1),
    put_mutable("put, mutable, cas, none there", b"new", 3, cas=1),
    put_mutable("put, mutable, negative seq", b"new", -1),
    put_mutable("put, mutable, greatest seq", b"new", 2 ** 63 - 1),
    put_mutable("put, mutable, no seq", b"new", 1, seq=None),
    put_mutable("put, mutable, bad signature", b"new", 1, sig=b"\x05" * 64),
    put_mutable("put, mutable, short signature", b"new", 1, sig=b"\x05" * 63),
    put_mutable("put, mutable, short key", b"new", 1, k=b"\x05" * 31),
    put_mutable("put, mutable, 1000 bytes", b"x" * 996, 1),
    put_mutable("put, mutable, 1001 bytes", b"x" * 997, 1),
    put_mutable("put, mutable, wrong token", b"new", 1, token=b"wron"),
    plain("sample_infohashes", "sample_infohashes", {"target": TARGET}),
    plain("sample_infohashes without a target", "sample_infohashes"),
]


class Subject:
    """A program that is asked."""

    def __init__(self, name, address, items=True):
        self.name, self.address, self.items = name, tuple(address), items

    def furnish(self):
        """One peer in the swarm, one item of each kind."""
        seeder = Asker(SEEDER)
        token = seeder.token(self.address, SWARM)
        seeder.ask(self.address, "announce_peer",
                   {"info_hash": SWARM, "port": 6000, "token": token or b"none"})
        if self.items:
            seeder.close()  # one address is answered four times a second
            seeder = lab.asker()
            target = item_target(VALUE)
            seeder.ask(self.address, "put", {"target": target, "v": VALUE,
                                             "token": seeder.token(self.address, target, "get")})
            token = seeder.token(self.address, PEN.target(), "get")
            seeder.ask(self.address, "put", PEN.put(MUTABLE, 7, token))
        seeder.close()

    def answers(self):
        """{question: the answer's bytes, or None}; everybody is asked, then all are waited for."""
        open_ones = {}
        for question in QUESTIONS:
            talk = Talk(self)
            datagram = question.make(talk)
            talk.asker.send(self.address, datagram)
            open_ones[talk.asker.socket] = (question.name, datagram, talk.asker)
        return gather(open_ones, self.address)


def gather(open_ones, sender):
    answers = {name: (datagram, None, None) for name, datagram, _ in open_ones.values()}
    end = time.monotonic() + WAIT_SECONDS
    while open_ones and (left := end - time.monotonic()) > 0:
        for ready in select.select(list(open_ones), [], [], left)[0]:
            data, address = ready.recvfrom(65535)
            name, datagram, asker = open_ones[ready]
            if address[:2] == sender and b"1:y1:q" not in data:
                answers[name] = (datagram, data, asker.address)
                del open_ones[ready]
                asker.close()
    for _, _, asker in open_ones.values():
        asker.close()
    return answers


NODE_BYTES = {b"nodes": 26, b"nodes6": 38}


def shape(datagram, answer, asked_from):
    """What an answer is made of, without what is the answerer's own: {field: words}."""
    if answer is None:
        return {"answer": "silence"}
    try:
        message = decode(answer)
    except Malformed:
        return {"answer": "not bencoded"}
    fields = {"answer": "reply" if message.get(b"y") == b"r" else "error",
              "order": "sorted" if list(message) == sorted(message) else "not sorted"}
    for key, value in message.items():
        name = key.decode("latin-1")
        if key == b"r":
            fields.update({f"r.{inner.decode('latin-1')}": field(inner, each, asked_from)
                           for inner, each in value.items()})
            if list(value) != sorted(value):
                fields["order"] = "not sorted"
        elif key == b"e":
            fields["e"] = f"{value[0]} {value[1].decode('latin-1')}"
        elif key == b"t":
            fields["t"] = ("empty" if not value else
                           "echoed" if encode(value) in datagram else "another")
        elif key != b"y":
            fields[name] = field(key, value, asked_from)
    return fields


def field(key, value, asked_from):
    if key in NODE_BYTES:
        whole = len(value) % NODE_BYTES[key] == 0
        return ("nodes" if value else "no nodes") if whole else "torn nodes"
    if key == b"p":
        return "the asker's port" if value == asked_from[1] else "another number"
    if isinstance(value, list):
        return f"{len(value)} of {len(value[0])} bytes" if value else "none"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return "a number" if isinstance(value, int) else type(value).__name__


def differences(ours, theirs):
    """What differs: 'field: ours / theirs'."""
    if ours["answer"] != theirs["answer"]:
        def told(shape_of):
            return f"error {shape_of['e']}" if "e" in shape_of else shape_of["answer"]
        return [f"{told(ours)} / {told(theirs)}"]
    return [f"{name}: {ours.get(name, 'absent')} / {theirs.get(name, 'absent')}"
            for name in sorted(set(ours) | set(theirs)) if ours.get(name) != theirs.get(name)]


# Beside whom, after which questions, what (ours / theirs), and why it stays so.
DIFFERENCES = [
    ("libtorrent",
     ("*",),
     "v: absent / 4 bytes",
     "we name no client, as Transmission does not"),
    ("libtorrent",
     ("ping, bytes behind it", "a number with zeros before it", "a length with a zero before it"),
     "silence / reply",
     "we read strictly: what is not bencoded is no message"),
    ("libtorrent",
     ("a number too large",),
     "reply / silence",
     "nobody reads that number"),
    ("libtorrent",
     ("put, immutable, a key twice",),
     "e: 203 unsorted dictionary key / 203 duplicate dictionary key",
     "one sentence for what is not canonical"),
    ("libtorrent",
     ("put, mutable, no seq", "put, mutable, short signature"),
     "error 203 invalid token / reply",
     "it keeps an immutable item where no hash leads: we judge the token by the item's place"),
    ("Transmission",
     ("*",),
     "ip: 6 bytes / absent",
     "every answer of ours tells the asker his address"),
    ("Transmission",
     ("*",),
     "r.p: the asker's port / absent",
     "the port, as libtorrent tells it"),
    ("Transmission",
     ("ping, bytes behind it", "ping, cut off", "a number with zeros before it",
      "10 lists in each other", "400 lists in each other"),
     "silence / reply",
     "it searches for words instead of reading"),
    ("Transmission",
     ("ping, tid of 20 bytes", "ping, tid of 40 bytes", "ping, tid of 200 bytes"),
     "t: echoed / empty",
     "it has room for 15"),
    ("Transmission",
     ("ping without t",),
     "t: empty / another",
     "it echoes what its memory held"),
    ("Transmission",
     ("ping without an id", "ping, id a number"),
     "error 203 missing 'id' key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("ping, id of 19 bytes", "ping, id of 21 bytes"),
     "error 203 invalid value for 'id' / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("ping without a", "ping, a is a list"),
     "error 203 missing 'a' key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("no q", "q a number"),
     "error 203 missing 'q' key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("unknown method",),
     "error 203 unknown message / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("unknown method with a target", "unknown method with an infohash", "get, nothing there",
      "get, immutable", "get, mutable", "get, mutable, seq below", "get, mutable, seq equal",
      "get, mutable, seq above", "put, immutable", "put, immutable, a dictionary",
      "put, immutable, 1000 bytes", "put, immutable, another's target",
      "put, immutable, no target", "put, mutable", "put, mutable, salted",
      "put, mutable, salt of 64", "put, mutable, higher seq", "put, mutable, same again",
      "put, mutable, same seq, other value", "put, mutable, cas fits",
      "put, mutable, cas, none there", "put, mutable, greatest seq",
      "put, mutable, 1000 bytes", "sample_infohashes"),
     "reply / silence",
     "methods it does not know"),
    ("Transmission",
     ("find_node, want x",),
     "r.nodes: absent / nodes",
     "we ignore an unknown want, as BEP 32 asks"),
    ("Transmission",
     ("find_node without a target", "find_node, infohash for target"),
     "error 203 missing 'target' key / reply",
     "judged as libtorrent does"),
    ("Transmission",
     ("find_node, target of 19 bytes",),
     "error 203 invalid value for 'target' / reply",
     "judged as libtorrent does"),
    ("Transmission",
     ("get_peers, none known", "get_peers, one known", "get_peers, want n6",
      "get_peers, noseed", "get_peers, scrape", "get_peers, scrape, none known"),
     "r.token: 4 bytes / 8 bytes",
     "tokens as long as libtorrent's"),
    ("Transmission",
     ("get_peers, scrape",),
     "r.BFpe: 256 bytes / absent",
     "it knows no scrape"),
    ("Transmission",
     ("get_peers, scrape",),
     "r.BFsd: 256 bytes / absent",
     "it knows no scrape"),
    ("Transmission",
     ("get_peers, scrape",),
     "r.values: absent / 1 of 6 bytes",
     "it knows no scrape"),
    ("Transmission",
     ("get_peers without an infohash",),
     "e: 203 missing 'info_hash' key / 203 Get_peers with no info_hash",
     "the words are libtorrent's"),
    ("Transmission",
     ("get_peers, infohash of 19 bytes",),
     "e: 203 invalid value for 'info_hash' / 203 Get_peers with no info_hash",
     "the words are libtorrent's"),
    ("Transmission",
     ("announce_peer, port 0",),
     "reply / error 203 Announce_peer with forbidden port number",
     "judged as libtorrent does"),
    ("Transmission",
     ("announce_peer, port 70000", "announce_peer, port -1"),
     "e: 203 invalid port / 203 Announce_peer with forbidden port number",
     "the words are libtorrent's"),
    ("Transmission",
     ("announce_peer without a port",),
     "e: 203 missing 'port' key / 203 Announce_peer with forbidden port number",
     "the words are libtorrent's"),
    ("Transmission",
     ("announce_peer without a token",),
     "e: 203 missing 'token' key / 203 Announce_peer with wrong token",
     "the words are libtorrent's"),
    ("Transmission",
     ("announce_peer, wrong token", "announce_peer, long wrong token"),
     "e: 203 invalid token / 203 Announce_peer with wrong token",
     "the words are libtorrent's"),
    ("Transmission",
     ("announce_peer, wrong token", "announce_peer, long wrong token",
      "get_peers without an infohash", "get_peers, infohash of 19 bytes",
      "announce_peer, port 70000", "announce_peer, port -1", "announce_peer without a port",
      "announce_peer without a token", "announce_peer without an infohash"),
     "r.id: 20 bytes / absent",
     "errors carry what replies carry, as libtorrent's do"),
    ("Transmission",
     ("announce_peer, token of another hash",),
     "error 203 invalid token / reply",
     "judged as libtorrent does"),
    ("Transmission",
     ("announce_peer without an infohash",),
     "e: 203 missing 'info_hash' key / 203 Announce_peer with no info_hash",
     "the words are libtorrent's"),
    ("Transmission",
     ("get without a target", "sample_infohashes without a target"),
     "error 203 missing 'target' key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("get, target of 19 bytes",),
     "error 203 invalid value for 'target' / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, immutable, unsorted keys", "put, immutable, a key twice"),
     "error 203 unsorted dictionary key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, immutable, 1001 bytes", "put, mutable, 1001 bytes"),
     "error 205 message too big / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, immutable, wrong token", "put, mutable, no seq", "put, mutable, short signature",
      "put, mutable, short key", "put, mutable, wrong token"),
     "error 203 invalid token / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, immutable, no token",),
     "error 203 missing 'token' key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put without a value",),
     "error 203 missing 'v' key / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, mutable, salt of 65",),
     "error 207 salt too big / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, mutable, older seq",),
     "error 302 old sequence number / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, mutable, cas fits not",),
     "error 301 CAS mismatch / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, mutable, negative seq",),
     "error 203 invalid (negative) sequence number / silence",
     "errors it does not send, or methods it does not know"),
    ("Transmission",
     ("put, mutable, bad signature",),
     "error 206 invalid signature / silence",
     "errors it does not send, or methods it does not know"),
]


def judge(met):
    """(met but not listed, listed but not met): each difference is listed for each question."""
    unused = {(number, each) for number, (_, questions, _, _) in enumerate(DIFFERENCES)
              for each in questions}
    unknown = []
    for beside, question, what in met:
        fits = [(number, each) for number, (name, questions, words, _) in enumerate(DIFFERENCES)
                if name == beside and words == what
                for each in questions if each in ("*", question)]
        unused -= set(fits)
        if not fits:
            unknown.append((beside, question, what))
    for line in unknown:
        print("not listed:", *line, sep=" | ", flush=True)
    for number, question in sorted(unused):
        name, _, words, _ = DIFFERENCES[number]
        print("listed, not met:", name, question, words, sep=" | ", flush=True)
    return unknown, unused


def keep(folder, name, answers):
    for number, (question, (_, answer, _)) in enumerate(answers.items()):
        if answer is not None:
            words = "".join(each if each.isalnum() else "-" for each in question)
            with open(os.path.join(folder, f"{name}-{words}"), "wb") as file:
                file.write(answer)


def lab_of(program):
    """(subjects, children): ours, libtorrent's and Transmission's node among others."""
    network = lab.Network()
    hosts = [lab.ipv4(number) for number in range(NODES)]
    theirs, ours = lab.ipv4(NODES), lab.ipv4(NODES + 1)
    network.own([*hosts, theirs, ours])
    # Many are asked many things at once: by itself libtorrent stops at 8,000 bytes a second.
    others = lab.Libtorrent(hosts, dht_upload_rate_limit=1000000)
    others.settle()
    transmission = lab.Transmission(theirs, 9091, nodes=others.addresses[:8])
    node = lab.Node(program, ours, others.addresses[:4])
    subjects = [Subject("ours", node.address), Subject("libtorrent", others.addresses[0]),
                Subject("Transmission", transmission.address, items=False)]
    return subjects, [node, others, transmission]


def known_nodes(subject):
    answer = lab.asker().ask(subject.address, "find_node", {"target": TARGET})
    return len((answer or {}).get(b"r", {}).get(b"nodes", b"")) // 26


def main(program, *more):
    lab.enter()
    report = people.Report()
    children = []
    try:
        subjects, children = lab_of(program)
        for subject in subjects:
            # Transmission takes half a minute to know eight.
            enough = 8 if subject.items else 2
            people.wait_for(f"{subject.name} to know nodes",
                            lambda each=subject, least=enough: known_nodes(each) >= least, 30)
            subject.furnish()
        answers = {subject.name: subject.answers() for subject in subjects}
        if more[:1] == ("--keep",):
            for name in answers:
                keep(more[1], name, answers[name])
        tell(report, answers)
    except Exception as trouble:
        report.say(f"the comparison ({trouble!r})", False)
    for child in children:
        child.end()
    return 1 if report.failed else 0


def tell(report, answers):
    shapes = {name: {question: shape(*told) for question, told in asked.items()}
              for name, asked in answers.items()}
    met = [(beside, question, what) for beside in ("libtorrent", "Transmission")
           for question in shapes["ours"]
           for what in differences(shapes["ours"][question], shapes[beside][question])]
    unknown, unused = judge(met)
    replies = [each for each in shapes["ours"].values() if each["answer"] != "silence"]
    print(f"{len(QUESTIONS)} questions, {len(replies)} answered by us, {len(met)} differences of "
          f"{len(DIFFERENCES)} kinds")
    report.say("every answer of ours is sorted, carries the asker's tid, and his address if it is "
               "no error", all(each["order"] == "sorted" and each["t"] in ("echoed", "empty")
                               and (each["answer"] == "error" or each.get("ip") == "6 bytes")
                               for each in replies))
    report.say("an observer meets no difference that is not listed", not unknown)
    report.say("no difference is listed that is not there", not unused)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
