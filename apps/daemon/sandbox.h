/* Gives up every right a daemon does not need once it listens: new privileges, core dumps, files
   outside its home and its socket's folder (landlock(7)), and system calls that only an intruder
   would want (seccomp(2)). What the kernel does not offer is left out; nothing here can fail. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>

/* 1: the leak check of AddressSanitizer is in, a debugger of its own process. Such a build forbids
   no calls and lets it look. */
#define SANDBOX_WATCHED 0
#if defined(__SANITIZE_ADDRESS__)
#undef SANDBOX_WATCHED
#define SANDBOX_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef SANDBOX_WATCHED
#define SANDBOX_WATCHED 1
#endif
#endif

/* First thing in main, before any key or passphrase is read: no core dump, no debugger of the same
   user. */
void sandbox_keep_private(void);

/* Of a daemon, before any loop or thread: private files and fewer system calls. */
void sandbox_prepare(void);

struct sandbox_got { /* what the kernel gave */
    bool files, calls;
};
/* Files. Folders exist; NULL: none. `names`: what resolving names reads (resolver(5)) may be read,
   and nothing beside it. Before the first thread, which would keep its rights. */
struct sandbox_got sandbox_enter(const char *home, const char *socket_folder, bool names);

#endif
