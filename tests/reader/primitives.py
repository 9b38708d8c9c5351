"""What everything else is made of: labelled hashes, HKDF, two AEADs, strict keys, signatures.

docs/protocol.md, the first page and "Keys and certificates".
"""

import hashlib
import hmac

from nacl import bindings
from nacl.exceptions import CryptoError

FIELD_PRIME = 2**255 - 19


class Refused(Exception):
    """What came from outside breaks a rule; everything stays as it was."""


def need(condition, why):
    if not condition:
        raise Refused(why)


# --- hashes --------------------------------------------------------------------------------------

def spelled(label, parts):
    """The encoding of H: no two lists of parts share one."""
    text = label.encode("ascii")
    return bytes([len(text)]) + text + b"".join(len(part).to_bytes(8, "big") + part
                                                for part in parts)


def labelled(label, *parts, size=32):
    return hashlib.blake2b(spelled(label, parts), digest_size=size).digest()


def keyed(secret, label, *parts, size=32):
    return hashlib.blake2b(spelled(label, parts), key=secret, digest_size=size).digest()


def hkdf_extract(salt, data, hash_name="blake2b"):
    size = hashlib.new(hash_name).digest_size
    return hmac.digest(salt or bytes(size), data, hash_name)


def hkdf_expand(key, info, size, hash_name="blake2b"):
    out = block = b""
    counter = 1
    while len(out) < size:
        block = hmac.digest(key, block + info + bytes([counter]), hash_name)
        out += block
        counter += 1
    return out[:size]


def hkdf(salt, data, info, size):
    return hkdf_expand(hkdf_extract(salt, data), info, size)


# --- sealing -------------------------------------------------------------------------------------

def chacha_seal(key, nonce, text, beside):
    return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(text, beside, nonce, key)


def chacha_open(key, nonce, sealed, beside):
    need(len(sealed) >= 16, "shorter than a tag")
    try:
        return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, beside, nonce, key)
    except CryptoError:
        raise Refused("does not open") from None


def xchacha_seal(key, nonce, text, beside):
    return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(text, beside, nonce, key)


def xchacha_open(key, nonce, sealed, beside):
    need(len(sealed) >= 16, "shorter than a tag")
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, beside, nonce, key)
    except CryptoError:
        raise Refused("does not open") from None


# --- X25519 --------------------------------------------------------------------------------------

def dh_public(secret):
    return bindings.crypto_scalarmult_base(secret)


def dh_agree(secret, public):
    need(len(public) == 32, "a public key of a wrong length")
    need(int.from_bytes(public, "little") < FIELD_PRIME, "a public key not in its canonical form")
    try:
        return bindings.crypto_scalarmult(secret, public)
    except CryptoError:
        raise Refused("a public key of low order") from None


def dh_check(public):
    """Scalars are multiples of the cofactor: a point of low order, and no other, gives zero."""
    dh_agree(bytes(31) + b"\x40", public)


# --- Ed25519 -------------------------------------------------------------------------------------

def sign_public(seed):
    return bindings.crypto_sign_seed_keypair(seed)[0]


def sign_check_key(public):
    need(len(public) == 32 and bindings.crypto_core_ed25519_is_valid_point(public),
         "an Ed25519 key that is refused")


def sign(seed, label, data):
    _, secret = bindings.crypto_sign_seed_keypair(seed)
    return bindings.crypto_sign(label.encode("ascii") + b"\0" + data, secret)[:64]


def sign_check(public, label, data, signature):
    sign_check_key(public)
    try:
        bindings.crypto_sign_open(signature + label.encode("ascii") + b"\0" + data, public)
    except CryptoError:
        raise Refused("a wrong signature under " + label) from None
