"""A second reader of Ramage's protocol, written from docs/protocol.md alone.

usage: reader.py write FILE [SEED]    writes an exchange between two people
       reader.py read FILE            follows a recorded one, as either of the two
       reader.py vectors DIR          writes the vectors of tests/vectors/session
"""

import json
import sys

import exchange
import vectors
from primitives import Refused


def write(path, seed="ramage exchange"):
    with open(path, "w", encoding="ascii") as file:
        json.dump(exchange.write(seed), file, indent=1)
        file.write("\n")


def read(path):
    with open(path, encoding="ascii") as file:
        recorded = json.load(file)
    for name in recorded["people"]:
        counted = exchange.follow(recorded, name)
        counted["classes"] = sorted(counted["classes"])
        print(f"as {name}: " + ", ".join(f"{value} {key}" for key, value in counted.items()))


def main(arguments):
    does = {"write": write, "read": read, "vectors": vectors.write_all}
    if len(arguments) < 2 or arguments[0] not in does:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        does[arguments[0]](*arguments[1:])
    except Refused as why:
        print(f"refused: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
