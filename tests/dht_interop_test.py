"""Our DHT node and programs no one here wrote, in a network of their own.

usage: dht_interop_test.py RAMAGE

libtorrent, Transmission and aria2 with public-looking addresses, IPv4 and IPv6: what we announce
and put they find, and the other way round.
"""

import os
import shutil
import signal
import sys
import tempfile
import time

import dht_lab as lab
import people
from dht_krpc import Pen, address_bytes, id_fits, item_target, mutable_target

NODES, NODES6 = 16, 8
TRANSMISSION, ARIA2, OURS, CLIENT, AGAIN = range(100, 105)
SECONDS = 15
TRANSMISSION_SECONDS = 60  # it lets a quarter of a minute pass, or more, before it announces
OUR_SWARM, THEIR_SWARM = b"a swarm announced us", b"a swarm of libtorren"
MAGNET, OUR_MAGNET = b"found by Transmissio", b"ours, they find us.."
PEER_PORT = 7001


class World:
    """Everybody in the network, and what we say to them with the program."""

    def __init__(self, program, children, folder):
        self.program, self.children, self.folder = program, children, folder
        self.network = lab.Network()
        hosts = [lab.ipv4(number) for number in range(NODES)]
        hosts6 = [lab.ipv6(number) for number in range(NODES6)]
        self.ours6, self.client6 = lab.ipv6(OURS), lab.ipv6(CLIENT)
        self.network.own([*hosts, *hosts6, self.ours6, self.client6,
                          *(lab.ipv4(number) for number in range(TRANSMISSION, AGAIN + 1))])
        self.others = self.child(lab.Libtorrent(hosts, dht_upload_rate_limit=1000000))
        self.others6 = self.child(lab.Libtorrent(hosts6, dht_upload_rate_limit=1000000))
        self.others.settle()
        self.others6.settle()
        # A silent node makes libtorrent wait 15 s before it stores: it begins before all else.
        self.pen = Pen()
        self.others.do(1, "announce", target=THEIR_SWARM.hex())
        self.others6.do(2, "announce", target=THEIR_SWARM.hex())
        self.others.do(4, "put", value=b"from libtorrent".hex())
        self.others.do(6, "put mutable", private=self.pen.expanded().hex(),
                       key=self.pen.key.hex(), value=b"theirs".hex(), salt=b"s".hex())
        self.transmission = self.child(lab.Transmission(
            lab.ipv4(TRANSMISSION), 9091, nodes=self.others.addresses[:8]))
        for at in range(NODES):  # by itself it takes half a minute to know so many
            self.others.meet(at, self.transmission.address)
        for infohash in (MAGNET, OUR_MAGNET):
            self.transmission.add(infohash)
        self.aria2 = self.child(lab.Aria2(lab.ipv4(ARIA2), OUR_MAGNET, self.others.addresses[0]))
        self.node = self.child(lab.Node(program, lab.ipv4(OURS), self.others.addresses[:4]))
        # Who asks stays there: the others would wait long for somebody who is gone.
        self.client = lab.ipv4(CLIENT)
        self.listener = lab.Listener(self.client, PEER_PORT)
        for host, nodes, name in ((self.client, self.others, "4"),
                                  (self.client6, self.others6, "6")):
            self.child(lab.Node(program, host, nodes.addresses[4:7],
                                more=("--socket", os.path.join(self.folder, name))))

    def child(self, started):
        self.children.append(started)
        return started

    def dht(self, *words, six=False):
        """What the program answered last, and its status."""
        path = os.path.join(self.folder, "6" if six else "4")
        told, status = lab.ask_network(self.program, *words, "--socket", path)
        return (told[-1] if told else {}), status


def stored(told):
    return told[0].get("stored", 0) >= 6


def our_magnet_is_announced(world):
    return stored(world.dht("announce", OUR_MAGNET.hex(), "--port", str(PEER_PORT)))


def everybody_is_pinged(world):
    for host, port in (world.others.addresses[3], world.transmission.address, world.aria2.address,
                       world.node.address):
        told, status = world.dht("ping", f"{host}:{port}")
        if status != 0 or len(told["nodes"]) != 1:
            return False
    return True


def the_closest_are_found(world):
    told, _ = world.dht("find", "--nodes", OUR_SWARM.hex())
    distances = [int(one["id"], 16) ^ int.from_bytes(OUR_SWARM, "big") for one in told["nodes"]]
    return len(distances) >= 8 and distances == sorted(distances)


