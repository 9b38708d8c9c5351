"""People for whole-program tests: real `ramage` processes in network namespaces of the test's own.

Nothing here touches the machine's network: `enter` moves the test into namespaces that vanish with
it.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_SECONDS = 120  # for anything that must happen; generous, for sanitizers on a busy machine
PORT = 4711
CLONE_NEWNET = 0x40000000


def enter():
    """Starts this script again in new user (unless root), network and mount namespaces."""
    if os.environ.get("RAMAGE_TEST_INSIDE") == "yes":
        subprocess.run("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up",
                       shell=True, check=True)
        return
    os.environ["RAMAGE_TEST_INSIDE"] = "yes"
    flags = "-nm" if os.geteuid() == 0 else "-Urnm"
    os.execvp("unshare", ["unshare", flags, "--propagation", "private", sys.executable, *sys.argv])


def run(command):
    subprocess.run(command.split(), check=True)


def wait_for(what, truth, seconds=PATIENCE_SECONDS):
    """Polls until it is true; fails the test otherwise."""
    end = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Lab:
    """A switch with one namespace per name plugged in, 10.9.0.1/24 and onwards."""

    def __init__(self, *names):
        run("ip link add hub type bridge")
        run("ip link set hub up")
        self.address = {}
        for number, name in enumerate(names, 1):
            run(f"ip netns add {name}")
            run(f"ip link add to-{name} type veth peer name eth netns {name}")
            run(f"ip link set to-{name} master hub up")
            run(f"ip -n {name} link set lo up")
            run(f"ip -n {name} link set eth up")
            self.move(name, f"10.9.0.{number}")

    def move(self, name, address):
        """Gives a machine another address, in the place of what it had."""
        if name in self.address:
            run(f"ip -n {name} address del {self.address[name]}/24 dev eth")
        run(f"ip -n {name} address add {address}/24 dev eth")
        self.address[name] = address

    def cut(self, name):
        run(f"ip link set to-{name} down")

    def mend(self, name):
        run(f"ip link set to-{name} up")


def socket_in(namespace, *kind):
    """A socket that lives in another namespace than this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
        for target in (there, home):
            if libc.setns(target.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            if target is there:
                made = socket.socket(*kind)
    return made


class Refused(Exception):
    """The daemon answered with an error."""


class Rpc:
    """One connection to a daemon's socket; blocking."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.number = 0

    def close(self):
        self.lines.close()
        self.socket.close()

    def call(self, method, **params):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        line = self.lines.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the daemon is gone")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


class Person:
    """One identity in a home of its own, and the daemon that serves it."""

    def __init__(self, program, name):
        self.program, self.name = program, name
        self.home = tempfile.mkdtemp(prefix=f"ramage-{name}-")
        self.log = open(os.path.join(self.home, "test.log"), "ab")
        self.daemon = None
        self.inside = ["nsenter", f"--net=/run/netns/{name}", program, "--home", self.home]

    def ramage(self, *arguments):
        """Runs one command; returns what it printed."""
        done = subprocess.run([*self.inside, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=PATIENCE_SECONDS, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {arguments}: {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, *arguments):
        """The objects a command prints with --json, one per line."""
        return [json.loads(line) for line in self.ramage(*arguments, "--json").splitlines()]

    def start(self):
        self.daemon = subprocess.Popen(
            [*self.inside, "daemon", "run", "--listen", f"0.0.0.0:{PORT}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for(f"{self.name}'s daemon", self.answers)

    def answers(self):
        if self.daemon.poll() is not None:
            raise RuntimeError(f"{self.name}'s daemon ended: {self.daemon.returncode}")
        try:
            rpc = self.rpc()
        except OSError:
            return False
        try:
            return rpc.call("session.hello")["api"] != ""
        except OSError:
            return False
        finally:
            rpc.close()

    def rpc(self):
        return Rpc(os.path.join(self.home, "control"))

    def kill(self):
        """No warning, no goodbye."""
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def stop(self):
        """As a person would; a sanitizer's complaint shows in the status."""
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(PATIENCE_SECONDS)

    def end(self):
        """Nothing of this person stays."""
        if self.daemon is not None and self.daemon.poll() is None:
            self.kill()
        self.log.close()
        shutil.rmtree(self.home)

    def pages(self, method, field, **params):
        """Everything a paged method has to give."""
        rpc = self.rpc()
        try:
            after = {"since": 0} if field == "events" else {"oldest": True}
            while True:
                answer = rpc.call(method, **params, **after)
                yield from answer[field]
                if not answer[field] or answer.get("more") is False:
                    return
                last = answer[field][-1]
                after = {"since": last["seq"]} if field == "events" else {"after": last["id"]}
        finally:
            rpc.close()

    def show_log(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            print(f"--- {self.name}'s daemon said:\n{file.read()[-4000:]}", flush=True)


def befriend(lab, *people):
    """Each makes an identity, then each adds each other, as two people with cards in hand would."""
    cards = {}
    for person in people:
        person.start()
        person.ramage("new", "--no-passphrase", "--name", person.name)
        cards[person.name] = person.json("id")[0]["card"]
    for person in people:
        for friend in people:
            if friend is not person:
                person.ramage("contact", "add", cards[friend.name], "--name", friend.name,
                              "--at", f"{lab.address[friend.name]}:{PORT}")
    return cards


class Report:
    """One line per thing shown; the exit status says whether all were."""

    def __init__(self):
        self.failed = False

    def say(self, name, truth):
        print(f"{'ok' if truth else 'not ok'} - {name}", flush=True)
        self.failed = self.failed or not truth
