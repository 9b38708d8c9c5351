/* What sessions cost: handshakes, session starts, messages and the KEM, beside libsignal-protocol-c
   in the same run, where that is installed.

   usage: bench_crypto [ROUNDS]      (default 7; rounds alternate, figures are medians)

   CPU time of this process, which plays both sides. A message of ours fills a cell of 4,096 bytes
   and its state is written out after each step, as the store wants it; a message of libsignal is
   4,096 bytes of text, and its session is kept as that library keeps it. */
#include "engine/crypto/noise.h"
#include "engine/crypto/ratchet.h"
#include "tools/bench/libsignal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define ROUNDS_MAX  99
#define HANDSHAKES  200
#define STARTS      200
#define MESSAGES    2000
#define BURST       500 /* messages one way before the other side answers */
#define PLAIN       (RATCHET_OFFER_MESSAGES - 5)
#define KEMS        1000
#define CELL_BYTES  4096
#define HELLO_BYTES 300 /* about what a link says in each message of its handshake */
#define DAY_IN_2026 20780

static size_t rounds = 7;
static uint8_t text[CELL_BYTES];

static void luck(void *source, void *out, size_t size)
{
    (void)source;
    size_t got = 0;
    while (got < size) {
        ssize_t more = getrandom((uint8_t *)out + got, size - got, 0);
        got += more > 0 ? (size_t)more : 0;
    }
}
static struct rng rng = { .fill = luck };

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench crypto: %s failed\n", what);
    exit(1);
}

