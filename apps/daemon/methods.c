/* From a request to the function that answers it, and from what the engine says to what a client
   reads. */
#include "apps/daemon/inside.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    method *run;
} handlers[] = {
    { "session.hello", session_hello },
    { "session.status", session_status },
    { "session.unlock", session_unlock },
    { "session.lock", session_lock },
    { "session.shutdown", session_shutdown },
    { "rpc.discover", discover },
    { "identity.create", identity_create },
    { "identity.show", identity_show },
    { "contact.add", contact_add },
    { "contact.list", contact_list },
    { "contact.get", contact_get },
    { "contact.update", contact_update },
    { "contact.remove", contact_remove },
    { "verify.start", verify_start },
    { "verify.confirm", verify_confirm },
    { "verify.mismatch", verify_mismatch },
    { "invitation.create", invitation_create },
    { "invitation.accept", invitation_accept },
    { "invitation.speak", invitation_speak },
    { "invitation.hear", invitation_hear },
    { "invitation.heard", invitation_heard },
    { "invitation.list", invitation_list },
    { "invitation.get", invitation_get },
    { "invitation.revoke", invitation_revoke },
    { "conversation.list", conversation_list },
    { "conversation.get", conversation_get },
    { "conversation.mark_read", conversation_mark_read },
    { "message.send", message_send },
    { "message.list", message_list },
    { "message.get", message_get },
    { "message.why", message_why },
    { "network.status", network_status },
    { "network.doctor", network_doctor },
    { "events.since", events_since },
    { "events.subscribe", events_subscribe },
    { "events.unsubscribe", events_unsubscribe },
    { "events.ack", events_ack },
    { "dht.status", method_dht_status },
    { "dht.ping", method_dht_ping },
    { "dht.nodes", method_dht_nodes },
    { "dht.peers", method_dht_peers },
    { "dht.announce", method_dht_announce },
    { "dht.get", method_dht_get },
    { "dht.put", method_dht_put },
    { "dht.cancel", method_dht_cancel },
};

static enum rpc_error may_run(const struct daemon *daemon, const struct rpc_method *wanted)
{
    if (daemon->state == DAEMON_STOPPING)
        return RPC_SHUTTING_DOWN;
    if (wanted->need == RPC_NEEDS_NOTHING)
        return RPC_FINE;
    if (daemon->state == DAEMON_BARE)
        return wanted->need == RPC_NEEDS_DHT ? RPC_FINE : RPC_BARE_NODE;
    if (wanted->need == RPC_NEEDS_DHT && daemon->config.dht_off)
        return RPC_DHT_OFF;
    if (wanted->need == RPC_NEEDS_HOME || daemon->state == DAEMON_READY)
        return RPC_FINE;
    bool empty = daemon->state == DAEMON_EMPTY || daemon->state == DAEMON_MAKING;
    return empty ? RPC_NO_IDENTITY : RPC_LOCKED;
}

enum rpc_error method_call(struct call *call, const struct rpc_method *wanted)
{
    enum rpc_error error = may_run(call->daemon, wanted);
    if (error != RPC_FINE)
        return error;
    for (size_t i = 0; i < COUNT(handlers); i++)
        if (strcmp(handlers[i].name, wanted->name) == 0)
            return handlers[i].run(call);
    assert(!"a method of the table without a handler");
    return RPC_UNKNOWN_METHOD;
}

enum rpc_error error_of_trouble(enum store_trouble trouble)
{
    switch (trouble) {
    case STORE_FINE:
        return RPC_FINE;
    case STORE_FULL:
        return RPC_STORE_FULL;
    case STORE_DAMAGED:
        return RPC_STORE_DAMAGED;
    case STORE_TOO_NEW:
        return RPC_STORE_TOO_NEW;
    case STORE_UNWRITABLE:
        return RPC_HOME_UNWRITABLE;
    case STORE_UNSAFE:
        return RPC_STORE_UNSAFE;
    case STORE_TAKEN:
        return RPC_ALREADY_RUNNING;
    case STORE_BROKEN:
        break;
    }
    return RPC_STORE_BROKEN;
}

enum rpc_error error_of_host(enum host_trouble trouble)
{
    switch (trouble) {
    case HOST_FINE:
        return RPC_FINE;
    case HOST_NOT_OURS:
        return RPC_HOME_UNSAFE;
    case HOST_FULL:
        return RPC_STORE_FULL;
    case HOST_HOME_TAKEN:
    case HOST_SOCKET_TAKEN:
        return RPC_ALREADY_RUNNING;
    case HOST_PORT_TAKEN:
        return RPC_PORT_IN_USE;
    case HOST_NOT_OUR_ADDRESS:
        return RPC_NO_SUCH_LISTEN;
    case HOST_BROKEN:
        return RPC_STORE_BROKEN;
    default:
        return RPC_HOME_UNWRITABLE;
    }
}

enum rpc_error error_of_answer(const struct daemon *daemon, enum answer answer)
{
    static const enum rpc_error errors[] = {
        [ANSWER_DONE] = RPC_FINE,
        [ANSWER_NO_IDENTITY] = RPC_NO_IDENTITY,
        [ANSWER_HAS_IDENTITY] = RPC_HAS_IDENTITY,
        [ANSWER_BAD_NAME] = RPC_BAD_NAME,
        [ANSWER_NAME_TAKEN] = RPC_NAME_TAKEN,
        [ANSWER_BAD_CARD] = RPC_BAD_CARD,
        [ANSWER_OWN_CARD] = RPC_OWN_CARD,
        [ANSWER_CONTACT_EXISTS] = RPC_CONTACT_EXISTS,
        [ANSWER_CONTACTS_FULL] = RPC_CONTACTS_FULL,
        [ANSWER_ADDRESSES_FULL] = RPC_ADDRESSES_FULL,
        [ANSWER_NO_CONTACT] = RPC_NO_CONTACT,
        [ANSWER_AMBIGUOUS_CONTACT] = RPC_AMBIGUOUS_CONTACT,
        [ANSWER_NO_MESSAGE] = RPC_NO_MESSAGE,
        [ANSWER_AMBIGUOUS_MESSAGE] = RPC_AMBIGUOUS_MESSAGE,
        [ANSWER_TEXT_EMPTY] = RPC_TEXT_EMPTY,
        [ANSWER_TEXT_TOO_LONG] = RPC_TEXT_TOO_LONG,
        [ANSWER_TEXT_NOT_UTF8] = RPC_TEXT_NOT_UTF8,
        [ANSWER_OUTBOX_FULL] = RPC_OUTBOX_FULL,
        [ANSWER_BAD_KEY] = RPC_BAD_KEY,
        [ANSWER_NO_EVENT] = RPC_NO_EVENT,
        [ANSWER_CONSUMERS_FULL] = RPC_CONSUMERS_FULL,
        [ANSWER_STOPPED] = RPC_STOPPED,
        [ANSWER_BAD_INVITATION] = RPC_BAD_INVITATION,
        [ANSWER_NO_INVITATION] = RPC_NO_INVITATION,
        [ANSWER_INVITATIONS_FULL] = RPC_INVITATIONS_FULL,
    };
    if (answer == ANSWER_DISK)
        return error_of_trouble(node_trouble(daemon->node));
    assert((size_t)answer < COUNT(errors));
    return errors[answer];
}

enum rpc_error discover(struct call *call)
{
    call->result = rpc_discover();
    return RPC_FINE;
}
