/* SQLite's memory, wiped when it is given back. Private to engine/store. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

/* Before SQLite is used for the first time in this process; later, and a second time, it does
   nothing. Pages, keys and texts then do not stay behind in memory that SQLite has freed. */
void memory_wipe_what_is_freed(void);

#endif
