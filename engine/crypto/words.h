/* A code of four words that one person says to another, and what is computed from it. There are two
   lists of 1024 words, so a code has 40 bits; all four words of one are of one language.

   The words have 4 to 8 letters, a to z. The first four letters of a word begin no other, in either
   list: who has typed those has said which word it is, and in which language. In one list no two
   sound the same. French words are spelt without accents, and read with them.

   40 bits are few. Against guessing online, a code is the password of a PAKE (cpace.h). Against
   guessing beforehand, it is stretched under a salt that changes every hour: one guess takes
   0.075 s and 64 MiB (measured, one core of an AMD EPYC), and there are 2^40 codes to every salt
   and language. All of them take 2600 core years, half of them on the average, and serve for one
   hour only. The salts are no secret: who has so much to spend may begin before the hour does. */
#ifndef CRYPTO_WORDS_H
#define CRYPTO_WORDS_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/rng.h"

#define WORDS_COUNT       4 /* words of one code */
#define WORDS_LIST        1024
#define WORDS_LETTERS_MAX 8
#define WORDS_START       4 /* letters that are enough to name a word */
#define WORDS_TEXT_MAX    (WORDS_COUNT * WORDS_LETTERS_MAX + WORDS_COUNT - 1) /* without the NUL */
#define WORDS_KEY_BYTES   64

enum words_language { WORDS_ENGLISH, WORDS_FRENCH, WORDS_LANGUAGES };

/* A new code: each word the place of one in its list, 0 to WORDS_LIST - 1. */
void words_pick(uint16_t out[WORDS_COUNT], struct rng *rng);
const char *words_word(enum words_language language, uint16_t index); /* static */

/* The word that these letters are, or begin if they are at least WORDS_START. In any case, and with
   the accents of French in UTF-8 (one character each, not two). False: there is none, and nothing
   is written. */
bool words_find(const char *word, size_t size, enum words_language *language, uint16_t *index);
/* The words of a list that begin so, in their order: at most `most`, which are static. `start` is
   read as words_find does, and may be empty. Returns how many were written. */
size_t words_complete(enum words_language language, const char *start, const char **out,
                      size_t most);

/* Reads what a person typed: four words with blanks or hyphens between them, each as words_find
   takes it. FAULT_PEER: *wrong is the number, from 0, of the first word that is in no list, or in
   another than those before it; WORDS_COUNT if one is too many; how many there are if that is too
   few. Nothing else is written then. */
enum fault words_read(const char *text, enum words_language *language, uint16_t out[WORDS_COUNT],
                      size_t *wrong);
/* The one canonical text: whole words, joined by hyphens. */
void words_write(char out[WORDS_TEXT_MAX + 1], enum words_language language,
                 const uint16_t code[WORDS_COUNT]);

/* What both people make of the code: Argon2id (RFC 9106). `hour` is the number of whole hours since
   1970. False: the machine has not the memory. Takes long, and is pure, so a host can run it beside
   its loop. */
bool words_stretch(uint8_t out[WORDS_KEY_BYTES], enum words_language language,
                   const uint16_t code[WORDS_COUNT], uint64_t hour);

#endif
