/* What is still owed to whom, until it is acknowledged: the states that never lie.

   The store knows what is owed and what is sealed; here is only what the present links have
   carried: per device that is up, how far we have come and which acknowledgements wait. A link that
   ends takes that with it, and the next one starts again from the first cell not acknowledged. */
#ifndef CHAT_OUTBOX_H
#define CHAT_OUTBOX_H

#include "engine/chat/message.h"
#include "engine/chat/session.h"

#define OUTBOX_START_WAIT SECOND       /* the called one lets the caller start the session */
#define OUTBOX_UNREADABLE (5 * SECOND) /* nothing of theirs opens: a reset is due */

struct outbox;
struct outbox *outbox_create(void);
void outbox_destroy(struct outbox *outbox);

/* A cell that is to be acknowledged. */
struct receipt {
    int64_t session;
    uint8_t chain[CHAIN_ID_BYTES];
    uint32_t number;
};

/* A device that is up. */
struct peer {
    struct list link;  /* of the outbox */
    struct list ready; /* of those that may have something to send */
    int64_t contact, device;
    uint8_t account[32]; /* theirs */
    uint8_t conversation[CONVERSATION_ID_BYTES];
    int64_t sent;                   /* envelope carried last; 0: none yet */
    int64_t sent_before;            /* the same before the last wish, in case it is not taken */
    bool busy;                      /* their link takes nothing until it says so */
    bool trusted;                   /* the link was made with the secret of a session */
    bool proved;                    /* something of theirs has opened on this link */
    bool record_due, record_wished; /* our record; a wish not taken is due again */
    bool hail_due, hail_wished;     /* an empty cell in the active session, if no other goes */
    instant start_at;               /* when we begin a session, if there is none by then; NEVER */
    bool missed;                    /* a cell of theirs could not be opened */
    instant unreadable_since;       /* that, or nothing has proved them; NEVER: all is well */
    struct receipt *receipts;
    size_t receipt_count, receipt_room;
    size_t receipts_wished; /* of them, carried by the last wish */
};

struct peer *outbox_peer(const struct outbox *outbox, int64_t device); /* NULL: not up */
struct peer *outbox_peer_of(const struct outbox *outbox, int64_t contact);
/* `conversation` is ours with that account. */
enum fault outbox_up(struct chat *chat, instant now, const struct news *news,
                     const uint8_t account[32], const uint8_t conversation[CONVERSATION_ID_BYTES]);
void outbox_down(struct outbox *outbox, int64_t device);
void outbox_busy(struct outbox *outbox, int64_t device);
void outbox_writable(struct outbox *outbox, int64_t device);
/* Something is to be sealed for that contact, or can be now. */
void outbox_written(struct outbox *outbox, int64_t contact);
void outbox_removed(struct outbox *outbox, int64_t contact);
void outbox_acknowledge(struct outbox *outbox, struct peer *peer, const struct receipt *receipt);
void outbox_records_due(struct outbox *outbox); /* our record changed */
void outbox_wake(struct outbox *outbox, struct peer *peer);

/* The next thing for the peers that are up; false: nothing. Seals what is written first. */
bool outbox_next_wish(struct chat *chat, instant now, struct wish *out);
/* Something of theirs has opened (in_active: that is not only an answer, in the session that is the
   active one here); a cell of theirs could not be opened; their record has come. */
void outbox_opened(struct outbox *outbox, struct peer *peer, bool in_active);
void outbox_unreadable(struct outbox *outbox, struct peer *peer, instant now);
void outbox_known(struct outbox *outbox, instant now, int64_t contact);
/* They began a session below the one we have: they are told by a newer one, if it is time. */
enum fault outbox_answer_start(struct chat *chat, instant now, struct peer *peer,
                               struct sessions *sessions);
/* Sessions that are to be begun now. */
enum fault outbox_advance(struct chat *chat, instant now);
instant outbox_deadline(const struct outbox *outbox);

/* An envelope has arrived: what it held is delivered. */
enum fault outbox_delivered(struct chat *chat, instant now, const struct store_envelope *envelope);
/* Ends what is owed of one message, with its event. FAULT_GONE: nothing was owed. */
enum fault outbox_end(struct chat *chat, instant now, const struct store_owed *owed,
                      enum message_state state, enum message_failure failure);

#endif
