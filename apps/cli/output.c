/* Data on stdout, everything else on stderr; text from outside never uncleaned. */
#include "apps/cli/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

bool wants_json(const struct cli *cli)
{
    return given(cli, OPTION_JSON);
}

void say(const struct cli *cli, const char *format, ...)
{
    if (wants_json(cli))
        return;
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
}

void remark(const struct cli *cli, const char *format, ...)
{
    if (wants_json(cli) || given(cli, OPTION_QUIET))
        return;
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
}

void print_json(const json_t *object)
{
    struct rpc_text_line line = rpc_line_write(object);
    if (line.data != NULL)
        fwrite(line.data, 1, line.size, stdout);
    rpc_line_free(&line);
}

static void put_clean(FILE *stream, const char *text)
{
    char *clean = face_clean(text != NULL ? text : "", FACE_ONE_LINE);
    fputs(clean, stream);
    wipe(clean, strlen(clean));
    mem_free(clean);
}

void print_clean(const char *text)
{
    put_clean(stdout, text);
}

void print_fitted(const char *text, size_t columns)
{
    char *clean = face_clean(text != NULL ? text : "", FACE_ONE_LINE);
    char *fitted = face_fit(clean, columns);
    fputs(fitted, stdout);
    mem_free(fitted);
    mem_free(clean);
}

void print_indented(const char *text, size_t columns)
{
    char *clean = face_clean(text, FACE_LINES);
    for (const char *at = clean; *at != '\0'; at++) {
        putchar(*at);
        if (*at == '\n')
            printf("%*s", (int)columns, "");
    }
    wipe(clean, strlen(clean));
    mem_free(clean);
}

void print_time(const char *rfc3339)
{
    instant when;
    char text[FACE_TIME_BYTES] = "?";
    if (rfc3339 != NULL && rpc_time_parse(rfc3339, &when))
        face_time(when, wall_clock(), text);
    fputs(text, stdout);
}

/* Decided once for the whole program: --color, then what the terminal and NO_COLOR say. */
static bool may_colour(const struct cli *cli)
{
    const char *when = value(cli, OPTION_COLOR);
    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return face_may_colour(STDOUT_FILENO);
}

/* Capitals need a smaller code, and bech32 allows them. */
void print_qr(const struct cli *cli, const char *text)
{
    char capitals[128];
    size_t size = strlen(text);
    if (size >= sizeof capitals)
        return;
    for (size_t i = 0; i <= size; i++)
        capitals[i] = (char)toupper((unsigned char)text[i]);
    char *code = face_qr(capitals, may_colour(cli));
    if (code != NULL)
        fputs(code, stdout);
    mem_free(code);
}

#define ID_SHOWN_CHARS 6 /* enough to be unique among a person's messages, and to type */

void print_talk(const json_t *message)
{
    const char *id = rpc_text(message, "id"), *text = rpc_text(message, "text");
    bool ours = rpc_flag(message, "ours");
    print_time(rpc_text(message, "written"));
    printf("  %.*s  ", ID_SHOWN_CHARS, id != NULL ? id : "");
    if (ours)
        fputs("you to ", stdout);
    print_clean(rpc_text(message, "contact"));
    if (ours) {
        fputs(" (", stdout);
        print_clean(rpc_text(message, "state"));
        putchar(')');
    }
    fputs(": ", stdout);
    print_indented(text != NULL ? text : "", 7);
    putchar('\n');
}

bool output_reached(struct cli *cli)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return true;
    char sentence[128];
    snprintf(sentence, sizeof sentence, "the output could not be written: %s", strerror(errno));
    fail_with(cli, RPC_OUTPUT, sentence, NULL, NULL);
    return false;
}

static void fail_in_json(const struct rpc_error_row *row, const char *sentence, const char *hint,
                         json_t *more)
{
    char *message = face_clean(sentence, FACE_ONE_LINE), *next = face_clean(hint, FACE_ONE_LINE);
    json_t *object = json_pack("{s:s, s:i, s:i, s:s, s:s}", "error", row->name, "code", row->code,
                               "exit", row->exit, "message", message, "hint", next);
    if (more != NULL)
        json_object_update_missing(object, more);
    struct rpc_text_line line = rpc_line_write(object);
    if (line.data != NULL)
        fwrite(line.data, 1, line.size, stderr);
    rpc_line_free(&line);
    json_decref(object);
    mem_free(message);
    mem_free(next);
}

int fail_with(struct cli *cli, enum rpc_error error, const char *sentence, const char *hint,
              json_t *more)
{
    const struct rpc_error_row *row = rpc_error_row(error);
    sentence = sentence != NULL ? sentence : row->sentence;
    hint = hint != NULL ? hint : row->hint;
    fflush(stdout);
    if (wants_json(cli)) {
        fail_in_json(row, sentence, hint, more);
    } else {
        fputs("ramage: ", stderr);
        put_clean(stderr, sentence);
        fputs(hint[0] != '\0' ? "\n        " : "", stderr);
        put_clean(stderr, hint);
        fputc('\n', stderr);
    }
    json_decref(more);
    cli->exit = row->exit;
    return row->exit;
}

int fail(struct cli *cli, enum rpc_error error)
{
    return fail_with(cli, error, NULL, NULL, NULL);
}

bool refuse(struct cli *cli, enum rpc_error error)
{
    fail(cli, error);
    return false;
}

int fail_usage(struct cli *cli, const char *format, ...)
{
    char sentence[256], hint[96];
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    snprintf(hint, sizeof hint, "`ramage help %s` shows how",
             cli->command != NULL ? cli->command->name : "");
    return fail_with(cli, RPC_USAGE, sentence, cli->command != NULL ? hint : NULL, NULL);
}
