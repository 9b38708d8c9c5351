/* What a process may still do once it gave up its rights; each story in a child of its own. */
#include "apps/daemon/sandbox.h"

#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[] = "/tmp/ramage-sandbox-XXXXXX";
static struct sandbox_got got;

static bool may_open(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool may_open_in_home(const char *name, int flags)
{
    char path[sizeof home + 16];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return may_open(path, flags);
}

static int unlink_in_home(const char *name)
{
    char path[sizeof home + 16];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return unlink(path);
}

static bool may_have(int family)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void in_sandbox_with(bool names, void (*story)(void))
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        sandbox_keep_private();
        sandbox_prepare();
        got = sandbox_enter(home, home, names);
        story(); /* a failed check ends the child with an error */
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void in_sandbox(void (*story)(void))
{
    in_sandbox_with(false, story);
}

static void story_of_files(void)
{
    CHECK(may_open_in_home("a", O_RDWR | O_CREAT));
    CHECK(may_open_in_home("a", O_RDWR | O_TRUNC));
    if (!got.files)
        return; /* a kernel without Landlock */
    CHECK(!may_open("/etc/passwd", O_RDONLY) && errno == EACCES);
    CHECK(!may_open("/etc/hosts", O_RDONLY));
    CHECK(!may_open("/tmp/ramage-sandbox-outside", O_RDWR | O_CREAT) && errno == EACCES);
    CHECK(!may_open("/", O_RDONLY | O_DIRECTORY));
}

/* Numbers and names of /etc/hosts are resolved without a packet, in a thread as in the daemon. */
static void *resolve(void *name)
{
    struct addrinfo *found = NULL;
    bool good = getaddrinfo(name, "6881", NULL, &found) == 0 && found != NULL;
    if (good)
        freeaddrinfo(found);
    return good ? name : NULL;
}

static void story_of_names(void)
{
    static char name[] = "localhost";
    pthread_t thread;
    void *resolved;
    if (got.files) {
        CHECK(!may_open("/etc/passwd", O_RDONLY) && errno == EACCES);
        CHECK(!may_open("/etc", O_RDONLY | O_DIRECTORY));
        CHECK(!may_open("/etc/hosts", O_RDWR));
    }
    CHECK(may_open("/etc/hosts", O_RDONLY) && may_open("/etc/resolv.conf", O_RDONLY));
    CHECK(pthread_create(&thread, NULL, resolve, name) == 0);
    CHECK(pthread_join(thread, &resolved) == 0 && resolved == name);
}

static void story_of_calls(void)
{
    char *const none[] = { NULL };
    CHECK(may_have(AF_INET) && may_have(AF_UNIX));
    if (!got.calls)
        return; /* a kernel or a processor without the filter, or a sanitizer */
    CHECK(execve("/bin/true", none, none) < 0 && errno == EPERM);
    CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM);
    CHECK(!may_have(AF_PACKET) && errno == EPERM);
}

static void story_of_privileges(void)
{
    struct rlimit core;
    CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_INT(prctl(PR_GET_DUMPABLE), SANDBOX_WATCHED);
    CHECK(getrlimit(RLIMIT_CORE, &core) == 0);
    CHECK_INT(core.rlim_max, 0);
}

static void test_only_the_home_is_left_of_all_files(void)
{
    CHECK(mkdtemp(home) != NULL);
    in_sandbox(story_of_files);
    CHECK(unlink_in_home("a") == 0 && rmdir(home) == 0);
}

static void test_names_can_be_resolved_where_that_is_wished_for(void)
{
    if (access("/etc/hosts", R_OK) == 0 && access("/etc/resolv.conf", R_OK) == 0)
        in_sandbox_with(true, story_of_names);
}

static void test_calls_that_only_an_intruder_wants_are_refused(void)
{
    in_sandbox(story_of_calls);
}

static void test_nothing_can_be_gained_or_dumped(void)
{
    in_sandbox(story_of_privileges);
}

TESTS(TEST(test_only_the_home_is_left_of_all_files),
      TEST(test_names_can_be_resolved_where_that_is_wished_for),
      TEST(test_calls_that_only_an_intruder_wants_are_refused),
      TEST(test_nothing_can_be_gained_or_dumped))
