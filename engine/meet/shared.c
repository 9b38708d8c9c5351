/* What two have in common: the secret of their first session, or before that an invitation. */
#include "engine/meet/inside.h"

#include "base/mem.h"

#include <string.h>

static bool load_pair(struct meet *meet, const struct reach *reach, struct shared *out)
{
    struct store_contact contact;
    bool shared =
        chat_contact_get(meet->chat, reach->contact, &contact) == ANSWER_DONE && contact.has_pair;
    if (shared) {
        memcpy(out->secret, contact.pair, sizeof out->secret);
        memcpy(out->ours, meet->account, sizeof out->ours);
        memcpy(out->theirs, contact.account, sizeof out->theirs);
        memcpy(out->account, contact.account, sizeof out->account);
    }
    wipe(&contact, sizeof contact);
    return shared;
}

/* The host writes as its account; the guest, whom he does not know, as nobody. */
static void be_host(struct meet *meet, const struct reach *reach, struct shared *out)
{
    struct store_contact guest;
    memcpy(out->ours, meet->account, sizeof out->ours);
    out->invited.state = reach->places.closing ? INVITED_CLOSED : INVITED_OPEN;
    out->anybody = reach->contact < 0;
    if (out->anybody || chat_contact_get(meet->chat, reach->contact, &guest) != ANSWER_DONE)
        return;
    memcpy(out->account, guest.account, sizeof out->account);
    out->invited.state = INVITED_TAKEN;
    invited_mark(out->invited.mark, out->secret, guest.account);
    wipe(&guest, sizeof guest);
}

static bool load_invitation(struct meet *meet, const struct reach *reach, struct shared *out)
{
    struct store_invitation row;
    struct card card;
    bool shared = chat_invitation_get(meet->chat, reach->places.invitation, &row) == ANSWER_DONE &&
                  row.has_secret;
    if (shared) {
        out->at_invitation = true;
        memcpy(card.account, row.host, sizeof card.account);
        memcpy(card.secret, row.secret, sizeof card.secret);
        rendezvous_invited(out->secret, &card);
        memcpy(out->invited.name, row.introduced, strlen(row.introduced));
        if (row.ours) {
            be_host(meet, reach, out);
        } else {
            memcpy(out->theirs, row.host, sizeof out->theirs);
            memcpy(out->account, row.host, sizeof out->account);
        }
    }
    wipe(&card, sizeof card);
    wipe(&row, sizeof row);
    return shared;
}

bool shared_load(struct meet *meet, const struct reach *reach, struct shared *out)
{
    *out = (struct shared){ .anybody = false };
    return reach->places.invitation != 0 ? load_invitation(meet, reach, out)
                                         : load_pair(meet, reach, out);
}
