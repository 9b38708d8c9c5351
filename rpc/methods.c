/* The table: every method with what it takes and what it answers. The daemon dispatches by it,
   clients check and document themselves from it, and rpc.discover prints it. */
#include "rpc/rpc.h"

#include <assert.h>
#include <string.h>

/* clang-format off */
#define FIELDS(...) (const struct rpc_field[]){ __VA_ARGS__ { 0 } }
#define NOTHING FIELDS()
/* name, required or not, most, shape, about */
#define TEXT(field, about)                { field, RPC_TEXT, false, 0, NULL, about },
#define TEXT_MUST(field, about)           { field, RPC_TEXT, true, 0, NULL, about },
#define WHOLE(field, top, about)          { field, RPC_WHOLE, false, top, NULL, about },
#define WHOLE_MUST(field, about)          { field, RPC_WHOLE, true, 0, NULL, about },
#define FLAG(field, about)                { field, RPC_FLAG, false, 0, NULL, about },
#define FLAG_MUST(field, about)           { field, RPC_FLAG, true, 0, NULL, about },
#define TIME(field, about)                { field, RPC_TIME, false, 0, NULL, about },
#define TIME_MUST(field, about)           { field, RPC_TIME, true, 0, NULL, about },
#define SECONDS(field, about)             { field, RPC_SECONDS, false, 0, NULL, about },
#define SECONDS_MUST(field, about)        { field, RPC_SECONDS, true, 0, NULL, about },
#define TEXTS_MUST(field, about)          { field, RPC_TEXTS, true, 0, NULL, about },
#define OBJECT(field, shape, about)       { field, RPC_OBJECT, false, 0, shape, about },
#define OBJECT_MUST(field, shape, about)  { field, RPC_OBJECT, true, 0, shape, about },
#define OBJECTS_MUST(field, shape, about) { field, RPC_OBJECTS, true, 0, shape, about },
#define SECRET(field, must, about) \
    { field, RPC_SECRET, must, RPC_PASSPHRASE_MAX_BYTES, NULL, about },
#define ADDRESSES(about) { "at", RPC_TEXTS, false, RPC_ADDRESSES_MAX, NULL, about },

#define WHO   TEXT_MUST("who", "a contact's name or card")
#define LIMIT WHOLE("limit", RPC_PAGE_MAX, "at most so many; fewer come when they are long")

/* One field per line reads as the table it is. */
static const struct rpc_shape shapes[] = {
    { "identity",
      FIELDS(
          TEXT_MUST("name", "what the owner calls this identity; may be empty")
          TEXT_MUST("card", "89 characters; whoever has it can ask to meet")
          TEXT_MUST("link", "the card as a link")
          TEXT_MUST("short", "the account key alone: for comparing, never for dialling")
          TIME_MUST("made", "when it was made")
          FLAG_MUST("passphrase", "the home is protected by one")) },
    { "limits",
      FIELDS(
          WHOLE_MUST("line_bytes", "longest line either way")
          WHOLE_MUST("text_bytes", "longest text of a message")
          WHOLE_MUST("contacts", "most contacts")
          WHOLE_MUST("outbox", "most messages waiting")
          WHOLE_MUST("page", "most items in one answer")) },
    { "contact",
      FIELDS(
          WHOLE_MUST("id", "never used twice")
          TEXT_MUST("name", "ours for this person")
          TEXT_MUST("short", "the account key, for comparing")
          TEXT_MUST("card", "the card this contact was added with")
          OBJECTS_MUST("at", "place", "where to look for this person, best first")
          FLAG_MUST("online", "a link is open")
          FLAG_MUST("dialling", "a link is being tried")
          TEXT("online_at", "address of the open link")
          SECONDS("round_trip", "of the open link")
          FLAG_MUST("sealed", "both devices have used a session: what is sealed is for it alone")
          TIME("session_since", "when the present session was begun; absent: there is none")
          TIME("session_reset", "when one was last begun anew, being lost; absent: never")
          FLAG_MUST("list_forked", "the list of this person's devices contradicted itself")
          TIME_MUST("added", "when this contact was added")
          TIME("last_seen", "absent: never")) },
    { "place",
      FIELDS(
          TEXT_MUST("address", "IP:PORT")
          FLAG_MUST("fixed", "typed by a person; never forgotten by itself")
          TIME("worked", "absent: not yet")) },
    { "conversation",
      FIELDS(
          WHOLE_MUST("contact_id", "id of the contact")
          TEXT_MUST("contact", "name of the contact")
          WHOLE_MUST("total", "messages in it")
          WHOLE_MUST("unread", "messages not read")
          WHOLE_MUST("owed", "messages of ours neither delivered nor failed")
          FLAG_MUST("online", "a link is open")
          OBJECT("last", "message", "the newest message")) },
    { "message",
      FIELDS(
          TEXT_MUST("id", "base 32; its first characters will do where they are unique")
          WHOLE_MUST("contact_id", "id of the contact whose conversation it is in")
          TEXT_MUST("contact", "name of that contact")
          FLAG_MUST("ours", "we wrote it")
          TEXT_MUST("state", "written, sealed, delivered or failed")
          TEXT("failure", "why it failed: expired or too_long")
          FLAG_MUST("read", "we have read it")
          WHOLE_MUST("height", "place in the conversation's order, together with the id")
          TIME_MUST("written", "by the author's clock")
          TIME_MUST("arrived", "by ours")
          TIME_MUST("changed", "last change of state")
          TEXT_MUST("text", "as written: data, to be cleaned before a terminal sees it")) },
    { "attempt",
      FIELDS(
          TEXT_MUST("address", "IP:PORT")
          FLAG_MUST("door", "dialled at the card's door, because no link key was known")
          TIME_MUST("started", "when")
          TIME("ended", "absent: going on")
          TEXT("outcome", "what happened; absent: going on")) },
    { "event",
      FIELDS(
          WHOLE_MUST("seq", "from 1, no gaps; 0 for what is not kept")
          TIME_MUST("time", "when")
          TEXT_MUST("kind", "message.received, message.state, conversation.changed, "
                            "contact.changed, contact.removed, network.changed, "
                            "contact.session_reset, contact.list_forked, session.locked or "
                            "log.gap")
          WHOLE("contact_id", 0, "whom it is about")
          TEXT("contact", "name of that contact; absent when it is gone")
          TEXT("state", "message.state: the state reached then")
          OBJECT("message", "message", "as it is now; absent when it is gone")
          WHOLE("from", 0, "log.gap: first number missed")
          WHOLE("to", 0, "log.gap: last number missed")) },
};

