"""T-27: where the keys of a running daemon lie, read by somebody who may read all of its memory.

usage: memory_test.py RAMAGE HOMES

The home is that of version 1 under tests/homes, whose keys are known; so it is brought up to date
on the way.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, HOMES = os.path.abspath(sys.argv[1]), sys.argv[2]
PATIENCE_SECONDS = 60

# What may lie in the locked region and nowhere else.
OURS = {
    "account seed": "bf43e6b3b93e60dce8456a9ec47e864227a5b3dc201e3f36bfc0fc666c0c1cc5",
    "device seed": "22a02d1ffff4d28b32ec13ae95e0320c7958e34d2c337c7e09ea4db7de2ca5b7",
    "link key": "df72be138f2bf4ec37d3e6dcab24266aedbec17f993642c48f6f4b2747659186",
    "card secret": "f9510b2110e7e164ff552e154d2c6743",
}
# What a library holds in memory of its own: SQLCipher the key it opens pages with.
THEIRS = {
    "key of the database": "51116b1b6aed9d8b86d6ef48f99fcb18b31c6d0b3b8993b83191de40c4257c51",
}


def mappings(pid):
    """(first, end, is locked and in no core dump, name) of all that can be written to."""
    found, head = [], None
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as lines:
        for line in lines:
            start = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line)
            if start:
                head = start
            elif line.startswith("VmFlags:") and "w" in head[3]:
                flags = line.split()[1:]
                found.append((int(head[1], 16), int(head[2], 16),
                              "dd" in flags and "lo" in flags, head[4] or "unnamed"))
    return found


def places(pid, keys):
    """{name of a key: [(is in the locked region, name of the mapping, address)]}"""
    found = {name: [] for name in keys}
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for first, end, locked, name in mappings(pid):
            if end - first > 1 << 28:
                continue
            try:
                memory.seek(first)
                data = memory.read(end - first)
            except OSError:
                continue
            for key, digits in keys.items():
                for hit in re.finditer(re.escape(bytes.fromhex(digits)), data):
                    found[key].append((locked, name, hex(first + hit.start())))
    return found


def ramage(home, *arguments, passphrase=None):
    command = [PROGRAM, "--home", home, *arguments]
    reader, writer = os.pipe()
    if passphrase:
        command += ["--passphrase-fd", str(reader)]
        os.write(writer, passphrase)
    os.close(writer)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                          pass_fds=[reader], timeout=PATIENCE_SECONDS)
    os.close(reader)
    return done.stdout


def stop(daemon):
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(PATIENCE_SECONDS)


def start(home):
    reader, writer = os.pipe()
    daemon = subprocess.Popen([PROGRAM, "--home", home, "daemon", "run", "--ready-fd", str(writer)],
                              pass_fds=[writer], stdin=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader, "rb") as ready:
        assert ready.read() == b"ready\n"
    return daemon


def known_keys_lie_in_locked_memory_alone(folder):
    home = os.path.join(folder, "home")
    shutil.copytree(os.path.join(HOMES, "v1", "alice"), home)
    os.chmod(home, 0o700)
    os.unlink(os.path.join(home, "config"))  # any port will do
    daemon = start(home)
    try:
        assert b"not read yet" in ramage(home, "read", "Bob")
        ramage(home, "send", "Bob", "a message of version 2")
        assert b"Alice" in ramage(home, "status")
        time.sleep(1)  # what is dialled is dialled by now
        found = places(daemon.pid, OURS | THEIRS)
        assert found["account seed"] and found["key of the database"]  # it does find what is there
        astray = []
        for key, where in found.items():
            inside = sum(1 for locked, _, _ in where if locked)
            outside = [(name, address) for locked, name, address in where if not locked]
            print(f"# {key}: {inside} in locked memory, {len(outside)} elsewhere {outside[:4]}")
            astray += [key] if key in OURS and outside else []
        assert not astray, astray
    finally:
        stop(daemon)


def secret_of_card(card):
    """The last 16 of its 49 bytes, before the checksum of bech32m: engine/crypto/card.h."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{alphabet.index(letter):05b}" for letter in card[len("rmg1"):-6])
    whole = bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) - 7, 8))
    return whole[-16:].hex()


def a_lock_forgets(folder):
    home, passphrase = os.path.join(folder, "locked"), b"correct horse battery staple"
    os.mkdir(home, 0o700)
    daemon = start(home)
    try:
        ramage(home, "new", "--name", "Alice", passphrase=passphrase)
        card = re.search(rb"rmg1[0-9a-z]{85}", ramage(home, "id", "--json"))[0].decode()
        keys = {"passphrase": passphrase.hex(), "card secret": secret_of_card(card)}
        for _ in range(2):
            assert not places(daemon.pid, keys)["passphrase"], "it is known after it was tried"
            ramage(home, "lock")
            left = {key: where for key, where in places(daemon.pid, keys).items() if where}
            assert not left, left
            ramage(home, "unlock", passphrase=passphrase)
    finally:
        stop(daemon)


def main():
    if os.geteuid() != 0:  # only root reads the memory of a process that is private
        os.execvp("unshare", ["unshare", "-Ur", sys.executable, *sys.argv])
    folder = tempfile.mkdtemp(prefix="ramage-memory-")
    failed = 0
    try:
        for case in (known_keys_lie_in_locked_memory_alone, a_lock_forgets):
            try:
                case(folder)
                print(f"ok - {case.__name__}", flush=True)
            except Exception as trouble:  # the next case may still say something
                print(f"not ok - {case.__name__}: {trouble!r}", flush=True)
                failed += 1
    finally:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
