#include "apps/cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apps/face/face.h"

static const struct option_row rows[OPTIONS] = {
    [OPTION_HOME] = { "home", 0, "DIR", 1, "the identity kept in DIR; RAMAGE_HOME does the same" },
    [OPTION_JSON] = { "json", 0, NULL, 1, "one JSON object per thing, errors too" },
    [OPTION_NO_START] = { "no-start", 0, NULL, 1, "do not start the daemon when it is absent" },
    [OPTION_NO_INPUT] = { "no-input", 0, NULL, 1, "never ask anything" },
    [OPTION_PASSPHRASE_FD] = { "passphrase-fd", 0, "N", 1,
                               "read the passphrase from descriptor N" },
    [OPTION_QUIET] = { "quiet", 'q', NULL, 1, "only what was asked for" },
    [OPTION_COLOR] = { "color", 0, "WHEN", 1, "auto, always or never; NO_COLOR is honoured" },
    [OPTION_HELP] = { "help", 'h', NULL, 1, "explain the verb" },
    [OPTION_VERSION] = { "version", 0, NULL, 1, "say which release this is" },
    [OPTION_NO_PASSPHRASE] = { "no-passphrase", 0, NULL, 1, "do not lock the keys on the disk" },
    [OPTION_NAME] = { "name", 0, "NAME", 1, "your own name, or the one you give a contact" },
    [OPTION_QR] = { "qr", 0, NULL, 1, "draw it as a QR code" },
    [OPTION_AT] = { "at", 0, "IP:PORT", 8, "where to look for this person; several are fine" },
    [OPTION_LISTEN] = { "listen", 0, "IP:PORT", 16,
                        "where to listen, whatever `config` says; several are fine" },
    [OPTION_READY_FD] = { "ready-fd", 0, "N", 1,
                          "write \"ready\", or the name of an error, to descriptor N" },
    [OPTION_VERBOSE] = { "verbose", 'v', NULL, 1, "log what happens" },
    [OPTION_WAIT] = { "wait", 0, "STATE", 1,
                      "send: return once written, sealed or delivered; invite: joined" },
    [OPTION_TIMEOUT] = { "timeout", 0, "TIME", 1, "how long to wait: 30s, 10m, 2h (default 60s)" },
    [OPTION_REQUEST_KEY] = { "request-key", 0, "KEY", 1,
                             "repeating a send with the same key sends nothing new" },
    [OPTION_COUNT] = { "count", 'n', "N", 1, "show N messages" },
    [OPTION_UNREAD] = { "unread", 0, NULL, 1, "only what you have not read" },
    [OPTION_KEEP] = { "keep", 0, NULL, 1,
                      "read: do not mark anything as read; dht: renew it until Ctrl-C" },
    [OPTION_SINCE] = { "since", 0, "CURSOR", 1, "events after this number; 0 for all" },
    [OPTION_AS] = { "as", 0, "NAME", 1, "go on where the reader NAME stopped" },
    [OPTION_STDIO] = { "stdio", 0, NULL, 1, "pass lines between standard input and the daemon" },
    [OPTION_SCRIPT] = { "script", 0, NULL, 1, "print the conversation and end" },
    [OPTION_BIND] = { "bind", 0, "IP:PORT", 16,
                      "where to listen (default: any free port); several are fine" },
    [OPTION_BOOTSTRAP] = { "bootstrap", 0, "IP:PORT", 16,
                           "a node to begin with; several are fine" },
    [OPTION_SAVE] = { "save", 0, "FILE", 1, "keep the nodes known in FILE over a restart" },
    [OPTION_SOCKET] = { "socket", 0, "PATH", 1, "answer `dht.` methods on a Unix socket there" },
    [OPTION_RATE] = { "rate", 0, "BYTES", 1,
                      "answer with at most so many bytes a second; 0: no limit" },
    [OPTION_PER_ADDRESS] = { "per-address", 0, "PACKETS", 1,
                             "send one address at most so many packets in 1.12 s; 0: no limit" },
    [OPTION_PUBLIC] = { "public", 0, NULL, 1,
                        "ask the public entry points by name when nobody else answers" },
    [OPTION_READ_ONLY] = { "read-only", 0, NULL, 1, "ask, and serve nobody" },
    [OPTION_KEY] = { "key", 0, "HEX", 1, "the owner's public key, 64 hex digits" },
    [OPTION_SALT] = { "salt", 0, "TEXT", 1, "which of the items of that key" },
    [OPTION_KEY_FILE] = { "key-file", 0, "FILE", 1,
                          "sign with the Ed25519 seed in FILE (hex), made when absent" },
    [OPTION_SEQ] = { "seq", 0, "N", 1,
                     "replaces all with a lower one (default: the time in seconds)" },
    [OPTION_CAS] = { "cas", 0, "N", 1, "replace the one with this seq, and no other" },
    [OPTION_BENCODED] = { "bencoded", 0, NULL, 1, "the value is bencoded already" },
    [OPTION_NODES] = { "nodes", 0, "N|ID", 1,
                       "put, announce: on N nodes, 8 to 20; find: the nodes closest to ID" },
    [OPTION_PORT] = { "port", 0, "N", 1, "the UDP or TCP port where peers find you" },
    [OPTION_HIDDEN] = { "hidden", 0, NULL, 1, "only the last nodes asked learn what you look for" },
    [OPTION_EXPIRES] = { "expires", 0, "TIME", 1, "nobody may come later: 30m, 2h (default 1d)" },
    [OPTION_INTRODUCE] = { "introduce", 0, "NAME", 1, "how you introduce yourself to the other" },
    [OPTION_WORDS] = { "words", 0, "en|fr", 1, "four words to be spoken, beside the link" },
    [OPTION_MATCH] = { "match", 0, NULL, 1, "the numbers are the same: verified" },
    [OPTION_MISMATCH] = { "mismatch", 0, NULL, 1, "they differ: nothing more is sent" },
};

