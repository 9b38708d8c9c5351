/* Text as people write it: UTF-8, strictly (RFC 3629). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"

/* Well-formed, shortest forms only, no surrogates, nothing above U+10FFFF, and no NUL, so that it
   may stand in a C string. Empty is fine. */
bool text_is_utf8(struct bytes text);
/* True when the text holds a control character (C0, DEL or C1). Only for text that is UTF-8. */
bool text_has_controls(struct bytes text);
/* Compares without the case of ASCII letters; other letters must be the same. */
bool text_equal_without_case(const char *a, const char *b);

#endif
