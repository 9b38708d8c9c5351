/* The card: what one person gives another so that they can meet. Version 1, account key, and a card
   secret: 49 bytes, shown as 89 characters of bech32m under the prefix "rmg", or as
   "ramage:rmg1...".

   An invitation is its sister for one guest: the same bytes under the prefix "rmgi", with a secret
   that is used once.

   From the secret every holder computes one X25519 pair, the door. An address plus a card can be
   dialled there; who holds no card cannot even make the device answer. The pair is no secret among
   holders: the door only lets in, it proves nothing. */
#ifndef CRYPTO_CARD_H
#define CRYPTO_CARD_H

#include "engine/crypto/key.h"

#define CARD_SECRET_BYTES 16
#define CARD_BYTES        49
#define CARD_TEXT_CHARS   89
#define CARD_PREFIX       "rmg"
#define CARD_LINK_SCHEME  "ramage:"

struct card {
    uint8_t account[KEY_BYTES];
    uint8_t secret[CARD_SECRET_BYTES];
};

void card_write(char text[CARD_TEXT_CHARS + 1], const struct card *card);
/* Accepts either case as a whole, and the link form. FAULT_PEER: one of the reasons of
   bech32m_read, an unknown version, a wrong length, or a refused account key. */
enum fault card_read(struct card *out, const char *text);
/* The same of an invitation. Neither is read as the other. */
#define INVITATION_PREFIX     "rmgi"
#define INVITATION_TEXT_CHARS 90
void invitation_write(char text[INVITATION_TEXT_CHARS + 1], const struct card *invitation);
enum fault invitation_read(struct card *out, const char *text);
void card_door(struct dh_pair *out, const struct card *card);
/* The short form, 63 characters: version 1 and the account key. For comparing, never for dialling.
 */
#define CARD_SHORT_CHARS 63
void card_write_short(char text[CARD_SHORT_CHARS + 1], const uint8_t account[KEY_BYTES]);

#endif
