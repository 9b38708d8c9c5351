"""A small DHT for people, with nothing in it but `ramage dht run`."""

import os
import subprocess
import time

import people

NODES = tuple(f"node{number}" for number in range(1, 9))
DHT_PORT = 6881


class Swarm:
    """A small DHT of bare nodes, each on a machine of its own."""

    def __init__(self, program, lab):
        self.nodes = []
        self.first = f"{lab.address[NODES[0]]}:{DHT_PORT}"
        for name in NODES:
            begin = [] if name == NODES[0] else ["--bootstrap", self.first]
            node = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{name}", program, "dht", "run", "--bind",
                 f"{lab.address[name]}:{DHT_PORT}", *begin],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="ascii")
            self.nodes.append(node)
            assert node.stdout.readline().startswith("ready ")

    def enter(self, person):
        """What this person's daemon knows of it: one node."""
        with open(os.path.join(person.home, "config"), "w", encoding="ascii") as config:
            config.write(f"dht.bootstrap = {self.first}\ndht.router = none\n")

    def end(self):
        for node in self.nodes:
            node.kill()
            node.wait()


def send_and_wait(writer, reader, text):
    """Seconds until it is delivered."""
    began = time.monotonic()
    sent = writer.json("send", reader.name, text)[0]
    people.wait_for(f"{text!r} to be delivered",
                    lambda: writer.json("why", sent["id"])[0]["message"]["state"] == "delivered")
    return time.monotonic() - began
