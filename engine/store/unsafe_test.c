/* Starts itself again with plain SQLite before SQLCipher, as a wrong link order would: the store
   must refuse to open rather than write in clear. Exit 77: there is no plain SQLite here to try
   with. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/store/store.h"

#define PLAIN_LIBRARY "libsqlite3.so.0"

static int open_there(const char *path)
{
    struct store_place place = { .path = path, .key = { 1 } };
    enum store_trouble trouble;
    struct store *store;
    bool refused = store_open(&place, &store, &trouble) == FAULT_DISK && trouble == STORE_UNSAFE;
    return refused ? 0 : 1;
}

static int start_again(const char *path)
{
    char self[] = "/proc/self/exe";
    setenv("LD_PRELOAD", PLAIN_LIBRARY, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    execl(self, self, path, NULL);
    return 2;
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/ramage-store-XXXXXX", path[64];
    if (argc > 1)
        return open_there(argv[1]);
    if (!dlopen(PLAIN_LIBRARY, RTLD_LAZY | RTLD_LOCAL))
        return 77;
    if (!mkdtemp(directory))
        return 1;
    snprintf(path, sizeof path, "%s/store.db", directory);
    pid_t child = fork();
    if (child == 0)
        _exit(start_again(path));
    int status;
    bool refused =
        waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    unlink(path);
    rmdir(directory);
    printf("plain SQLite %s\n", refused ? "refused" : "taken");
    return refused ? 0 : 1;
}
