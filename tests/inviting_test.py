"""Two who share an invitation and nothing else meet: no address is typed, and no card.

usage: inviting_test.py RAMAGE
"""

import base64
import os
import re
import subprocess
import sys
import time

import people
from swarm import NODES, Swarm, send_and_wait
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "reader"))
import places
from wiretap import Capture, bytes_of_card, holds

LOST, OVER, NOT_MET, STOPPED, USAGE = 8, 8, 6, 7, 2  # exit codes


def refused(person, *arguments):
    """A command that is expected to fail: its exit code, and what it said."""
    done = subprocess.run([*person.inside, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=people.PATIENCE_SECONDS, encoding="utf-8")
    return done.returncode, done.stderr


def invitation(person, link_of):
    """What this person's list says of it, by id."""
    return next(one for one in person.json("invite", "list") if one["id"] == link_of)


def both_on(report, host, guest):
    link = host.ramage("invite", "--name", guest.name).strip()
    began = time.monotonic()
    guest.ramage("join", link, "--name", host.name)
    took = time.monotonic() - began
    report.say(f"host and guest meet, {took:.1f} s after the guest has the link", took < 60)
    send_and_wait(guest, host, "hello")
    send_and_wait(host, guest, "hello yourself")
    report.say("and talk", True)
    people.wait_for("word that the guest has come",
                    lambda: answered(host, host.json("invite", "list")[-1]["id"]))
    return link


def misuse(report, host, other, link):
    code, said = refused(other, "join", link)
    report.say("a second guest is told that somebody was first",
               code == LOST and "somebody else has used" in said)
    other.ramage("contact", "remove", "host", "--no-input")
    taken_back = host.json("invite")[0]
    people.wait_for("word of it", lambda: "told" in invitation(host, taken_back["id"]))
    host.ramage("invite", "revoke", str(taken_back["id"]))
    code, said = refused(other, "join", taken_back["link"])
    report.say("an invitation taken back admits nobody", code == OVER and "is over" in said)
    other.ramage("contact", "remove", "host", "--no-input")
    card = host.json("id")[0]["card"]
    code, said = refused(other, "join", card)
    report.say("a card is no invitation, and join says what to do with it",
               code == USAGE and "contact add" in said)
    code, said = refused(other, "contact", "add", link, "--name", "host")
    report.say("nor the other way round", code == USAGE and "ramage join" in said)
    code, said = refused(other, "join", link[:-1] + ("q" if link[-1] != "q" else "p"))
    report.say("a link with a wrong character is refused", code == USAGE)


def answered(host, made):
    now = invitation(host, made)
    return now["state"] == "taken" and now.get("told", "") > now["changed"]


def verify(report, host, guest):
    """Both see one number; whoever types another one is stopped by it until he decides."""
    number = host.json("verify", guest.name)[0]["number"]
    report.say("both see the same number", number == guest.json("verify", host.name)[0]["number"])
    guest.ramage("verify", host.name, " ".join(number[at:at + 5] for at in range(0, 60, 5)))
    told = guest.json("contact", "show", host.name)[0]
    report.say("a number that was typed verifies", told["trust"] == "verified")
    code, said = refused(host, "verify", guest.name, number[:-1] + str(9 - int(number[-1])))
    report.say("another one is an alarm, and ends with 7", code == STOPPED and "differ" in said)
    code, said = refused(host, "send", guest.name, "too late")
    report.say("after which nothing is sent", code == STOPPED and "until you decide" in said)
    waiting = guest.json("send", host.name, "are you there")[0]["id"]
    people.wait_for("the other direction", lambda: guest.json("why", waiting)[0]["message"]["state"]
                    == "delivered")
    host.ramage("verify", guest.name, "--match")
    send_and_wait(host, guest, "now you know")
    report.say("until a person decides", True)


def nothing_tells(report, seen, persons, links):
    """No key, name, secret or name of ours on any cable; each place of the DHT is another one."""
    needles = {"our name": b"ramage", "a card": b"rmg1", "a link": b"rmgi1"}
    for person in persons:
        needles[f"{person.name}'s account key"] = bytes_of_card(person.json("id")[0]["short"])[1:33]
        needles[f"{person.name}'s name"] = person.name.encode()
    for number, link in enumerate(links, 1):
        needles[f"the secret of link {number}"] = bytes_of_card(link)[33:49]
    told = [what for what, needle in needles.items() if holds(seen, needle)]
    places = set(re.findall(b"1:k32:(.{32})", seen, re.DOTALL))
    report.say(f"{len(seen) >> 10} KiB of packets name nobody (found: {told})", not told)
    report.say(f"{len(places)} places lie in the DHT, none is an account",
               len(places) >= 4 and not places & set(needles.values()))


def by_words(report, host, guest):
    """Nothing but four words, said while both are on; each in its own language."""
    for language in ("fr", "en"):
        made = host.json("invite", "--words", language, "--name", f"guest {language}")[0]
        words = made["words"].split("-")
        code, said = refused(guest, "join", *words[:3], "zzzz")
        report.say("a word that is none is named at once", code == USAGE and '"zzzz"' in said)
        began = time.monotonic()
        guest.ramage("join", *(word[:4].upper() for word in words), "--name", f"host {language}")
        took = time.monotonic() - began
        report.say(f"four words ({language}): {took:.1f} s until they are connected", took < 60)
        sent = guest.json("send", f"host {language}", "hello")[0]["id"]
        people.wait_for("the message", lambda: guest.json("why", sent)[0]["message"]["state"]
                        == "delivered")
        host.ramage("contact", "remove", f"guest {language}", "--no-input")
        guest.ramage("contact", "remove", f"host {language}", "--no-input")


def read_by_another(report, host, other):
    """What the host left is found and read by who knows the link and docs/protocol.md alone."""
    made = host.json("invite", "--introduce", "The Host")[0]
    people.wait_for("the host's word", lambda: "told" in invitation(host, made["id"]))
    whole = bytes_of_card(made["link"])
    secret = places.secret_of_invitation(whole)
    place = places.Place(secret, whole[1:33], places.epoch(secret, int(time.time() * 1000)))
    found = other.json("dht", "get", "--key", place.public.hex())[0]
    item = found.get("item", found)
    said = places.invited(place.open(base64.b64decode(item["string"])))
    report.say("a second reader finds and reads what the host left",
               said["version"] == 2 and said["account"] == whole[1:33] and said["state"] == 0
               and said["name"] == "The Host" and len(said["at"]) >= 1
               and all(port == people.PORT for _, port in said["at"]))
    host.ramage("invite", "revoke", str(made["id"]))


def never_on_together(report, host, guest):
    """Host and guest are on by turns; their words lie in the DHT meanwhile."""
    made = host.json("invite", "--name", guest.name)[0]
    people.wait_for("the host's word", lambda: "told" in invitation(host, made["id"]))
    host.stop()
    code, _ = refused(guest, "join", made["link"], "--name", host.name, "--timeout", "8s")
    taken = guest.json("invite", "list")[-1]
    report.say("who comes while the host is off is told so, and leaves word",
               code == NOT_MET and "told" in taken and "heard" in taken)
    guest.stop()
    host.start()
    people.wait_for("the guest's word, and the answer to it", lambda: answered(host, made["id"]))
    host.stop()
    guest.start()
    people.wait_for("the host's answer",
                    lambda: invitation(guest, taken["id"])["state"] == "taken")
    report.say("each finds the other's word, though they were never on together", True)
    host.start()
    send_and_wait(guest, host, "at last")
    report.say("and when both are on they talk", True)


def main(program):
    people.enter()
    lab = people.Lab("alice", "bob", "eve", *NODES)
    swarm = Swarm(program, lab)
    persons = [people.Person(program, name) for name in ("alice", "bob", "eve")]
    alice, bob, eve = persons
    report = people.Report()
    try:
        for person in persons:
            swarm.enter(person)
            person.start()
            person.ramage("new", "--no-passphrase")
        captures = [Capture(person.name) for person in persons]
        link = both_on(report, alice, bob)
        verify(report, alice, bob)
        misuse(report, alice, eve, link)
        by_words(report, alice, eve)
        read_by_another(report, alice, eve)
        never_on_together(report, bob, eve)
        seen = b"\n".join(packet for capture in captures for packet in capture.packets)
        nothing_tells(report, seen, persons, [link])
        for person in persons:
            report.say(f"{person.name}'s daemon ends well", person.stop() == 0)
    except Exception as trouble:
        report.say(f"the whole story ({trouble!r})", False)
    swarm.end()
    for person in persons:
        if report.failed:
            person.show_log()
        person.end()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
