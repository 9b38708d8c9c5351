#include "apps/daemon/inside.h"

static enum rpc_error judge(struct call *call, bool matches)
{
    struct node *node = call->daemon->node;
    struct node_contact contact;
    enum rpc_error error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    int64_t id = contact.row.id;
    enum answer answer = node_contact_judge(node, host_now(call->daemon->host), id, matches);
    if (answer == ANSWER_DONE)
        answer = node_contact_get(node, id, &contact);
    if (answer == ANSWER_DONE)
        call->result = json_pack("{s:o}", "contact", show_contact(&contact));
    return error_of_answer(call->daemon, answer);
}

enum rpc_error verify_start(struct call *call)
{
    struct node_contact contact;
    char number[SAFETY_DIGITS + 1];
    enum rpc_error error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    enum answer answer = node_contact_number(call->daemon->node, contact.row.id, number);
    if (answer == ANSWER_DONE)
        call->result = json_pack("{s:s, s:o}", "number", number, "contact", show_contact(&contact));
    return error_of_answer(call->daemon, answer);
}

/* A number that does not match stops the contact: that is what it was typed for. */
enum rpc_error verify_confirm(struct call *call)
{
    struct node_contact contact;
    char number[SAFETY_DIGITS + 1];
    const char *typed = rpc_text(call->params, "number");
    enum rpc_error error = call_contact(call, &contact);
    if (error == RPC_FINE && typed != NULL)
        error = error_of_answer(call->daemon,
                                node_contact_number(call->daemon->node, contact.row.id, number));
    if (error != RPC_FINE)
        return error;
    bool matches = typed == NULL || safety_matches(typed, number);
    error = judge(call, matches);
    return error == RPC_FINE && !matches ? RPC_NO_MATCH : error;
}

enum rpc_error verify_mismatch(struct call *call)
{
    return judge(call, false);
}
