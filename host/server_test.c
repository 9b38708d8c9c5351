/* Clients on a real socket, served by a host in a process of its own that sends
   back what it hears. */
#include "host/host.h"
#include "tests/test.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWDED     "too many\n"
#define PATIENCE_MS 10000
#define MANY        1000

static char folder[] = "/tmp/ramage-server-XXXXXX";
static char path[sizeof folder + 8];

/* --- the server ------------------------------------------------------------------------------- */

static struct host *host;

static void echo(void *self, struct host_client *client, struct bytes data)
{
    (void)self;
    host_write(client, data);
}

/* "bye" from a client: the last word is still delivered. */
static void echo_or_leave(void *self, struct host_client *client, struct bytes data)
{
    echo(self, client, data);
    if (bytes_equal(data, bytes_of_text("bye")))
        host_hang_up(client);
}

static void stop(void *self)
{
    (void)self;
    host_stop(host);
}

static struct host *server_create(void)
{
    struct host_settings settings = { .hooks = { .data = echo_or_leave, .stop = stop },
                                      .crowded = bytes_of_text(CROWDED) };
    return host_create(&settings);
}

static pid_t server_start(void)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nothing running */
        host = server_create();
        if (host == NULL || host_serve(host, path) != HOST_FINE || write(ready[1], "r", 1) != 1)
            _exit(1);
        host_run(host);
        host_destroy(host);
        exit(0); /* so that a leak check has its say */
    }
    close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return child;
}

static void server_stop(pid_t server)
{
    int status;
    CHECK(kill(server, SIGTERM) == 0);
    CHECK(waitpid(server, &status, 0) == server);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(access(path, F_OK) < 0); /* nothing is left behind */
}

/* --- clients ---------------------------------------------------------------------------------- */

static int client_connect(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
    return fd;
}

/* Reads until the end of the stream or until `size` bytes are there. */
static size_t read_most(int fd, void *out, size_t size)
{
    size_t at = 0;
    while (at < size) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        CHECK(poll(&wait, 1, PATIENCE_MS) == 1);
        ssize_t got = read(fd, (uint8_t *)out + at, size - at);
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    return at;
}

