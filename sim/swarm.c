/* Slots, packets and timers. Both wait in rings of lists, one list for each millisecond, so that
   nothing costs more when there are more nodes. */
#include "sim/swarm_inside.h"

#include "base/mem.h"

#include <assert.h>
#include <malloc.h>
#include <string.h>

#define BEGAN      (20000 * DAY)
#define SLAB_BYTES ((size_t)8 << 20)
#define LN2        0.69314718056

static const uint32_t class_bytes[LETTER_CLASSES] = { 192, 448, 1536 };

/* --- addresses --------------------------------------------------------------------------------
   Each number is an address of its own /24 (or /64), scattered over sixteen /8s that are public:
   neither blocks, voters' networks nor BEP 42 ids are crowded. Multiplying by an odd number and by
   its inverse leads there and back. */

#define SCATTER     0x9e375u
#define FIRST_OCTET 64

static uint32_t inverse_of_scatter(void)
{
    uint32_t inverse = SCATTER; /* Newton: each step doubles the bits that are right */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - SCATTER * inverse;
    return inverse;
}

struct address swarm_at(const struct swarm *swarm, uint32_t number)
{
    uint32_t place = number * SCATTER & (NUMBERS - 1);
    struct address at = { .port = (uint16_t)(1024 + number % 60000) };
    if (swarm->settings.ipv6) {
        at.ip[0] = 0x2a;
        at.ip[1] = (uint8_t)(place >> 16);
        at.ip[2] = (uint8_t)(place >> 8);
        at.ip[3] = (uint8_t)place;
        at.ip[15] = 1;
        return at;
    }
    at.ip[10] = at.ip[11] = 0xff;
    at.ip[12] = (uint8_t)(FIRST_OCTET + (place >> 16));
    at.ip[13] = (uint8_t)(place >> 8);
    at.ip[14] = (uint8_t)place;
    at.ip[15] = (uint8_t)(number * 2654435761u >> 24);
    return at;
}

/* NUMBERS: no such address. */
static uint32_t number_of(const struct swarm *swarm, const struct address *at)
{
    static uint32_t inverse;
    if (inverse == 0)
        inverse = inverse_of_scatter();
    const uint8_t *ip = at->ip;
    uint32_t place = swarm->settings.ipv6
                         ? (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3]
                         : (uint32_t)(ip[12] - FIRST_OCTET) << 16 | (uint32_t)ip[13] << 8 | ip[14];
    uint32_t number = place * inverse & (NUMBERS - 1);
    struct address there = swarm_at(swarm, number);
    return address_equal(&there, at) ? number : NUMBERS;
}

static uint32_t new_number(struct swarm *swarm, size_t slot)
{
    assert(swarm->numbers < NUMBERS);
    swarm->slots[swarm->numbers] = (uint32_t)slot;
    return swarm->numbers++;
}

/* --- packets ---------------------------------------------------------------------------------- */

static void cut_slab(struct swarm *swarm, size_t class)
{
    size_t each = sizeof(struct letter) + class_bytes[class];
    uint8_t *slab = mem_resized(NULL, 1, SLAB_BYTES);
    swarm->slabs = mem_resized(swarm->slabs, swarm->slab_count + 1, sizeof *swarm->slabs);
    swarm->slabs[swarm->slab_count++] = slab;
    swarm->own_bytes += SLAB_BYTES + sizeof *swarm->slabs;
    for (size_t at = 0; at + each <= SLAB_BYTES; at += each) {
        struct letter *letter = (struct letter *)(void *)(slab + at);
        letter->next = swarm->spare[class];
        swarm->spare[class] = letter;
    }
}

static struct letter *take_letter(struct swarm *swarm, size_t size)
{
    uint32_t class = 0;
    while (class_bytes[class] < size)
        class ++;
    assert(class < LETTER_CLASSES);
    if (swarm->spare[class] == NULL)
        cut_slab(swarm, class);
    struct letter *letter = swarm->spare[class];
    swarm->spare[class] = letter->next;
    letter->class = class;
    return letter;
}

/* From 10 ms to 1.6 s one way, half of them under 40 ms: near ones, far ones, and a slow tail. */
static uint64_t latency(struct swarm *swarm)
{
    uint64_t luck = swarm_luck(swarm, 100);
    uint64_t most = luck < 50 ? 30 : luck < 90 ? 90 : luck < 99 ? 240 : 1600;
    return 10 + swarm_luck(swarm, most);
}

