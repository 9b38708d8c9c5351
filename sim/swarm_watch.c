/* Watches whom each engine writes to, knowing nothing of how engines keep count: no address may get
   more than 4 packets from one node in any 1,120 ms. */
#include "sim/swarm_inside.h"

#include "base/mem.h"

#define WINDOW_MS 1120
#define MOST      4

static void forget_old(struct swarm *swarm, struct member *member)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < member->said_count; i++)
        if (member->said[i].at + WINDOW_MS > swarm->now)
            member->said[kept++] = member->said[i];
    member->said_count = kept;
}

static void keep(struct swarm *swarm, struct member *member, uint32_t to)
{
    if (member->said_count == member->said_room) {
        uint32_t room = member->said_room == 0 ? 8 : 2 * member->said_room;
        swarm->own_bytes += (room - member->said_room) * sizeof *member->said;
        member->said = mem_resized(member->said, room, sizeof *member->said);
        member->said_room = room;
    }
    member->said[member->said_count++] = (struct said){ to, (uint32_t)swarm->now };
}

void watch_sent(struct swarm *swarm, struct member *member, uint32_t to, size_t size)
{
    unsigned count = 0;
    forget_old(swarm, member);
    keep(swarm, member, to);
    for (uint32_t i = 0; i < member->said_count; i++)
        count += member->said[i].to == to;
    swarm->figures.too_many += count > MOST;
    if (count > swarm->figures.most_in_window)
        swarm->figures.most_in_window = count;
    swarm->figures.packets++;
    swarm->figures.bytes += size;
    if (to == swarm->victim) {
        swarm->figures.to_victim++;
        swarm->figures.to_victim_bytes += size;
    }
}

void watch_forget(struct swarm *swarm, struct member *member)
{
    swarm->own_bytes -= member->said_room * sizeof *member->said;
    mem_free(member->said);
    member->said = NULL;
    member->said_count = member->said_room = 0;
}
