/* A home of its own for a test of this room: a private directory with one store in it. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "engine/store/store.h"

struct fixture {
    char directory[64], path[80], wal[88];
    struct store_place place;
    struct store *store;
    uint64_t made; /* messages so far: gives each its id */
};

/* Each fails the test when it cannot. */
void fixture_begin(struct fixture *fixture, const char *vfs);
void fixture_end(struct fixture *fixture);    /* closes it, removes everything */
void fixture_reopen(struct fixture *fixture); /* what was not settled is gone */
void fixture_settle(struct fixture *fixture);

/* Opening is expected to fail: how it did. */
enum store_trouble fixture_trouble(const struct fixture *fixture);

/* "name", with an account and a card made from it. Settles nothing. */
int64_t fixture_contact(struct fixture *fixture, const char *name);
/* An id that begins with random-looking bits made from `number`. */
void fixture_id(uint8_t id[MESSAGE_ID_BYTES], uint64_t number);
/* A message of ours (written) or his, child of the present heads; returns its row. */
int64_t fixture_say(struct fixture *fixture, int64_t contact, bool ours, const char *text);
/* The same and owed, with its event. */
int64_t fixture_owe(struct fixture *fixture, int64_t contact, const char *text);

#endif
