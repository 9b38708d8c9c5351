#include "apps/daemon/inside.h"

#include "base/mem.h"

static enum rpc_error answer_invitation(struct call *call, enum answer answer,
                                        struct node_invitation *invitation)
{
    if (answer == ANSWER_DONE)
        call->result = json_pack("{s:o}", "invitation", show_invitation(call->daemon, invitation));
    wipe(invitation, sizeof *invitation);
    return error_of_answer(call->daemon, answer);
}

static const char *text_or_none(const struct call *call, const char *field)
{
    const char *text = rpc_text(call->params, field);
    return text != NULL ? text : "";
}

enum rpc_error invitation_create(struct call *call)
{
    struct node_invitation made;
    instant now = host_now(call->daemon->host);
    instant ends =
        after(now, (duration)rpc_whole(call->params, "expires", (int64_t)(DAY / SECOND)) * SECOND);
    return answer_invitation(call,
                             node_invite(call->daemon->node, now, text_or_none(call, "name"),
                                         text_or_none(call, "introduce"), ends, &made),
                             &made);
}

enum rpc_error invitation_accept(struct call *call)
{
    struct node_invitation taken;
    struct card card;
    const char *link = rpc_text(call->params, "link");
    bool is_card = card_read(&card, link) == FAULT_NONE;
    wipe(&card, sizeof card);
    if (is_card)
        return RPC_IS_CARD;
    return answer_invitation(call,
                             node_join(call->daemon->node, host_now(call->daemon->host), link,
                                       text_or_none(call, "name"), text_or_none(call, "introduce"),
                                       &taken),
                             &taken);
}

enum rpc_error invitation_get(struct call *call)
{
    struct node_invitation found;
    return answer_invitation(
        call, node_invitation_get(call->daemon->node, rpc_whole(call->params, "id", 0), &found),
        &found);
}

enum rpc_error invitation_list(struct call *call)
{
    struct node_invitation found;
    int64_t at = rpc_whole(call->params, "after", 0);
    size_t limit = (size_t)rpc_whole(call->params, "limit", RPC_PAGE_MAX);
    json_t *list = json_array();
    enum answer answer;
    while ((answer = node_invitation_next(call->daemon->node, at, &found)) == ANSWER_DONE &&
           json_array_size(list) < limit) {
        json_array_append_new(list, show_invitation(call->daemon, &found));
        at = found.row.row;
    }
    wipe(&found, sizeof found);
    call->result = json_pack("{s:o, s:b}", "invitations", list, "more", answer == ANSWER_DONE);
    return answer == ANSWER_DISK ? error_of_answer(call->daemon, answer) : RPC_FINE;
}

enum rpc_error invitation_revoke(struct call *call)
{
    struct node_invitation found;
    struct node *node = call->daemon->node;
    int64_t row = rpc_whole(call->params, "id", 0);
    enum answer answer = node_invitation_get(node, row, &found);
    if (answer == ANSWER_DONE && found.row.state != INVITATION_OPEN) {
        wipe(&found, sizeof found);
        return RPC_INVITATION_OVER;
    }
    if (answer == ANSWER_DONE)
        answer = node_invitation_close(node, host_now(call->daemon->host), row);
    if (answer == ANSWER_DONE)
        answer = node_invitation_get(node, row, &found);
    return answer_invitation(call, answer, &found);
}
