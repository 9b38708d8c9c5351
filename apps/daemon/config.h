/* The file `config` of a home: what concerns this machine and nobody else. It may be absent.

       # lines of comment
       listen = 0.0.0.0:4711
       listen = [::]:4711

   Keys known: `listen`, an address and port to listen on, up to DAEMON_LISTEN_MAX times; --listen
   on the command line replaces them all. Anything else is an error: a setting that is misspelt must
   not be passed over in silence. Nothing about people stands here: that belongs into the encrypted
   store. */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "apps/daemon/daemon.h"

#define CONFIG_FILE      "config"
#define CONFIG_MAX_BYTES 4096

struct config {
    struct address listen[DAEMON_LISTEN_MAX];
    size_t listen_count;
};

/* 0, or the number of the first line that does not read; *out is then empty. At most
   CONFIG_MAX_BYTES. */
size_t config_read(struct config *out, struct bytes text);

#endif
