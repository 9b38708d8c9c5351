"""The control socket's contract, spoken by hand: framing, answers, events, locks, limits.

usage: daemon_test.py RAMAGE

Real daemons on loopback, each in a home that vanishes with the test. No packet leaves.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import people

PROGRAM = os.path.abspath(sys.argv[1])
LINE_MAX_BYTES = 1 << 20
CLIENTS_MAX = 128
START_SECONDS = 0.1  # from exec to the first answer, when nothing else keeps the machine busy
IDLE_BYTES = 12 << 20
MESSAGES = 3000  # for a reader that sleeps: several megabytes of events
ALTERED_LINES = 20000
SLOW_SECONDS = 30  # how long a subscriber may read nothing while there is more
CASES = []
RUNNING = []

with open(PROGRAM, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()


def case(function):
    CASES.append(function)
    return function


class Daemon:
    """One home and whatever daemon runs on it."""

    def __init__(self, folder, name):
        self.home = os.path.join(folder, name)
        self.path = os.path.join(self.home, "control")
        self.process = None

    def start(self, **environment):
        self.process = subprocess.Popen(
            [PROGRAM, "--home", self.home, "daemon", "run"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **environment})
        RUNNING.append(self.process)
        people.wait_for("the daemon", self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"ended: {self.process.stderr.read()}")
        try:
            self.client().close()
        except OSError:
            return False
        return True

    def client(self):
        while True:
            try:
                return people.Rpc(self.path)
            except BlockingIOError:  # more at the door than the kernel lets stand there
                time.sleep(0.01)

    def ask(self, method, **params):
        client = self.client()
        try:
            return client.call(method, **params)
        finally:
            client.close()

    def new(self, **params):
        return self.ask("identity.create", **(params or {"no_passphrase": True}))["identity"]

    def status(self):
        return self.ask("session.status")

    def place(self):
        """Where it can be reached on this machine."""
        return "127.0.0.1:" + self.status()["listening"][0].split(":")[1]

    def stop(self, status=0):
        self.process.send_signal(signal.SIGTERM)
        self.ended(status)

    def ended(self, status):
        _, said = self.process.communicate(timeout=people.PATIENCE_SECONDS)
        assert self.process.returncode == status, (self.process.returncode, said)
        return said.decode()

    def kill(self):
        self.process.kill()
        self.process.communicate()


def refused(name, call, /, *arguments, **params):
    try:
        answer = call(*arguments, **params)
    except people.Refused as refusal:
        assert refusal.args[0]["data"]["name"] == name, refusal
        assert refusal.args[0]["message"], refusal
        return refusal.args[0]
    raise AssertionError(f"{name} was expected, not {answer}")


def friends(folder):
    """Two daemons that know each other."""
    pair = [Daemon(folder, name).start() for name in ("ada", "bob")]
    cards = [daemon.new()["card"] for daemon in pair]
    places = [daemon.place() for daemon in pair]
    pair[0].ask("contact.add", card=cards[1], name="bob", at=[places[1]])
    pair[1].ask("contact.add", card=cards[0], name="ada", at=[places[0]])
    return pair


def request(number, method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                       "params": params}).encode()


def padded(line, size):
    """The same request, so many bytes long: blanks are no part of JSON's meaning."""
    return line[:-1] + b" " * (size - len(line)) + b"}"


def is_closed(client):
    """What was said before, then nothing more."""
    try:
        return client.lines.readline() == b""
    except ConnectionResetError:
        return True


# --- framing ------------------------------------------------------------------------------------


@case
def a_line_may_come_in_any_pieces(folder):
    daemon = Daemon(folder, "ada").start()
    client = daemon.client()
    for byte in request(7, "session.hello") + b"\r\n":
        client.socket.sendall(bytes([byte]))
    assert json.loads(client.lines.readline())["id"] == 7
    several = b"\n".join(request(number, "session.hello") for number in range(100))
    client.socket.sendall(b"\n\n" + several + b"\n")
    numbers = [json.loads(client.lines.readline())["id"] for _ in range(100)]
    assert numbers == list(range(100)), numbers
    daemon.stop()


