/* People: what they say, what they are shown, and what they hold us to. */
#include "sim/world.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* --- saying ------------------------------------------------------------------------------ */

void sim_say(struct sim_node *from, struct sim_node *to, const char *text)
{
    SIM_CHECK(from->sim, from->contacts[to->number] != 0);
    if (from->said_count == from->said_room) {
        from->said_room = 2 * from->said_room + 16;
        from->said = mem_resized(from->said, from->said_room, sizeof *from->said);
    }
    from->said[from->said_count++] = (struct said){ .to = to, .text = mem_text(text) };
    from->touched = from->life == LIFE_AWAKE;
}

/* The key lets a client repeat itself after a crash: it gets the first answer again. */
static enum answer ask(struct sim_node *node, size_t i, struct store_message *out)
{
    struct said *said = &node->said[i];
    char key[64];
    snprintf(key, sizeof key, "%s-%zu", node->name, i);
    return node_message_send(node->engine, sim_clock(node), node->contacts[said->to->number],
                             bytes_of_text(said->text), key, out);
}

void talk_ask(struct sim_node *node)
{
    struct store_message message;
    while (node->asked < node->said_count) {
        enum answer answer = ask(node, node->asked, &message);
        if (answer == ANSWER_DISK)
            return;
        SIM_CHECK(node->sim, answer == ANSWER_DONE);
        node->said[node->asked++].row = message.row;
    }
}

static struct bytes row_key(const int64_t *row)
{
    return (struct bytes){ (const uint8_t *)row, sizeof *row };
}

void talk_told(struct sim_node *node)
{
    for (; node->told < node->asked; node->told++) {
        bool fresh = map_put(node->said_by_row, row_key(&node->said[node->told].row),
                             (void *)(uintptr_t)(node->told + 1));
        SIM_CHECK(node->sim, fresh); /* two answers must not name one message */
    }
}

void talk_forget_asking(struct sim_node *node)
{
    node->asked = node->told;
}

static struct said *said_last(const struct sim_node *node, const char *text)
{
    for (size_t i = node->told; i-- > 0;)
        if (strcmp(node->said[i].text, text) == 0)
            return &node->said[i];
    return NULL;
}

bool sim_why(struct sim_node *from, const char *text, struct node_why *out)
{
    const struct said *said = said_last(from, text);
    return said != NULL && from->engine != NULL &&
           node_why(from->engine, sim_clock(from), said->row, out) == ANSWER_DONE;
}

bool sim_knows_delivered(struct sim_node *from, const char *text)
{
    const struct said *said = said_last(from, text);
    struct store_message message;
    return said != NULL && from->engine != NULL &&
           node_message_get(from->engine, said->row, &message) == ANSWER_DONE &&
           message.state == MESSAGE_DELIVERED;
}

bool talk_owes(struct sim_node *node)
{
    struct node_status status;
    return node->asked < node->said_count ||
           (node_status(node->engine, &status) == ANSWER_DONE && status.owed > 0);
}

/* --- hearing ----------------------------------------------------------------------------- */

static char *text_of(const struct store_message *message)
{
    char *text = mem_zeroed(message->text.size + 1, 1);
    memcpy(text, message->text.data, message->text.size);
    return text;
}

static const struct sim_node *friend_of(const struct sim_node *node, int64_t contact)
{
    for (size_t i = 0; i < node->sim->node_count; i++)
        if (node->contacts[i] == contact)
            return node->sim->nodes[i];
    return NULL;
}

static void show(struct sim_node *node, const struct store_message *message)
{
    struct sim *sim = node->sim;
    const struct sim_node *from = friend_of(node, message->contact);
    SIM_CHECK(sim, from != NULL && !message->ours);
    /* The heart of it: nothing is shown twice, whatever was unplugged or killed. */
    SIM_CHECK(sim, map_put(node->shown_ids, BYTES_OF(message->id), node));
    if (node->shown_count == node->shown_room) {
        node->shown_room = 2 * node->shown_room + 16;
        node->shown = mem_resized(node->shown, node->shown_room, sizeof *node->shown);
    }
    struct shown *shown = &node->shown[node->shown_count++];
    shown->from = from;
    shown->text = text_of(message);
}

