/* Passphrases. Trying one, or wrapping a key under one, takes a second and much memory on purpose,
   so it is done beside the loop; everything else, before and after, on it. */
#include "apps/daemon/inside.h"

#include "base/mem.h"
#include "base/secret.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

#define WANTED_TIME   (750 * MILLISECOND) /* of one try, on the machine that makes the home */
#define WANTED_MEMORY ((size_t)256 << 20) /* memory first (RFC 9106, 4), but not beyond this */
#define OF_MACHINE    8                   /* nor beyond this part of what the machine has */

struct opening {
    struct daemon *daemon;
    uint64_t client; /* who asked; may be gone when it is done */
    json_t *id;
    struct node *node; /* the new identity's, while it is being made */
    uint8_t passphrase[VAULT_PASSPHRASE_MAX];
    size_t passphrase_size;
    uint8_t master[MASTER_KEY_BYTES];
    uint8_t vault[VAULT_MAX_BYTES];
    size_t vault_size;
    enum fault fault;
};

static struct opening *opening_create(struct call *call, const char *passphrase)
{
    struct opening *opening = secret_new(sizeof *opening);
    opening->daemon = call->daemon;
    opening->client = host_client_number(call->client->host);
    opening->id = json_deep_copy(call->id);
    if (passphrase != NULL) {
        opening->passphrase_size = strlen(passphrase); /* the table holds it below the maximum */
        memcpy(opening->passphrase, passphrase, opening->passphrase_size);
    }
    return opening;
}

static void opening_destroy(struct opening *opening)
{
    node_destroy(opening->node);
    json_decref(opening->id);
    secret_free(opening);
}

static struct bytes passphrase_of(const struct opening *opening)
{
    return (struct bytes){ opening->passphrase, opening->passphrase_size };
}

static void answer(struct opening *opening, enum rpc_error error, json_t *result)
{
    struct client *client = client_numbered(opening->daemon, opening->client);
    if (client == NULL) {
        json_decref(result);
        return;
    }
    client->jobs--;
    client_answer(client, opening->id, error, result, NULL, NULL);
}

/* --- unlocking -------------------------------------------------------------------------------- */

static enum rpc_error error_of_vault(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE:
        return RPC_FINE;
    case FAULT_GONE:
        return RPC_WRONG_PASSPHRASE;
    case FAULT_DISK:
        return RPC_NO_MEMORY;
    default:
        return RPC_VAULT_DAMAGED;
    }
}

static void try_passphrase(void *work)
{
    struct opening *opening = work;
    struct bytes vault = { opening->vault, opening->vault_size };
    opening->fault = vault_open(opening->master, vault, passphrase_of(opening));
}

static enum rpc_error open_node(struct daemon *daemon, const uint8_t master[MASTER_KEY_BYTES])
{
    struct node_identity identity;
    struct node *node;
    enum rpc_error error = daemon_create_node(daemon, master, &node);
    if (error != RPC_FINE)
        return error;
    /* A vault is written after its identity: a store without one is not the store we left. */
    if (node_identity(node, &identity) != ANSWER_DONE) {
        node_destroy(node);
        return RPC_STORE_DAMAGED;
    }
    wipe(&identity, sizeof identity);
    daemon_run_node(daemon, node);
    return RPC_FINE;
}

static bool is_fatal(enum rpc_error error)
{
    return rpc_error_row(error)->exit == RPC_EXIT_STORE;
}

static void end_unlock(void *work)
{
    struct opening *opening = work;
    struct daemon *daemon = opening->daemon;
    if (daemon->state == DAEMON_OPENING) { /* else it is being stopped */
        enum rpc_error error = error_of_vault(opening->fault);
        json_t *result = NULL;
        daemon_become(daemon, DAEMON_LOCKED);
        if (error == RPC_FINE)
            error = open_node(daemon, opening->master);
        if (error == RPC_FINE)
            result = json_pack("{s:s}", "state", daemon_state_name(daemon));
        answer(opening, error, result);
        if (is_fatal(error))
            daemon_stop(daemon, error);
    }
    opening_destroy(opening);
}

enum rpc_error opening_unlock(struct call *call, const char *passphrase)
{
    struct opening *opening = opening_create(call, passphrase);
    memcpy(opening->vault, call->daemon->vault, call->daemon->vault_size);
    opening->vault_size = call->daemon->vault_size;
    daemon_become(call->daemon, DAEMON_OPENING);
    host_work(call->daemon->host, try_passphrase, end_unlock, opening);
    call->later = true;
    return RPC_FINE;
}

enum rpc_error opening_now(struct daemon *daemon, struct bytes passphrase)
{
    uint8_t master[MASTER_KEY_BYTES];
    struct bytes vault = { daemon->vault, daemon->vault_size };
    enum rpc_error error = error_of_vault(vault_open(master, vault, passphrase));
    if (error == RPC_FINE)
        error = open_node(daemon, master);
    wipe(master, sizeof master);
    return error;
}

/* --- making ----------------------------------------------------------------------------------- */

/* How long the floor takes tells how far above it this machine can go. CPU time of this thread, so
   that a busy machine does not get a weaker home. */
static duration thread_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (duration)time.tv_sec * SECOND + (duration)time.tv_nsec;
}