const struct option_row *option_row(enum option_id id)
{
    assert(id < OPTIONS && rows[id].name != NULL && rows[id].most <= OPTION_REPEATS_MAX);
    return &rows[id];
}

__attribute__((format(printf, 2, 3))) static bool wrong(char *trouble, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(trouble, OPTION_TROUBLE_BYTES, format, values);
    va_end(values);
    return false;
}

static bool unknown(const char *name, size_t size, char *trouble, const char **nearest)
{
    const char *names[OPTIONS];
    char word[64];
    for (size_t i = 0; i < OPTIONS; i++)
        names[i] = rows[i].name;
    snprintf(word, sizeof word, "%.*s", (int)(size < sizeof word ? size : sizeof word - 1), name);
    *nearest = face_nearest(word, names, OPTIONS);
    return wrong(trouble, "there is no option --%s", word);
}

/* The option written like that, whole; OPTIONS for none. */
static enum option_id exactly(const char *name, size_t size)
{
    for (enum option_id id = 0; id < OPTIONS; id++)
        if (strlen(rows[id].name) == size && memcmp(rows[id].name, name, size) == 0)
            return id;
    return OPTIONS;
}

static enum option_id with_letter(char letter)
{
    for (enum option_id id = 0; id < OPTIONS; id++)
        if (letter != 0 && rows[id].letter == letter)
            return id;
    return OPTIONS;
}

/* Looks at every long option before getopt_long does, since that would complete abbreviations. */
static bool are_whole(int count, char **arguments, char *trouble, const char **nearest)
{
    for (int i = 1; i < count && strcmp(arguments[i], "--") != 0; i++) {
        const char *word = arguments[i];
        enum option_id id = OPTIONS;
        if (strncmp(word, "--", 2) == 0) {
            size_t size = strcspn(word + 2, "=");
            id = exactly(word + 2, size);
            if (id == OPTIONS)
                return unknown(word + 2, size, trouble, nearest);
            if (word[2 + size] == '=')
                continue; /* its argument came with it */
        } else if (word[0] == '-' && word[1] != '\0' && word[2] == '\0') {
            id = with_letter(word[1]);
        }
        if (id != OPTIONS && rows[id].argument != NULL)
            i++; /* its argument, whatever that looks like */
    }
    return true;
}

static void describe(struct option long_rows[OPTIONS + 1], char letters[2 * OPTIONS + 2])
{
    *letters++ = ':'; /* tells a missing argument from an unknown option */
    for (enum option_id id = 0; id < OPTIONS; id++) {
        bool takes = rows[id].argument != NULL;
        long_rows[id] = (struct option){ rows[id].name, takes ? required_argument : no_argument,
                                         NULL, 256 + (int)id };
        if (rows[id].letter == 0)
            continue;
        *letters++ = rows[id].letter;
        if (takes)
            *letters++ = ':';
    }
    *letters = '\0';
}

static bool keep(struct options *out, enum option_id id, const char *value, char *trouble)
{
    if (out->given[id] == rows[id].most)
        return rows[id].most == 1 ? wrong(trouble, "--%s stands there twice", rows[id].name)
                                  : wrong(trouble, "--%s may stand %zu times, not more",
                                          rows[id].name, rows[id].most);
    out->values[id][out->given[id]++] = value;
    return true;
}

bool options_read(struct options *out, int count, char **arguments,
                  char trouble[OPTION_TROUBLE_BYTES], const char **nearest)
{
    struct option long_rows[OPTIONS + 1] = { 0 };
    char letters[2 * OPTIONS + 2];
    *out = (struct options){ 0 };
    *nearest = NULL;
    if (!are_whole(count, arguments, trouble, nearest))
        return false;
    describe(long_rows, letters);
    opterr = 0;
    optind = 0; /* start afresh: glibc */
    for (int found; (found = getopt_long(count, arguments, letters, long_rows, NULL)) != -1;) {
        if (found == ':')
            return wrong(trouble, "%s needs a value", arguments[optind - 1]);
        enum option_id id = found >= 256 ? (enum option_id)(found - 256) : with_letter((char)found);
        if (found == '?' && optopt >= 256)
            return wrong(trouble, "--%s takes no value", rows[optopt - 256].name);
        if (found == '?' || id == OPTIONS)
            return wrong(trouble, "there is no option -%c", optopt);
        if (!keep(out, id, optarg, trouble))
            return false;
    }
    out->words = arguments + optind;
    out->word_count = count - optind;
    return true;
}