def our_announce_is_found(world):
    if not stored(world.dht("announce", OUR_SWARM.hex(), "--port", str(PEER_PORT))):
        return False
    world.others.do(2, "find", target=OUR_SWARM.hex())
    return world.others.hear(2, "peers", SECONDS, lambda line: line["target"] == OUR_SWARM.hex()
                             and [world.client, PEER_PORT] in line["peers"]) is not None


def their_announce_is_found(world):
    return found(world, THEIR_SWARM, world.others.addresses[1][0], SECONDS)


def found(world, infohash, host, seconds, six=False):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        told, _ = world.dht("find", infohash.hex(), six=six)
        if any(peer.startswith(host + ":") for peer in told.get("peers", [])):
            return True
        time.sleep(1)
    return False


def our_immutable_item_is_found(world):
    target = item_target(b"from us")
    told = world.dht("put", "from us")
    world.others.do(3, "get", target=target.hex())
    heard = world.others.hear(3, "item", SECONDS, lambda line: line["target"] == target.hex())
    return stored(told) and told[0]["target"] == target.hex() and value_of(heard) == b"from us"


def value_of(heard):
    """libtorrent gives the text itself."""
    return bytes.fromhex(heard["value"]) if heard and heard["value"] else None


def their_immutable_item_is_found(world):
    return came(world, "from libtorrent", item_target(b"from libtorrent").hex())


