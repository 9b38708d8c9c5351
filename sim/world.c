#include "sim/world.h"

#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_BEGINS (1800000000 * SECOND) /* in January 2027 */
#define SPINS_MAX                                                                                  \
    20000 /* rounds in which no time passes: then somebody asks to be woken for ever */

/* --- the world --------------------------------------------------------------------------- */

struct sim *sim_create(const char *story, uint64_t seed, bool loud)
{
    struct sim *sim = mem_zeroed(1, sizeof *sim);
    sim->story = story;
    sim->seed = seed;
    sim->loud = loud;
    sim->now = sim->born = WORLD_BEGINS;
    sim->rng = rng_from_seed(&sim->luck, seed);
    sim->network_rng = rng_from_seed(&sim->network_luck, rng_u64(&sim->rng));
    sim->network = network_create(&sim->network_rng);
    return sim;
}

static void node_free(struct sim_node *node)
{
    node_destroy(node->engine);
    disk_destroy(node->disk);
    talk_finish(node);
    mem_free(node);
}

void sim_destroy(struct sim *sim)
{
    if (sim == NULL)
        return;
    for (size_t i = 0; i < sim->node_count; i++)
        node_free(sim->nodes[i]);
    network_destroy(sim->network);
    mem_free(sim);
}

uint64_t sim_luck(struct sim *sim, uint64_t bound)
{
    return rng_below(&sim->rng, bound);
}

duration sim_age(const struct sim *sim)
{
    return sim->now - sim->born;
}

void sim_inject(struct sim *sim, const struct address *from, struct sim_node *to,
                struct bytes packet)
{
    struct address at = plug_address(to->plug);
    network_inject(sim->network, sim->now, from, &at, packet);
}

void sim_replay(struct sim *sim, size_t number, const struct address *from)
{
    network_replay(sim->network, sim->now, number, from);
}

struct network *sim_network(struct sim *sim)
{
    return sim->network;
}

static bool runs(const struct sim_node *node)
{
    return node->life == LIFE_AWAKE;
}

/* --- clocks ------------------------------------------------------------------------------ */

instant sim_clock(const struct sim_node *node)
{
    return node->sim->now + (instant)node->ahead;
}

instant world_time_of(const struct sim_node *node, instant own)
{
    int64_t ahead = node->ahead;
    if (own == NEVER)
        return NEVER;
    return ahead > 0 && own < (instant)ahead ? 0 : own - (instant)ahead;
}

void sim_clock_forward(struct sim_node *node, duration by)
{
    node->ahead += (int64_t)by;
    if (runs(node))
        node->deadline = node->sim->now;
}

void sim_clock_back(struct sim_node *node, duration by)
{
    assert(node->life == LIFE_DEAD); /* for a process that lives time never runs backwards */
    node->ahead -= (int64_t)by;
}

/* --- failing ----------------------------------------------------------------------------- */

static double seconds(duration length)
{
    return (double)length / (double)SECOND;
}

static void print_contact(struct sim_node *node, const struct node_contact *contact)
{
    struct store_chat chat;
    if (node_chat(node->engine, contact->row.id, &chat) != ANSWER_DONE)
        return;
    fprintf(stderr, "    with %s: %zu messages, %zu owed, %s\n", contact->row.name, chat.total,
            chat.owed,
            contact->online     ? "online"
            : contact->dialling ? "dialling"
                                : "away");
}

/* Why the first of what he said is still owed, as he could ask himself. */
static void print_why(struct sim_node *node)
{
    struct node_why why;
    char text[ADDRESS_TEXT_BYTES];
    for (size_t i = 0; i < node->told; i++) {
        if (node_why(node->engine, sim_clock(node), node->said[i].row, &why) != ANSWER_DONE ||
            why.owed.row == 0)
            continue;
        fprintf(stderr, "    owes \"%.40s\", %s\n", node->said[i].text,
                why.sent ? "sent" : "not sent");
        for (size_t k = 0; k < why.attempt_count; k++) {
            const struct node_attempt *attempt = &why.attempts[k];
            address_print(&attempt->address, text);
            fprintf(stderr, "      %12.6f %s%s: %s\n",
                    seconds(world_time_of(node, attempt->started) - node->sim->born), text,
                    attempt->door ? " door" : "",
                    attempt->outcome != NULL ? attempt->outcome : "...");
        }
        return;
    }
}

