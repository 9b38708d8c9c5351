#include "apps/cli/invitation.h"

#include <string.h>

#define LOOK_EVERY (250 * MILLISECOND)

bool invitation_patience(struct cli *cli, duration usually, duration *out)
{
    const char *time = value(cli, OPTION_TIMEOUT);
    *out = usually;
    if (time == NULL || duration_from(time, out))
        return true;
    fail_usage(cli, "\"%.32s\" is no time; write 30s, 10m or 2h", time);
    return false;
}

static bool set(json_t *params, const char *field, const char *text)
{
    return text == NULL || json_object_set_new(params, field, json_string(text)) == 0;
}

json_t *invitation_params(struct cli *cli)
{
    json_t *params = json_object();
    if (set(params, "name", value(cli, OPTION_NAME)) &&
        set(params, "introduce", value(cli, OPTION_INTRODUCE)))
        return params;
    json_decref(params);
    fail(cli, RPC_BAD_NAME);
    return NULL;
}

/* What has happened since it was looked at last, for a person who waits. */
struct told {
    bool told, heard, taken;
};

static void remark_once(struct cli *cli, bool is_so, bool *said, const char *sentence)
{
    if (is_so && !*said)
        remark(cli, "%s\n", sentence);
    *said |= is_so;
}

static void remark_progress(struct cli *cli, struct told *told, const json_t *invitation)
{
    bool ours = rpc_flag(invitation, "ours");
    const char *state = rpc_text(invitation, "state");
    remark_once(cli, rpc_text(invitation, "told") != NULL, &told->told,
                ours ? "Word for your guest lies in the DHT."
                     : "Word for your host lies in the DHT.");
    remark_once(cli, rpc_text(invitation, "heard") != NULL, &told->heard,
                ours ? "Your guest has left word." : "Your host has left word.");
    remark_once(cli, state != NULL && strcmp(state, "taken") == 0, &told->taken,
                ours ? "Your guest is a contact now; connecting."
                     : "Your host has taken you in; connecting.");
}

static enum rpc_error verdict(const json_t *invitation)
{
    const char *state = rpc_text(invitation, "state");
    if (state != NULL && strcmp(state, "lost") == 0)
        return RPC_INVITATION_LOST;
    if (state != NULL && (strcmp(state, "closed") == 0 || strcmp(state, "expired") == 0))
        return RPC_INVITATION_OVER;
    return RPC_FINE;
}

static bool look(struct cli *cli, json_t **invitation)
{
    json_t *answer = ask(cli, "invitation.get",
                         json_pack("{s:I}", "id", (json_int_t)rpc_whole(*invitation, "id", 0)));
    json_t *fresh = json_object_get(answer, "invitation");
    if (fresh != NULL) {
        json_decref(*invitation);
        *invitation = json_incref(fresh);
    }
    json_decref(answer);
    return fresh != NULL;
}

bool invitation_wait(struct cli *cli, duration patience, json_t **invitation)
{
    instant until = after(steady_clock(), patience);
    struct told told = { false };
    while (look(cli, invitation)) {
        json_t *event;
        remark_progress(cli, &told, *invitation);
        if (rpc_flag(*invitation, "online"))
            return true;
        enum rpc_error error = verdict(*invitation);
        instant now = steady_clock();
        if (error == RPC_FINE && now >= until)
            error = RPC_NOT_MET;
        if (error == RPC_FINE)
            error = rpc_client_next(cli->client, earlier(LOOK_EVERY, until - now), &event);
        if (error != RPC_FINE)
            return refuse(cli, error);
        json_decref(event);
    }
    return false;
}
