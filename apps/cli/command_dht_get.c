/* `ramage dht get` */
#include "apps/cli/dht.h"

#include <stdio.h>
#include <unistd.h>

/* A text as it is, to people without what could move their terminal; anything else as it is stored,
   in base 64. */
static void print_item(struct cli *cli, const json_t *item)
{
    const char *text = rpc_text(item, "text");
    if (text != NULL && isatty(STDOUT_FILENO) != 1)
        fputs(text, stdout);
    else
        print_clean(text != NULL ? text : rpc_text(item, "value"));
    putchar('\n');
    if (text == NULL)
        remark(cli, "That is no text: it is the bencoded value, in base 64.\n");
}

static json_t *make_params(struct cli *cli)
{
    const char *key = value(cli, OPTION_KEY), *salt = value(cli, OPTION_SALT);
    if ((cli->word_count == 1) == (key != NULL)) {
        fail_usage(cli, "`ramage dht get` needs TARGET, or --key HEX, and not both");
        return NULL;
    }
    if (salt != NULL && key == NULL) {
        fail_usage(cli, "--salt goes with --key");
        return NULL;
    }
    json_t *params =
        key != NULL ? json_pack("{s:s}", "key", key) : json_pack("{s:s}", "target", cli->words[0]);
    if (salt != NULL)
        json_object_set_new(params, "salt", json_string(salt));
    if (given(cli, OPTION_HIDDEN))
        json_object_set_new(params, "hidden", json_true());
    return params;
}

int command_dht_get(struct cli *cli)
{
    json_t *params = make_params(cli);
    json_t *result = params != NULL ? dht_ask(cli, "dht.get", params, NULL) : NULL;
    if (result == NULL)
        return cli->exit;
    const json_t *item = json_object_get(result, "item");
    if (item == NULL) {
        fail_with(cli, RPC_NOTHING_FOUND, NULL, NULL, json_incref(result));
    } else if (wants_json(cli)) {
        print_json(result);
    } else {
        print_item(cli, item);
        if (rpc_flag(item, "mutable"))
            remark(cli, "seq %lld; ", (long long)rpc_whole(item, "seq", 0));
        dht_remark_cost(cli, result);
    }
    json_decref(result);
    return cli->exit;
}
