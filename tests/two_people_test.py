"""Two people talk over a wire of their own while everything is unplugged, moved and killed.

usage: two_people_test.py RAMAGE
"""

import collections
import sys
import threading
import time

import people

PACE_SECONDS = 0.01  # between two messages of one person


class Writer(threading.Thread):
    """Writes numbered messages to a friend, and insists whenever the daemon is away: the same
    request key again, so that asking twice writes once."""

    def __init__(self, person, friend):
        super().__init__(daemon=True)
        self.person, self.friend = person, friend
        self.sent = []
        self.enough = threading.Event()
        self.trouble = None

    def run(self):
        try:
            rpc = None
            while not self.enough.is_set():
                text = f"{self.person.name} {len(self.sent)}"
                rpc = self.insist(rpc, text)
                self.sent.append(text)
                time.sleep(PACE_SECONDS)
        except Exception as trouble:  # told by the test, which waits for this thread
            self.trouble = trouble

    def insist(self, rpc, text):
        end = time.monotonic() + people.PATIENCE_SECONDS
        while True:
            try:
                rpc = rpc or self.person.rpc()
                rpc.call("message.send", who=self.friend.name, text=text, request_key=text)
                return rpc
            except OSError:
                rpc = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)


def spoil(lab, alice, bob, writers):
    """Everything that may go wrong, one after the other, while both write."""
    def pause(seconds):
        time.sleep(seconds)
        for writer in writers:
            if writer.trouble:
                raise writer.trouble

    pause(1)
    for person in (bob, alice):
        person.kill()
        pause(0.5)
        person.start()
        pause(2)
    lab.move("alice", "10.9.0.11")
    pause(3)
    lab.move("bob", "10.9.0.12")
    pause(3)
    lab.cut("bob")
    pause(4)
    lab.mend("bob")
    pause(2)
    for writer in writers:
        writer.enough.set()
        writer.join()
    pause(0)


def owed(person):
    rpc = person.rpc()
    try:
        return rpc.call("session.status")["owed"]
    finally:
        rpc.close()


def conversation(reader, friend):
    """What `read` shows, from nobody's point of view: (author, id, height, written, text)."""
    messages = reader.json("read", friend.name, "--keep", "-n", "1000000")
    return [(reader.name if message["ours"] else friend.name, message["id"], message["height"],
             message["written"], message["text"]) for message in messages]


def announced(person):
    """How often each message was announced as received."""
    events = person.pages("events.since", "events")
    return collections.Counter(event["message"]["id"] for event in events
                               if event["kind"] == "message.received")


def main(program):
    people.enter()
    lab = people.Lab("alice", "bob")
    alice, bob = people.Person(program, "alice"), people.Person(program, "bob")
    report = people.Report()
    try:
        people.befriend(lab, alice, bob)
        first = alice.json("send", "bob", "hello")[0]
        people.wait_for("the first message", lambda: owed(alice) == 0)
        why = alice.json("why", first["id"])[0]
        report.say("a first message is delivered", why["message"]["state"] == "delivered")
        writers = [Writer(alice, bob), Writer(bob, alice)]
        for writer in writers:
            writer.start()
        spoil(lab, alice, bob, writers)
        people.wait_for("everything to be delivered", lambda: owed(alice) == owed(bob) == 0)
        judge(report, alice, bob, writers)
        for person in (alice, bob):
            report.say(f"{person.name}'s daemon ends well", person.stop() == 0)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    for person in (alice, bob):
        if report.failed:
            person.show_log()
        person.end()
    return 1 if report.failed else 0


def judge(report, alice, bob, writers):
    seen = conversation(alice, bob)
    report.say("both read the same", seen == conversation(bob, alice))
    expected = {"alice": ["hello"] + writers[0].sent, "bob": writers[1].sent}
    for name, texts in expected.items():
        got = [message[4] for message in seen if message[0] == name]
        report.say(f"none of {name}'s messages lost, none twice", sorted(got) == sorted(texts))
        report.say(f"{name}'s messages in the order they were written", got == texts)
    for person, friend in ((alice, "bob"), (bob, "alice")):
        times = announced(person)
        report.say(f"{person.name} was told of each message once",
                   len(times) == len(expected[friend]) and set(times.values()) == {1})
    print(f"{len(writers[0].sent)} messages one way, {len(writers[1].sent)} the other")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
