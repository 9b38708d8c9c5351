/* Chores: who is to be checked, where is to be searched, and how often. */
#include "engine/dht/table_inside.h"

#define CHECK_AFTER (6 * MINUTE)  /* of silence */
#define CHECK_ALL   (8 * MINUTE)  /* if the pace allows all have their turn in time */
#define CHECK_AGAIN (30 * SECOND) /* after a check; doubles with each failure */
#define PACE_LEAST  (5 * SECOND)  /* from chore to chore */
#define PACE_MOST   (15 * SECOND)
#define PACE_COMING (1 * SECOND) /* while we know few, and are told of more */

#define NEIGHBOURS_FIRST (1 * MINUTE) /* until we look around ourselves again; doubles up to */
#define NEIGHBOURS_LAST  (20 * MINUTE)
#define NEIGHBOURS       3          /* last buckets, which that search is for */
#define SEARCH_AFTER     (1 * HOUR) /* in a bucket that has room and saw nobody new */

void table_hurry(struct table *table, instant now)
{
    duration pace = table_live(table) < TABLE_FEW ? PACE_COMING : PACE_LEAST;
    table->deadline = earlier(table->deadline, later(now, after(table->chore, pace)));
}

void table_look_around(struct table *table, instant at)
{
    table->neighbours_pause = NEIGHBOURS_FIRST;
    table->neighbours = after(at, NEIGHBOURS_FIRST);
    table->deadline = earlier(table->deadline, table->neighbours);
}

/* The second in which its check is due. Who answered is checked before he is doubtful, who did not
   more and more rarely, replacements where a place is to be had. */
static uint32_t check_due(const struct entry *entry, bool live, bool wanted, uint32_t second)
{
    uint32_t asked = second - (uint16_t)(second - entry->asked);
    uint32_t again = asked + (uint32_t)((CHECK_AGAIN << entry->fails) / SECOND);
    uint32_t quiet = entry->heard + (live && entry->fails == 0 ? CHECK_AFTER / SECOND : 0);
    if (!live && (!wanted || entry_is_fresh(entry, second)))
        return UINT32_MAX;
    return again > quiet ? again : quiet;
}

static bool has_failing(const struct table *table, const struct bucket *bucket)
{
    for (size_t at = 0; at < bucket->live; at++)
        if (entry_at(table, bucket, at)->fails > 0)
            return true;
    return false;
}

/* Whose check has been due for longest, or will be first, and when: UINT32_MAX if nobody's. */
static struct entry *next_check(const struct table *table, uint32_t second, uint32_t *due)
{
    struct entry *first = NULL;
    *due = UINT32_MAX;
    for (size_t i = 0; i < table->depth; i++) {
        const struct bucket *bucket = &table->buckets[i];
        bool wanted =
            bucket->spare > 0 && (bucket_has_room(table, bucket) || has_failing(table, bucket));
        for (size_t at = 0; at < entries_of(bucket); at++) {
            struct entry *entry = entry_at(table, bucket, at);
            uint32_t its = check_due(entry, at < bucket->live, wanted, second);
            if (its < *due) {
                first = entry;
                *due = its;
            }
        }
    }
    return first;
}

/* A bucket nobody came to for long although it has room; the last ones are our neighbourhood. */
static struct bucket *due_search(const struct table *table, instant now)
{
    for (size_t i = 0; i + NEIGHBOURS < table->depth; i++) {
        struct bucket *bucket = &table->buckets[i];
        if (bucket_has_room(table, bucket) &&
            second_of(now) - bucket->changed >= SEARCH_AFTER / SECOND)
            return bucket;
    }
    return NULL;
}

static bool chore_search(struct table *table, instant now, struct table_chore *out)
{
    if (table->neighbours <= now) {
        table->neighbours_pause = earlier(2 * table->neighbours_pause, NEIGHBOURS_LAST);
        table->neighbours = now + table->neighbours_pause;
        *out = (struct table_chore){ .search = true, .target = table->self };
        return true;
    }
    struct bucket *bucket = due_search(table, now);
    if (bucket == NULL)
        return false;
    bucket->changed = second_of(now);
    *out = (struct table_chore){ .search = true };
    id_near(&out->target, &table->self, (unsigned)(bucket - table->buckets), table->rng);
    return true;
}

static duration pace_of(struct table *table)
{
    size_t live = table_live(table);
    duration pace =
        live < TABLE_FEW ? PACE_COMING : earlier(later(CHECK_ALL / live, PACE_LEAST), PACE_MOST);
    return pace + rng_below(table->rng, pace / 4);
}

/* Nothing is due: sleep until something is. */
static void sleep_until(struct table *table, instant now, uint32_t due)
{
    instant next = earlier(table->neighbours, after(now, SEARCH_AFTER));
    if (due != UINT32_MAX)
        next = earlier(next, due * SECOND);
    table->deadline = later(table->deadline, next);
}

bool table_chore(struct table *table, instant now, struct table_chore *out)
{
    uint32_t due;
    if (table->deadline > now)
        return false;
    table->chore = now;
    table->deadline = now + pace_of(table);
    if (chore_search(table, now, out))
        return true;
    struct entry *entry = next_check(table, second_of(now), &due);
    if (due > second_of(now)) {
        sleep_until(table, now, due);
        return false;
    }
    entry->asked = (uint16_t)second_of(now);
    *out = (struct table_chore){ .node = { entry->id, entry_address(table, entry) } };
    return true;
}

instant table_deadline(const struct table *table)
{
    return table->deadline;
}
