"""T-31: two people talk, and nothing of it is in clear: not in a packet of theirs, seen from the
switch between them, and not in a file of their homes.

usage: secrecy_test.py RAMAGE

What is searched for: names, texts, cards, and the keys that are in cards; as they are, as hex and
as base 64.
"""

import os
import random
import sys

import people
from wiretap import Capture, bytes_of_card, holds, spellings

VERSION = bytes.fromhex("524d4702")  # every long header says it, and in clear


def files_of(person):
    """{path: content} of all that lies in a home at this moment."""
    found = {}
    for folder, _, names in os.walk(person.home):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = file.read()
    return found


class Story:
    """Who they are, what they say, and what was seen of it."""

    def __init__(self, program):
        self.lab = people.Lab("alice", "bob")
        self.alice, self.bob = (people.Person(program, name) for name in ("alice", "bob"))
        self.capture = Capture("alice")
        self.needles = {}
        self.stages = {}  # {stage: {path: content}}

    def identity(self, person):
        name = f"what {person.name} is called by herself or himself"
        person.start()
        person.ramage("new", "--no-passphrase", "--name", name)
        card = person.json("id")[0]["card"]
        whole = bytes_of_card(card)
        assert len(whole) == 49 and whole[0] == 1
        self.needles |= {f"{person.name}'s name": name.encode(),
                         f"{person.name}'s card": card.encode(),
                         f"{person.name}'s account key": whole[1:33],
                         f"{person.name}'s card secret": whole[33:]}
        return card

    def befriend(self):
        cards = {person: self.identity(person) for person in (self.alice, self.bob)}
        for person, friend in ((self.alice, self.bob), (self.bob, self.alice)):
            name = f"what {friend.name} is called by the other"
            person.ramage("contact", "add", cards[friend], "--name", name,
                          "--at", f"{self.lab.address[friend.name]}:{people.PORT}")
            self.needles[f"name for {friend.name}"] = name.encode()

    def say(self, person, friend, text):
        who = f"what {friend.name} is called by the other"
        message = person.json("send", who, text)[0]
        self.needles[f"'{text}'"] = text.encode()
        self.needles[f"the id of '{text}'"] = message["id"].encode()

    def look(self, stage):
        self.stages[stage] = files_of(self.alice) | files_of(self.bob)

    def live(self):
        """They meet and talk; he is killed while she writes; he starts again; both end."""
        self.befriend()
        self.say(self.alice, self.bob, "a text that she writes before they have met")
        delivered(self.alice)
        self.say(self.bob, self.alice, "a text that he writes in answer to hers")
        delivered(self.bob)
        self.bob.kill()
        self.say(self.alice, self.bob, "a text that she writes while he is away")
        self.look("while they talk")
        self.bob.start()
        delivered(self.alice)
        self.look("after they have talked")
        ended = [person.stop() for person in (self.alice, self.bob)]
        self.look("after they have ended")
        return ended == [0, 0]


def delivered(person):
    rpc = person.rpc()
    people.wait_for("all to be delivered", lambda: rpc.call("session.status")["owed"] == 0)
    rpc.close()


def found_in(report, where, heap, needles):
    """Searches; and, as a search that cannot find shows nothing, puts each needle there once."""
    luck = random.Random(31)
    here = [name for name, needle in needles.items() if holds(heap, needle)]
    report.say(f"no key, name or text is in clear in {where}", not here)
    for name in here:
        print(f"    {name}")
    missed = []
    for name, needle in needles.items():
        for spelling in spellings(needle):
            at = luck.randrange(len(heap) - len(spelling))
            copy = heap[:at] + spelling + heap[at + len(spelling):]
            missed += [] if holds(copy, needle) else [name]
    report.say(f"and each would be found in {where}", not missed)


def judge(report, story):
    packets = story.capture.packets
    print(f"{len(packets)} packets, {sum(map(len, packets))} bytes, {story.capture.lost()} lost; "
          f"{len(story.needles)} keys, names, texts and ids")
    report.say("every packet was seen, and some begin links",
               story.capture.lost() == 0 and sum(VERSION in packet for packet in packets) >= 4)
    found_in(report, "the packets", b"".join(packets), story.needles)
    for stage, files in story.stages.items():
        kinds = {os.path.basename(path) for path in files}
        wanted = {"store.db"} if "ended" in stage else {"store.db", "store.db-wal"}
        report.say(f"the homes hold {', '.join(sorted(wanted))} {stage}", wanted <= kinds)
        found_in(report, f"the files of both {stage}", b"".join(files.values()), story.needles)


def main(program):
    people.enter()
    report = people.Report()
    story = Story(program)
    try:
        report.say("they talk, and end well", story.live())
        judge(report, story)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    for person in (story.alice, story.bob):
        if report.failed:
            person.show_log()
        person.end()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
