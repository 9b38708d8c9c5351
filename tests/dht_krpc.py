"""The messages of the DHT in plain Python, and somebody who asks: BEP 5, 32, 33, 42, 44.

Written from the BEPs for tests alone, so that our program is judged by other code than its own.
What is decoded remembers the order of keys; what is encoded keeps the order it is given, so that
messages can be wrong on purpose.
"""

import hashlib
import os
import socket
import struct
import time

from nacl.signing import SigningKey

ANSWER_SECONDS = 1.5  # on this machine everybody answers within milliseconds, or never
ID = bytes(range(100, 120))


class Malformed(Exception):
    """Not bencoded."""


def encode(thing):
    if isinstance(thing, int):
        return b"i%de" % thing
    if isinstance(thing, str):
        thing = thing.encode()
    if isinstance(thing, bytes):
        return b"%d:%s" % (len(thing), thing)
    if isinstance(thing, list):
        return b"l" + b"".join(encode(each) for each in thing) + b"e"
    return b"d" + b"".join(encode(key) + encode(value) for key, value in thing.items()) + b"e"


def decode(data):
    thing, end = decode_at(data, 0)
    if end != len(data):
        raise Malformed("trailing bytes")
    return thing


def decode_at(data, at):
    try:
        return _decode_at(data, at)
    except (IndexError, ValueError) as trouble:
        raise Malformed(str(trouble)) from trouble


def _decode_at(data, at):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind == b"l":
        things, at = [], at + 1
        while data[at:at + 1] != b"e":
            thing, at = _decode_at(data, at)
            things.append(thing)
        return things, at + 1
    if kind == b"d":
        things, at = {}, at + 1
        while data[at:at + 1] != b"e":
            key, at = _decode_at(data, at)
            things[key], at = _decode_at(data, at)
        return things, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data):
        raise Malformed("cut off")
    return data[colon + 1:end], end


def canonical(thing):
    """Whether every dictionary's keys are sorted."""
    if isinstance(thing, dict):
        return list(thing) == sorted(thing) and all(canonical(each) for each in thing.values())
    return not isinstance(thing, list) or all(canonical(each) for each in thing)


def query(method, arguments=None, tid=b"ab12", **outside):
    """A query as a careful client writes it: sorted, id first unless told otherwise."""
    arguments = {"id": ID, **(arguments or {})}
    arguments = {key: value for key, value in sorted(arguments.items()) if value is not None}
    message = {"a": arguments, "q": method, "t": tid, "y": "q", **outside}
    return encode(dict(sorted(message.items())))


def address_bytes(address):
    host, port = address[:2]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.inet_pton(family, host) + struct.pack("!H", port)


def read_address(data):
    family = socket.AF_INET6 if len(data) == 18 else socket.AF_INET
    return socket.inet_ntop(family, data[:-2]), struct.unpack("!H", data[-2:])[0]


def read_nodes(data, size=26):
    """[(id, address)] of a compact list; 38 bytes each for IPv6."""
    return [(data[at:at + 20], read_address(data[at + 20:at + size]))
            for at in range(0, len(data) - size + 1, size)]


def item_target(value):
    return hashlib.sha1(encode(value)).digest()


def mutable_target(key, salt=b""):
    return hashlib.sha1(key + salt).digest()


class Pen:
    """A key pair that writes mutable items."""

    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        self.signing = SigningKey(self.seed)
        self.key = bytes(self.signing.verify_key)

    def expanded(self):
        """The 64 bytes libtorrent calls a private key."""
        scalar = bytearray(hashlib.sha512(self.seed).digest())
        scalar[0] &= 248
        scalar[31] = scalar[31] & 63 | 64
        return bytes(scalar)

    def target(self, salt=b""):
        return mutable_target(self.key, salt)

    def put(self, value, number, allowed_by, salt=b"", **more):
        """The arguments of a put of this value; `more` replaces or adds."""
        signed = b"4:salt" + encode(salt) if salt else b""
        signed += b"3:seqi%de1:v" % number + encode(value)
        arguments = {"k": self.key, "seq": number, "sig": self.signing.sign(signed).signature,
                     "target": self.target(salt), "token": allowed_by, "v": value}
        if salt:
            arguments["salt"] = salt
        return {**arguments, **more}


class Asker:
    """One UDP socket at an address of its own."""

    def __init__(self, host, port=0, made=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = made or socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.address = self.socket.getsockname()[:2]

    def close(self):
        self.socket.close()

    def send(self, to, datagram):
        self.socket.sendto(datagram, to)

    def hear(self, sender, seconds=ANSWER_SECONDS, tid=None):
        """The next datagram from there that answers, or None; queries of theirs are passed over."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data, address = self.socket.recvfrom(65535)
            except TimeoutError:
                return None
            if address[:2] == tuple(sender) and b"1:y1:q" not in data:
                if tid is None or encode(tid) in data:
                    return data
        return None

    def raw(self, to, datagram, seconds=ANSWER_SECONDS):
        """Asks with these very bytes; the answer's bytes or None."""
        self.send(to, datagram)
        return self.hear(to, seconds)

    def ask(self, to, method, arguments=None, **more):
        """Asks; the answer decoded, or None."""
        answer = self.raw(to, query(method, arguments, **more))
        return None if answer is None else decode(answer)

    def token(self, to, target, method="get_peers"):
        name = "target" if method == "get" else "info_hash"
        answer = self.ask(to, method, {name: target})
        return (answer or {}).get(b"r", {}).get(b"token")


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def id_fits(identity, host):
    """BEP 42: whether that address may have this id."""
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)[:8]
    mask = bytes.fromhex("030f3fff" if len(packed) == 4 else "0103070f1f3f7fff")
    masked = bytearray(a & b for a, b in zip(packed, mask))
    masked[0] |= (identity[19] & 7) << 5
    first = crc32c(bytes(masked)) >> 11
    return first == int.from_bytes(identity[:3], "big") >> 3
