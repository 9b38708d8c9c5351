/* Two real nodes, each driven by a host in a process of its own, talk over loopback. */
#include "host/inside.h"
#include "tests/test.h"

#include "base/mem.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 200
#define PATIENCE 60 /* seconds, then the whole test is broken off */

/* What both processes see. */
static struct shared {
    char card[2][CARD_TEXT_CHARS + 1];
    struct address at[2];
    volatile bool known[2], done[2];
    volatile uint64_t refused_sends;
} * shared;

static char folder[] = "/tmp/ramage-loop-XXXXXX";
static bool kernel_is_full; /* then every third datagram has to wait */

/* The linker puts this in front of the system's: a kernel whose buffers are full cannot be had on
   loopback. */
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    static unsigned calls;
    if (kernel_is_full && message->msg_name != NULL && ++calls % 3 == 0) {
        shared->refused_sends++;
        errno = EAGAIN;
        return -1;
    }
    return __real_sendmsg(fd, message, flags);
}

/* --- one person ------------------------------------------------------------------------------- */

struct person {
    int self, friend;
    struct host *host;
    struct node *node;
    int64_t contact;
    int heard, delivered, written;
    bool failed;
};

/* Writes while not everything is written, a few per round so that rounds overlap with talk. */
static void on_settled(void *self, enum fault fault)
{
    struct person *person = self;
    struct store_message message;
    char text[32];
    if (fault != FAULT_NONE)
        person->failed = true;
    for (int i = 0; i < 5 && person->written < MESSAGES && !person->failed; i++) {
        snprintf(text, sizeof text, "%d", person->written++);
        if (node_message_send(person->node, host_now(person->host), person->contact,
                              bytes_of_text(text), NULL, &message) != ANSWER_DONE)
            person->failed = true;
        host_touch(person->host);
    }
    if (person->failed || (person->heard == MESSAGES && person->delivered == MESSAGES))
        shared->done[person->self] = true;
    if (person->failed || (shared->done[0] && shared->done[1]))
        host_stop(person->host);
}

static void on_event(void *self, const struct node_event *event)
{
    struct person *person = self;
    if (event->event.kind == EVENT_MESSAGE_RECEIVED)
        person->heard++;
    if (event->event.kind == EVENT_MESSAGE_STATE && event->event.detail == MESSAGE_DELIVERED)
        person->delivered++;
    host_touch(person->host);
}

static void on_stop(void *self)
{
    struct person *person = self;
    host_stop(person->host);
}

static bool be_born(struct person *person)
{
    struct node_settings settings = { 0 };
    enum store_trouble trouble;
    struct node_identity identity;
    char path[sizeof folder + 8];
    instant now = host_now(person->host);
    snprintf(path, sizeof path, "%s/%d.db", folder, person->self);
    settings.place.path = path;
    memset(settings.place.key, person->self + 1, sizeof settings.place.key);
    if (node_create(&settings, now, host_rng(person->host), NULL, &person->node, &trouble) !=
            FAULT_NONE ||
        node_identity_make(person->node, now, "") != ANSWER_DONE ||
        node_identity(person->node, &identity) != ANSWER_DONE)
        return false;
    card_write(shared->card[person->self], &identity.card);
    struct address listening[HOST_LISTEN_MAX], at;
    if (host_listen(person->host, NULL, 0, NULL) != HOST_FINE ||
        host_listening(person->host, listening) == 0 || !address_parse("127.0.0.1:1", &at))
        return false;
    at.port = listening[0].port;
    shared->at[person->self] = at;
    shared->known[person->self] = true;
    return true;
}

static bool befriend(struct person *person)
{
    struct node_contact contact;
    while (!shared->known[person->friend])
        usleep(1000);
    if (node_contact_add(person->node, host_now(person->host), shared->card[person->friend],
                         "friend", &shared->at[person->friend], 1, &contact) != ANSWER_DONE)
        return false;
    person->contact = contact.row.id;
    return true;
}

static int live(int self)
{
    struct person person = { .self = self, .friend = 1 - self };
    struct host_settings settings = {
        .hooks = { .self = &person, .settled = on_settled, .event = on_event, .stop = on_stop }
    };
    person.host = host_create(&settings);
    person.failed = person.host == NULL || !be_born(&person) || !befriend(&person);
    if (!person.failed) {
        host_drive(person.host, person.node);
        host_run(person.host);
        node_leave(person.node, host_now(person.host));
        host_release(person.host);
    }
    node_destroy(person.node);
    host_destroy(person.host);
    return !person.failed && person.heard == MESSAGES && person.delivered == MESSAGES ? 0 : 1;
}

