/* What faces share: text made safe to show, its width on a terminal, QR codes, times as people read
   them, and "did you mean".

   Text from peers is data. Before a terminal sees it every control character, escape sequence and
   direction override is gone, so that nobody can move our cursor, forge a line of ours or turn a
   word around. Only text that went through face_clean may be printed. */
#ifndef FACE_FACE_H
#define FACE_FACE_H

#include "base/bytes.h"
#include "base/time.h"

enum face_lines {
    FACE_ONE_LINE, /* line ends become a visible mark */
    FACE_LINES,    /* line ends stay; print continued lines indented, or a peer forges ours */
};

#define FACE_MARKS_MAX                                                                             \
    8 /* combining marks on one character; more of them climb over other lines                     \
       */

/* Any bytes in, valid UTF-8 out, to be freed by mem_free. What was neutralised shows as U+FFFD.
   Clean text stays as it is. */
char *face_clean(const char *text, enum face_lines lines);
/* Columns on a terminal, by grapheme clusters (UAX 29). Clean text of one line only. */
size_t face_width(const char *clean);
/* Exactly so many columns: cut with "…", or filled up with blanks. To be freed by mem_free. */
char *face_fit(const char *clean, size_t columns);

/* May this stream be coloured? A terminal, not TERM=dumb, and NO_COLOR unset (no-color.org). */
bool face_may_colour(int descriptor);

/* A QR code in half blocks, two modules a character, with its quiet zone; lines end in newlines.
   `text` in upper case needs fewer modules. With colour it is dark on light whatever the terminal's
   own colours are, without it light modules are drawn, as dark terminals need. To be freed by
   mem_free; NULL when the text is too long for a code. */
char *face_qr(const char *text, bool colour);

#define FACE_TIME_BYTES 32
/* Local time: "18:06" today, else "22 Nov 18:06", with the year when it is another one. */
void face_time(instant when, instant now, char text[FACE_TIME_BYTES]);
/* "350 ms", "12 s", "5 min", "3 h", "2 days": one unit is enough for people. */
void face_duration(duration time, char text[FACE_TIME_BYTES]);

/* The word most like `word`, or NULL when none is near (one letter in three, swaps count once). */
const char *face_nearest(const char *word, const char *const *words, size_t count);

#endif