static double cpu(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* --- figures ---------------------------------------------------------------------------------- */

struct figure {
    const char *name;
    size_t count; /* of what one call does */
    void (*run)(void);
    void (*prepare)(void);      /* what is not measured; NULL: nothing */
    double samples[ROUNDS_MAX]; /* us each */
};

static void measure(struct figure *figures, size_t count)
{
    for (size_t round = 0; round <= rounds; round++)
        for (size_t i = 0; i < count; i++) {
            if (figures[i].prepare != NULL)
                figures[i].prepare();
            double before = cpu();
            figures[i].run();
            if (round > 0) /* the first warms up */
                figures[i].samples[round - 1] = (cpu() - before) / (double)figures[i].count;
        }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(struct figure *figure)
{
    qsort(figure->samples, rounds, sizeof *figure->samples, by_size);
    return figure->samples[rounds / 2];
}

/* --- the KEM ------------------------------------------------------------------------------------
 */

static struct mlkem_pair kem;
static uint8_t kem_cipher[MLKEM_CIPHER_BYTES], kem_shared[MLKEM_SHARED_BYTES];

static void kem_make(void)
{
    for (size_t i = 0; i < KEMS; i++)
        mlkem_pair_make(&kem, &rng);
}

static void kem_encapsulate(void)
{
    for (size_t i = 0; i < KEMS; i++)
        mlkem_encapsulate(kem_cipher, kem_shared, kem.public, &rng);
}

static void kem_decapsulate(void)
{
    for (size_t i = 0; i < KEMS; i++)
        mlkem_decapsulate(kem_shared, kem.seed, kem_cipher);
}

/* --- handshakes of links ------------------------------------------------------------------------
 */

static void pass(struct noise *from, struct noise *to)
{
    static uint8_t wire[NOISE_MESSAGE_MAX_BYTES], out[NOISE_MESSAGE_MAX_BYTES];
    struct cursor at = cursor_into(wire, sizeof wire);
    size_t size;
    must(noise_write(from, (struct bytes){ text, HELLO_BYTES }, &at) == FAULT_NONE &&
             noise_read(to, cursor_written(&at), out, &size) == FAULT_NONE,
         "a handshake");
}

static void shake_hands(const char *name, bool psk)
{
    static const uint8_t secret[NOISE_PSK_BYTES] = "between two contacts";
    struct dh_pair caller, called;
    dh_pair_make(&caller, &rng);
    dh_pair_make(&called, &rng);
    for (size_t i = 0; i < HANDSHAKES; i++) {
        struct noise_keys ours = { .ours = &caller, .theirs = called.public };
        struct noise_keys theirs = { .ours = &called };
        const struct noise_pattern *pattern = noise_pattern(name);
        struct noise *a =
            noise_create(pattern, &kdf_blake2b, true, (struct bytes){ text, 40 }, &ours, &rng);
        struct noise *b =
            noise_create(pattern, &kdf_blake2b, false, (struct bytes){ text, 40 }, &theirs, &rng);
        uint8_t keys[2][32];
        pass(a, b);
        if (psk) {
            noise_set_psk(a, 0, secret);
            noise_set_psk(b, 0, secret);
        }
        pass(b, a);
        noise_split(a, 2, keys);
        noise_split(b, 2, keys);
        noise_destroy(a);
        noise_destroy(b);
    }
}

static void shake_classical(void)
{
    shake_hands("IK", false);
}

static void shake_hybrid(void)
{
    shake_hands("IKhfs+psk2", true);
}

/* --- people -------------------------------------------------------------------------------------
 */

static struct person {
    struct sign_pair account, device;
    struct dh_pair dh;
    struct devices list;
    uint8_t list_wire[DEVICES_MAX_BYTES];
    size_t list_size;
    struct bundle_secrets secrets;
    uint8_t bundle[BUNDLE_BYTES];
    struct ratchet *ratchet;
    struct session_secrets session;
} people[2];

static void person_make(struct person *person)
{
    struct bundle bundle = { .kind = BUNDLE_LAST_RESORT, .id = { 1 }, .sequence = 1 };
    struct device_entry *entry = &person->list.devices[0];
    sign_pair_make(&person->account, &rng);
    sign_pair_make(&person->device, &rng);
    dh_pair_make(&person->dh, &rng);
    bundle_secrets_make(&person->secrets, &rng);
    person->list.counter = 1;
    person->list.valid_until = DAY_IN_2026;
    person->list.device_count = 1;
    memcpy(person->list.account, person->account.public, KEY_BYTES);
    memcpy(entry->device, person->device.public, KEY_BYTES);
    memcpy(entry->dh, person->dh.public, KEY_BYTES);
    person->list_size = devices_write(person->list_wire, &person->list, &person->account);
    memcpy(bundle.account, person->account.public, KEY_BYTES);
    memcpy(bundle.device, person->device.public, KEY_BYTES);
    devices_head(&bundle.head, &person->list,
                 (struct bytes){ person->list_wire, person->list_size });
    memcpy(bundle.dh, person->secrets.dh.public, KEY_BYTES);
    memcpy(bundle.kem, person->secrets.kem.public, MLKEM_PUBLIC_BYTES);
    bundle_write(person->bundle, &bundle, &person->device);
}

/* --- messages -----------------------------------------------------------------------------------
 */

static instant now = 1000 * DAY;

static void keep(const struct ratchet *ratchet)
{
    static uint8_t state[RATCHET_STATE_MAX_BYTES];
    size_t size;
    ratchet_write(ratchet, state, &size);
}

static void say(int speaker)
{
    static uint8_t cell[CELL_BYTES], content[CELL_BYTES];
    struct person *from = &people[speaker], *to = &people[1 - speaker];
    struct ratchet_step step;
    struct ratchet_opened opened;
    now += SECOND;
    must(ratchet_step(from->ratchet, now, &rng, &step) == FAULT_NONE, "a step");
    size_t size = CELL_BYTES - step.header_size - RATCHET_BODY_EXTRA_BYTES;
    ratchet_seal(cell, ratchet_session(from->ratchet), &step, (struct bytes){ text, size }, &rng);
    keep(from->ratchet);
    must(ratchet_open(to->ratchet, now, BYTES_OF(cell), content, &opened) == FAULT_NONE &&
             opened.size == size,
         "opening");
    ratchet_keep(to->ratchet);
    keep(to->ratchet);
}

/* A session from nothing: the bundle is read and the first message opened. */
static void meet(void)
{
    struct person *from = &people[0], *to = &people[1];
    static uint8_t message[START_LARGE_BYTES], memory[START_LARGE_BYTES];
    static struct devices list;
    struct bundle bundle;
    struct start_claim read, claim = { .rank = 1, .list = { from->list_wire, from->list_size } };
    size_t size;
    memcpy(claim.account, from->account.public, KEY_BYTES);
    memcpy(claim.device, from->device.public, KEY_BYTES);
    must(bundle_read(&bundle, BYTES_OF(to->bundle)) == FAULT_NONE &&
             start_write(message, &size, &from->session, &claim, &from->dh, to->dh.public,
                         BYTES_OF(to->bundle), &rng) == FAULT_NONE &&
             start_read((struct bytes){ message, size }, memory, &to->session, &read, &list,
                        &to->dh, &to->secrets, BYTES_OF(to->bundle), &rng) == FAULT_NONE,
         "a session");
    ratchet_destroy(from->ratchet);
    ratchet_destroy(to->ratchet);
    from->ratchet = ratchet_create_initiator(&from->session, bundle.dh, now, &rng);
    to->ratchet = ratchet_create_recipient(&to->session, &to->secrets.dh, now);
    say(0);
}

static void start_ours(void)
{
    for (size_t i = 0; i < STARTS; i++)
        meet();
}

static void start_theirs(void)
{
    for (size_t i = 0; i < STARTS; i++)
        signal_meet();
}

static void say_ours(int speaker)
{
    say(speaker);
}

static void say_theirs(int speaker)
{
    signal_say(speaker, text, sizeof text);
}

static void burst(void (*one)(int speaker))
{
    for (size_t i = 0; i < MESSAGES; i++)
        one(i / BURST % 2);
}

/* Few enough that none offers a KEM key: what libsignal does as well. */
static void one_way(void (*one)(int speaker))
{
    for (size_t i = 0; i < PLAIN; i++)
        one(0);
}

static void in_turn(void (*one)(int speaker))
{
    for (size_t i = 0; i < MESSAGES; i++)
        one(i % 2);
}

static void burst_ours(void)
{
    burst(say_ours);
}

static void burst_theirs(void)
{
    burst(say_theirs);
}

static void one_way_ours(void)
{
    one_way(say_ours);
}

static void one_way_theirs(void)
{
    one_way(say_theirs);
}

/* Both are past the start, and what was offered is answered. */
static void settle_ours(void)
{
    meet();
    say(1);
    say(0);
}

static void settle_theirs(void)
{
    signal_meet();
    say_theirs(1);
    say_theirs(0);
}

static void in_turn_ours(void)
{
    in_turn(say_ours);
}

static void in_turn_theirs(void)
{
    in_turn(say_theirs);
}

/* --- the table ----------------------------------------------------------------------------------
 */

#ifdef BENCH_LIBSIGNAL
#define RIVALS 1
#else
#define RIVALS 0
void signal_begin(void)
{
    puts("libsignal-protocol-c-dev is not installed: nothing to compare with");
}
void signal_meet(void)
{
}
void signal_say(int speaker, const uint8_t *said, size_t size)
{
    (void)speaker, (void)said, (void)size;
}
void signal_end(void)
{
}
#endif

static void compare(struct figure *ours, struct figure *theirs)
{
    double a = median(ours);
    printf("%-34s %9.1f us %9.0f/s", ours->name, a, 1e6 / a);
    if (theirs != NULL) {
        double b = median(theirs);
        printf("   %s %9.1f us %9.0f/s   %.2f times as many", theirs->name, b, 1e6 / b, b / a);
    }
    putchar('\n');
}

static void kems(void)
{
    struct figure figures[] = {
        { .name = "ML-KEM-768, a pair made", .count = KEMS, .run = kem_make },
        { .name = "ML-KEM-768, encapsulation", .count = KEMS, .run = kem_encapsulate },
        { .name = "ML-KEM-768, decapsulation", .count = KEMS, .run = kem_decapsulate },
    };
    measure(figures, COUNT(figures));
    for (size_t i = 0; i < COUNT(figures); i++)
        compare(&figures[i], NULL);
}

static void handshakes(void)
{
    struct figure figures[] = {
        { .name = "handshake IK, both sides", .count = HANDSHAKES, .run = shake_classical },
        { .name = "handshake IKhfs+psk2, both sides", .count = HANDSHAKES, .run = shake_hybrid },
    };
    measure(figures, COUNT(figures));
    for (size_t i = 0; i < COUNT(figures); i++)
        compare(&figures[i], NULL);
    printf("hybrid to classical: %.2f\n", median(&figures[1]) / median(&figures[0]));
}

static void beside_rival(struct figure pair[2])
{
    measure(pair, 1 + RIVALS);
    compare(&pair[0], RIVALS ? &pair[1] : NULL);
}

static void sessions(void)
{
    struct figure pairs[][2] = {
        { { .name = "session start, hybrid", .count = STARTS, .run = start_ours },
          { .name = "libsignal, X3DH", .count = STARTS, .run = start_theirs } },
        { { .name = "messages, in turn", .count = MESSAGES, .run = in_turn_ours },
          { .name = "libsignal", .count = MESSAGES, .run = in_turn_theirs } },
        { { .name = "messages, one way, no KEM offered",
            .count = PLAIN,
            .run = one_way_ours,
            .prepare = settle_ours },
          { .name = "libsignal",
            .count = PLAIN,
            .run = one_way_theirs,
            .prepare = settle_theirs } },
        { { .name = "messages, 500 one way, 500 back", .count = MESSAGES, .run = burst_ours },
          { .name = "libsignal", .count = MESSAGES, .run = burst_theirs } },
    };
    for (size_t i = 0; i < COUNT(pairs); i++)
        beside_rival(pairs[i]);
}

int main(int count, char **arguments)
{
    if (count > 1)
        rounds = strtoul(arguments[1], NULL, 10);
    must(rounds > 0 && rounds <= ROUNDS_MAX && crypto_start(), "the beginning");
    person_make(&people[0]);
    person_make(&people[1]);
    signal_begin();
    kems();
    handshakes();
    sessions();
    ratchet_destroy(people[0].ratchet);
    ratchet_destroy(people[1].ratchet);
    signal_end();
}
