/* `ramage dht put` */
#include "apps/cli/dht.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"

#define VALUE_READ_MAX 1001 /* one past what an item holds, so that the daemon refuses */
#define SEED_BYTES     32
#define SEED_CHARS     (2 * SEED_BYTES)

/* --- the seed --------------------------------------------------------------------------------- */

static bool write_seed(int file)
{
    uint8_t seed[SEED_BYTES];
    char text[SEED_CHARS + 1];
    bool good = getrandom(seed, sizeof seed, 0) == (ssize_t)sizeof seed;
    rpc_hex_print(BYTES_OF(seed), text);
    good = good && write(file, text, SEED_CHARS) == SEED_CHARS && write(file, "\n", 1) == 1;
    wipe(seed, sizeof seed);
    wipe(text, sizeof text);
    return good && fsync(file) == 0;
}

/* Whole or not at all: two may begin at once, and then have the same. */
static void make_seed(const char *path)
{
    char temporary[PATH_MAX];
    int size = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int file = size > 0 && (size_t)size < sizeof temporary ? mkostemp(temporary, O_CLOEXEC) : -1;
    if (file < 0)
        return;
    if (write_seed(file))
        (void)(link(temporary, path) == 0); /* or the other was first */
    close(file);
    unlink(temporary);
}

static bool take_seed(int file, char text[SEED_CHARS + 1])
{
    uint8_t seed[SEED_BYTES];
    text[SEED_CHARS] = '\0';
    bool good =
        read(file, text, SEED_CHARS) == SEED_CHARS && rpc_hex_parse(text, seed, sizeof seed);
    wipe(seed, sizeof seed);
    return good;
}

/* Made where there is none, for its owner's eyes alone. */
static bool read_seed(struct cli *cli, const char *path, char text[SEED_CHARS + 1])
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        make_seed(path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        fail_usage(cli, "no key file can be read or made at \"%.64s\": %s", path, strerror(errno));
        return false;
    }
    bool good = take_seed(file, text);
    close(file);
    return good || (fail_usage(cli, "\"%.64s\" holds no seed of 64 hex digits", path), false);
}

/* --- the value -------------------------------------------------------------------------------- */

struct text {
    char data[VALUE_READ_MAX + 16];
    size_t size;
};

static bool read_input(struct cli *cli, struct text *out)
{
    out->size = 0;
    while (out->size < VALUE_READ_MAX) {
        ssize_t got = read(STDIN_FILENO, out->data + out->size, VALUE_READ_MAX - out->size);
        if (got < 0 && errno == EINTR && !was_interrupted())
            continue;
        if (got < 0)
            return fail(cli, RPC_INTERRUPTED), false;
        if (got == 0)
            break;
        out->size += (size_t)got;
    }
    return true;
}

static bool take_value(struct cli *cli, struct text *out)
{
    const char *word = cli->words[0];
    if (strcmp(word, "-") == 0)
        return read_input(cli, out);
    out->size = strlen(word);
    if (out->size > VALUE_READ_MAX)
        out->size = VALUE_READ_MAX;
    memcpy(out->data, word, out->size);
    return true;
}

/* A byte string, unless it is bencoded already. */
static json_t *value_of(const struct cli *cli, const struct text *text)
{
    char whole[sizeof text->data + 16], shown[RPC_BASE64_CHARS(sizeof whole) + 1];
    int head = given(cli, OPTION_BENCODED) ? 0 : snprintf(whole, 16, "%zu:", text->size);
    memcpy(whole + head, text->data, text->size);
    rpc_base64_print((struct bytes){ (const uint8_t *)whole, (size_t)head + text->size }, shown);
    return json_string(shown);
}

/* --- the verb --------------------------------------------------------------------------------- */

static bool add_number(struct cli *cli, json_t *params, enum option_id id)
{
    int64_t number;
    const char *text = value(cli, id), *name = option_row(id)->name;
    if (text == NULL)
        return true;
    if (!whole_from(text, INT64_MAX, &number))
        return fail_usage(cli, "--%s needs a whole number", name), false;
    json_object_set_new(params, name, json_integer(number));
    return true;
}

static bool add_signing(struct cli *cli, json_t *params)
{
    char seed[SEED_CHARS + 1];
    const char *path = value(cli, OPTION_KEY_FILE), *salt = value(cli, OPTION_SALT);
    if (path == NULL && (salt != NULL || given(cli, OPTION_SEQ) || given(cli, OPTION_CAS)))
        return fail_usage(cli, "--salt, --seq and --cas go with --key-file"), false;
    if (path == NULL)
        return true;
    if (!read_seed(cli, path, seed))
        return false;
    json_object_set_new(params, "seed", json_string(seed));
    wipe(seed, sizeof seed);
    if (salt != NULL)
        json_object_set_new(params, "salt", json_string(salt));
    return add_number(cli, params, OPTION_SEQ) && add_number(cli, params, OPTION_CAS);
}

static void print_place(const json_t *result)
{
    fputs("target ", stdout);
    print_clean(rpc_text(result, "target"));
    if (rpc_text(result, "key") != NULL) {
        fputs("\nkey    ", stdout);
        print_clean(rpc_text(result, "key"));
        printf("\nseq    %lld", (long long)rpc_whole(result, "seq", 0));
    }
    putchar('\n');
}

/* What is kept up is named first: whoever waits for its end may want it till then. */
static void print_round(struct cli *cli, const json_t *event)
{
    const char *kind = rpc_text(event, "kind");
    if (!given(cli, OPTION_KEEP))
        return;
    if (kind == NULL)
        print_place(event);
    else if (strcmp(kind, "dht.stored") == 0)
        remark(cli, "taken by %lld, refused by %lld\n", (long long)rpc_whole(event, "stored", 0),
               (long long)rpc_whole(event, "refused", 0));
}

int command_dht_put(struct cli *cli)
{
    struct text text;
    json_t *params = json_object();
    if (!take_value(cli, &text) || !dht_common_params(cli, params) || !add_signing(cli, params)) {
        json_decref(params);
        return cli->exit;
    }
    json_object_set_new(params, "value", value_of(cli, &text));
    json_t *result = dht_ask(cli, "dht.put", params, print_round);
    if (result == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(result);
    else if (!given(cli, OPTION_KEEP))
        print_place(result);
    remark(cli, "taken by %lld; ", (long long)rpc_whole(result, "stored", 0));
    dht_remark_cost(cli, result);
    json_decref(result);
    return cli->exit;
}
