"""The Double Ratchet with header encryption and ML-KEM-768. docs/protocol.md, "Ratchet".

Times are in milliseconds. What is drawn at random is handed in: `draw(size, what)`.
"""

import copy
from dataclasses import dataclass, field

import mlkem
from formats import Wire, u32
from primitives import (Refused, dh_agree, dh_check, dh_public, hkdf, keyed, labelled, need,
                        xchacha_open, xchacha_seal)

GAP_MAX = 1000
SKIPPED_MAX = 2000
CHAINS_BEFORE_MAX = 5
CHAIN_LIMIT = 990
NUMBER_LIMIT = 2**31
HEADER_BYTES = 81

HOUR = 3600 * 1000
SKIPPED_LIVE = 30 * 24 * HOUR
OFFER_MESSAGES = 50
OFFER_USE = 24 * HOUR
OFFER_LATEST = 7 * 24 * HOUR

OFFER, ANSWER = 1, 2


class Duplicate(Refused):
    """A header that opens, and whose key was used already."""


@dataclass
class Chain:
    """A receiving chain: keys up to `next` are used or skipped."""

    header_key: bytes
    dh: bytes
    key: bytes  # None once the chain has ended
    next: int = 0
    skipped: dict = field(default_factory=dict)  # number: (message key, when)
    dead: set = field(default_factory=set)  # numbers whose key has died of age


@dataclass
class Header:
    dh: bytes
    previous: int
    number: int
    offer: tuple = None  # (kid, key)
    answer: tuple = None  # (kid, ciphertext)


@dataclass
class Opened:
    content: bytes
    chain_id: bytes
    number: int
    turned: bool
    answered: bool  # an answer to an offer of ours was mixed in


def flipped(nonce):
    return nonce[:-1] + bytes([nonce[-1] ^ 1])


def chain_id(session, dh):
    return labelled("ramage/ratchet/chain id/v1", session, dh)[:8]


def root_step(root, agreed, kem=None):
    """`kem` is (shared secret, ek, ct). Returns root, chain key, next header key."""
    if kem:
        shared, ek, ct = kem
        agreed += shared
        info = b"\1" + labelled("ramage/ratchet/kem/v1", ek, ct)
    else:
        info = b"\0"
    out = hkdf(root, agreed, b"ramage/ratchet/root/v1" + info, 96)
    return out[:32], out[32:64], out[64:]


def chain_step(key):
    """Returns message key, next chain key."""
    return keyed(key, "ramage/ratchet/message/v1"), keyed(key, "ramage/ratchet/chain/v1")


def seal_header(key, nonce, session, header):
    flags = (OFFER if header.offer else 0) | (ANSWER if header.answer else 0)
    text = header.dh + u32(header.previous) + u32(header.number) + bytes([flags])
    sealed = nonce + xchacha_seal(key, nonce, text, session)
    if not flags:
        return sealed
    extra = b"".join(u32(kid) + data for kid, data in filter(None, (header.offer, header.answer)))
    return sealed + xchacha_seal(key, flipped(nonce), extra, sealed)


def open_header(key, session, sealed):
    """Returns (header, what follows it)."""
    wire = Wire(sealed)
    nonce = wire.take(24)
    inner = Wire(xchacha_open(key, nonce, wire.take(HEADER_BYTES - 24), session))
    header = Header(inner.take(32), inner.number(4), inner.number(4))
    flags = inner.number(1)
    need(flags <= (OFFER | ANSWER), "an unknown flag")
    need(max(header.previous, header.number) < NUMBER_LIMIT, "a number beyond its range")
    if flags:
        read_extra(header, flags, key, nonce, wire)
    return header, wire.take(wire.left())


def read_extra(header, flags, key, nonce, wire):
    before = wire.before()
    size = (4 + mlkem.PUBLIC_BYTES) * (flags & OFFER != 0)
    size += (4 + mlkem.CIPHER_BYTES) * (flags & ANSWER != 0)
    extra = Wire(xchacha_open(key, flipped(nonce), wire.take(size + 16), before))
    if flags & OFFER:
        header.offer = extra.number(4), extra.take(mlkem.PUBLIC_BYTES)
        mlkem.check_public(header.offer[1])
    if flags & ANSWER:
        header.answer = extra.number(4), extra.take(mlkem.CIPHER_BYTES)
    need(all(part is None or part[0] > 0 for part in (header.offer, header.answer)), "a kid of 0")


