/* The filters of BEP 33: 2,048 bits, two for each address, so that crowds can be counted together
   without being named. */
#ifndef DHT_BLOOM_H
#define DHT_BLOOM_H

#include "base/address.h"

#define BLOOM_BYTES 256

void bloom_add(uint8_t bloom[BLOOM_BYTES], const struct address *at); /* its port does not count */

#endif
