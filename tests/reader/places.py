"""Where a pair, or host and guest of an invitation, leave word for each other in the DHT, and what
it says: a second reader of docs/protocol.md, "The pair" and "Invitations"."""

from formats import read_certificate
from primitives import keyed, need, sign_public, xchacha_open

EPOCH_MS = 6 * 3600 * 1000
NOBODY = bytes(32)  # the guest, as an author
SECRET_AT, CERTIFICATE_BYTES, HEAD_BYTES = 33, 234, 40


def secret_of_invitation(whole):
    """P0 of the 49 bytes of an invitation."""
    return keyed(whole[SECRET_AT:], "ramage/invitation/pair/v1", whole[1:SECRET_AT])


def epoch(secret, time_ms):
    offset = int.from_bytes(keyed(secret, "ramage/pair/epoch/v1")[:8], "big") % EPOCH_MS
    return (time_ms + offset) // EPOCH_MS


class Place:
    """Of one author in one epoch."""

    def __init__(self, secret, author, number):
        both = keyed(secret, "ramage/pair/place/v1", author, number.to_bytes(8, "big"), size=64)
        self.public = sign_public(both[:32])
        self.key = both[32:]

    def open(self, text):
        """The 596 bytes in a string of 636."""
        need(len(text) == 636, "an item of a wrong length")
        return xchacha_open(self.key, text[:24], text[24:], self.public)


def invited(plain):
    """What a record at an invitation's place says; every byte has to be accounted for."""
    at = 1 + HEAD_BYTES + CERTIFICATE_BYTES
    size = plain[at + 9]
    certificate = read_certificate(plain[1 + HEAD_BYTES:at])
    said = {"version": plain[0], "account": certificate.account,
            "state": plain[at], "mark": plain[at + 1:at + 9],
            "name": plain[at + 10:at + 10 + size].decode()}
    at += 10 + size
    said["ports"], count = plain[at], plain[at + 1]
    at += 2
    said["at"] = [(plain[at + 18 * i:at + 18 * i + 16],
                   int.from_bytes(plain[at + 18 * i + 16:at + 18 * i + 18], "big"))
                  for i in range(count)]
    need(not any(plain[at + 18 * count:]), "something behind the addresses")
    return said
