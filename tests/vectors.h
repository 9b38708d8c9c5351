/* What the readers of published vectors share: fields in hex, and a tally of what was judged. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include "base/bytes.h"

#include <jansson.h>

#define FIELD_MAX_BYTES (1 << 15)

struct tally {
    const char *file;
    size_t passed, failed;
    size_t skipped; /* cases that ask for what we do not have, such as a salt inside BLAKE2b */
};

/* One case: `good` or not; of a bad one `what` and `detail` are printed. */
void judge(struct tally *tally, bool good, const char *what, const char *detail);

struct field {
    uint8_t data[FIELD_MAX_BYTES];
    size_t size;
};
#define VIEW(field) ((struct bytes){ (field).data, (field).size })

/* A member that is missing is empty; one that is not hex, or too long, ends the program. */
struct bytes unhexed(struct field *field, const char *hex);
struct bytes hex_of(struct field *field, const json_t *object, const char *name);
const char *text_of(const json_t *object, const char *name);
size_t number_of(const json_t *object, const char *name);
_Noreturn void die(const char *why, const char *what);

/* In Wycheproof's files: groups of tests, each with a result and flags. */
typedef void vector_run(struct tally *tally, const json_t *test, const json_t *group);
void each_in_groups(struct tally *tally, const json_t *file, vector_run *run);
bool is_valid(const json_t *test);
bool has_flag(const json_t *test, const char *name);

/* A topic is a function that judges every case of one parsed file; one that is no JSON comes as a
   string. */
typedef void topic_run(struct tally *tally, const json_t *file);
topic_run run_noise;
topic_run run_x25519, run_x25519_strict;
topic_run run_ed25519, run_ed25519_points, run_ed25519_edge;
topic_run run_chacha, run_xchacha, run_aes_gcm, run_quic, run_quic_rfc9001;
topic_run run_blake2b, run_hmac_blake2b, run_hkdf_blake2b, run_argon2id;
topic_run run_hmac_sha256, run_hmac_sha512, run_hkdf_sha256, run_hkdf_sha512;
topic_run run_bech32m, run_bip350;
topic_run run_session_start, run_session_ratchet;
topic_run run_padme;
topic_run run_bep42, run_bep44;
topic_run run_keccak, run_keccak_boundaries, run_xwing;
topic_run run_acvp_keygen, run_acvp_kem;
topic_run run_kem, run_kem_keygen, run_kem_encaps, run_kem_expanded;
topic_run run_kem_accumulated, run_kem_bad_modulus, run_kem_strcmp;
topic_run run_kem_steps, run_kem_keygen_steps;

#endif
