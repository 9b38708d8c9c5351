/* Memory for secrets that live longer than one call: keys, ratchets, handshakes.

   It comes from one region that the host hands in once, locked in memory, kept out of core dumps
   and of children, with guard pages around it. Without a region, or when it is full, it comes from
   the ordinary heap: wiped all the same, but not locked. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

/* Once, before the first secret_new; the region is borrowed for the life of the process. NULL: take
   it back, which needs every secret freed. */
void secret_region(void *memory, size_t size);

void *secret_new(size_t size);  /* zeroed; never NULL */
void secret_free(void *secret); /* wipes; NULL is fine */

/* What is in use: bytes in the region, and bytes that did not fit. */
void secret_usage(size_t *locked, size_t *elsewhere);

/* Wipes the whole region, whatever lives there: the last act of a process that dies. */
void secret_wipe_all(void);

#endif
