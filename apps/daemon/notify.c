#include "apps/daemon/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_open(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path == NULL ? 0 : strlen(path);
    if (size < 2 || size >= sizeof name.sun_path || (path[0] != '/' && path[0] != '@'))
        return -1;
    memcpy(name.sun_path, path, size);
    if (path[0] == '@') /* an abstract name begins with a zero byte and has no end of its own */
        name.sun_path[0] = '\0';
    unsetenv("NOTIFY_SOCKET");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, length) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void notify_say(int notify, const char *state)
{
    if (notify >= 0) /* a manager that does not listen is its own affair */
        send(notify, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_close(int notify)
{
    if (notify >= 0)
        close(notify);
}
