/* What keeps people apart, each with one sentence and what to do. */
#include "apps/daemon/inside.h"

#include <stdio.h>

#define SENTENCE_BYTES 256
#define FEW_NODES      8
#define DISK_BAD       (64ull << 20)
#define DISK_LOW       (512ull << 20)

static void find(json_t *findings, const char *check, const char *state, const char *says,
                 const char *hint)
{
    json_t *finding = json_pack("{s:s, s:s, s:s}", "check", check, "state", state, "says", says);
    if (hint != NULL)
        json_object_set_new(finding, "hint", json_string(hint));
    json_array_append_new(findings, finding);
}

static void examine_dht(const struct daemon *daemon, const struct dht_status *dht, json_t *findings)
{
    char says[SENTENCE_BYTES];
    size_t good = dht->ipv4.good + dht->ipv6.good;
    if (daemon->config.dht_off) {
        find(findings, "dht", "bad", "the DHT is switched off, so nobody is found through it",
             "take `dht = off` out of the file `config` and start the daemon again");
    } else if (good == 0) {
        find(findings, "dht", "bad", "no node of the DHT answers",
             "check the network and whether a firewall lets UDP out; `dht.bootstrap` in the file "
             "`config` names a node to begin with");
    } else {
        double all =
            dht->ipv4.estimate > dht->ipv6.estimate ? dht->ipv4.estimate : dht->ipv6.estimate;
        snprintf(says, sizeof says, "%zu nodes answer, of about %.0f in all", good, all);
        find(findings, "dht", good < FEW_NODES ? "warning" : "good", says,
             good < FEW_NODES ? "these are few: wait some minutes, or name other nodes with "
                                "`dht.bootstrap` in the file `config`"
                              : NULL);
    }
}

static void examine_router(const struct node_health *health, json_t *findings)
{
    switch (health->router) {
    case ROUTER_UNKNOWN:
        find(findings, "router", "warning",
             "what others see as our address is not known yet: too few have told it",
             "wait a minute; nodes of several networks must answer first");
        return;
    case ROUTER_NONE:
        find(findings, "router", "good", "there is none between us and the others", NULL);
        return;
    case ROUTER_STEADY:
        find(findings, "router", "good",
             "it shows all of the others the same port, so two behind such routers can meet", NULL);
        return;
    case ROUTER_CHANGING:
        find(findings, "router", "warning",
             "it makes another port for each connection, so nobody can be told where to call us",
             "you meet whoever has a public address or a router that lets calls in; forwarding "
             "our UDP port to this machine, or IPv6, helps with all");
        return;
    }
}

static void examine_reach(const struct dht_status *dht, json_t *findings)
{
    if (dht->read_only)
        find(findings, "calls", "warning",
             "nobody has reached us who was not spoken to before: a firewall or router keeps "
             "strangers out",
             "contacts meet you all the same if their router lets them be called; else forward "
             "our UDP port to this machine");
    else
        find(findings, "calls", "good", "nothing known keeps others from reaching us", NULL);
}

static void examine_clock(const struct node_health *health, json_t *findings)
{
    char says[SENTENCE_BYTES];
    const struct meet_clock *clock = &health->clock;
    size_t away = clock->others_ahead + clock->others_behind;
    if (clock->found == 0) {
        find(findings, "clock", "good", "nothing to compare it with yet", NULL);
        return;
    }
    snprintf(says, sizeof says, "of %zu contacts found, %zu are hours ahead of us and %zu behind",
             clock->found, clock->others_ahead, clock->others_behind);
    bool ours = 2 * away > clock->found;
    find(findings, "clock",
         away == 0 ? "good"
         : ours    ? "bad"
                   : "warning",
         says,
         away == 0 ? NULL
         : ours    ? "our clock is probably wrong: set it"
                   : "the clocks of these contacts are probably wrong: tell them");
}

static void examine_disk(const struct daemon *daemon, json_t *findings)
{
    char says[SENTENCE_BYTES];
    uint64_t left = host_home_free(daemon->home);
    snprintf(says, sizeof says, "%llu MiB are left where the home is",
             (unsigned long long)(left >> 20));
    const char *state = left == 0 || left >= DISK_LOW ? "good"
                        : left >= DISK_BAD            ? "warning"
                                                      : "bad";
    find(findings, "disk", state, left == 0 ? "how much is left is not known" : says,
         left == 0 || left >= DISK_LOW ? NULL : "free some space: a full disk stops the daemon");
}

static void examine_nearby(const struct daemon *daemon, const struct node_health *health,
                           json_t *findings)
{
    char says[SENTENCE_BYTES];
    if (daemon->config.nearby_off) {
        find(findings, "nearby", "good", "switched off: nobody is called on the local network",
             NULL);
        return;
    }
    snprintf(says, sizeof says, "%zu others were heard on the local network", health->nearby);
    find(findings, "nearby", "good", says, NULL);
}

enum rpc_error network_doctor(struct call *call)
{
    struct daemon *daemon = call->daemon;
    instant now = host_now(daemon->host);
    struct dht_status dht;
    struct node_health health;
    json_t *findings = json_array();
    node_dht_status(daemon->node, now, &dht);
    node_health(daemon->node, now, &health);
    examine_dht(daemon, &dht, findings);
    if (!daemon->config.dht_off) {
        examine_router(&health, findings);
        examine_reach(&dht, findings);
        examine_nearby(daemon, &health, findings);
    }
    examine_clock(&health, findings);
    examine_disk(daemon, findings);
    call->result = json_pack("{s:o}", "findings", findings);
    return RPC_FINE;
}
