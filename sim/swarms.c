/* Tells of swarms: sim_swarm [--nodes N] [--seed S] [NAME...] */
#include "sim/scenario_swarm.h"

#include "engine/crypto/key.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NODES_LEAST 200
#define NODES_MOST  200000 /* addresses there are bound it: swarm.c */

static const struct {
    const char *name;
    void (*tell)(const struct swarm_story *story);
} stories[] = {
    { "from-one", scenario_swarm_from_one }, { "ipv6", scenario_swarm_ipv6 },
    { "moves", scenario_swarm_moves },       { "splits", scenario_swarm_splits },
    { "idles", scenario_swarm_idles },       { "survives", scenario_swarm_survives },
    { "honest", scenario_swarm_honest },     { "grows", scenario_swarm_grows },
};

void swarm_wrong(const char *claim, const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    exit(1);
}

void swarm_await(struct swarm *swarm, const struct swarm_result *result, duration most)
{
    for (duration passed = 0; passed < most && !result->ended; passed += 10 * MILLISECOND)
        swarm_run(swarm, 10 * MILLISECOND);
}

static void tell(size_t number, const struct swarm_story *story)
{
    clock_t began = clock();
    stories[number].tell(story);
    printf("ok - swarm %s\n# seed %llu, %.2f s of CPU\n", stories[number].name,
           (unsigned long long)story->seed, (double)(clock() - began) / CLOCKS_PER_SEC);
    fflush(stdout);
}

static bool is_story(const char *name)
{
    for (size_t i = 0; i < COUNT(stories); i++)
        if (strcmp(stories[i].name, name) == 0)
            return true;
    return false;
}

int main(int count, char **words)
{
    struct swarm_story story = { .nodes = 2000, .seed = 1 };
    const char *wanted = NULL;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--nodes") == 0 && i + 1 < count)
            story.nodes = strtoul(words[++i], NULL, 10);
        else if (strcmp(words[i], "--seed") == 0 && i + 1 < count)
            story.seed = strtoull(words[++i], NULL, 10);
        else if (wanted == NULL && is_story(words[i]))
            wanted = words[i];
        else
            story.nodes = 0;
    }
    if (story.nodes < NODES_LEAST || story.nodes > NODES_MOST || !crypto_start()) {
        fputs("usage: sim_swarm [--nodes N] [--seed S] [NAME]\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < COUNT(stories); i++)
        if (wanted == NULL || strcmp(stories[i].name, wanted) == 0)
            tell(i, &story);
    return 0;
}