void swarm_post(struct swarm *swarm, uint32_t from, uint32_t to, struct bytes bytes)
{
    if (to >= NUMBERS || swarm_luck(swarm, 1000) < swarm->settings.loss_per_mille) {
        swarm->figures.lost++;
        return;
    }
    struct letter *letter = take_letter(swarm, bytes.size);
    letter->next = NULL;
    letter->from = from;
    letter->to = to;
    letter->size = (uint32_t)bytes.size;
    memcpy(letter->bytes, bytes.data, bytes.size);
    size_t at = (swarm->now + latency(swarm)) % LATENCY_MOST;
    *swarm->post_end[at] = letter;
    swarm->post_end[at] = &letter->next;
}

/* --- timers ----------------------------------------------------------------------------------- */

static void stop_timer(struct swarm *swarm, struct member *member)
{
    if (!member->waits)
        return;
    if (member->before == NO_SLOT)
        swarm->timers[member->timer] = member->behind;
    else
        swarm->members[member->before].behind = member->behind;
    if (member->behind != NO_SLOT)
        swarm->members[member->behind].before = member->before;
    member->waits = false;
}

static void set_timer(struct swarm *swarm, struct member *member)
{
    instant due = dht_deadline(member->dht);
    uint64_t wait = TIMER_SPAN - 1;
    uint64_t ms = due < BEGAN ? 0 : (due - BEGAN + MILLISECOND - 1) / MILLISECOND;
    if (due != NEVER && ms < swarm->now + wait)
        wait = ms > swarm->now ? ms - swarm->now : 1;
    uint32_t timer = (uint32_t)((swarm->now + wait) % TIMER_SPAN);
    if (member->waits && member->timer == timer)
        return;
    stop_timer(swarm, member);
    uint32_t slot = (uint32_t)(member - swarm->members);
    member->timer = timer;
    member->before = NO_SLOT;
    member->behind = swarm->timers[timer];
    if (member->behind != NO_SLOT)
        swarm->members[member->behind].before = slot;
    swarm->timers[timer] = slot;
    member->waits = true;
}

static void introduce(struct swarm *swarm, size_t slot);

/* --- what engines say ------------------------------------------------------------------------- */

static void note_item(struct swarm_result *result, const struct item *item)
{
    result->items++;
    result->seq = item->seq;
    result->wanted = bytes_equal(result->value, item->value);
}

static void note(struct swarm_result *result, const struct dht_event *event)
{
    if (event->kind == DHT_ITEM)
        note_item(result, event->item);
    for (size_t i = 0; event->kind == DHT_PEERS && i < event->count; i++) {
        result->peers++;
        result->wanted = result->wanted || address_equal(&event->peers[i], &result->peer);
    }
    if (event->kind == DHT_NODES)
        result->nodes = (unsigned)event->count;
    if (event->kind == DHT_STORED) {
        result->stored_told = true;
        result->stored = event->stored;
    }
    if (event->kind == DHT_ENDED) {
        result->ended = true;
        result->cost = event->cost;
    }
}

static void hear_event(struct member *member, const struct dht_event *event)
{
    for (struct result_link **at = &member->results; *at != NULL; at = &(*at)->next) {
        struct result_link *link = *at;
        if (link->op != event->op)
            continue;
        note(link->result, event);
        if (link->result->ended) {
            *at = link->next;
            mem_free(link);
        }
        return;
    }
}

static void pull(struct swarm *swarm, struct member *member)
{
    struct dht_datagram out;
    struct dht_event event;
    bool nobody = false;
    while (dht_next_datagram(member->dht, swarm_now(swarm), &out)) {
        uint32_t to = number_of(swarm, &out.to);
        watch_sent(swarm, member, to, out.bytes.size);
        swarm_post(swarm, member->number, to, out.bytes);
    }
    while (dht_next_event(member->dht, &event)) {
        nobody |= event.kind == DHT_NOBODY;
        hear_event(member, &event);
    }
    if (nobody) { /* then whoever runs it asks at the doors again */
        introduce(swarm, (size_t)(member - swarm->members));
        pull(swarm, member);
    }
    set_timer(swarm, member);
}

bool swarm_begin(struct swarm *swarm, size_t slot, const struct dht_request *request,
                 struct swarm_result *result)
{
    struct member *member = &swarm->members[slot];
    struct result_link *link = mem_zeroed(1, sizeof *link);
    link->result = result;
    link->next = member->results;
    member->results = link;
    if (dht_begin(member->dht, swarm_now(swarm), request, &link->op) != FAULT_NONE) {
        member->results = link->next;
        mem_free(link);
        return false;
    }
    pull(swarm, member);
    return true;
}

/* --- nodes ------------------------------------------------------------------------------------ */

size_t swarm_anybody(struct swarm *swarm)
{
    for (;;) {
        size_t slot = swarm_luck(swarm, swarm->honest);
        if (swarm->members[slot].dht != NULL && !swarm->members[slot].silent)
            return slot;
    }
}

