"""The second reader: what it is made of, exchanges both ways, and the vectors it publishes.

usage: reader_test.py EXCHANGE

EXCHANGE is the program tests/exchange of a build. tests/reader/README.md tells the whole.
"""

import filecmp
import json
import os
import subprocess
import sys
import tempfile

import people

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "vectors")
sys.path.insert(0, os.path.join(HERE, "reader"))

import exchange  # noqa: E402
import selftest  # noqa: E402
import vectors  # noqa: E402
from primitives import Refused  # noqa: E402


def load(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)


def save(path, content):
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file)


def run(program, verb, path):
    done = subprocess.run([program, verb, path], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8")
    print(done.stdout, end="")
    return done.returncode == 0


def follows(recorded, name):
    """A whole exchange: all kinds of cells, and rekeys that both sides answered."""
    try:
        counted = exchange.follow(recorded, name)
    except Refused as why:
        print(f"as {name}: {why}")
        return False
    print(f"as {name}: {counted}")
    return (counted["opened"] > 100 and counted["texts"] > 100 and counted["duplicate"] > 0
            and counted["refused"] > 0 and counted["acknowledged"] > 50
            and counted["rekeys answered"] >= 2
            and counted["rekeys"] - counted["rekeys answered"] >= 2)


def all_classes(recorded):
    return {len(step["cell"]) // 2 for step in recorded["steps"] if step["do"] == "send"} == \
        {1024, 4096, 16384, 65536}


def spoilt(recorded):
    """The same with one bit of one cell, that somebody opens, turned over."""
    number = next(step["step"] for step in reversed(recorded["steps"])
                  if step.get("gives") == "content" and "alter" not in step)
    bad = json.loads(json.dumps(recorded))
    cell = bytes.fromhex(bad["steps"][number]["cell"])
    bad["steps"][number]["cell"] = exchange.altered(cell, (500, 1)).hex()
    return bad


def is_refused(recorded, name):
    try:
        exchange.follow(recorded, name)
    except Refused:
        return True
    return False


def exchanges(report, program, folder):
    ours = os.path.join(folder, "c.json")
    report.say("C writes an exchange", run(program, "write", ours))
    recorded = load(ours)
    for name in ("alice", "bob"):
        report.say(f"the reader follows it as {name}", follows(recorded, name))
    report.say("it has cells of every class", all_classes(recorded))
    bad = spoilt(recorded)
    report.say("with one bit changed the reader refuses it",
               is_refused(bad, "alice") and is_refused(bad, "bob"))

    theirs = os.path.join(folder, "python.json")
    written = exchange.write("reader_test")
    save(theirs, written)
    report.say("the reader's own exchange has cells of every class", all_classes(written))
    report.say("C follows it as both", run(program, "read", theirs))
    save(theirs, spoilt(written))
    report.say("with one bit changed C refuses it", not run(program, "read", theirs))


def published(report, folder):
    vectors.write_all(folder)
    for name in ("start.json", "ratchet.json"):
        report.say(f"session/{name} comes out byte for byte",
                   filecmp.cmp(os.path.join(VECTORS, "session", name),
                               os.path.join(folder, name), shallow=False))


def main(program):
    report = people.Report()
    for name, truth in selftest.run(VECTORS):
        report.say(name, truth)
    with tempfile.TemporaryDirectory(prefix="ramage-reader-") as folder:
        exchanges(report, program, folder)
        published(report, folder)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