static bool answers(int fd)
{
    char back[5];
    return send(fd, "hello", 5, MSG_NOSIGNAL) == 5 && read_most(fd, back, 5) == 5 &&
           memcmp(back, "hello", 5) == 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_what_is_said_is_answered_and_the_last_word_arrives(void)
{
    pid_t server = server_start();
    int fd = client_connect();
    char back[16];
    CHECK(answers(fd));
    CHECK(send(fd, "bye", 3, 0) == 3);
    CHECK_INT(read_most(fd, back, sizeof back), 3); /* then the end */
    close(fd);
    server_stop(server);
}

static void test_a_client_that_has_said_all_still_gets_its_answer(void)
{
    pid_t server = server_start();
    int fd = client_connect();
    char back[16];
    CHECK(send(fd, "last", 4, 0) == 4);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    CHECK_INT(read_most(fd, back, sizeof back), 4);
    close(fd);
    server_stop(server);
}

static void test_the_socket_is_ours_alone(void)
{
    struct stat facts;
    pid_t server = server_start();
    CHECK(stat(path, &facts) == 0);
    CHECK_INT(facts.st_mode & 0777, 0600);
    server_stop(server);
}

/* The mode keeps others out; should somebody loosen it, the credentials still do. */
static void test_other_users_are_hung_up_on(void)
{
    if (geteuid() != 0)
        return; /* only root can become somebody else */
    pid_t server = server_start();
    int status;
    char byte;
    CHECK(chmod(path, 0777) == 0);
    CHECK(chmod(folder, 0755) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (setuid(65534) != 0)
            _exit(1);
        int fd = client_connect();
        _exit(read_most(fd, &byte, 1) == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    int ours = client_connect();
    CHECK(answers(ours));
    close(ours);
    server_stop(server);
}

static void test_more_clients_than_the_maximum_are_told_and_closed(void)
{
    static int clients[MANY];
    struct rlimit files = { MANY + 64, MANY + 64 };
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    pid_t server = server_start();
    size_t served = 0, told = 0;
    for (size_t i = 0; i < MANY; i++)
        clients[i] = client_connect();
    for (size_t i = 0; i < MANY; i++) {
        char back[sizeof CROWDED];
        if (i < HOST_CLIENTS_MAX) {
            served += answers(clients[i]);
        } else {
            size_t size = read_most(clients[i], back, sizeof back);
            told += size == strlen(CROWDED) && memcmp(back, CROWDED, size) == 0;
        }
    }
    CHECK_INT(served, HOST_CLIENTS_MAX);
    CHECK_INT(told, MANY - HOST_CLIENTS_MAX);
    for (size_t i = 0; i < MANY; i++)
        close(clients[i]);
    /* The places are free again. */
    for (int tries = 0;; tries++) {
        int fd = client_connect();
        bool good = answers(fd);
        close(fd);
        if (good)
            break;
        CHECK(tries < 100);
        usleep(10000);
    }
    server_stop(server);
}

/* Whoever sends and does not read is not read from either: memory stays bounded,
   nothing is lost. */
static void test_a_client_that_does_not_read_is_not_read_from(void)
{
    static uint8_t data[64 << 10], back[64 << 10];
    pid_t server = server_start();
    int fd = client_connect();
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    size_t sent = 0;
    for (int idle = 0; idle < 20;) {
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)((sent + i) % 251);
        ssize_t put = send(fd, data, sizeof data, MSG_NOSIGNAL);
        CHECK(put > 0 || errno == EAGAIN);
        sent += put > 0 ? (size_t)put : 0;
        CHECK(sent < HOST_QUEUE_MAX_BYTES);
        idle = put > 0 ? 0 : idle + 1;
        if (put <= 0)
            usleep(5000);
    }
    for (size_t at = 0; at < sent;) {
        size_t got = read_most(fd, back, sent - at < sizeof back ? sent - at : sizeof back);
        CHECK(got > 0);
        for (size_t i = 0; i < got; i++)
            CHECK(back[i] == (at + i) % 251);
        at += got;
    }
    CHECK(fcntl(fd, F_SETFL, 0) == 0);
    CHECK(answers(fd));
    close(fd);
    server_stop(server);
}

static void test_a_stale_socket_is_replaced_and_a_live_one_is_not(void)
{
    pid_t server = server_start();
    int status;
    host = server_create();
    CHECK(host_serve(host, path) == HOST_SOCKET_TAKEN);
    host_destroy(host);
    CHECK(kill(server, SIGKILL) == 0);
    CHECK(waitpid(server, &status, 0) == server);
    CHECK(access(path, F_OK) == 0);
    server = server_start();
    int fd = client_connect();
    CHECK(answers(fd));
    close(fd);
    server_stop(server);
}

static void test_what_is_no_socket_stays_and_long_paths_are_refused(void)
{
    char long_path[HOST_SOCKET_PATH_MAX + 1];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    close(fd);
    host = server_create();
    CHECK(host_serve(host, path) == HOST_UNWRITABLE);
    CHECK(access(path, F_OK) == 0);
    CHECK(host_serve(host, long_path) == HOST_PATH_TOO_LONG);
    host_destroy(host);
    CHECK(unlink(path) == 0);
}

static void test_places(void)
{
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/s", folder);
}

static void test_places_are_clean(void)
{
    CHECK(rmdir(folder) == 0);
}

TESTS(TEST(test_places), TEST(test_what_is_said_is_answered_and_the_last_word_arrives),
      TEST(test_a_client_that_has_said_all_still_gets_its_answer),
      TEST(test_the_socket_is_ours_alone), TEST(test_other_users_are_hung_up_on),
      TEST(test_more_clients_than_the_maximum_are_told_and_closed),
      TEST(test_a_client_that_does_not_read_is_not_read_from),
      TEST(test_a_stale_socket_is_replaced_and_a_live_one_is_not),
      TEST(test_what_is_no_socket_stays_and_long_paths_are_refused), TEST(test_places_are_clean))
