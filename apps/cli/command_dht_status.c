/* `ramage dht status` */
#include "apps/cli/dht.h"

#include <stdio.h>

static void print_family(const char *name, const json_t *family)
{
    double estimate = json_number_value(json_object_get(family, "estimate"));
    printf("%-10s nodes: %lld good, %lld known", name, (long long)rpc_whole(family, "good", 0),
           (long long)rpc_whole(family, "known", 0));
    if (estimate > 0)
        printf(", about %.3g in all", estimate);
    fputs("\n           id ", stdout);
    print_clean(rpc_text(family, "id"));
    if (rpc_text(family, "self") != NULL) {
        fputs("\n           others see us at ", stdout);
        print_clean(rpc_text(family, "self"));
    }
    putchar('\n');
}

static void print_rates(const json_t *dht)
{
    double uptime = json_number_value(json_object_get(dht, "uptime"));
    double seconds = uptime > 1 ? uptime : 1;
    char shown[FACE_TIME_BYTES];
    face_duration((duration)(uptime * (double)SECOND), shown);
    printf("traffic    in %.1f, out %.1f bytes a second; up %s\n",
           (double)rpc_whole(dht, "received_bytes", 0) / seconds,
           (double)rpc_whole(dht, "sent_bytes", 0) / seconds, shown);
    printf("asked      %lld, answered %lld, in flight %lld, searches %lld\n",
           (long long)rpc_whole(dht, "queries", 0), (long long)rpc_whole(dht, "answered", 0),
           (long long)rpc_whole(dht, "in_flight", 0), (long long)rpc_whole(dht, "operations", 0));
    printf("served     %lld queries, %lld datagrams dropped\n",
           (long long)rpc_whole(dht, "served", 0), (long long)rpc_whole(dht, "dropped", 0));
}

static void print_status(const json_t *dht)
{
    fputs("listening  ", stdout);
    for (size_t i = 0; i < rpc_texts(dht, "listening"); i++) {
        fputs(i > 0 ? ", " : "", stdout);
        print_clean(rpc_text_at(dht, "listening", i));
    }
    putchar('\n');
    print_family("IPv4", json_object_get(dht, "ipv4"));
    print_family("IPv6", json_object_get(dht, "ipv6"));
    printf("held       %lld peers under %lld infohashes, %lld items\n",
           (long long)rpc_whole(dht, "peers", 0), (long long)rpc_whole(dht, "infohashes", 0),
           (long long)rpc_whole(dht, "items", 0));
    print_rates(dht);
    if (rpc_flag(dht, "read_only")) {
        fputs("serving    nobody: ", stdout);
        print_clean(rpc_text(dht, "why"));
        putchar('\n');
    }
}

int command_dht_status(struct cli *cli)
{
    json_t *result = dht_ask(cli, "dht.status", json_object(), NULL);
    if (result == NULL)
        return cli->exit;
    const json_t *dht = json_object_get(result, "dht");
    if (wants_json(cli))
        print_json(dht);
    else
        print_status(dht);
    json_decref(result);
    return cli->exit;
}
