/* Whatever a peer writes, what a terminal sees is UTF-8 without controls or overrides, cleaning it
   again changes nothing, and it fits any number of columns. */
#include "apps/face/face.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void check(const char *text, enum face_lines lines)
{
    char *clean = face_clean(text, lines), *again = face_clean(clean, lines);
    must(text_is_utf8(bytes_of_text(clean)));
    must(strcmp(clean, again) == 0);
    must(strchr(clean, '\x1b') == NULL && strstr(clean, "\xe2\x80\xae") == NULL);
    if (lines == FACE_ONE_LINE) {
        must(!text_has_controls(bytes_of_text(clean)));
        for (size_t columns = 0; columns < 9; columns++) {
            char *fitted = face_fit(clean, columns);
            must(face_width(fitted) == columns);
            mem_free(fitted);
        }
    }
    mem_free(clean);
    mem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_zeroed(1, size + 1);
    if (size > 0)
        memcpy(text, data, size);
    check(text, FACE_ONE_LINE);
    check(text, FACE_LINES);
    mem_free(text);
    return 0;
}
