"""A DHT on a network of its own: real programs of others, and ours among them.

`enter` moves the test into namespaces that vanish with it; nothing leaves the machine. Addresses
look public, because Transmission drops those that cannot be (127/8), BEP 42 exempts private ones,
and libtorrent drops some /8s; they lie in many /16s, because most programs take one node of each
/24. Programs of others share one namespace, in which every one has an address of its own. Ours may
live there (`dht run --bind`), or in a namespace behind a wire, like somebody at home.
"""

import ctypes
import json
import os
import queue
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import people
from dht_krpc import Asker, address_bytes, encode, id_fits

PORT = 6881
SEED = 20261123
# First bytes of addresses, none of them in a /8 that libtorrent calls dark.
FIRST = [5, 31, 37, 41, 46, 62, 77, 79, 80, 82, 83, 85, 86, 88, 89, 91, 93, 95, 109, 178]
ASKERS = 151   # every address 151.x.y.z is ours to ask from,
STRANGERS = 131  # and these are for floods
ASKERS6 = "2a0b:"
PROGRAMS = ["unshare", "setpriv", "nsenter", "ip", "transmission-daemon", "transmission-remote",
            "aria2c", "nft"]


def enter():
    """Starts this script again where it may make networks; says what is missing, if anything."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path())]
    try:
        __import__("libtorrent")
    except ImportError:
        missing.append("python3-libtorrent")
    if os.environ.get("RAMAGE_TEST_INSIDE") != "yes" and os.geteuid() != 0:
        if subprocess.run(["unshare", "-Urnm", "true"], check=False).returncode != 0:
            missing.append("user namespaces (or root)")
    if missing:
        print(f"not ok - the lab has what it needs (missing: {', '.join(missing)})", flush=True)
        sys.exit(1)
    os.environ["PATH"] = path()
    people.enter()


def path():
    return os.environ["PATH"] + ":/usr/sbin:/sbin"  # a user's lacks them


def ipv4(number):
    """An address of its own for each number below 5000: neighbours share no /16."""
    return (f"{FIRST[number % len(FIRST)]}.{number * 37 % 199 + 20}."
            f"{number * 91 % 211 + 10}.{number % 250 + 2}")


def ipv6(number):
    """The same for IPv6: no two in one /32."""
    return f"2a01:{0x100 + number * 41:x}:{number % 200 + 1:x}::{number + 2:x}"


class Network:
    """The place where programs of others have their addresses."""

    def __init__(self):
        batch("link add wire type bridge", "link set wire up",
              # Everything there is local: whoever asks or floods from it need not own it first.
              # All on one device, because libtorrent ties its sockets to the one it finds.
              f"route add local {ASKERS}.0.0.0/8 dev wire",
              f"route add local {STRANGERS}.0.0.0/8 dev wire",
              f"-6 route add local {ASKERS6}:/16 dev wire",
              "address add 169.254.9.1/32 dev wire", "-6 address add fe80::9:1/64 dev wire nodad")
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
            file.write("1")

    def own(self, addresses):
        batch(*(f"{'-6 ' if ':' in each else ''}address add {each}/{128 if ':' in each else 32} "
                f"dev wire{' nodad' if ':' in each else ''}" for each in addresses))

    def home(self, name, address, address6=None):
        """A namespace behind a wire, where one machine lives."""
        link = f"to-{name}"
        batch(f"netns add {name}", f"link add {link} type veth peer name eth netns {name}",
              f"link set {link} master wire up", f"-n {name} link set lo up",
              f"-n {name} link set eth up",
              f"-n {name} address add {address}/32 dev eth",
              f"-n {name} route add default via 169.254.9.1 dev eth onlink",
              f"route add {address}/32 dev wire")
        if address6:
            batch(f"-n {name} -6 address add {address6}/128 dev eth nodad",
                  f"-n {name} -6 route add default via fe80::9:1 dev eth onlink",
                  f"-6 route add {address6}/128 dev wire")


def batch(*lines):
    """Each is one `ip` command; namespaces and families make it a call of its own."""
    plain = [line for line in lines if not line.startswith("-")]
    six = [line[3:] for line in lines if line.startswith("-6 ")]
    if plain:
        subprocess.run(["ip", "-batch", "-"], input="\n".join(plain).encode(), check=True)
    if six:
        subprocess.run(["ip", "-6", "-batch", "-"], input="\n".join(six).encode(), check=True)
    for line in lines:
        if line.startswith("-n "):
            subprocess.run(["ip", *line.split()], check=True)


askers = iter(range(1, 1 << 22))


def asker(port=0):
    """Somebody never seen before, in a /24 of his own."""
    number = next(askers)
    return Asker(f"{ASKERS}.{number >> 8 & 255}.{number & 255}.7", port)


def asker6(port=0):
    number = next(askers)
    return Asker(f"{ASKERS6}{number:x}::7", port, made=free_bind6())


def free_bind6():
    """A local route alone does not let IPv6 bind; this does."""
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    return made


class Child:
    """A program that ends with us at the latest."""

    def __init__(self, command, inside=None, **more):
        self.folder = tempfile.mkdtemp(prefix="ramage-dht-")
        self.log = open(os.path.join(self.folder, "log"), "ab")
        before = ["nsenter", f"--net=/run/netns/{inside}"] if inside else []
        self.process = subprocess.Popen(
            [*before, "setpriv", "--pdeathsig", "KILL", *command(self.folder)],
            stderr=self.log, **{"stdin": subprocess.DEVNULL, "stdout": self.log, **more})

    def alive(self):
        return self.process.poll() is None

    def tell(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGKILL):
        if self.alive():
            self.process.send_signal(number)
            if number != signal.SIGKILL:
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    self.process.kill()
        status = self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()


class Lines(Child):
    """A program that prints lines we read."""

    def __init__(self, command, inside=None, **more):
        super().__init__(command, inside, stdout=subprocess.PIPE, **more)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode())
        self.lines.put(None)

    def line(self, seconds):
        """The next line; None if it ended or said nothing in time."""
        try:
            return self.lines.get(timeout=max(0, seconds))
        except queue.Empty:
            return None


class Libtorrent(Lines):
    """Sessions of libtorrent, one at each address."""

    def __init__(self, addresses, **settings):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dht_libtorrent.py")
        super().__init__(lambda folder: [sys.executable, "-B", script], stdin=subprocess.PIPE)
        self.addresses = [(host, PORT) for host in addresses]
        listen = [f"[{host}]:{PORT}" if ":" in host else f"{host}:{PORT}" for host in addresses]
        self.write({"listen": listen, "settings": settings})
        if not self.line(20):
            raise RuntimeError("libtorrent did not start: " + self.said())
        self.told = []

    def write(self, what):
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def do(self, at, what, **more):
        self.write({"at": at, "do": what, **more})

    def hear(self, at, told, seconds, fits=lambda line: True):
        """What a session told; None if nothing that fits came in time."""
        end = time.monotonic() + seconds
        seen = 0
        while True:
            for line in self.told[seen:]:
                if line.get("at") == at and line.get("told") == told and fits(line):
                    self.told.remove(line)
                    return line
            seen = len(self.told)
            text = self.line(end - time.monotonic())
            if text is None:
                return None
            self.told.append(json.loads(text))

    def meet(self, at, address):
        self.do(at, "node", address=list(address))

    def settle(self, group=None):
        """Everybody is told of eight others and searches a little, so that tables fill."""
        luck = random.Random(SEED)
        group = list(group or range(len(self.addresses)))
        self.learn_own(group)
        for at in group:
            for other in luck.sample(group, min(9, len(group))):
                if other != at:
                    self.meet(at, self.addresses[other])
        time.sleep(0.5)
        for at in group * 2:
            self.do(at, "find", target=luck.randbytes(20).hex())
        people.wait_for("libtorrent's tables", lambda: all(
            self.live(at) >= min(6, len(group) - 2) for at in group), 20)

    def learn_own(self, group):
        """Each is told its own address first and takes the id it keeps. Learnt from each other, the
        ids of before would stay in all tables and make others wait for nobody."""
        teachers = {4: asker(), 6: asker6()}
        for at in group:
            teacher = teachers[6 if ":" in self.addresses[at][0] else 4]
            for _ in range(2):  # the second answer tells the new id
                answer = teacher.ask(self.addresses[at], "ping", ro=1,
                                     ip=address_bytes(self.addresses[at]))
            if not id_fits(answer[b"r"][b"id"], self.addresses[at][0]):
                raise RuntimeError("libtorrent did not take an id of its address")
        for teacher in teachers.values():
            teacher.close()

    def live(self, at):
        """How many nodes a session's table holds."""
        self.do(at, "live")
        return (self.hear(at, "live", 5) or {"count": 0})["count"]


