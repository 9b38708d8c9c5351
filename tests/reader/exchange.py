"""A recorded exchange of two people, as JSON: the C program tests/exchange writes and reads the
same form (tests/reader/README.md describes it).

Here one is written, and one is followed as one of the two: with the secrets of that one alone.
"""

import hashlib
import random

import mlkem
import noise
from card import door_secret, read_card, write_card
from formats import (ACKNOWLEDGEMENT, DOOR, LINK_KEY, MESSAGE, PROOF, TOMBSTONE, ZERO_HEAD, Answer,
                     Bundle, Call, Content, Device, DeviceList, Message, Record, cell_class,
                     conversation_of, link_prologue, list_hash, list_head, message_id, name_hash,
                     proved, read_answer, read_bundle, read_call, read_certificate, read_content,
                     read_list, read_message, read_ratchet_cell, read_record, read_start_cell,
                     write_answer, write_bundle, write_call, write_certificate, write_content,
                     write_list, write_message, write_record, write_run, write_start_cell)
from primitives import Refused, dh_public, keyed, need, sign, sign_check, sign_public
from ratchet import Duplicate, Ratchet, open_header
from session import Claim, accept, pair_id, psk_id, start

FORMAT = "ramage exchange 1"
DAY = 24 * 3600 * 1000
BEGAN = 20650 * DAY  # the day the written exchange takes place, in milliseconds since 1970
NO_PAIR = bytes(8)


class Luck:
    """Repeatable: every draw comes from the seed and the count of those before it."""

    def __init__(self, seed):
        self.seed, self.count, self.drawn = seed.encode(), 0, []

    def draw(self, size, _what=""):
        self.count += 1
        out = hashlib.shake_256(self.seed + b"/" + str(self.count).encode()).digest(size)
        self.drawn.append(out)
        return out

    def taken(self):
        """What was drawn since the last call, in hex."""
        drawn, self.drawn = self.drawn, []
        return [one.hex() for one in drawn]


def unhex(value):
    return bytes.fromhex(value)


# --- people --------------------------------------------------------------------------------------

def make_person(luck, name, devices):
    """A person with one device that talks, and `devices` - 1 others, the last of which is revoked
    when there is more than one."""
    account, link, card_secret = luck.draw(32), luck.draw(32), luck.draw(16)
    seeds = [(luck.draw(32), luck.draw(32)) for _ in range(devices)]
    day = BEGAN // DAY
    entries = [Device(sign_public(sign), dh_public(dh), name_hash(sign_public(sign), name), day - 9)
               for sign, dh in seeds]
    lists = [write_list(account, DeviceList(sign_public(account), 1, bytes(32), day + 81, entries))]
    if devices > 1:
        gone = [(entries[-1].device, day - 1)]
        lists.append(write_list(account, DeviceList(sign_public(account), 2, list_hash(lists[0]),
                                                    day + 89, entries[:-1], gone)))
    (device, dh), head = seeds[0], list_head(lists[-1])
    bundles = [make_bundle(luck, account, device, head, kind, number)
               for number, kind in enumerate((1, 2), 1)]
    certificate = write_certificate(account, device, dh_public(link), day - 2, day + 5)
    record = write_record(Record(certificate, lists, unhex(bundles[0]["wire"]),
                                 [unhex(bundles[1]["wire"])]))
    return {"public": {"record": record.hex(),
                       "card": write_card(sign_public(account), card_secret)},
            "secret": {"account_seed": account.hex(), "device_seed": device.hex(), "dh": dh.hex(),
                       "link": link.hex(), "bundles": bundles}}


def make_bundle(luck, account, device, head, kind, number):
    dh, kem = luck.draw(32), luck.draw(64)
    bundle = Bundle(kind, sign_public(account), sign_public(device), head, luck.draw(8), number,
                    BEGAN - DAY, dh_public(dh), mlkem.public_of(kem))
    return {"wire": write_bundle(device, bundle).hex(), "dh": dh.hex(), "kem_seed": kem.hex()}


