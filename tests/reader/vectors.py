"""The published vectors of session start and ratchet: tests/vectors/session, from stated seeds."""

import copy
import json
import os

import mlkem
import noise
import ratchet
import session
from exchange import BEGAN, DAY, Luck, altered
from formats import (Bundle, Device, DeviceList, list_hash, list_head, name_hash, write_bundle,
                     write_list)
from primitives import Refused, dh_public, sign, sign_public
from ratchet import Duplicate, Header, Ratchet
from session import Claim, Secrets

GENERATOR = "tests/reader of Ramage, from docs/protocol.md"
SIDES = ("initiator", "recipient")


def write_all(folder):
    for name, content in (("start", start_file()), ("ratchet", ratchet_file())):
        with open(os.path.join(folder, name + ".json"), "w", encoding="ascii") as file:
            json.dump(content, file, indent=1)
            file.write("\n")


# --- session start -------------------------------------------------------------------------------

class Account:
    """An account with so many devices, of which the first speaks."""

    def __init__(self, luck, devices=1, revoked=0):
        self.seed = luck.draw(32)
        self.device_seed, self.dh = luck.draw(32), luck.draw(32)
        self.account, self.device = sign_public(self.seed), sign_public(self.device_seed)
        day = BEGAN // DAY
        entries = [self.entry(self.device, dh_public(self.dh), day)]
        entries += [self.entry(sign_public(luck.draw(32)), dh_public(luck.draw(32)), day)
                    for _ in range(devices - 1)]
        gone = [(sign_public(luck.draw(32)), day - number) for number in range(revoked)]
        self.devices = DeviceList(self.account, 1, bytes(32), day + 90, entries, gone)
        self.list = write_list(self.seed, self.devices)
        if revoked:
            self.devices.counter, self.devices.previous = 2, list_hash(self.list)
            self.list = write_list(self.seed, self.devices)

    @staticmethod
    def entry(device, dh, day):
        return Device(device, dh, name_hash(device, "a device"), day)


