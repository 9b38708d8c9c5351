/* QR codes for terminals. */
#include "apps/face/face.h"

#include <qrencode.h>
#include <string.h>

#include "base/mem.h"

#define QUIET 4 /* light modules around a code: ISO/IEC 18004, 6.3.8 */

static bool is_dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1) != 0;
}

static char *append(char *at, const char *text)
{
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

static char *draw(const QRcode *code, bool colour)
{
    static const char *const blocks[] = { " ", "▄", "▀", "█" }; /* bit 1: upper, bit 0: lower */
    const char *start = colour ? "\x1b[30;107m" : "", *end = colour ? "\x1b[0m\n" : "\n";
    size_t lines = (size_t)(code->width + 2 * QUIET + 1) / 2;
    size_t line = (size_t)(code->width + 2 * QUIET) * 3 + strlen(start) + strlen(end);
    char *out = mem_zeroed(lines, line + 1), *at = out;
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        at = append(at, start);
        for (int x = -QUIET; x < code->width + QUIET; x++) {
            unsigned dark = (is_dark(code, x, y) ? 2u : 0u) | (is_dark(code, x, y + 1) ? 1u : 0u);
            at = append(at, blocks[colour ? dark : 3 - dark]);
        }
        at = append(at, end);
    }
    return out;
}

char *face_qr(const char *text, bool colour)
{
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
    if (code == NULL)
        return NULL;
    char *out = draw(code, colour);
    QRcode_free(code);
    return out;
}