class Known:
    """What everybody knows of a person who has read the record."""

    def __init__(self, public):
        self.record = read_record(unhex(public["record"]))
        self.certificate = read_certificate(self.record.certificate)
        self.account, self.device = self.certificate.account, self.certificate.device
        self.list = self.record.lists[-1]
        self.dh = read_list(self.list).find(self.device).dh
        self.head = list_head(self.list)
        account, self.card_secret = read_card(public["card"])
        need(account == self.account, "a card of somebody else")


class Person(Known):
    def __init__(self, both):
        super().__init__(both["public"])
        secret = both["secret"]
        self.device_seed = unhex(secret["device_seed"])
        self.own_dh, self.own_link = unhex(secret["dh"]), unhex(secret["link"])
        self.bundles = {read_bundle(unhex(one["wire"])).id: one for one in secret["bundles"]}
        need(sign_public(unhex(secret["account_seed"])) == self.account
             and sign_public(self.device_seed) == self.device
             and dh_public(self.own_dh) == self.dh
             and dh_public(self.own_link) == self.certificate.link, "secrets of somebody else")


# --- link ----------------------------------------------------------------------------------------

def link_secrets(handshake):
    """The table of "Link handshake"."""
    k1, k2, k3 = handshake.split(3)

    def derived(key, label):
        return keyed(key, "ramage/link/" + label, handshake.hash()).hex()

    return {"handshake_call": derived(k3, "handshake call/v1"),
            "handshake_answer": derived(k3, "handshake answer/v1"),
            "transport_call": derived(k1, "transport/v1"),
            "transport_answer": derived(k2, "transport/v1"),
            "announce_call": derived(k3, "announce call/v1"),
            "announce_answer": derived(k3, "announce answer/v1")}


def called_key(role, called):
    """Public, to whoever has the record, or at a door the card."""
    if role == DOOR:
        return dh_public(door_secret(called.account, called.card_secret))
    return called.certificate.link


def called_secret(role, called):
    return door_secret(called.account, called.card_secret) if role == DOOR else called.own_link


def write_link(luck, caller, called, psk, role=LINK_KEY):
    """Both messages, both sides as one program."""
    first_id = luck.draw(16)
    call = Call(psk_id(psk) if any(psk) else bytes(8), BEGAN * 10**6, luck.draw(8), luck.draw(16),
                caller.record.certificate, b"", luck.draw(60))
    answer = Answer(luck.draw(8), luck.draw(16),
                    b"" if role == DOOR else called.record.certificate, luck.draw(61))
    luck.taken()
    prologue = link_prologue(first_id, role, called.record.certificate)
    ours = noise.Keys(s=caller.own_link, e=luck.draw(32), e1=luck.draw(64),
                      their_s=called_key(role, called), psks=[psk])
    call_draws = luck.taken()
    theirs = noise.Keys(s=called_secret(role, called), e=luck.draw(32), kem_luck=luck.draw(32),
                        psks=[psk])
    answer_draws = luck.taken()
    first = noise.Handshake("IKhfs+psk2", True, prologue, ours)
    second = noise.Handshake("IKhfs+psk2", False, prologue, theirs)
    if role == DOOR:
        call.proof = sign(caller.device_seed, PROOF, proved(first.hash(), call))
    messages = [first.write(write_call(call))]
    second.read(messages[0])
    messages.append(second.write(write_answer(answer)))
    return {"role": role, "first_id": first_id.hex(), "psk": psk.hex(),
            "draws": [call_draws, answer_draws],
            "payloads": [write_call(call).hex(), write_answer(answer).hex()],
            "messages": [message.hex() for message in messages], "secrets": link_secrets(second)}


