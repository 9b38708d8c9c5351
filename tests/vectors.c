/* Runs every published vector we have a reader for, from a directory of theirs:

       vectors [--all] DIR

   A line per file with the number of cases; a file that gives none has failed, one that nobody here
   reads is named and skipped. One that is not there is named, and with --all it has failed: ours
   are all there, others may have a part. Ends with `N passed, M failed`. */
#include "tests/vectors.h"

#include "base/mem.h"
#include "engine/crypto/key.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PATH_BYTES     4096
#define TEXT_MAX_BYTES (1 << 23) /* all 780 bad keys are 1.8 MB */

static const struct topic {
    const char *path; /* folder/name; the name may be a pattern: files that were cut in parts */
    topic_run *run;
} topics[] = {
    { "argon2id/generated_salt16*.json", run_argon2id },
    { "argon2id/reference_p1*.json", run_argon2id },
    { "bech32m/bip350.json", run_bip350 },
    { "bech32m/generated.json", run_bech32m },
    { "bep42/bep42_text.json", run_bep42 },
    { "bep42/generated.json", run_bep42 },
    { "bep44/bep44_text.json", run_bep44 },
    { "bep44/generated.json", run_bep44 },
    { "blake2/blake2b_kat.json", run_blake2b },
    { "blake2/blake2b_params.json", run_blake2b },
    { "blake2/hkdf_blake2b512.json", run_hkdf_blake2b },
    { "blake2/hmac_blake2b512.json", run_hmac_blake2b },
    { "ed25519-edge/cctv_ed25519.json", run_ed25519_edge },
    { "ed25519-edge/points_generated.json", run_ed25519_points },
    { "keccak/boundaries*.json", run_keccak_boundaries },
    { "keccak/sha3-256*.json", run_keccak },
    { "keccak/sha3-512*.json", run_keccak },
    { "keccak/shake-128*.json", run_keccak },
    { "keccak/shake-256*.json", run_keccak },
    { "mlkem-acvp/encapdecap_768*.json", run_acvp_kem },
    { "mlkem-acvp/keygen_768*.json", run_acvp_keygen },
    { "mlkem-cctv/accumulated_768*.json", run_kem_accumulated },
    { "mlkem-cctv/bad_modulus_768*.txt*", run_kem_bad_modulus },
    { "mlkem-cctv/intermediate_encaps_decaps_768*.txt", run_kem_steps },
    { "mlkem-cctv/intermediate_keygen_768*.json", run_kem_keygen_steps },
    { "mlkem-cctv/strcmp_768*.txt", run_kem_strcmp },
    { "noise/cacophony_25519_chachapoly.json", run_noise },
    { "noise/hfs_mlkem768_generated.json", run_noise },
    { "noise/hfs_mlkem768_libp2p_xxhfs*.json", run_noise },
    { "padme/padme.json", run_padme },
    { "quic-chacha/generated_short_header.json", run_quic },
    { "quic-chacha/rfc9001_a5.json", run_quic_rfc9001 },
    { "session/ratchet.json", run_session_ratchet },
    { "session/start.json", run_session_start },
    { "wycheproof/aes_gcm_test.json", run_aes_gcm },
    { "wycheproof/chacha20_poly1305_test.json", run_chacha },
    { "wycheproof/ed25519_test.json", run_ed25519 },
    { "wycheproof/hkdf_sha256_test.json", run_hkdf_sha256 },
    { "wycheproof/hkdf_sha512_test.json", run_hkdf_sha512 },
    { "wycheproof/hmac_sha256_test.json", run_hmac_sha256 },
    { "wycheproof/hmac_sha512_test.json", run_hmac_sha512 },
    { "wycheproof/mlkem_768_encaps_test.json", run_kem_encaps },
    { "wycheproof/mlkem_768_keygen_seed_test.json", run_kem_keygen },
    { "wycheproof/mlkem_768_semi_expanded_decaps_test.json", run_kem_expanded },
    { "wycheproof/mlkem_768_test.json", run_kem },
    { "wycheproof/x25519_test.json", run_x25519 },
    { "wycheproof/xchacha20_poly1305_test.json", run_xchacha },
    { "x25519-strict/must_reject.json", run_x25519_strict },
    { "xwing/xwing_draft06*.json", run_xwing },
};

void judge(struct tally *tally, bool good, const char *what, const char *detail)
{
    tally->passed += good;
    tally->failed += !good;
    if (!good)
        printf("%s: %s %s\n", tally->file, what, detail);
}

void die(const char *why, const char *what)
{
    fprintf(stderr, "vectors: %s: %s\n", why, what);
    exit(2);
}

/* --- fields ----------------------------------------------------------------------------------- */

static int digit(char c)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (value < 0)
        die("a field", "is not hex");
    return value;
}

