#include "apps/daemon/inside.h"

#include "apps/daemon/config.h"
#include "apps/daemon/notify.h"
#include "apps/daemon/sandbox.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- states ----------------------------------------------------------------------------------- */

/* Rows are where we are, columns where we may go. Stopping is final. */
static const bool may_become[DAEMON_STATES][DAEMON_STATES] = {
    [DAEMON_EMPTY] = { [DAEMON_MAKING] = true, [DAEMON_STOPPING] = true },
    [DAEMON_MAKING] = { [DAEMON_READY] = true, [DAEMON_EMPTY] = true, [DAEMON_STOPPING] = true },
    [DAEMON_LOCKED] = { [DAEMON_OPENING] = true, [DAEMON_READY] = true, [DAEMON_STOPPING] = true },
    [DAEMON_OPENING] = { [DAEMON_LOCKED] = true, [DAEMON_STOPPING] = true },
    [DAEMON_READY] = { [DAEMON_LOCKED] = true, [DAEMON_STOPPING] = true },
    [DAEMON_BARE] = { [DAEMON_STOPPING] = true },
};

void daemon_become(struct daemon *daemon, enum daemon_state next)
{
    assert(may_become[daemon->state][next]);
    daemon->state = next;
}

const char *daemon_state_name(const struct daemon *daemon)
{
    switch (daemon->state) {
    case DAEMON_EMPTY:
    case DAEMON_MAKING:
        return "no_identity";
    case DAEMON_LOCKED:
    case DAEMON_OPENING:
        return "locked";
    case DAEMON_BARE:
        return "bare";
    default:
        return "ready";
    }
}

void daemon_stop(struct daemon *daemon, enum rpc_error why)
{
    if (daemon->state == DAEMON_STOPPING)
        return;
    daemon_become(daemon, DAEMON_STOPPING);
    daemon->ended_by = why;
    searches_end(daemon, RPC_SHUTTING_DOWN);
    host_touch(daemon->host);
}

/* --- the node --------------------------------------------------------------------------------- */

enum rpc_error daemon_create_node(struct daemon *daemon, const uint8_t master[MASTER_KEY_BYTES],
                                  struct node **out)
{
    char *path = host_home_file(daemon->home, STORE_FILE);
    struct node_settings settings = {
        .place.path = path,
        .no_dht = daemon->config.dht_off,
        .no_nearby = daemon->config.nearby_off,
        .dht.read_only = daemon->config.dht_read_only,
    };
    enum store_trouble trouble;
    vault_subkey(settings.place.key, master, "store");
    enum fault fault = node_create(&settings, host_now(daemon->host), host_rng(daemon->host),
                                   host_log(daemon->host), out, &trouble);
    wipe(&settings, sizeof settings);
    mem_free(path);
    return fault == FAULT_NONE ? RPC_FINE : error_of_trouble(trouble);
}

void daemon_run_node(struct daemon *daemon, struct node *node)
{
    struct node_status status = { 0 };
    node_status(node, &status); /* a store that fails here fails again in the first round */
    daemon->newest_event = status.newest_event;
    daemon->node = node;
    daemon_become(daemon, DAEMON_READY);
    if (!daemon->config.dht_off)
        node_dht_try(node, host_now(daemon->host), DHT_FROM_PEOPLE, daemon->config.bootstrap,
                     daemon->config.bootstrap_count);
    host_drive(daemon->host, node);
}

