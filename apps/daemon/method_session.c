#include "apps/daemon/inside.h"

#include <unistd.h>

static json_t *limits(void)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i}", "line_bytes", RPC_LINE_MAX_BYTES, "text_bytes",
                     CHAT_TEXT_MAX_BYTES, "contacts", STORE_CONTACTS_MAX, "outbox",
                     STORE_OUTBOX_MAX, "page", RPC_PAGE_MAX);
}

static bool is_locked(const struct daemon *daemon)
{
    return daemon->state == DAEMON_LOCKED || daemon->state == DAEMON_OPENING;
}

enum rpc_error session_hello(struct call *call)
{
    call->result =
        json_pack("{s:s, s:s, s:i, s:s, s:b, s:[], s:o}", "api", RPC_API, "version", RAMAGE_VERSION,
                  "pid", (int)getpid(), "state", daemon_state_name(call->daemon), "locked",
                  is_locked(call->daemon), "capabilities", "limits", limits());
    return RPC_FINE;
}

static enum answer count_unread(struct node *node, size_t *unread)
{
    struct node_contact contact;
    struct store_chat chat;
    enum answer answer = ANSWER_DONE;
    *unread = 0;
    for (int64_t at = 0; node_contact_next(node, at, &contact) == ANSWER_DONE;
         at = contact.row.id) {
        answer = node_chat(node, contact.row.id, &chat);
        if (answer != ANSWER_DONE)
            break;
        *unread += chat.unread;
    }
    return answer;
}

static enum rpc_error add_facts(struct daemon *daemon, json_t *result)
{
    struct node_status status;
    size_t unread;
    enum answer answer = node_status(daemon->node, &status);
    if (answer == ANSWER_DONE)
        answer = count_unread(daemon->node, &unread);
    if (answer != ANSWER_DONE)
        return error_of_answer(daemon, answer);
    json_t *facts = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "contacts", (json_int_t)status.contacts,
        "online", (json_int_t)status.online, "dialling", (json_int_t)status.dialling, "owed",
        (json_int_t)status.owed, "links", (json_int_t)status.links, "unread", (json_int_t)unread,
        "oldest_event", (json_int_t)status.oldest_event, "newest_event",
        (json_int_t)status.newest_event, "unreadable", (json_int_t)status.unreadable);
    json_object_update_new(result, facts);
    json_object_set_new(result, "identity", show_identity(daemon));
    if (!daemon->config.dht_off)
        json_object_set_new(result, "dht", show_dht(daemon));
    return RPC_FINE;
}

enum rpc_error session_status(struct call *call)
{
    struct daemon *daemon = call->daemon;
    duration up = host_now(daemon->host) - daemon->started;
    size_t resident = host_resident_bytes(daemon->host);
    call->result =
        json_pack("{s:s, s:s, s:i, s:s, s:f, s:o}", "state", daemon_state_name(daemon), "version",
                  RAMAGE_VERSION, "pid", (int)getpid(), "home", host_home_path(daemon->home),
                  "uptime", (double)up / (double)SECOND, "listening", show_listening(daemon->host));
    if (resident > 0)
        json_object_set_new(call->result, "memory", json_integer((json_int_t)resident));
    return daemon->state == DAEMON_READY ? add_facts(daemon, call->result) : RPC_FINE;
}

enum rpc_error session_unlock(struct call *call)
{
    struct daemon *daemon = call->daemon;
    switch (daemon->state) {
    case DAEMON_READY:
        call->result = json_pack("{s:s}", "state", daemon_state_name(daemon));
        return RPC_FINE;
    case DAEMON_LOCKED:
        return opening_unlock(call, rpc_text(call->params, "passphrase"));
    case DAEMON_OPENING: /* one at a time, or many clients would eat the machine's memory */
        call->sentence = "another passphrase is being tried at this moment";
        return RPC_LOCKED;
    default:
        return RPC_NO_IDENTITY;
    }
}

enum rpc_error session_lock(struct call *call)
{
    struct daemon *daemon = call->daemon;
    if (!daemon->has_passphrase)
        return RPC_NO_PASSPHRASE_SET;
    /* Answers of this round rest on what closing the store would undo. */
    if (node_settle(daemon->node) != FAULT_NONE)
        return error_of_trouble(node_trouble(daemon->node));
    streams_end(daemon);
    searches_end(daemon, RPC_LOCKED);
    daemon_close_node(daemon);
    daemon_become(daemon, DAEMON_LOCKED);
    call->result = json_pack("{s:s}", "state", daemon_state_name(daemon));
    return RPC_FINE;
}

enum rpc_error session_shutdown(struct call *call)
{
    call->result = json_pack("{s:i}", "pid", (int)getpid());
    daemon_stop(call->daemon, RPC_FINE);
    return RPC_FINE;
}
