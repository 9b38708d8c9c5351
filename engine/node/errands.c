/* Wishes of rooms to the DHT, and what it tells back. All are hidden: nodes far from a place do not
   learn which one is sought. */
#include "engine/node/inside.h"

#include "engine/crypto/item.h"

#include "base/mem.h"

#include <string.h>

struct errand {
    struct list link;
    dht_op op;
    uint64_t wish;
    int64_t contact;
    bool put, watch;
    size_t stored;
};

static void tell(struct node *node, instant now, const struct errand *errand, enum news_kind kind,
                 const struct item *item)
{
    struct news news = {
        .id = errand->wish, .kind = kind, .contact = errand->contact, .count = errand->stored
    };
    if (item != NULL) {
        news.item = (struct wish_item){ .seq = item->seq, .value = item->value };
        memcpy(news.item.key, item->key, sizeof news.item.key);
        memcpy(news.item.signature, item->signature, sizeof news.item.signature);
    }
    node_note(node, meet_learn(node->meet, now, &news));
}

static void destroy(struct errand *errand)
{
    list_remove(&errand->link);
    mem_free(errand);
}

void errands_unwatch(struct node *node, uint64_t wish)
{
    LIST_EACH (link, &node->errands) {
        struct errand *errand = LIST_ITEM(link, struct errand, link);
        if (!errand->watch || errand->wish != wish)
            continue;
        dht_cancel(node->dht, errand->op);
        destroy(errand);
    }
}

void errands_carry(struct node *node, instant now, const struct wish *wish)
{
    if (wish->kind == WISH_GET)
        errands_unwatch(node, wish->id);
    struct errand errand = { .wish = wish->id,
                             .contact = wish->contact,
                             .put = wish->kind == WISH_PUT,
                             .watch = wish->watch > 0 };
    struct item item = { .mutable = true, .seq = wish->item.seq, .value = wish->item.value };
    struct dht_request request = { .task = errand.put ? DHT_PUT : DHT_GET,
                                   .item = &item,
                                   .store_on = wish->store_on,
                                   .hidden = true,
                                   .keep_up = errand.watch,
                                   .watch_every = wish->watch };
    memcpy(item.key, wish->item.key, sizeof item.key);
    memcpy(item.signature, wish->item.signature, sizeof item.signature);
    if (!errand.put)
        item_target(request.target.bytes, &item);
    if (node->dht == NULL || dht_begin(node->dht, now, &request, &errand.op) != FAULT_NONE) {
        tell(node, now, &errand, errand.put ? NEWS_STORED : NEWS_GOT, NULL);
        return;
    }
    struct errand *kept = mem_copy(&errand, sizeof errand);
    list_append(&node->errands, &kept->link);
}

static struct errand *find(struct node *node, dht_op op)
{
    LIST_EACH (link, &node->errands) {
        struct errand *errand = LIST_ITEM(link, struct errand, link);
        if (errand->op == op)
            return errand;
    }
    return NULL;
}

void errands_clear(struct node *node)
{
    LIST_EACH (link, &node->errands)
        destroy(LIST_ITEM(link, struct errand, link));
}

bool errands_take(struct node *node, instant now, const struct dht_event *event)
{
    struct errand *errand = event->op == 0 ? NULL : find(node, event->op);
    if (errand == NULL)
        return false;
    if (event->kind == DHT_ITEM && !errand->put)
        tell(node, now, errand, NEWS_ITEM, event->item);
    if (event->kind == DHT_STORED)
        errand->stored = event->stored;
    if (event->kind == DHT_ENDED) {
        struct errand over = *errand;
        if (!over.watch)
            destroy(errand);
        tell(node, now, &over, over.put ? NEWS_STORED : NEWS_GOT, NULL);
    }
    return true;
}