/* --- the story -------------------------------------------------------------------------------- */

static void remove_folder(void)
{
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
}

static void two_people_talk(void)
{
    CHECK(mkdtemp(folder) != NULL);
    memset(shared, 0, sizeof *shared);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            alarm(PATIENCE);
            exit(crypto_start() ? live(i) : 1);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    remove_folder();
}

static void test_two_nodes_talk_and_everything_arrives_once(void)
{
    kernel_is_full = false;
    two_people_talk();
}

static void test_a_full_kernel_delays_and_loses_nothing(void)
{
    kernel_is_full = true;
    two_people_talk();
    CHECK(shared->refused_sends > 10);
}

static struct host *host;

static void test_time_goes_forward_and_is_the_wall_clocks(void)
{
    struct host_settings settings = { 0 };
    host = host_create(&settings);
    instant first = host_now(host), wall = (instant)time(NULL) * SECOND;
    CHECK(first + 2 * SECOND > wall && first < wall + 2 * SECOND);
    for (int i = 0; i < 1000; i++) {
        instant next = host_now(host);
        CHECK(next >= first);
        first = next;
    }
    CHECK(host_resident_bytes(host) > 100000);
    host_destroy(host);
}

/* --- several addresses ------------------------------------------------------------------------ */

static void stop_soon(void *self, enum fault fault)
{
    static int rounds;
    (void)self, (void)fault;
    if (++rounds == 2) /* the first is the one that `host_drive` asks for */
        host_stop(host);
}

/* Without identity: it hears and says nothing. */
static struct node *sleeping_node(struct host *of)
{
    char path[sizeof folder + 8];
    struct node_settings settings = { .place.path = path };
    enum store_trouble trouble;
    struct node *node;
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/db", folder);
    CHECK(node_create(&settings, host_now(of), host_rng(of), NULL, &node, &trouble) == FAULT_NONE);
    return node;
}

/* A NAT lets an answer in only from where the question went. */
static void test_who_wrote_to_an_address_is_answered_from_it(void)
{
    struct host_settings settings = { .hooks = { .settled = stop_soon } };
    struct address at[2], bound[HOST_LISTEN_MAX];
    struct udp_arrival arrivals[UDP_BATCH_MESSAGES];
    struct udp_batch *batch = udp_batch_create();
    struct udp *peer;
    CHECK(crypto_start());
    CHECK(address_parse("127.0.0.1:1", &at[0]) && address_parse("127.0.0.2:1", &at[1]));
    at[0].port = at[1].port = 0;
    host = host_create(&settings);
    CHECK(host_listen(host, at, COUNT(at), NULL) == HOST_FINE);
    CHECK_INT(host_listening(host, bound), 2);
    CHECK(udp_open(&at[0], &peer) == HOST_FINE);
    struct address peers = udp_bound(peer);
    host_drive(host, sleeping_node(host));
    CHECK_INT(udp_send(peer, &bound[1], BYTES_OF("question"), 9), 9);
    host_run(host);
    struct datagrams answer = { .to = peers, .bytes = BYTES_OF("answer"), .segment = 7 };
    CHECK(wires_send(host, &answer));
    CHECK_INT(udp_receive(peer, batch, arrivals), 1);
    CHECK(address_equal(&arrivals[0].from, &bound[1]));
    udp_close(peer);
    udp_batch_destroy(batch);
    node_destroy(host_release(host));
    host_destroy(host);
    remove_folder();
}

static void stop_when_sent(void *self, enum fault fault)
{
    (void)self, (void)fault;
    if (wires_ready(host))
        host_stop(host);
}