void daemon_close_node(struct daemon *daemon)
{
    node_leave(daemon->node, host_now(daemon->host));
    host_release(daemon->host);
    node_destroy(daemon->node);
    daemon->node = NULL;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void finish(struct daemon *daemon)
{
    if (daemon->bare != NULL)
        bare_end(daemon);
    if (daemon->node != NULL)
        daemon_close_node(daemon);
    host_stop(daemon->host);
}

static void on_settled(void *self, enum fault fault)
{
    struct daemon *daemon = self;
    enum rpc_error error = RPC_FINE;
    if (fault != FAULT_NONE) {
        error = error_of_trouble(node_trouble(daemon->node));
        daemon_stop(daemon, error);
    }
    answers_release(daemon, error);
    if (daemon->state == DAEMON_READY)
        streams_advance(daemon);
    if (daemon->state == DAEMON_BARE)
        bare_advance(daemon);
    if (daemon->state == DAEMON_STOPPING)
        finish(daemon);
    else
        clients_go_on(daemon);
}

static void on_dht_event(struct daemon *daemon, const struct dht_event *event)
{
    if (event->kind == DHT_NOBODY)
        routers_ask(daemon);
    else
        searches_take(daemon, event);
}

/* Subscribers are told by the round, so there must be one. */
static void on_event(void *self, const struct node_event *event)
{
    struct daemon *daemon = self;
    if (event->of_dht)
        on_dht_event(daemon, &event->dht);
    else
        daemon->newest_event = event->event.seq;
    host_touch(daemon->host);
}

static void on_stop(void *self)
{
    daemon_stop(self, RPC_FINE);
}

/* --- starting --------------------------------------------------------------------------------- */

static enum rpc_error read_vault(struct daemon *daemon)
{
    enum host_trouble trouble = host_home_read(daemon->home, VAULT_FILE, daemon->vault,
                                               sizeof daemon->vault, &daemon->vault_size);
    if (trouble == HOST_ABSENT)
        return RPC_FINE; /* EMPTY, as it began */
    if (trouble != HOST_FINE)
        return trouble == HOST_BROKEN ? RPC_VAULT_DAMAGED : error_of_host(trouble);
    enum vault_kind kind = vault_kind((struct bytes){ daemon->vault, daemon->vault_size });
    if (kind == VAULT_BROKEN)
        return RPC_VAULT_DAMAGED;
    daemon->has_passphrase = kind == VAULT_PASSPHRASE;
    daemon->state = DAEMON_LOCKED;
    return RPC_FINE;
}

static enum rpc_error read_config(struct daemon *daemon)
{
    uint8_t text[CONFIG_MAX_BYTES];
    size_t size;
    enum host_trouble trouble = host_home_read(daemon->home, CONFIG_FILE, text, sizeof text, &size);
    if (trouble == HOST_ABSENT)
        return RPC_FINE;
    if (trouble != HOST_FINE)
        return trouble == HOST_BROKEN ? RPC_BAD_CONFIG : error_of_host(trouble);
    size_t line = config_read(&daemon->config, (struct bytes){ text, size });
    if (line == 0)
        return RPC_FINE;
    log_line(host_log(daemon->host), LOG_WARN, "daemon", "config, line %zu does not read", line);
    return RPC_BAD_CONFIG;
}

static enum rpc_error listen_for_peers(struct daemon *daemon)
{
    const struct daemon_settings *settings = daemon->settings;
    const struct config *config = &daemon->config;
    struct address failed;
    bool asked = settings->listen_count > 0; /* the command line replaces the file */
    enum host_trouble trouble =
        host_listen(daemon->host, asked ? settings->listen : config->listen,
                    asked ? settings->listen_count : config->listen_count, &failed);
    if (trouble == HOST_UNWRITABLE) /* a port below 1024 */
        return RPC_NO_SUCH_LISTEN;
    if (trouble == HOST_FINE && !config->nearby_off && !config->dht_off)
        host_listen_nearby(daemon->host);
    return error_of_host(trouble);
}

static enum rpc_error listen_for_clients(struct daemon *daemon)
{
    struct rpc_place place = { 0 };
    int home = snprintf(place.home, sizeof place.home, "%s", daemon->settings->home);
    int path = snprintf(place.socket, sizeof place.socket, "%s", daemon->settings->socket);
    if ((size_t)home >= sizeof place.home || (size_t)path >= sizeof place.socket)
        return RPC_HOME_UNWRITABLE;
    if (!rpc_place_prepare(&place))
        return RPC_HOME_UNSAFE;
    return error_of_host(host_serve(daemon->host, daemon->settings->socket));
}

static void give_up_rights(struct daemon *daemon)
{
    char *folder = mem_text(daemon->settings->socket);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    struct sandbox_got got =
        sandbox_enter(host_home_path(daemon->home), folder, routers_wanted(daemon));
    log_line(host_log(daemon->host), LOG_NOTE, "daemon", "sandbox: files %s, calls %s",
             got.files ? "limited" : "not limited", got.calls ? "limited" : "not limited");
    mem_free(folder);
}

/* Everything that can refuse us comes before `ready` is said. */
static enum rpc_error start(struct daemon *daemon)
{
    enum rpc_error error = error_of_host(host_home_open(daemon->settings->home, &daemon->home));
    if (error == RPC_FINE)
        error = read_vault(daemon);
    if (error == RPC_FINE)
        error = read_config(daemon);
    if (error == RPC_FINE)
        error = listen_for_peers(daemon);
    if (error == RPC_FINE)
        error = listen_for_clients(daemon);
    if (error != RPC_FINE)
        return error;
    if (!daemon->settings->no_sandbox)
        give_up_rights(daemon);
    bool can_open = !daemon->has_passphrase || daemon->settings->passphrase.size > 0;
    if (daemon->state == DAEMON_LOCKED && can_open)
        return opening_now(daemon, daemon->has_passphrase ? daemon->settings->passphrase
                                                          : (struct bytes){ 0 });
    return RPC_FINE;
}

static void say_ready(int ready_fd, enum rpc_error error)
{
    if (ready_fd < 0)
        return;
    char text[64];
    int size = snprintf(text, sizeof text, "%s\n",
                        error == RPC_FINE ? "ready" : rpc_error_row(error)->name);
    if (write(ready_fd, text, (size_t)size) < 0)
        return; /* whoever waited is gone */
    close(ready_fd);
}

static struct rpc_text_line line_for_the_crowd(void)
{
    return rpc_error_line(NULL, RPC_TOO_MANY_CLIENTS, NULL, NULL);
}

static void destroy(struct daemon *daemon)
{
    host_destroy(daemon->host); /* first: a job may still be using the rest */
    node_destroy(daemon->node);
    daemon->node = NULL;
    LIST_EACH (link, &daemon->clients)
        client_destroy(LIST_ITEM(link, struct client, link));
    host_home_close(daemon->home);
    wipe(daemon, sizeof *daemon);
}

static void run(struct daemon *daemon, const struct daemon_life *life)
{
    int notify = notify_open();
    daemon->ended_by = life->start(daemon);
    say_ready(life->ready_fd, daemon->ended_by);
    if (daemon->ended_by != RPC_FINE)
        goto out;
    notify_say(notify, "READY=1");
    host_run(daemon->host);
    notify_say(notify, "STOPPING=1");
out:
    notify_close(notify);
}

void daemon_keep_private(void)
{
    sandbox_keep_private();
}

static void say_locked(struct daemon *daemon, size_t bytes)
{
    if (bytes > 0)
        log_line(host_log(daemon->host), LOG_NOTE, "daemon", "secrets: %zu KiB locked in memory",
                 bytes >> 10);
    else
        log_line(host_log(daemon->host), LOG_WARN, "daemon",
                 "secrets are not locked in memory: this system allows none (RLIMIT_MEMLOCK)");
}

enum rpc_error daemon_live(struct daemon *daemon, const struct daemon_life *life)
{
    sandbox_prepare();
    size_t locked = host_secrets_begin();
    rpc_start();
    struct rpc_text_line crowded = line_for_the_crowd();
    struct host_settings world = {
        .hooks = { .self = daemon,
                   .settled = on_settled,
                   .event = on_event,
                   .stop = on_stop,
                   .opened = client_opened,
                   .data = client_data,
                   .room = client_room,
                   .ended = client_ended,
                   .closed = client_closed },
        .crowded = { (const uint8_t *)crowded.data, crowded.size },
        .verbose = life->verbose,
    };
    list_init(&daemon->clients);
    list_init(&daemon->answers);
    list_init(&daemon->searches);
    enum rpc_error error = RPC_INTERNAL;
    daemon->host = crypto_start() ? host_create(&world) : NULL;
    if (daemon->host != NULL) {
        daemon->started = host_now(daemon->host);
        say_locked(daemon, locked);
        run(daemon, life);
        error = daemon->ended_by;
        destroy(daemon);
    }
    rpc_line_free(&crowded);
    host_secrets_end();
    return error;
}

enum rpc_error daemon_main(const struct daemon_settings *settings)
{
    struct daemon daemon = { .settings = settings };
    const struct daemon_life life = { start, settings->ready_fd, settings->verbose };
    return daemon_live(&daemon, &life);
}
