#include "base/text.h"

#include <strings.h>

/* How many bytes follow, and the range of the first of them: that one range rules out overlong
   forms, surrogates and what lies above U+10FFFF (RFC 3629, section 4). */
static bool lead_byte(uint8_t lead, size_t *following, uint8_t *least, uint8_t *most)
{
    *least = 0x80, *most = 0xbf;
    if (lead >= 0x01 && lead <= 0x7f) {
        *following = 0;
        return true;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        *following = 1;
        return true;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *following = 2;
        *least = lead == 0xe0 ? 0xa0 : 0x80;
        *most = lead == 0xed ? 0x9f : 0xbf;
        return true;
    }
    *following = 3;
    *least = lead == 0xf0 ? 0x90 : 0x80;
    *most = lead == 0xf4 ? 0x8f : 0xbf;
    return lead >= 0xf0 && lead <= 0xf4;
}

bool text_is_utf8(struct bytes text)
{
    size_t following = 0;
    uint8_t least = 0, most = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (following == 0) {
            if (!lead_byte(byte, &following, &least, &most))
                return false;
            continue;
        }
        if (byte < least || byte > most)
            return false;
        least = 0x80, most = 0xbf;
        following--;
    }
    return following == 0;
}

bool text_has_controls(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
        /* C1 is U+0080 to U+009F: the byte pairs c2 80 to c2 9f. */
        if (text.data[i] == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0)
            return true;
    }
    return false;
}

bool text_equal_without_case(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0; /* the engine never sets a locale: ASCII letters only */
}
