/* Names: getaddrinfo(3) waits, so it does it beside the loop. */
#include "host/inside.h"

#include "base/mem.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct resolving {
    char *name;
    uint16_t port;
    void (*done)(void *self, const struct address *at, size_t count);
    void *self;
    struct address at[HOST_RESOLVED_MAX];
    size_t count;
};

static void run(void *work)
{
    struct resolving *resolving = work;
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
    if (getaddrinfo(resolving->name, NULL, &hints, &found) != 0)
        return;
    for (const struct addrinfo *at = found; at != NULL && resolving->count < HOST_RESOLVED_MAX;
         at = at->ai_next)
        resolving->count +=
            wire_address(at->ai_addr, resolving->port, &resolving->at[resolving->count]);
    freeaddrinfo(found);
}

static void done(void *work)
{
    struct resolving *resolving = work;
    resolving->done(resolving->self, resolving->at, resolving->count);
    mem_free(resolving->name);
    mem_free(resolving);
}

void host_resolve(struct host *host, const char *name, uint16_t port,
                  void (*told)(void *self, const struct address *at, size_t count), void *self)
{
    struct resolving *resolving = mem_zeroed(1, sizeof *resolving);
    resolving->name = mem_text(name);
    resolving->port = port;
    resolving->done = told;
    resolving->self = self;
    /* Whoever stops us while nobody answers is not to wait longer than this, per name server. */
    setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
    host_work(host, run, done, resolving);
}
