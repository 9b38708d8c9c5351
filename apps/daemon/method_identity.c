#include "apps/daemon/inside.h"

enum rpc_error identity_create(struct call *call)
{
    const char *name = rpc_text(call->params, "name");
    const char *passphrase = rpc_text(call->params, "passphrase");
    bool without = rpc_flag(call->params, "no_passphrase");
    if (call->daemon->state == DAEMON_MAKING)
        call->sentence = "an identity is being made here at this moment";
    if (call->daemon->state != DAEMON_EMPTY)
        return RPC_HAS_IDENTITY;
    if (passphrase == NULL && !without)
        return RPC_PASSPHRASE_EMPTY;
    if (passphrase != NULL && without) {
        call->sentence = "\"passphrase\" and \"no_passphrase\" exclude each other";
        return RPC_BAD_PARAMS;
    }
    return opening_make(call, name == NULL ? "" : name, passphrase);
}

enum rpc_error identity_show(struct call *call)
{
    json_t *identity = show_identity(call->daemon);
    if (identity == NULL)
        return error_of_answer(call->daemon, ANSWER_DISK);
    call->result = json_pack("{s:o}", "identity", identity);
    return RPC_FINE;
}