@case
def the_longest_line_is_served_and_one_byte_more_is_refused(folder):
    daemon = Daemon(folder, "ada").start()
    client = daemon.client()
    client.socket.sendall(padded(request(1, "session.hello"), LINE_MAX_BYTES) + b"\n")
    assert "result" in json.loads(client.lines.readline())
    client.socket.sendall(padded(request(2, "session.hello"), LINE_MAX_BYTES + 1) + b"\n")
    answer = json.loads(client.lines.readline())
    assert answer["error"]["data"]["name"] == "LINE_TOO_LONG" and answer["id"] is None, answer
    assert is_closed(client)
    endless = daemon.client()
    try:
        for _ in range(64):
            endless.socket.sendall(b"x" * (64 << 10))
    except OSError:
        pass
    assert daemon.ask("session.hello")
    daemon.stop()


@case
def what_is_no_request_gets_an_error_and_changes_nothing(folder):
    daemon = Daemon(folder, "ada").start()
    daemon.new()
    before = daemon.status()
    client = daemon.client()
    lines = {
        b"hello": -32700,
        b"{}": -32600,
        b"[]": -32600,
        b"[" + request(1, "session.hello") + b"]": -32600,
        b"[" * 3000: -32700,
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"session.hello"}': -32700,
        b'{"jsonrpc":"1.0","id":1,"method":"session.hello"}': -32600,
        b'{"jsonrpc":"2.0","method":"session.hello"}': -32600,
        b'{"jsonrpc":"2.0","id":1.5,"method":"session.hello"}': -32600,
        b'{"jsonrpc":"2.0","id":1,"method":"session.hello","params":[1]}': -32600,
        b'{"jsonrpc":"2.0","id":1,"method":"session.hello","parms":{}}': -32600,
        b'{"jsonrpc":"2.0","id":1,"method":"session.hell"}': -32601,
        request(1, "session.hello", colour="red"): -32602,
        request(1, "contact.get"): -32602,
        request(1, "contact.list", limit=-1): -32602,
        request(1, "contact.list", limit=501): -32602,
        request(1, "contact.list", limit="many"): -32602,
        request(1, "message.send", who="x", text=7): -32602,
        b'\xff{"jsonrpc":"2.0","id":1,"method":"session.hello"}': -32700,
        b'{"jsonrpc":"2.0","id":1,"method":"session.hello"}\0': -32700,
        b'{"jsonrpc":"2.0","id":"\\ud800","method":"session.hello"}': -32700,
    }
    for line, code in lines.items():
        client.socket.sendall(line + b"\n")
        answer = json.loads(client.lines.readline())
        assert answer["error"]["code"] == code, (line[:80], answer)
    assert client.call("session.hello")["state"] == "ready"
    after = daemon.status()
    for field in ("contacts", "owed", "newest_event", "identity"):
        assert after[field] == before[field]
    daemon.stop()


def altered(luck, line):
    """The line with one to three accidents; never an empty one."""
    line = bytearray(line)
    for _ in range(luck.randint(1, 3)):
        at, size = luck.randrange(len(line)), luck.randint(1, 8)
        accident = luck.randrange(5)
        if accident == 0:
            line[at] = luck.randrange(256)
        elif accident == 1:
            del line[at:at + size]
        elif accident == 2:
            line[at:at] = line[at:at + size]
        elif accident == 3:
            line[at:at] = luck.choice([b'"', b"{", b"[", b"\\", b"\\u0000", b"-", b"1e9", b"\xc3"])
        else:
            del line[at:]
        if not line:
            line = bytearray(b"x")
    return bytes(line).translate(bytes.maketrans(b"\r\n", b"  ")).strip() or b"x"


