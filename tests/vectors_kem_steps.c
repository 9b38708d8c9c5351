/* Every value on the way through key generation, encapsulation and decapsulation, from the
   community's vectors: where a result is wrong, this says from which step on. */
#include "base/mem.h"
#include "engine/crypto/keccak.h"
#include "tests/vectors_kem.h"

#include <stdlib.h>
#include <string.h>

#define K         POLY_RANK
#define U_BITS    10
#define V_BITS    4
#define V_AT      (K * POLY_BYTES(U_BITS))
#define STEPS_MAX 40

/* --- values of ours against values of theirs -------------------------------------------------- */

static void judge_text(struct tally *tally, const char *name, const char *theirs, struct bytes ours)
{
    struct field field;
    judge(tally, theirs != NULL && bytes_equal(unhexed(&field, theirs), ours), "differs:", name);
}

static void judge_polys(struct tally *tally, const char *name, const char *theirs,
                        const struct poly *polys, size_t count)
{
    uint8_t encoded[K * K * POLY_BYTES(12)];
    for (size_t i = 0; i < count; i++)
        poly_encode(encoded + i * POLY_BYTES(12), &polys[i]);
    judge_text(tally, name, theirs, (struct bytes){ encoded, count * POLY_BYTES(12) });
}

static void judge_numbers(struct tally *tally, const char *name, const char *theirs,
                          const uint16_t ours[POLY_COEFFICIENTS])
{
    bool same = theirs != NULL && theirs[0] == '{';
    for (size_t i = 0; same && i < POLY_COEFFICIENTS; i++) {
        char *end;
        same = strtoul(theirs + 1, &end, 10) == ours[i] && end != theirs + 1;
        theirs = end; /* a comma, or the closing brace */
    }
    judge(tally, same && theirs[0] == '}', "differs:", name);
}

/* --- key generation --------------------------------------------------------------------------- */

static void hash_g(uint8_t out[64], struct bytes a, struct bytes b)
{
    uint8_t in[64];
    struct cursor text = cursor_into(in, sizeof in);
    cursor_put_bytes(&text, a);
    cursor_put_bytes(&text, b);
    sha3_512(out, cursor_written(&text));
}

static void sample_noise(struct poly *out, size_t count, const uint8_t seed[32], uint8_t first)
{
    for (size_t i = 0; i < count; i++)
        poly_sample_noise(&out[i], seed, (uint8_t)(first + i));
}

static void transform(struct poly *polys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        poly_ntt(&polys[i]);
}

static void judge_noise(struct tally *tally, const json_t *file, const uint8_t sigma[32])
{
    struct poly s[K], e[K];
    sample_noise(s, K, sigma, 0);
    sample_noise(e, K, sigma, K);
    judge_polys(tally, "s", text_of(file, "s"), s, K);
    judge_polys(tally, "e", text_of(file, "e"), e, K);
    transform(s, K);
    transform(e, K);
    judge_polys(tally, "s_hat", text_of(file, "s_hat"), s, K);
    judge_polys(tally, "e_hat", text_of(file, "e_hat"), e, K);
}

static void judge_matrix(struct tally *tally, const json_t *rows, const struct poly *matrix)
{
    for (size_t i = 0; i < K; i++)
        judge_polys(tally, "A_hat_rows", json_string_value(json_array_get(rows, i)), matrix + i * K,
                    K);
}

void run_kem_keygen_steps(struct tally *tally, const json_t *file)
{
    static const uint8_t rank = K;
    struct field seed, z, public, expanded;
    struct mlkem_key key;
    uint8_t halves[64], own[MLKEM_PUBLIC_BYTES];
    hex_of(&seed, file, "d");
    hash_g(halves, VIEW(seed), (struct bytes){ &rank, 1 });
    judge_text(tally, "rho", text_of(file, "rho"), (struct bytes){ halves, 32 });
    judge_text(tally, "sigma", text_of(file, "sigma"), (struct bytes){ halves + 32, 32 });
    judge_noise(tally, file, halves + 32);
    hex_of(&z, file, "z");
    memcpy(seed.data + seed.size, z.data, z.size);
    seed.size += z.size;
    mlkem_expand(&key, own, seed.data);
    judge_matrix(tally, json_object_get(file, "A_hat_rows"), key.open.matrix);
    judge_polys(tally, "t_hat", text_of(file, "t_hat"), key.open.t, K);
    judge(tally,
          kem_seed_gives(VIEW(seed), hex_of(&public, file, "ek"), hex_of(&expanded, file, "dk")),
          "differs:", "ek or dk");
}

