"""Everything that has one spelling: certificate, device list, bundle, record, message, cell.

docs/protocol.md, the sections of these names. Each `read_` refuses what is not canonical.
"""

from dataclasses import dataclass, field

import mlkem
from primitives import (dh_check, labelled, need, sign, sign_check, sign_check_key,
                        sign_public)

ZERO_HEAD = bytes(40)
CELL_CLASSES = (1024, 4096, 16384, 65536)
START_SIZES = (1840, 3760)
TEXT_MAX = 57344
WRITTEN_MAX = 2**43
NUMBER_LIMIT = 2**31


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


class Wire:
    """Bytes that are read from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        need(self.at + size <= len(self.data), "too short")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def constant(self, size, value, what):
        need(self.number(size) == value, f"another {what}")

    def part(self, most):
        """u16 length, and so many bytes."""
        size = self.number(2)
        need(size <= most, "a part that is too long")
        return self.take(size)

    def before(self):
        return self.data[:self.at]

    def left(self):
        return len(self.data) - self.at

    def end(self):
        need(self.left() == 0, "a byte too many")

    def zeros(self):
        need(not any(self.take(self.left())), "something after the end")


def ascending(keys):
    return all(a < b for a, b in zip(keys, keys[1:]))


def read_head(wire):
    """Counter 0 only with a zero hash: none."""
    head = wire.take(40)
    need(any(head[:8]) or not any(head), "a hash of no list")
    return head


# --- certificate ---------------------------------------------------------------------------------

@dataclass
class Certificate:
    account: bytes
    device: bytes
    link: bytes
    valid_from: int
    valid_until: int


def write_certificate(account_seed, device_seed, link, valid_from, valid_until):
    out = u8(1) + sign_public(account_seed) + sign_public(device_seed)
    out += sign(account_seed, "ramage/certificate/device/v1", out)
    out += link + u8(0) + u32(valid_from) + u32(valid_until)
    return out + sign(device_seed, "ramage/certificate/link/v1", out)


def read_certificate(data):
    wire = Wire(data)
    wire.constant(1, 1, "version of a certificate")
    account, device, by_account = wire.take(32), wire.take(32), wire.take(64)
    sign_check(account, "ramage/certificate/device/v1", data[:65], by_account)
    link = wire.take(32)
    wire.constant(1, 0, "role")
    valid_from, valid_until = wire.number(4), wire.number(4)
    signed = wire.before()
    sign_check(device, "ramage/certificate/link/v1", signed, wire.take(64))
    wire.end()
    dh_check(link)
    need(valid_from <= valid_until, "a time that ends before it begins")
    need(len({account, device, link}) == 3, "equal keys")
    return Certificate(account, device, link, valid_from, valid_until)


def certificate_hash(data):
    return labelled("ramage/certificate/hash/v1", data)


# --- device list ---------------------------------------------------------------------------------

@dataclass
class Device:
    device: bytes
    dh: bytes
    name_hash: bytes
    since: int


@dataclass
class DeviceList:
    account: bytes
    counter: int
    previous: bytes
    valid_until: int
    devices: list
    revoked: list = field(default_factory=list)  # (device key, day)

    def find(self, device):
        return next((entry for entry in self.devices if entry.device == device), None)


def name_hash(device, name):
    return labelled("ramage/devices/name/v1", device, name.encode())


def write_list(account_seed, devices):
    out = u8(1) + sign_public(account_seed) + u64(devices.counter) + devices.previous
    out += u32(devices.valid_until) + u8(len(devices.devices))
    for entry in sorted(devices.devices, key=lambda entry: entry.device):
        out += entry.device + entry.dh + entry.name_hash + u32(entry.since)
    out += u8(len(devices.revoked))
    for device, when in sorted(devices.revoked):
        out += device + u32(when)
    return out + sign(account_seed, "ramage/devices/v1", out)


def read_list(data):
    wire = Wire(data)
    wire.constant(1, 1, "version of a device list")
    account, counter, previous = wire.take(32), wire.number(8), wire.take(32)
    valid_until = wire.number(4)
    count = wire.number(1)
    need(1 <= count <= 8, "no devices, or too many")
    devices = [Device(wire.take(32), wire.take(32), wire.take(32), wire.number(4))
               for _ in range(count)]
    count = wire.number(1)
    need(count <= 32, "too many revoked devices")
    revoked = [(wire.take(32), wire.number(4)) for _ in range(count)]
    signed = wire.before()
    sign_check(account, "ramage/devices/v1", signed, wire.take(64))
    wire.end()
    need(counter >= 1 and (counter > 1 or not any(previous)), "a first list with one before it")
    check_devices(account, devices, revoked)
    return DeviceList(account, counter, previous, valid_until, devices, revoked)


def check_devices(account, devices, revoked):
    named, gone = [entry.device for entry in devices], [device for device, _ in revoked]
    need(ascending(named) and ascending(gone), "devices out of order")
    need(not set(named) & set(gone), "a device that is listed and revoked")
    need(account not in named + gone, "a device that is the account")
    need(len({entry.dh for entry in devices}) == len(devices), "two devices with one DH key")
    for device in named + gone:
        sign_check_key(device)
    for entry in devices:
        dh_check(entry.dh)


def list_hash(data):
    return labelled("ramage/devices/hash/v1", data)


def list_head(data):
    return u64(read_list(data).counter) + list_hash(data)


# --- prekey bundle -------------------------------------------------------------------------------

@dataclass
class Bundle:
    kind: int  # 1 last resort, 2 one time
    account: bytes
    device: bytes
    head: bytes
    id: bytes
    sequence: int
    made: int
    dh: bytes
    kem: bytes


def write_bundle(device_seed, bundle):
    out = u8(1) + u8(1) + u8(bundle.kind) + bundle.account + sign_public(device_seed)
    out += bundle.head + bundle.id + u64(bundle.sequence) + u64(bundle.made)
    out += u8(1) + bundle.dh + u8(2) + bundle.kem
    return out + sign(device_seed, "ramage/bundle/v1", out)


def read_bundle(data):
    wire = Wire(data)
    wire.constant(1, 1, "version of a bundle")
    wire.constant(1, 1, "suite")
    kind = wire.number(1)
    need(kind in (1, 2), "another kind of bundle")
    account, device, head, name = wire.take(32), wire.take(32), read_head(wire), wire.take(8)
    sequence, made = wire.number(8), wire.number(8)
    wire.constant(1, 1, "type of key")
    dh = wire.take(32)
    wire.constant(1, 2, "type of key")
    kem = wire.take(1184)
    signed = wire.before()
    sign_check(device, "ramage/bundle/v1", signed, wire.take(64))
    wire.end()
    need(any(name) and any(head), "a bundle without an id, or before any list")
    need(device != account, "a device that is the account")
    sign_check_key(account)
    dh_check(dh)
    mlkem.check_public(kem)
    return Bundle(kind, account, device, head, name, sequence, made, dh, kem)


def bundle_hash(data):
    return labelled("ramage/bundle/hash/v1", data)


# --- record --------------------------------------------------------------------------------------

@dataclass
class Record:
    certificate: bytes
    lists: list
    last_resort: bytes
    one_time: list


def write_record(record):
    lists = b"".join(u16(len(one)) + one for one in record.lists)
    return (u8(2) + record.certificate + u16(len(lists)) + lists + record.last_resort
            + u8(len(record.one_time)) + b"".join(record.one_time))


def read_record(data):
    """Returns the wire forms in it, each of them checked, and all of one device."""
    wire = Wire(data)
    wire.constant(1, 2, "version of a record")
    certificate = wire.take(234)
    inner = Wire(wire.part(4096))
    lists = []
    while inner.left():
        lists.append(inner.part(4096))
    last_resort = wire.take(1413)
    count = wire.number(1)
    need(count <= 3, "too many one-time bundles")
    one_time = [wire.take(1413) for _ in range(count)]
    wire.end()
    check_record(read_certificate(certificate), lists, last_resort, one_time)
    return Record(certificate, lists, last_resort, one_time)


def check_record(certificate, lists, last_resort, one_time):
    need(1 <= len(lists) <= 8, "no device list, or too many")
    read = [read_list(one) for one in lists]
    need(all(one.account == certificate.account for one in read), "lists of several accounts")
    for before, after, data in zip(read, read[1:], lists):
        need(after.counter == before.counter + 1 and after.previous == list_hash(data),
             "lists that do not follow each other")
    need(read[-1].find(certificate.device), "a device that is not on its list")
    for kind, data in [(1, last_resort)] + [(2, one) for one in one_time]:
        bundle = read_bundle(data)
        need(bundle.kind == kind, "a bundle of the wrong kind")
        need((bundle.account, bundle.device) == (certificate.account, certificate.device),
             "a bundle of somebody else")


# --- messages ------------------------------------------------------------------------------------

@dataclass
class Message:
    conversation: bytes
    height: int
    written: int
    parents: list
    text: str


def conversation_of(account, other):
    return labelled("ramage/chat/pair/v1", min(account, other), max(account, other))


def write_message(message):
    text = message.text.encode()
    return (u8(1) + u8(1) + message.conversation + u64(message.height) + u64(message.written)
            + u8(len(message.parents)) + b"".join(sorted(message.parents)) + u32(len(text)) + text)


def read_message(data):
    wire = Wire(data)
    wire.constant(1, 1, "version of a message")
    wire.constant(1, 1, "kind of message")
    conversation, height, written = wire.take(32), wire.number(8), wire.number(8)
    count = wire.number(1)
    need(count <= 8, "too many parents")
    parents = [wire.take(32) for _ in range(count)]
    size = wire.number(4)
    need(1 <= size <= TEXT_MAX, "a text without characters, or too long")
    try:
        text = wire.take(size).decode()
    except UnicodeDecodeError:
        need(False, "a text that is not UTF-8")
    wire.end()
    need(ascending(parents), "parents out of order")
    need(height >= 1 and (height == 1) == (count == 0), "a height that no parents give")
    need(written <= WRITTEN_MAX and "\0" not in text, "a time or a text beyond its range")
    return Message(conversation, height, written, parents, text)


def message_id(account, data):
    return labelled("ramage/chat/message/v1", account, data)


# --- cells ---------------------------------------------------------------------------------------

MESSAGE, ACKNOWLEDGEMENT, TOMBSTONE = 1, 2, 3


@dataclass
class Content:
    own_head: bytes
    other_head: bytes
    pair_id: bytes
    items: list  # (kind, bytes)


def cell_class(size, has_messages=False):
    return next(one for one in CELL_CLASSES[1 if has_messages else 0:] if one >= size)


def write_run(chain, first, count):
    return chain + u32(first) + u16(count)


def write_content(content, size):
    out = content.own_head + content.other_head + content.pair_id
    out += b"".join(u8(kind) + u16(len(data)) + data for kind, data in content.items)
    need(len(out) <= size, "more than the cell holds")
    return out.ljust(size, b"\0")


def read_content(data, conversation):
    wire = Wire(data)
    content = Content(read_head(wire), read_head(wire), wire.take(8), [])
    need(any(content.own_head), "a writer without a device list")
    while wire.left():
        kind = wire.number(1)
        if kind == 0:
            wire.zeros()
        else:
            content.items.append((kind, wire.part(len(data))))
            check_item(*content.items[-1], conversation)
    return content


def check_item(kind, data, conversation):
    if kind == MESSAGE:
        need(read_message(data).conversation == conversation, "a message of another conversation")
    elif kind == ACKNOWLEDGEMENT:
        need(data, "an acknowledgement of nothing")
        wire = Wire(data)
        while wire.left():
            _, first, count = wire.take(8), wire.number(4), wire.number(2)
            need(1 <= count <= 1000 and first + count <= NUMBER_LIMIT, "a run beyond its range")
    elif kind == TOMBSTONE:
        need(len(data) == 32, "a tombstone that is no id")
    else:
        need(False, "an item of no known kind")


def write_start_cell(bundle_id, start, sealed):
    return u8(2) + bundle_id + u16(len(start)) + start + sealed


def read_start_cell(data):
    """Returns (bundle id, session start, what the ratchet sealed)."""
    need(len(data) in CELL_CLASSES[1:], "no size of a start cell")
    wire = Wire(data)
    wire.constant(1, 2, "version of a start cell")
    bundle_id, start = wire.take(8), wire.part(START_SIZES[-1])
    need(len(start) in START_SIZES, "no size of a session start")
    return bundle_id, start, wire.take(wire.left())


def read_ratchet_cell(data):
    need(len(data) in CELL_CLASSES, "no size of a ratchet cell")
    return data


# --- link handshake ------------------------------------------------------------------------------

LINK_KEY, DOOR = 0, 1
PROOF = "ramage/link/door proof/v1"


@dataclass
class Call:
    """The payload of message 1. At a door it has a proof."""

    psk_id: bytes
    stamp: int
    instance: bytes
    reset_token: bytes
    certificate: bytes
    proof: bytes
    parameters: bytes


@dataclass
class Answer:
    """The payload of message 2. At a door it has no certificate."""

    instance: bytes
    reset_token: bytes
    certificate: bytes
    parameters: bytes


def link_prologue(first_id, role, certificate):
    label = b"ramage/link/v2"
    return (u8(len(label)) + label + u32(0x524d4702) + u8(16) + first_id + u8(role)
            + (bytes(32) if role == DOOR else certificate_hash(certificate)))


def write_call(call):
    return (u32(0) + call.psk_id + u64(call.stamp) + call.instance + call.reset_token
            + call.certificate + call.proof + u16(len(call.parameters)) + call.parameters)


def read_call(data, role):
    wire = Wire(data)
    wire.take(4)  # capabilities: unknown bits are ignored
    call = Call(wire.take(8), wire.number(8), wire.take(8), wire.take(16), wire.take(234),
                wire.take(64 if role == DOOR else 0), wire.part(512))
    wire.end()
    read_certificate(call.certificate)
    return call


def write_answer(answer):
    return (u32(0) + answer.instance + answer.reset_token + answer.certificate
            + u16(len(answer.parameters)) + answer.parameters)


def read_answer(data, role):
    wire = Wire(data)
    wire.take(4)
    answer = Answer(wire.take(8), wire.take(16), wire.take(0 if role == DOOR else 234),
                    wire.part(512))
    wire.end()
    if role != DOOR:
        read_certificate(answer.certificate)
    return answer


def proved(h, call):
    """What the caller's device signs at a door, under PROOF; h is that before message 1."""
    return h + u64(call.stamp) + call.certificate
