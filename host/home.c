#include "host/host.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "lock"

struct host_home {
    int folder, lock;
    char *path;
};

static enum host_trouble trouble_of(int error)
{
    switch (error) {
    case ENOENT:
        return HOST_ABSENT;
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EEXIST:
    case EISDIR:
    case ELOOP:
        return HOST_UNWRITABLE;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return HOST_FULL;
    default:
        return HOST_BROKEN;
    }
}

/* mkdir -p, every new folder for us alone. */
static enum host_trouble make_folders(const char *path)
{
    char *copy = mem_text(path);
    enum host_trouble trouble = HOST_FINE;
    for (char *slash = copy; slash != NULL && trouble == HOST_FINE;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            trouble = errno == ENOENT ? HOST_UNWRITABLE : trouble_of(errno);
        if (slash != NULL)
            *slash = '/';
    }
    mem_free(copy);
    return trouble;
}

/* Ours, and nobody else's to look into. */
static enum host_trouble make_private(int folder)
{
    struct stat facts;
    if (fstat(folder, &facts) < 0)
        return trouble_of(errno);
    if (facts.st_uid != geteuid())
        return HOST_NOT_OURS;
    if ((facts.st_mode & 077) != 0 && fchmod(folder, 0700) < 0)
        return trouble_of(errno);
    return HOST_FINE;
}

/* The lock goes with the process, however it ends; the file stays, since removing it would let two
   processes lock two files of one name. */
static enum host_trouble take_lock(struct host_home *home)
{
    home->lock = openat(home->folder, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (home->lock < 0)
        return trouble_of(errno);
    if (flock(home->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? HOST_HOME_TAKEN : trouble_of(errno);
    return HOST_FINE;
}

static enum host_trouble enter(struct host_home *home, const char *path)
{
    enum host_trouble trouble = make_folders(path);
    if (trouble != HOST_FINE)
        return trouble;
    home->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (home->folder < 0)
        return trouble_of(errno);
    trouble = make_private(home->folder);
    if (trouble != HOST_FINE)
        return trouble;
    char *absolute = realpath(path, NULL);
    if (absolute == NULL)
        return trouble_of(errno);
    home->path = mem_text(absolute);
    free(absolute);
    return take_lock(home);
}

enum host_trouble host_home_open(const char *path, struct host_home **out)
{
    struct host_home *home = mem_zeroed(1, sizeof *home);
    home->folder = home->lock = -1;
    enum host_trouble trouble = enter(home, path);
    if (trouble != HOST_FINE) {
        host_home_close(home);
        home = NULL;
    }
    *out = home;
    return trouble;
}

void host_home_close(struct host_home *home)
{
    if (home == NULL)
        return;
    if (home->lock >= 0)
        close(home->lock);
    if (home->folder >= 0)
        close(home->folder);
    mem_free(home->path);
    mem_free(home);
}

const char *host_home_path(const struct host_home *home)
{
    return home->path;
}

char *host_home_file(const struct host_home *home, const char *name)
{
    size_t size = strlen(home->path) + 1 + strlen(name) + 1;
    char *path = mem_zeroed(size, 1);
    snprintf(path, size, "%s/%s", home->path, name);
    return path;
}

static enum host_trouble read_whole(int fd, uint8_t *out, size_t most, size_t *size)
{
    *size = 0;
    for (;;) {
        uint8_t beyond;
        bool full = *size == most;
        ssize_t got = read(fd, full ? &beyond : out + *size, full ? 1 : most - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return trouble_of(errno);
        if (got == 0)
            return HOST_FINE;
        if (full)
            return HOST_BROKEN;
        *size += (size_t)got;
    }
}

enum host_trouble host_home_read(struct host_home *home, const char *name, void *out, size_t most,
                                 size_t *size)
{
    int fd = openat(home->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return trouble_of(errno);
    enum host_trouble trouble = read_whole(fd, out, most, size);
    close(fd);
    return trouble;
}

static enum host_trouble write_whole(int fd, struct bytes data)
{
    while (data.size > 0) {
        ssize_t put = write(fd, data.data, data.size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return trouble_of(errno);
        data.data += put;
        data.size -= (size_t)put;
    }
    return fsync(fd) < 0 ? trouble_of(errno) : HOST_FINE;
}

/* The old content stays whole until the new one is on disk under another name; the folder is synced
   last, since the new name lives in it. */
enum host_trouble host_home_write(struct host_home *home, const char *name, struct bytes data)
{
    char draft[NAME_MAX + 1];
    int length = snprintf(draft, sizeof draft, "%s.new", name);
    assert(length > 0 && (size_t)length < sizeof draft && data.size <= HOST_FILE_MAX_BYTES);
    int fd =
        openat(home->folder, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return trouble_of(errno);
    enum host_trouble trouble = write_whole(fd, data);
    if (close(fd) < 0 && trouble == HOST_FINE)
        trouble = trouble_of(errno);
    if (trouble == HOST_FINE && renameat(home->folder, draft, home->folder, name) < 0)
        trouble = trouble_of(errno);
    if (trouble == HOST_FINE && fsync(home->folder) < 0)
        trouble = trouble_of(errno);
    if (trouble != HOST_FINE)
        unlinkat(home->folder, draft, 0);
    return trouble;
}

enum host_trouble host_home_rename(struct host_home *home, const char *name, const char *to)
{
    if (renameat(home->folder, name, home->folder, to) < 0 || fsync(home->folder) < 0)
        return trouble_of(errno);
    return HOST_FINE;
}