class StartCase:
    def __init__(self, name, kind=1, kept=0, token=False, devices=1, revoked=0):
        luck = self.luck = Luck("start: " + name)
        self.name = name
        self.initiator, self.recipient = Account(luck, devices, revoked), Account(luck)
        self.bundle_dh, self.kem_seed = luck.draw(32), luck.draw(64)
        self.made = Bundle(kind, self.recipient.account, self.recipient.device,
                           list_head(self.recipient.list), luck.draw(8), 3, BEGAN - DAY,
                           dh_public(self.bundle_dh), mlkem.public_of(self.kem_seed))
        self.bundle = write_bundle(self.recipient.device_seed, self.made)
        self.claim = Claim(self.initiator.account, self.initiator.device, BEGAN,
                           luck.draw(16) if token else bytes(16), list_head(self.recipient.list),
                           [luck.draw(32) for _ in range(kept)], self.initiator.list)
        luck.taken()
        self.e, self.kem_luck = luck.draw(32), luck.draw(32)

    def whole(self):
        message, secrets = session.start(self.claim, self.initiator.dh, self.recipient.list,
                                         self.bundle, self.e, self.kem_luck)
        claim, same = session.accept(message, self.recipient.dh, self.bundle_dh, self.kem_seed,
                                     self.bundle)
        assert (claim, same) == (self.claim, secrets)
        self.message = message
        fields = {"bundle": self.bundle, "bundle_dh": self.bundle_dh,
                  "bundle_kem_seed": self.kem_seed, "recipient_dh": self.recipient.dh,
                  "initiator_dh": self.initiator.dh, "account": self.claim.account,
                  "device": self.claim.device, "token": self.claim.token,
                  "their_head": self.claim.their_head, "list": self.claim.list,
                  "message": message, **vars(secrets), "psk_id": session.psk_id(secrets.psk),
                  "pair_id": session.pair_id(secrets.pair), "seen": session.seen_hash(message)}
        return {"name": self.name, "rank": self.claim.rank,
                "kept": [one.hex() for one in self.claim.kept], "draws": self.luck.taken(),
                **{key: value.hex() for key, value in fields.items()}}

    # --- what must be refused ---

    def forged(self, payload, dh=None, prologue=None):
        """A Noise message that opens, around a payload of any kind."""
        keys = noise.Keys(s=dh or self.initiator.dh, e=self.e, kem_luck=self.kem_luck,
                          their_s=dh_public(self.recipient.dh), their_e=self.made.dh,
                          their_e1=self.made.kem)
        return noise.Handshake("start", True, prologue or session.prologue(self.bundle),
                               keys).write(payload)

    def claiming(self, **changed):
        claim = copy.copy(self.claim)
        vars(claim).update(changed)
        return session.write_claim(claim)

    def refused(self):
        luck, stranger = Luck("start: strangers"), Account(Luck("start: a stranger"))
        good = session.write_claim(self.claim)
        other_dh = luck.draw(32)
        unsigned = self.claim.list[:-1] + bytes([self.claim.list[-1] ^ 1])
        twice = DeviceList(self.initiator.account, 1, bytes(32), 30000,
                           self.initiator.devices.devices * 2)
        of_account = DeviceList(self.initiator.account, 1, bytes(32), 30000,
                                [Device(self.initiator.account, dh_public(self.initiator.dh),
                                        bytes(32), 1)])
        signed_by_device = self.claim.list[:-64] + sign(self.initiator.device_seed,
                                                        "ramage/devices/v1", self.claim.list[:-64])
        low = session.prologue(self.bundle)
        kind = copy.copy(self.made)
        kind.kind = 2
        other_kind = write_bundle(self.recipient.device_seed, kind)
        rows = [
            ("a payload of version 2", self.forged(b"\2" + good[1:])),
            ("four sessions kept", self.forged(self.claiming(kept=[bytes(31) + b"\1"] * 4))),
            ("something in the padding", self.forged(good[:-1] + b"\1")),
            ("longer than it need be", self.forged(good.ljust(2560, b"\0"))),
            ("the list of another account", self.forged(self.claiming(list=stranger.list))),
            ("another account's claim with our DH key", self.forged(self.claiming(
                account=stranger.account, device=stranger.device, list=stranger.list))),
            ("an account that did not sign", self.forged(self.claiming(account=stranger.account))),
            ("a device that is not listed", self.forged(self.claiming(device=stranger.device))),
            ("a DH key that is not that device's", self.forged(good, dh=other_dh)),
            ("a list with a wrong signature", self.forged(self.claiming(list=unsigned))),
            ("a list signed by the device", self.forged(self.claiming(list=signed_by_device))),
            ("a list with a device twice", self.forged(self.claiming(
                list=write_list(self.initiator.seed, twice)))),
            ("a list whose device is the account", self.forged(self.claiming(
                list=write_list(self.initiator.seed, of_account), device=self.initiator.account))),
            ("a list with a byte too many", self.forged(self.claiming(
                list=self.claim.list + b"x"))),
            ("a hash of no list", self.forged(self.claiming(their_head=bytes(39) + b"\1"))),
            ("a suite of 2", self.forged(good, prologue=low.replace(b"/v1\1", b"/v1\2", 1))),
            ("another label", self.forged(good, prologue=low.replace(b"/v1", b"/v0", 1))),
            ("a bundle of another kind", self.forged(good, prologue=session.prologue(other_kind))),
            ("an ephemeral key of low order", bytes(32) + self.message[32:]),
            ("an ephemeral key not canonical", b"\xed" + b"\xff" * 30 + b"\x7f"
             + self.message[32:]),
        ]
        out = [{"name": name, "message": message.hex()} for name, message in rows]
        places = {"the ephemeral key": 3, "the sealed ciphertext": 32, "the ciphertext's tag": 1135,
                  "the sealed DH key": 1136, "the DH key's tag": 1183, "the payload": 1184,
                  "the payload's padding": 1800, "the payload's tag": 1839}
        out += [{"name": "altered: " + place, "message": altered(self.message, (at, 4)).hex()}
                for place, at in places.items()]
        for row in out:
            try:
                session.accept(bytes.fromhex(row["message"]), self.recipient.dh, self.bundle_dh,
                               self.kem_seed, self.bundle)
                raise AssertionError(row["name"])
            except Refused as why:
                row["why"] = str(why)
        return out


def start_file():
    cases = [StartCase("under a last resort bundle"),
             StartCase("under a bundle for one use, with a token", kind=2, token=True),
             StartCase("with three sessions kept", kept=3),
             StartCase("with a list of four devices", devices=4),
             StartCase("with the longest list and three sessions kept", devices=8, revoked=32,
                       kept=3)]
    return {"generator": GENERATOR, "cases": [case.whole() for case in cases],
            "refused": [dict(row, case=0) for row in cases[0].refused()]}


# --- ratchet -------------------------------------------------------------------------------------

