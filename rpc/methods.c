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
#define TEXTS(field, about)               { field, RPC_TEXTS, false, 0, NULL, about },
#define TEXTS_MUST(field, about)          { field, RPC_TEXTS, true, 0, NULL, about },
#define NUMBER(field, about)              { field, RPC_NUMBER, false, 0, NULL, about },
#define NUMBER_MUST(field, about)         { field, RPC_NUMBER, true, 0, NULL, about },
#define OBJECT(field, shape, about)       { field, RPC_OBJECT, false, 0, shape, about },
#define OBJECT_MUST(field, shape, about)  { field, RPC_OBJECT, true, 0, shape, about },
#define OBJECTS(field, shape, about)      { field, RPC_OBJECTS, false, 0, shape, about },
#define OBJECTS_MUST(field, shape, about) { field, RPC_OBJECTS, true, 0, shape, about },
#define SECRET(field, must, about) \
    { field, RPC_SECRET, must, RPC_PASSPHRASE_MAX_BYTES, NULL, about },
#define ADDRESSES(about) { "at", RPC_TEXTS, false, RPC_ADDRESSES_MAX, NULL, about },

#define WHO   TEXT_MUST("who", "a contact's name or card")
#define TARGET(field, about) { field, RPC_TEXT, false, 40, NULL, about ", 40 hex digits" },
#define TAG                                                                                        \
    { "tag", RPC_TEXT, false, RPC_TAG_MAX_BYTES, NULL,                                             \
      "a name of your own for this search: results come as events, and dht.cancel knows it" },
