/* `ramage dht announce` */
#include "apps/cli/dht.h"

#include <stdio.h>
#include <string.h>

static void print_round(struct cli *cli, const json_t *event)
{
    const char *kind = rpc_text(event, "kind");
    if (kind != NULL && strcmp(kind, "dht.stored") == 0)
        say(cli, "taken by %lld, refused by %lld\n", (long long)rpc_whole(event, "stored", 0),
            (long long)rpc_whole(event, "refused", 0));
}

int command_dht_announce(struct cli *cli)
{
    int64_t port;
    const char *text = value(cli, OPTION_PORT);
    json_t *params = json_pack("{s:s}", "infohash", cli->words[0]);
    bool good = dht_common_params(cli, params);
    if (good && text != NULL) {
        good = whole_from(text, 65535, &port) && port > 0;
        if (good)
            json_object_set_new(params, "port", json_integer(port));
        else
            fail_usage(cli, "--port goes from 1 to 65535");
    }
    if (!good) {
        json_decref(params);
        return cli->exit;
    }
    json_t *result = dht_ask(cli, "dht.announce", params, print_round);
    if (result == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(result);
    dht_remark_cost(cli, result);
    json_decref(result);
    return cli->exit;
}