@case
def altered_lines_get_an_answer_each_and_change_nothing(folder):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"   seed {seed}")
    luck = random.Random(seed)
    ada, bob = friends(folder)
    lines = [request(1, "contact.get", who="bob"), request("x", "session.hello"),
             request(2, "message.list", who="bob", limit=10, oldest=True),
             request(3, "message.send", who="eve", text="hello", request_key="k"),
             request(4, "contact.update", who="eve", name="adam", at=["192.0.2.1:7"]),
             request(5, "contact.add", card="rmg1x", name="eve", at=["[2001:db8::1]:7"]),
             request(6, "events.since", since=1, limit=3), request(7, "rpc.discover")]
    ada.ask("message.send", who="bob", text="hello")
    people.wait_for("delivery", lambda: ada.status()["owed"] == 0)

    def state():
        conversation = ada.ask("conversation.get", who="bob")
        return ada.status()["contacts"], conversation, ada.ask("events.since", since=0)

    before = state()
    client = ada.client()
    for _ in range(ALTERED_LINES // 100):
        hundred = [altered(luck, luck.choice(lines)) for _ in range(100)]
        client.socket.sendall(b"\n".join(hundred) + b"\n")
        for line in hundred:
            answer = json.loads(client.lines.readline())
            assert ("error" in answer) != ("result" in answer), (line, answer)
            assert answer.get("error", {}).get("code") != -32603, (line, answer)
    assert state() == before
    for daemon in (ada, bob):
        daemon.stop()


@case
def a_client_that_has_said_all_gets_every_answer(folder):
    daemon = Daemon(folder, "ada").start()
    client = daemon.client()
    client.call("session.hello")
    daemon.process.send_signal(signal.SIGSTOP)  # so that it finds everything and the end at once
    client.socket.sendall(b"".join(request(number, "rpc.discover") + b"\n"
                                   for number in range(200)))
    client.socket.shutdown(socket.SHUT_WR)
    daemon.process.send_signal(signal.SIGCONT)
    numbers = [json.loads(line)["id"] for line in client.lines]
    assert numbers == list(range(200)), len(numbers)
    daemon.new(passphrase="open")
    daemon.ask("session.lock")
    client = daemon.client()  # the same for an answer that takes its time
    client.socket.sendall(request(1, "session.unlock", passphrase="open") + b"\n")
    client.socket.shutdown(socket.SHUT_WR)
    answers = [json.loads(line) for line in client.lines]
    assert answers[0]["result"] == {"state": "ready"} and len(answers) == 1, answers
    daemon.stop()


@case
def a_crowd_is_told_and_leaves_room(folder):
    daemon = Daemon(folder, "ada").start()
    crowd = [daemon.client() for _ in range(CLIENTS_MAX + 20)]
    told = 0
    for client in crowd:
        try:
            client.call("session.hello")
        except people.Refused as refusal:
            assert refusal.args[0]["data"]["name"] == "TOO_MANY_CLIENTS", refusal
            told += 1
        except OSError:
            told += 1
    assert 20 <= told <= 21, told
    for client in crowd:
        client.close()
    people.wait_for("room", lambda: not raises(daemon.ask, "session.hello"))
    daemon.stop()


def raises(call, *arguments):
    try:
        call(*arguments)
    except (people.Refused, OSError):
        return True
    return False


# --- start, lock, stop --------------------------------------------------------------------------


@case
def it_is_ready_at_once_small_and_tells_its_manager(folder):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(people.PATIENCE_SECONDS)
    manager.bind(os.path.join(folder, "notify"))
    daemon = Daemon(folder, "ada")
    daemon.start(NOTIFY_SOCKET=os.path.join(folder, "notify"))
    assert manager.recv(100) == b"READY=1"
    daemon.new(passphrase="correct horse")
    daemon.stop()
    assert manager.recv(100) == b"STOPPING=1"
    took = []
    for _ in range(5):
        before = time.monotonic()
        daemon.start()
        assert daemon.ask("session.hello")["state"] == "locked"
        took.append(time.monotonic() - before)
        if len(took) < 5:
            daemon.stop()
    daemon.ask("session.unlock", passphrase="correct horse")
    memory = daemon.status()["memory"]
    print(f"   ready in {min(took) * 1000:.0f} ms, {memory / (1 << 20):.1f} MiB resident")
    if not SANITIZED:
        assert min(took) < START_SECONDS, took
        assert memory <= IDLE_BYTES, memory
    daemon.stop()


@case
def a_locked_home_opens_with_its_passphrase_alone(folder):
    daemon = Daemon(folder, "ada").start()
    refused("NO_IDENTITY", daemon.ask, "contact.list")
    refused("PASSPHRASE_EMPTY", daemon.ask, "identity.create")
    refused("NO_IDENTITY", daemon.ask, "session.unlock", passphrase="x")
    refused("BAD_NAME", daemon.ask, "identity.create", name="a\nb", no_passphrase=True)
    card = daemon.new(passphrase="open", name="Ada")["card"]
    refused("HAS_IDENTITY", daemon.ask, "identity.create", no_passphrase=True)
    follower = daemon.client()
    follower.call("events.subscribe")
    assert daemon.ask("session.lock") == {"state": "locked"}
    assert json.loads(follower.lines.readline())["params"]["kind"] == "session.locked"
    for method in ("identity.show", "contact.list", "events.subscribe", "session.lock"):
        refused("LOCKED", daemon.ask, method)
    refused("WRONG_PASSPHRASE", daemon.ask, "session.unlock", passphrase="opem")
    assert daemon.ask("session.unlock", passphrase="open") == {"state": "ready"}
    assert daemon.ask("identity.show")["identity"]["card"] == card
    daemon.stop()


@case
def one_passphrase_is_tried_at_a_time_and_others_are_served_meanwhile(folder):
    daemon = Daemon(folder, "ada").start()
    daemon.new(passphrase="open")
    daemon.ask("session.lock")
    clients = [daemon.client() for _ in range(20)]
    for client in clients:
        client.socket.sendall(request(1, "session.unlock", passphrase="wrong") + b"\n")
    before = time.monotonic()
    assert daemon.ask("session.hello")["locked"]
    print(f"   answered in {(time.monotonic() - before) * 1000:.0f} ms while it was being tried")
    names = [json.loads(client.lines.readline())["error"]["data"]["name"] for client in clients]
    assert names.count("WRONG_PASSPHRASE") >= 1 and set(names) <= {"WRONG_PASSPHRASE", "LOCKED"}
    gone = daemon.client()
    gone.socket.sendall(request(1, "session.unlock", passphrase="open") + b"\n")
    gone.close()
    people.wait_for("the home to open", lambda: not daemon.ask("session.hello")["locked"])
    daemon.stop()


@case
def a_stop_in_the_middle_of_a_passphrase_is_clean(folder):
    daemon = Daemon(folder, "ada").start()
    client = daemon.client()
    client.socket.sendall(request(1, "identity.create", passphrase="open") + b"\n")
    time.sleep(0.05)
    daemon.stop()
    daemon.start()
    assert daemon.ask("session.hello")["state"] == "no_identity"
    daemon.new(passphrase="open")
    daemon.stop()


@case
def an_identity_whose_making_was_killed_is_made_anew(folder):
    daemon = Daemon(folder, "ada").start()
    for pause in (0.01, 0.1, 0.3):
        client = daemon.client()
        client.socket.sendall(request(1, "identity.create", passphrase="open") + b"\n")
        time.sleep(pause)
        daemon.kill()
        daemon.start()
        if daemon.ask("session.hello")["state"] == "locked":
            break
    else:
        daemon.new(passphrase="open")
        daemon.ask("session.lock")
    assert daemon.ask("session.unlock", passphrase="open") == {"state": "ready"}
    daemon.stop()


@case
def a_damaged_home_stops_it_with_a_sentence(folder):
    daemon = Daemon(folder, "ada").start()
    daemon.new()
    daemon.stop()
    kept = daemon.home + ".kept"
    shutil.copytree(daemon.home, kept)
    for name, damage in {"vault": b"x", "store.db": b"\0" * 98304}.items():
        with open(os.path.join(daemon.home, name), "wb") as file:
            file.write(damage)
        done = subprocess.run([PROGRAM, "--home", daemon.home, "daemon", "run"], check=False,
                              capture_output=True, timeout=people.PATIENCE_SECONDS)
        assert done.returncode == 10 and b"damaged" in done.stderr, done
        shutil.copy(os.path.join(kept, name), os.path.join(daemon.home, name))
    os.remove(os.path.join(daemon.home, "store.db"))  # a vault without its store is no home either
    done = subprocess.run([PROGRAM, "--home", daemon.home, "daemon", "run"], check=False,
                          capture_output=True, timeout=people.PATIENCE_SECONDS)
    assert done.returncode == 10 and b"damaged" in done.stderr, done


# --- messages and events ------------------------------------------------------------------------


@case
def a_repeated_request_gets_the_first_answer(folder):
    ada, bob = friends(folder)
    first = ada.ask("message.send", who="bob", text="once", request_key="k")
    again = ada.ask("message.send", who="bob", text="something else", request_key="k")
    assert again["message"]["id"] == first["message"]["id"]
    ada.kill()
    ada.start()
    again = ada.ask("message.send", who="bob", text="once", request_key="k")
    assert again["message"]["id"] == first["message"]["id"]
    assert len(ada.ask("message.list", who="bob")["messages"]) == 1
    refused("BAD_KEY", ada.ask, "message.send", who="bob", text="x", request_key="")
    for daemon in (ada, bob):
        daemon.stop()


@case
def what_lists_say_single_questions_say(folder):
    ada, bob = friends(folder)
    ada.ask("message.send", who="bob", text="hello")
    people.wait_for("delivery", lambda: ada.status()["owed"] == 0)
    assert ada.ask("contact.list")["contacts"][0]["name"] == "bob"
    assert ada.ask("conversation.get", who="bob")["conversation"] == \
        ada.ask("conversation.list")["conversations"][0]
    refused("NO_CONTACT", ada.ask, "conversation.get", who="eve")
    network, status = ada.ask("network.status"), ada.status()
    assert network["online"] == 1 and network["links"] >= 1, network
    for field in network:
        assert network[field] == status[field], field
    methods = ada.ask("rpc.discover")["methods"]
    for method in methods:  # each is answered by somebody: a missing parameter is no missing method
        try:
            ada.ask(method["name"]) if method["name"] != "session.shutdown" else None
        except people.Refused as refusal:
            assert refusal.args[0]["data"]["name"] in ("BAD_PARAMS", "NO_PASSPHRASE_SET",
                                                       "HAS_IDENTITY"), refusal
    for daemon in (ada, bob):
        daemon.stop()


def next_events(client, count):
    return [json.loads(client.lines.readline())["params"] for _ in range(count)]


@case
def events_are_numbered_replayed_and_go_on(folder):
    ada, bob = friends(folder)
    live = bob.client()
    live.call("events.subscribe", since=0)
    for number in range(20):
        ada.ask("message.send", who="bob", text=str(number))
    people.wait_for("all to arrive",
                    lambda: bob.ask("conversation.list")["conversations"][0]["total"] == 20)
    newest = bob.status()["newest_event"]
    seen = next_events(live, newest)
    assert [event["seq"] for event in seen] == list(range(1, newest + 1))
    assert bob.ask("events.since", since=0)["events"] == seen
    texts = [event["message"]["text"] for event in seen if event["kind"] == "message.received"]
    assert texts == [str(number) for number in range(20)], texts
    half = bob.client()
    assert half.call("events.subscribe", since=newest // 2) == {"since": newest // 2}
    assert next_events(half, newest - newest // 2) == seen[newest // 2:]
    some = bob.client()
    some.call("events.subscribe", since=0, kinds=["contact.changed"])
    assert {event["kind"] for event in next_events(some, 1)} == {"contact.changed"}
    refused("BAD_PARAMS", some.call, "events.subscribe", kinds=["contact.chnged"])
    refused("NO_EVENT", some.call, "events.subscribe", since=newest + 1000)
    refused("NO_EVENT", some.call, "events.since", since=newest + 1000)
    some.call("events.unsubscribe")
    for daemon in (ada, bob):
        daemon.stop()


@case
def a_named_reader_goes_on_where_it_stopped(folder):
    ada = Daemon(folder, "ada").start()
    ada.new()
    for number in range(3):
        ada.ask("contact.add", card=Daemon(folder, f"friend{number}").start().new()["card"],
                name=f"friend {number}")
    bot = ada.client()
    assert bot.call("events.subscribe", **{"as": "bot"}) == {"since": 0}
    seen = next_events(bot, 3)
    bot.call("events.ack", **{"as": "bot", "seq": seen[1]["seq"]})
    refused("NO_EVENT", bot.call, "events.ack", **{"as": "bot", "seq": 1000})
    refused("BAD_KEY", bot.call, "events.ack", **{"as": "", "seq": 1})
    ada.kill()
    ada.start()
    bot = ada.client()
    assert bot.call("events.subscribe", **{"as": "bot"}) == {"since": seen[1]["seq"]}
    assert next_events(bot, 1) == [seen[2]]
    ada.stop()


@case
def a_removed_contact_leaves_tombstones(folder):
    ada, bob = friends(folder)
    ada.ask("message.send", who="bob", text="secret")
    people.wait_for("delivery", lambda: ada.status()["owed"] == 0)
    ada.ask("contact.remove", who="bob")
    events = ada.ask("events.since", since=0)["events"]
    assert "secret" not in json.dumps(events), events
    assert events[-1]["kind"] == "contact.removed", events
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for daemon in (ada, bob):
        daemon.stop()


def write_much(ada, start):
    writer = ada.client()
    for hundred in range(start, start + MESSAGES, 100):
        lines = [request(number, "message.send", who="bob", text=f"{number} " + "x" * 2000)
                 for number in range(hundred, hundred + 100)]
        writer.socket.sendall(b"\n".join(lines) + b"\n")
        for _ in lines:
            assert "result" in json.loads(writer.lines.readline())
    people.wait_for("delivery", lambda: ada.status()["owed"] == 0)


@case
def a_reader_that_sleeps_costs_no_memory_and_misses_nothing(folder):
    ada, bob = friends(folder)
    write_much(ada, 0)  # whatever a daemon needs for so much traffic, it has from here on
    before = bob.status()["memory"]
    sleeper = bob.client()
    sleeper.call("events.subscribe")
    write_much(ada, MESSAGES)
    grown = bob.status()["memory"] - before
    print(f"   {MESSAGES * 2400 >> 20} MiB of events unread: {grown / (1 << 20):.1f} MiB more")
    assert SANITIZED or grown < 2 << 20, grown
    heard = []
    while len(heard) < MESSAGES:
        event = json.loads(sleeper.lines.readline())["params"]
        if event["kind"] == "message.received":
            heard.append(int(event["message"]["text"].split()[0]))
    assert heard == list(range(MESSAGES, 2 * MESSAGES))
    for daemon in (ada, bob):
        daemon.stop()


@case
def a_reader_that_sleeps_too_long_is_told_what_it_missed(folder):
    ada, bob = friends(folder)
    sleeper = bob.client()
    sleeper.call("events.subscribe", since=0)
    write_much(ada, 0)
    time.sleep(SLOW_SECONDS + 1)
    ada.ask("message.send", who="bob", text="one more")  # streams are looked at when there is news
    people.wait_for("delivery", lambda: ada.status()["owed"] == 0)
    events = []
    while not events or events[-1]["kind"] != "log.gap":
        events.append(json.loads(sleeper.lines.readline())["params"])
    gap, newest = events.pop(), bob.status()["newest_event"]
    assert [event["seq"] for event in events] == list(range(1, gap["from"])), gap
    assert gap["seq"] == 0 and gap["from"] <= gap["to"] <= newest, (gap, newest)
    sleeper.call("events.subscribe", since=gap["from"] - 1)  # nothing is lost to who comes back
    assert next_events(sleeper, 1)[0]["seq"] == gap["from"]
    for daemon in (ada, bob):
        daemon.stop()


@case
def a_conversation_is_read_in_pages_of_bounded_size(folder):
    ada, bob = friends(folder)
    control = "\x01" * 57344  # what escapes to six times its size
    for _ in range(12):
        ada.ask("message.send", who="bob", text=control)
    refused("TEXT_TOO_LONG", ada.ask, "message.send", who="bob", text=control + "x")
    refused("TEXT_EMPTY", ada.ask, "message.send", who="bob", text="")
    seen, after = [], {"oldest": True}
    while True:
        page = ada.ask("message.list", who="bob", **after)
        assert page["messages"], after
        seen += [message["id"] for message in page["messages"]]
        after = {"after": seen[-1]}
        if not page["more"]:
            break
    assert len(seen) == len(set(seen)) == 12
    newest = ada.ask("message.list", who="bob", limit=2)
    assert [message["id"] for message in newest["messages"]] == seen[-1:] or \
        [message["id"] for message in newest["messages"]] == seen[-2:]
    before = ada.ask("message.list", who="bob", before=seen[1])
    assert [message["id"] for message in before["messages"]] == seen[:1] and not before["more"]
    refused("BAD_PARAMS", ada.ask, "message.list", who="bob", oldest=True, after=seen[0])
    refused("NO_MESSAGE", ada.ask, "message.list", who="bob", after="aaaaaaaa")
    for daemon in (ada, bob):
        daemon.stop()


@case
def a_reader_who_is_nearly_too_slow_gets_every_answer(folder):
    """More is asked while answers fill the socket, and they leave in the round that reads it."""
    daemon = Daemon(folder, "ada").start()
    client = daemon.client()
    client.socket.sendall(request(0, "rpc.discover") + b"\n")
    size = len(client.lines.readline())
    for flying in range((200 << 10) // size, (256 << 10) // size + 1):
        client = daemon.client()
        for number in range(flying):
            client.socket.sendall(request(number, "rpc.discover") + b"\n")
        time.sleep(0.3)
        daemon.process.send_signal(signal.SIGSTOP)
        for number in range(flying, 2 * flying):
            client.socket.sendall(request(number, "rpc.discover") + b"\n")
        held = b""
        client.socket.settimeout(0.3)
        try:
            while True:
                held += client.socket.recv(1 << 16)
        except TimeoutError:
            daemon.process.send_signal(signal.SIGCONT)
        client.socket.settimeout(people.PATIENCE_SECONDS)
        while held.count(b"\n") < 2 * flying:
            held += client.socket.recv(1 << 16)
        assert [json.loads(line)["id"] for line in held.splitlines()] == list(range(2 * flying))
        client.close()
    daemon.stop()


def people_of(daemon):
    """What is typed about contacts; links and sessions may come up meanwhile."""
    return [(contact["id"], contact["name"], [place["address"] for place in contact["at"]])
            for contact in daemon.ask("contact.list")["contacts"]]


@case
def a_refused_change_changes_nothing(folder):
    ada, bob = friends(folder)
    other = Daemon(folder, "eve").start()
    ada.ask("contact.add", card=other.new()["card"], name="eve")
    before = people_of(ada), ada.status()["newest_event"]
    many = [f"192.0.2.{number}:1" for number in range(8)]
    refused("NAME_TAKEN", ada.ask, "contact.update", who="bob", name="EVE", at=["192.0.2.1:1"])
    refused("ADDRESSES_FULL", ada.ask, "contact.update", who="bob", name="rob", at=many)
    refused("BAD_ADDRESS", ada.ask, "contact.update", who="bob", name="rob", at=["localhost:1"])
    refused("BAD_ADDRESS", ada.ask, "contact.update", who="bob", name="rob", at=["192.0.2.1:0"])
    assert (people_of(ada), ada.status()["newest_event"]) == before
    changed = ada.ask("contact.update", who="bob", name="rob", at=many[:7])["contact"]
    assert changed["name"] == "rob" and len(changed["at"]) == 8, changed
    for daemon in (ada, bob, other):
        daemon.stop()


def main():
    failed = 0
    wanted = sys.argv[2:]
    for run in CASES:
        if wanted and run.__name__ not in wanted:
            continue
        folder = tempfile.mkdtemp(prefix="ramage-daemon-")
        try:
            run(folder)
            print(f"ok - {run.__name__}", flush=True)
        except Exception as trouble:  # the next case may still say something
            print(f"not ok - {run.__name__}: {trouble!r}", flush=True)
            failed += 1
        finally:
            for process in RUNNING:
                process.kill()
            RUNNING.clear()
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


people.enter()
main()
