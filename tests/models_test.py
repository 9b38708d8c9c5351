#!/usr/bin/python3
"""Searches the models of docs/models through: with all rules, and with each rule off.

usage: models_test.py DIRECTORY    (docs/models)

With all rules no state within the bounds may break a claim. With a rule off one must: a model that
does not miss a rule says nothing about it.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import people

AT_ONCE = 2
PATIENCE = 240  # seconds; a search needs 10 at most on a machine with nothing else to do
MEGABYTES = 900  # each; there are 8 million states in the largest search at most

# model, name, bounds, rules to switch off
SEARCHES = [
    ("rekey", "five messages a side", ["SENDS=5"],
     ["ONCE", "GREATER", "KEEP", "REPEAT", "EVERY", "COMMIT", "WHOLE"]),
    ("rekey", "three messages under way", ["SENDS=4", "QUEUE=3"], []),
    ("sessions", "a state lost", [],
     ["RANK", "RAISE", "ANSWER", "RESET", "HAIL", "AGAIN", "LIST"]),
    ("sessions", "starts that cross twice", ["LOSSES=0", "DOWNS=2"], ["RANK", "HAIL"]),
    ("sessions", "sessions forgotten", ["LOSSES=0", "DOWNS=0", "LIMITS=1", "KEPT=2"],
     ["AGAIN", "HAIL"]),
]


def command(arguments, cwd):
    done = subprocess.run(arguments, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, encoding="utf-8", timeout=PATIENCE)
    return done.returncode, done.stdout


def search(model, bounds):
    """Returns (errors, states, all that was said); errors: None if the search did not finish."""
    with tempfile.TemporaryDirectory() as place:
        options = [f"-D{bound}" for bound in bounds]
        status, said = command(["spin", "-a", *options, os.path.abspath(model)], place)
        if status == 0:  # -O0: an optimizer takes longer over pan.c than it saves
            status, said = command(["cc", "-O0", "-w", "-DSAFETY", "-DCOLLAPSE",
                                    f"-DMEMLIM={MEGABYTES}", "-o", "pan", "pan.c"], place)
        if status != 0:
            return None, 0, said
        _, said = command(["./pan", "-m20000", "-n"], place)
        if "errors: 1" in said:
            _, trail = command(["spin", "-t", *options, os.path.abspath(model)], place)
            said += trail
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    cut = re.search(r"not completed|too small|out of memory|aborting", said) and "errors: 0" in said
    return (None if errors is None or cut else int(errors.group(1)),
            int(states.group(1)) if states else 0, said)


def judge(directory, job):
    """Returns (what was to be shown, whether it was, all that was said)."""
    model, name, bounds, rule = job
    path = os.path.join(directory, model + ".pml")
    try:
        errors, states, said = search(path, bounds + ([f"NO_{rule}"] if rule else []))
    except subprocess.TimeoutExpired:
        errors, states, said = None, 0, f"not finished in {PATIENCE} s\n"
    if rule:
        return f"{model}, {name}: the claims need {rule}", errors == 1, said
    return f"{model}, {name}: all claims hold ({states:,} states)", errors == 0, said


def main(directory):
    report = people.Report()
    jobs = [(model, name, bounds, rule) for model, name, bounds, rules in SEARCHES
            for rule in [None, *rules]]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for what, shown, said in pool.map(lambda job: judge(directory, job), jobs):
            if not shown:
                print(said[-4000:])
            report.say(what, shown)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
