#include "engine/crypto/safety.h"

#include "engine/crypto/hash.h"

#include <stdio.h>
#include <string.h>

#define GROUPS       12
#define GROUP_BYTES  5 /* 40 bits for 5 digits: nearly every one is as likely as the others */
#define GROUP_DIGITS 5

void safety_number(char out[SAFETY_DIGITS + 1], const uint8_t one[KEY_BYTES],
                   const uint8_t other[KEY_BYTES])
{
    uint8_t hash[HASH_MAX_BYTES];
    bool ordered = memcmp(one, other, KEY_BYTES) < 0;
    struct bytes parts[] = { { ordered ? one : other, KEY_BYTES },
                             { ordered ? other : one, KEY_BYTES } };
    hash_parts(hash, sizeof hash, (struct bytes){ 0 }, "ramage/safety/v1", parts, COUNT(parts));
    for (size_t i = 0; i < GROUPS; i++) {
        uint64_t group = 0;
        for (size_t j = 0; j < GROUP_BYTES; j++)
            group = group << 8 | hash[i * GROUP_BYTES + j];
        snprintf(out + i * GROUP_DIGITS, GROUP_DIGITS + 1, "%05u", (unsigned)(group % 100000));
    }
}

bool safety_matches(const char *typed, const char number[SAFETY_DIGITS + 1])
{
    size_t at = 0;
    for (; *typed != '\0'; typed++) {
        if (*typed == ' ' || *typed == '-' || *typed == '\t' || *typed == '\n')
            continue;
        if (at == SAFETY_DIGITS || *typed != number[at])
            return false;
        at++;
    }
    return at == SAFETY_DIGITS;
}
