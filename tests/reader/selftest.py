"""The reader against vectors of others, and against itself where there are none."""

import json
import os

import mlkem
import noise
import session
from card import read_card, write_bech32m, write_card
from exchange import BEGAN, Known, Luck, make_person
from formats import (ACKNOWLEDGEMENT, MESSAGE, Content, Message, read_bundle, read_certificate,
                     read_content, read_list, read_message, read_record, write_content,
                     write_message, write_run)
from primitives import (Refused, chacha_seal, dh_agree, dh_check, dh_public, sign_check_key,
                        sign_public)


def run(vectors):
    """Yields (name, whether it held)."""
    yield "ML-KEM-768 makes the keys of ACVP", keygen(load(vectors, "mlkem-acvp/keygen_768.json"))
    yield from encapdecap(load(vectors, "mlkem-acvp/encapdecap_768.json"))
    for name in ("generated", "libp2p_xxhfs_1_3_5"):
        file = load(vectors, f"noise/hfs_mlkem768_{name}.json")
        yield f"Noise with hfs: {name}", handshakes(file)
    file = load(vectors, "x25519-strict/must_reject.json")
    yield "X25519 keys that must be refused", strict(file)
    yield "Ed25519 points", points(load(vectors, "ed25519-edge/points_generated.json"))
    yield "cards have one text", cards()
    yield "no signed thing passes for another kind", type_confusion()
    yield "whatever is one byte longer or shorter is refused", one_length()
    yield "a cell's content is canonical", contents()
    yield "text is measured in bytes", texts()


def load(vectors, path):
    with open(os.path.join(vectors, path), encoding="utf-8") as file:
        return json.load(file)


def unhex(text):
    return bytes.fromhex(text)


def refuses(function, *arguments):
    try:
        function(*arguments)
    except Refused:
        return True
    return False


# --- ML-KEM --------------------------------------------------------------------------------------

def keygen(file):
    tests = [test for group in file["testGroups"] for test in group["tests"]]
    return tests and all(mlkem.public_of(unhex(test["d"] + test["z"])) == unhex(test["ek"])
                         for test in tests)


def encapdecap(file):
    judges = {"encapsulation": encapsulates, "decapsulation": decapsulates,
              "encapsulationKeyCheck": checks}
    for group in file["testGroups"]:
        if group["function"] in judges:  # expanded secret keys have no place here
            yield (f"ML-KEM-768 {group['function']} as ACVP has it",
                   all(judges[group["function"]](test) for test in group["tests"]))


def encapsulates(test):
    return mlkem.encapsulate(unhex(test["ek"]), unhex(test["m"])) == (unhex(test["c"]),
                                                                      unhex(test["k"]))


def decapsulates(test):
    expanded = unhex(test["dk"])
    s = [mlkem.decode(expanded[384 * i:384 * (i + 1)], 12) for i in range(mlkem.K)]
    public, z = expanded[1152:1152 + mlkem.PUBLIC_BYTES], expanded[-32:]
    return mlkem.decapsulate_with(s, public, z, unhex(test["c"])) == unhex(test["k"])


def checks(test):
    return refuses(mlkem.check_public, unhex(test["ek"])) != test["testPassed"]


# --- Noise ---------------------------------------------------------------------------------------

def handshakes(file):
    return file["vectors"] and all(handshake(vector) for vector in file["vectors"])


def handshake(vector):
    _, pattern, _, _, hash_name = vector["protocol_name"].split("_")
    sides = []
    for who in ("init", "resp"):
        known = {key: unhex(vector[f"{who}_{key}"])
                 for key in ("static", "ephemeral", "remote_static") if f"{who}_{key}" in vector}
        keys = noise.Keys(s=known.get("static"), e=known.get("ephemeral"),
                          their_s=known.get("remote_static"),
                          psks=[unhex(one) for one in vector.get(f"{who}_psks", [])])
        keys.e1 = unhex(vector["init_kem_d"] + vector["init_kem_z"]) if who == "init" else None
        keys.kem_luck = unhex(vector["resp_kem_m"]) if who == "resp" else None
        if noise.PATTERNS[pattern][0] and who == "init" and not keys.their_s:
            keys.their_s = dh_public(unhex(vector["resp_static"]))
        sides.append(noise.Handshake(pattern, who == "init", unhex(vector[f"{who}_prologue"]),
                                     keys, hash_name))
    return play(vector, sides)


