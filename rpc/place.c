/* Where a home lies and where its daemon is reached. */
#include "rpc/rpc.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(RPC_HOME_MAX_BYTES >= PATH_MAX, "realpath writes this much");

__attribute__((format(printf, 3, 4))) static bool print_path(char *out, size_t room,
                                                             const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int size = vsnprintf(out, room, format, values);
    va_end(values);
    return size >= 0 && (size_t)size < room;
}

/* An empty or relative value counts as unset: XDG Base Directory Specification, "Basics". */
static const char *absolute_setting(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

static bool default_home(char out[RPC_HOME_MAX_BYTES])
{
    const char *data = absolute_setting("XDG_DATA_HOME");
    if (data != NULL)
        return print_path(out, RPC_HOME_MAX_BYTES, "%s/ramage", data);
    const char *home = absolute_setting("HOME");
    if (home == NULL) {
        const struct passwd *entry = getpwuid(getuid());
        home = entry != NULL ? entry->pw_dir : NULL;
    }
    return home != NULL && print_path(out, RPC_HOME_MAX_BYTES, "%s/.local/share/ramage", home);
}

/* Two spellings of one home must lead to one socket, also before the home is made: what exists of
   the path is resolved, the rest stays as it is. */
static bool canonical(const char *path, char out[RPC_HOME_MAX_BYTES])
{
    char whole[RPC_HOME_MAX_BYTES], here[PATH_MAX];
    if (path[0] == '/') {
        if (!print_path(whole, sizeof whole, "%s", path))
            return false;
    } else if (getcwd(here, sizeof here) == NULL ||
               !print_path(whole, sizeof whole, "%s/%s", here, path)) {
        return false;
    }
    for (size_t end = strlen(whole); end > 0; end--) {
        if (whole[end] != '\0' && whole[end] != '/')
            continue;
        char head[RPC_HOME_MAX_BYTES], resolved[PATH_MAX];
        print_path(head, sizeof head, "%.*s", (int)end, whole);
        if (realpath(head, resolved) != NULL)
            return print_path(out, RPC_HOME_MAX_BYTES, "%s%s",
                              strcmp(resolved, "/") == 0 ? "" : resolved, whole + end);
    }
    return print_path(out, RPC_HOME_MAX_BYTES, "%s", whole);
}

/* FNV-1a: short names for long paths of one user, nothing an enemy could gain by. */
static uint64_t short_name(const char *path)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (const char *c = path; *c != '\0'; c++)
        sum = (sum ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return sum;
}

static bool find_socket(struct rpc_place *place, bool is_default)
{
    const size_t room = sizeof place->socket;
    const char *runtime = absolute_setting("XDG_RUNTIME_DIR");
    if (is_default && runtime != NULL &&
        print_path(place->socket, room, "%s/ramage/control", runtime))
        return true;
    if (print_path(place->socket, room, "%s/control", place->home))
        return true;
    unsigned long long name = short_name(place->home);
    if (runtime != NULL && print_path(place->socket, room, "%s/ramage/%016llx", runtime, name))
        return true;
    return print_path(place->socket, room, "/tmp/ramage-%lu/%016llx", (unsigned long)getuid(),
                      name);
}

bool rpc_place_find(const char *home, struct rpc_place *out)
{
    char usual[RPC_HOME_MAX_BYTES], asked[RPC_HOME_MAX_BYTES];
    bool has_usual = default_home(asked) && canonical(asked, usual);
    *out = (struct rpc_place){ 0 };
    if (home == NULL)
        home = getenv("RAMAGE_HOME");
    if (home == NULL || home[0] == '\0')
        home = has_usual ? usual : NULL;
    if (home == NULL || !canonical(home, out->home))
        return false;
    return find_socket(out, has_usual && strcmp(out->home, usual) == 0);
}

bool rpc_place_prepare(const struct rpc_place *place)
{
    char folder[RPC_SOCKET_MAX_BYTES];
    size_t size = (size_t)(strrchr(place->socket, '/') - place->socket);
    print_path(folder, sizeof folder, "%.*s", (int)size, place->socket);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return false;
    struct stat facts; /* lstat: a link laid by somebody else in /tmp must not lead us away */
    return lstat(folder, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == getuid() &&
           (facts.st_mode & 0077) == 0;
}