/* --- encapsulation and decapsulation ---------------------------------------------------------- */

/* Lines of `name = value`. Two of the names come twice, so a step is asked for by its turn too. */
struct steps {
    struct tally *tally;
    char *text;
    struct {
        const char *name, *value;
    } all[STEPS_MAX];
    size_t count;
};

static void steps_read(struct steps *out, struct tally *tally, const char *text)
{
    char *rest, *line;
    *out = (struct steps){ .tally = tally, .text = mem_text(text) };
    rest = out->text;
    while ((line = strsep(&rest, "\n")) != NULL && out->count < STEPS_MAX) {
        char *equals = strstr(line, " = ");
        if (line[0] == '#' || equals == NULL)
            continue;
        *equals = '\0';
        out->all[out->count].name = line;
        out->all[out->count++].value = equals + 3;
    }
}

static const char *step_at(const struct steps *steps, const char *name, int turn)
{
    for (size_t i = 0; i < steps->count; i++)
        if (strcmp(steps->all[i].name, name) == 0 && turn-- == 0)
            return steps->all[i].value;
    return NULL;
}

static const char *step(const struct steps *steps, const char *name)
{
    return step_at(steps, name, 0);
}

static struct bytes step_bytes(struct field *field, const struct steps *steps, const char *name)
{
    const char *text = step(steps, name);
    return unhexed(field, text == NULL ? "" : text);
}

static void judge_step(const struct steps *steps, const char *name, const struct poly *polys,
                       size_t count)
{
    judge_polys(steps->tally, name, step(steps, name), polys, count);
}

/* The coefficients themselves, for some upstream has their bytes too, and what compression makes of
   them. */
static void judge_numbers_of(const struct steps *steps, const char *plain, const char *compressed,
                             const struct poly *poly, unsigned bits)
{
    uint8_t packed[POLY_BYTES(12)];
    uint16_t numbers[POLY_COEFFICIENTS];
    struct poly canonical;
    poly_encode(packed, poly);
    poly_decode(&canonical, packed);
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        numbers[i] = (uint16_t)canonical.at[i];
    const char *theirs = step(steps, plain),
               *bytes = theirs == NULL ? NULL : strstr(theirs, "} = ");
    judge_numbers(steps->tally, plain, theirs, numbers);
    if (bytes != NULL)
        judge_text(steps->tally, plain, bytes + 4, (struct bytes){ packed, POLY_BYTES(12) });
    poly_compress(packed, poly, bits);
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++) {
        size_t bit = i * bits;
        uint32_t both = packed[bit / 8] | (uint32_t)packed[bit / 8 + 1] << 8;
        numbers[i] = (uint16_t)(both >> bit % 8 & ((1U << bits) - 1));
    }
    judge_numbers(steps->tally, compressed, step(steps, compressed), numbers);
}

static void judge_u(const struct steps *steps, const struct mlkem_open *open,
                    const struct poly y[K], const struct poly e1[K])
{
    struct poly u[K];
    uint8_t c1[V_AT];
    for (size_t i = 0; i < K; i++) {
        poly_dot(&u[i], open->matrix + i, K, y);
        poly_ntt_inverse(&u[i]);
        poly_add(&u[i], &e1[i]);
        poly_compress(c1 + i * POLY_BYTES(U_BITS), &u[i], U_BITS);
    }
    judge_step(steps, "u", u, K);
    judge_numbers_of(steps, "u[0]", "compress(u[0])", &u[0], U_BITS);
    judge_text(steps->tally, "c1", step(steps, "c1"), BYTES_OF(c1));
}

static void judge_v(const struct steps *steps, const struct mlkem_open *open,
                    const struct poly y[K], const struct poly *e2, const uint8_t m[32])
{
    struct poly v, message;
    uint8_t c2[POLY_BYTES(V_BITS)];
    poly_decompress(&message, m, 1);
    judge_step(steps, "μ", &message, 1);
    poly_dot(&v, open->t, 1, y);
    poly_ntt_inverse(&v);
    poly_add(&v, e2);
    poly_add(&v, &message);
    judge_numbers_of(steps, "v", "compress(v)", &v, V_BITS);
    poly_compress(c2, &v, V_BITS);
    judge_text(steps->tally, "c2", step(steps, "c2"), BYTES_OF(c2));
}

