/* The stream of events to those who subscribed. It is read from the durable log as fast as a client
   reads it, so a slow client costs no memory; it is told what it missed when the log has forgotten,
   or when it keeps others' past waiting too long. */
#include "apps/daemon/inside.h"

#define PATIENCE (30 * SECOND) /* for a client that reads nothing while there is more */
#define AT_ONCE  256           /* events per client and round; then others get their turn */

static void tell(struct client *client, json_t *event)
{
    struct rpc_text_line line = rpc_event_line(event);
    if (line.data != NULL)
        host_write(client->host, (struct bytes){ (const uint8_t *)line.data, line.size });
    rpc_line_free(&line);
}

/* True: it reads too slowly for more just now. */
static bool is_full(struct client *client, instant now, uint64_t newest)
{
    struct subscription *subscription = &client->subscription;
    struct daemon *daemon = client->daemon;
    if (host_queued(client->host) < HOST_QUEUE_ENOUGH_BYTES) {
        subscription->slow_since = 0;
        return false;
    }
    if (subscription->slow_since == 0)
        subscription->slow_since = now;
    if (now > after(subscription->slow_since, PATIENCE)) {
        tell(client, show_gap(daemon, subscription->since + 1, newest));
        subscription->on = false;
    }
    return true;
}

/* What the log no longer holds is named, then passed over. */
static void pass_gap(struct client *client, uint64_t oldest)
{
    struct subscription *subscription = &client->subscription;
    if (oldest == 0 || subscription->since + 1 >= oldest)
        return;
    tell(client, show_gap(client->daemon, subscription->since + 1, oldest - 1));
    subscription->since = oldest - 1;
}

static void advance(struct client *client, const struct node_status *status)
{
    struct daemon *daemon = client->daemon;
    struct subscription *subscription = &client->subscription;
    struct store_event event;
    pass_gap(client, status->oldest_event);
    for (int i = 0; subscription->since < status->newest_event; i++) {
        if (is_full(client, host_now(daemon->host), status->newest_event))
            return;
        if (i == AT_ONCE) {
            host_touch(daemon->host);
            return;
        }
        if (node_event_after(daemon->node, subscription->since, &event) != ANSWER_DONE)
            return; /* a store that failed is the round's affair */
        if ((subscription->kinds & show_kind_bit(event.kind)) != 0)
            tell(client, show_event(daemon, &event));
        subscription->since = event.seq;
    }
}

void streams_advance(struct daemon *daemon)
{
    struct node_status status;
    bool known = false;
    LIST_EACH (link, &daemon->clients) {
        struct client *client = LIST_ITEM(link, struct client, link);
        if (!client->subscription.on)
            continue;
        if (!known && node_status(daemon->node, &status) != ANSWER_DONE)
            return;
        known = true;
        advance(client, &status);
    }
}

void streams_end(struct daemon *daemon)
{
    LIST_EACH (link, &daemon->clients) {
        struct client *client = LIST_ITEM(link, struct client, link);
        if (client->subscription.on)
            tell(client, show_any(0, host_now(daemon->host), "session.locked"));
        client->subscription.on = false;
    }
}
