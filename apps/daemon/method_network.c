#include "apps/daemon/inside.h"

enum rpc_error network_status(struct call *call)
{
    struct daemon *daemon = call->daemon;
    struct node_status status;
    enum answer answer = node_status(daemon->node, &status);
    if (answer == ANSWER_DONE)
        call->result =
            json_pack("{s:o, s:I, s:I, s:I}", "listening", show_listening(daemon->host), "links",
                      (json_int_t)status.links, "online", (json_int_t)status.online, "dialling",
                      (json_int_t)status.dialling);
    return error_of_answer(daemon, answer);
}