/* Links would repair a loss; here every byte is counted. */
static void test_what_the_kernel_did_not_take_leaves_later_and_whole(void)
{
    static uint8_t run[10 * 100];
    struct host_settings settings = { .hooks = { .settled = stop_when_sent } };
    struct address at, bound[HOST_LISTEN_MAX];
    struct udp_arrival arrivals[UDP_BATCH_MESSAGES];
    struct udp_batch *batch = udp_batch_create();
    struct udp *peer;
    size_t held = 0, arrived = 0;
    CHECK(address_parse("127.0.0.1:1", &at));
    at.port = 0;
    host = host_create(&settings);
    CHECK(host_listen(host, &at, 1, NULL) == HOST_FINE);
    CHECK_INT(host_listening(host, bound), 1);
    CHECK(udp_open(&at, &peer) == HOST_FINE);
    struct datagrams datagrams = { udp_bound(peer), BYTES_OF(run), 100 };
    kernel_is_full = true;
    for (size_t i = 0; i < 9; i++) {
        memset(run, (int)i, sizeof run);
        if (!wires_send(host, &datagrams)) {
            held++;
            host->stopping = false;
            host_run(host);
        }
    }
    kernel_is_full = false;
    CHECK(held > 0);
    while (arrived < 9 * sizeof run) {
        size_t count = udp_receive(peer, batch, arrivals);
        CHECK(count > 0);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < arrivals[i].bytes.size; j++, arrived++)
                CHECK_INT(arrivals[i].bytes.data[j], arrived / sizeof run);
    }
    udp_close(peer);
    udp_batch_destroy(batch);
    host_destroy(host);
}

static void test_without_addresses_it_is_one_random_port_of_both_families(void)
{
    struct host_settings settings = { 0 };
    struct address bound[HOST_LISTEN_MAX], failed, taken;
    struct host *one = host_create(&settings), *other = host_create(&settings);
    CHECK(host_listen(one, NULL, 0, NULL) == HOST_FINE);
    size_t count = host_listening(one, bound);
    CHECK(count >= 1 && bound[0].port != 0);
    CHECK(count == 1 || bound[1].port == bound[0].port);
    taken = bound[0];
    CHECK(host_listen(other, &taken, 1, &failed) == HOST_PORT_TAKEN);
    CHECK(address_equal(&failed, &taken));
    CHECK_INT(host_listening(other, bound), 0);
    host_destroy(one);
    host_destroy(other);
}

static uint64_t digest_before;

static void stop_when_moved(void *self, enum fault fault)
{
    (void)self, (void)fault;
    if (host->addresses_digest != digest_before)
        host_stop(host);
}

/* In a network of its own, whose loopback comes up while the host runs. */
static void story_of_a_new_address(void)
{
    struct host_settings settings = { .hooks = { .settled = stop_when_moved } };
    struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    alarm(PATIENCE);
    host = host_create(&settings);
    CHECK(host_listen(host, NULL, 0, NULL) == HOST_FINE);
    digest_before = host->addresses_digest;
    host_drive(host, sleeping_node(host));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(ioctl(fd, SIOCSIFFLAGS, &up) == 0);
    close(fd);
    host_run(host); /* ends by the alarm if nothing is noticed */
    node_destroy(host_release(host));
    host_destroy(host);
    remove_folder();
}

static void test_a_change_of_our_addresses_is_noticed(void)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (crypto_start() &&
            (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0))
            story_of_a_new_address(); /* a failed check ends the child with an error */
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- the rest --------------------------------------------------------------------------------- */

static bool ran, ended;

static void run_work(void *work)
{
    (void)work;
    usleep(20000);
    ran = true;
}

static void end_work(void *work)
{
    ended = ran;
    host_stop(work);
}

static void test_work_ends_on_the_loop_and_destroying_waits_for_it(void)
{
    struct host_settings settings = { 0 };
    host = host_create(&settings);
    host_work(host, run_work, end_work, host);
    host_run(host);
    CHECK(ended);
    ended = ran = false;
    host_work(host, run_work, end_work, host);
    host_destroy(host);
    CHECK(ended);
}

static void test_memory_is_shared(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
}

TESTS(TEST(test_memory_is_shared), TEST(test_time_goes_forward_and_is_the_wall_clocks),
      TEST(test_two_nodes_talk_and_everything_arrives_once),
      TEST(test_a_full_kernel_delays_and_loses_nothing),
      TEST(test_who_wrote_to_an_address_is_answered_from_it),
      TEST(test_what_the_kernel_did_not_take_leaves_later_and_whole),
      TEST(test_a_change_of_our_addresses_is_noticed),
      TEST(test_without_addresses_it_is_one_random_port_of_both_families),
      /* Last: libuv's worker does not survive the forks of the stories above. */
      TEST(test_work_ends_on_the_loop_and_destroying_waits_for_it))
