"""The card, its text in bech32m (BIP 350), and the door. docs/protocol.md, "Card and door"."""

from primitives import keyed, need, sign_check_key

DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATORS = (0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)
CONSTANT = 0x2bc830a3
PREFIX = "rmg"
LINK_FORM = "ramage:"
VERSION = b"\1"


def checksum(values):
    state = 1
    for value in values:
        top, state = state >> 25, (state & 0x1ffffff) << 5 ^ value
        for bit, generator in enumerate(GENERATORS):
            if top >> bit & 1:
                state ^= generator
    return state


def expanded(prefix):
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def write_bech32m(prefix, data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at:at + 5], 2) for at in range(0, len(bits), 5)]
    check = checksum(expanded(prefix) + values + [0] * 6) ^ CONSTANT
    values += [check >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(DIGITS[value] for value in values)


def read_bech32m(prefix, text):
    need(text in (text.lower(), text.upper()), "two cases in one text")
    text = text.lower()
    need(text.startswith(prefix + "1") and len(text) >= len(prefix) + 7, "another prefix")
    digits = text[len(prefix) + 1:]
    need(all(c in DIGITS for c in digits), "a character that is no digit")
    values = [DIGITS.index(c) for c in digits]
    need(checksum(expanded(prefix) + values) == CONSTANT, "a wrong checksum")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    fill = len(bits) % 8
    need(fill < 5 and "1" not in bits[len(bits) - fill:], "fill bits that are not zero")
    return bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) - fill, 8))


def write_card(account, secret):
    return write_bech32m(PREFIX, VERSION + account + secret)


def read_card(text):
    """Returns (account, card secret)."""
    if text[:len(LINK_FORM)].lower() == LINK_FORM:
        text = text[len(LINK_FORM):]
    data = read_bech32m(PREFIX, text)
    need(len(data) == 49 and data[:1] == VERSION, "another length or version")
    sign_check_key(data[1:33])
    return data[1:33], data[33:]


def door_secret(account, secret):
    return keyed(secret, "ramage/card/door/v1", account)