class Ratchet:
    """One session of two devices, one side."""

    def __init__(self, secrets, now, pair):
        self.session, self.root, self.pair = secrets.id, secrets.root, pair
        self.send_header = self.send_key = None  # no sending chain yet
        self.sent = self.previous = 0  # in this chain, in the one before
        self.answer = None
        self.chains = []  # receiving, the running one last
        self.turned = False  # the next message to be sent begins a chain
        self.kid, self.offer_seed = 0, None  # ours: the last one, and its secret while it is open
        self.their_offer, self.answered = None, 0
        self.sent_since, self.used_since, self.since, self.last_sent = 0, 0, now, None
        self.rekeys = 0  # answers that were mixed in, ours and theirs

    @classmethod
    def initiator(cls, secrets, bundle_dh, now, draw):
        self = cls(secrets, now, draw(32, "pair"))
        self.root, self.send_key, self.next_send_header = root_step(
            secrets.root, dh_agree(self.pair, bundle_dh))
        self.send_header = secrets.header_initiator
        self.next_receive_header = secrets.next_header_recipient
        self.kid, self.offer_seed = 1, draw(64, "offer")
        return self

    @classmethod
    def recipient(cls, secrets, bundle_dh_secret, now):
        self = cls(secrets, now, bundle_dh_secret)
        self.next_receive_header = secrets.header_initiator
        self.next_send_header = secrets.next_header_recipient
        return self

    # --- sealing ---

    def can_send(self):
        return self.turned or (self.send_key is not None and self.sent < CHAIN_LIMIT)

    def wants_offer(self, now):
        if self.offer_seed:
            return False
        use = self.used_since
        if self.last_sent is not None:
            use += min(now - self.last_sent, HOUR)
        return self.sent_since >= OFFER_MESSAGES or use >= OFFER_USE \
            or now - self.since >= OFFER_LATEST

    def seal(self, content, now, draw):
        need(self.can_send(), "no chain to send in")
        if self.turned:
            self.begin_chain(draw)
        if self.wants_offer(now):
            self.kid, self.offer_seed = self.kid + 1, draw(64, "offer")
        offer = (self.kid, mlkem.public_of(self.offer_seed)) if self.offer_seed else None
        header = Header(dh_public(self.pair), self.previous, self.sent, offer, self.answer)
        key, self.send_key = chain_step(self.send_key)
        self.sent += 1
        self.count_use(now)
        head = seal_header(self.send_header, draw(24, "header nonce"), self.session, header)
        nonce = draw(24, "body nonce")
        return head + nonce + xchacha_seal(key, nonce, content, self.session + head)

    def count_use(self, now):
        if self.last_sent is not None:
            self.used_since += min(now - self.last_sent, HOUR)
        self.last_sent = now
        self.sent_since += 1

    def begin_chain(self, draw):
        kem = self.answer = None
        if self.their_offer and self.their_offer[0] > self.answered:
            self.answered, key = self.their_offer
            cipher, shared = mlkem.encapsulate(key, draw(32, "encapsulation"))
            self.answer, kem = (self.answered, cipher), (shared, key, cipher)
            self.rekeys += 1
        self.pair = draw(32, "pair")
        self.send_header = self.next_send_header
        self.root, self.send_key, self.next_send_header = root_step(
            self.root, dh_agree(self.pair, self.chains[-1].dh), kem)
        self.previous, self.sent, self.turned = self.sent, 0, False

    # --- opening ---

    def open(self, sealed, now):
        """Opens on a copy, which takes this state's place only when all has gone well."""
        next_state = copy.deepcopy(self)
        opened = next_state.open_in_place(sealed, now)
        self.__dict__ = next_state.__dict__
        return opened

    def open_in_place(self, sealed, now):
        self.age(now)
        chain, header, body = self.find_chain(sealed)
        turned = chain is None
        answered = turned and header.answer is not None
        if turned:
            chain = self.turn(header, now)
        need(header.dh == chain.dh, "another DH key under the header key of this chain")
        key = self.message_key(chain, header.number, now)
        need(sum(len(one.skipped) for one in self.chains) <= SKIPPED_MAX, "too many skipped keys")
        wire = Wire(body)
        head = sealed[:len(sealed) - len(body)]
        content = xchacha_open(key, wire.take(24), wire.take(wire.left()), self.session + head)
        if header.offer and (not self.their_offer or header.offer[0] > self.their_offer[0]):
            self.their_offer = header.offer
        return Opened(content, chain_id(self.session, header.dh), header.number, turned, answered)

    def find_chain(self, sealed):
        for chain in reversed(self.chains):
            try:
                return chain, *open_header(chain.header_key, self.session, sealed)
            except Refused:
                pass
        return None, *open_header(self.next_receive_header, self.session, sealed)

    def turn(self, header, now):
        dh_check(header.dh)
        if self.chains:
            ended = self.chains[-1]
            need(header.previous >= ended.next, "a chain that ends before what came of it")
            self.skip(ended, header.previous, now)
            ended.key = None
        else:
            need(header.previous == 0, "the end of a chain that never was")
        kem = self.answered_kem(header) if header.answer else None
        self.root, key, next_header = root_step(self.root, dh_agree(self.pair, header.dh), kem)
        chain = Chain(self.next_receive_header, header.dh, key)
        self.next_receive_header = next_header
        self.chains = self.chains[-CHAINS_BEFORE_MAX:] + [chain]
        self.turned = True
        if kem:
            self.offer_seed = None
            self.sent_since, self.used_since, self.since = 0, 0, now
            self.rekeys += 1
        return chain

    def answered_kem(self, header):
        kid, cipher = header.answer
        need(self.offer_seed and kid == self.kid, "an answer to an offer that is not open")
        shared = mlkem.decapsulate(self.offer_seed, cipher)
        return shared, mlkem.public_of(self.offer_seed), cipher

    def skip(self, chain, until, now):
        need(until - chain.next <= GAP_MAX, "a gap that is too wide")
        while chain.next < until:
            key, chain.key = chain_step(chain.key)
            chain.skipped[chain.next] = key, now
            chain.next += 1

    def message_key(self, chain, number, now):
        if number >= chain.next:
            need(chain.key is not None, "a number beyond the end of its chain")
            self.skip(chain, number, now)
            key, chain.key = chain_step(chain.key)
            chain.next += 1
            return key
        if number in chain.skipped:
            return chain.skipped.pop(number)[0]
        need(number not in chain.dead, "a key that has died")
        raise Duplicate(f"number {number} again")

    def age(self, now):
        for chain in self.chains:
            for number, (_, when) in list(chain.skipped.items()):
                if now - when > SKIPPED_LIVE:
                    del chain.skipped[number]
                    chain.dead.add(number)