static void print_node(struct sim_node *node)
{
    static const char *const lives[] = { "awake", "asleep", "dead" };
    fprintf(stderr, "  %s: %s, trouble %d, said %zu, asked %zu, told %zu, shown %zu\n", node->name,
            lives[node->life], (int)node->trouble, node->said_count, node->asked, node->told,
            node->shown_count);
    struct node_contact contact;
    if (node->engine == NULL || node_trouble(node->engine) != STORE_FINE)
        return;
    for (int64_t at = 0; node_contact_next(node->engine, at, &contact) == ANSWER_DONE;
         at = contact.row.id)
        print_contact(node, &contact);
    print_why(node);
}

void sim_fail(struct sim *sim, const char *file, int line, const char *claim)
{
    fprintf(stderr, "%s:%d: after %.6f s not true: %s\n", file, line, seconds(sim_age(sim)), claim);
    for (size_t i = 0; i < sim->node_count && i < 8; i++)
        print_node(sim->nodes[i]);
    fprintf(stderr, "  once more: sim_scenarios --seed %" PRIu64 " --log %s\n", sim->seed,
            sim->story);
    printf("not ok - %s\n", sim->story);
    exit(1);
}

static void print_line(void *sink, enum log_level level, const char *room, const char *text)
{
    const struct sim_node *node = sink;
    static const char *const levels[] = { "", "", "! " };
    fprintf(stderr, "%12.6f %-8s %s%s: %s\n", seconds(sim_age(node->sim)), node->name,
            levels[level], room, text);
}

/* --- a computer -------------------------------------------------------------------------- */

bool sim_alive(const struct sim_node *node)
{
    return node->life != LIFE_DEAD;
}

enum store_trouble sim_trouble(const struct sim_node *node)
{
    return node->trouble;
}

struct plug *sim_plug(struct sim_node *node)
{
    return node->plug;
}

struct disk *sim_disk(struct sim_node *node)
{
    return node->disk;
}

struct node *sim_engine(struct sim_node *node)
{
    return node->engine;
}

uint64_t sim_wakeups(const struct sim_node *node)
{
    return node->wakeups;
}

static void stop(struct sim_node *node)
{
    node_destroy(node->engine);
    node->engine = NULL;
    node->life = LIFE_DEAD;
    node->deadline = NEVER;
    node->touched = false;
    plug_pull(node->plug, true);
    talk_forget_asking(node);
}

static void send_out(struct sim_node *node, const struct datagrams *run)
{
    for (size_t at = 0; at < run->bytes.size; at += run->segment) {
        size_t left = run->bytes.size - at, size = left < run->segment ? left : run->segment;
        network_send(node->sim->network, node->sim->now, node->plug, &run->to,
                     (struct bytes){ run->bytes.data + at, size });
    }
}

/* As the host does: lets out what the node has for others, then what it answers its own people. */
static void pump(struct sim_node *node)
{
    struct datagrams out;
    node->touched = false;
    talk_ask(node);
    while (node_next_datagrams(node->engine, sim_clock(node), &out))
        send_out(node, &out);
    if (node_settle(node->engine) == FAULT_NONE)
        talk_told(node);
    talk_listen(node);
    node->trouble = node_trouble(node->engine);
    if (node->trouble != STORE_FINE)
        stop(node);
    else
        node->deadline = world_time_of(node, node_deadline(node->engine));
}

static void start(struct sim_node *node)
{
    struct node_settings settings = { .place = { .path = "store", .vfs = disk_vfs(node->disk) },
                                      .no_dht = true }; /* it has worlds of its own */
    memcpy(settings.place.key, node->key, sizeof node->key);
    node->trouble = STORE_FINE;
    if (node_create(&settings, sim_clock(node), &node->rng, node->sim->loud ? &node->log : NULL,
                    &node->engine, &node->trouble) != FAULT_NONE) {
        stop(node);
        return;
    }
    node->life = LIFE_AWAKE;
    plug_pull(node->plug, false);
    pump(node);
}

