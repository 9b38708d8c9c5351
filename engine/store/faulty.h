/* A VFS for tests: the system's files, whose operations can be made to fail one by one. */
#ifndef STORE_FAULTY_H
#define STORE_FAULTY_H

#include <stdint.h>

#define FAULTY_VFS "faulty" /* for store_place.vfs, once registered */

enum faulty_operation {
    FAULTY_READ,
    FAULTY_WRITE,
    FAULTY_SYNC,
    FAULTY_TRUNCATE,
    FAULTY_OPERATIONS
};

void faulty_register(void);
/* From the `after`-th operation of that kind on (0: the next), each answers `result`. */
void faulty_fail(enum faulty_operation operation, uint64_t after, int result);
void faulty_heal(void);
uint64_t faulty_count(enum faulty_operation operation); /* so far, failed ones too */

#endif
