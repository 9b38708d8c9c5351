#include "engine/node/inside.h"

#include "base/mem.h"

#include <string.h>

static enum answer describe(struct node *node, enum answer answer, struct node_invitation *out)
{
    struct meet_places places;
    if (answer != ANSWER_DONE)
        return node_answer(node, answer);
    meet_invitation_look(node->meet, &out->row, &places);
    out->told = places.told;
    out->told_on = places.told_on;
    out->looked = places.looked;
    out->heard = places.heard;
    out->has_link = out->row.ours && out->row.state == INVITATION_OPEN;
    memcpy(out->link.account, out->row.host, sizeof out->link.account);
    memcpy(out->link.secret, out->row.secret, sizeof out->link.secret);
    if (!out->has_link)
        wipe(out->link.secret, sizeof out->link.secret);
    wipe(out->row.secret, sizeof out->row.secret);
    return ANSWER_DONE;
}

enum answer node_invite(struct node *node, instant now, const char *name, const char *introduced,
                        instant ends, struct node_invitation *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    enum answer answer = chat_invite(node->chat, now, name, introduced, ends, &out->row);
    if (answer == ANSWER_DONE)
        meet_invitation_add(node->meet, now, &out->row);
    return describe(node, answer, out);
}

enum answer node_join(struct node *node, instant now, const char *link, const char *name,
                      const char *introduced, struct node_invitation *out)
{
    struct card card;
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    if (invitation_read(&card, link) != FAULT_NONE)
        return ANSWER_BAD_INVITATION;
    enum answer answer = chat_join(node->chat, now, &card, name, introduced, &out->row);
    if (answer == ANSWER_DONE)
        meet_invitation_add(node->meet, now, &out->row);
    wipe(&card, sizeof card);
    return describe(node, answer, out);
}

enum answer node_invitation_get(struct node *node, int64_t row, struct node_invitation *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return describe(node, chat_invitation_get(node->chat, row, &out->row), out);
}

enum answer node_invitation_next(struct node *node, int64_t after, struct node_invitation *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return describe(node, chat_invitation_next(node->chat, after, &out->row), out);
}

enum answer node_invitation_close(struct node *node, instant now, int64_t row)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, meet_invitation_close(node->meet, now, row));
}

enum answer node_spoken_host(struct node *node, instant now, int64_t row,
                             const uint8_t stretched[WORDS_KEY_BYTES])
{
    struct store_invitation invitation;
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    enum answer answer = chat_invitation_get(node->chat, row, &invitation);
    if (answer == ANSWER_DONE && (!invitation.ours || invitation.state != INVITATION_OPEN))
        answer = ANSWER_NO_INVITATION;
    if (answer == ANSWER_DONE)
        meet_spoken_host(node->meet, now, row, stretched);
    wipe(&invitation, sizeof invitation);
    return node_answer(node, answer);
}

enum answer node_spoken_guest(struct node *node, instant now,
                              const uint8_t stretched[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES],
                              const char *name, const char *introduced)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    if ((name[0] != '\0' && !chat_name_good(name)) ||
        (introduced[0] != '\0' && !chat_name_good(introduced)))
        return ANSWER_BAD_NAME;
    meet_spoken_guest(node->meet, now, stretched, name, introduced);
    return ANSWER_DONE;
}

enum answer node_spoken_look(const struct node *node, instant now, struct meet_spoken *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    meet_spoken_look(node->meet, now, out);
    return ANSWER_DONE;
}