def came(world, text, *words):
    """Its put ends late where a node is silent; its nodes have the item long before."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if world.dht("get", *words)[0].get("item", {}).get("text") == text:
            return True
        time.sleep(1)
    return False


def our_mutable_item_is_found(world):
    pen = Pen()
    with tempfile.TemporaryDirectory() as folder:
        key_file = os.path.join(folder, "key")
        with open(os.open(key_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
            out.write(pen.seed.hex() + "\n")
        mine = ["--key-file", key_file, "--salt", "salt"]
        told = world.dht("put", "first", *mine, "--seq", "1")
        again = world.dht("put", "second", *mine, "--seq", "2", "--cas", "1")
        world.others.do(5, "get mutable", key=pen.key.hex(), salt=b"salt".hex())
        heard = world.others.hear(5, "mutable item", SECONDS, lambda line: line["seq"] == 2)
        refused = world.dht("put", "third", *mine, "--seq", "3", "--cas", "1")
        older = world.dht("put", "older", *mine, "--seq", "1")
    return (stored(told) and stored(again) and refused[1] == 8 and older[1] == 8
            and told[0]["target"] == mutable_target(pen.key, b"salt").hex()
            and value_of(heard) == b"second")


def their_mutable_item_is_found(world):
    return came(world, "theirs", "--key", world.pen.key.hex(), "--salt", "s")


def tokens_are_checked(world):
    asker, other = lab.asker(), lab.asker()
    given = {"info_hash": MAGNET, "port": PEER_PORT}
    token = asker.token(world.node.address, MAGNET)
    wrong = asker.ask(world.node.address, "announce_peer", {**given, "token": b"wron"})
    stolen = other.ask(world.node.address, "announce_peer", {**given, "token": token})
    right = asker.ask(world.node.address, "announce_peer", {**given, "token": token})
    return wrong[b"e"][0] == 203 and stolen[b"e"][0] == 203 and right[b"y"] == b"r"


def a_scrape_counts(world):
    """BEP 33: one peer sets two bits of a filter of 2048."""
    answer = lab.asker().ask(world.node.address, "get_peers", {"info_hash": MAGNET, "scrape": 1})
    seeds, peers = answer[b"r"][b"BFsd"], answer[b"r"][b"BFpe"]
    return len(seeds) == len(peers) == 256 and any(peers)


def ipv6_works(world):
    node = world.child(lab.Node(world.program, world.ours6, world.others6.addresses[:4]))
    told = world.dht("put", "from us over IPv6", six=True)
    target = item_target(b"from us over IPv6")
    world.others6.do(1, "get", target=target.hex())
    heard = world.others6.hear(1, "item", SECONDS, lambda line: line["target"] == target.hex())
    theirs = found(world, THEIR_SWARM, f"[{world.others6.addresses[2][0]}]", SECONDS, six=True)
    answer = lab.asker6().ask(node.address, "find_node", {"target": target})
    return (stored(told) and value_of(heard) == b"from us over IPv6" and theirs
            and len(answer[b"r"][b"nodes6"]) >= 4 * 38 and len(answer[b"ip"]) == 18)


def a_restart_needs_nobody(world):
    """The second run is told no node: what was saved must do."""
    with tempfile.TemporaryDirectory() as folder:
        saved = ("--save", os.path.join(folder, "nodes"))
        first = lab.Node(world.program, lab.ipv4(AGAIN), world.others.addresses[:4], more=saved)
        people.wait_for("a table", lambda: known(first) >= 8, 20)
        fits = id_of(first)
        first.end(signal.SIGTERM)
        second = world.child(lab.Node(world.program, lab.ipv4(AGAIN), more=saved))
        people.wait_for("the table again", lambda: known(second) >= 8, 20)
        return id_fits(fits, lab.ipv4(AGAIN)) and id_of(second) == fits


def id_of(node):
    return lab.asker().ask(node.address, "ping")[b"r"][b"id"]


def known(node):
    answer = lab.asker().ask(node.address, "find_node", {"target": OUR_SWARM})
    return len((answer or {}).get(b"r", {}).get(b"nodes", b"")) // 26


def our_node_keeps_theirs(world):
    """It lies next to what they announce and put. Who gives it to those he found may not know it
    yet, and does so once: then another one tries."""
    place = id_of(world.node)
    infohash, pen = place[:-1] + b"\0", Pen()
    salt = next(salt for salt in (b"%d" % number for number in range(100000))
                if pen.target(salt)[0] == place[0])
    givers = iter(range(7, NODES))
    given, due = [], 0

    def give():
        at = next(givers)
        world.others.meet(at, world.node.address)
        world.others.do(at, "announce", target=infohash.hex())
        world.others.do(at, "put mutable", private=pen.expanded().hex(), key=pen.key.hex(),
                        value=b"kept".hex(), salt=salt.hex())
        given.append(address_bytes(world.others.addresses[at]))

    def kept():
        nonlocal due
        if time.monotonic() > due:
            give()
            due = time.monotonic() + SECONDS
        peers = lab.asker().ask(world.node.address, "get_peers", {"info_hash": infohash})
        item = lab.asker().ask(world.node.address, "get", {"target": pen.target(salt)})
        return (set(given) & set(peers[b"r"].get(b"values", []))
                and item[b"r"].get(b"v") == b"kept" and item[b"r"][b"k"] == pen.key)

    people.wait_for("what they gave us", kept, 6 * SECONDS)
    return True


def aria2_is_found(world):
    return found(world, OUR_MAGNET, world.aria2.address[0], SECONDS)


def aria2_finds_us(world):
    return calls(world, world.aria2)


def transmission_is_found(world):
    return found(world, MAGNET, world.transmission.address[0], TRANSMISSION_SECONDS)


def transmission_finds_us(world):
    return calls(world, world.transmission)


def calls(world, other):
    """Whether it comes to the port we announced."""
    people.wait_for("a call", lambda: world.listener.called_by(other.address[0]), SECONDS)
    return True


CASES = [our_magnet_is_announced, everybody_is_pinged, the_closest_are_found, our_announce_is_found,
         their_announce_is_found, our_immutable_item_is_found, their_immutable_item_is_found,
         our_mutable_item_is_found, their_mutable_item_is_found, tokens_are_checked,
         a_scrape_counts, ipv6_works, a_restart_needs_nobody, our_node_keeps_theirs,
         aria2_is_found, aria2_finds_us, transmission_is_found, transmission_finds_us]


def main(program):
    lab.enter()
    report, children = people.Report(), []
    folder = tempfile.mkdtemp(prefix="ramage-dht-")
    try:
        world = World(program, children, folder)
        for run in CASES:
            began = time.monotonic()
            try:
                right, trouble = run(world), ""
            except Exception as met:  # the others may still say something
                right, trouble = False, f" ({met!r})"
            took = f", {time.monotonic() - began:.1f} s"
            report.say(run.__name__.replace("_", " ") + trouble + took, right)
    except Exception as trouble:
        report.say(f"the network of others ({trouble!r})", False)
    finally:
        for child in children:
            child.end()
        shutil.rmtree(folder)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