def follow_link(link, us, them, calls):
    """As the caller or as the called."""
    role, number = link["role"], 0 if calls else 1
    certificate = (them if calls else us).record.certificate
    prologue = link_prologue(unhex(link["first_id"]), role, certificate)
    draws = [unhex(one) for one in link["draws"][number]]
    messages = [unhex(one) for one in link["messages"]]
    keys = noise.Keys(psks=[unhex(link["psk"])])
    keys.e = find(draws, lambda one: len(one) == 32 and dh_public(one) == messages[number][:32])
    keys.s = us.own_link if calls else called_secret(role, us)
    if calls:
        keys.their_s = called_key(role, them)
        keys.e1 = find(draws, lambda one: len(one) == 64)
    handshake = noise.Handshake("IKhfs+psk2", calls, prologue, keys)
    before = handshake.hash()
    if not calls:
        check_call(link, them, handshake.read(messages[0]), before, keys.their_s)
        keys.kem_luck = find(draws, lambda one: len(one) == 32 and one != keys.e)
    need(handshake.write(unhex(link["payloads"][number])) == messages[number],
         "another message of the link")
    if calls:
        answer = read_answer(handshake.read(messages[1]), role)
        need(role == DOOR or read_certificate(answer.certificate) == them.certificate,
             "another certificate")
    need(link_secrets(handshake) == link["secrets"], "other secrets of the link")


def check_call(link, them, payload, before, static):
    call, psk = read_call(payload, link["role"]), unhex(link["psk"])
    certificate = read_certificate(call.certificate)
    need(certificate.link == static and certificate.account == them.account, "another caller")
    need(call.psk_id == (psk_id(psk) if any(psk) else bytes(8)), "another psk is named")
    if link["role"] == DOOR:
        sign_check(certificate.device, PROOF, proved(before, call), call.proof)


def find(draws, fits):
    found = next((one for one in draws if fits(one)), None)
    need(found is not None, "nothing that was drawn fits")
    return found


# --- one side of a session -----------------------------------------------------------------------

