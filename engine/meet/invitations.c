/* Invitations while they last: who waits under which, who came, and what was said last.

   Ours that nobody has come for yet has a reach of its own, with no contact. The first guest found
   in its place becomes a contact, and that contact's reach goes on under the invitation until both
   have used a session and so share a secret that nobody else ever held. */
#include "engine/meet/inside.h"

#include "base/mem.h"

#include <string.h>

#define LAST_WORD_FOR (36 * HOUR)  /* that one is over is said so long, not for ever */
#define FORGET_AFTER  (1 * MINUTE) /* with an open link both have long used the session */

/* Fails only with the store, which node finds out. */
static void keep(struct meet *meet, instant now, struct store_invitation *row)
{
    (void)chat_invitation_change(meet->chat, now, row);
}

static bool load(struct meet *meet, const struct reach *reach, struct store_invitation *out)
{
    return chat_invitation_get(meet->chat, reach->places.invitation, out) == ANSWER_DONE;
}

/* --- beginning ---------------------------------------------------------------------------------
 */

void invitation_begin(struct meet *meet, instant now, struct reach *reach)
{
    struct store_invitation row = { .row = 0 };
    enum answer answer = reach->contact < 0 ? chat_invitation_get(meet->chat, -reach->contact, &row)
                                            : chat_invitation_of(meet->chat, reach->contact, &row);
    if (answer == ANSWER_DONE && row.has_secret) {
        reach->places.invitation = row.row;
        reach->places.host = row.ours;
        reach->places.begun = now;
        if (row.state == INVITATION_OPEN)
            reach->places.ends = row.ends;
        if (reach->contact < 0 && row.state != INVITATION_OPEN)
            places_close(meet, reach, now);
    }
    wipe(&row, sizeof row);
}

void invitations_begin(struct meet *meet, instant now)
{
    struct store_invitation row = { .row = 0 };
    while (chat_invitation_next(meet->chat, row.row, &row) == ANSWER_DONE) {
        if (!row.ours || !row.has_secret || row.contact != 0)
            continue;
        if (row.state != INVITATION_OPEN && now > row.changed + LAST_WORD_FOR) {
            row.has_secret = false;
            keep(meet, now, &row);
            continue;
        }
        reach_create(meet, now, -row.row);
    }
    wipe(&row, sizeof row);
}

void meet_invitation_add(struct meet *meet, instant now, const struct store_invitation *row)
{
    struct reach *reach = reach_create(meet, now, row->ours ? -row->row : row->contact);
    reach->admit = !row->ours;
    meet->earliest = now;
}

/* --- ending ------------------------------------------------------------------------------------
 */

void invitation_end(struct meet *meet, instant now, struct reach *reach,
                    enum invitation_state state)
{
    struct store_invitation row;
    reach->places.ends = NEVER;
    if (!load(meet, reach, &row))
        return;
    if (row.state != state) {
        row.state = state;
        keep(meet, now, &row);
    }
    wipe(&row, sizeof row);
    if (reach->contact < 0) {
        places_close(meet, reach, now);
        return;
    }
    invitation_over(meet, now, reach);
    reach->places.unwatch = reach->places.watching;
    reach->places.next_get = reach->places.next_put = NEVER;
}

enum answer meet_invitation_close(struct meet *meet, instant now, int64_t row)
{
    struct reach *reach = reach_find(meet, -row);
    if (reach == NULL || reach->places.closing)
        return ANSWER_NO_INVITATION;
    invitation_end(meet, now, reach, INVITATION_CLOSED);
    return ANSWER_DONE;
}

/* The secret has served its end; the row stays for people. */
void invitation_over(struct meet *meet, instant now, struct reach *reach)
{
    struct store_invitation row;
    if (load(meet, reach, &row)) {
        row.has_secret = false;
        keep(meet, now, &row);
    }
    wipe(&row, sizeof row);
    places_anew(reach);
    reach->places.invitation = 0;
}

void invitation_forget(struct meet *meet, instant now, struct reach *reach)
{
    struct store_contact contact;
    if (reach->contact < 0 || reach->state != REACH_UP || now < reach->last_up + FORGET_AFTER)
        return;
    if (chat_contact_get(meet->chat, reach->contact, &contact) == ANSWER_DONE && contact.has_pair)
        invitation_over(meet, now, reach);
    wipe(&contact, sizeof contact);
}

/* --- host and guest ----------------------------------------------------------------------------
 */

enum fault invitation_guest(struct meet *meet, instant now, struct reach *reach,
                            const struct pair_record *record, int64_t said)
{
    struct store_invitation row;
    struct certificate guest;
    if (reach->places.closing || reach->leaving ||
        certificate_read(&guest, BYTES_OF(record->certificate)) != FAULT_NONE ||
        memcmp(guest.account, meet->account, KEY_BYTES) == 0 || !load(meet, reach, &row))
        return FAULT_PEER;
    enum answer answer = chat_guest(meet->chat, now, &row, guest.account, record->invited.name);
    int64_t contact = row.contact;
    wipe(&row, sizeof row);
    if (answer != ANSWER_DONE)
        return answer == ANSWER_DISK ? FAULT_DISK : FAULT_BUSY;
    struct meet_places seen = reach->places.seen;
    reach_leave(meet, reach, now);
    reach = reach_find(meet, contact);
    if (reach == NULL)
        reach = reach_create(meet, now, contact);
    else
        places_begin(meet, reach, now); /* a contact who lost us: under the invitation now */
    reach->places.seen = seen;
    reach->admit = true;
    return places_heard(meet, now, reach, record, said, guest.account);
}

void invitation_answer(struct meet *meet, instant now, struct reach *reach,
                       const struct shared *shared, const struct invited *said)
{
    uint8_t ours[sizeof said->mark];
    if (reach->places.host || said->state == INVITED_OPEN)
        return;
    invited_mark(ours, shared->secret, meet->account);
    if (said->state == INVITED_TAKEN && memcmp(said->mark, ours, sizeof ours) == 0) {
        invitation_up(meet, now, reach);
        return;
    }
    invitation_end(meet, now, reach,
                   said->state == INVITED_TAKEN ? INVITATION_LOST : INVITATION_CLOSED);
}

void invitation_up(struct meet *meet, instant now, struct reach *reach)
{
    struct store_invitation row;
    if (!load(meet, reach, &row))
        return;
    if (row.state != INVITATION_TAKEN) {
        row.state = INVITATION_TAKEN;
        keep(meet, now, &row);
    }
    wipe(&row, sizeof row);
}

void meet_invitation_look(struct meet *meet, const struct store_invitation *row,
                          struct meet_places *out)
{
    const struct reach *reach = reach_find(meet, row->contact != 0 ? row->contact : -row->row);
    *out = reach == NULL ? (struct meet_places){ 0 } : reach->places.seen;
}