class Talk:
    """Two ratchets, and what happens to them, written down."""

    def __init__(self, name):
        self.name, self.luck = name, Luck("ratchet: " + name)
        secrets = Secrets(*(self.luck.draw(32) for _ in range(7)))
        bundle = self.luck.draw(32)
        self.luck.taken()
        self.now, self.events = BEGAN, []
        self.sides = [Ratchet.initiator(secrets, dh_public(bundle), self.now, self.luck.draw),
                      Ratchet.recipient(secrets, bundle, self.now)]
        self.head = {"name": name, "began": BEGAN, "id": secrets.id.hex(),
                     "root": secrets.root.hex(),
                     "header_initiator": secrets.header_initiator.hex(),
                     "next_header_recipient": secrets.next_header_recipient.hex(),
                     "bundle_dh": bundle.hex(), "draws": self.luck.taken()}

    def whole(self):
        return {**self.head, "events": self.events}

    def send(self, by, text=None):
        """Returns the number of the event."""
        content = (text or f"{len(self.events)} from {SIDES[by]}").encode()
        self.now += 1000
        side = self.sides[by]
        sealed = side.seal(content, self.now, self.luck.draw)
        self.events.append({"do": "send", "by": SIDES[by], "now": self.now,
                            "draws": self.luck.taken(), "content": content.hex(),
                            "chain": ratchet.chain_id(side.session, dh_public(side.pair)).hex(),
                            "number": side.sent - 1, "sealed": sealed.hex()})
        return len(self.events) - 1

    def receive(self, number, gives="content", alter=None):
        sent = self.events[number]
        event = {"do": "receive", "by": SIDES[sent["by"] == SIDES[0]], "now": self.now,
                 "event": number, "gives": gives}
        if alter:
            event["alter"] = alter
        self.judge(event, altered(bytes.fromhex(sent["sealed"]), alter))

    def pass_on(self, by, count=1):
        for _ in range(count):
            self.receive(self.send(by))

    def forged(self, by, sealed, gives="refused", content=b""):
        """Something that only the peer could have sealed, and should not have."""
        event = {"do": "receive", "by": SIDES[1 - by], "now": self.now, "sealed": sealed.hex(),
                 "content": content.hex(), "gives": gives}
        self.judge(event, sealed)

    def judge(self, event, sealed):
        side = self.sides[event["by"] == SIDES[1]]
        try:
            side.open(sealed, event["now"])
            given = "content"
        except Duplicate:
            given = "duplicate"
        except Refused:
            given = "refused"
        assert given == event["gives"], (self.name, len(self.events), given)
        self.events.append(event)

    # --- a peer who errs ---

    def peer(self, by):
        return copy.deepcopy(self.sides[by])

    def at_number(self, by, number, content=b"far ahead"):
        """What that side would seal under a number, had it sent all before."""
        side = self.peer(by)
        while side.sent < number:
            _, side.send_key = ratchet.chain_step(side.send_key)
            side.sent += 1
        limit, ratchet.CHAIN_LIMIT = ratchet.CHAIN_LIMIT, 2**40
        sealed = side.seal(content, self.now, self.luck.draw)
        ratchet.CHAIN_LIMIT = limit
        self.luck.taken()
        return sealed

    def with_header(self, by, content=b"", flags=None, **changed):
        """The next message of a chain that runs, with another header."""
        side = self.peer(by)
        if side.turned:
            side.begin_chain(self.luck.draw)
        header = Header(dh_public(side.pair), side.previous, side.sent, None, side.answer)
        vars(header).update(changed)
        key, _ = ratchet.chain_step(side.send_key)
        nonce = self.luck.draw(24)
        if flags is None:
            head = ratchet.seal_header(side.send_header, nonce, side.session, header)
        else:
            text = header.dh + header.previous.to_bytes(4, "big") + header.number.to_bytes(4, "big")
            head = nonce + ratchet.xchacha_seal(side.send_header, nonce, text + bytes([flags]),
                                                side.session)
        nonce = self.luck.draw(24)
        self.luck.taken()
        return head + nonce + ratchet.xchacha_seal(key, nonce, content, side.session + head)


def taking_turns():
    talk = Talk("taking turns")
    for by in (0, 1, 0, 1, 0, 1):
        talk.pass_on(by, 2)
    return talk


def late_lost_and_twice():
    talk = Talk("late, lost and twice")
    first = [talk.send(0) for _ in range(5)]
    for number in (2, 0, 4):
        talk.receive(first[number])
    talk.receive(first[4], "duplicate")
    second = [talk.send(1) for _ in range(4)]
    talk.receive(second[3])
    third = [talk.send(0) for _ in range(3)]
    talk.receive(third[1])
    talk.receive(first[1])  # of the chain before; first[3] is lost
    talk.receive(first[1], "duplicate")
    talk.receive(second[1])
    for number in (0, 2):
        talk.receive(third[number])
    talk.receive(third[0], "duplicate")
    return talk


