/* Small files, read and written whole. */
#include "host/file.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum host_trouble file_trouble(int error)
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
            return file_trouble(errno);
        if (got == 0)
            return HOST_FINE;
        if (full)
            return HOST_BROKEN;
        *size += (size_t)got;
    }
}

enum host_trouble file_read_in(int folder, const char *name, void *out, size_t most, size_t *size)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return file_trouble(errno);
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
            return file_trouble(errno);
        data.data += put;
        data.size -= (size_t)put;
    }
    return fsync(fd) < 0 ? file_trouble(errno) : HOST_FINE;
}

/* The old content stays whole until the new one is on disk under another name; the folder is synced
   last, since the new name lives in it. */
enum host_trouble file_write_in(int folder, const char *name, struct bytes data)
{
    char draft[NAME_MAX + 1];
    if ((size_t)snprintf(draft, sizeof draft, "%s.new", name) >= sizeof draft)
        return HOST_UNWRITABLE;
    int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return file_trouble(errno);
    enum host_trouble trouble = write_whole(fd, data);
    if (close(fd) < 0 && trouble == HOST_FINE)
        trouble = file_trouble(errno);
    if (trouble == HOST_FINE && renameat(folder, draft, folder, name) < 0)
        trouble = file_trouble(errno);
    if (trouble == HOST_FINE && fsync(folder) < 0)
        trouble = file_trouble(errno);
    if (trouble != HOST_FINE)
        unlinkat(folder, draft, 0);
    return trouble;
}

/* --- by path ---------------------------------------------------------------------------------- */

/* The folder the path lies in; *name is what follows. Below 0: errno says why. */
static int open_folder(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash == NULL ? path : slash + 1;
    if (slash == NULL)
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *folder = mem_text(path);
    folder[slash == path ? 1 : slash - path] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(folder);
    return fd;
}

enum host_trouble host_file_read(const char *path, void *out, size_t most, size_t *size)
{
    const char *name;
    int folder = open_folder(path, &name);
    if (folder < 0)
        return errno == ENOENT ? HOST_UNWRITABLE : file_trouble(errno);
    enum host_trouble trouble = file_read_in(folder, name, out, most, size);
    close(folder);
    return trouble;
}

enum host_trouble host_file_write(const char *path, struct bytes data)
{
    const char *name;
    int folder = open_folder(path, &name);
    if (folder < 0)
        return errno == ENOENT ? HOST_UNWRITABLE : file_trouble(errno);
    enum host_trouble trouble = file_write_in(folder, name, data);
    close(folder);
    return trouble;
}
