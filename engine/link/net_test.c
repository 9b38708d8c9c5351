#include "engine/link/net_test.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"

struct flying {
    instant at;
    uint64_t order;
    size_t from, to;
    struct address source;
    size_t size;
    uint8_t *bytes;
};

struct address net_address(const char *text)
{
    struct address address;
    CHECK(address_parse(text, &address));
    return address;
}

static void make_person(struct net *net, size_t who, uint64_t seed)
{
    struct person *person = &net->people[who];
    memset(person, 0, sizeof *person);
    person->rng = rng_from_seed(&person->luck, seed * 100 + who);
    rng_fill(&person->rng, person->settings.secret, sizeof person->settings.secret);
    sign_pair_make(&person->account, &person->rng);
    sign_pair_make(&person->device, &person->rng);
    dh_pair_make(&person->link_key, &person->rng);
    dh_pair_make(&person->door, &person->rng);
    certificate_write(person->certificate, &person->account, &person->device,
                      person->link_key.public, LINK_ROLE_CONTACT, 19000, 30000);
    person->at = net_address("10.0.0.1:4711");
    person->at.ip[15] = (uint8_t)(who + 1);
}

/* A record is version 2, the certificate, and what this room does not read. */
static void show_record(struct person *person)
{
    uint8_t record[1 + CERTIFICATE_BYTES + NET_RECORD_REST] = { 2 };
    memcpy(record + 1, person->certificate, CERTIFICATE_BYTES);
    memset(record + 1 + CERTIFICATE_BYTES, 0xaa, NET_RECORD_REST);
    links_set_record(person->links, BYTES_OF(record));
}

static void open_links(struct person *person)
{
    person->links = links_create(&person->settings, &person->rng, NULL);
    links_set_device(person->links, &person->device);
    CHECK(links_hold(person->links, LINK_ROLE_CONTACT, &person->link_key, person->certificate) ==
          FAULT_NONE);
    CHECK(links_hold(person->links, LINK_ROLE_DOOR, &person->door, person->certificate) ==
          FAULT_NONE);
    show_record(person);
}

void net_start(struct net *net, uint64_t seed, size_t people)
{
    CHECK(crypto_start());
    memset(net, 0, sizeof *net);
    net->now = NET_START;
    net->delay = 25 * MILLISECOND;
    net->rng = rng_from_seed(&net->luck, seed);
    for (size_t i = 0; i < people; i++) {
        make_person(net, i, seed);
        open_links(&net->people[i]);
    }
}

void net_finish(struct net *net)
{
    for (size_t i = 0; i < NET_PEOPLE; i++) {
        links_destroy(net->people[i].links);
        mem_free(net->people[i].data);
    }
    for (size_t i = 0; i < net->flying_count; i++)
        mem_free(net->flying[i].bytes);
    mem_free(net->flying);
}

void net_restart(struct net *net, size_t who)
{
    links_destroy(net->people[who].links);
    open_links(&net->people[who]);
}

void net_know(struct net *net, size_t who, size_t whom)
{
    links_admit_device(net->people[who].links, net->people[whom].device.public, 0);
    links_admit_account(net->people[who].links, net->people[whom].account.public, 0);
    links_set_psks(net->people[who].links, net->people[whom].device.public,
                   net->people[who].shared[whom].psks, net->people[who].shared[whom].count);
}

void net_share(struct net *net, size_t who, size_t whom, uint8_t first, uint8_t second)
{
    struct link_psk *psks = net->people[who].shared[whom].psks;
    uint8_t numbers[LINK_PSKS] = { first, second };
    size_t count = 0;
    for (; count < LINK_PSKS && numbers[count] != 0; count++) {
        memset(psks[count].id, numbers[count], sizeof psks[count].id);
        memset(psks[count].key, numbers[count] ^ 0xff, sizeof psks[count].key);
    }
    net->people[who].shared[whom].count = count;
    net_know(net, who, whom);
}

void net_befriend(struct net *net, size_t a, size_t b)
{
    net_know(net, a, b);
    net_know(net, b, a);
}

void net_fill_dial(struct net *net, size_t from, size_t to, struct link_dial *out)
{
    const struct person *whom = &net->people[to];
    (void)from;
    memset(out, 0, sizeof *out);
    memcpy(out->theirs, whom->link_key.public, KEY_BYTES);
    memcpy(out->device, whom->device.public, KEY_BYTES);
    memcpy(out->account, whom->account.public, KEY_BYTES);
    certificate_hash(out->certificate_hash, BYTES_OF(whom->certificate));
    out->at[out->at_count++] = whom->at;
}