static const struct rpc_method methods[] = {
    { "session.hello", RPC_NEEDS_NOTHING, NOTHING,
      FIELDS(
          TEXT_MUST("api", "version of this interface; minor versions only add")
          TEXT_MUST("version", "of the daemon")
          WHOLE_MUST("pid", "of the daemon")
          TEXT_MUST("state", "no_identity, locked or ready")
          FLAG_MUST("locked", "a passphrase is needed")
          TEXTS_MUST("capabilities", "what this daemon can do beyond the first release")
          OBJECT_MUST("limits", "limits", "stated maxima")),
      "Who answers, and whether it is ready" },
    { "session.status", RPC_NEEDS_NOTHING, NOTHING,
      FIELDS(
          TEXT_MUST("state", "no_identity, locked or ready")
          TEXT_MUST("version", "of the daemon")
          WHOLE_MUST("pid", "of the daemon")
          TEXT_MUST("home", "folder of this identity")
          SECONDS_MUST("uptime", "since the daemon started")
          TEXTS_MUST("listening", "our addresses, IP:PORT")
          OBJECT("identity", "identity", "absent unless ready")
          WHOLE("contacts", 0, "how many")
          WHOLE("online", 0, "contacts with an open link")
          WHOLE("dialling", 0, "contacts being tried")
          WHOLE("owed", 0, "messages not delivered yet")
          WHOLE("links", 0, "open links")
          WHOLE("unread", 0, "messages not read")
          WHOLE("oldest_event", 0, "oldest number kept; 0: none")
          WHOLE("newest_event", 0, "newest number; 0: none")
          WHOLE("unreadable", 0, "sealed cells that nothing could open, since the daemon started")
          WHOLE("memory", 0, "bytes resident")),
      "One screen of facts" },
    { "session.unlock", RPC_NEEDS_NOTHING,
      FIELDS(
          SECRET("passphrase", true, "of this home")),
      FIELDS(TEXT_MUST("state", "ready, or no_identity")),
      "Opens the home with its passphrase" },
    { "session.lock", RPC_NEEDS_NODE, NOTHING,
      FIELDS(TEXT_MUST("state", "locked")),
      "Closes the home and forgets its keys; links end" },
    { "session.shutdown", RPC_NEEDS_NOTHING, NOTHING,
      FIELDS(WHOLE_MUST("pid", "of the daemon that now stops")),
      "Says goodbye on every link and stops the daemon" },
    { "rpc.discover", RPC_NEEDS_NOTHING, NOTHING,
      FIELDS(
          TEXT_MUST("api", "version of this interface")
          OBJECTS_MUST("methods", "method", "this table")
          OBJECTS_MUST("shapes", "shape", "objects that several answers hold")
          OBJECTS_MUST("errors", "error", "names, codes, exit codes, sentences and hints")),
      "Describes every method, shape and error" },
    { "identity.create", RPC_NEEDS_NOTHING,
      FIELDS(
          TEXT("name", "what you call this identity; nobody else sees it")
          SECRET("passphrase", false, "wraps the keys on the disk")
          FLAG("no_passphrase", "true: the keys lie on the disk as they are; needed without "
                                "passphrase")),
      FIELDS(OBJECT_MUST("identity", "identity", "the new one")),
      "Makes the identity of this home, offline" },
    { "identity.show", RPC_NEEDS_NODE, NOTHING,
      FIELDS(OBJECT_MUST("identity", "identity", "ours")),
      "Our card" },
    { "contact.add", RPC_NEEDS_NODE,
      FIELDS(
          TEXT_MUST("card", "the card or link the person gave you")
          TEXT_MUST("name", "yours for this person")
          ADDRESSES("where to look for this person, IP:PORT")),
      FIELDS(OBJECT_MUST("contact", "contact", "the new one")),
      "Adds a person by card" },
    { "contact.list", RPC_NEEDS_NODE,
      FIELDS(
          WHOLE("after", 0, "go on behind this id")
          LIMIT),
      FIELDS(
          OBJECTS_MUST("contacts", "contact", "by id")
          FLAG_MUST("more", "there are more: ask again with `after`")),
      "Contacts, a page at a time" },
    { "contact.get", RPC_NEEDS_NODE,
      FIELDS(WHO),
      FIELDS(OBJECT_MUST("contact", "contact", "this one")),
      "One contact" },
    { "contact.update", RPC_NEEDS_NODE,
      FIELDS(
          WHO
          TEXT("name", "the new name")
          ADDRESSES("addresses to add, IP:PORT")),
      FIELDS(OBJECT_MUST("contact", "contact", "as it is now")),
      "Renames a contact or adds addresses" },
    { "contact.remove", RPC_NEEDS_NODE,
      FIELDS(WHO),
      FIELDS(OBJECT_MUST("contact", "contact", "as it was")),
      "Removes a contact with the conversation and what is still owed" },
    { "conversation.list", RPC_NEEDS_NODE,
      FIELDS(
          WHOLE("after", 0, "go on behind this contact id")
          LIMIT),
      FIELDS(
          OBJECTS_MUST("conversations", "conversation", "by contact id")
          FLAG_MUST("more", "there are more: ask again with `after`")),
      "Conversations with their counts, a page at a time" },
    { "conversation.get", RPC_NEEDS_NODE,
      FIELDS(WHO),
      FIELDS(OBJECT_MUST("conversation", "conversation", "with this contact")),
      "One conversation with its counts" },
    { "conversation.mark_read", RPC_NEEDS_NODE,
      FIELDS(
          WHO
          TEXT_MUST("until", "id of the last message read")),
      NOTHING, "Marks messages up to one as read" },
    { "message.send", RPC_NEEDS_NODE,
      FIELDS(
          WHO
          TEXT_MUST("text", "at most 56 KiB of UTF-8")
          TEXT("request_key", "your own, 1 to 64 bytes: repeating it returns the first answer")),
      FIELDS(OBJECT_MUST("message", "message", "written on our disk")),
      "Queues a message durably" },
    { "message.list", RPC_NEEDS_NODE,
      FIELDS(
          WHO
          LIMIT
          FLAG("unread", "only what they wrote and we have not read")
          TEXT("after", "id: those that follow it")
          TEXT("before", "id: those that come before it")
          FLAG("oldest", "from the start; otherwise, with neither id, the newest")),
      FIELDS(
          OBJECTS_MUST("messages", "message", "in the conversation's order, which is the same on "
                                              "both sides")
          FLAG_MUST("more", "there are more that way")),
      "Messages of a conversation, a page at a time" },
    { "message.get", RPC_NEEDS_NODE,
      FIELDS(TEXT_MUST("id", "or its first 4 characters or more")),
      FIELDS(OBJECT_MUST("message", "message", "this one")),
      "One message" },
    { "message.why", RPC_NEEDS_NODE,
      FIELDS(TEXT_MUST("id", "or its first 4 characters or more")),
      FIELDS(
          OBJECT_MUST("message", "message", "the message")
          FLAG_MUST("owed", "it still has to be delivered")
          FLAG_MUST("online", "a link to the contact is open")
          FLAG_MUST("sent", "sent on the open link, not acknowledged yet")
          WHOLE_MUST("ahead", "messages to the same contact that go first")
          WHOLE_MUST("addresses", "how many addresses are known")
          TIME("expires", "when it will be given up")
          TIME("last_seen", "of the contact; absent: never")
          TIME("next_try", "absent: nothing to dial, or no need to")
          OBJECTS_MUST("attempts", "attempt", "the latest, newest last")),
      "Why a message is where it is" },
    { "network.status", RPC_NEEDS_NODE, NOTHING,
      FIELDS(
          TEXTS_MUST("listening", "our addresses, IP:PORT")
          WHOLE_MUST("links", "open links and handshakes")
          WHOLE_MUST("online", "contacts with an open link")
          WHOLE_MUST("dialling", "contacts being tried")),
      "Where we listen and who is connected" },
    { "events.since", RPC_NEEDS_NODE,
      FIELDS(
          WHOLE("since", 0, "number of the last event seen; 0: from the first")
          LIMIT),
      FIELDS(
          OBJECTS_MUST("events", "event", "in order")
          WHOLE_MUST("oldest", "oldest number kept; 0: none")
          WHOLE_MUST("newest", "newest number; 0: none")),
      "Events after a number, a page at a time" },
    { "events.subscribe", RPC_NEEDS_NODE,
      FIELDS(
          WHOLE("since", 0, "number of the last event seen; without it, and without `as`: from now")
          { "kinds", RPC_TEXTS, false, 16, NULL, "only these kinds" },
          TEXT("as", "a name of your own: goes on behind what events.ack stored for it")),
      FIELDS(WHOLE_MUST("since", "events after this number follow")),
      "Replays events after a number, then goes on as they come" },
    { "events.unsubscribe", RPC_NEEDS_NOTHING, NOTHING, NOTHING, "Ends the stream of events" },
    { "events.ack", RPC_NEEDS_NODE,
      FIELDS(
          TEXT_MUST("as", "your name")
          WHOLE_MUST("seq", "the last event you have dealt with")),
      NOTHING, "Stores how far a named reader has come" },
};
/* clang-format on */

