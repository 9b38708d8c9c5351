/* Text made safe to show. */
#include "apps/face/face.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

#define MARK       "\xef\xbf\xbd" /* U+FFFD: something was here */
#define MARK_BYTES 3

/* Each can move text that others wrote: UAX 9, and line ends by another name. */
static bool is_treacherous(utf8proc_int32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || /* bidi */
           c == 0x2028 || c == 0x2029 ||                                   /* line ends */
           (c >= 0xfff9 && c <= 0xfffb) ||                                 /* annotations */
           (c >= 0xe0000 && c <= 0xe0fff) ||                               /* invisible letters */
           c == 0xfeff || c == 0x2060 || c == 0x00ad || (c >= 0x206a && c <= 0x206f);
}

static bool is_mark(utf8proc_category_t category)
{
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
           category == UTF8PROC_CATEGORY_ME;
}

/* May this character stay as it is? `marks` counts those in a row. */
static bool may_stay(utf8proc_int32_t c, enum face_lines lines, size_t *marks)
{
    if (c == '\n')
        return lines == FACE_LINES;
    utf8proc_category_t category = utf8proc_category(c);
    *marks = is_mark(category) ? *marks + 1 : 0;
    return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CS &&
           category != UTF8PROC_CATEGORY_CN && !is_treacherous(c) && *marks <= FACE_MARKS_MAX;
}

char *face_clean(const char *text, enum face_lines lines)
{
    size_t size = strlen(text), length = 0, marks = 0;
    char *out = mem_zeroed(1, size * MARK_BYTES + 1); /* each byte becomes one mark at most */
    for (size_t at = 0; at < size;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(size - at), &c);
        if (step > 0 && c == '\t') {
            out[length++] = ' ';
        } else if (step > 0 && may_stay(c, lines, &marks)) {
            memcpy(out + length, text + at, (size_t)step);
            length += (size_t)step;
        } else {
            memcpy(out + length, MARK, MARK_BYTES);
            length += MARK_BYTES;
        }
        at += step > 0 ? (size_t)step : 1;
    }
    return out;
}

/* What one cluster takes: its widest member; two for flags and for what asks to be shown as emoji.
 */
static size_t cluster_width(const char *cluster, size_t size)
{
    size_t width = 0, flags = 0;
    for (size_t at = 0; at < size;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)cluster + at,
                                                 (utf8proc_ssize_t)(size - at), &c);
        if (step <= 0)
            return 1;
        size_t one = (size_t)utf8proc_charwidth(c);
        width = one > width ? one : width;
        flags += c >= 0x1f1e6 && c <= 0x1f1ff;
        if (c == 0xfe0f || flags == 2)
            width = 2;
        at += (size_t)step;
    }
    return width;
}

/* Bytes of the cluster at the start of the text; 0 at its end. */
static size_t cluster_size(const char *text)
{
    size_t size = strlen(text), at = 0;
    utf8proc_int32_t before = 0, c, state = 0;
    while (at < size) {
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(size - at), &c);
        if (step <= 0)
            return at > 0 ? at : 1;
        if (at > 0 && utf8proc_grapheme_break_stateful(before, c, &state))
            break;
        before = c;
        at += (size_t)step;
    }
    return at;
}

size_t face_width(const char *clean)
{
    size_t width = 0;
    for (size_t size; (size = cluster_size(clean)) > 0; clean += size)
        width += cluster_width(clean, size);
    return width;
}

char *face_fit(const char *clean, size_t columns)
{
    size_t width = face_width(clean), used = 0, length = 0;
    size_t most = width > columns && columns > 0 ? columns - 1 : columns;
    char *out = mem_zeroed(1, strlen(clean) + columns + 4);
    for (size_t size; (size = cluster_size(clean + length)) > 0; length += size) {
        size_t one = cluster_width(clean + length, size);
        if (used + one > most)
            break;
        used += one;
    }
    memcpy(out, clean, length);
    if (width > columns && columns > 0) {
        memcpy(out + length, "…", strlen("…"));
        length += strlen("…");
        used++;
    }
    memset(out + length, ' ', columns - used);
    return out;
}
