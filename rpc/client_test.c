/* The client against a server that misbehaves in every way a socket allows. */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/rpc.h"

/* Listens, answers the first line it reads with `says` in pieces of `step` bytes, and hangs up. */
struct server {
    char folder[64], path[80];
    int listening;
    const char *says;
    size_t step;
    pthread_t thread;
};

static void *serve(void *argument)
{
    struct server *server = argument;
    char line[4096];
    int peer = accept(server->listening, NULL, NULL);
    if (read(peer, line, sizeof line) > 0)
        for (size_t at = 0; at < strlen(server->says); at += server->step) {
            size_t left = strlen(server->says) - at;
            if (send(peer, server->says + at, left < server->step ? left : server->step,
                     MSG_NOSIGNAL) < 0)
                break;
        }
    close(peer);
    return NULL;
}

static struct rpc_client *connect_to(struct server *server, const char *says, size_t step)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(server->folder, sizeof server->folder, "/tmp/ramage-client-XXXXXX");
    CHECK(mkdtemp(server->folder) != NULL);
    snprintf(server->path, sizeof server->path, "%s/control", server->folder);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", server->path);
    server->says = says;
    server->step = step;
    server->listening = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(server->listening, (struct sockaddr *)&name, sizeof name) == 0);
    CHECK(listen(server->listening, 1) == 0);
    CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
    struct rpc_client *client = rpc_client_connect(server->path);
    CHECK(client != NULL);
    return client;
}

static void finish(struct server *server, struct rpc_client *client)
{
    pthread_join(server->thread, NULL);
    rpc_client_close(client);
    close(server->listening);
    unlink(server->path);
    rmdir(server->folder);
}

static void test_an_answer_in_any_pieces_arrives_and_events_wait_their_turn(void)
{
    const char *says = "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":1}}\n"
                       "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}\n"
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"api\":\"1.0\"}}\n"
                       "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":2}}\n";
    for (size_t step = 1; step < 200; step += 33) {
        struct server server;
        struct rpc_answer answer;
        struct rpc_client *client = connect_to(&server, says, step);
        rpc_client_call(client, "session.hello", NULL, &answer);
        CHECK(answer.error == RPC_FINE);
        CHECK_TEXT(rpc_text(answer.result, "api"), "1.0");
        rpc_answer_release(&answer);
        for (int64_t seq = 1; seq <= 2; seq++) {
            json_t *event;
            CHECK(rpc_client_next(client, SECOND, &event) == RPC_FINE);
            CHECK_INT(rpc_whole(event, "seq", 0), seq);
            json_decref(event);
        }
        json_t *event;
        CHECK(rpc_client_next(client, NEVER, &event) == RPC_NO_ANSWER);
        finish(&server, client);
    }
}

static void test_an_error_keeps_its_name_sentence_and_hint(void)
{
    struct server server;
    struct rpc_answer answer;
    struct rpc_client *client =
        connect_to(&server,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":501,\"message\":\"closed\","
                   "\"data\":{\"name\":\"LOCKED\",\"hint\":\"open it\",\"more\":1}}}\n",
                   4096);
    rpc_client_call(client, "session.status", NULL, &answer);
    CHECK(answer.error == RPC_LOCKED);
    CHECK_TEXT(answer.sentence, "closed");
    CHECK_TEXT(answer.hint, "open it");
    CHECK_INT(rpc_whole(answer.data, "more", 0), 1);
    rpc_answer_release(&answer);
    finish(&server, client);
}

static void test_nonsense_is_no_answer(void)
{
    static const char *const rows[] = {
        "", "\n", "{\n", "[]\n", "\xff\n", "{\"id\":2,\"result\":{}}\n", "{\"id\":1,",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct server server;
        struct rpc_answer answer;
        struct rpc_client *client = connect_to(&server, rows[i], 4096);
        rpc_client_call(client, "session.hello", NULL, &answer);
        CHECK(answer.error == RPC_NO_ANSWER);
        CHECK(answer.sentence[0] != '\0');
        rpc_answer_release(&answer);
        finish(&server, client);
    }
}

static void test_a_client_that_is_interrupted_says_so(void)
{
    static volatile sig_atomic_t flag;
    struct server server;
    struct rpc_client *client = connect_to(&server, "\n", 1);
    json_t *event;
    CHECK(rpc_client_next(client, 0, &event) == RPC_FINE && event == NULL);
    flag = 1;
    rpc_client_interrupt_on(&flag);
    CHECK(rpc_client_next(client, NEVER, &event) == RPC_INTERRUPTED);
    rpc_client_interrupt_on(NULL);
    struct rpc_answer answer;
    rpc_client_call(client, "session.hello", NULL, &answer);
    rpc_answer_release(&answer);
    finish(&server, client);
}

static void test_nobody_there_is_nobody(void)
{
    CHECK(rpc_client_connect("/nowhere/control") == NULL);
    char long_path[200];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    CHECK(rpc_client_connect(long_path) == NULL);
}

static void count_event(void *self, const json_t *event)
{
    int64_t *last = self;
    CHECK_INT(rpc_whole(event, "seq", 0), *last + 1);
    *last += 1;
}

static void test_a_watched_call_tells_events_as_they_come(void)
{
    const char *says = "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":1}}\n"
                       "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":2}}\n"
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"found\":2}}\n";
    struct server server;
    struct rpc_answer answer;
    int64_t last = 0;
    const struct rpc_watch watch = { 10 * SECOND, count_event, &last };
    struct rpc_client *client = connect_to(&server, says, 11);
    rpc_client_call_watched(client, "dht.peers", NULL, &watch, &answer);
    CHECK(answer.error == RPC_FINE && last == 2);
    CHECK_INT(rpc_whole(answer.result, "found", 0), 2);
    rpc_answer_release(&answer);
    finish(&server, client);
}

static void test_a_watched_call_ends_with_its_patience(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    struct rpc_answer answer;
    const struct rpc_watch watch = { .patience = 20 * MILLISECOND };
    int silent = socket(AF_UNIX, SOCK_STREAM, 0); /* connects, and never says a word */
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/ramage-silent-%d", (int)getpid());
    CHECK(bind(silent, (struct sockaddr *)&name, sizeof name) == 0 && listen(silent, 1) == 0);
    struct rpc_client *client = rpc_client_connect(name.sun_path);
    rpc_client_call_watched(client, "dht.peers", NULL, &watch, &answer);
    CHECK(answer.error == RPC_TIME_OVER);
    rpc_answer_release(&answer);
    rpc_client_close(client);
    close(silent);
    unlink(name.sun_path);
}

TESTS(TEST(test_a_watched_call_tells_events_as_they_come),
      TEST(test_a_watched_call_ends_with_its_patience),
      TEST(test_an_answer_in_any_pieces_arrives_and_events_wait_their_turn),
      TEST(test_an_error_keeps_its_name_sentence_and_hint), TEST(test_nonsense_is_no_answer),
      TEST(test_a_client_that_is_interrupted_says_so), TEST(test_nobody_there_is_nobody))
