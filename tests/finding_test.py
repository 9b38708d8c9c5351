"""Two who have talked find each other again with nothing but the DHT: no address holds.

usage: finding_test.py RAMAGE
"""

import os
import subprocess
import sys
import time

import people

NODES = tuple(f"node{number}" for number in range(1, 9))
DHT_PORT = 6881


class Swarm:
    """A small DHT of bare nodes, each on a machine of its own."""

    def __init__(self, program, lab):
        self.nodes = []
        for name in NODES:
            first = f"{lab.address[NODES[0]]}:{DHT_PORT}"
            begin = [] if name == NODES[0] else ["--bootstrap", first]
            node = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{name}", program, "dht", "run", "--bind",
                 f"{lab.address[name]}:{DHT_PORT}", *begin],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="ascii")
            self.nodes.append(node)
            assert node.stdout.readline().startswith("ready ")

    def end(self):
        for node in self.nodes:
            node.kill()
            node.wait()


def send_and_wait(writer, reader, text):
    """Seconds until it is delivered."""
    began = time.monotonic()
    sent = writer.json("send", reader.name, text)[0]
    people.wait_for(f"{text!r} to be delivered",
                    lambda: writer.json("why", sent["id"])[0]["message"]["state"] == "delivered")
    return time.monotonic() - began


def configure(person, lab):
    with open(os.path.join(person.home, "config"), "w", encoding="ascii") as config:
        config.write(f"dht.bootstrap = {lab.address[NODES[0]]}:{DHT_PORT}\ndht.router = none\n")


def main(program):
    people.enter()
    lab = people.Lab("alice", "bob", *NODES)
    swarm = Swarm(program, lab)
    alice, bob = people.Person(program, "alice"), people.Person(program, "bob")
    report = people.Report()
    try:
        for person in (alice, bob):
            configure(person, lab)
        people.befriend(lab, alice, bob)
        send_and_wait(alice, bob, "hello")
        send_and_wait(bob, alice, "hello yourself")
        report.say("both talk, by an address somebody typed", True)
        for number, (first, second) in enumerate(((alice, bob), (bob, alice)), 1):
            for person in (alice, bob):
                person.kill()
            lab.move("alice", f"10.9.0.{20 + number}")
            lab.move("bob", f"10.9.0.{30 + number}")
            first.start()
            second.start()
            took = send_and_wait(first, second, f"found {number}")
            report.say(f"both moved while off: found after {took:.1f} s", took < 30)
            first.ramage("daemon", "stop")
            second.ramage("daemon", "stop")
            first.start()
            waiting = first.json("send", second.name, f"waiting {number}")[0]["id"]
            people.wait_for("our addresses to be left, and theirs to be sought",
                            lambda: {"told", "looked"} <= set(first.json("why", waiting)[0]))
            said = first.ramage("why", waiting)
            report.say("why says what the DHT was told and asked",
                       "our addresses left with" in said and "looked for theirs" in said)
            second.start()
            people.wait_for("what waited", lambda: first.json("why", waiting)[0]["message"]["state"]
                            == "delivered")
        lab.move("alice", "10.9.0.41")
        lab.move("bob", "10.9.0.42")
        took = send_and_wait(alice, bob, "moved")
        report.say(f"both moved at once while on: found after {took:.1f} s", took < 120)
        for person in (alice, bob):
            report.say(f"{person.name}'s daemon ends well", person.stop() == 0)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    swarm.end()
    for person in (alice, bob):
        if report.failed:
            person.show_log()
        person.end()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
