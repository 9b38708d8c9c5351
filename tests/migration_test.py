"""Homes of the release before this one, opened by the program: what was there is there, what was
owed is owed, and both sides, brought up to date, talk.

usage: migration_test.py RAMAGE CLOCK HOMES

CLOCK is tests/shifted_clock.c: the programs live on the day the homes are of, or all that is owed
in them would have expired. They listen where their homes say, on a loopback of the test's own.
"""

import calendar
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import people

PROGRAM, CLOCK, HOMES = map(os.path.abspath, sys.argv[1:])
NOON = calendar.timegm((2026, 11, 23, 12, 0, 0))  # of the day on which the homes were made
OLD = ["are you there?", "yes, and you?", "so it seems", "not read yet"]
OWED = ["owed to Bob, one", "owed to Bob, two"]
LAST = "owed to Bob, behind the long one"


class Home:
    """A copy of an old home, and the program of today."""

    def __init__(self, source, folder):
        self.path = os.path.join(folder, source.replace("/", "-"))
        shutil.copytree(os.path.join(HOMES, source), self.path)
        os.chmod(self.path, 0o700)
        self.program = [PROGRAM, "--home", self.path]
        self.environment = {**os.environ, "LD_PRELOAD": CLOCK,
                            "CLOCK_SHIFT_SECONDS": str(int(NOON - time.time()))}
        self.daemon = None

    def ramage(self, *arguments):
        done = subprocess.run([*self.program, *arguments], env=self.environment, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, encoding="utf-8",
                              timeout=people.PATIENCE_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, *arguments):
        return [json.loads(line) for line in self.ramage(*arguments, "--json").splitlines()]

    def start(self):
        reader, writer = os.pipe()
        self.daemon = subprocess.Popen([*self.program, "daemon", "run", "--ready-fd", str(writer)],
                                       env=self.environment, pass_fds=[writer],
                                       stdin=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            if ready.read() != b"ready\n":
                raise RuntimeError(f"{self.path} does not open")

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        status = self.daemon.wait(people.PATIENCE_SECONDS)
        self.daemon = None
        return status

    def kill(self):
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()

    def conversation(self, who):
        return self.json("read", who, "--keep", "-n", "1000")

    def texts(self, who):
        return [message["text"] for message in self.conversation(who)]

    def states(self, who):
        """{text: state} of what we wrote."""
        return {message["text"]: message["state"] for message in self.conversation(who)
                if message["ours"]}

    def owed(self):
        return {chat["contact"]: chat["owed"] for chat in self.json("chats")}


def what_was_there_is_there(say, alice):
    """Twice: the second start finds a home that is up to date already."""
    for time_of_start in ("first", "second"):
        alice.start()
        say(f"its people are there at the {time_of_start} start",
            [contact["name"] for contact in alice.json("contact", "list")] == ["Bob", "Carol"] and
            alice.json("id")[0]["name"] == "Alice")
        say(f"its messages are there at the {time_of_start} start",
            alice.texts("Bob") == OLD + OWED)
        say(f"what was delivered is, at the {time_of_start} start",
            alice.states("Bob") == {OLD[0]: "delivered", OLD[2]: "delivered",
                                    OWED[0]: "written", OWED[1]: "written"})
        say(f"what was owed is owed at the {time_of_start} start",
            alice.owed() == {"Bob": 2, "Carol": 1})
        status = alice.ramage("status")
        say(f"its status says so at the {time_of_start} start",
            "1 unread, 3 not delivered yet" in status)
        if time_of_start == "first":
            alice.ramage("send", "Bob", OLD[2], "--request-key", "the first release")
            say("a request of the old release still sends nothing twice",
                alice.texts("Bob") == OLD + OWED)
            say("its daemon ends well", alice.stop() == 0)


def both_talk(say, alice, bob):
    bob.start()
    people.wait_for("what the old release owed to Bob", lambda: alice.owed()["Bob"] == 0)
    say("what was owed to him arrives", bob.texts("Alice") == OLD + OWED)
    say("what is owed to others is still owed", alice.owed()["Carol"] == 1)
    bob.ramage("send", "Alice", "from today's release", "--wait", "delivered")
    alice.ramage("send", "Bob", "and back", "--wait", "delivered")
    shown = [[(message["id"], message["text"], message["height"])
              for message in side.conversation(other)] for side, other in ((alice, "Bob"),
                                                                           (bob, "Alice"))]
    say("they talk, and both read the same", shown[0] == shown[1] and
        [text for _, text, _ in shown[0]][-2:] == ["from today's release", "and back"])
    say("they talk in a session", alice.json("contact", "show", "Bob")[0]["sealed"])
    say("both daemons end well", [alice.stop(), bob.stop()] == [0, 0])


def what_is_too_long_today_fails(say, alice, bob):
    alice.start()
    long = [message for message in alice.conversation("Bob") if message["text"].startswith("long")]
    say("a message longer than today's longest is read", [len(long[0]["text"])] == [60000])
    say("and owed, as it was", alice.owed()["Bob"] == 4 and long[0]["state"] == "written")
    bob.start()
    people.wait_for("the rest to arrive", lambda: alice.owed()["Bob"] == 0)
    why = alice.json("why", long[0]["id"])[0]["message"]
    say("it has failed, and says why", (why["state"], why.get("failure")) == ("failed", "too_long"))
    say("people are told so", "failed" in alice.ramage("why", long[0]["id"]) and
        "too_long" in alice.ramage("why", long[0]["id"]))
    say("what stood before and behind it has arrived", bob.texts("Alice") == OLD + OWED + [LAST])
    say("both daemons end well after that", [alice.stop(), bob.stop()] == [0, 0])


def main():
    people.enter()
    report, homes = people.Report(), []
    folder = tempfile.mkdtemp(prefix="ramage-migration-")
    try:
        for source in ("v1/alice", "v1/bob", "v1-long/alice"):
            homes.append(Home(source, folder))
        alice, bob, long = homes
        what_was_there_is_there(report.say, alice)
        both_talk(report.say, alice, bob)
        shutil.rmtree(bob.path)
        homes[1] = bob = Home("v1/bob", folder)
        what_is_too_long_today_fails(report.say, long, bob)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    for home in homes:
        home.kill()
    shutil.rmtree(folder)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
