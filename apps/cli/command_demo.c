/* `ramage demo`: two complete nodes hold a conversation, to be watched or joined; nothing stays. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli/pair.h"
#include "base/mem.h"

#define STEP_PATIENCE    (30 * SECOND) /* one step that takes longer has failed */
#define ANSWER_MAX_BYTES 512
#define LINE_MAX_BYTES   4096 /* typed by a person */

struct demo {
    struct cli *cli;
    struct pair pair;
};

static bool is_kind(const json_t *event, const char *kind)
{
    const char *is = rpc_text(event, "kind");
    return is != NULL && strcmp(is, kind) == 0;
}

static bool is_state(const json_t *event, const char *id, const char *state)
{
    const char *which = rpc_text(json_object_get(event, "message"), "id");
    const char *is = rpc_text(event, "state");
    return is_kind(event, "message.state") && which != NULL && is != NULL &&
           (id == NULL || strcmp(which, id) == 0) && strcmp(is, state) == 0;
}

static bool too_slow(struct demo *demo, enum rpc_error error, const char *what)
{
    char sentence[128];
    snprintf(sentence, sizeof sentence, "the demo waited 30 s for %s, in vain", what);
    if (error != RPC_FINE)
        fail(demo->cli, error);
    else
        fail_with(demo->cli, RPC_NO_ANSWER, sentence, "the machine may be too busy; try again",
                  NULL);
    return false;
}

/* Waits for what `id` reaches at `node`, or with `id` NULL for the next text that arrives there;
 *text is then its copy. */
static bool await(struct demo *demo, struct pair_node *node, const char *id, char **text)
{
    const char *what = id != NULL ? "a message to be delivered" : "a message to arrive";
    instant until = steady_clock() + STEP_PATIENCE;
    for (;;) {
        json_t *event = NULL;
        instant now = steady_clock();
        enum rpc_error error = rpc_client_next(node->client, now < until ? until - now : 0, &event);
        if (error != RPC_FINE || event == NULL)
            return too_slow(demo, error, what);
        bool found =
            id != NULL ? is_state(event, id, "delivered") : is_kind(event, "message.received");
        if (found && text != NULL) {
            const char *is = rpc_text(json_object_get(event, "message"), "text");
            *text = mem_text(is != NULL ? is : "");
        }
        json_decref(event);
        if (found)
            return true;
    }
}

static void print_line(const char *who, const char *text)
{
    printf("%-5s ", who);
    print_indented(text, 6);
    putchar('\n');
    fflush(stdout);
}

static void print_fact(const char *what, instant since)
{
    printf("      %s %.1f ms\n", what, (double)(steady_clock() - since) / (double)MILLISECOND);
    fflush(stdout);
}

/* --- the script --- */

/* One says something, the other has it on disk, and we show how long that took. */
static bool exchange(struct demo *demo, struct pair_node *from, struct pair_node *to,
                     const char *text)
{
    char *id = NULL, *arrived = NULL;
    instant start = steady_clock();
    print_line(from->name, text);
    bool good = pair_send(demo->cli, from, to, text, &id);
    if (good)
        print_fact("written    ", start);
    good = good && await(demo, from, id, NULL);
    if (good)
        print_fact("delivered  ", start);
    good = good && await(demo, to, NULL, &arrived);
    if (good && strcmp(arrived, text) != 0)
        good = refuse(demo->cli, RPC_INTERNAL);
    mem_free(id);
    mem_free(arrived);
    return good;
}

static bool power_cut(struct demo *demo)
{
    const char *text = "Still there? I will keep this until you are back.";
    struct pair_node *you = &demo->pair.you, *echo = &demo->pair.echo;
    char *id = NULL;
    say(demo->cli, "\nNow the power fails at Echo's: its process is killed without a word.\n\n");
    pair_kill(echo);
    print_line(you->name, text);
    instant start = steady_clock();
    bool good = pair_send(demo->cli, you, echo, text, &id);
    if (good)
        print_fact("written    ", start);
    say(demo->cli, "\nPower is back at Echo's.\n\n");
    start = steady_clock();
    good = good && pair_start(demo->cli, echo);
    if (good)
        print_fact("Echo is up ", start);
    good = good && await(demo, you, id, NULL);
    if (good)
        print_fact("delivered  ", start);
    good = good && exchange(demo, echo, you, "I was away, and lost nothing.");
    mem_free(id);
    return good;
}

static bool play(struct demo *demo)
{
    struct pair_node *you = &demo->pair.you, *echo = &demo->pair.echo;
    return exchange(demo, you, echo, "Hello Echo, do you hear me?") &&
           exchange(demo, echo, you,
                    "I do. No server stands between us: this went from your node "
                    "to mine, encrypted.") &&
           power_cut(demo);
}

