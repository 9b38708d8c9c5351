"""Whether `vectors` notices a file that holds nothing: of each kept file a copy without its cases
lies alone in a directory, and so does one that breaks off.

usage: vectors_test.py PROGRAM DIR
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile


def emptied(path):
    """The file as it is read, and no case in it."""
    if not path.endswith(".json"):
        return gzip.compress(b"") if path.endswith(".gz") else b""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    if isinstance(content, list):
        return b"[]"
    lists = {name: [] for name, value in content.items()
             if isinstance(value, list) and isinstance(value[0], dict)}
    rest = {name: value for name, value in content.items() if not isinstance(value, (list, dict))}
    return json.dumps({**rest, **lists} if lists else {}).encode()  # else the whole is one case


def cut(path):
    with open(path, "rb") as file:
        content = file.read()
    return content[:1] if path.endswith(".json") else content[:10]


def fails(program, name, content):
    """Whether the program says of this file, the only one there, that it has failed."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, os.path.dirname(name)))
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
        done = subprocess.run([program, folder], capture_output=True, encoding="utf-8", check=False)
    if done.returncode == 2:  # it gave up, and said over what
        return done.stderr.startswith("vectors: ")
    lines = done.stdout.splitlines()
    return done.returncode == 1 and lines[-1].startswith("0 passed, ") and any(
        line.startswith(name + ": ") and not line.endswith(" 0 failed") for line in lines)


def main():
    program, top = sys.argv[1:]
    good = True
    folders = [entry.name for entry in os.scandir(top) if entry.is_dir()]
    for folder in sorted(folders):
        names = [os.path.join(folder, name)
                 for name in sorted(os.listdir(os.path.join(top, folder)))
                 if name.endswith((".json", ".txt", ".gz")) and "NOTICE" not in name]
        for change in (emptied, cut):
            missed = [name for name in names
                      if not fails(program, name, change(os.path.join(top, name)))]
            good = good and not missed
            print("not ok" if missed else "ok", "-", f"a file of {folder} that is {change.__name__}"
                  " has failed", *missed)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
