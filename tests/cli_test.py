"""The command line's contract: what each verb prints, where, and with which exit code.

usage: cli_test.py RAMAGE

Real programs, real daemons, on loopback. It runs in namespaces of its own: a disk may be full or
read-only here and nowhere else, and no packet leaves.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

import pexpect

PATIENCE_SECONDS = 60  # for anything that must happen; generous, for sanitizers on a busy machine
PROGRAM = os.path.abspath(sys.argv[1])
CASES = []


def case(function):
    CASES.append(function)
    return function


def enter():
    """Starts this script again where it may mount, and reaches nobody."""
    if os.environ.get("RAMAGE_TEST_INSIDE") == "yes":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    else:
        os.environ["RAMAGE_TEST_INSIDE"] = "yes"
        flags = "-nm" if os.geteuid() == 0 else "-Urnm"
        os.execvp("unshare", ["unshare", flags, "--propagation", "private", sys.executable,
                              *sys.argv])


def wait_for(what, truth):
    end = time.monotonic() + PATIENCE_SECONDS
    while not truth():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.02)


def is_alive(pid):
    """A process that ended but was not collected yet is not alive."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as facts:
            return facts.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def one(self):
        objects = self.json()
        assert len(objects) == 1, objects
        return objects[0]


class Home:
    """One identity's home and whatever runs on it."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, name)
        self.name = name
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder, "TZ": "UTC",
                            "LC_ALL": "C.UTF-8", "RAMAGE_HOME": self.path, "TERM": "xterm"}
        for key, setting in os.environ.items():
            if key.endswith("SAN_OPTIONS"):
                self.environment[key] = setting

    def start(self, *arguments, **how):
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "env": self.environment, **how}
        return subprocess.Popen([PROGRAM, *arguments], **how)

    def run(self, *arguments, stdin=b"", status=0, **how):
        """Runs a verb, and insists on its exit code."""
        child = self.start(*arguments, stdin=subprocess.PIPE, **how)
        out, err = child.communicate(stdin, timeout=PATIENCE_SECONDS)
        out, err = (out or b"").decode(), (err or b"").decode()
        assert child.returncode == status, (arguments, child.returncode, out, err)
        return Result(status, out, err)

    def refuse(self, name, status, *arguments, **how):
        """It must fail like that, with a sentence and a hint, the same to people and programs."""
        plain = self.run(*arguments, status=status, **how)
        assert plain.err.startswith("ramage: "), plain.err
        assert len(plain.err.splitlines()) == 2, plain.err
        told = json.loads(self.run("--json", *arguments, status=status, **how).err)
        assert told["error"] == name and told["exit"] == status, told
        assert told["message"] in plain.err, (told, plain.err)
        return told

    def make(self):
        self.card = self.run("new", "--no-passphrase", "--name", self.name, "--json").one()["card"]
        return self

    def ask(self, verb, *arguments):
        return self.run(*verb.split(), *arguments, "--json").json()

    def rpc(self, method, **params):
        return self.run("rpc", method, json.dumps(params)).one()

    def pid(self):
        return self.ask("daemon status")[0]["pid"]

    def address(self):
        return "127.0.0.1:" + self.ask("status")[0]["listening"][0].rsplit(":", 1)[1]

    def terminal(self, *arguments, **more):
        return pexpect.spawn(PROGRAM, list(arguments), env={**self.environment, **more},
                             timeout=PATIENCE_SECONDS, encoding="utf-8", echo=True)

    def close(self):
        stopped = subprocess.run([PROGRAM, "daemon", "stop"], env=self.environment,
                                 stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert stopped.returncode in (0, 4), stopped


class World:
    """The homes of one case, all gone afterwards."""

    def __init__(self, folder):
        self.folder, self.homes = folder, []

    def home(self, name="ada"):
        self.homes.append(Home(self.folder, name))
        return self.homes[-1]

    def made(self, name="ada"):
        return self.home(name).make()

    def friends(self):
        ada, bob = self.made("ada"), self.made("bob")
        ada.run("contact", "add", bob.card, "--name", "bob", "--at", bob.address())
        bob.run("contact", "add", ada.card, "--name", "ada", "--at", ada.address())
        ada.run("send", "bob", "first", "--wait", "delivered")
        bob.run("read", "ada")
        return ada, bob


def a_card_of_nobody(world, number=0):
    """A valid card whose owner is away."""
    home = world.made(f"nobody-{number}")
    home.run("daemon", "stop")
    return home.card


# --- the interface describes itself, and keeps to it ---------------------------------------------

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def fits(kind, value, field, shapes):
    if kind in ("object", "objects"):
        values = value if kind == "objects" else [value]
        return isinstance(values, list) and all(
            conforms(one, shapes[field["of"]], shapes) for one in values)
    return {
        "text": lambda: isinstance(value, str),
        "whole": lambda: type(value) is int and value >= 0,
        "flag": lambda: isinstance(value, bool),
        "texts": lambda: isinstance(value, list) and all(isinstance(t, str) for t in value),
        "time": lambda: isinstance(value, str) and TIME.match(value),
        "seconds": lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
        "number": lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
    }[kind]()


def conforms(value, fields, shapes):
    """Every required field is there, every field is known, and each is of its type."""
    known = {field["name"]: field for field in fields}
    missing = [name for name, field in known.items() if field["required"] and name not in value]
    unknown = [name for name in value if name not in known]
    assert not missing and not unknown, (missing, unknown, value)
    for name, content in value.items():
        assert fits(known[name]["type"], content, known[name], shapes), (name, content)
    return True


class Description:
    def __init__(self, home):
        table = home.rpc("rpc.discover")
        self.shapes = {shape["name"]: shape["fields"] for shape in table["shapes"]}
        self.methods = {method["name"]: method for method in table["methods"]}
        self.errors = table["errors"]

    def check(self, shape, values):
        assert values
        for value in values:
            conforms(value, self.shapes[shape], self.shapes)

    def check_answer(self, method, value):
        conforms(value, self.methods[method]["answer"], self.shapes)


@case
def what_json_says_is_what_the_table_promises(world):
    ada, bob = world.friends()
    table = Description(ada)
    sent = ada.ask("send", "bob", "hi", "--wait", "delivered")
    table.check("message", sent)
    table.check("identity", ada.ask("id"))
    table.check("contact", ada.ask("contact list"))
    table.check("contact", ada.ask("contact show", "bob"))
    table.check("message", bob.ask("read", "ada"))
    table.check("conversation", ada.ask("chats"))
    table.check_answer("message.why", ada.ask("why", sent[0]["id"])[0])
    table.check_answer("session.status", ada.ask("status")[0])
    for method, params in (("session.hello", {}), ("identity.show", {}), ("contact.list", {}),
                           ("contact.get", {"who": "bob"}), ("conversation.list", {}),
                           ("dht.status", {}), ("invitation.create", {"name": "eve"}),
                           ("network.doctor", {}),
                           ("verify.start", {"who": "bob"}), ("verify.confirm", {"who": "bob"}),
                           ("invitation.list", {}), ("invitation.revoke", {"id": 1}),
                           ("message.list", {"who": "bob"}), ("events.since", {"since": 0}),
                           ("message.get", {"id": sent[0]["id"]})):
        table.check_answer(method, ada.rpc(method, **params))
    assert all(error["hint"] or error["name"] == "INTERRUPTED" for error in table.errors)


@case
def every_verb_is_explained(world):
    home = world.home()
    overview = home.run("help").out
    verbs = re.findall(r"^  ((?:contact |daemon |dht |invite )?[a-z]+) .*$", overview, re.MULTILINE)
    assert len(verbs) >= 35, verbs
    for verb in verbs:
        told = home.run("help", *verb.split()).out
        assert told == home.run(*verb.split(), "--help").out
        assert "Example:\n    ramage " + verb in told, told
    assert "contact rename" in home.run("help", "contact").out
    assert home.run("--version").out.startswith("ramage ")
    assert home.run("version", "--json").one()["api"] == "1.2"


@case
def wrong_usage_is_explained_and_exits_with_2(world):
    home = world.home()
    for words, says in (
            (["sned", "bob", "hi"], "did you mean `ramage send`?"),
            (["contact", "lits"], "did you mean `ramage contact list`?"),
            (["contact"], "add, list"),
            (["daemon", "sart"], "did you mean `ramage daemon start`?"),
            (["frobnicate"], "`ramage help` lists them"),
            (["send", "--wiat", "x"], "did you mean --wait?"),
            (["send", "--time", "5", "bob", "x"], "there is no option --time"),  # no abbreviations
            (["send", "-x", "bob"], "there is no option -x"),
            (["send", "bob", "-5 degrees"], "write -- before"),
            (["send"], "needs WHO"),
            (["status", "now"], "does not know what to do with"),
            (["status", "--qr"], "has no option --qr"),
            (["id", "--qr", "--qr"], "twice"),
            (["id", "--qr=yes"], "takes no value"),
            (["new", "--name"], "needs a value"),
            (["read", "-n", "0"], "from 1 to"),
            (["read", "-n", "x"], "from 1 to"),
            (["follow", "--since", "-1"], "--since needs"),
            (["send", "bob", "hi", "--wait", "read"], "--wait knows"),
            (["send", "bob", "hi", "--timeout", "5 parsecs"], "is no time"),
            (["id", "--color", "mauve"], "auto, always or never"),
            (["daemon", "run", "--ready-fd", "x"], "--ready-fd needs"),
            (["rpc"], "needs METHOD"),
            (["rpc", "session.hello", "[1]"], "one JSON object"),
            (["rpc", "session.hello", "{\"a\":1,\"a\":2}"], "one JSON object")):
        told = home.refuse("USAGE", 2, *words)
        assert says in told["message"] + " " + told["hint"], (words, told)
    home.refuse("BAD_ADDRESS", 2, "daemon", "run", "--listen", "everywhere:99999")
    assert "is for people" in home.run("demo", "--json", status=2).err
    home.refuse("UNKNOWN_METHOD", 2, "rpc", "session.helo")
    assert not os.path.exists(home.path)


# --- identity -------------------------------------------------------------------------------------

@case
def a_verb_before_the_first_identity_says_so_and_makes_nothing(world):
    home = world.home()
    for verb in (["id"], ["status"], ["chats"], ["read"], ["read", "bob"], ["contact", "list"],
                 ["send", "bob", "hi"], ["why", "abcd"], ["follow"], ["unlock"],
                 ["rpc", "session.hello"]):
        home.refuse("NO_IDENTITY", 1, *verb)
    assert not os.path.exists(home.path)
    home.refuse("NO_DAEMON", 4, "daemon", "status")
    home.refuse("NO_DAEMON", 4, "daemon", "stop")


@case
def an_identity_is_made_once(world):
    home = world.home()
    home.refuse("PASSPHRASE_EMPTY", 2, "new")  # nobody to ask, and nothing said
    home.refuse("BAD_NAME", 2, "new", "--no-passphrase", "--name", "a\nb")
    made = home.run("new", "--no-passphrase", "--name", "Ada")
    short = re.search(r"rmg1[a-z0-9]{59}\n", made.out).group().strip()
    assert "can read your messages" in made.err.replace("\n", " ")  # honest about what is missing
    card = home.run("id").out.strip()
    assert re.fullmatch(r"rmg1[a-z0-9]{85}", card)  # a pipe gets the card alone
    assert home.ask("id")[0]["short"] == short
    assert home.ask("id")[0]["name"] == "Ada"
    home.refuse("HAS_IDENTITY", 1, "new", "--no-passphrase")
    home.refuse("NO_PASSPHRASE_SET", 1, "lock")
    assert home.run("id").out == card + "\n"
    assert stat_mode(home.path) == 0o700 and stat_mode(home.path + "/control") == 0o600


def stat_mode(path):
    return os.stat(path).st_mode & 0o777


@case
def homes_are_kept_apart(world):
    ada, bob = world.made("ada"), world.made("bob")
    assert ada.card != bob.card
    assert ada.run("--home", bob.path, "id").out == bob.card + "\n"
    assert ada.run("id", "--home", os.path.relpath(bob.path)).out == bob.card + "\n"


@case
def a_home_with_a_very_long_path_still_has_a_socket(world):
    home = world.home("x" * 200)
    home.card = home.run("new", "--no-passphrase", "--json").one()["card"]
    assert home.run("id").out == home.card + "\n"


@case
def a_card_is_drawn_for_a_camera(world):
    home = world.made()
    drawn = home.run("id", "--qr").out
    assert "▀" in drawn and "\x1b" not in drawn and home.card in drawn
    assert "\x1b[30;107m" in home.run("id", "--qr", "--color", "always").out
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        child = home.terminal("id", "--qr", **more)
        child.expect(pexpect.EOF)
        assert ("\x1b[" in child.before) == coloured, more
        assert "give it to friends only" in child.before


# --- passphrases ----------------------------------------------------------------------------------

def with_passphrase(home, *arguments, passphrase=b"open sesame\n", **how):
    read_end, write_end = os.pipe()
    os.write(write_end, passphrase)
    os.close(write_end)
    try:
        return home.run(*arguments, "--passphrase-fd", str(read_end), pass_fds=[read_end], **how)
    finally:
        os.close(read_end)


@case
def a_passphrase_locks_and_opens(world):
    home = world.home()
    card = with_passphrase(home, "new", "--json").one()["card"]
    assert home.ask("id")[0]["passphrase"] is True
    assert home.run("lock").out == "Locked.\n"
    assert home.run("lock", "--json").one() == {"state": "locked"}
    told = home.refuse("LOCKED", 5, "id")
    assert "ramage unlock" in told["hint"]
    home.refuse("LOCKED", 5, "unlock", "--no-input")
    assert "locked" in home.run("status").out
    wrong = with_passphrase(home, "unlock", passphrase=b"open sesam\n", status=5)
    assert "not the passphrase" in wrong.err
    with_passphrase(home, "unlock", passphrase=b"\xff\xfe\n", status=5)
    with_passphrase(home, "unlock", passphrase=b"", status=2)
    with_passphrase(home, "unlock", passphrase=b"x" * 1025, status=2)
    home.run("unlock", "--passphrase-fd", "77", status=2)
    home.run("unlock", "--passphrase-fd", "x", status=2)
    assert with_passphrase(home, "unlock").out == "Open.\n"
    assert home.run("id").out == card + "\n"
    home.run("daemon", "stop")  # a new start is a locked start
    home.refuse("LOCKED", 5, "chats")
    assert with_passphrase(home, "id").out == card + "\n"  # any verb opens on its way


@case
def the_longest_passphrase_fits(world):
    home = world.home()
    with_passphrase(home, "new", passphrase=b"x" * 1025, status=2)
    with_passphrase(home, "new", passphrase=b"x" * 1024)
    home.run("lock")
    with_passphrase(home, "unlock", passphrase=b"x" * 1024 + b"\n")


def echoes(child):
    return bool(termios.tcgetattr(child.child_fd)[3] & termios.ECHO)


def ends_with(child, status):
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == status, (child.exitstatus, child.signalstatus, child.before)


@case
def a_person_is_asked_once_and_nothing_typed_is_shown(world):
    home = world.home()
    child = home.terminal("new")
    child.expect("Choose a passphrase")
    wait_for("no echo", lambda: not echoes(child))
    child.sendline("hunter2")
    child.expect("The same again: ")
    child.sendline("hunter2")
    child.expect("Your keys are made")
    assert "hunter2" not in child.before
    ends_with(child, 0)
    home.run("lock")
    child = home.terminal("id")  # a locked verb asks, and goes on
    child.expect("Passphrase: ")
    child.sendline("hunter3")
    child.expect("try again")
    child.expect("Passphrase: ")
    child.sendline("hunter2")
    child.expect("rmg1")
    assert "hunter" not in child.before
    ends_with(child, 0)
    home.run("lock")
    child = home.terminal("id", "--no-input")
    ends_with(child, 5)
    child = home.terminal("unlock")
    for _ in range(3):
        child.expect("Passphrase: ")
        child.sendline("wrong")
    child.expect("not the passphrase")
    ends_with(child, 5)


@case
def two_different_passphrases_make_nothing(world):
    home = world.home()
    child = home.terminal("new")
    child.expect("Choose a passphrase")
    child.sendline("one")
    child.expect("again: ")
    child.sendline("two")
    child.expect("passphrases differ")
    ends_with(child, 2)
    child = home.terminal("new")
    child.expect("Choose a passphrase")
    child.sendline("")
    child.expect("a passphrase is needed")
    ends_with(child, 2)
    home.refuse("NO_IDENTITY", 1, "id")


@case
def an_interrupted_prompt_gives_the_terminal_back(world):
    home = world.home()
    for send, exit_code in (("\x03", 130), (None, 130)):
        child = home.terminal("new")
        child.expect("Choose a passphrase")
        wait_for("no echo", lambda child=child: not echoes(child))
        if send is not None:
            child.send(send)
        else:
            child.kill(signal.SIGTERM)
        child.expect("interrupted")
        assert echoes(child)
        ends_with(child, exit_code)
    home.refuse("NO_IDENTITY", 1, "id")


# --- people ---------------------------------------------------------------------------------------

@case
def contacts_are_added_listed_shown_renamed_and_removed(world):
    home, card = world.made(), a_card_of_nobody(world)
    added = home.ask("contact add", card, "--name", "Bob", "--at", "192.0.2.7:4711", "--at",
                     "[2001:db8::7]:4711")[0]
    assert added["name"] == "Bob" and added["card"] == card and not added["online"]
    assert [place["address"] for place in added["at"]] == ["192.0.2.7:4711", "[2001:db8::7]:4711"]
    assert home.ask("contact list") == [home.ask("contact show", "bob")[0]]  # without case
    assert home.ask("contact show", card)[0]["id"] == added["id"]  # or by card
    assert home.run("contact", "rename", "Bob", "Robert").out == "renamed to Robert\n"
    home.run("contact", "at", "Robert", "192.0.2.8:4711")
    shown = home.run("contact", "show", "Robert").out
    assert "192.0.2.8:4711" in shown and card in shown
    assert "not seen yet" in shown or "looking" in shown
    assert home.run("contact", "list").out.startswith("Robert ")
    home.run("contact", "remove", "Robert")
    assert home.ask("contact list") == []
    assert "No contacts yet" in home.run("contact", "list").err
    assert home.run("contact", "list", "--quiet").err == ""


@case
def a_wrong_contact_is_refused_and_nothing_is_added(world):
    home = world.made()
    card, other = a_card_of_nobody(world), a_card_of_nobody(world, 1)
    add = ["contact", "add"]
    changed = card[:20] + ("q" if card[20] != "q" else "p") + card[21:]
    for bad in (changed, card[:-1], card + "q", "rmg1", "", "bob", card.replace("rmg1", "rmq1"),
                card[:10] + card[10:].upper()):
        home.refuse("BAD_CARD", 2, *add, bad, "--name", "bob")
    home.refuse("OWN_CARD", 2, *add, home.card, "--name", "me")
    home.refuse("USAGE", 2, *add, card)
    for bad in ("", "a\x1b[2J", "x" * 65, card, "a\nb"):
        home.refuse("BAD_NAME", 2, *add, card, "--name", bad)
    for bad in ("192.0.2.7", "192.0.2.7:0", "192.0.2.7:65536", "friend.example:4711", "::1:4711"):
        home.refuse("BAD_ADDRESS", 2, *add, card, "--name", "bob", "--at", bad)
    assert home.ask("contact list") == []
    home.run(*add, card.upper(), "--name", "bob")
    home.refuse("CONTACT_EXISTS", 1, *add, card, "--name", "robert")
    home.refuse("NAME_TAKEN", 1, *add, other, "--name", "BOB")
    home.run(*add, "ramage:" + other, "--name", "eve")
    home.refuse("NAME_TAKEN", 1, "contact", "rename", "eve", "bob")
    home.refuse("BAD_NAME", 2, "contact", "rename", "eve", "")
    eight = [f"192.0.2.{number}:4711" for number in range(1, 9)]
    home.run("contact", "at", "eve", *eight)
    home.refuse("ADDRESSES_FULL", 8, "contact", "at", "eve", "192.0.2.9:4711")
    assert len(home.ask("contact show", "eve")[0]["at"]) == 8
    assert [one["name"] for one in home.ask("contact list")] == ["bob", "eve"]


@case
def an_unknown_or_unclear_name_lists_who_was_meant(world):
    home = world.made()
    for number, name in enumerate(("alice", "albert", "bob")):
        home.run("contact", "add", a_card_of_nobody(world, number), "--name", name)
    told = home.refuse("AMBIGUOUS_CONTACT", 3, "send", "al", "hi")
    assert sorted(told["candidates"]) == ["albert", "alice"], told
    assert "did you mean alice or albert?" in told["hint"]
    told = home.refuse("NO_CONTACT", 3, "read", "bbo")
    assert told["candidates"] == ["bob"] and told["hint"] == "did you mean bob?"
    for verb in (["send", "zoe", "hi"], ["read", "zoe"], ["contact", "show", "zoe"],
                 ["contact", "remove", "zoe"], ["contact", "rename", "zoe", "x"],
                 ["follow", "zoe"]):
        assert home.refuse("NO_CONTACT", 3, *verb)["candidates"] == []
    assert home.ask("chats")[0]["total"] == 0  # nothing went to anybody


@case
def removing_asks_a_person_first(world):
    home = world.made()
    home.run("contact", "add", a_card_of_nobody(world), "--name", "bob")
    child = home.terminal("contact", "remove", "bob")
    child.expect(r"\[y/N\]")
    child.sendline("n")
    child.expect("Nothing was removed")
    ends_with(child, 1)
    assert len(home.ask("contact list")) == 1
    child = home.terminal("contact", "remove", "bob")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("removed bob")
    ends_with(child, 0)
    assert home.ask("contact list") == []


# --- messages -------------------------------------------------------------------------------------

@case
def a_message_to_somebody_away_is_kept_and_explained(world):
    home = world.made()
    home.run("contact", "add", a_card_of_nobody(world), "--name", "bob", "--at", "127.0.0.1:9")
    line = home.run("send", "bob", "On", "my", "way").out
    name, state = line.split()
    assert state == "written" and re.fullmatch(r"[a-z2-7]{16}", name), line
    waited = home.run("send", "bob", "hi", "--wait", "delivered", "--timeout", "300ms", status=6)
    assert "safe here" in waited.err and "written" in waited.out
    assert home.run("send", "bob", "--", "-5 degrees", "--json").out.endswith("written\n")
    told = home.run("why", name).out
    assert "written" in told and "never seen yet" in told, told
    facts = home.ask("why", name[:6])[0]
    assert facts["owed"] and not facts["online"] and facts["message"]["text"] == "On my way"
    wait_for("an attempt", lambda: home.ask("why", name)[0]["attempts"])
    assert home.ask("why", name)[0]["attempts"][0]["address"] == "127.0.0.1:9"
    texts = [one["text"] for one in home.ask("read", "bob")]
    assert texts == ["On my way", "hi", "-5 degrees --json"]
    chat = home.ask("chats")[0]
    assert (chat["contact"], chat["total"], chat["owed"], chat["unread"]) == ("bob", 3, 3, 0)
    assert home.ask("status")[0]["owed"] == 3
    for wrong, error in (("zzzz", "NO_MESSAGE"), ("", "NO_MESSAGE"), ("!!!!", "NO_MESSAGE")):
        home.refuse(error, 3, "why", wrong)


@case
def a_text_comes_from_words_or_a_pipe_and_keeps_its_limits(world):
    home = world.made()
    home.run("contact", "add", a_card_of_nobody(world), "--name", "bob")
    home.run("send", "bob", "-", stdin="from é pipe\nline two\n".encode())
    home.run("send", "bob", stdin=b"no dash")
    home.run("send", "bob", "-", stdin=b"x" * 57344)
    assert [one["text"] for one in home.ask("read", "bob")] == [
        "from é pipe\nline two", "no dash", "x" * 57344]
    told = home.refuse("TEXT_TOO_LONG", 8, "send", "bob", "-", stdin=b"x" * 57345)
    assert "56 KiB" in told["message"]
    home.refuse("TEXT_TOO_LONG", 8, "send", "bob", "-", stdin=b"x" * 3000000)
    home.refuse("TEXT_EMPTY", 2, "send", "bob", "-")
    home.refuse("TEXT_EMPTY", 2, "send", "bob", "")
    home.refuse("TEXT_NOT_UTF8", 2, "send", "bob", "-", stdin=b"\xff\xfe")
    home.refuse("TEXT_NOT_UTF8", 2, "send", "bob", "-", stdin=b"a\0b")
    home.refuse("TEXT_NOT_UTF8", 2, "send", "bob", b"\xc0\x80")
    assert len(home.ask("read", "bob")) == 3


@case
def a_request_key_sends_once(world):
    home = world.made()
    home.run("contact", "add", a_card_of_nobody(world), "--name", "bob")
    first = home.ask("send", "bob", "once", "--request-key", "k1")[0]
    assert home.ask("send", "bob", "once", "--request-key", "k1")[0]["id"] == first["id"]
    assert home.ask("send", "bob", "once", "--request-key", "k2")[0]["id"] != first["id"]
    home.refuse("BAD_KEY", 2, "send", "bob", "hi", "--request-key", "")
    home.refuse("BAD_KEY", 2, "send", "bob", "hi", "--request-key", "x" * 65)
    assert home.ask("chats")[0]["total"] == 2


def same_on_both(message):
    return message["id"], message["text"], message["written"], message["height"]


@case
def two_people_talk_and_both_see_the_same(world):
    ada, bob = world.friends()
    for number in range(5):
        ada.run("send", "bob", f"ada {number}", "--wait", "delivered")
        bob.run("send", "ada", f"bob {number}", "--wait", "delivered")
    hers, his = ada.ask("read", "bob", "-n", "100"), bob.ask("read", "ada", "-n", "100")
    assert len(hers) == 11 and list(map(same_on_both, hers)) == list(map(same_on_both, his))
    assert [one["ours"] for one in hers] == [not one["ours"] for one in his]
    assert all(one["state"] == "delivered" for one in hers + his)
    assert "delivered" in ada.run("why", hers[-2]["id"]).out


@case
def reading_marks_as_read_unless_told_otherwise(world):
    ada, bob = world.friends()
    for number in range(30):
        ada.run("send", "bob", f"{number}", *(["--wait", "delivered"] if number == 29 else []))
    wait_for("all to arrive", lambda: bob.ask("chats")[0]["unread"] == 30)
    texts = lambda *arguments: [one["text"] for one in bob.ask("read", *arguments)]
    assert texts("ada", "-n", "2", "--keep") == ["28", "29"]
    assert bob.ask("status")[0]["unread"] == 30
    assert texts("ada", "--keep") == [str(number) for number in range(10, 30)]
    assert texts("--keep") == [str(number) for number in range(30)]
    assert texts("ada", "--unread") == [str(number) for number in range(30)]
    assert texts("ada", "--unread") == [] and texts() == []
    assert "Nothing unread" in bob.run("read").err
    assert len(texts("ada", "-n", "1000")) == 31


@case
def a_long_conversation_is_read_page_by_page(world):
    home = world.made()
    home.run("contact", "add", a_card_of_nobody(world), "--name", "bob")
    with home.start("rpc", "--stdio", stdin=subprocess.PIPE) as bridge:
        requests = "".join(json.dumps(
            {"jsonrpc": "2.0", "id": number, "method": "message.send",
             "params": {"who": "bob", "text": f"{number} " + "\x01" * 700}}) + "\n"
            for number in range(1200))
        out, _ = bridge.communicate(requests.encode(), timeout=PATIENCE_SECONDS)
        answers = [json.loads(line) for line in out.splitlines()]
        assert bridge.returncode == 0
    assert [answer["id"] for answer in answers] == list(range(1200))
    texts = [one["text"].split()[0] for one in home.ask("read", "bob", "-n", "10000")]
    assert texts == [str(number) for number in range(1200)]
    assert home.ask("read", "bob", "-n", "777")[0]["text"].startswith("423 ")


@case
def what_a_peer_writes_never_reaches_the_terminal_as_it_is(world):
    ada, bob = world.friends()
    nasty = "\x1b[2J\x1b]0;pwned\x07 \u202egpj.exe \r\nada: forged\n\x9b31m"
    ada.run("send", "bob", nasty, "--wait", "delivered")
    chats = bob.run("chats").out
    shown = bob.run("read", "ada", "-n", "1").out
    for text in (shown, chats):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), repr(text)
    assert "\nada: forged" not in shown and "\n       ada: forged" in shown
    assert bob.ask("read", "ada", "-n", "1")[0]["text"] == nasty  # programs get it as it is


@case
def followers_see_everything_once_and_go_on_where_they_stopped(world):
    ada, bob = world.friends()

    def follow(*arguments, lines):
        child = bob.start("follow", "--json", *arguments)
        seen = [json.loads(child.stdout.readline()) for _ in range(lines)]
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE_SECONDS)
        assert child.returncode == 130 and json.loads(err)["error"] == "INTERRUPTED", err
        return seen

    ada.run("send", "bob", "one", "--wait", "delivered")
    ada.run("send", "bob", "two", "--wait", "delivered")
    everything = follow("--since", "0", lines=4)
    assert [event["seq"] for event in everything] == [1, 2, 3, 4]
    Description(bob).check("event", everything)
    follow("--as", "bot", "--since", "0", lines=3)
    place = follow("--since", "0", lines=4)[-1]["seq"]
    bob.rpc("events.ack", **{"as": "slow bot", "seq": place})
    ada.run("send", "bob", "three", "--wait", "delivered")
    for reader in ("bot", "slow bot"):
        child = bob.start("follow", "--json", "--as", reader)
        numbers = []
        while True:
            event = json.loads(child.stdout.readline())
            numbers.append(event["seq"])
            if event["kind"] == "message.received" and event["message"]["text"] == "three":
                break
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
        if reader == "slow bot":  # the other may see some again, but none is left out
            assert numbers[0] == place + 1, numbers
        child.terminate()
        child.communicate(timeout=PATIENCE_SECONDS)
        assert child.returncode == 130
    bob.refuse("NO_EVENT", 3, "follow", "--since", "999999999")


@case
def following_for_people_shows_lines_as_they_come(world):
    ada, bob = world.friends()
    child = bob.start("follow", "ada")
    time.sleep(0.3)  # it follows from when it has connected
    ada.run("send", "bob", "now?", "--wait", "delivered")
    assert child.stdout.readline().decode().endswith("ada: now?\n")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 130
    child = bob.start("follow")
    time.sleep(0.3)
    os.kill(bob.pid(), signal.SIGKILL)  # the daemon goes: that is said, not waited out
    assert b"does not answer" in child.communicate(timeout=PATIENCE_SECONDS)[1]
    assert child.returncode == 4


# --- the daemon and its machine -------------------------------------------------------------------

@case
def the_daemon_starts_and_stops_when_told(world):
    home = world.made()
    pid = home.pid()
    assert "Running, pid" in home.run("daemon", "start").out and home.pid() == pid
    assert home.run("daemon", "stop", "--json").one()["stopped"] is True
    wait_for("its end", lambda: not is_alive(pid))
    home.refuse("NO_DAEMON", 4, "daemon", "status")
    home.refuse("NO_DAEMON", 4, "id", "--no-start")
    assert home.run("daemon", "start", "--json").one()["started"] is True
    home.refuse("ALREADY_RUNNING", 1, "daemon", "start", "--listen", "127.0.0.1:4999")
    home.refuse("ALREADY_RUNNING", 1, "daemon", "run")
    assert home.run("id").out == home.card + "\n"


@case
def verbs_that_start_the_daemon_at_once_share_one(world):
    home = world.made()
    home.run("daemon", "stop")
    children = [home.start("daemon", "start", "--json") if number % 2 else
                home.start("rpc", "session.hello") for number in range(8)]
    pids = set()
    for child in children:
        out, err = child.communicate(timeout=PATIENCE_SECONDS)
        if child.returncode == 0:
            pids.add(json.loads(out)["pid"])
        else:  # lost the race: says that one runs
            assert json.loads(err)["error"] == "ALREADY_RUNNING", err
    assert len(pids) == 1


@case
def listening_fails_with_a_reason(world):
    home = world.made()
    home.run("daemon", "stop")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        home.refuse("PORT_IN_USE", 1, "daemon", "start", "--listen", address)
        home.refuse("PORT_IN_USE", 1, "daemon", "run", "--listen", address)
    home.refuse("NO_SUCH_LISTEN", 1, "daemon", "start", "--listen", "192.0.2.1:4711")
    home.run("daemon", "start", "--listen", address, "--listen", "[::1]:" + address.split(":")[1])
    assert address in home.ask("status")[0]["listening"]


@case
def a_home_that_cannot_be_written_says_so(world):
    blocked = world.home("file")
    with open(blocked.path, "w", encoding="ascii"):
        pass
    blocked.refuse("HOME_UNWRITABLE", 1, "new", "--no-passphrase")
    below = world.home("file/below")
    below.refuse("HOME_UNWRITABLE", 1, "new", "--no-passphrase")
    frozen = world.home("frozen")
    os.mkdir(frozen.path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", frozen.path], check=True)
    try:
        frozen.refuse("HOME_UNWRITABLE", 1, "new", "--no-passphrase")
    finally:
        subprocess.run(["umount", "-l", frozen.path], check=True)


@case
def a_full_disk_stops_cleanly_and_keeps_what_was_promised(world):
    home = world.home()
    os.mkdir(home.path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", home.path],
                   check=True)
    try:
        home.make()
        home.run("contact", "add", a_card_of_nobody(world), "--name", "bob")
        kept = 0
        while True:
            child = home.start("send", "bob", f"{kept} " + "x" * 20000)
            _, err = child.communicate(timeout=PATIENCE_SECONDS)
            if child.returncode != 0:
                break
            kept += 1
            assert kept < 200
        assert child.returncode == 10 and b"disk is full" in err, (child.returncode, err)
        assert kept > 3
        home.close()
        subprocess.run(["mount", "-o", "remount,size=8m", home.path], check=True)
        texts = [one["text"].split()[0] for one in home.ask("read", "bob", "-n", "1000")]
        assert texts[:kept] == [str(number) for number in range(kept)], (kept, texts)
        home.run("send", "bob", "room again")
    finally:
        home.close()
        subprocess.run(["umount", "-l", home.path], check=True)


@case
def a_damaged_home_is_named_and_left_as_it_is(world):
    home = world.made()
    home.run("daemon", "stop")
    for name, error in (("store.db", "STORE_DAMAGED"), ("vault", "VAULT_DAMAGED")):
        path = os.path.join(home.path, name)
        with open(path, "rb") as file:
            good = file.read()
        bad = bytearray(good)
        for place in range(0, len(bad), 7):
            bad[place] ^= 0x55
        with open(path, "wb") as file:
            file.write(bad)
        told = home.refuse(error, 10, "id")
        assert "copy" in told["hint"]
        with open(path, "rb") as file:
            assert file.read() == bytes(bad)
        with open(path, "wb") as file:
            file.write(good)
        assert home.run("id").out == home.card + "\n"
        home.run("daemon", "stop")


@case
def a_daemon_killed_at_any_time_loses_nothing_it_answered(world):
    ada, bob = world.friends()
    sent = []
    for number in range(40):
        if number % 8 == 4:
            victim = ada if number % 16 == 4 else bob
            victim.run("daemon", "start")
            os.kill(victim.pid(), signal.SIGKILL)
        # Interrupted or refused sends are repeated with the same key, as a careful program does.
        for _ in range(50):
            child = ada.start("send", "bob", f"m{number}", "--json", "--request-key", f"k{number}")
            out, _ = child.communicate(timeout=PATIENCE_SECONDS)
            if child.returncode == 0:
                sent.append(json.loads(out)["id"])
                break
        else:
            raise AssertionError("never accepted")
    ada.run("status"), bob.run("status")  # both up
    # A daemon without fixed --listen has another port after each start, so each tells the other.
    bob.run("contact", "at", "ada", ada.address())
    ada.run("contact", "at", "bob", bob.address())
    wait_for("all to be delivered", lambda: ada.ask("status")[0]["owed"] == 0)
    got = bob.ask("read", "ada", "-n", "1000")
    assert [one["text"] for one in got] == ["first"] + [f"m{number}" for number in range(40)]
    assert [one["id"] for one in got][1:] == sent


# --- streams --------------------------------------------------------------------------------------

@case
def output_that_cannot_be_written_is_an_error(world):
    home = world.made()
    with open("/dev/full", "wb") as full:
        child = home.start("id", stdout=full)
        _, err = child.communicate(timeout=PATIENCE_SECONDS)
        assert child.returncode == 1 and b"could not be written" in err, (child.returncode, err)
    shell = subprocess.run(["sh", "-c", f"'{PROGRAM}' id >&-"], env=home.environment,
                           capture_output=True, check=False, timeout=PATIENCE_SECONDS)
    assert shell.returncode == 1 and b"could not be written" in shell.stderr, shell
    shell = subprocess.run(["sh", "-c", f"'{PROGRAM}' id <&- 2>&-"], env=home.environment,
                           capture_output=True, check=False, timeout=PATIENCE_SECONDS)
    assert shell.returncode == 0 and shell.stdout.decode() == home.card + "\n", shell
    shell = subprocess.run(["sh", "-c", f"'{PROGRAM}' help | head -n 1"], env=home.environment,
                           capture_output=True, check=False, timeout=PATIENCE_SECONDS)
    assert shell.stdout.startswith(b"Ramage") and shell.stderr == b"", shell


@case
def reading_into_a_full_disk_marks_nothing(world):
    ada, bob = world.friends()
    ada.run("send", "bob", "important", "--wait", "delivered")
    with open("/dev/full", "wb") as full:
        bob.start("read", "ada", stdout=full).communicate(timeout=PATIENCE_SECONDS)
    assert bob.ask("chats")[0]["unread"] == 1


@case
def a_program_may_speak_to_the_daemon_through_a_pipe(world):
    home = world.made()
    lines = (b'{"jsonrpc":"2.0","id":1,"method":"session.hello"}\n'
             b'garbage\n'
             b'{"jsonrpc":"2.0","id":"two","method":"contact.list","params":{"limt":1}}\n')
    answers = home.run("rpc", "--stdio", stdin=lines).json()
    assert answers[0]["id"] == 1 and answers[0]["result"]["state"] == "ready"
    assert answers[1]["id"] is None and answers[1]["error"]["code"] == -32700
    assert answers[2]["id"] == "two" and answers[2]["error"]["data"]["name"] == "BAD_PARAMS"
    home.refuse("BAD_PARAMS", 2, "rpc", "contact.get", "{}")
    too_long = home.start("rpc", "--stdio", stdin=subprocess.PIPE)
    out, _ = too_long.communicate(b"x" * (1 << 20) + b"xx\n", timeout=PATIENCE_SECONDS)
    assert json.loads(out.splitlines()[0])["error"]["data"]["name"] == "LINE_TOO_LONG", out
    assert home.run("id").out == home.card + "\n"


# --- the demo -------------------------------------------------------------------------------------

def leftovers():
    found = [name for name in os.listdir("/tmp") if name.startswith("ramage-demo-")]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"/tmp/ramage-demo-" in file.read() and is_alive(pid):
                    found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@case
def the_demo_plays_a_conversation_and_leaves_nothing(world):
    home = world.home()
    before = set(leftovers())
    for arguments in (["demo", "--script"], ["demo"], []):
        told = home.run(*arguments).out
        for line in ("do you hear me?", "I do.", "power fails", "delivered", "lost nothing"):
            assert line in told, told
    assert set(leftovers()) <= before and not os.path.exists(home.path)


@case
def a_newcomer_may_join_the_demo(world):
    home = world.home()
    before = set(leftovers())
    child = home.terminal()
    child.expect("1  try it alone")
    child.sendline("x")
    child.expect("1  try it alone")
    child.sendline("1")
    child.expect("Your turn")
    child.sendline("hello there")
    child.expect("delivered")
    child.expect("Echo  Hello!")
    child.sendline("Ça marche ? 👩‍👩‍👧")
    child.expect("You wrote: Ça marche ")
    child.sendeof()
    child.expect("nothing of this stays")
    ends_with(child, 0)
    child = home.terminal("demo")
    child.expect("Your turn")
    child.sendintr()
    child.expect("interrupted")
    ends_with(child, 130)
    assert set(leftovers()) <= before and not os.path.exists(home.path)


@case
def a_demo_that_is_killed_takes_its_nodes_along(world):
    home = world.home()
    before = set(leftovers())
    child = home.terminal("demo")
    child.expect("Your turn")
    mine = set(leftovers()) - before
    assert len(mine) == 3, mine
    child.kill(signal.SIGTERM)
    ends_with(child, 130)
    assert set(leftovers()) <= before
    child = home.terminal("demo")
    child.expect("Your turn")
    child.kill(signal.SIGKILL)
    child.close()
    wait_for("the nodes to end", lambda: not [one for one in set(leftovers()) - before
                                              if one.isdigit()])
    for name in set(leftovers()) - before:
        shutil.rmtree(os.path.join("/tmp", name))  # nobody was left to do it


@case
def the_first_card_makes_an_identity_or_lets_one_go(world):
    home = world.home()
    child = home.terminal()
    child.expect("q  quit")
    child.sendline("q")
    ends_with(child, 0)
    assert not os.path.exists(home.path)
    child = home.terminal()
    child.expect("2  make my identity")
    child.sendline("2")
    child.expect("Choose a passphrase")
    child.sendline("pp")
    child.expect("again: ")
    child.sendline("pp")
    child.expect("rmg1")
    ends_with(child, 0)
    child = home.terminal()  # with an identity: facts, and what to do next
    child.expect("identity ")
    child.expect("ramage chats")
    ends_with(child, 0)
    assert "ramage send" in home.run().out


def main():
    enter()
    wanted, failed = sys.argv[2:], 0
    for function in CASES:
        if wanted and function.__name__ not in wanted:
            continue
        name = function.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory(prefix="ramage-cli-") as folder:
            world = World(folder)
            try:
                function(world)
                print(f"ok - {name}", flush=True)
            except Exception as trouble:  # the next case runs all the same
                failed += 1
                print(f"not ok - {name}", flush=True)
                where = trouble.__traceback__.tb_next
                while where.tb_next and where.tb_next.tb_frame.f_code.co_filename == __file__:
                    where = where.tb_next
                print(f"  line {where.tb_lineno}: {type(trouble).__name__}: {str(trouble)[:1500]}")
            finally:
                for home in world.homes:
                    home.close()
    sys.exit(1 if failed else 0)


main()
