/* Small files, read and written whole: what homes and single files share. */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include "host/host.h"

enum host_trouble file_trouble(int error); /* of an errno */
/* As host_home_read and host_home_write, in an open folder. */
enum host_trouble file_read_in(int folder, const char *name, void *out, size_t most, size_t *size);
enum host_trouble file_write_in(int folder, const char *name, struct bytes data);

#endif
