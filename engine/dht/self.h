/* What others see of us: our address by a quorum of those we asked, and whether anybody reaches us
   who was not spoken to before. */
#ifndef DHT_SELF_H
#define DHT_SELF_H

#include "engine/dht/id.h"

#define SELF_QUORUM 4 /* distinct networks: /16 of IPv4, /32 of IPv6 */

struct self;
struct self *self_create(bool always_read_only, instant now);
void self_destroy(struct self *self);
/* `voter` answered a query of ours and says we are at `seen`. True: the quorum's opinion changed.
 */
bool self_vote(struct self *self, instant now, const struct address *voter,
               const struct address *seen);
/* port 0: no quorum. */
struct address self_address(const struct self *self, bool ipv6);
/* Most see other ports than the one in that address: a router on the way gives each connection a
   port of its own, so nobody else can be told where to call. */
bool self_ports_change(const struct self *self, bool ipv6);
/* Somebody we had not written to asked us: we can be reached. */
void self_reached(struct self *self, instant now);
/* We begin as reachable, on trial for 15 minutes from the first answer on; without proof we are
   read-only, and try again for 5 minutes in every hour. */
void self_answered(struct self *self, instant now);
bool self_read_only(const struct self *self, instant now);
void self_moved(struct self *self, instant now); /* everything is to be found out again */

#endif