static void introduce(const struct demo *demo)
{
    say(demo->cli,
        "Two complete Ramage nodes now run on this machine, and nothing leaves it.\n"
        "Each has an identity (a key pair, made offline), a store and a socket:\n\n"
        "  You   %s  %.24s...\n  Echo  %s  %.24s...\n\n"
        "Each was given the other's card and address. \"written\" means on your disk, so that\n"
        "a power cut cannot lose it; \"sealed\", that only the other's device can open it;\n"
        "\"delivered\", on the other's disk, and acknowledged.\n\n",
        demo->pair.you.address, demo->pair.you.card, demo->pair.echo.address, demo->pair.echo.card);
    fflush(stdout);
}

static void conclude(const struct demo *demo)
{
    say(demo->cli, "\nBoth nodes are stopped and their folder is removed: nothing of this stays.\n"
                   "Make your own identity with `ramage new`.\n");
}

/* --- the conversation --- */

/* What Echo says to what you write: it repeats, and knows a few words. */
static void compose(const char *heard, char answer[ANSWER_MAX_BYTES])
{
    static const struct {
        const char *word, *answer;
    } known[] = {
        { "hello", "Hello! Write anything, I repeat it." },
        { "bonjour", "Bonjour ! Écris ce que tu veux, je le répète." },
        { "who are you", "A second node on your own machine, as complete as yours." },
        { "help", "Write lines to me. Ctrl-D or /quit leaves, and nothing stays." },
        { "bye", "Goodbye. Ctrl-D leaves." },
    };
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcasestr(heard, known[i].word) != NULL) {
            snprintf(answer, ANSWER_MAX_BYTES, "%s", known[i].answer);
            return;
        }
    /* Whole characters only: cutting one in two would not be text any more. */
    int size = (int)strnlen(heard, ANSWER_MAX_BYTES - 32);
    while (size > 0 && ((unsigned char)heard[size] & 0xc0) == 0x80)
        size--;
    snprintf(answer, ANSWER_MAX_BYTES, "You wrote: %.*s", size, heard);
}

static bool show_yours(struct demo *demo, const json_t *event)
{
    const char *text = rpc_text(json_object_get(event, "message"), "text");
    if (is_kind(event, "message.received") && text != NULL)
        print_line(demo->pair.echo.name, text);
    else if (is_state(event, NULL, "delivered"))
        puts("      delivered");
    return true;
}

static bool answer_as_echo(struct demo *demo, const json_t *event)
{
    char answer[ANSWER_MAX_BYTES], *id = NULL;
    const char *heard = rpc_text(json_object_get(event, "message"), "text");
    if (!is_kind(event, "message.received") || heard == NULL)
        return true;
    compose(heard, answer);
    bool good = pair_send(demo->cli, &demo->pair.echo, &demo->pair.you, answer, &id);
    mem_free(id);
    return good;
}

/* Everything that has come for one of them. */
static bool drain(struct demo *demo, struct pair_node *node,
                  bool (*take)(struct demo *demo, const json_t *event))
{
    for (;;) {
        json_t *event;
        enum rpc_error error = rpc_client_next(node->client, 0, &event);
        if (error != RPC_FINE)
            return refuse(demo->cli, error);
        if (event == NULL)
            return true;
        bool good = take(demo, event);
        json_decref(event);
        if (!good)
            return false;
    }
}

/* A line from the terminal. False: the end, or the wish to leave. */
static bool take_line(struct demo *demo)
{
    char line[LINE_MAX_BYTES], *id = NULL;
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/q") == 0)
        return false;
    if (line[0] == '\0')
        return true;
    bool good = pair_send(demo->cli, &demo->pair.you, &demo->pair.echo, line, &id);
    mem_free(id);
    return good;
}

static void talk(struct demo *demo)
{
    struct pair_node *you = &demo->pair.you, *echo = &demo->pair.echo;
    say(demo->cli, "\nYour turn: write to Echo. Ctrl-D or /quit leaves.\n\n");
    setvbuf(stdin, NULL, _IONBF, 0); /* or poll would not see what stdio has taken */
    for (;;) {
        fflush(stdout);
        struct pollfd ends[] = {
            { .fd = STDIN_FILENO, .events = POLLIN },
            { .fd = rpc_client_descriptor(you->client), .events = POLLIN },
            { .fd = rpc_client_descriptor(echo->client), .events = POLLIN },
        };
        if (!drain(demo, echo, answer_as_echo) || !drain(demo, you, show_yours))
            return;
        if (poll(ends, COUNT(ends), -1) < 0 && (errno != EINTR || was_interrupted())) {
            fail(demo->cli, RPC_INTERRUPTED);
            return;
        }
        if (ends[0].revents != 0 && !take_line(demo))
            return;
    }
}

int command_demo(struct cli *cli)
{
    struct demo demo = { .cli = cli };
    bool joins = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 &&
                 !given(cli, OPTION_SCRIPT) && !given(cli, OPTION_NO_INPUT);
    if (wants_json(cli))
        return fail_usage(cli, "the demo is for people; `ramage rpc` is for programs");
    if (pair_begin(cli, &demo.pair)) {
        introduce(&demo);
        if (play(&demo) && joins)
            talk(&demo);
    }
    pair_end(&demo.pair);
    if (cli->exit == RPC_EXIT_DONE)
        conclude(&demo);
    return cli->exit;
}
