/* The file `config` of a home: what concerns this machine and nobody else. It may be absent.

       # lines of comment
       listen = 0.0.0.0:4711
       listen = [::]:4711
       dht.bootstrap = 192.0.2.7:6881
       dht.router = router.example.org:6881

   Keys known:
       listen         an address and port to listen on, up to DAEMON_LISTEN_MAX times; --listen on
                      the command line replaces them all
       dht            `on`, as without this line, or `off`: no DHT at all
       dht.bootstrap  a node to begin with, up to CONFIG_BOOTSTRAP_MAX times
       dht.router     the name of a public entry point, in the place of those compiled in, up to
                      CONFIG_ROUTERS_MAX times; or once `none`
       dht.read-only  `yes`: ask, never serve; or `no`
   Anything else is an error: a setting that is misspelt must not be passed over in silence. Nothing
   about people stands here: that belongs into the encrypted store. */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "apps/daemon/daemon.h"

#define CONFIG_FILE          "config"
#define CONFIG_MAX_BYTES     4096
#define CONFIG_BOOTSTRAP_MAX DAEMON_BOOTSTRAP_MAX
#define CONFIG_ROUTERS_MAX   8
#define CONFIG_NAME_MAX      120 /* of a router: what fits a line of the file */

struct config_router {
    char name[CONFIG_NAME_MAX + 1]; /* of a host: letters, digits, dots and hyphens */
    uint16_t port;
};

struct config {
    struct address listen[DAEMON_LISTEN_MAX];
    size_t listen_count;
    bool dht_off, dht_read_only, nearby_off;
    struct address bootstrap[CONFIG_BOOTSTRAP_MAX];
    size_t bootstrap_count;
    struct config_router routers[CONFIG_ROUTERS_MAX];
    size_t router_count;
    bool has_routers; /* even if none: those compiled in are not meant */
};

/* 0, or the number of the first line that does not read; *out is then empty. At most
   CONFIG_MAX_BYTES. */
size_t config_read(struct config *out, struct bytes text);

#endif
