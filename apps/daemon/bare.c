/* A bare node of the DHT: no home, no identity, no contacts. It serves the network, keeps its nodes
   over a restart where it is given a file, and answers `dht.` methods where it has a socket. */
#include "apps/daemon/inside.h"

#include "apps/daemon/sandbox.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAVE_EVERY (10 * MINUTE)

/* --- the file of nodes ------------------------------------------------------------------------ */

/* What was read is written back at once: a file that cannot be written later is refused now. */
static bool restore(struct daemon *daemon)
{
    uint8_t saved[DHT_SAVED_MAX_BYTES];
    struct bytes bytes = { saved, 0 };
    enum host_trouble trouble =
        host_file_read(daemon->bare->save, saved, sizeof saved, &bytes.size);
    if (trouble == HOST_ABSENT)
        bytes.size = node_dht_save(daemon->node, saved);
    else if (trouble != HOST_FINE ||
             node_dht_restore(daemon->node, host_now(daemon->host), bytes) != FAULT_NONE)
        return false;
    daemon->saved = host_now(daemon->host);
    return host_file_write(daemon->bare->save, bytes) == HOST_FINE;
}

/* A node that nobody answers keeps what it saved before. */
static void save(struct daemon *daemon)
{
    uint8_t saved[DHT_SAVED_MAX_BYTES];
    struct dht_status status;
    daemon->saved = host_now(daemon->host);
    node_dht_status(daemon->node, daemon->saved, &status);
    if (daemon->bare->save == NULL || status.ipv4.good + status.ipv6.good == 0)
        return;
    struct bytes bytes = { saved, node_dht_save(daemon->node, saved) };
    if (host_file_write(daemon->bare->save, bytes) != HOST_FINE)
        log_line(host_log(daemon->host), LOG_WARN, "dht", "the nodes could not be saved");
}

void bare_advance(struct daemon *daemon)
{
    if (host_now(daemon->host) >= after(daemon->saved, SAVE_EVERY))
        save(daemon);
}

void bare_end(struct daemon *daemon)
{
    if (daemon->node != NULL)
        save(daemon);
}

/* --- starting --------------------------------------------------------------------------------- */

static bool has_family(const struct daemon *daemon, bool ipv4)
{
    struct address at[HOST_LISTEN_MAX];
    size_t count = host_listening(daemon->host, at);
    for (size_t i = 0; i < count; i++)
        if (address_is_ipv4(&at[i]) == ipv4)
            return true;
    return false;
}

static enum rpc_error make_node(struct daemon *daemon)
{
    const struct daemon_bare *bare = daemon->bare;
    struct node_settings settings = {
        .bare = true,
        .dht = { .no_ipv4 = !has_family(daemon, true),
                 .no_ipv6 = !has_family(daemon, false),
                 .read_only = bare->read_only,
                 .rates = { .reply_bytes_per_second = bare->reply_bytes_per_second,
                            .per_address = bare->per_address } },
    };
    enum store_trouble trouble;
    enum fault fault = node_create(&settings, host_now(daemon->host), host_rng(daemon->host),
                                   host_log(daemon->host), &daemon->node, &trouble);
    return fault == FAULT_NONE ? RPC_FINE : RPC_INTERNAL;
}

/* The folder a path lies in, to be freed. */
static char *folder_of(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (path == NULL)
        return NULL;
    if (slash == NULL)
        return mem_text(".");
    char *folder = mem_text(slash == path ? "/" : path);
    if (slash != path)
        folder[slash - path] = '\0';
    return folder;
}

static void give_up_rights(struct daemon *daemon)
{
    char *saved = folder_of(daemon->bare->save), *socket = folder_of(daemon->bare->socket);
    struct sandbox_got got = sandbox_enter(saved, socket, routers_wanted(daemon));
    log_line(host_log(daemon->host), LOG_NOTE, "dht", "sandbox: files %s, calls %s",
             got.files ? "limited" : "not limited", got.calls ? "limited" : "not limited");
    mem_free(saved);
    mem_free(socket);
}

/* For whoever started us: where we are, and our id there (each family has its own). */
static void say_ready(struct daemon *daemon)
{
    struct address at[HOST_LISTEN_MAX];
    struct dht_status status;
    size_t count = host_listening(daemon->host, at);
    node_dht_status(daemon->node, host_now(daemon->host), &status);
    fputs("ready", stdout);
    for (size_t i = 0; i < count; i++) {
        char place[ADDRESS_TEXT_BYTES], id[2 * DHT_ID_BYTES + 1];
        const struct dht_family *family = address_is_ipv4(&at[i]) ? &status.ipv4 : &status.ipv6;
        address_print(&at[i], place);
        rpc_hex_print(BYTES_OF(family->id.bytes), id);
        printf(" %s %s", place, id);
    }
    putchar('\n');
    fflush(stdout);
}

static enum rpc_error start(struct daemon *daemon)
{
    const struct daemon_bare *bare = daemon->bare;
    enum host_trouble trouble = host_listen(daemon->host, bare->bind, bare->bind_count, NULL);
    enum rpc_error error = trouble == HOST_UNWRITABLE ? RPC_NO_SUCH_LISTEN : error_of_host(trouble);
    if (error == RPC_FINE)
        error = make_node(daemon);
    if (error != RPC_FINE)
        return error;
    if (bare->save != NULL && !restore(daemon))
        return RPC_BAD_SAVED;
    if (bare->socket != NULL && host_serve(daemon->host, bare->socket) != HOST_FINE)
        return RPC_BAD_SOCKET;
    give_up_rights(daemon);
    node_dht_try(daemon->node, host_now(daemon->host), DHT_FROM_PEOPLE, bare->bootstrap,
                 bare->bootstrap_count);
    host_drive(daemon->host, daemon->node);
    say_ready(daemon);
    return RPC_FINE;
}

enum rpc_error daemon_main_bare(const struct daemon_bare *bare)
{
    struct daemon daemon = {
        .bare = bare,
        .state = DAEMON_BARE,
        .config = { .dht_read_only = bare->read_only, .has_routers = !bare->public_routers },
    };
    const struct daemon_life life = { start, bare->ready_fd, bare->verbose };
    return daemon_live(&daemon, &life);
}
