/* The stream of events to those who subscribed. It is read from the durable log as fast as a client
   reads it, so a slow client costs no memory; it is told what it missed when the log has forgotten,
   or when it keeps others' past waiting too long. */
#include "apps/daemon/inside.h"

#define PATIENCE (30 * SECOND) /* for a client that reads nothing while there is more */
#define AT_ONCE  256           /* events per client and round; then others get their turn */

void client_tell(struct client *client, json_t *event)
{
    struct rpc_text_line line = rpc_event_line(event);
    if (line.data != NULL)
        host_write(client->host, (struct bytes){ (const uint8_t *)line.data, line.size });
    rpc_line_free(&line);
}

/* True: it reads too slowly for more just now. */
static bool is_full(struct client *client, instant now)
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
        client_tell(client, show_gap(daemon, subscription->since + 1, daemon->newest_event));
        subscription->on = false;
    }
    return true;
}

/* Numbers have no gaps, so a jump is what the log no longer holds: it is named, then passed over.
 */
static void tell_event(struct client *client, const struct store_event *event)
{
    struct subscription *subscription = &client->subscription;
    struct daemon *daemon = client->daemon;
    if (event->seq > subscription->since + 1)
        client_tell(client, show_gap(daemon, subscription->since + 1, event->seq - 1));
    if ((subscription->kinds & show_kind_bit(event->kind)) != 0)
        client_tell(client, show_event(daemon, event));
    subscription->since = event->seq;
}

static void advance(struct client *client)
{
    struct daemon *daemon = client->daemon;
    struct subscription *subscription = &client->subscription;
    struct store_event event;
    for (int i = 0; subscription->on && subscription->since < daemon->newest_event; i++) {
        if (is_full(client, host_now(daemon->host)))
            return;
        if (i == AT_ONCE) {
            host_touch(daemon->host);
            return;
        }
        if (node_event_after(daemon->node, subscription->since, &event) != ANSWER_DONE)
            return; /* a store that failed is the round's affair */
        tell_event(client, &event);
    }
}

void streams_advance(struct daemon *daemon)
{
    LIST_EACH (link, &daemon->clients)
        advance(LIST_ITEM(link, struct client, link));
}

void streams_end(struct daemon *daemon)
{
    LIST_EACH (link, &daemon->clients) {
        struct client *client = LIST_ITEM(link, struct client, link);
        if (client->subscription.on)
            client_tell(client, show_any(0, host_now(daemon->host), "session.locked"));
        client->subscription.on = false;
    }
}
