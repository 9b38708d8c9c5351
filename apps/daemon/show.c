/* What the engine says, as JSON. Field names are the table's (rpc/methods.c). */
#include "apps/daemon/inside.h"

#include "base/mem.h"

#include <string.h>

json_t *show_time(instant when)
{
    char text[RPC_TIME_BYTES];
    rpc_time_print(when, text);
    return json_string(text);
}

void show_time_unless(json_t *object, const char *name, instant when, instant absent)
{
    if (when != absent)
        json_object_set_new(object, name, show_time(when));
}

json_t *show_address(const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    address_print(address, text);
    return json_string(text);
}

json_t *show_identity(struct daemon *daemon)
{
    struct node_identity identity;
    char card[CARD_TEXT_CHARS + 1], brief[CARD_SHORT_CHARS + 1];
    char link[sizeof CARD_LINK_SCHEME + CARD_TEXT_CHARS] = CARD_LINK_SCHEME;
    if (node_identity(daemon->node, &identity) != ANSWER_DONE)
        return NULL;
    card_write(card, &identity.card);
    card_write_short(brief, identity.card.account);
    strcat(link, card);
    json_t *shown = json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "name", identity.name, "card", card,
                              "link", link, "short", brief, "made", show_time(identity.made),
                              "passphrase", daemon->has_passphrase);
    wipe(&identity, sizeof identity);
    return shown;
}

json_t *show_listening(const struct host *host)
{
    struct address at[HOST_LISTEN_MAX];
    json_t *list = json_array();
    size_t count = host_listening(host, at);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, show_address(&at[i]));
    return list;
}

/* --- people ----------------------------------------------------------------------------------- */

static json_t *show_places(const struct node_contact *contact)
{
    json_t *places = json_array();
    for (size_t i = 0; i < contact->at_count; i++) {
        const struct store_address *at = &contact->at[i];
        json_t *place =
            json_pack("{s:o, s:b}", "address", show_address(&at->address), "fixed", at->fixed);
        show_time_unless(place, "worked", at->worked, 0);
        json_array_append_new(places, place);
    }
    return places;
}

static const char *trust_name(enum contact_trust trust)
{
    static const char *const names[] = { [TRUST_UNVERIFIED] = "unverified",
                                         [TRUST_VERIFIED] = "verified",
                                         [TRUST_STOPPED] = "stopped" };
    return names[trust];
}

json_t *show_contact(const struct node_contact *contact)
{
    static const uint8_t none[CARD_SECRET_BYTES];
    struct card card;
    char text[CARD_TEXT_CHARS + 1], brief[CARD_SHORT_CHARS + 1];
    memcpy(card.account, contact->row.account, sizeof card.account);
    memcpy(card.secret, contact->row.card_secret, sizeof card.secret);
    card_write(text, &card);
    if (memcmp(card.secret, none, sizeof none) == 0)
        text[0] = '\0'; /* met by invitation: we hold no card */
    card_write_short(brief, card.account);
    json_t *shown = json_pack(
        "{s:I, s:s, s:s, s:s, s:o, s:b, s:b, s:o}", "id", (json_int_t)contact->row.id, "name",
        contact->row.name, "short", brief, "card", text, "at", show_places(contact), "online",
        contact->online, "dialling", contact->dialling, "added", show_time(contact->row.added));
    if (contact->online) {
        json_object_set_new(shown, "online_at", show_address(&contact->online_at));
        json_object_set_new(shown, "round_trip", json_real((double)contact->rtt / (double)SECOND));
    }
    show_time_unless(shown, "last_seen", contact->row.last_seen, 0);
    json_object_set_new(shown, "sealed", json_boolean(contact->safety.session));
    json_object_set_new(shown, "trust", json_string(trust_name(contact->safety.trust)));
    show_time_unless(shown, "judged", contact->safety.judged, 0);
    json_object_set_new(shown, "list_forked", json_boolean(contact->safety.forked));
    show_time_unless(shown, "session_since", contact->safety.since, 0);
    show_time_unless(shown, "session_reset", contact->safety.reset, 0);
    return shown;
}

/* --- messages --------------------------------------------------------------------------------- */

static const char *state_name(enum message_state state)
{
    switch (state) {
    case MESSAGE_WRITTEN:
        return "written";
    case MESSAGE_SEALED:
        return "sealed";
    case MESSAGE_DELIVERED:
        return "delivered";
    case MESSAGE_FAILED:
        return "failed";
    }
    return "unknown"; /* a later release wrote it */
}

static const char *failure_name(enum message_failure failure)
{
    static const char *const names[] = {
        [FAILURE_EXPIRED] = "expired", [FAILURE_TOO_LONG] = "too_long"
    };
    return (size_t)failure < COUNT(names) ? names[failure] : NULL;
}

size_t show_text_bytes(struct bytes text)
{
    size_t bytes = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bytes += c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
    }
    return bytes;
}

/* The name of a contact, or nothing when it is gone. */
static void show_name(struct daemon *daemon, json_t *object, int64_t contact)
{
    struct node_contact found;
    if (node_contact_get(daemon->node, contact, &found) == ANSWER_DONE)
        json_object_set_new(object, "contact", json_string(found.row.name));
}

