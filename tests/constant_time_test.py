"""ML-KEM and the comparison of secrets take no branch, index or division that depends on a secret,
whatever the compiler makes of them.

usage: constant_time_test.py TOP

Every compiler and level of optimisation makes the program tests/ct/secrets.c, which runs under
valgrind with the secrets marked as undefined; the machine code of ML-KEM and Keccak is searched for
divisions, whose time depends on the operands (KyberSlash). In two more programs a secret does leak,
and a third has a division: if nobody noticed these, the other results would be worth nothing.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"]
# clang turned arithmetic into branches with its vectoriser off only; gcc is asked for symmetry.
UNVECTORISED = {"gcc": "-fno-tree-vectorize", "clang": "-fno-vectorize"}
VECTORISING_LEVELS = ["-O1", "-O2", "-O3", "-Os"]
# As the product is built, so far as the machine code depends on it.
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fstack-protector-strong",
         "-fno-strict-aliasing", "-fno-common",
         "-gdwarf-4"]  # valgrind 3.19 ends where clang writes a newer form
UNDIVIDED = ["engine/crypto/keccak.c", "engine/crypto/mlkem.c", "engine/crypto/poly.c"]
SOURCES = [*UNDIVIDED, "engine/crypto/hash.c", "base/bytes.c", "base/mem.c", "base/rng.c",
           "tests/ct/secrets.c"]
LINK = ["-Wl,--wrap=poly_sample_uniform", "-lsodium"]
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99"]
DIVISION = re.compile(r"\t[su]?i?div[bwlq]?\b.*$", re.MULTILINE)
WORKERS = 2
SECONDS = 120

DIVIDING = "unsigned divide(unsigned a, unsigned b);\n" \
           "unsigned divide(unsigned a, unsigned b) { return a / b; }\n"


def run(command, where):
    try:
        done = subprocess.run(command, cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS, check=False, encoding="utf-8", errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, str(error)
    return done.returncode, done.stdout


def compiled(top, folder, compiler, flags, sources):
    """The objects of the sources, or what the compiler says."""
    status, output = run([compiler, *FLAGS, *flags, "-I", top, "-c",
                          *(os.path.join(top, source) for source in sources)], folder)
    if status != 0:
        raise RuntimeError(output)
    return [os.path.join(folder, os.path.basename(source)[:-1] + "o") for source in sources]


def divisions(objects):
    status, output = run(["objdump", "-d", "--no-show-raw-insn", *objects], None)
    if status != 0 or "<" not in output:
        raise RuntimeError(output)
    return [found.strip() for found in DIVISION.findall(output)]


def watched(top, folder, compiler, flags):
    """What valgrind says about the program made this way: (status, output)."""
    objects = compiled(top, folder, compiler, flags, SOURCES)
    program = os.path.join(folder, "secrets")
    status, output = run([compiler, *objects, *LINK, "-o", program], folder)
    if status != 0:
        raise RuntimeError(output)
    return run([*VALGRIND, program], folder)


def keeps_secrets(top, folder, compiler, flags):
    status, output = watched(top, folder, compiler, flags)
    found = divisions([os.path.join(folder, os.path.basename(source)[:-1] + "o")
                       for source in UNDIVIDED])
    return status == 0 and output == "good\n" and not found, output + "\n".join(found)


def leak_is_seen(top, folder, compiler, flags):
    status, output = watched(top, folder, compiler, flags)
    return status == 99, output


def division_is_seen(top, folder, compiler, flags):
    source = os.path.join(folder, "dividing.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(DIVIDING)
    return divisions(compiled(top, folder, compiler, flags, [source])) != [], "no division found"


def cases():
    """(name, question, compiler, flags)"""
    for compiler, plain in UNVECTORISED.items():
        for level in LEVELS:
            yield f"T-29 {compiler} {level}", keeps_secrets, compiler, [level]
        for level in VECTORISING_LEVELS:
            yield f"T-29 {compiler} {level} {plain}", keeps_secrets, compiler, [level, plain]
        for leak, name in (1, "a branch"), (2, "an index"):
            yield (f"{compiler}: {name} that depends on a secret is noticed", leak_is_seen,
                   compiler, ["-O2", f"-DLEAK={leak}"])
        yield f"{compiler}: a division is noticed", division_is_seen, compiler, ["-O2"]


def judge(top, case):
    name, question, compiler, flags = case
    with tempfile.TemporaryDirectory(prefix="ramage-ct-") as folder:
        try:
            good, output = question(top, folder, compiler, flags)
        except RuntimeError as error:
            good, output = False, str(error)
    return name, good, output


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    top = os.path.abspath(sys.argv[1])
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as workers:
        for name, good, output in workers.map(lambda case: judge(top, case), cases()):
            print(f"{'ok' if good else 'not ok'} - {name}", flush=True)
            if not good:
                print(output)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
