"""ML-KEM-768, read from FIPS 203: slow, plain, and not in constant time.

A secret key is its seed of 64 bytes, d and then z.
"""

import functools
import hashlib

from primitives import need

Q = 3329
N = 256
K = 3
ETA = 2  # both of them
DU, DV = 10, 4
PUBLIC_BYTES = 384 * K + 32
CIPHER_BYTES = 32 * (DU * K + DV)


def reversed_bits(number):  # of seven
    return int(f"{number:07b}"[::-1], 2)


ZETAS = [pow(17, reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * reversed_bits(i) + 1, Q) for i in range(128)]


# --- bytes and polynomials (4.2.1) ---------------------------------------------------------------

def encode(poly, bits):
    number = 0
    for place, coefficient in enumerate(poly):
        number |= coefficient << (bits * place)
    return number.to_bytes(32 * bits, "little")


def decode(data, bits):
    number = int.from_bytes(data, "little")
    return [number >> (bits * place) & ((1 << bits) - 1) for place in range(N)]


def compress(poly, bits):
    return [((x << bits) + Q // 2) // Q & ((1 << bits) - 1) for x in poly]


def decompress(poly, bits):
    return [(x * Q + (1 << (bits - 1))) >> bits for x in poly]


# --- sampling (4.2.2) ----------------------------------------------------------------------------

def sample_ntt(seed):
    """Uniform, by rejection: the sponge is squeezed for as long as it takes."""
    found, size = [], 840
    while len(found) < N:
        stream = hashlib.shake_128(seed).digest(size)
        found = []
        for at in range(0, size - 2, 3):
            low = stream[at] + 256 * (stream[at + 1] % 16)
            high = stream[at + 1] // 16 + 16 * stream[at + 2]
            found += [value for value in (low, high) if value < Q]
        size *= 2
    return found[:N]


def sample_noise(seed, number):
    stream = hashlib.shake_256(seed + bytes([number])).digest(64 * ETA)
    bits = int.from_bytes(stream, "little")
    out = []
    for _ in range(N):
        nibble, bits = bits & 15, bits >> 4
        out.append(((nibble & 1) + (nibble >> 1 & 1) - (nibble >> 2 & 1) - (nibble >> 3)) % Q)
    return out


# --- the transform (4.3) -------------------------------------------------------------------------

def ntt(poly):
    f, i, length = list(poly), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
        length //= 2
    return f


def ntt_back(poly):
    f, i, length = list(poly), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, zeta * (f[j + length] - t) % Q
        length *= 2
    return [x * 3303 % Q for x in f]


def multiplied(a, b):
    out = [0] * N
    for i in range(128):
        a0, a1, b0, b1 = a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]
        out[2 * i] = (a0 * b0 + a1 * b1 % Q * GAMMAS[i]) % Q
        out[2 * i + 1] = (a0 * b1 + a1 * b0) % Q
    return out


def added(a, b):
    return [(x + y) % Q for x, y in zip(a, b)]


def product(row, column):
    return functools.reduce(added, (multiplied(a, b) for a, b in zip(row, column)))


# --- K-PKE (section 5) ---------------------------------------------------------------------------

@functools.lru_cache(maxsize=64)
def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


@functools.lru_cache(maxsize=64)
def pke_keys(d):
    seeds = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = seeds[:32], seeds[32:]
    s = [ntt(sample_noise(sigma, i)) for i in range(K)]
    e = [ntt(sample_noise(sigma, K + i)) for i in range(K)]
    t = [added(product(row, s), error) for row, error in zip(matrix(rho), e)]
    return b"".join(encode(poly, 12) for poly in t) + rho, s


def pke_encrypt(public, message, luck):
    t = [decode(public[384 * i:384 * (i + 1)], 12) for i in range(K)]
    a = matrix(public[384 * K:])
    y = [ntt(sample_noise(luck, i)) for i in range(K)]
    e1 = [sample_noise(luck, K + i) for i in range(K)]
    e2 = sample_noise(luck, 2 * K)
    u = [added(ntt_back(product([a[j][i] for j in range(K)], y)), e1[i]) for i in range(K)]
    v = added(added(ntt_back(product(t, y)), e2), decompress(decode(message, 1), 1))
    return b"".join(encode(compress(poly, DU), DU) for poly in u) + encode(compress(v, DV), DV)


def pke_decrypt(s, cipher):
    u = [decompress(decode(cipher[320 * i:320 * (i + 1)], DU), DU) for i in range(K)]
    v = decompress(decode(cipher[320 * K:], DV), DV)
    noise = ntt_back(product(s, [ntt(poly) for poly in u]))
    return encode(compress([(x - y) % Q for x, y in zip(v, noise)], 1), 1)


# --- ML-KEM (sections 6 and 7) -------------------------------------------------------------------

def public_of(seed):
    return pke_keys(seed[:32])[0]


def check_public(public):
    need(len(public) == PUBLIC_BYTES, "an ML-KEM key of a wrong length")
    for i in range(K):
        need(max(decode(public[384 * i:384 * (i + 1)], 12)) < Q, "a coefficient not below q")


def encapsulate(public, luck):
    """Returns (ciphertext, shared secret)."""
    check_public(public)
    both = hashlib.sha3_512(luck + hashlib.sha3_256(public).digest()).digest()
    return pke_encrypt(public, luck, both[32:]), both[:32]


def decapsulate(seed, cipher):
    public, s = pke_keys(seed[:32])
    return decapsulate_with(s, public, seed[32:], cipher)


def decapsulate_with(s, public, z, cipher):
    need(len(cipher) == CIPHER_BYTES, "a ciphertext of a wrong length")
    message = pke_decrypt(s, cipher)
    both = hashlib.sha3_512(message + hashlib.sha3_256(public).digest()).digest()
    if pke_encrypt(public, message, both[32:]) == cipher:
        return both[:32]
    return hashlib.shake_256(z + cipher).digest(32)
