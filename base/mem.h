/* Memory that is either there or the program stops: everything we hold has a stated maximum, so
   running out means the machine is failing and no answer of ours would help. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_zeroed(size_t count, size_t size);             /* freed by mem_free; never NULL */
void *mem_resized(void *old, size_t count, size_t size); /* new part is not cleared */
void *mem_copy(const void *data, size_t size);           /* never NULL, also for size 0 */
char *mem_text(const char *text);
void mem_free(void *memory); /* NULL is fine */

/* Clears a secret in a way no compiler may leave out. */
void wipe(void *memory, size_t size);
/* Clears what calls that have returned left on the stack below us: libraries copy keys about. */
void wipe_stack(void);

#endif
