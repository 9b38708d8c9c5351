/* A UDP address as it travels between rooms: IPv6 form, IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
   The engine compares and stores it; only the host turns it into a socket address. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/bytes.h"

struct address {
    uint8_t ip[16];
    uint16_t port; /* host order; 0: no address */
};

#define ADDRESS_WIRE_BYTES 18 /* ip, then port */
#define ADDRESS_TEXT_BYTES 56 /* "[...]:65535" with its NUL */

bool address_equal(const struct address *a, const struct address *b);
bool address_is_ipv4(const struct address *address);
/* "192.0.2.1:4711" or "[2001:db8::1]:4711". No names: nothing here may ask a resolver. */
bool address_parse(const char *text, struct address *out);
void address_print(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

#endif