def play(vector, sides):
    count = len(sides[0].messages)
    for number, message in enumerate(vector["messages"][:count]):
        wire = sides[number % 2].write(unhex(message["payload"]))
        if wire != unhex(message["ciphertext"]) or \
                sides[1 - number % 2].read(wire) != unhex(message["payload"]):
            return False
    keys, counters = sides[0].split(), [0, 0]
    for number, message in enumerate(vector["messages"][count:], count):
        nonce = bytes(4) + counters[number % 2].to_bytes(8, "little")
        counters[number % 2] += 1
        if chacha_seal(keys[number % 2], nonce, unhex(message["payload"]), b"") != \
                unhex(message["ciphertext"]):
            return False
    return (keys == sides[1].split() and sides[0].hash() == sides[1].hash()
            == unhex(vector["handshake_hash"]))


# --- keys ----------------------------------------------------------------------------------------

def strict(tests):
    return all(refuses(dh_check, unhex(test["public"])) and
               refuses(dh_agree, bytes(31) + b"\x41", unhex(test["public"])) for test in tests)


def points(tests):
    return all(refuses(sign_check_key, unhex(test["point"])) != test["valid_key"]
               for test in tests)


# --- cards ---------------------------------------------------------------------------------------

def cards():
    account, secret = sign_public(b"an account's seed of 32 bytes..."), b"a card's secret."
    text = write_card(account, secret)
    good = [text, text.upper(), "ramage:" + text, "RAMAGE:" + text.upper()]
    bad = [text[:-1] + ("q" if text[-1] != "q" else "p"), text[:10] + text[10:].upper(), text[1:],
           text[:40] + text[41] + text[40] + text[42:] if text[40] != text[41] else "",
           write_bech32m("rmh", b"\1" + account + secret),
           write_bech32m("rmg", b"\2" + account + secret), write_bech32m("rmg", b"\1" + account),
           write_bech32m("rmg", b"\1" + bytes(32) + secret), ""]
    return (len(text) == 89 and all(read_card(one) == (account, secret) for one in good)
            and all(refuses(read_card, one) for one in bad))


# --- forms ---------------------------------------------------------------------------------------

def kinds():
    """One of each kind of thing, with its reader."""
    person = make_person(Luck("kinds"), "somebody", 2)
    record = read_record(unhex(person["public"]["record"]))
    known = Known(person["public"])
    message = write_message(Message(bytes(32), 1, BEGAN, [], "a"))
    claim = session.write_claim(session.Claim(known.account, known.device, 1, bytes(16), known.head,
                                              [], record.lists[-1]))
    return [(read_certificate, record.certificate), (read_list, record.lists[0]),
            (read_bundle, record.last_resort), (read_bundle, record.one_time[0]),
            (read_record, unhex(person["public"]["record"])), (read_message, message),
            (session.read_claim, claim)]


def type_confusion():
    rows = kinds()
    return all(refuses(reader, data) for reader, own in rows for other, data in rows
               if other is not reader) and not any(refuses(*row) for row in rows)


def one_length():
    return all(refuses(reader, data + b"\0") and refuses(reader, data[:-1]) and
               refuses(reader, b"") for reader, data in kinds())


def contents():
    head, chain = bytes(7) + b"\1" + bytes(32), b"chain id"
    message = write_message(Message(bytes(32), 1, BEGAN, [], "a"))
    good = Content(head, bytes(40), bytes(8), [(ACKNOWLEDGEMENT, write_run(chain, 3, 1000)),
                                               (MESSAGE, message)])
    data = write_content(good, 900)
    if read_content(data, bytes(32)) != good:
        return False
    bad = [data[:-1] + b"\1", data.replace(b"\2\0\x0e", b"\4\0\x0e", 1)]
    for run_of in (write_run(chain, 0, 0), write_run(chain, 0, 1001),
                   write_run(chain, 2**31 - 1, 2), b""):
        bad.append(write_content(Content(head, bytes(40), bytes(8),
                                         [(ACKNOWLEDGEMENT, run_of)]), 900))
    bad.append(write_content(Content(head, bytes(39) + b"\1", bytes(8), []), 900))
    return all(refuses(read_content, one, bytes(32)) for one in bad) and \
        refuses(read_content, data, bytes(31) + b"\1")


def texts():
    def written(text, **changed):
        return write_message(Message(**{"conversation": bytes(32), "height": 1, "written": BEGAN,
                                        "parents": [], "text": text, **changed}))

    good = [written("x"), written("x" * 57344), written("ü" * 28672)]
    bad = [written(""), written("x" * 57345), written("a\0b"), written("x", height=0),
           written("x", height=2), written("x", parents=[bytes(32)]),
           written("x", written=2**43 + 1), written("xx").replace(b"xx", b"\xff\xfe"),
           written("x", height=2, parents=[bytes(32)] * 2)]
    return not any(refuses(read_message, one) for one in good) and \
        all(refuses(read_message, one) for one in bad)
