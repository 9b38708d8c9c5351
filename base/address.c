#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t ipv4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool address_equal(const struct address *a, const struct address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool address_is_ipv4(const struct address *address)
{
    return memcmp(address->ip, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

static bool parse_port(const char *text, uint16_t *out)
{
    uint32_t port = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 5; digits++)
        port = port * 10 + (uint32_t)(text[digits] - '0');
    if (digits == 0 || text[digits] != '\0' || text[0] == '0' || port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

bool address_parse(const char *text, struct address *out)
{
    char host[INET6_ADDRSTRLEN];
    struct address parsed = { { 0 }, 0 };
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !parse_port(colon + 1, &parsed.port))
        return false;
    size_t size = (size_t)(colon - text);
    bool bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed)
        text++, size -= 2;
    if (size >= sizeof host)
        return false;
    memcpy(host, text, size);
    host[size] = '\0';
    if (bracketed ? inet_pton(AF_INET6, host, parsed.ip) != 1
                  : inet_pton(AF_INET, host, parsed.ip + sizeof ipv4_prefix) != 1)
        return false;
    if (!bracketed)
        memcpy(parsed.ip, ipv4_prefix, sizeof ipv4_prefix);
    *out = parsed;
    return true;
}

void address_print(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN];
    bool ipv4 = address_is_ipv4(address);
    inet_ntop(ipv4 ? AF_INET : AF_INET6, address->ip + (ipv4 ? sizeof ipv4_prefix : 0), host,
              sizeof host);
    snprintf(text, ADDRESS_TEXT_BYTES, ipv4 ? "%s:%u" : "[%s]:%u", host, (unsigned)address->port);
}