/* States never lie: each is told once, and none is taken back. */
static void note_state(struct sim_node *node, const struct store_event *event)
{
    size_t found = (size_t)(uintptr_t)map_get(node->said_by_row, row_key(&event->message));
    if (found == 0)
        return; /* settled in a crash and not answered yet */
    struct said *said = &node->said[found - 1];
    /* What was sealed for a session that is lost is written again, and nothing else goes back. */
    bool unsealed = event->detail == MESSAGE_WRITTEN && said->state == MESSAGE_SEALED;
    SIM_CHECK(node->sim, unsealed || event->detail > (int64_t)said->state);
    said->state = (enum message_state)event->detail;
}

static void read_event(struct sim_node *node, const struct store_event *event)
{
    struct store_message message;
    SIM_CHECK(node->sim, event->seq == node->last_event + 1);
    node->last_event = event->seq;
    if (event->kind == EVENT_MESSAGE_STATE)
        note_state(node, event);
    if (event->kind != EVENT_MESSAGE_RECEIVED)
        return;
    SIM_CHECK(node->sim, node_message_get(node->engine, event->message, &message) == ANSWER_DONE);
    show(node, &message);
}

void talk_listen(struct sim_node *node)
{
    struct node_event told;
    struct store_event event;
    while (node_next_event(node->engine, sim_clock(node), &told))
        if (told.event.seq == node->last_event + 1)
            read_event(node, &told.event);
    /* What came while he was away, or was told to nobody before a crash. */
    while (node_trouble(node->engine) == STORE_FINE &&
           node_event_after(node->engine, node->last_event, &event) == ANSWER_DONE)
        read_event(node, &event);
}

size_t sim_heard(const struct sim_node *node, const char *text)
{
    size_t times = 0;
    for (size_t i = 0; i < node->shown_count; i++)
        times += strcmp(node->shown[i].text, text) == 0;
    return times;
}

size_t sim_heard_count(const struct sim_node *node)
{
    return node->shown_count;
}

void talk_finish(struct sim_node *node)
{
    for (size_t i = 0; i < node->said_count; i++)
        mem_free(node->said[i].text);
    for (size_t i = 0; i < node->shown_count; i++)
        mem_free(node->shown[i].text);
    mem_free(node->said);
    mem_free(node->shown);
    map_destroy(node->said_by_row);
    map_destroy(node->shown_ids);
}

/* --- what they hold us to ---------------------------------------------------------------- */

static void check_shown_as_said(struct sim_node *from, struct sim_node *to)
{
    struct sim *sim = from->sim;
    size_t at = 0;
    for (size_t i = 0; i < from->said_count; i++) {
        if (from->said[i].to != to)
            continue;
        while (at < to->shown_count && to->shown[at].from != from)
            at++;
        SIM_CHECK(sim, at < to->shown_count);
        SIM_CHECK(sim, strcmp(to->shown[at].text, from->said[i].text) == 0);
        SIM_CHECK(sim, from->said[i].state == MESSAGE_DELIVERED);
        at++;
    }
    while (at < to->shown_count)
        SIM_CHECK(sim, to->shown[at++].from != from);
}

static bool step_in(struct sim_node *node, const struct sim_node *with, struct store_message *at,
                    bool first)
{
    struct store_place_in place = { .height = first ? 0 : at->height };
    if (!first)
        memcpy(place.id, at->id, sizeof place.id);
    return node_message_step(node->engine, node->contacts[with->number], first ? NULL : &place,
                             false, false, at) == ANSWER_DONE;
}

static void check_same_conversation(struct sim_node *a, struct sim_node *b)
{
    struct sim *sim = a->sim;
    struct store_message here, there;
    bool more = step_in(a, b, &here, true), more_there = step_in(b, a, &there, true);
    for (; more && more_there;
         more = step_in(a, b, &here, false), more_there = step_in(b, a, &there, false)) {
        SIM_CHECK(sim, memcmp(here.id, there.id, sizeof here.id) == 0);
        SIM_CHECK(sim, here.height == there.height && here.ours != there.ours);
        SIM_CHECK(sim, bytes_equal(here.text, there.text));
        SIM_CHECK(sim, here.state == MESSAGE_DELIVERED && there.state == MESSAGE_DELIVERED);
    }
    SIM_CHECK(sim, !more && !more_there);
}

void sim_check_talk(struct sim_node *a, struct sim_node *b)
{
    SIM_CHECK(a->sim, a->life == LIFE_AWAKE && b->life == LIFE_AWAKE);
    SIM_CHECK(a->sim, a->told == a->said_count && b->told == b->said_count);
    check_shown_as_said(a, b);
    check_shown_as_said(b, a);
    check_same_conversation(a, b);
}
