#include "engine/node/inside.h"

#include "base/mem.h"

#include <string.h>

enum answer node_identity_make(struct node *node, instant now, const char *name)
{
    enum answer answer = chat_identity_make(node->store, now, name, node->rng);
    if (answer == ANSWER_DONE)
        node_wake(node, now);
    return node_answer(node, answer);
}

enum answer node_identity(struct node *node, struct node_identity *out)
{
    struct store_self self;
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    if (chat_identity(node->store, &self) != FAULT_NONE)
        return node_answer(node, ANSWER_DISK);
    memcpy(out->name, self.name, sizeof out->name);
    chat_card(&out->card, &self);
    out->made = self.made;
    wipe(&self, sizeof self);
    return ANSWER_DONE;
}