/* Somebody who is there; hostile as often as nodes are. */
static size_t known_slot(struct swarm *swarm)
{
    if (swarm->settings.entry > 0)
        return swarm_luck(swarm, swarm->settings.entry);
    for (;;) {
        size_t slot = swarm_luck(swarm, swarm->settings.nodes);
        if (slot < swarm->honest)
            slot = swarm_luck(swarm, swarm->started);
        if (swarm->members[slot].dht != NULL || swarm->members[slot].hostile)
            return slot;
    }
}

static void introduce(struct swarm *swarm, size_t slot)
{
    struct address known[SWARM_KNOWN];
    size_t count = 0;
    for (size_t i = 0; i < SWARM_KNOWN; i++) {
        size_t other = known_slot(swarm);
        if (other != slot)
            known[count++] = swarm_address(swarm, other);
    }
    dht_try(swarm->members[slot].dht, swarm_now(swarm), DHT_FROM_PEOPLE, known, count);
}

void swarm_kill(struct swarm *swarm, size_t slot)
{
    struct member *member = &swarm->members[slot];
    stop_timer(swarm, member);
    dht_destroy(member->dht);
    member->dht = NULL;
    swarm->slots[member->number] = NO_SLOT;
    swarm->figures.left++;
    watch_forget(swarm, member);
    while (member->results != NULL) {
        struct result_link *link = member->results;
        member->results = link->next;
        link->result->ended = link->result->node_gone = true;
        mem_free(link);
    }
}

/* An id that fits the address is drawn once others have said what the address is. */
static void make_engine(struct swarm *swarm, size_t slot)
{
    struct dht_settings settings = { .no_ipv4 = swarm->settings.ipv6,
                                     .no_ipv6 = !swarm->settings.ipv6 };
    struct member *member = &swarm->members[slot];
    member->number = new_number(swarm, slot);
    member->dht = dht_create(&settings, swarm_now(swarm), &swarm->rng, NULL);
}

void swarm_revive(struct swarm *swarm, size_t slot, struct bytes saved)
{
    make_engine(swarm, slot);
    if (saved.size == 0) {
        introduce(swarm, slot);
    } else {
        enum fault fault = dht_restore(swarm->members[slot].dht, swarm_now(swarm), saved);
        assert(fault == FAULT_NONE);
        (void)fault;
    }
    pull(swarm, &swarm->members[slot]);
}

void swarm_move(struct swarm *swarm, size_t slot)
{
    struct member *member = &swarm->members[slot];
    swarm->slots[member->number] = NO_SLOT;
    member->number = new_number(swarm, slot);
    dht_moved(member->dht, swarm_now(swarm));
    pull(swarm, member);
}

void swarm_silence(struct swarm *swarm, unsigned percent)
{
    for (size_t slot = 0; slot < swarm->honest; slot++)
        swarm->members[slot].silent = swarm_luck(swarm, 100) < percent;
}

void swarm_split(struct swarm *swarm, bool apart)
{
    swarm->apart = apart;
}

struct dht *swarm_dht(struct swarm *swarm, size_t slot)
{
    return swarm->members[slot].dht;
}

struct address swarm_address(const struct swarm *swarm, size_t slot)
{
    return swarm_at(swarm, swarm->members[slot].number);
}

/* --- time ------------------------------------------------------------------------------------- */

instant swarm_now(const struct swarm *swarm)
{
    return BEGAN + swarm->now * MILLISECOND;
}

uint64_t swarm_luck(struct swarm *swarm, uint64_t bound)
{
    return rng_below(&swarm->rng, bound);
}

struct rng *swarm_rng(struct swarm *swarm)
{
    return &swarm->rng;
}

static bool is_question(struct bytes bytes)
{
    return bytes.size > 7 && memcmp(bytes.data + bytes.size - 7, "1:y1:qe", 7) == 0;
}

static void deliver(struct swarm *swarm, const struct letter *letter)
{
    uint32_t slot = letter->to < swarm->numbers ? swarm->slots[letter->to] : NO_SLOT;
    struct bytes bytes = { letter->bytes, letter->size };
    if (slot == NO_SLOT)
        return;
    struct member *member = &swarm->members[slot];
    uint32_t other = letter->from < swarm->numbers ? swarm->slots[letter->from] : NO_SLOT;
    if (swarm->apart && other != NO_SLOT && (other ^ slot) & 1)
        return;
    swarm->figures.arrived++;
    if (member->hostile) {
        hostile_hear(swarm, member, letter->from, bytes);
        return;
    }
    if (member->dht == NULL || (member->silent && is_question(bytes)) ||
        (member->kind != SPEAKS_ALL && swarm_stops_items(swarm, member, letter->from, bytes)))
        return;
    struct address from = swarm_at(swarm, letter->from);
    dht_receive(member->dht, swarm_now(swarm), &from, bytes);
    pull(swarm, member);
}