class Side:
    """A person in a session with another."""

    def __init__(self, us, them):
        self.us, self.them = us, them
        self.conversation = conversation_of(us.account, them.account)
        self.ratchet = self.secrets = None
        self.opening = self.accepted = None  # (bundle id, start) of ours; the start of theirs
        self.heard = False
        self.parents, self.height = [], 0
        self.owed = []  # (chain id, number) of what is not acknowledged yet

    # --- starting ---

    def begin(self, bundle, claim, e, kem_luck):
        message, self.secrets = start(claim, self.us.own_dh, self.them.list, bundle, e, kem_luck)
        self.opening = read_bundle(bundle).id, message
        return message

    def begin_ratchet(self, bundle, now, draw):
        self.ratchet = Ratchet.initiator(self.secrets, read_bundle(bundle).dh, now, draw)

    def accept(self, bundle_id, message, now):
        bundle = self.us.bundles[bundle_id]
        claim, self.secrets = accept(message, self.us.own_dh, unhex(bundle["dh"]),
                                     unhex(bundle["kem_seed"]), unhex(bundle["wire"]))
        need((claim.account, claim.device) == (self.them.account, self.them.device),
             "a start of somebody else")
        need(claim.list == self.them.list, "a list that is not the one we know")
        need(claim.their_head in (self.us.head, ZERO_HEAD), "another list of ours")
        self.ratchet = Ratchet.recipient(self.secrets, unhex(bundle["dh"]), now)
        self.accepted = message

    # --- cells ---

    def prefix(self):
        """What stands before the sealed part until something of the recipient has opened."""
        return write_start_cell(*self.opening, b"") if self.opening and not self.heard else b""

    def write_cell(self, items, now, draw):
        """Seals the items in the smallest cell."""
        message = any(kind == MESSAGE for kind, _ in items)
        probe = Luck("sizes")
        sealed = self.copy().seal(b"", now, probe.draw)
        content = Content(self.us.head, self.them.head,
                          pair_id(self.secrets.pair) if self.heard else NO_PAIR, items)
        needs = len(write_content(content, 2**16).rstrip(b"\0")) + len(sealed) + 64
        before = self.prefix()
        size = cell_class(len(before) + needs, message or bool(before))
        text = write_content(content, size - len(before) - len(sealed))
        return before + self.ratchet.seal(text, now, draw), text

    def copy(self):
        twin = object.__new__(Ratchet)
        twin.__dict__ = dict(self.ratchet.__dict__)
        return twin

    def split(self, cell):
        """Takes a start cell apart by trying; a ratchet cell is all sealed."""
        if cell[0] == 2 and self.prefix_of(cell):
            return read_start_cell(cell)
        return None, None, read_ratchet_cell(cell)

    def prefix_of(self, cell):
        """Frames name the kind of cell; here the bundle id tells."""
        known = {self.opening[0]} if self.opening else set(self.us.bundles)
        return cell[1:9] in known

    def open_cell(self, cell, now):
        bundle_id, message, sealed = self.split(cell)
        if message and self.ratchet is None:
            self.accept(bundle_id, message, now)
        need(message in (None, self.accepted), "another start than the one of this session")
        opened = self.ratchet.open(sealed, now)
        content = read_content(opened.content, self.conversation)
        need(content.own_head == self.them.head, "another list of theirs")
        need(content.pair_id in (NO_PAIR, pair_id(self.secrets.pair)), "another pair")
        self.heard = True
        if any(kind != ACKNOWLEDGEMENT for kind, _ in content.items):
            self.owed.append((opened.chain_id, opened.number))
        for kind, data in content.items:
            if kind == MESSAGE:
                self.note(self.them.account, data)
        return opened, content

    # --- what is said ---

    def note(self, author, data):
        message = read_message(data)
        self.parents = [one for one in self.parents if one not in message.parents][-7:]
        self.parents.append(message_id(author, data))
        self.height = max(self.height, message.height)

    def say(self, text, now):
        data = write_message(Message(self.conversation, self.height + 1, now, self.parents, text))
        self.note(self.us.account, data)
        return MESSAGE, data

    def acknowledge(self):
        runs = b"".join(write_run(chain, number, 1) for chain, number in self.owed)
        self.owed = []
        return ACKNOWLEDGEMENT, runs


# --- writing one ---------------------------------------------------------------------------------

def write(seed):
    luck = Luck(seed)
    people = {"alice": make_person(luck, "alice", 2), "bob": make_person(luck, "bob", 1)}
    alice, bob = Person(people["alice"]), Person(people["bob"])
    sides = {"alice": Side(alice, bob), "bob": Side(bob, alice)}
    bundle = bob.record.one_time[0]
    claim = Claim(alice.account, alice.device, BEGAN, luck.draw(16), bob.head, [luck.draw(32)],
                  alice.list)
    luck.taken()
    message = sides["alice"].begin(bundle, claim, luck.draw(32), luck.draw(32))
    sides["alice"].begin_ratchet(bundle, BEGAN, luck.draw)
    draws = luck.taken()
    sides["bob"].accept(read_bundle(bundle).id, message, BEGAN)
    psk = sides["alice"].secrets.psk
    return {"format": FORMAT, "made_by": "tests/reader", "people": people,
            "session": {"initiator": "alice", "recipient": "bob", "bundle": bundle.hex(),
                        "rank": BEGAN, "token": claim.token.hex(), "began": BEGAN,
                        "kept": [one.hex() for one in claim.kept], "message": message.hex(),
                        "draws": draws, "id": sides["alice"].secrets.id.hex()},
            "links": [dict(write_link(luck, alice, bob, bytes(32), DOOR), caller="alice"),
                      dict(write_link(luck, alice, bob, bytes(32)), caller="alice"),
                      dict(write_link(luck, bob, alice, psk), caller="bob")],
            "steps": Play(luck, sides).play()}


