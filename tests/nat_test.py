"""Two people behind routers meet by invitation: every pair of kinds of router.

usage: nat_test.py RAMAGE [KIND KIND [IDLE_SECONDS]]

With IDLE_SECONDS the guest then goes away, and comes back when the host has been idle so long.

The routers are the kernel's own NAT (nftables) in namespaces; in the middle lies a DHT of
libtorrent. Nothing is told but one node of the DHT.
"""

import subprocess
import sys
import time

import dht_lab as lab
import people

NODES = 24
INSIDE = "192.168.1.2"
# None at all, a public address; one that lets everybody in at a port; one that lets in whom was
# written to from that port; and one that makes another port for each connection.
KINDS = ("open", "full", "restricted", "symmetric")
# What the guest's doctor says of his router.
ROUTER = {"open": "there is none", "full": "the same port", "restricted": "the same port",
          "symmetric": "another port for each"}
HARD = {("symmetric", "symmetric"), ("restricted", "symmetric"), ("symmetric", "restricted")}
GOAL_SECONDS = 5
PATIENCE_SECONDS = 90
HARD_SECONDS = 12  # until the first call has failed


def rules(kind, inside):
    """nftables for a router whose other side is the internet."""
    out = "masquerade fully-random" if kind == "symmetric" else "masquerade"
    enter = f"iifname eth udp dport {people.PORT} dnat to {inside};" if kind == "full" else ""
    return f"""
table ip nat {{
    chain out {{ type nat hook postrouting priority 100; oifname eth {out}; }}
    chain enter {{ type nat hook prerouting priority -100; {enter} }}
}}
table ip filter {{
    chain input {{ type filter hook input priority 0; policy drop; iifname != eth accept; }}
    chain forward {{ type filter hook forward priority 0; policy drop;
        ct state established,related accept; iifname != eth accept; ct status dnat accept; }}
}}
"""


def machine(network, name, kind, number):
    """A namespace for a person, behind a router of that kind."""
    if kind == "open":
        network.home(name, lab.ipv4(number))
        return
    router = f"r-{name}"
    network.home(router, lab.ipv4(number))
    lab.batch(f"netns add {name}",
              f"link add in-{name} netns {router} type veth peer name eth netns {name}")
    for line in (f"-n {name} link set lo up", f"-n {name} link set eth up",
                 f"-n {name} address add {INSIDE}/24 dev eth",
                 f"-n {router} address add 192.168.1.1/24 dev in-{name}",
                 f"-n {router} link set in-{name} up",
                 f"-n {name} route add default via 192.168.1.1"):
        lab.batch(line)
    inside = ["nsenter", f"--net=/run/netns/{router}"]
    subprocess.run([*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], check=True)
    subprocess.run([*inside, "nft", "-f", "-"], input=rules(kind, INSIDE).encode(), check=True)


def come_back(host, guest, idle):
    """Seconds from the start of one until both are connected again; the other did nothing."""
    guest.stop()
    time.sleep(idle)
    guest.start()
    began = time.monotonic()
    people.wait_for("both to be connected again",
                    lambda: guest.json("contact", "show", "host")[0]["online"], 200)
    return time.monotonic() - began


def meet(program, network, others, kinds, number, idle):
    """Seconds from the guest's link until both are connected; None if they never are. And what a
    message of the guest's then says of why."""
    persons = []
    for side, kind in zip(("host", "guest"), kinds):
        name = f"{side}{number}"
        machine(network, name, kind, 200 + 2 * number + (side == "guest"))
        person = people.Person(program, name)
        persons.append(person)
        with open(person.home + "/config", "w", encoding="ascii") as config:
            first = others.addresses[number % NODES]
            config.write(f"dht.bootstrap = {first[0]}:{first[1]}\ndht.router = none\n")
        person.start()
        person.ramage("new", "--no-passphrase")
    host, guest = persons
    try:
        link = host.ramage("invite", "--name", "guest").strip()
        began = time.monotonic()
        patience = HARD_SECONDS if kinds in HARD else PATIENCE_SECONDS
        done = subprocess.run([*guest.inside, "join", link, "--name", "host",
                               "--timeout", f"{patience}s"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        took = time.monotonic() - began
        if done.returncode != 0:
            sent = guest.json("send", "host", "hello")[0]
            if kinds in HARD:
                people.wait_for("why to know the routers", lambda: "another port for each" in
                                guest.ramage("why", sent["id"]))
            return None, guest.ramage("why", sent["id"])
        router = [one["says"] for one in guest.json("doctor") if one["check"] == "router"]
        assert ROUTER[kinds[1]] in router[0], router
        for writer, reader in ((guest, "host"), (host, "guest")):
            writer.ramage("send", reader, "hello", "--wait", "delivered")
        if idle:
            print(f"# again after {come_back(host, guest, idle):.1f} s", flush=True)
        return took, ""
    finally:
        for person in persons:
            person.end()


def main(program, *only):
    lab.enter()
    report = people.Report()
    network = lab.Network()
    hosts = [lab.ipv4(number) for number in range(NODES)]
    network.own(hosts)
    others = lab.Libtorrent(hosts, dht_upload_rate_limit=1000000)
    others.settle()
    idle = float(only[2]) if len(only) > 2 else 0
    pairs = [tuple(only[:2])] if only else [(host, guest) for at, host in enumerate(KINDS)
                                        for guest in KINDS[at:]]
    took = []
    for number, kinds in enumerate(pairs):
        try:
            seconds, why = meet(program, network, others, kinds, number, idle)
        except Exception as trouble:
            report.say(f"{kinds[0]} and {kinds[1]}: {trouble!r}", False)
            continue
        if kinds in HARD:
            report.say(f"{kinds[0]} and {kinds[1]}: they do not meet, and why says so",
                       seconds is None and (kinds[0] != kinds[1] or "both make" in why))
        elif seconds is None:
            report.say(f"{kinds[0]} and {kinds[1]}: they do not meet", False)
            print(why)
        else:
            took.append(seconds)
            report.say(f"{kinds[0]} and {kinds[1]}: connected after {seconds:.1f} s", True)
    median = sorted(took)[len(took) // 2] if took else 0
    print(f"# half of the pairs within {median:.1f} s, the goal is {GOAL_SECONDS}", flush=True)
    others.end()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