#define TAG_MUST { "tag", RPC_TEXT, true, RPC_TAG_MAX_BYTES, NULL, "of the search" },
#define HIDDEN FLAG("hidden", "only the last nodes asked learn what is looked for")
#define STORE_ON WHOLE("nodes", 20, "on how many nodes, 8 to 20; absent: 8")
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
          TEXT_MUST("card", "the card this contact was added with; empty: you met by invitation")
          OBJECTS_MUST("at", "place", "where to look for this person, best first")
          FLAG_MUST("online", "a link is open")
          FLAG_MUST("dialling", "a link is being tried")
          TEXT("online_at", "address of the open link")
          SECONDS("round_trip", "of the open link")
          FLAG_MUST("sealed", "both devices have used a session: what is sealed is for it alone")
          TIME("session_since", "when the present session was begun; absent: there is none")
          TIME("session_reset", "when one was last begun anew, being lost; absent: never")
          TEXT_MUST("trust", "unverified, verified, or stopped: nothing is sent until you decide")
          TIME("judged", "when that was decided; absent: never")
          FLAG_MUST("list_forked", "the list of this person's devices contradicted itself")
          TIME_MUST("added", "when this contact was added")
          TIME("last_seen", "absent: never")) },
    { "invitation",
      FIELDS(
          WHOLE_MUST("id", "never used twice")
          FLAG_MUST("ours", "we gave it")
          TEXT_MUST("state", "open, taken, lost (somebody else was first), closed or expired")
          TEXT("link", "ours and open: what one gives to the guest, and to nobody else")
          TEXT_MUST("name", "ours for the other; empty: none was given")
          WHOLE("contact_id", 0, "the contact that came of it; of one taken: its host")
          TEXT("contact", "name of that contact")
          FLAG("online", "a link to that contact is open")
          TIME_MUST("made", "when")
          TIME("ends", "nobody may come after; of one taken: when we give up")
          TIME_MUST("changed", "last change of state")
          TIME("told", "when word was left in the DHT last; absent: not yet")
          WHOLE("told_on", 0, "on so many nodes")
          TIME("looked", "when the other's was looked for last; absent: not yet")
          TIME("heard", "when the other left what was found; absent: nothing yet")) },
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
                            "contact.session_reset, contact.list_forked, "
                            "invitation.changed, session.locked, "
                            "log.gap, dht.nodes, dht.peers, dht.item, dht.stored or dht.round")
          WHOLE("contact_id", 0, "whom it is about")
          TEXT("contact", "name of that contact; absent when it is gone")
          TEXT("state", "message.state: the state reached then")
          OBJECT("message", "message", "as it is now; absent when it is gone")
          WHOLE("invitation_id", 0, "invitation.changed: which")
          WHOLE("from", 0, "log.gap: first number missed")
          WHOLE("to", 0, "log.gap: last number missed")
          TEXT("tag", "dht: the search it belongs to")
          OBJECTS("nodes", "dht_node", "dht.nodes: the closest first")
          TEXTS("peers", "dht.peers: IP:PORT, each once in a search")
          OBJECT("item", "dht_item", "dht.item: the first that is valid, then newer ones")
          WHOLE("stored", 0, "dht.stored: nodes that took it in this round")
          WHOLE("refused", 0, "dht.stored: nodes that did not")
          OBJECT("cost", "dht_cost", "dht.round: of a round that keeps something up")) },
    { "finding",
      FIELDS(
          TEXT_MUST("check", "dht, router, calls, nearby, clock or disk")
          TEXT_MUST("state", "good, warning or bad")
          TEXT_MUST("says", "one sentence")
          TEXT("hint", "what to do; absent: nothing")) },
    { "dht_node",
      FIELDS(
          TEXT_MUST("id", "40 hex digits")
          TEXT_MUST("at", "IP:PORT")) },
    { "dht_item",
      FIELDS(
          TEXT_MUST("target", "where it is stored, 40 hex digits")
          TEXT_MUST("value", "as it is stored, that is bencoded; base 64")
          TEXT("string", "what it says where it is a byte string; base 64")
          TEXT("text", "the same where that is UTF-8; to be cleaned before a terminal sees it")
          FLAG_MUST("mutable", "the owner of a key may replace it")
          TEXT("key", "mutable: the public key, 64 hex digits")
          TEXT("salt", "mutable: what was asked for; absent when empty")
          WHOLE("seq", 0, "mutable: greater ones replace it")
          TEXT("signature", "mutable: 128 hex digits; it was checked")) },
    { "dht_cost",
      FIELDS(
          WHOLE_MUST("queries", "sent")
          WHOLE_MUST("answers", "that came, late ones too")
          WHOLE_MUST("rounds", "the longest chain of nodes that named each other")
          NUMBER("first_ms", "until the first result; absent: there was none")
          NUMBER_MUST("took_ms", "until the end")) },
    { "dht_family",
      FIELDS(
          TEXT_MUST("id", "ours, 40 hex digits")
          WHOLE_MUST("good", "nodes that answered within 15 minutes")
          WHOLE_MUST("known", "nodes in the table")
          NUMBER_MUST("estimate", "nodes in the whole network; 0: not known yet")
          TEXT("self", "our address as others see it; absent: they do not agree yet")
          FLAG_MUST("ports_change", "a router of ours makes another port for each of them")) },
    { "dht_status",
      FIELDS(
          OBJECT_MUST("ipv4", "dht_family", "one overlay")
          OBJECT_MUST("ipv6", "dht_family", "the other one")
          FLAG_MUST("read_only", "we ask and do not serve")
          TEXT("why", "why so: configured, or unreachable: nobody has asked us out of the blue")
          WHOLE_MUST("operations", "searches, and what is kept up")
          WHOLE_MUST("in_flight", "queries that wait for an answer")
          WHOLE_MUST("infohashes", "under which we hold peers for others")
          WHOLE_MUST("peers", "held for others")
          WHOLE_MUST("items", "held for others")
          WHOLE_MUST("received", "datagrams")
          WHOLE_MUST("received_bytes", "in them")
          WHOLE_MUST("sent", "datagrams")
          WHOLE_MUST("sent_bytes", "in them")
          WHOLE_MUST("queries", "of ours")
          WHOLE_MUST("answered", "of those")
          WHOLE_MUST("served", "queries of others that we answered")
          WHOLE_MUST("dropped", "datagrams that deserved no answer, or for which there was no room")
          SECONDS_MUST("uptime", "of this count")
          TEXTS_MUST("listening", "our addresses, IP:PORT")) },
};