class Play:
    """Two who talk over a bad line: late, lost, twice, altered; most of the time short texts."""

    def __init__(self, luck, sides):
        self.luck, self.sides = luck, sides
        self.choice = random.Random(7)
        self.now, self.steps = BEGAN, []
        self.flying = {"alice": [], "bob": []}  # numbers of steps, by who sent them

    def play(self):
        texts = iter(range(10**6))
        for turn in range(120):
            by = ("alice", "bob")[turn % 2]
            for _ in range(self.choice.randrange(1, 8)):
                self.send(by, self.words(next(texts)))
            self.arrive(by)
        for by in ("alice", "bob"):
            while self.flying[by]:
                self.receive(by, self.flying[by].pop(0))
        return self.steps

    def words(self, number):
        """Every class of cell now and then."""
        length = {11: 3000, 40: 12000, 77: 57344, 78: 20000}.get(number, number % 50)
        return f"{number}: " + "grüße " * (length // 7) + "." if length != 57344 else "x" * 57344

    def send(self, by, text):
        side = self.sides[by]
        if not side.ratchet.can_send():
            return
        self.now += self.choice.randrange(1, 90000)
        items = [side.acknowledge()] if side.owed else []
        if self.choice.random() < 0.9:
            items.append(side.say(text, self.now))
        elif self.choice.random() < 0.3:
            items.append((TOMBSTONE, self.luck.draw(32)))
        self.luck.taken()
        cell, content = side.write_cell(items, self.now, self.luck.draw)
        self.flying[by].append(len(self.steps))
        self.steps.append({"do": "send", "by": by, "now": self.now, "draws": self.luck.taken(),
                           "cell": cell.hex(), "content": content.rstrip(b"\0").hex(),
                           "content_size": len(content)})

    def arrive(self, by):
        """Some of what this one sent, in some order."""
        flying = self.flying[by]
        for _ in range(self.choice.randrange(len(flying) + 1) + (len(flying) > 6)):
            if not flying:
                break
            number = flying.pop(self.choice.randrange(min(len(flying), 5)))
            if self.choice.random() < 0.1:
                continue  # lost
            if self.choice.random() < 0.1:
                self.receive(by, number, alter=[self.choice.randrange(1100, 4000),
                                                1 << self.choice.randrange(8)])
            self.receive(by, number)
            if self.choice.random() < 0.1:
                self.receive(by, number)

    def receive(self, by, number, alter=None):
        other = "bob" if by == "alice" else "alice"
        cell = unhex(self.steps[number]["cell"])
        step = {"do": "receive", "by": other, "now": self.now, "step": number}
        if alter:
            alter[0] %= len(cell)
            step["alter"] = alter
        step["gives"] = outcome(self.sides[other], altered(cell, alter), self.now)[0]
        self.steps.append(step)


def altered(data, alter):
    if not alter:
        return data
    at, flip = alter
    return data[:at] + bytes([data[at] ^ flip]) + data[at + 1:]


def outcome(side, cell, now):
    try:
        return "content", side.open_cell(cell, now)
    except Duplicate:
        return "duplicate", None
    except Refused:
        return "refused", None


# --- following one -------------------------------------------------------------------------------

def follow(exchange, name):
    """As that one of the two. Returns what was counted; raises Refused where something differs."""
    need(exchange["format"] == FORMAT, "another format")
    session = exchange["session"]
    other = next(one for one in exchange["people"] if one != name)
    us = Person(exchange["people"][name])
    them = Known(exchange["people"][other]["public"])
    side = Side(us, them)
    for link in exchange["links"]:
        follow_link(link, us, them, link["caller"] == name)
    if session["initiator"] == name:
        follow_start(session, side, first_sealed(exchange, name))
    count = {"sent": 0, "opened": 0, "duplicate": 0, "refused": 0, "texts": 0, "acknowledged": 0,
             "tombstones": 0, "rekeys answered": 0, "rekeys": 0, "classes": set()}
    for number, step in enumerate(exchange["steps"]):
        if step["by"] == name:
            try:
                follow_step(exchange["steps"], step, side, count)
            except Refused as why:
                raise Refused(f"step {number}: {why}") from None
    need(side.secrets.id.hex() == session["id"], "another session")
    count["rekeys"] = side.ratchet.rekeys
    return count


def first_sealed(exchange, name):
    cell = next(step["cell"] for step in exchange["steps"]
                if step["do"] == "send" and step["by"] == name)
    return read_start_cell(unhex(cell))[2]


def follow_start(session, side, sealed):
    """Makes our own start again, from what we drew, and compares. The header of the first message
    tells which draws became the first ratchet pair and the first offer."""
    message, bundle = unhex(session["message"]), unhex(session["bundle"])
    draws = [unhex(one) for one in session["draws"]]
    claim = Claim(side.us.account, side.us.device, session["rank"], unhex(session["token"]),
                  side.them.head, [unhex(one) for one in session["kept"]], side.us.list)
    e = find(draws, lambda one: len(one) == 32 and dh_public(one) == message[:32])
    find(draws, lambda one: len(one) == 32 and one != e
         and side.begin(bundle, claim, e, one) == message)
    header, _ = open_header(side.secrets.header_initiator, side.secrets.id, sealed)
    side.begin_ratchet(bundle, session["began"], chooser(draws, header, sealed, None))


def chooser(draws, header, sealed, their_offer):
    """A source of luck for one message that is known: gives what must have been drawn for it."""
    choices = {
        "header nonce": lambda one: one == sealed[:24],
        "body nonce": lambda one: len(one) == 24 and one != sealed[:24] and one in sealed,
        "pair": lambda one: len(one) == 32 and dh_public(one) == header.dh,
        "offer": lambda one: len(one) == 64 and mlkem.public_of(one) == header.offer[1],
        "encapsulation": lambda one: len(one) == 32
        and mlkem.encapsulate(their_offer[1], one)[0] == header.answer[1]}
    return lambda size, what: find(draws, choices[what])


def follow_step(steps, step, side, count):
    if step["do"] == "send":
        follow_send(step, side)
        count["sent"] += 1
        count["classes"].add(len(step["cell"]) // 2)
        return
    sent = steps[step["step"]]
    gives, result = outcome(side, altered(unhex(sent["cell"]), step.get("alter")), step["now"])
    need(gives == step["gives"], f"gives {gives}, should give {step['gives']}")
    count["opened" if gives == "content" else gives] += 1
    if result:
        opened, content = result
        need(opened.content == unhex(sent["content"]).ljust(sent["content_size"], b"\0"),
             "another content")
        count["rekeys answered"] += opened.answered
        count["texts"] += sum(kind == MESSAGE for kind, _ in content.items)
        count["tombstones"] += sum(kind == TOMBSTONE for kind, _ in content.items)
        count["acknowledged"] += sum(len(data) // 14 for kind, data in content.items
                                     if kind == ACKNOWLEDGEMENT)


def follow_send(step, side):
    """Makes our own cell again from the state and from what we drew; it must be the same bytes."""
    ratchet, cell = side.ratchet, unhex(step["cell"])
    _, _, sealed = side.split(cell) if side.prefix() else (None, None, read_ratchet_cell(cell))
    key = ratchet.next_send_header if ratchet.turned else ratchet.send_header
    header, _ = open_header(key, side.secrets.id, sealed)
    content = unhex(step["content"]).ljust(step["content_size"], b"\0")
    read_content(content, side.conversation)
    draws = [unhex(one) for one in step["draws"]]
    made = ratchet.seal(content, step["now"], chooser(draws, header, sealed, ratchet.their_offer))
    need(side.prefix() + made == cell, "another cell than the one that was sent")
