"""Two on one network that leads nowhere: no route out, no other node, nothing but a link.

usage: nearby_test.py RAMAGE
"""

import sys
import time

import people
from swarm import send_and_wait

GOAL_SECONDS = 3


def meet(program, lab, report, number):
    """Two who never saw each other; returns them."""
    persons = [people.Person(program, name) for name in ("alice", "bob")]
    for person in persons:
        with open(person.home + "/config", "w", encoding="ascii") as config:
            config.write("dht.router = none\n")
        person.start()
        person.ramage("new", "--no-passphrase")
    alice, bob = persons
    link = alice.ramage("invite", "--name", "bob").strip()
    began = time.monotonic()
    bob.ramage("join", link, "--name", "alice")
    took = time.monotonic() - began
    report.say(f"{number}: host and guest meet, {took:.1f} s after the guest has the link",
               took < 20 * GOAL_SECONDS)
    send_and_wait(alice, bob, "hello")
    send_and_wait(bob, alice, "hello yourself")
    return persons


def main(program):
    people.enter()
    lab = people.Lab("alice", "bob")
    report = people.Report()
    try:
        for number in (1, 2, 3):
            persons = meet(program, lab, report, number)
            if number < 3:
                for person in persons:
                    person.end()
        alice, bob = persons
        for person in persons:
            person.kill()
        lab.move("alice", "10.9.0.21")
        lab.move("bob", "10.9.0.31")
        for person in persons:
            person.start()
        took = send_and_wait(alice, bob, "elsewhere")
        report.say(f"both at other addresses after a restart: {took:.1f} s", took < 60)
        for person in persons:
            report.say(f"{person.name}'s daemon ends well", person.stop() == 0)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    for person in persons:
        if report.failed:
            person.show_log()
        person.end()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
