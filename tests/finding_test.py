"""Two who have talked find each other again with nothing but the DHT: no address holds.

usage: finding_test.py RAMAGE
"""

import sys

import people
from swarm import NODES, Swarm, send_and_wait

def main(program):
    people.enter()
    lab = people.Lab("alice", "bob", *NODES)
    swarm = Swarm(program, lab)
    alice, bob = people.Person(program, "alice"), people.Person(program, "bob")
    report = people.Report()
    try:
        for person in (alice, bob):
            swarm.enter(person)
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
            report.say(f"both moved while off: found after {took:.1f} s", took < 60)
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