static struct sim_node *add(struct sim *sim, const char *name)
{
    char disk[DISK_NAME_MAX_BYTES + 1];
    struct sim_node *node = mem_zeroed(1, sizeof *node);
    assert(sim->node_count < SIM_NODES_MAX && strlen(name) <= SIM_NAME_MAX_BYTES);
    node->sim = sim;
    node->number = sim->node_count;
    strcpy(node->name, name);
    snprintf(disk, sizeof disk, "%s.disk", name);
    node->rng = rng_from_seed(&node->luck, rng_u64(&sim->rng));
    node->log = (struct log){ print_line, node, LOG_TRACE };
    node->disk = disk_create(disk, &sim->network_rng);
    node->plug = network_plug(sim->network, node);
    node->said_by_row = map_create(SIM_MESSAGES_MAX, 1);
    node->shown_ids = map_create(SIM_MESSAGES_MAX, 1);
    node->life = LIFE_DEAD;
    rng_fill(&node->rng, node->key, sizeof node->key);
    sim->nodes[sim->node_count++] = node;
    return node;
}

/* What its person does: starts it, whatever happened before, and answers the question for a name
   until it has one. False: it died on the way. */
static bool set_up(struct sim_node *node)
{
    struct node_identity identity;
    if (!runs(node))
        sim_restart(node);
    if (!runs(node))
        return false;
    if (node_identity(node->engine, &identity) == ANSWER_NO_IDENTITY)
        node_identity_make(node->engine, sim_clock(node), node->name);
    pump(node);
    if (!runs(node) || node_identity(node->engine, &identity) != ANSWER_DONE)
        return false;
    SIM_CHECK(node->sim, node->card[0] == '\0'); /* who has one keeps it */
    card_write(node->card, &identity.card);
    return true;
}

struct sim_node *sim_add_dying(struct sim *sim, const char *name, uint64_t step)
{
    struct sim_node *node = add(sim, name);
    sim_kill_at(node, step);
    if (!set_up(node))
        SIM_CHECK(sim, set_up(node));
    return node;
}

struct sim_node *sim_add(struct sim *sim, const char *name)
{
    return sim_add_dying(sim, name, 0);
}

/* Repeated after a crash, for who was not answered asks again. */
static void add_contact(struct sim_node *to, struct sim_node *of, const struct address *at,
                        size_t at_count)
{
    struct node_contact contact;
    enum answer answer =
        node_contact_add(to->engine, sim_clock(to), of->card, of->name, at, at_count, &contact);
    if (answer == ANSWER_CONTACT_EXISTS)
        answer = node_contact_find(to->engine, of->name, &contact);
    pump(to);
    if (!runs(to))
        return;
    SIM_CHECK(to->sim, answer == ANSWER_DONE);
    to->contacts[of->number] = contact.row.id;
}

void sim_give_card(struct sim_node *to, struct sim_node *of, bool with_address)
{
    struct address at = plug_address(of->plug);
    add_contact(to, of, &at, with_address && at.port != 0);
    if (!runs(to)) {
        sim_restart(to);
        add_contact(to, of, &at, with_address && at.port != 0);
    }
}

void sim_tell_address(struct sim_node *to, struct sim_node *of)
{
    struct address at = plug_address(of->plug);
    int64_t contact = to->contacts[of->number];
    SIM_CHECK(to->sim,
              node_contact_reach(to->engine, sim_clock(to), contact, &at, 1) == ANSWER_DONE);
    pump(to);
}

void sim_forget(struct sim_node *node, struct sim_node *whom)
{
    int64_t contact = node->contacts[whom->number];
    SIM_CHECK(node->sim,
              node_contact_remove(node->engine, sim_clock(node), contact) == ANSWER_DONE);
    pump(node);
}

void sim_introduce(struct sim_node *a, struct sim_node *b)
{
    sim_give_card(a, b, true);
    sim_give_card(b, a, true);
}

