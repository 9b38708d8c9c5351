#include "apps/cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/cli/command.h"

#define READY_FD       3
#define LINE_MAX_BYTES 64
#define STEP           (50 * MILLISECOND) /* how soon an interruption is noticed */

/* Between fork and exec: only what is safe there. */
_Noreturn static void become_daemon(char *const arguments[], enum spawn_life life, int ready)
{
    if (life == SPAWN_STAYS)
        setsid();
    else {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0); /* Ctrl-C is for us, who end it then */
    }
    int nothing = open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        dup2(nothing, descriptor);
    if (ready == READY_FD)
        fcntl(ready, F_SETFD, 0);
    else
        dup2(ready, READY_FD);
    close_range(READY_FD + 1, ~0u, 0); /* a passphrase's descriptor among them */
    execv("/proc/self/exe", arguments);
    _exit(127);
}

static enum rpc_error verdict(const char *line)
{
    return strcmp(line, "ready") == 0 ? RPC_FINE : rpc_error_named(line);
}

/* Reads the line, byte by byte since nothing follows it. */
static enum rpc_error await_ready(int descriptor)
{
    char line[LINE_MAX_BYTES] = "";
    size_t size = 0;
    for (duration waited = 0; waited < SPAWN_PATIENCE;) {
        struct pollfd one = { .fd = descriptor, .events = POLLIN };
        int ready = poll(&one, 1, (int)(STEP / MILLISECOND));
        if (was_interrupted())
            return RPC_INTERRUPTED;
        if (ready == 0)
            waited += STEP;
        if (ready <= 0)
            continue;
        if (read(descriptor, &line[size], 1) != 1)
            return RPC_INTERNAL;
        if (line[size] == '\n') {
            line[size] = '\0';
            return verdict(line);
        }
        if (++size == sizeof line - 1)
            return RPC_INTERNAL;
    }
    return RPC_NO_ANSWER;
}

enum rpc_error spawn_self(const char **words, size_t count, enum spawn_life life, pid_t *pid)
{
    words[count] = "--ready-fd";
    words[count + 1] = "3";
    words[count + 2] = NULL;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return RPC_INTERNAL;
    pid_t child = fork();
    if (child == 0)
        become_daemon((char *const *)words, life, ends[1]);
    close(ends[1]);
    enum rpc_error error = child < 0 ? RPC_INTERNAL : await_ready(ends[0]);
    close(ends[0]);
    if (error != RPC_FINE && child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    if (pid != NULL)
        *pid = child;
    return error;
}

enum rpc_error spawn_daemon(const char *home, const char *const *listen, size_t listen_count,
                            enum spawn_life life, pid_t *pid)
{
    const char *words[8 + 2 * CLI_LISTEN_MAX] = { "ramage", "daemon", "run", "--home", home };
    size_t count = 5;
    for (size_t i = 0; i < listen_count && i < CLI_LISTEN_MAX; i++) {
        words[count++] = "--listen";
        words[count++] = listen[i];
    }
    return spawn_self(words, count, life, pid);
}