static void judge_transposed(const struct steps *steps, const struct poly *matrix)
{
    struct poly transposed[K * K];
    for (size_t i = 0; i < K * K; i++)
        transposed[i] = matrix[i % K * K + i / K];
    judge_step(steps, "A^T", transposed, K * K);
}

static void judge_encryption(const struct steps *steps, const struct mlkem_open *open,
                             const uint8_t m[32])
{
    struct poly y[K], e1[K], e2;
    uint8_t halves[64];
    hash_g(halves, (struct bytes){ m, 32 }, BYTES_OF(open->hash));
    judge_text(steps->tally, "K", step(steps, "K"), (struct bytes){ halves, 32 });
    judge_text(steps->tally, "r", step(steps, "r"), (struct bytes){ halves + 32, 32 });
    judge_transposed(steps, open->matrix);
    sample_noise(y, K, halves + 32, 0);
    sample_noise(e1, K, halves + 32, K);
    sample_noise(&e2, 1, halves + 32, 2 * K);
    judge_polys(steps->tally, "the second r", step_at(steps, "r", 1), y, K);
    judge_step(steps, "e1", e1, K);
    judge_step(steps, "e2", &e2, 1);
    transform(y, K);
    judge_step(steps, "NTT(r)", y, K);
    judge_u(steps, open, y, e1);
    judge_v(steps, open, y, &e2, m);
}

static void judge_decryption(const struct steps *steps, const struct mlkem_key *key,
                             const uint8_t cipher[MLKEM_CIPHER_BYTES])
{
    struct poly u[K], v, mask;
    for (size_t i = 0; i < K; i++)
        poly_decompress(&u[i], cipher + i * POLY_BYTES(U_BITS), U_BITS);
    judge_step(steps, "uᵈ", u, K);
    transform(u, K);
    judge_step(steps, "NTT(uᵈ)", u, K);
    poly_decompress(&v, cipher + V_AT, V_BITS);
    judge_step(steps, "vᵈ", &v, 1);
    poly_dot(&mask, key->secret, 1, u);
    poly_ntt_inverse(&mask);
    poly_subtract(&v, &mask);
    judge_step(steps, "w", &v, 1);
}

static void judge_rejection(const struct steps *steps, const struct mlkem_key *key,
                            struct bytes cipher)
{
    struct shake shake;
    uint8_t secret[32];
    shake256_start(&shake);
    shake_feed(&shake, BYTES_OF(key->rejection));
    shake_feed(&shake, cipher);
    shake_squeeze(&shake, secret, sizeof secret);
    judge_text(steps->tally, "KBar", step(steps, "KBar"), BYTES_OF(secret));
}

static void judge_whole(const struct steps *steps, struct bytes expanded, struct bytes public,
                        struct bytes m, struct bytes cipher)
{
    struct field shared;
    uint8_t own_cipher[MLKEM_CIPHER_BYTES], own_shared[MLKEM_SHARED_BYTES];
    step_bytes(&shared, steps, "K");
    mlkem_encapsulate_with(own_cipher, own_shared, public.data, m.data);
    judge(steps->tally,
          bytes_equal(BYTES_OF(own_cipher), cipher) &&
              bytes_equal(BYTES_OF(own_shared), VIEW(shared)),
          "differs:", "c or K");
    judge(steps->tally, kem_decapsulation_gives(expanded, cipher, VIEW(shared)),
          "differs:", "K of c");
}

void run_kem_steps(struct tally *tally, const json_t *file)
{
    struct steps steps;
    struct field public, expanded, m, cipher;
    struct mlkem_key key;
    steps_read(&steps, tally, json_string_value(file));
    step_bytes(&expanded, &steps, "dk");
    if (step_bytes(&public, &steps, "ek").size == MLKEM_PUBLIC_BYTES &&
        step_bytes(&m, &steps, "m").size == 32 &&
        step_bytes(&cipher, &steps, "c").size == MLKEM_CIPHER_BYTES &&
        mlkem_public_good(public.data) && kem_key_read(&key, VIEW(expanded))) {
        judge_encryption(&steps, &key.open, m.data);
        judge_decryption(&steps, &key, cipher.data);
        judge_rejection(&steps, &key, VIEW(cipher));
        judge_whole(&steps, VIEW(expanded), VIEW(public), VIEW(m), VIEW(cipher));
    }
    mem_free(steps.text);
}
