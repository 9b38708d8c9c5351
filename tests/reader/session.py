"""The start of a session, both roles. docs/protocol.md, "Session start"."""

from dataclasses import dataclass

import noise
from formats import (START_SIZES, Wire, bundle_hash, list_head, read_bundle, read_head, read_list,
                     u8, u16, u64)
from primitives import hkdf_expand, labelled, need

PAYLOAD_SIZES = (640, 2560)
LABEL = b"ramage/session/v1"


@dataclass
class Claim:
    """What the initiator says of itself."""

    account: bytes
    device: bytes
    rank: int
    token: bytes
    their_head: bytes  # of the recipient's list, as the initiator knows it
    kept: list  # session ids
    list: bytes


@dataclass
class Secrets:
    id: bytes
    root: bytes
    header_initiator: bytes
    next_header_recipient: bytes
    exporter: bytes
    psk: bytes
    pair: bytes


def psk_id(psk):
    return labelled("ramage/session/psk id/v1", psk)[:8]


def pair_id(pair):
    return labelled("ramage/pair/id/v1", pair)[:8]


def seen_hash(message):
    return labelled("ramage/session/seen/v1", message)


def prologue(bundle):
    return u8(len(LABEL)) + LABEL + u8(1) + bundle_hash(bundle)


def write_claim(claim):
    out = (u8(1) + claim.account + claim.device + u64(claim.rank) + claim.token + claim.their_head
           + u8(len(claim.kept)) + b"".join(claim.kept) + u16(len(claim.list)) + claim.list)
    return out.ljust(next(size for size in PAYLOAD_SIZES if size >= len(out)), b"\0")


def read_claim(data):
    wire = Wire(data)
    wire.constant(1, 1, "version of a payload")
    account, device, rank = wire.take(32), wire.take(32), wire.number(8)
    token, head = wire.take(16), read_head(wire)
    count = wire.number(1)
    need(count <= 3, "too many sessions kept")
    kept = [wire.take(32) for _ in range(count)]
    claim = Claim(account, device, rank, token, head, kept, wire.part(PAYLOAD_SIZES[-1]))
    need(len(data) == PAYLOAD_SIZES[0] or wire.at > PAYLOAD_SIZES[0], "longer than it need be")
    wire.zeros()
    return claim


def secrets_of(handshake):
    h = handshake.hash()
    keys = hkdf_expand(handshake.state.ck, b"ramage/session/keys/v1" + h, 192)
    return Secrets(labelled("ramage/session/id/v1", h), *(keys[at:at + 32]
                                                          for at in range(0, 192, 32)))


def start(claim, own_dh, their_list, bundle_wire, e, kem_luck):
    """The initiator's part. Returns (message, secrets). The list must be the newest one known."""
    bundle, devices = read_bundle(bundle_wire), read_list(their_list)
    entry = devices.find(bundle.device)
    need(entry and bundle.account == devices.account, "a bundle of a device that is not listed")
    need(claim.their_head == list_head(their_list), "another list than the one that is named")
    keys = noise.Keys(s=own_dh, e=e, kem_luck=kem_luck, their_s=entry.dh, their_e=bundle.dh,
                      their_e1=bundle.kem)
    handshake = noise.Handshake("start", True, prologue(bundle_wire), keys)
    message = handshake.write(write_claim(claim))
    return message, secrets_of(handshake)


def accept(message, own_dh, bundle_dh, bundle_kem_seed, bundle_wire):
    """The recipient's part. Returns (claim, secrets); whether that account, that list and that rank
    are welcome is for the caller, who also remembers seen_hash(message)."""
    need(len(message) in START_SIZES, "no size of a session start")
    keys = noise.Keys(s=own_dh, e=bundle_dh, e1=bundle_kem_seed)
    handshake = noise.Handshake("start", False, prologue(bundle_wire), keys)
    claim = read_claim(handshake.read(message))
    devices = read_list(claim.list)
    need(devices.account == claim.account, "a list of another account")
    entry = devices.find(claim.device)
    need(entry and entry.dh == keys.their_s, "a device whose DH key the message does not prove")
    return claim, secrets_of(handshake)
