"""Breaks each house rule once, in a copy of the tree, and sees tools/tidy notice.

usage: tidy_test.py BUILD    (a finished build of this tree)
"""

import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNFINISHED = "TO" "DO"

# rule, what is added to the copy ({path: text}), what tidy must say
BREAKS = {
    "an upward include": ("layers", {"base/broken.c": '#include "engine/node/node.h"\n'},
                          "base/broken.c: base may not use engine/node"),
    "a private header": ("layers", {"engine/node/broken.c": '#include "engine/chat/record.h"\n'},
                         "engine/chat/record.h is private to engine/chat"),
    "an include from beside": ("layers", {"base/broken.c": '#include "bytes.h"\n'},
                               "base/broken.c: no bytes.h"),
    "a file in no room": ("layers", {"engine/attic/broken.c": "\n"},
                          "engine/attic/broken.c: belongs to no room"),
    "test.h outside tests": ("layers", {"base/broken.c": '#include "tests/test.h"\n'},
                             "base may not use tests"),
    "a library away from home": ("homes", {"engine/chat/broken.c": "#include <sodium.h>\n"},
                                 "engine/chat/broken.c: <sodium.h> belongs to engine/crypto"),
    "a header that needs another": ("headers", {"base/broken.h": "uint8_t broken(void);\n"},
                                    "base/broken.h"),
    "a test nobody builds": ("links", {"base/broken_test.c": "\n"},
                             "base/broken_test.c: no program is made of it"),
    "a node that asks the store": ("node", {"engine/node/broken.c": "    store_contact_get(a);\n"},
                                   "engine/node/broken.c: asks the store: store_contact_get"),
    "a node with an opinion": ("node", {"engine/node/broken.c": "case MESSAGE_DELIVERED:\n"},
                               "has an opinion about messages: MESSAGE_DELIVERED"),
    "a fuzzer nobody builds": ("fuzzers", {"base/broken_fuzz.c": "\n"},
                               "base/broken_fuzz.c: not in the list of fuzzers"),
    "a fuzzer without a corpus": ("fuzzers", {
        "base/broken_fuzz.c": "\n",
        "base/meson.build": "fuzzers += [['broken', files('broken_fuzz.c'), [base]]]\n",
    }, "base/broken_fuzz.c: no corpus in tests/corpus/broken"),
    "a decoder without a fuzzer": ("fuzzers", {
        "base/broken.h": "enum fault broken_read(struct bytes wire);\n",
    }, "base/broken.h: broken_read reads what came from outside"),
    "a label for two purposes (T-20)": ("labels", {
        "base/broken.c": 'const char *broken = "ramage/card/door/v1";\n',
    }, "ramage/card/door/v1: stands in base/broken.c:1 and engine/crypto/card.c:"),
    "a label that begins another (T-20)": ("labels", {
        "base/broken.c": 'const char *broken = "ramage/card/door/v12";\n',
    }, "ramage/card/door/v1: begins ramage/card/door/v12"),
    "a label put together from parts (T-20)": ("labels", {
        "base/broken.c": 'const char *broken = "ramage/broken/" VERSION;\n',
    }, "base/broken.c:1: no label has this form: ramage/broken/"),
    "a hash under no label (T-20)": ("labels", {
        "base/broken.c": 'hash_parts(out, 32, key, "words", NULL, 0);\n',
    }, "base/broken.c: no label has this form: words"),
    "a label nobody wrote down (T-20)": ("labels", {
        "base/broken.c": 'const char *broken = "ramage/broken/v1";\n',
    }, "ramage/broken/v1: is not in docs/protocol.md"),
    "a label nobody uses (T-20)": ("labels", {"docs/protocol.md": '"ramage/broken/v1"\n'},
                            "ramage/broken/v1: nobody uses it"),
    "a line too long": ("form", {"base/broken.c": "/* " + "x" * 95 + " */\n"},
                        "base/broken.c:1: over 100 columns"),
    "a tab": ("form", {"base/broken.c": "\tint broken;\n"}, "base/broken.c:1: over 100 columns"),
    "unfinished work": ("text", {"base/broken.c": f"/* {UNFINISHED}: later */\n"},
                        "base/broken.c:1: unfinished"),
    "a path of this machine": ("text", {"docs/broken.md": "see {tree}/base\n"},
                               "docs/broken.md:1: names this machine"),
}


