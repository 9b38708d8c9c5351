"""`ramage dht`: bare nodes, and what people ask of them.

usage: dht_command_test.py RAMAGE [CASE...]

Real programs on loopback in a network namespace of the test's own: no packet leaves, and no name
could be resolved.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import people

PROGRAM = os.path.abspath(sys.argv[1])
INFOHASH = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "127.0.0.1:9"
PATIENCE_SECONDS = 30
READY = re.compile(r"^ready(?: (\S+:\d+) ([0-9a-f]{40}))+$")
CASES = []
RUNNING = []


def case(function):
    CASES.append(function)
    return function


class World:
    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8",
                            "RAMAGE_HOME": os.path.join(folder, "home"), "TMPDIR": folder}
        for key, setting in os.environ.items():
            if key.endswith("SAN_OPTIONS"):
                self.environment[key] = setting

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *words, **how):
        process = subprocess.Popen(
            [PROGRAM, *words], env=self.environment, cwd=self.folder, encoding="utf-8",
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               **how})
        RUNNING.append(process)
        return process

    def node(self, *words, bind="127.0.0.1:0"):
        return Node(self, "--bind", bind, *words)

    def nodes(self, count):
        """The first has a socket; the others begin with it."""
        first = self.node("--socket", self.path("first"))
        others = [self.node("--bootstrap", first.at) for _ in range(count - 1)]
        people.wait_for("the nodes to meet",
                        lambda: first.status()["ipv4"]["good"] == count - 1)
        return [first, *others]

    def dht(self, *words, status=0, stdin=""):
        process = self.start("dht", *words, stdin=subprocess.PIPE)
        return self.end(process, words, status, stdin)

    def end(self, process, words, status, stdin=""):
        out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
        assert process.returncode == status, (words, process.returncode, out, err)
        self.said = err
        return out

    def ask(self, *words):
        """All lines that a program is told; the last is the answer."""
        return [json.loads(line) for line in self.dht(*words, "--json").splitlines()]

    def refuse(self, name, status, *words, says=None):
        """One sentence and what to do next, the same to people and programs."""
        for_people = self.start("dht", *words)
        for_programs = self.start("dht", *words, "--json")
        self.end(for_people, words, status)
        plain = self.said
        assert plain.startswith("ramage: ") and len(plain.splitlines()) == 2, plain
        self.end(for_programs, words, status)
        told = json.loads(self.said)
        assert told["error"] == name and told["exit"] == status, told
        assert told["message"] in plain, (told, plain)
        assert says is None or says in plain, (says, plain)
        return told


class Node:
    def __init__(self, world, *words):
        self.world, self.words = world, words
        self.socket = words[words.index("--socket") + 1] if "--socket" in words else None
        self.process = world.start("dht", "run", *words)
        line = self.process.stdout.readline().rstrip("\n")
        found = READY.match(line)
        assert found, (line, self.process.stderr.read() if not line else None)
        self.at, self.id = line.split(" ")[1:3]

    def status(self):
        return self.world.ask("status", "--socket", self.socket)[0]

    def stop(self, how=signal.SIGTERM, status=0):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == status, (self.process.returncode, out, err)
        assert out == "", out
        return err


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# --- asking --------------------------------------------------------------------------------------

@case
def a_node_is_pinged_and_the_closest_are_found(world):
    nodes = world.nodes(4)
    first = nodes[0]
    out = world.dht("ping", nodes[1].at, "--socket", first.socket)
    assert re.match(rf"^{nodes[1].id}  \d+\.\d ms\n$", out), out
    pinged = world.ask("ping", nodes[1].at, "--bootstrap", first.at)[-1]
    assert pinged["nodes"] == [{"id": nodes[1].id, "at": nodes[1].at}], pinged
    found = world.ask("find", "--nodes", INFOHASH, "--bootstrap", first.at)[-1]["nodes"]
    distance = lambda one: int(one["id"], 16) ^ int(INFOHASH, 16)
    assert found == sorted(found, key=distance), found
    assert {one["id"] for one in found} == {node.id for node in nodes}, found
    world.refuse("NOTHING_FOUND", 3, "ping", NOWHERE, "--socket", first.socket, "--timeout", "20s",
                 says="no node of the DHT answers at that address")


@case
def peers_are_announced_and_found_as_they_come(world):
    nodes = world.nodes(3)
    world.refuse("NOTHING_FOUND", 3, "find", INFOHASH, "--bootstrap", nodes[0].at)
    for port in (7001, 7002):
        told = world.ask("announce", INFOHASH, "--port", str(port), "--bootstrap", nodes[1].at)
        assert told[-1]["stored"] > 0 and told[-1]["refused"] == 0, told
    asked_from = free_port()
    world.dht("announce", INFOHASH, "--bind", f"127.0.0.1:{asked_from}", "--bootstrap",
              nodes[2].at)  # the port that others see us ask from
    everyone = {f"127.0.0.1:{port}" for port in (7001, 7002, asked_from)}
    for extra in ([], ["--hidden"]):
        told = world.ask("find", INFOHASH, "--bootstrap", nodes[2].at, *extra)
        streamed = {peer for event in told[:-1] if event["kind"] == "dht.peers"
                    for peer in event["peers"]}
        assert streamed == everyone and set(told[-1]["peers"]) == everyone, told
        assert told[-1]["found"] == 3, told
    assert set(world.dht("find", INFOHASH, "--socket", nodes[0].socket).split()) == everyone
    assert nodes[0].status()["infohashes"] == 1


@case
def immutable_items_come_back_as_they_were(world):
    nodes = world.nodes(3)
    for number, value in enumerate(("Hello World!", "", "Grüße", "a\tb\n\x1b[1mc", "x" * 996)):
        data = value.encode()
        target = hashlib.sha1(b"%d:%s" % (len(data), data)).hexdigest()
        said = world.dht("put", "-", "--bootstrap", nodes[number % 3].at, stdin=value)
        assert said == f"target {target}\n", said
        assert world.dht("get", target, "--bootstrap", nodes[0].at) == value + "\n"
        item = world.ask("get", target, "--socket", nodes[0].socket)[-1]["item"]
        assert item["text"] == value and not item["mutable"], item
    target = hashlib.sha1(b"d1:ai1ee").hexdigest()
    told = world.ask("put", "d1:ai1ee", "--bencoded", "--nodes", "20", "--bootstrap", nodes[1].at)
    assert told[-1]["target"] == target and told[-1]["stored"] > 0, told
    item = world.ask("get", target, "--bootstrap", nodes[2].at)[-1]["item"]
    assert item["value"] == "ZDE6YWkxZWU=" and "text" not in item, item
    assert 0 < nodes[0].status()["items"] <= 6
    world.refuse("NOTHING_FOUND", 3, "get", INFOHASH, "--bootstrap", nodes[0].at)


@case
def mutable_items_are_replaced_by_their_owner(world):
    nodes = world.nodes(3)
    key_file = world.path("key")
    where = ["--bootstrap", nodes[0].at]
    mine = ["--key-file", key_file, *where]
    one = ["put", "one", "--salt", "place", "--seq", "1", *mine]
    first = world.ask(*one)[-1]
    # A node that holds none compares nothing (BEP 44) and would take what others refuse.
    people.wait_for("all to hold it", lambda: world.ask(*one)[-1]["stored"] == len(nodes))
    assert stat.S_IMODE(os.stat(key_file).st_mode) == 0o600
    key = first["key"]
    assert first["seq"] == 1 and first["stored"] > 0, first
    assert first["target"] == hashlib.sha1(bytes.fromhex(key) + b"place").hexdigest(), first
    # A number stands for one value.
    world.refuse("OUTDATED", 8, "put", "another", "--salt", "place", "--seq", "1", *mine)
    by_key = ["get", "--key", key, "--salt", "place", *where]
    assert world.dht(*by_key) == "one\n"
    world.refuse("OUTDATED", 8, "put", "old", "--salt", "place", "--seq", "0", *mine)
    world.refuse("OUTDATED", 8, "put", "two", "--salt", "place", "--seq", "2", "--cas", "7", *mine)
    assert world.dht(*by_key) == "one\n"
    world.dht("put", "two", "--salt", "place", "--seq", "2", "--cas", "1", *mine)
    item = world.ask(*by_key)[-1]["item"]
    assert (item["text"], item["seq"], item["salt"], item["key"]) == ("two", 2, "place", key), item
    by_time = world.ask("put", "now", *mine)[-1]  # another item of the same key: no salt
    assert by_time["key"] == key and abs(by_time["seq"] - time.time()) < 100, by_time
    assert world.dht("get", by_time["target"], *where) == "now\n"
    world.refuse("NOTHING_FOUND", 3, "get", "--key", "00" * 32, *where)
    # Several may begin with a key file that is not there yet: it is made once.
    crowd = [world.start("dht", "put", "x", "--key-file", world.path("new"), *where, "--json")
             for _ in range(6)]
    keys = {json.loads(one.communicate(timeout=PATIENCE_SECONDS)[0].splitlines()[-1])["key"]
            for one in crowd}
    assert len(keys) == 1, keys
    assert not [name for name in os.listdir(world.folder) if name.startswith("new.")]


@case
def what_is_kept_up_goes_on_until_ctrl_c(world):
    nodes = world.nodes(2)
    for how in signal.SIGINT, signal.SIGTERM:
        keeper = world.start("dht", "announce", INFOHASH, "--port", "7001", "--keep",
                             "--bootstrap", nodes[0].at)
        assert keeper.stdout.readline().startswith("taken by "), keeper.stderr.read()
        assert keeper.stderr.readline() == "Renewing it until Ctrl-C.\n"
        keeper.send_signal(how)
        keeper.communicate(timeout=PATIENCE_SECONDS)
        assert keeper.returncode == 0, keeper.returncode
    assert "127.0.0.1:7001" in world.dht("find", INFOHASH, "--bootstrap", nodes[1].at)
    keeper = world.start("dht", "put", "kept", "--keep", "--bootstrap", nodes[0].at)
    target = keeper.stdout.readline().rstrip("\n").removeprefix("target ")
    assert world.dht("get", target, "--bootstrap", nodes[1].at) == "kept\n"
    keeper.send_signal(signal.SIGINT)
    out, err = keeper.communicate(timeout=PATIENCE_SECONDS)
    assert keeper.returncode == 0 and out == "", (keeper.returncode, out, err)


@case
def nothing_is_left_of_a_node_for_one_question(world):
    node = world.node()
    before = set(os.listdir(world.folder))
    world.dht("ping", node.at, "--bootstrap", node.at)
    asking = world.start("dht", "ping", NOWHERE, "--bootstrap", NOWHERE, start_new_session=True)
    time.sleep(0.5)
    os.killpg(asking.pid, signal.SIGINT)  # as a terminal does, to whoever runs there
    out, err = asking.communicate(timeout=PATIENCE_SECONDS)
    assert asking.returncode == 130, (asking.returncode, out, err)
    assert set(os.listdir(world.folder)) == before, os.listdir(world.folder)


# --- running -------------------------------------------------------------------------------------

@case
def a_node_comes_back_with_the_nodes_it_saved(world):
    saved = world.path("nodes")
    stay = world.node()
    node = world.node("--save", saved, "--bootstrap", stay.at, "--socket", world.path("s"))
    people.wait_for("the two to meet", lambda: node.status()["ipv4"]["good"] == 1)
    node.stop()
    again = world.node("--save", saved, "--socket", world.path("s"), bind=node.at)
    assert again.id == node.id
    people.wait_for("the way back", lambda: again.status()["ipv4"]["good"] == 1)
    again.stop(signal.SIGKILL, -signal.SIGKILL)  # even so, what was saved before is whole
    third = world.node("--save", saved, "--socket", world.path("s"), bind=node.at)
    people.wait_for("the way back", lambda: third.status()["ipv4"]["good"] == 1)
    third.stop(signal.SIGINT)
    assert not os.path.exists(world.path("s"))


@case
def two_families_have_an_id_each(world):
    node = Node(world, "--bind", "127.0.0.1:0", "--bind", "[::1]:0", "--socket", world.path("s"))
    status = node.status()
    assert len(status["listening"]) == 2, status
    assert status["ipv4"]["id"] == node.id != status["ipv6"]["id"], status
    six = next(at for at in status["listening"] if at.startswith("["))
    assert world.ask("ping", six, "--bootstrap", six)[-1]["nodes"][0]["id"] == status["ipv6"]["id"]


@case
def a_bare_node_answers_the_dht_methods_alone(world):
    node = world.node("--socket", world.path("s"))
    with_socket = people.Rpc(world.path("s"))
    hello = with_socket.call("session.hello")
    assert hello["state"] == "bare", hello
    for method in ("session.status", "identity.show", "contact.list"):
        try:
            with_socket.call(method)
        except Exception as refused:  # the name is what counts
            assert "BARE_NODE" in repr(refused), refused
        else:
            raise AssertionError(f"{method} was answered")
    with_socket.call("dht.status")
    with_socket.close()
    node.stop()


@case
def limits_and_read_only_are_kept(world):
    silent = world.node("--read-only", "--socket", world.path("s"))
    world.refuse("NOTHING_FOUND", 3, "ping", silent.at, "--bootstrap", silent.at)
    status = silent.status()
    assert status["read_only"] and status["why"] == "configured" and status["served"] == 0, status
    slow = world.node("--rate", "500", "--per-address", "4", "--socket", world.path("t"))
    address = slow.at.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect((address[0], int(address[1])))
        query = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t4:%04d1:y1:qe"
        for number in range(200):
            asker.send(query % number)
        asker.settimeout(0.5)
        answers = 0
        try:
            while asker.recv(2048):
                answers += 1
        except TimeoutError:
            pass
    assert 1 <= answers <= 8, answers


@case
def status_is_one_screen_of_facts(world):
    first = world.nodes(2)[0]
    said = world.dht("status", "--socket", first.socket)
    for fact in (f"listening  {first.at}", "IPv4       nodes: 1 good", first.id, "held ",
                 "traffic ", "served "):
        assert fact in said, (fact, said)
    assert len(said.splitlines()) <= 24 and all(len(line) <= 80 for line in said.splitlines()), said


@case
def the_daemon_of_a_home_is_asked_where_nothing_else_is_named(world):
    node = world.node()
    home = world.environment["RAMAGE_HOME"]
    os.mkdir(home, 0o700)
    with open(os.path.join(home, "config"), "w", encoding="ascii") as config:
        config.write(f"listen = 127.0.0.1:{free_port()}\ndht.bootstrap = {node.at}\n"
                     "dht.router = none\n")
    subprocess.run([PROGRAM, "new", "--no-passphrase"], env=world.environment, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    people.wait_for("the two to meet", lambda: world.ask("status")[0]["ipv4"]["good"] == 1)
    told = world.ask("put", "Hello World!")[-1]
    assert told["stored"] == 1, told
    assert world.dht("get", told["target"], "--bootstrap", node.at) == "Hello World!\n"
    subprocess.run([PROGRAM, "daemon", "stop"], env=world.environment, check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(home, "config"), "w", encoding="ascii") as config:
        config.write(f"listen = 127.0.0.1:{free_port()}\ndht = off\n")
    world.refuse("DHT_OFF", 1, "status", says="`dht = off`")
    subprocess.run([PROGRAM, "daemon", "stop"], env=world.environment, check=True,
                   stdout=subprocess.DEVNULL)


# --- mistakes ------------------------------------------------------------------------------------

@case
def mistakes_are_explained(world):
    node = world.node("--socket", world.path("s"))
    here = ["--socket", node.socket]
    key = ["--key-file", world.path("key")]
    for name, status, words, says in (
            ("USAGE", 2, ["run", "--bind", "127.0.0.1:0", "--rate", "-1"], "whole number"),
            ("USAGE", 2, ["run", "--bind", "127.0.0.1:0", "--per-address", "x"], "whole number"),
            ("BAD_ADDRESS", 2, ["run", "--bind", "localhost:1"], "localhost:1"),
            ("BAD_ADDRESS", 2, ["run", "--bind", "127.0.0.1:0", "--bootstrap", "a:1"], "a:1"),
            ("PORT_IN_USE", 1, ["run", "--bind", node.at], None),
            ("NO_SUCH_LISTEN", 1, ["run", "--bind", "192.0.2.1:6881"], None),
            ("BAD_SAVED", 2, ["run", "--bind", "127.0.0.1:0", "--save", "no/where"], "--save"),
            ("BAD_SAVED", 2, ["run", "--bind", "127.0.0.1:0", "--save", PROGRAM], "--save"),
            ("BAD_SOCKET", 2, ["run", "--bind", "127.0.0.1:0", "--socket", "no/where"], None),
            ("BAD_SOCKET", 2, ["run", "--bind", "127.0.0.1:0", "--socket", "x" * 200], None),
            ("USAGE", 2, ["find", *here], "INFOHASH, or --nodes ID"),
            ("USAGE", 2, ["find", INFOHASH, "--nodes", INFOHASH, *here], "not both"),
            ("BAD_PARAMS", 2, ["find", "xyz", *here], "40 hex digits"),
            ("USAGE", 2, ["get", *here], "TARGET, or --key HEX"),
            ("USAGE", 2, ["get", INFOHASH, "--salt", "a", *here], "--salt goes with --key"),
            ("BAD_PARAMS", 2, ["get", "--key", "abc", *here], "64 hex digits"),
            ("BAD_ADDRESS", 2, ["ping", "somewhere", *here], None),
            ("USAGE", 2, ["ping", NOWHERE, "--timeout", "soon", *here], "write 30s"),
            ("USAGE", 2, ["announce", INFOHASH, "--port", "0", *here], "1 to 65535"),
            ("USAGE", 2, ["announce", INFOHASH, "--nodes", "7", *here], "8 to 20"),
            ("USAGE", 2, ["put", "x", "--seq", "1", *here], "go with --key-file"),
            ("USAGE", 2, ["put", "x", "--key-file", PROGRAM, *here], "holds no seed"),
            ("USAGE", 2, ["put", "x", "--key-file", "no/where", *here], "No such file"),
            ("BAD_ITEM", 2, ["put", "x" * 1001, *here], "at most 1000 bytes"),
            ("BAD_ITEM", 2, ["put", "x" * 997, *here], "at most 1000 bytes"),
            ("BAD_ITEM", 2, ["put", "i01e", "--bencoded", *here], None),
            ("BAD_ITEM", 2, ["put", "", "--bencoded", *here, *key], None),
            ("USAGE", 2, ["ping", NOWHERE, "--bootstrap", NOWHERE, *here], "choose"),
            ("USAGE", 2, ["ping", NOWHERE, "--bind", "127.0.0.1:0"], "goes with --bootstrap"),
            ("NO_DAEMON", 4, ["status", "--socket", "nobody"], "ramage dht run"),
            ("NO_NETWORK", 9, ["find", INFOHASH, "--bootstrap", NOWHERE], "--bootstrap")):
        world.refuse(name, status, *words, says=says)
    world.refuse("TIME_OVER", 6, "find", INFOHASH, "--bootstrap", NOWHERE, "--timeout", "10ms")


def main():
    failed = 0
    for run in CASES:
        if sys.argv[2:] and run.__name__ not in sys.argv[2:]:
            continue
        world = World(tempfile.mkdtemp(prefix="ramage-dht-"))
        try:
            run(world)
            print(f"ok - {run.__name__}", flush=True)
        except Exception as trouble:  # the next case may still say something
            place = trouble.__traceback__.tb_next.tb_lineno
            print(f"not ok - {run.__name__}: line {place}: {trouble!r}", flush=True)
            failed += 1
        finally:
            for process in RUNNING:
                process.kill()
                process.wait()
            RUNNING.clear()
            shutil.rmtree(world.folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


people.enter()
main()