class Transmission(Child):
    """transmission-daemon at one address, told what to do over its own RPC."""

    def __init__(self, address, rpc_port, address6=None, nodes=()):
        self.address, self.rpc_port = (address, PORT), rpc_port
        settings = {
            "bind-address-ipv4": address, "bind-address-ipv6": address6 or "::1",
            "peer-port": PORT, "peer-port-random-on-start": False, "dht-enabled": True,
            "lpd-enabled": False, "utp-enabled": False, "port-forwarding-enabled": False,
            "rpc-bind-address": "127.0.0.1", "rpc-port": rpc_port, "rpc-whitelist-enabled": False,
            "rpc-host-whitelist-enabled": False, "pex-enabled": True, "encryption": 1,
            "download-queue-enabled": False, "start-added-torrents": True,
        }

        def command(folder):
            with open(os.path.join(folder, "settings.json"), "w", encoding="ascii") as file:
                json.dump({**settings, "download-dir": folder}, file)
            if nodes:
                # As if saved by a run before: it asks one every two seconds. Those of its other
                # file, dht.bootstrap, wait for fifteen.
                with open(os.path.join(folder, "dht.dat"), "wb") as file:
                    file.write(encode({"nodes": b"".join(map(address_bytes, nodes))}))
            return ["transmission-daemon", "--foreground", "--config-dir", folder,
                    "--log-error"]

        super().__init__(command)
        people.wait_for("Transmission", lambda: self.remote("-si") is not None, 20)

    def remote(self, *arguments):
        done = subprocess.run(["transmission-remote", f"127.0.0.1:{self.rpc_port}", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                              stdin=subprocess.DEVNULL, timeout=20, encoding="utf-8")
        return done.stdout if done.returncode == 0 else None

    def add(self, infohash):
        return self.remote("--add", magnet(infohash))


class Aria2(Child):
    """aria2c looking for one magnet."""

    def __init__(self, address, infohash, node):
        self.address = (address, PORT)
        super().__init__(lambda folder: [
            "aria2c", "--no-conf", "--quiet", "--enable-dht=true", "--enable-dht6=false",
            f"--interface={address}", f"--dht-listen-port={PORT}", f"--listen-port={PORT}",
            f"--dht-entry-point={node[0]}:{node[1]}", f"--dht-file-path={folder}/dht.dat",
            "--bt-enable-lpd=false", "--seed-time=0", f"--dir={folder}", "--async-dns=false",
            "--stop=300", magnet(infohash)])


def magnet(infohash):
    return "magnet:?xt=urn:btih:" + infohash.hex()


class Node(Lines):
    """Our own: `ramage dht run` at one address."""

    def __init__(self, program, address, nodes=(), port=PORT, inside=None, more=()):
        at = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        super().__init__(lambda folder: [program, "dht", "run", "--bind", at,
                                         *with_each("--bootstrap", nodes), *more], inside)
        self.address = (address, port)
        words = (self.line(people.PATIENCE_SECONDS) or "").split()
        if words[:2] != ["ready", at]:
            raise RuntimeError(f"our node is not ready: {words} {self.said()}")
        self.id = bytes.fromhex(words[2])


def with_each(option, nodes):
    """The option before each address."""
    for host, port in nodes:
        yield from (option, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def ask_network(program, *arguments, nodes=(), inside=None, seconds=60):
    """`ramage dht ... --json` once: (the objects it printed, its status)."""
    before = ["nsenter", f"--net=/run/netns/{inside}"] if inside else []
    done = subprocess.run([*before, program, "dht", *arguments, *with_each("--bootstrap", nodes),
                           "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=seconds, encoding="utf-8")
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


class Listener(threading.Thread):
    """A TCP port that notes who calls, and says nothing."""

    def __init__(self, host, port):
        super().__init__(daemon=True)
        self.socket = socket.create_server((host, port), family=socket.AF_INET)
        self.callers = []
        self.start()

    def run(self):
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:
                return
            self.callers.append(address[0])
            connection.close()

    def called_by(self, host):
        return host in self.callers
