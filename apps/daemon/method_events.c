#include "apps/daemon/inside.h"

static enum rpc_error status_of(struct call *call, struct node_status *out)
{
    return error_of_answer(call->daemon, node_status(call->daemon->node, out));
}

static size_t weight(const json_t *event)
{
    const char *text = rpc_text(json_object_get(event, "message"), "text");
    return DAEMON_ITEM_BYTES + (text == NULL ? 0 : show_text_bytes(bytes_of_text(text)));
}

enum rpc_error events_since(struct call *call)
{
    struct daemon *daemon = call->daemon;
    struct node_status status;
    struct store_event event;
    uint64_t at = (uint64_t)rpc_whole(call->params, "since", 0);
    size_t limit = (size_t)rpc_whole(call->params, "limit", RPC_PAGE_MAX), bytes = 0;
    enum rpc_error error = status_of(call, &status);
    if (error != RPC_FINE)
        return error;
    if (at > status.newest_event)
        return RPC_NO_EVENT;
    json_t *events = json_array();
    if (at + 1 < status.oldest_event) {
        json_array_append_new(events, show_gap(daemon, at + 1, status.oldest_event - 1));
        at = status.oldest_event - 1;
    }
    while (json_array_size(events) < limit && bytes <= RPC_PAGE_BYTES &&
           node_event_after(daemon->node, at, &event) == ANSWER_DONE) {
        json_t *shown = show_event(daemon, &event);
        bytes += weight(shown);
        json_array_append_new(events, shown);
        at = event.seq;
    }
    call->result =
        json_pack("{s:o, s:I, s:I}", "events", events, "oldest", (json_int_t)status.oldest_event,
                  "newest", (json_int_t)status.newest_event);
    return RPC_FINE;
}

static enum rpc_error read_kinds(struct call *call, unsigned *kinds)
{
    size_t count = rpc_texts(call->params, "kinds");
    *kinds = count == 0 ? ~0u : 0;
    for (size_t i = 0; i < count; i++) {
        unsigned bit;
        if (!show_kind_named(rpc_text_at(call->params, "kinds", i), &bit)) {
            call->sentence = "\"kinds\" names a kind of event that does not exist";
            return RPC_BAD_PARAMS;
        }
        *kinds |= bit;
    }
    return RPC_FINE;
}

/* Where the stream starts: as said, else where the named reader stopped, else now. */
static enum rpc_error read_start(struct call *call, const struct node_status *status,
                                 uint64_t *since)
{
    const char *as = rpc_text(call->params, "as");
    *since = status->newest_event;
    if (as != NULL) {
        enum answer answer = node_consumer_get(call->daemon->node, as, since);
        if (answer != ANSWER_DONE)
            return error_of_answer(call->daemon, answer);
    }
    *since = (uint64_t)rpc_whole(call->params, "since", (int64_t)*since);
    return *since > status->newest_event ? RPC_NO_EVENT : RPC_FINE;
}

enum rpc_error events_subscribe(struct call *call)
{
    struct subscription subscription = { .on = true };
    struct node_status status;
    enum rpc_error error = status_of(call, &status);
    if (error == RPC_FINE)
        error = read_kinds(call, &subscription.kinds);
    if (error == RPC_FINE)
        error = read_start(call, &status, &subscription.since);
    if (error != RPC_FINE)
        return error;
    call->client->subscription = subscription; /* a second one replaces the first */
    call->result = json_pack("{s:I}", "since", (json_int_t)subscription.since);
    return RPC_FINE;
}

enum rpc_error events_unsubscribe(struct call *call)
{
    call->client->subscription = (struct subscription){ 0 };
    return RPC_FINE;
}

enum rpc_error events_ack(struct call *call)
{
    struct node_status status;
    uint64_t seq = (uint64_t)rpc_whole(call->params, "seq", 0);
    enum rpc_error error = status_of(call, &status);
    if (error != RPC_FINE)
        return error;
    if (seq > status.newest_event)
        return RPC_NO_EVENT;
    enum answer answer = node_consumer_set(call->daemon->node, rpc_text(call->params, "as"), seq);
    return error_of_answer(call->daemon, answer);
}