const struct rpc_method *rpc_method_at(size_t index)
{
    return index < COUNT(methods) ? &methods[index] : NULL;
}

const struct rpc_method *rpc_method_named(const char *name)
{
    for (size_t i = 0; i < COUNT(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

const struct rpc_shape *rpc_shape_at(size_t index)
{
    return index < COUNT(shapes) ? &shapes[index] : NULL;
}

const struct rpc_shape *rpc_shape_named(const char *name)
{
    for (size_t i = 0; i < COUNT(shapes); i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

static const char *type_name(enum rpc_type type)
{
    static const char *const names[] = {
        [RPC_TEXT] = "text",       [RPC_SECRET] = "secret", [RPC_WHOLE] = "whole",
        [RPC_FLAG] = "flag",       [RPC_TEXTS] = "texts",   [RPC_TIME] = "time",
        [RPC_SECONDS] = "seconds", [RPC_OBJECT] = "object", [RPC_OBJECTS] = "objects",
    };
    assert((size_t)type < COUNT(names) && names[type] != NULL);
    return names[type];
}

static json_t *fields_described(const struct rpc_field *fields)
{
    json_t *list = json_array();
    for (const struct rpc_field *field = fields; field->type != RPC_END; field++) {
        json_t *one =
            json_pack("{s:s, s:s, s:b, s:s}", "name", field->name, "type", type_name(field->type),
                      "required", field->required, "about", field->about);
        if (field->most > 0)
            json_object_set_new(one, "most", json_integer(field->most));
        if (field->of != NULL)
            json_object_set_new(one, "of", json_string(field->of));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *methods_described(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT(methods); i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:o, s:o}", "name", methods[i].name,
                                              "summary", methods[i].summary, "needs_unlocked",
                                              methods[i].need == RPC_NEEDS_NODE, "params",
                                              fields_described(methods[i].params), "answer",
                                              fields_described(methods[i].answer)));
    return list;
}

static json_t *shapes_described(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT(shapes); i++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "name", shapes[i].name, "fields",
                                              fields_described(shapes[i].fields)));
    return list;
}

static json_t *errors_described(void)
{
    json_t *list = json_array();
    for (enum rpc_error error = RPC_FINE + 1; error < RPC_ERRORS; error++) {
        const struct rpc_error_row *row = rpc_error_row(error);
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s, s:s}", "name", row->name,
                                              "code", row->code, "exit", row->exit, "sentence",
                                              row->sentence, "hint", row->hint));
    }
    return list;
}

json_t *rpc_discover(void)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "api", RPC_API, "methods", methods_described(),
                     "shapes", shapes_described(), "errors", errors_described());
}