link_id net_dial(struct net *net, size_t from, size_t to)
{
    struct link_dial dial;
    link_id id;
    net_fill_dial(net, from, to, &dial);
    return links_dial(net->people[from].links, net->now, &dial, &id) == FAULT_NONE ? id : 0;
}

link_id net_dial_door(struct net *net, size_t from, size_t to)
{
    struct link_dial dial;
    link_id id;
    net_fill_dial(net, from, to, &dial);
    dial.role = LINK_ROLE_DOOR;
    memcpy(dial.theirs, net->people[to].door.public, KEY_BYTES);
    memset(dial.certificate_hash, 0, sizeof dial.certificate_hash);
    return links_dial(net->people[from].links, net->now, &dial, &id) == FAULT_NONE ? id : 0;
}

/* --- the air -------------------------------------------------------------------------------- */

static bool sooner(const struct flying *a, const struct flying *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct net *net, struct flying one)
{
    if (net->flying_count == net->flying_room) {
        net->flying_room = net->flying_room == 0 ? 64 : 2 * net->flying_room;
        net->flying = mem_resized(net->flying, net->flying_room, sizeof *net->flying);
    }
    size_t at = net->flying_count++;
    for (; at > 0 && sooner(&one, &net->flying[(at - 1) / 2]); at = (at - 1) / 2)
        net->flying[at] = net->flying[(at - 1) / 2];
    net->flying[at] = one;
}

static struct flying pop(struct net *net)
{
    struct flying first = net->flying[0], last = net->flying[--net->flying_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < net->flying_count; at = child) {
        if (child + 1 < net->flying_count && sooner(&net->flying[child + 1], &net->flying[child]))
            child++;
        if (!sooner(&net->flying[child], &last))
            break;
        net->flying[at] = net->flying[child];
    }
    if (net->flying_count > 0)
        net->flying[at] = last;
    return first;
}

static void fly(struct net *net, size_t from, size_t to, struct address source,
                struct bytes datagram)
{
    duration wait = net->delay;
    if (net->jitter > 0)
        wait += rng_below(&net->rng, net->jitter);
    if (net->bits_per_second > 0) {
        instant start = later(net->now, net->line_free[from]);
        duration takes = datagram.size * 8 * SECOND / net->bits_per_second;
        if ((start - net->now) / MILLISECOND * net->bits_per_second / 8000 > NET_LINE_BYTES)
            return; /* the queue before the line is full */
        net->line_free[from] = start + takes;
        wait += start + takes - net->now;
    }
    push(net, (struct flying){ .at = net->now + wait,
                               .order = net->order++,
                               .from = from,
                               .to = to,
                               .source = source,
                               .size = datagram.size,
                               .bytes = mem_copy(datagram.data, datagram.size) });
}

static size_t whose(const struct net *net, const struct address *address)
{
    for (size_t i = 0; i < NET_PEOPLE; i++)
        if (net->people[i].links != NULL && address_equal(&net->people[i].at, address))
            return i;
    return NET_PEOPLE;
}

static bool chance(struct net *net, unsigned percent)
{
    return percent > 0 && rng_below(&net->rng, 100) < percent;
}

static void send_one(struct net *net, size_t from, const struct address *to, struct bytes datagram)
{
    struct person *person = &net->people[from];
    size_t target = whose(net, to);
    person->sent_datagrams++;
    person->sent_bytes += datagram.size;
    for (size_t i = 0; i < datagram.size; i++)
        net->trace = (net->trace ^ datagram.data[i]) * 1099511628211u;
    net->trace ^= net->now;
    if (target == NET_PEOPLE || chance(net, net->loss_percent) ||
        (net->largest > 0 && datagram.size > net->largest))
        return;
    fly(net, from, target, person->at, datagram);
    if (chance(net, net->double_percent))
        fly(net, from, target, person->at, datagram);
}

static void collect_datagrams(struct net *net, size_t who)
{
    struct person *person = &net->people[who];
    struct link_batch batch;
    while (links_next_batch(person->links, net->now, &batch)) {
        size_t count = (batch.bytes.size + batch.segment - 1) / batch.segment;
        CHECK(count <= 64 && batch.bytes.size <= 65507);
        person->longest_run = count > person->longest_run ? count : person->longest_run;
        for (size_t at = 0; at < batch.bytes.size; at += batch.segment) {
            size_t left = batch.bytes.size - at;
            send_one(net, who, &batch.to,
                     (struct bytes){ batch.bytes.data + at,
                                     left < batch.segment ? left : batch.segment });
        }
    }
}