struct bytes unhexed(struct field *field, const char *hex)
{
    field->size = strlen(hex) / 2;
    if (strlen(hex) % 2 != 0 || field->size > FIELD_MAX_BYTES)
        die("a field", "has half a byte or is too long");
    for (size_t i = 0; i < field->size; i++)
        field->data[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return VIEW(*field);
}

const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

struct bytes hex_of(struct field *field, const json_t *object, const char *name)
{
    return unhexed(field, text_of(object, name));
}

size_t number_of(const json_t *object, const char *name)
{
    return (size_t)json_integer_value(json_object_get(object, name));
}

void each_in_groups(struct tally *tally, const json_t *file, vector_run *run)
{
    const json_t *groups = json_object_get(file, "testGroups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i), *tests = json_object_get(group, "tests");
        for (size_t j = 0; j < json_array_size(tests); j++)
            run(tally, json_array_get(tests, j), group);
    }
}

bool is_valid(const json_t *test)
{
    return strcmp(text_of(test, "result"), "valid") == 0;
}

bool has_flag(const json_t *test, const char *name)
{
    const json_t *flags = json_object_get(test, "flags");
    for (size_t i = 0; i < json_array_size(flags); i++)
        if (strcmp(json_string_value(json_array_get(flags, i)), name) == 0)
            return true;
    return false;
}

/* --- files ------------------------------------------------------------------------------------ */

static void join(char path[PATH_BYTES], const char *folder, const char *name)
{
    if (snprintf(path, PATH_BYTES, "%s/%s", folder, name) >= PATH_BYTES)
        die(folder, "is too long a path");
}

static int is_named(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A file that is no JSON, plain or packed, as one string. */
static json_t *load_text(const char *path)
{
    char *text = mem_zeroed(TEXT_MAX_BYTES, 1);
    gzFile file = gzopen(path, "rb");
    int size = file == NULL ? -1 : gzread(file, text, TEXT_MAX_BYTES);
    json_t *string = size < 0 || size == TEXT_MAX_BYTES ? NULL : json_stringn(text, (size_t)size);
    if (file != NULL)
        gzclose(file);
    mem_free(text);
    return string;
}

static json_t *load(const char *path)
{
    json_error_t error;
    if (fnmatch("*.json", path, 0) != 0)
        return load_text(path);
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file == NULL)
        printf("%s\n", error.text);
    return file;
}

static void run_file(struct tally *all, const char *top, const char *name, topic_run *run)
{
    char path[PATH_BYTES];
    struct tally tally = { .file = name };
    join(path, top, name);
    json_t *file = load(path);
    if (file != NULL)
        run(&tally, file);
    json_decref(file);
    if (tally.passed + tally.failed == 0)
        tally.failed = 1; /* a reader that finds nothing has failed */
    printf("%s: %zu cases, %zu failed", name, tally.passed + tally.failed, tally.failed);
    if (tally.skipped > 0)
        printf(", %zu skipped", tally.skipped);
    printf("\n");
    all->passed += tally.passed;
    all->failed += tally.failed;
}

static void run_topic(struct tally *all, const char *top, const struct topic *topic, bool want_all)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct dirent **files;
    size_t found = 0;
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(topic->path, "/"), topic->path);
    join(path, top, folder);
    int count = scandir(path, &files, is_named, alphasort);
    for (int i = 0; i < count; i++) {
        join(path, folder, files[i]->d_name);
        if (fnmatch(topic->path, path, 0) == 0) {
            run_file(all, top, path, topic->run);
            found++;
        }
        free(files[i]);
    }
    if (count >= 0)
        free(files);
    if (found == 0) {
        printf("%s: not here\n", topic->path);
        all->failed += want_all;
    }
}

static bool is_read(const char *path)
{
    for (size_t i = 0; i < COUNT(topics); i++)
        if (fnmatch(topics[i].path, path, 0) == 0)
            return true;
    return false;
}

static bool is_data(const char *name)
{
    return strstr(name, "NOTICE") == NULL &&
           (strstr(name, ".json") != NULL || strstr(name, ".txt") != NULL);
}

/* The files of one folder that no topic reads. */
static void name_skipped(const char *top, const char *folder)
{
    char path[PATH_BYTES];
    struct dirent **files;
    join(path, top, folder);
    int count = scandir(path, &files, is_named, alphasort);
    for (int i = 0; i < count; i++) {
        join(path, folder, files[i]->d_name);
        if (is_data(files[i]->d_name) && !is_read(path))
            printf("%s: skipped, nobody here reads it\n", path);
        free(files[i]);
    }
    if (count >= 0)
        free(files);
}

static void name_all_skipped(const char *top)
{
    struct dirent **folders;
    int found = scandir(top, &folders, is_named, alphasort);
    if (found < 0)
        die(top, "cannot be read");
    for (int i = 0; i < found; i++) {
        name_skipped(top, folders[i]->d_name);
        free(folders[i]);
    }
    free(folders);
}

int main(int count, char **arguments)
{
    struct tally all = { 0 };
    bool want_all = count == 3 && strcmp(arguments[1], "--all") == 0;
    if (count != 2 + want_all)
        die("usage", "vectors [--all] DIR");
    if (!crypto_start())
        die("libsodium", "cannot be used");
    const char *top = arguments[count - 1];
    name_all_skipped(top);
    for (size_t i = 0; i < COUNT(topics); i++)
        run_topic(&all, top, &topics[i], want_all);
    printf("%zu passed, %zu failed\n", all.passed, all.failed);
    return all.passed > 0 && all.failed == 0 ? 0 : 1; /* who ran nothing has shown nothing */
}
