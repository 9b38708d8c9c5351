/* Whose datagram it is: one socket carries the DHT and links. A message of the DHT is a dictionary,
   so it begins with `d` and the length of its first key; connection ids of ours never begin with a
   digit (engine/link/wire.h), so no datagram of a link looks so. */
#include "engine/node/inside.h"

bool route_is_of_dht(struct bytes datagram)
{
    return datagram.size >= 2 && datagram.data[0] == 'd' && datagram.data[1] >= '0' &&
           datagram.data[1] <= '9';
}