def two_rekeys_each_way():
    talk = Talk("two rekeys each way, with loss")
    for turn in range(26):
        for by in (0, 1):
            letters = [talk.send(by) for _ in range(5)]
            for number in letters[1:]:
                talk.receive(number)
    assert all(side.rekeys >= 4 for side in talk.sides)
    return talk


def altered_bytes():
    talk = Talk("altered bytes")
    talk.pass_on(0)
    letter = talk.send(1)  # with an answer
    size = len(talk.events[letter]["sealed"]) // 2
    for at in (0, 23, 24, 60, 80, 81, 700, size - 60, size - 40, size - 17, size - 1):
        talk.receive(letter, "refused", alter=[at, 1 << at % 8])
    talk.receive(letter)
    back = talk.send(0)
    talk.receive(back, "refused", alter=[40, 1])
    talk.receive(back)
    return talk


def wide_gaps():
    talk = Talk("gaps of 1,000 and 1,001")
    talk.forged(0, talk.at_number(0, 1001, b"one too far"))
    talk.forged(0, talk.at_number(0, 1000, b"as far as may be"), "content", b"as far as may be")
    talk.forged(0, talk.at_number(0, 2001, b"as far again"), "content", b"as far again")
    talk.forged(0, talk.at_number(0, 2003, b"the 2,001st key"))
    talk.forged(0, talk.at_number(0, 2002, b"the next"), "content", b"the next")
    letter = talk.send(0)
    talk.receive(letter)  # of number 0, skipped by the first of these
    talk.forged(0, talk.at_number(0, 2004, b"one key less"), "content", b"one key less")
    return talk


def forged_headers():
    talk = Talk("headers that nobody should seal")
    talk.pass_on(0)
    talk.pass_on(1)
    talk.pass_on(0)
    key = mlkem.public_of(talk.luck.draw(64))
    cipher, _ = mlkem.encapsulate(key, talk.luck.draw(32))
    bad_key = b"\xff\xff" + key[2:]
    talk.luck.taken()
    talk.forged(0, talk.with_header(0, flags=4))
    talk.forged(0, talk.with_header(0, flags=1))
    talk.forged(0, talk.with_header(0, number=2**31))
    talk.forged(0, talk.with_header(0, number=2**32 - 1))
    talk.forged(0, talk.with_header(0, offer=(0, key)))
    talk.forged(0, talk.with_header(0, offer=(9, bad_key)))
    talk.forged(0, talk.with_header(0, answer=(0, cipher)))
    talk.forged(1, talk.with_header(1, answer=(7, cipher)))  # begins a chain; no such offer
    talk.forged(1, talk.with_header(1, dh=bytes(32)))
    talk.forged(1, talk.with_header(1, dh=b"\xee" + b"\xff" * 30 + b"\x7f"))
    talk.forged(1, talk.with_header(1, previous=1002))
    talk.forged(1, talk.with_header(1, previous=0))  # of the chain before, one has come
    talk.pass_on(1)
    talk.pass_on(0)
    talk.forged(0, talk.with_header(0, dh=dh_public(bytes(31) + b"\1")))  # within a chain
    talk.forged(0, talk.with_header(0, b"no answer is due", answer=(7, cipher)), "content",
                b"no answer is due")
    return talk


def chains_and_ages():
    talk = Talk("how long a skipped key lives")
    old = [talk.send(0) for _ in range(4)]
    talk.receive(old[3])
    for _ in range(5):
        talk.pass_on(1)
        talk.pass_on(0)
    talk.receive(old[0])  # five chains later
    talk.pass_on(1)
    talk.pass_on(0)
    talk.receive(old[1], "refused")  # six
    young = [talk.send(0) for _ in range(3)]
    talk.receive(young[2])
    talk.now += 29 * DAY
    talk.receive(young[0])
    talk.now += 2 * DAY
    talk.receive(young[1], "refused")
    talk.receive(young[2], "duplicate")
    talk.pass_on(0)
    return talk


def ratchet_file():
    talks = [taking_turns(), late_lost_and_twice(), two_rekeys_each_way(), altered_bytes(),
             wide_gaps(), forged_headers(), chains_and_ages()]
    return {"generator": GENERATOR, "cases": [talk.whole() for talk in talks]}