/* A home made on a small machine must open there again, beside everything else. */
static uint64_t most_memory(void)
{
    struct sysinfo machine;
    if (sysinfo(&machine) < 0)
        return VAULT_FLOOR_MEMORY_BYTES;
    return earlier(WANTED_MEMORY, (uint64_t)machine.totalram * machine.mem_unit / OF_MACHINE);
}

static struct vault_cost raised(struct vault_cost cost, duration took)
{
    while (2 * took <= WANTED_TIME && 2 * cost.memory_bytes <= most_memory()) {
        cost.memory_bytes *= 2;
        took *= 2;
    }
    duration per_pass = later(took / cost.passes, 1);
    uint64_t passes = WANTED_TIME / per_pass;
    if (passes > cost.passes)
        cost.passes = (uint32_t)earlier(passes, VAULT_MOST_PASSES);
    return cost;
}

static void wrap(void *work)
{
    struct opening *opening = work;
    struct rng *rng = host_rng(opening->daemon->host); /* getrandom: any thread may */
    struct vault_cost cost = { VAULT_FLOOR_MEMORY_BYTES, VAULT_FLOOR_PASSES };
    duration before = thread_time();
    opening->fault = vault_close(opening->vault, &opening->vault_size, opening->master,
                                 passphrase_of(opening), cost, rng);
    if (opening->fault != FAULT_NONE || opening->passphrase_size == 0)
        return;
    cost = raised(cost, thread_time() - before);
    uint8_t vault[VAULT_MAX_BYTES];
    size_t size;
    /* A machine without the memory for more keeps the floor. */
    if (vault_close(vault, &size, opening->master, passphrase_of(opening), cost, rng) != FAULT_NONE)
        return;
    memcpy(opening->vault, vault, size);
    opening->vault_size = size;
}

static enum rpc_error error_of_write(enum host_trouble trouble)
{
    return trouble == HOST_FINE         ? RPC_FINE
           : trouble == HOST_FULL       ? RPC_STORE_FULL
           : trouble == HOST_UNWRITABLE ? RPC_HOME_UNWRITABLE
                                        : RPC_STORE_BROKEN;
}

/* The identity is on disk before the vault is, and exists for us from the moment the vault does. */
static enum rpc_error finish_making(struct opening *opening)
{
    struct daemon *daemon = opening->daemon;
    if (opening->fault != FAULT_NONE)
        return RPC_NO_MEMORY;
    if (node_settle(opening->node) != FAULT_NONE)
        return error_of_trouble(node_trouble(opening->node));
    struct bytes vault = { opening->vault, opening->vault_size };
    enum rpc_error error = error_of_write(host_home_write(daemon->home, VAULT_FILE, vault));
    if (error != RPC_FINE)
        return error;
    memcpy(daemon->vault, vault.data, vault.size);
    daemon->vault_size = vault.size;
    daemon->has_passphrase = opening->passphrase_size > 0;
    return RPC_FINE;
}

static void end_making(void *work)
{
    struct opening *opening = work;
    struct daemon *daemon = opening->daemon;
    if (daemon->state == DAEMON_MAKING) { /* else it is being stopped */
        enum rpc_error error = finish_making(opening);
        json_t *result = NULL;
        if (error == RPC_FINE) {
            daemon_run_node(daemon, opening->node);
            opening->node = NULL;
            result = json_pack("{s:o}", "identity", show_identity(daemon));
        } else {
            daemon_become(daemon, DAEMON_EMPTY);
        }
        answer(opening, error, result);
    }
    opening_destroy(opening);
}

/* What lies here without a vault was never finished, or its vault was lost: nobody can read it, but
   a vault that turns up again could. So it is put aside, not removed. */
static void put_store_aside(struct host_home *home)
{
    static const char *const files[][2] = {
        { STORE_FILE, STORE_FILE ".aside" },
        { STORE_FILE "-wal", STORE_FILE ".aside-wal" },
        { STORE_FILE "-shm", STORE_FILE ".aside-shm" },
    };
    for (size_t i = 0; i < COUNT(files); i++)
        host_home_rename(home, files[i][0], files[i][1]);
}

/* Everything that can be refused is, before a second is spent on the passphrase. */
static enum rpc_error make_node(struct opening *opening, const char *name)
{
    struct daemon *daemon = opening->daemon;
    put_store_aside(daemon->home);
    enum rpc_error error = daemon_create_node(daemon, opening->master, &opening->node);
    if (error != RPC_FINE)
        return error;
    enum answer made = node_identity_make(opening->node, host_now(daemon->host), name);
    if (made == ANSWER_DISK)
        return error_of_trouble(node_trouble(opening->node));
    return error_of_answer(daemon, made);
}

enum rpc_error opening_make(struct call *call, const char *name, const char *passphrase)
{
    struct daemon *daemon = call->daemon;
    struct opening *opening = opening_create(call, passphrase);
    rng_fill(host_rng(daemon->host), opening->master, sizeof opening->master);
    enum rpc_error error = make_node(opening, name);
    if (error != RPC_FINE) {
        opening_destroy(opening);
        return error;
    }
    daemon_become(daemon, DAEMON_MAKING);
    host_work(daemon->host, wrap, end_making, opening);
    call->later = true;
    return RPC_FINE;
}
