/* Bech32m (BIP 350): text that survives typing, with a checksum that finds any four wrong
 * characters. */
#ifndef CRYPTO_BECH32M_H
#define CRYPTO_BECH32M_H

#include "base/bytes.h"

#define BECH32M_TEXT_MAX 90 /* characters, without the final NUL: BIP 173 */

/* False: the text would be too long or the prefix is not 1 to 83 lower-case printable characters.
   `text` holds BECH32M_TEXT_MAX + 1. */
bool bech32m_write(char *text, const char *prefix, struct bytes data);
/* Strict: one case, known characters, right checksum, right prefix, zero pad bits of less than
   five. Data goes to `out` (room for `most`), its length to *size. */
bool bech32m_read(uint8_t *out, size_t most, size_t *size, const char *prefix, const char *text);

#endif
