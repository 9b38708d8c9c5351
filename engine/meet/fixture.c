#include "engine/meet/fixture.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void open_home(struct somebody *who, instant now, struct rng *rng, bool is_new)
{
    struct store_place place = { .path = who->path, .key = { 3 } };
    enum store_trouble trouble;
    CHECK(store_open(&place, &who->store, &trouble) == FAULT_NONE);
    if (is_new)
        CHECK(chat_identity_make(who->store, now, "", rng) == ANSWER_DONE);
    who->chat = chat_create(who->store, rng, NULL);
    CHECK(chat_advance(who->chat, now) == FAULT_NONE);
}

static void close_home(struct somebody *who)
{
    meet_destroy(who->meet);
    chat_destroy(who->chat);
    store_close(who->store);
    who->meet = NULL;
}

void somebody_begin(struct somebody *who, instant now, struct rng *rng)
{
    *who = (struct somebody){ .meet = NULL };
    snprintf(who->folder, sizeof who->folder, "/tmp/ramage-meet-XXXXXX");
    CHECK(mkdtemp(who->folder) != NULL);
    snprintf(who->path, sizeof who->path, "%s/store", who->folder);
    open_home(who, now, rng, true);
    chat_account(who->chat, who->account);
}

void somebody_restart(struct somebody *who, instant now, struct rng *rng)
{
    CHECK(chat_settle(who->chat) == FAULT_NONE && store_settle(who->store) == FAULT_NONE);
    close_home(who);
    open_home(who, now, rng, false);
    who->meet = meet_create(who->store, who->chat, now, rng);
}

void somebody_end(struct somebody *who)
{
    char name[112];
    close_home(who);
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", who->path, ((const char *[]){ "", "-wal", "-shm" })[i]);
        unlink(name);
    }
    rmdir(who->folder);
}
