/* What a person may type as an address: what we can read we print, and that reads as the same. */
#include "base/address.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256], again[ADDRESS_TEXT_BYTES];
    struct address first, second;
    if (size >= sizeof text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (!address_parse(text, &first))
        return 0;
    address_print(&first, again);
    assert(address_parse(again, &second) && address_equal(&first, &second));
    return 0;
}