class Copy:
    """A copy of the tree, without what is not part of it."""

    def __init__(self, folder):
        self.tree = os.path.join(folder, "tree")
        self.build = os.path.join(folder, "built")
        os.mkdir(self.build)
        shutil.copytree(TOP, self.tree, ignore=shutil.ignore_patterns(
            ".git", "build", "build-*", "__pycache__"))

    def tidy(self, rule):
        """Returns (whether it is content, what it says)."""
        done = subprocess.run(
            ["/usr/bin/python3", os.path.join(TOP, "tools", "tidy"), "--tree", self.tree,
             "--build", self.build, rule], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, encoding="utf-8")
        return done.returncode == 0, done.stdout

    def add(self, path, text):
        """Appends to a file, or makes it; returns what undoes that."""
        path = os.path.join(self.tree, path)
        before = open(path, encoding="utf-8").read() if os.path.exists(path) else None
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(text.replace("{tree}", self.tree))

        def undo():
            os.remove(path)
            if before is not None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(before)
        return undo

    def archive(self, room, source):
        """Makes an archive of that room in the scratch build, of one object of that source."""
        folder = os.path.join(self.build, room)
        os.makedirs(folder, exist_ok=True)
        built = os.path.join(folder, "broken.o")
        subprocess.run(["cc", "-c", "-x", "c", "-o", built, "-"], input=source.encode(), check=True)
        archive = os.path.join(folder, f"lib{os.path.basename(room)}.a")
        subprocess.run(["ar", "rcs", archive, built], check=True)


def noticed(copy, rule, expected):
    content, said = copy.tidy(rule)
    return not content and expected in said


def breaks_by_source(copy):
    for name, (rule, files, expected) in BREAKS.items():
        before = noticed(copy, rule, expected)
        undo = [copy.add(path, text) for path, text in files.items()]
        yield name, not before and noticed(copy, rule, expected)
        for step in reversed(undo):
            step()


def breaks_by_object(copy):
    for room, source, name in (
            ("engine/chat", "long time(long *); long now(void) { return time(0); }", "time"),
            ("engine/link", "int socket(int, int, int); int s(void) { return socket(1, 2, 0); }",
             "socket"),
            ("engine/chat", "int getrandom(void *, long, int); int r(char *b) "
                            "{ return getrandom(b, 1, 0); }", "getrandom"),
            ("engine/crypto", "void randombytes_buf(void *, long); void r(char *b) "
                              "{ randombytes_buf(b, 1); }", "randombytes_buf"),
            ("engine/node", "int sqlite3_step(void *); int s(void) { return sqlite3_step(0); }",
             "sqlite3_step")):
        copy.archive(room, source)
        yield f"{room} asks the linker for {name}", noticed(copy, "linker", f"asks for {name}")
        shutil.rmtree(os.path.join(copy.build, room))


def breaks_by_link(copy):
    with open(os.path.join(copy.build, "build.ninja"), "a", encoding="utf-8") as file:
        file.write("\nbuild base/text_test2: c_LINKER base/text_test.p/text_test.c.o"
                   " | engine/chat/libchat.a\n"
                   "build engine/chat/record_test2: c_LINKER engine/chat/x.p/record_test.c.o"
                   " | /usr/lib/libuv.so\n")
    yield "a test linked upwards", noticed(
        copy, "links", "base/text_test.c: is linked with engine/chat, which base may not use")
    yield "a test linked with a stranger's library", noticed(
        copy, "links", "engine/chat/record_test.c: is linked with host, which engine/chat may not")


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(folder)
        shutil.copy(os.path.join(sys.argv[1], "build.ninja"), copy.build)
        for tries in (breaks_by_source, breaks_by_object, breaks_by_link):
            for name, good in tries(copy):
                print(f"{'ok' if good else 'not ok'} - notices {name}", flush=True)
                failed = failed or not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