static const struct rpc_method methods[] = {
    { "session.hello", RPC_NEEDS_NOTHING, NOTHING,
      FIELDS(
          TEXT_MUST("api", "version of this interface; minor versions only add")
          TEXT_MUST("version", "of the daemon")
          WHOLE_MUST("pid", "of the daemon")
          TEXT_MUST("state", "no_identity, locked, ready, or bare: a DHT node alone")
          FLAG_MUST("locked", "a passphrase is needed")
          TEXTS_MUST("capabilities", "what this daemon can do beyond the first release")
          OBJECT_MUST("limits", "limits", "stated maxima")),
      "Who answers, and whether it is ready" },
    { "session.status", RPC_NEEDS_HOME, NOTHING,
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
          WHOLE("memory", 0, "bytes resident")
          OBJECT("dht", "dht_status", "absent unless ready, or when it is switched off")),
      "One screen of facts" },
    { "session.unlock", RPC_NEEDS_HOME,
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
    { "identity.create", RPC_NEEDS_HOME,
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
    { "verify.start", RPC_NEEDS_NODE,
      FIELDS(WHO),
      FIELDS(
          TEXT_MUST("number", "60 digits, the same on both sides")
          OBJECT_MUST("contact", "contact", "this one")),
      "What two people compare to know that nobody stands between them" },
    { "verify.confirm", RPC_NEEDS_NODE,
      FIELDS(
          WHO
          TEXT("number", "as the other has read it out; absent: you have compared it yourself")),
      FIELDS(OBJECT_MUST("contact", "contact", "verified now")),
      "The numbers match" },
    { "verify.mismatch", RPC_NEEDS_NODE,
      FIELDS(WHO),
      FIELDS(OBJECT_MUST("contact", "contact", "stopped now: nothing more is sent")),
      "The numbers differ" },
    { "invitation.create", RPC_NEEDS_NODE,
      FIELDS(
          TEXT("name", "what you will call the guest; absent: what the guest offers")
          TEXT("introduce", "how you introduce yourself to the guest; absent: not at all")
          WHOLE("expires", 30 * 86400, "seconds, at most 30 days; absent: one day")),
      FIELDS(OBJECT_MUST("invitation", "invitation", "the new one")),
      "Makes an invitation for one guest" },
    { "invitation.accept", RPC_NEEDS_NODE,
      FIELDS(
          TEXT_MUST("link", "the invitation you were given")
          TEXT("name", "what you will call the host; absent: \"host\"")
          TEXT("introduce", "how you introduce yourself; absent: not at all")),
      FIELDS(OBJECT_MUST("invitation", "invitation", "whose host is a contact from now on")),
      "Accepts an invitation" },
    { "invitation.speak", RPC_NEEDS_NODE,
      FIELDS(
          WHOLE_MUST("id", "of one of ours that is open")
          TEXT("language", "en or fr; absent: en")),
      FIELDS(
          TEXT_MUST("words", "four, for the guest: both must be on")
          TIME_MUST("until", "they hold so long, while the daemon runs; later words end them")),
      "Makes four words to be spoken in the place of a link" },
    { "invitation.hear", RPC_NEEDS_NODE,
      FIELDS(
          TEXT_MUST("words", "the four words you were told")
          TEXT("name", "what you will call the host; absent: \"host\"")
          TEXT("introduce", "how you introduce yourself; absent: not at all")),
      NOTHING, "Looks for whoever said these words; invitation.heard tells how it stands" },
    { "invitation.heard", RPC_NEEDS_NODE, NOTHING,
      FIELDS(
          TEXT_MUST("state", "none, seeking, joined or nobody: the host was not there in time")
          OBJECT("invitation", "invitation", "joined: as if you had been given its link")),
      "What came of the words that were heard last" },
    { "invitation.list", RPC_NEEDS_NODE,
      FIELDS(
          WHOLE("after", 0, "go on behind this id")
          LIMIT),
      FIELDS(
          OBJECTS_MUST("invitations", "invitation", "by id, given and taken")
          FLAG_MUST("more", "there are more: ask again with `after`")),
      "Invitations, a page at a time" },
    { "invitation.get", RPC_NEEDS_NODE,
      FIELDS(WHOLE_MUST("id", "of the invitation")),
      FIELDS(OBJECT_MUST("invitation", "invitation", "this one")),
      "One invitation" },
    { "invitation.revoke", RPC_NEEDS_NODE,
      FIELDS(WHOLE_MUST("id", "of one of ours that is open")),
      FIELDS(OBJECT_MUST("invitation", "invitation", "as it is now")),
      "Takes an invitation back" },
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
          TIME("told", "when our addresses were last left for the contact in the DHT")
          WHOLE("told_on", 0, "by how many nodes they were taken")
          TIME("looked", "when those of the contact were last looked for there")
          TIME("heard", "when the contact wrote what was found")
          FLAG("our_ports_change", "a router of ours makes another port for each connection")
          FLAG("their_ports_change", "a router of the contact's does, as the contact says")
          OBJECTS_MUST("attempts", "attempt", "the latest, newest last")),
      "Why a message is where it is" },
    { "network.doctor", RPC_NEEDS_NODE, NOTHING,
      FIELDS(OBJECTS_MUST("findings", "finding", "one for each thing that was looked at")),
      "What may keep you and your contacts apart" },
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
    { "events.unsubscribe", RPC_NEEDS_HOME, NOTHING, NOTHING, "Ends the stream of events" },
    { "events.ack", RPC_NEEDS_NODE,
      FIELDS(
          TEXT_MUST("as", "your name")
          WHOLE_MUST("seq", "the last event you have dealt with")),
      NOTHING, "Stores how far a named reader has come" },
    { "dht.status", RPC_NEEDS_DHT, NOTHING,
      FIELDS(OBJECT_MUST("dht", "dht_status", "now")),
      "Tables, stores, counts, our address and the size of the network" },
    { "dht.ping", RPC_NEEDS_DHT,
      FIELDS(TEXT_MUST("at", "IP:PORT of a node")),
      FIELDS(
          OBJECTS_MUST("nodes", "dht_node", "it, if it answers")
          OBJECT_MUST("cost", "dht_cost", "what it took")),
      "Asks a node of the DHT whether it is there" },
    { "dht.nodes", RPC_NEEDS_DHT,
      FIELDS(
          TARGET("target", "a place in the DHT")
          HIDDEN
          TAG),
      FIELDS(
          OBJECTS_MUST("nodes", "dht_node", "those closest to it, the closest first")
          OBJECT_MUST("cost", "dht_cost", "what it took")),
      "Looks for the nodes closest to a place" },
    { "dht.peers", RPC_NEEDS_DHT,
      FIELDS(
          TARGET("infohash", "under which they announced themselves")
          HIDDEN
          TAG),
      FIELDS(
          WHOLE_MUST("found", "how many")
          TEXTS_MUST("peers", "IP:PORT, the first 2,000; events tell them all")
          OBJECT_MUST("cost", "dht_cost", "what it took")),
      "Looks for peers under an infohash" },
    { "dht.announce", RPC_NEEDS_DHT,
      FIELDS(
          TARGET("infohash", "to be found under")
          WHOLE("port", 65535, "of ours as others see it; absent: the one they see us ask from")
          STORE_ON
          HIDDEN
          FLAG("keep", "again every 15 minutes until dht.cancel, or until you leave; needs a tag")
          TAG),
      FIELDS(
          WHOLE_MUST("stored", "nodes that took it")
          WHOLE_MUST("refused", "nodes that did not")
          WHOLE_MUST("found", "peers met on the way")
          OBJECT_MUST("cost", "dht_cost", "what it took")),
      "Says that we are under an infohash" },
    { "dht.get", RPC_NEEDS_DHT,
      FIELDS(
          TARGET("target", "of the item, unless `key` is given")
          { "key", RPC_TEXT, false, 64, NULL, "the owner's public key, 64 hex digits" },
          { "salt", RPC_TEXT, false, 64, NULL, "with `key`" },
          HIDDEN
          TAG),
      FIELDS(
          OBJECT("item", "dht_item", "the newest; absent: none was found")
          OBJECT_MUST("cost", "dht_cost", "what it took")),
      "Looks for an item (BEP 44)" },
    { "dht.put", RPC_NEEDS_DHT,
      FIELDS(
          TEXT_MUST("value", "at most 1000 bytes, bencoded; base 64")
          { "seed", RPC_SECRET, false, 64, NULL,
            "mutable: the Ed25519 seed to sign with, 64 hex digits" },
          { "salt", RPC_TEXT, false, 64, NULL, "mutable" },
          WHOLE("seq", 0, "mutable: greater than before; absent: seconds since 1970")
          WHOLE("cas", 0, "mutable: only in the place of the one with this seq")
          STORE_ON
          HIDDEN
          FLAG("keep", "again every hour until dht.cancel, or until you leave; needs a tag")
          TAG),
      FIELDS(
          TEXT_MUST("target", "where it is found, 40 hex digits")
          TEXT("key", "mutable: the public key, 64 hex digits")
          WHOLE("seq", 0, "mutable: as signed")
          WHOLE_MUST("stored", "nodes that took it")
          WHOLE_MUST("refused", "nodes that did not")
          OBJECT_MUST("cost", "dht_cost", "what it took")),
      "Stores an item (BEP 44)" },
    { "dht.cancel", RPC_NEEDS_DHT,
      FIELDS(TAG_MUST),
      NOTHING, "Ends a search of yours; its answer is what was found so far" },
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
        [RPC_SECONDS] = "seconds", [RPC_NUMBER] = "number", [RPC_OBJECT] = "object",
        [RPC_OBJECTS] = "objects",
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
                                              methods[i].need >= RPC_NEEDS_NODE, "params",
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
