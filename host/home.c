#include "host/host.h"

#include "base/mem.h"
#include "host/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOCK_FILE "lock"

struct host_home {
    int folder, lock;
    char *path;
};

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
            trouble = errno == ENOENT ? HOST_UNWRITABLE : file_trouble(errno);
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
        return file_trouble(errno);
    if (facts.st_uid != geteuid())
        return HOST_NOT_OURS;
    if ((facts.st_mode & 077) != 0 && fchmod(folder, 0700) < 0)
        return file_trouble(errno);
    return HOST_FINE;
}

/* The lock goes with the process, however it ends; the file stays, since removing it would let two
   processes lock two files of one name. */
static enum host_trouble take_lock(struct host_home *home)
{
    home->lock = openat(home->folder, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (home->lock < 0)
        return file_trouble(errno);
    if (flock(home->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? HOST_HOME_TAKEN : file_trouble(errno);
    return HOST_FINE;
}

static enum host_trouble enter(struct host_home *home, const char *path)
{
    enum host_trouble trouble = make_folders(path);
    if (trouble != HOST_FINE)
        return trouble;
    home->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (home->folder < 0)
        return file_trouble(errno);
    trouble = make_private(home->folder);
    if (trouble != HOST_FINE)
        return trouble;
    char *absolute = realpath(path, NULL);
    if (absolute == NULL)
        return file_trouble(errno);
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

uint64_t host_home_free(const struct host_home *home)
{
    struct statvfs disk;
    return fstatvfs(home->folder, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
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

enum host_trouble host_home_read(struct host_home *home, const char *name, void *out, size_t most,
                                 size_t *size)
{
    return file_read_in(home->folder, name, out, most, size);
}

enum host_trouble host_home_write(struct host_home *home, const char *name, struct bytes data)
{
    assert(data.size <= HOST_FILE_MAX_BYTES);
    return file_write_in(home->folder, name, data);
}

enum host_trouble host_home_rename(struct host_home *home, const char *name, const char *to)
{
    if (renameat(home->folder, name, home->folder, to) < 0 || fsync(home->folder) < 0)
        return file_trouble(errno);
    return HOST_FINE;
}
