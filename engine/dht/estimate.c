/* Counting a network by its closest nodes: n nodes spread by luck have their k-th closest to a
   random place at about k / n of the space, so each search that ends measures n. */
#include "engine/dht/estimate.h"

#define SAMPLE_MOST 1e12 /* more than there are addresses: a liar's, or all too close */
#define LEAST_NODES 8    /* a sample is made of at least so many */
#define CROWD_LEAST 4    /* fewer are never a crowd */
#define LUCK        1e-6 /* a place as crowded as that is no luck */

/* --- the size --------------------------------------------------------------------------------- */

/* k - 1/3 over the distance of the k-th: as often too high as too low, since the median counts. Its
   spread is 1 / sqrt(k - 2). */
static double sample_of(const struct dht_id *target, const struct dht_node *closest, size_t count)
{
    double distance = id_distance(target, &closest[count - 1].id);
    double sample = distance > 0 ? ((double)count - 1.0 / 3) / distance : SAMPLE_MOST;
    return sample < SAMPLE_MOST ? sample : SAMPLE_MOST;
}

/* Our own place is looked at again and again: it has one say, the newest. */
static void keep(struct estimate *estimate, uint32_t place, double sample)
{
    for (size_t i = 0; i < estimate->count; i++)
        if (estimate->places[i] == place) {
            estimate->samples[i] = (float)sample;
            return;
        }
    estimate->places[estimate->next] = place;
    estimate->samples[estimate->next] = (float)sample;
    estimate->next = (uint8_t)((estimate->next + 1) % ESTIMATE_SAMPLES);
    if (estimate->count < ESTIMATE_SAMPLES)
        estimate->count++;
}

static uint32_t place_of(const struct dht_id *id)
{
    return (uint32_t)id->bytes[0] << 24 | (uint32_t)id->bytes[1] << 16 |
           (uint32_t)id->bytes[2] << 8 | id->bytes[3];
}

/* Who crowds a place must live there, and cannot be everywhere. If wherever we look is crowded,
   what we took for the size was measured before we knew the network, and we begin again. */
static void doubt_sample(struct estimate *estimate, uint32_t place, double sample)
{
    for (size_t i = 0; i < estimate->crowded; i++)
        if (estimate->doubted[i].place == place)
            return;
    estimate->doubted[estimate->crowded].place = place;
    estimate->doubted[estimate->crowded].sample = (float)sample;
    if (++estimate->crowded < ESTIMATE_GROWN)
        return;
    struct estimate old = *estimate;
    *estimate = (struct estimate){ .count = 0 };
    for (size_t i = 0; i < ESTIMATE_GROWN; i++)
        keep(estimate, old.doubted[i].place, (double)old.doubted[i].sample);
}

void estimate_learn(struct estimate *estimate, const struct dht_id *target,
                    const struct dht_node *closest, size_t count)
{
    if (count > ESTIMATE_NODES)
        count = ESTIMATE_NODES;
    if (count < LEAST_NODES)
        return;
    double sample = sample_of(target, closest, count);
    if (estimate_crowded(estimate, target, closest, count)) {
        doubt_sample(estimate, place_of(target), sample);
        return;
    }
    estimate->crowded = 0;
    keep(estimate, place_of(target), sample);
}

/* The median: a few places where somebody lied do not move it. */
double estimate_nodes(const struct estimate *estimate)
{
    double sorted[ESTIMATE_SAMPLES];
    if (estimate->count == 0)
        return 0;
    for (size_t i = 0; i < estimate->count; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > (double)estimate->samples[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = (double)estimate->samples[i];
    }
    size_t middle = estimate->count / 2;
    return estimate->count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double estimate_reach(const struct estimate *estimate, unsigned rank)
{
    double nodes = estimate_nodes(estimate);
    return nodes > rank ? rank / nodes : 1;
}

/* --- crowded places --------------------------------------------------------------------------- */

/* The chance that a Poisson number of this mean, below `least`, is `least` or more: the share of
   the terms mean^i / i! from there on. They fall fast, and nothing is lost in a difference. */
static double chance_of(double mean, size_t least)
{
    double term = 1, all = 1, tail = 0;
    for (size_t i = 1; i <= least || term > tail * 1e-6; i++) {
        term *= mean / (double)i;
        all += term;
        tail += i >= least ? term : 0;
    }
    return tail / all;
}

/* How much larger than estimated the network may be: e^(5 * 0.42 / sqrt(n)), since the median of
   n samples of eight nodes errs by about 0.42 / sqrt(n), and five times that is left to luck. */
static double doubt(const struct estimate *estimate)
{
    static const double by_samples[ESTIMATE_SAMPLES] = { 8.17, 4.41, 3.36, 2.86, 2.56, 2.36,
                                                         2.21, 2.10, 2.01, 1.94, 1.88, 1.83,
                                                         1.79, 1.75, 1.72, 1.69 };
    return by_samples[estimate->count - 1];
}

bool estimate_crowded(const struct estimate *estimate, const struct dht_id *target,
                      const struct dht_node *closest, size_t count)
{
    double nodes = estimate_nodes(estimate);
    if (nodes == 0)
        return false;
    nodes *= doubt(estimate);
    for (size_t i = CROWD_LEAST; i <= count && i <= ESTIMATE_NODES; i++) {
        double expected = nodes * id_distance(target, &closest[i - 1].id);
        if (expected < (double)i && chance_of(expected, i) < LUCK / ESTIMATE_NODES)
            return true;
    }
    return false;
}