json_t *show_message(struct daemon *daemon, const struct store_message *message)
{
    char name[MESSAGE_NAME_CHARS + 1];
    node_message_name(name, message->id);
    json_t *shown = json_pack(
        "{s:s, s:I, s:b, s:s, s:b, s:I, s:o, s:o, s:o, s:s%}", "id", name, "contact_id",
        (json_int_t)message->contact, "ours", message->ours, "state", state_name(message->state),
        "read", message->read, "height", (json_int_t)message->height, "written",
        show_time(message->written), "arrived", show_time(message->arrived), "changed",
        show_time(message->changed), "text", (const char *)message->text.data, message->text.size);
    if (message->failure != FAILURE_NONE && failure_name(message->failure) != NULL)
        json_object_set_new(shown, "failure", json_string(failure_name(message->failure)));
    show_name(daemon, shown, message->contact);
    return shown;
}

/* --- invitations ------------------------------------------------------------------------------ */

static const char *invitation_state(enum invitation_state state)
{
    static const char *const names[] = { [INVITATION_OPEN] = "open",
                                         [INVITATION_TAKEN] = "taken",
                                         [INVITATION_LOST] = "lost",
                                         [INVITATION_CLOSED] = "closed",
                                         [INVITATION_EXPIRED] = "expired" };
    return names[state];
}

json_t *show_invitation(struct daemon *daemon, const struct node_invitation *invitation)
{
    char link[sizeof CARD_LINK_SCHEME + INVITATION_TEXT_CHARS] = CARD_LINK_SCHEME;
    const struct store_invitation *row = &invitation->row;
    json_t *shown = json_pack("{s:I, s:b, s:s, s:s, s:o, s:o}", "id", (json_int_t)row->row, "ours",
                              row->ours, "state", invitation_state(row->state), "name", row->name,
                              "made", show_time(row->made), "changed", show_time(row->changed));
    if (invitation->has_link) {
        invitation_write(link + sizeof CARD_LINK_SCHEME - 1, &invitation->link);
        json_object_set_new(shown, "link", json_string(link));
        wipe(link, sizeof link);
    }
    if (row->contact != 0) {
        struct node_contact contact;
        json_object_set_new(shown, "contact_id", json_integer(row->contact));
        show_name(daemon, shown, row->contact);
        json_object_set_new(
            shown, "online",
            json_boolean(node_contact_get(daemon->node, row->contact, &contact) == ANSWER_DONE &&
                         contact.online));
    }
    show_time_unless(shown, "ends", row->ends, NEVER);
    show_time_unless(shown, "told", invitation->told, 0);
    if (invitation->told != 0)
        json_object_set_new(shown, "told_on", json_integer((json_int_t)invitation->told_on));
    show_time_unless(shown, "looked", invitation->looked, 0);
    show_time_unless(shown, "heard", invitation->heard, 0);
    return shown;
}

/* --- events ----------------------------------------------------------------------------------- */

static const char *const kinds[] = {
    [EVENT_MESSAGE_RECEIVED] = "message.received",
    [EVENT_MESSAGE_STATE] = "message.state",
    [EVENT_CONVERSATION_CHANGED] = "conversation.changed",
    [EVENT_CONTACT_CHANGED] = "contact.changed",
    [EVENT_CONTACT_REMOVED] = "contact.removed",
    [EVENT_NETWORK_CHANGED] = "network.changed",
    [EVENT_SESSION_RESET] = "contact.session_reset",
    [EVENT_LIST_FORKED] = "contact.list_forked",
    [EVENT_INVITATION_CHANGED] = "invitation.changed",
};

unsigned show_kind_bit(enum event_kind kind)
{
    return 1u << kind;
}

/* What concerns the stream itself cannot be unwished for; naming it is fine. */
bool show_kind_named(const char *name, unsigned *bit)
{
    *bit = 0;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (kinds[i] != NULL && strcmp(kinds[i], name) == 0)
            *bit = show_kind_bit((enum event_kind)i);
    return *bit != 0 || strcmp(name, "session.locked") == 0 || strcmp(name, "log.gap") == 0;
}

json_t *show_any(uint64_t seq, instant time, const char *kind)
{
    return json_pack("{s:I, s:o, s:s}", "seq", (json_int_t)seq, "time", show_time(time), "kind",
                     kind);
}

/* The log keeps numbers; what they stand for is looked up now, so what was
   removed stays removed. */
json_t *show_event(struct daemon *daemon, const struct store_event *event)
{
    struct store_message message;
    bool known = event->kind < COUNT(kinds) && kinds[event->kind] != NULL;
    json_t *shown = show_any(event->seq, event->time, known ? kinds[event->kind] : "unknown");
    if (event->contact != 0) {
        json_object_set_new(shown, "contact_id", json_integer(event->contact));
        show_name(daemon, shown, event->contact);
    }
    if (event->kind == EVENT_MESSAGE_STATE)
        json_object_set_new(shown, "state",
                            json_string(state_name((enum message_state)event->detail)));
    if (event->kind == EVENT_INVITATION_CHANGED)
        json_object_set_new(shown, "invitation_id", json_integer(event->detail));
    if (event->message != 0 &&
        node_message_get(daemon->node, event->message, &message) == ANSWER_DONE)
        json_object_set_new(shown, "message", show_message(daemon, &message));
    return shown;
}

json_t *show_gap(struct daemon *daemon, uint64_t from, uint64_t to)
{
    json_t *shown = show_any(0, host_now(daemon->host), "log.gap");
    json_object_set_new(shown, "from", json_integer((json_int_t)from));
    json_object_set_new(shown, "to", json_integer((json_int_t)to));
    return shown;
}