static void keep(struct person *person, struct bytes data)
{
    if (!person->keep_data)
        return;
    if (person->data == NULL)
        person->data = mem_zeroed(1, NET_DATA_MAX * 16);
    CHECK(person->data_size + data.size <= NET_DATA_MAX * 16);
    if (data.size > 0)
        memcpy(person->data + person->data_size, data.data, data.size);
    person->data_size += data.size;
}

static void collect_events(struct net *net, size_t who)
{
    struct person *person = &net->people[who];
    struct link_event event;
    static const uint8_t key[16] = { 1 };
    while (links_next_event(person->links, &event)) {
        bool data = event.kind == LINK_FRAME || event.kind == LINK_RAW ||
                    event.kind == LINK_THROWN || event.kind == LINK_RECORD;
        if (data)
            keep(person, event.data);
        if (person->event_count == NET_EVENTS)
            continue;
        person->events[person->event_count++] =
            (struct heard_event){ .kind = event.kind,
                                  .link = event.link,
                                  .reason = event.reason,
                                  .we_called = event.we_called,
                                  .trusted = event.trusted,
                                  .at = net->now,
                                  .address = event.address,
                                  .stamp = event.stamp,
                                  .certificate = event.certificate,
                                  .size = event.data.size,
                                  .digest = data ? hash_short(key, event.data) : 0 };
    }
}

static void settle(struct net *net)
{
    for (size_t i = 0; i < NET_PEOPLE; i++)
        if (net->people[i].links != NULL) {
            collect_events(net, i);
            collect_datagrams(net, i);
        }
}

void net_take_call(struct net *net, size_t from, struct net_call *out)
{
    struct link_batch batch;
    for (size_t i = 0; i < COUNT(out->sizes); i++) {
        CHECK(links_next_batch(net->people[from].links, net->now, &batch));
        CHECK(batch.bytes.size <= sizeof out->bytes[i] && batch.bytes.size == batch.segment);
        memcpy(out->bytes[i], batch.bytes.data, batch.bytes.size);
        out->sizes[i] = batch.bytes.size;
    }
}

struct bytes net_half(const struct net_call *call, size_t which)
{
    return (struct bytes){ call->bytes[which], call->sizes[which] };
}

void net_inject(struct net *net, size_t to, const struct address *from, struct bytes datagram)
{
    links_receive(net->people[to].links, net->now, from, datagram);
    settle(net);
}

static void arrive(struct net *net)
{
    struct flying one = pop(net);
    struct person *person = &net->people[one.to];
    struct bytes datagram = { one.bytes, one.size };
    if (!person->deaf && (net->gate == NULL || net->gate(net, one.from, one.to, datagram))) {
        person->got_datagrams++;
        links_receive(person->links, net->now, &one.source, datagram);
    }
    mem_free(one.bytes);
}

static instant next_moment(const struct net *net)
{
    instant next = net->flying_count > 0 ? net->flying[0].at : NEVER;
    for (size_t i = 0; i < NET_PEOPLE; i++)
        if (net->people[i].links != NULL)
            next = earlier(next, links_deadline(net->people[i].links));
    return next;
}

/* One moment: everything due at it happens, then everybody says what came of it. */
static bool step(struct net *net, instant end)
{
    instant next = next_moment(net);
    if (next > end) {
        net->now = end;
        return false;
    }
    net->now = later(net->now, next);
    while (net->flying_count > 0 && net->flying[0].at <= net->now)
        arrive(net);
    for (size_t i = 0; i < NET_PEOPLE; i++)
        if (net->people[i].links != NULL)
            links_advance(net->people[i].links, net->now);
    settle(net);
    return true;
}

void net_run(struct net *net, duration time)
{
    settle(net);
    for (instant end = net->now + time; step(net, end);)
        ;
}

size_t net_count(const struct net *net, size_t who, enum link_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < net->people[who].event_count; i++)
        count += net->people[who].events[i].kind == kind;
    return count;
}

const struct heard_event *net_last(const struct net *net, size_t who, enum link_event_kind kind)
{
    for (size_t i = net->people[who].event_count; i > 0; i--)
        if (net->people[who].events[i - 1].kind == kind)
            return &net->people[who].events[i - 1];
    return NULL;
}

bool net_until(struct net *net, size_t who, enum link_event_kind kind, size_t count, duration time)
{
    settle(net);
    for (instant end = net->now + time; net_count(net, who, kind) < count;)
        if (!step(net, end))
            return false;
    return true;
}
