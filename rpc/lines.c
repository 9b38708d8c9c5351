/* Bytes in, lines out. */
#include "rpc/rpc.h"

#include <string.h>

#include "base/mem.h"

struct rpc_lines {
    uint8_t *memory;
    size_t room, size; /* allocated; filled */
    size_t at;         /* start of the line being looked for */
    size_t seen;       /* no newline before this */
};

#define ROOM_AT_FIRST 1024

struct rpc_lines *rpc_lines_create(void)
{
    return mem_zeroed(1, sizeof(struct rpc_lines));
}

void rpc_lines_destroy(struct rpc_lines *lines)
{
    if (lines == NULL)
        return;
    if (lines->memory != NULL)
        wipe(lines->memory, lines->size);
    mem_free(lines->memory);
    mem_free(lines);
}

/* Moves what is not consumed to the front and wipes what was. */
static void compact(struct rpc_lines *lines)
{
    if (lines->at == 0)
        return;
    size_t left = lines->size - lines->at;
    memmove(lines->memory, lines->memory + lines->at, left);
    wipe(lines->memory + left, lines->at);
    lines->seen -= lines->at;
    lines->size = left;
    lines->at = 0;
}

/* Not mem_resized: that may leave the old copy behind, unwiped. */
static void make_room(struct rpc_lines *lines, size_t more)
{
    if (lines->room - lines->size >= more)
        return;
    size_t room = lines->room == 0 ? ROOM_AT_FIRST : lines->room;
    while (room - lines->size < more)
        room *= 2;
    uint8_t *memory = mem_zeroed(1, room);
    if (lines->size > 0) {
        memcpy(memory, lines->memory, lines->size);
        wipe(lines->memory, lines->size);
    }
    mem_free(lines->memory);
    lines->memory = memory;
    lines->room = room;
}

void rpc_lines_feed(struct rpc_lines *lines, struct bytes bytes)
{
    compact(lines);
    if (bytes.size == 0)
        return;
    make_room(lines, bytes.size);
    memcpy(lines->memory + lines->size, bytes.data, bytes.size);
    lines->size += bytes.size;
}

static struct bytes without_return(struct bytes line)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

enum rpc_line rpc_lines_next(struct rpc_lines *lines, struct bytes *out)
{
    while (lines->seen < lines->size) {
        uint8_t *from = lines->memory + lines->seen;
        uint8_t *newline = memchr(from, '\n', lines->size - lines->seen);
        if (newline == NULL) {
            lines->seen = lines->size;
            break;
        }
        size_t start = lines->at, end = (size_t)(newline - lines->memory);
        if (end - start > RPC_LINE_MAX_BYTES)
            return RPC_LINE_OVERLONG;
        lines->at = lines->seen = end + 1;
        *out = without_return((struct bytes){ lines->memory + start, end - start });
        if (out->size > 0)
            return RPC_LINE_WHOLE;
    }
    return lines->size - lines->at > RPC_LINE_MAX_BYTES ? RPC_LINE_OVERLONG : RPC_LINE_NONE;
}