struct sim_node *sim_befriend(struct sim_node *node, const char *name)
{
    struct sim_node *friend = sim_add(node->sim, name);
    sim_introduce(node, friend);
    return friend;
}

void sim_move(struct sim_node *node, bool notices)
{
    plug_move(node->plug);
    if (notices && runs(node)) {
        node_moved(node->engine, sim_clock(node));
        node->touched = true;
        pump(node);
    }
}

/* --- misfortunes ------------------------------------------------------------------------- */

void sim_sleep(struct sim_node *node)
{
    assert(runs(node));
    node->life = LIFE_ASLEEP;
    node->fell_asleep = node->sim->now;
    node->deadline = NEVER;
    plug_pull(node->plug, true);
}

void sim_wake(struct sim_node *node, bool clock_ran)
{
    assert(node->life == LIFE_ASLEEP);
    if (!clock_ran)
        node->ahead -= (int64_t)(node->sim->now - node->fell_asleep);
    node->life = LIFE_AWAKE;
    node->deadline = node->sim->now;
    plug_pull(node->plug, false);
}

void sim_kill(struct sim_node *node)
{
    disk_crash(node->disk);
    stop(node);
}

void sim_quit(struct sim_node *node)
{
    assert(runs(node));
    node_leave(node->engine, sim_clock(node));
    pump(node);
    stop(node);
}

void sim_kill_at(struct sim_node *node, uint64_t step)
{
    disk_crash_at(node->disk, step);
}

void sim_restart(struct sim_node *node)
{
    assert(node->life == LIFE_DEAD);
    disk_start(node->disk);
    start(node);
}

void sim_back_up(struct sim_node *node)
{
    assert(node->life == LIFE_DEAD);
    disk_put_aside(node->disk);
    node->last_event_aside = node->last_event;
}

void sim_restore(struct sim_node *node)
{
    assert(node->life == LIFE_DEAD);
    disk_bring_back(node->disk);
    node->last_event = node->last_event_aside;
}

/* --- time passes ------------------------------------------------------------------------- */

static instant next_moment(const struct sim *sim)
{
    instant next = network_next(sim->network);
    for (size_t i = 0; i < sim->node_count; i++)
        next = earlier(next, sim->nodes[i]->touched ? sim->now : sim->nodes[i]->deadline);
    return later(next, sim->now);
}

static void deliver(struct sim *sim)
{
    struct arrival arrival;
    while (network_arrival(sim->network, sim->now, &arrival)) {
        struct sim_node *node = arrival.owner;
        node_receive(node->engine, sim_clock(node), &arrival.from, arrival.datagram);
        node->touched = true;
    }
}

static void work(struct sim *sim)
{
    for (size_t i = 0; i < sim->node_count; i++) {
        struct sim_node *node = sim->nodes[i];
        if (!runs(node) || (!node->touched && node->deadline > sim->now))
            continue;
        if (node->deadline <= sim->now) {
            node->wakeups++;
            node_advance(node->engine, sim_clock(node));
        }
        pump(node);
    }
}

/* One moment at which something happens; false: nothing more until then. */
static bool step(struct sim *sim, instant until, unsigned *spins)
{
    instant next = next_moment(sim);
    if (next > until)
        return false;
    *spins = next == sim->now ? *spins + 1 : 0;
    SIM_CHECK(sim, *spins < SPINS_MAX);
    sim->now = next;
    deliver(sim);
    work(sim);
    return true;
}

void sim_run(struct sim *sim, duration length)
{
    instant until = sim->now + length;
    unsigned spins = 0;
    while (step(sim, until, &spins))
        continue;
    sim->now = until;
}

static bool somebody_owes(struct sim *sim)
{
    for (size_t i = 0; i < sim->node_count; i++)
        if (runs(sim->nodes[i]) && talk_owes(sim->nodes[i]))
            return true;
    return false;
}

bool sim_run_till_delivered(struct sim *sim, duration most)
{
    instant until = sim->now + most;
    while (somebody_owes(sim)) {
        if (sim->now >= until)
            return false;
        sim_run(sim, earlier(until - sim->now, 50 * MILLISECOND));
    }
    return true;
}
