/* Runs a fuzzer's function over the files of a kept corpus: what was once found stays found, also
   in builds without libFuzzer. Beside each file it runs a few cheap mutations of it. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX_BYTES (1 << 20)
#define MUTATIONS       200

static void replay(const uint8_t *data, size_t size)
{
    /* A copy of exactly that size, so that sanitizers see the first byte too many. */
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void replay_file(const char *path)
{
    static uint8_t data[INPUT_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return;
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    replay(data, size);
    uint32_t luck = 2463534242u;
    for (int i = 0; i < MUTATIONS && size > 0; i++) {
        luck ^= luck << 13, luck ^= luck >> 17, luck ^= luck << 5; /* xorshift32, Marsaglia 2003 */
        uint8_t *at = &data[luck % size], was = *at;
        *at ^= (uint8_t)(1u << (luck >> 8 & 7));
        replay(data, (luck & 0x10000) ? size : luck % size + 1);
        *at = was;
    }
}

int main(int count, char **arguments)
{
    int files = 0;
    replay(NULL, 0);
    for (int i = 1; i < count; i++) {
        DIR *folder = opendir(arguments[i]);
        for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", arguments[i], entry->d_name);
            replay_file(path);
            files++;
        }
        if (folder != NULL)
            closedir(folder);
    }
    printf("%d corpus files replayed\n", files);
    return files > 0 ? 0 : 1; /* a fuzzer without a corpus is a mistake */
}
