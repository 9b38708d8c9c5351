"""Noise, revision 34, with psk and hybrid forward secrecy (KEM hfs, revision 1) over ML-KEM-768.

Of docs/protocol.md this is what "Link handshake" and "Session start" stand on.
"""

import hashlib
from dataclasses import dataclass, field

import mlkem
from primitives import (chacha_open, chacha_seal, dh_agree, dh_check, dh_public,
                        hkdf_expand, hkdf_extract, need)

MESSAGE_MAX = 65535

# Name: (pre-messages of the responder, the handshake's messages).
PATTERNS = {
    "IKhfs": ("s", ("e es e1 s ss", "e ee ekem1 se")),
    "IKhfs+psk1": ("s", ("e es e1 s ss psk", "e ee ekem1 se")),
    "IKhfs+psk2": ("s", ("e es e1 s ss", "e ee ekem1 se psk")),
    "NNhfs": ("", ("e e1", "e ee ekem1")),
    "NKhfs": ("s", ("e es e1", "e ee ekem1")),
    "XKhfs": ("s", ("e es e1", "e ee ekem1", "s se")),
    "XXhfs": ("", ("e e1", "e ee ekem1 s es", "s se")),
    "start": ("s e e1", ("e ee ekem1 es s se",)),
}


@dataclass
class Keys:
    """What one side has and knows. Secrets are X25519 scalars and ML-KEM seeds."""

    s: bytes = None
    e: bytes = None
    e1: bytes = None
    kem_luck: bytes = None
    their_s: bytes = None
    their_e: bytes = None
    their_e1: bytes = None
    psks: list = field(default_factory=list)


class Symmetric:
    """Noise's CipherState and SymmetricState (sections 5.1 and 5.2)."""

    def __init__(self, name, hash_name):
        self.hash_name = hash_name
        self.size = hashlib.new(hash_name).digest_size
        text = name.encode("ascii")
        self.h = text.ljust(self.size, b"\0") if len(text) <= self.size else self.digest(text)
        self.ck = self.h
        self.key = None
        self.nonce = 0

    def digest(self, data):
        return hashlib.new(self.hash_name, data).digest()

    def outputs(self, data, count):
        whole = hkdf_expand(hkdf_extract(self.ck, data, self.hash_name), b"", count * self.size,
                            self.hash_name)
        return [whole[i * self.size:(i + 1) * self.size] for i in range(count)]

    def mix_hash(self, data):
        self.h = self.digest(self.h + data)

    def mix_key(self, data):
        self.ck, key = self.outputs(data, 2)
        self.key, self.nonce = key[:32], 0

    def mix_key_and_hash(self, data):
        self.ck, mixed, key = self.outputs(data, 3)
        self.mix_hash(mixed)
        self.key, self.nonce = key[:32], 0

    def counter(self):
        nonce = bytes(4) + self.nonce.to_bytes(8, "little")
        self.nonce += 1
        return nonce

    def seal(self, text):
        sealed = chacha_seal(self.key, self.counter(), text, self.h) if self.key else text
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        text = chacha_open(self.key, self.counter(), sealed, self.h) if self.key else sealed
        self.mix_hash(sealed)
        return text


class Handshake:
    """One side of one handshake. A refused message leaves it useless: begin anew."""

    def __init__(self, pattern, initiator, prologue, keys, hash_name="BLAKE2b"):
        self.initiator, self.keys = initiator, keys
        self.pre, self.messages = PATTERNS[pattern]
        self.at = 0
        self.has_psk = any("psk" in message.split() for message in self.messages)
        self.psks = list(keys.psks)
        self.state = Symmetric(f"Noise_{pattern}_25519+MLKEM768_ChaChaPoly_{hash_name}",
                               hash_name.lower())
        self.state.mix_hash(prologue)
        for token in self.pre.split():
            self.premix(token)

    def premix(self, token):
        keys = self.keys
        if token == "e1":
            public = keys.their_e1 if self.initiator else mlkem.public_of(keys.e1)
        elif self.initiator:
            public = keys.their_s if token == "s" else keys.their_e
        else:
            public = dh_public(keys.s if token == "s" else keys.e)
        self.state.mix_hash(public)

    # --- tokens ---

    def agree(self, token):
        """ee, es, se, ss: the initiator's key comes first."""
        ours, theirs = token if self.initiator else reversed(token)
        secret = self.keys.s if ours == "s" else self.keys.e
        public = self.keys.their_s if theirs == "s" else self.keys.their_e
        self.state.mix_key(dh_agree(secret, public))

    def mix_token(self, token):
        """Those that put nothing on the wire."""
        if token == "psk":
            self.state.mix_key_and_hash(self.psks.pop(0))
        else:
            self.agree(token)

    def write(self, payload):
        keys, out = self.keys, b""
        for token in self.messages[self.at].split():
            if token == "e":
                out += self.mix_e(dh_public(keys.e))
            elif token == "s":
                out += self.state.seal(dh_public(keys.s))
            elif token == "e1":
                out += self.state.seal(mlkem.public_of(keys.e1))
            elif token == "ekem1":
                cipher, shared = mlkem.encapsulate(keys.their_e1, keys.kem_luck)
                out += self.state.seal(cipher)
                self.state.mix_key(shared)
            else:
                self.mix_token(token)
        self.at += 1
        return out + self.state.seal(payload)

    def mix_e(self, public):
        self.state.mix_hash(public)
        if self.has_psk:
            self.state.mix_key(public)
        return public

    def read(self, message):
        need(len(message) <= MESSAGE_MAX, "too long for Noise")
        left = message
        for token in self.messages[self.at].split():
            size = {"e": 32, "s": 32, "e1": mlkem.PUBLIC_BYTES,
                    "ekem1": mlkem.CIPHER_BYTES}.get(token, 0)
            if token != "e" and size and self.state.key:
                size += 16
            need(len(left) >= size, "a Noise message that is too short")
            self.read_token(token, left[:size])
            left = left[size:]
        self.at += 1
        return self.state.open(left)

    def read_token(self, token, part):
        keys = self.keys
        if token == "e":
            dh_check(part)
            keys.their_e = self.mix_e(part)
        elif token == "s":
            keys.their_s = self.state.open(part)
            dh_check(keys.their_s)
        elif token == "e1":
            keys.their_e1 = self.state.open(part)
            mlkem.check_public(keys.their_e1)
        elif token == "ekem1":
            self.state.mix_key(mlkem.decapsulate(keys.e1, self.state.open(part)))
        else:
            self.mix_token(token)

    # --- what it leaves ---

    def hash(self):
        return self.state.h

    def split(self, count=2):
        """HKDF with empty input over the final chaining key; each output is cut to 32 bytes."""
        return [key[:32] for key in self.state.outputs(b"", count)]

    def export(self, label, size):
        return hkdf_expand(self.state.ck, label.encode("ascii") + self.state.h, size)