static void deliver_all(struct swarm *swarm)
{
    size_t at = swarm->now % LATENCY_MOST;
    struct letter *letter = swarm->post[at];
    swarm->post[at] = NULL;
    swarm->post_end[at] = &swarm->post[at];
    while (letter != NULL) {
        struct letter *next = letter->next;
        deliver(swarm, letter);
        letter->next = swarm->spare[letter->class];
        swarm->spare[letter->class] = letter;
        letter = next;
    }
}

static void advance_due(struct swarm *swarm)
{
    uint32_t *first = &swarm->timers[swarm->now % TIMER_SPAN];
    while (*first != NO_SLOT) {
        struct member *member = &swarm->members[*first];
        stop_timer(swarm, member);
        dht_advance(member->dht, swarm_now(swarm));
        pull(swarm, member);
    }
}

static void start_some(struct swarm *swarm)
{
    uint64_t span = swarm->settings.arrival / MILLISECOND;
    size_t due =
        span == 0 || swarm->now >= span ? swarm->honest : swarm->honest * (swarm->now + 1) / span;
    while (swarm->started < due) {
        size_t slot = swarm->started++;
        swarm->members[slot].kind = SPEAKS_ALL;
        if (swarm->settings.some_without_items && slot % 3 == 2)
            swarm->members[slot].kind = slot % 2 == 0 ? REFUSES_ITEMS : SILENT_ON_ITEMS;
        make_engine(swarm, slot);
        introduce(swarm, slot);
        pull(swarm, &swarm->members[slot]);
    }
}

/* Sessions without memory: how long one has lasted says nothing about its end. */
static void somebody_leaves(struct swarm *swarm)
{
    if (swarm->settings.median_session == 0 || swarm->started < swarm->honest)
        return;
    double per_ms =
        (double)swarm->honest * LN2 * (double)MILLISECOND / (double)swarm->settings.median_session;
    while (per_ms > 0 && (double)swarm_luck(swarm, 1u << 30) < per_ms * (1u << 30)) {
        size_t slot = swarm_luck(swarm, swarm->honest);
        if (swarm->members[slot].dht != NULL) {
            swarm_kill(swarm, slot);
            swarm_revive(swarm, slot, (struct bytes){ 0 });
        }
        per_ms -= 1;
    }
}

void swarm_run(struct swarm *swarm, duration length)
{
    for (uint64_t end = swarm->now + length / MILLISECOND; swarm->now < end;) {
        swarm->now++;
        start_some(swarm);
        somebody_leaves(swarm);
        deliver_all(swarm);
        advance_due(swarm);
        hostile_act(swarm);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static size_t heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

struct swarm *swarm_create(const struct swarm_settings *settings)
{
    struct swarm *swarm = mem_zeroed(1, sizeof *swarm);
    swarm->settings = *settings;
    swarm->rng = rng_from_seed(&swarm->luck, settings->seed);
    swarm->members = mem_zeroed(settings->nodes, sizeof *swarm->members);
    swarm->slots = mem_zeroed(NUMBERS, sizeof *swarm->slots);
    swarm->honest = settings->nodes - settings->hostile;
    memset(swarm->timers, 0xff, sizeof swarm->timers);
    for (size_t i = 0; i < LATENCY_MOST; i++)
        swarm->post_end[i] = &swarm->post[i];
    swarm->victim = new_number(swarm, NO_SLOT);
    for (size_t slot = swarm->honest; slot < settings->nodes; slot++) {
        swarm->members[slot].hostile = true;
        swarm->members[slot].number = new_number(swarm, slot);
    }
    hostile_start(swarm);
    swarm->heap_before = heap();
    swarm->own_bytes = 0;
    swarm->members[0].kind = SPEAKS_ALL; /* it has nobody to know */
    make_engine(swarm, 0);
    swarm->started = 1;
    pull(swarm, &swarm->members[0]);
    return swarm;
}

void swarm_destroy(struct swarm *swarm)
{
    for (size_t slot = 0; slot < swarm->honest; slot++)
        if (swarm->members[slot].dht != NULL)
            swarm_kill(swarm, slot);
    for (size_t i = 0; i < swarm->slab_count; i++)
        mem_free(swarm->slabs[i]);
    hostile_finish(swarm);
    mem_free(swarm->slabs);
    mem_free(swarm->slots);
    mem_free(swarm->members);
    mem_free(swarm);
}

void swarm_figures(const struct swarm *swarm, struct swarm_figures *out)
{
    *out = swarm->figures;
    for (size_t slot = 0; slot < swarm->honest; slot++)
        out->engines += swarm->members[slot].dht != NULL;
    size_t used = heap(), spent = swarm->heap_before + swarm->own_bytes;
    out->memory = used > spent ? used - spent : 0;
}
