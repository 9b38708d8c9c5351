/* Gives up every right a daemon does not need once it listens: new privileges, core dumps, files
   outside its home and its socket's folder (landlock(7)), and system calls that only an intruder
   would want (seccomp(2)). What the kernel does not offer is left out; nothing here can fail. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>

/* First thing in main: private files, no core dump, no debugger of the same user. */
void sandbox_prepare(void);

struct sandbox_got { /* what the kernel gave */
    bool files, calls;
};
/* Both folders exist. Before the first thread, which would keep its rights. */
struct sandbox_got sandbox_enter(const char *home, const char *socket_folder);

#endif
