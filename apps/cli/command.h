/* What every verb has in hand. Private to the command line. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "apps/cli/cli.h"
#include "apps/cli/options.h"
#include "apps/cli/table.h"
#include "apps/face/face.h"

struct cli {
    struct options options;
    const struct command *command;
    char **words; /* behind the verb */
    int word_count;
    struct rpc_place place;
    struct rpc_client *client; /* NULL: not connected yet */
    int exit;                  /* set by whatever failed */
    const struct cli_daemons *daemons;
};

int command_new(struct cli *cli);
int command_id(struct cli *cli);
int command_invite(struct cli *cli);
int command_invite_list(struct cli *cli);
int command_invite_revoke(struct cli *cli);
int command_join(struct cli *cli);
int command_doctor(struct cli *cli);
int command_verify(struct cli *cli);
int command_contact_add(struct cli *cli);
int command_contact_list(struct cli *cli);
int command_contact_show(struct cli *cli);
int command_contact_rename(struct cli *cli);
int command_contact_at(struct cli *cli);
int command_contact_remove(struct cli *cli);
int command_send(struct cli *cli);
int command_read(struct cli *cli);
int command_follow(struct cli *cli);
int command_chats(struct cli *cli);
int command_why(struct cli *cli);
int command_status(struct cli *cli);
int command_unlock(struct cli *cli);
int command_lock(struct cli *cli);
int command_daemon_run(struct cli *cli);
int command_daemon_start(struct cli *cli);
int command_daemon_stop(struct cli *cli);
int command_daemon_status(struct cli *cli);
int command_dht_run(struct cli *cli);
int command_dht_status(struct cli *cli);
int command_dht_ping(struct cli *cli);
int command_dht_find(struct cli *cli);
int command_dht_announce(struct cli *cli);
int command_dht_get(struct cli *cli);
int command_dht_put(struct cli *cli);
int command_rpc(struct cli *cli);
int command_demo(struct cli *cli);
int command_help(struct cli *cli);
int command_version(struct cli *cli);
int command_none(struct cli *cli); /* bare `ramage` */

/* --- options --- */

static inline bool given(const struct cli *cli, enum option_id id)
{
    return cli->options.given[id] > 0;
}
static inline const char *value(const struct cli *cli, enum option_id id)
{
    return cli->options.values[id][0]; /* NULL: not given */
}

/* --- output: data on stdout, everything else on stderr --- */

bool wants_json(const struct cli *cli);
/* A line for people only: nothing with --json. */
__attribute__((format(printf, 2, 3))) void say(const struct cli *cli, const char *format, ...);
/* The same on stderr, and nothing with --quiet. */
__attribute__((format(printf, 2, 3))) void remark(const struct cli *cli, const char *format, ...);
void print_json(const json_t *object); /* one line on stdout; borrowed */
/* Text from outside, cleaned; NULL prints nothing. */
void print_clean(const char *text);
void print_fitted(const char *text, size_t columns);   /* cleaned, and exactly so wide */
void print_indented(const char *text, size_t columns); /* several lines, the second on indented */
void print_help(const struct command *command);
void print_overview(void);
/* "18:06" of an RFC 3339 time from the daemon; "?" for nonsense. */
void print_time(const char *rfc3339);
/* A card or link as a code. */
void print_qr(const struct cli *cli, const char *text);
/* One message as `read` and `follow` show it. */
void print_talk(const json_t *message);
/* Flushes stdout; false, and said so, when what was printed did not all get out. */
bool output_reached(struct cli *cli);

/* Says what went wrong and what to do, on stderr, and returns the exit code, also kept in
   cli->exit. `hint` NULL: the table's. `more` (or NULL) joins the JSON object; taken over. */
int fail_with(struct cli *cli, enum rpc_error error, const char *sentence, const char *hint,
              json_t *more);
int fail(struct cli *cli, enum rpc_error error);
bool refuse(struct cli *cli, enum rpc_error error); /* the same, and returns false */
__attribute__((format(printf, 2, 3))) int fail_usage(struct cli *cli, const char *format, ...);

/* --- the daemon --- */

/* True when connected, starting the daemon first where that is allowed and `may_start`. False: said
   so, cli->exit is set. */
bool reach(struct cli *cli, bool may_start);
/* Connected before, or the daemon happens to run: nothing is started and nothing said. */
bool reach_quietly(struct cli *cli);
/* Asks and returns the result, the caller's reference; unlocks on the way where it may ask for the
   passphrase. NULL: said so, cli->exit is set. Takes over `params`. */
json_t *ask(struct cli *cli, const char *method, json_t *params);
/* Asks page after page: `each` gets every object of the list `list`; `key` names the field of an
   item behind which `after` goes on. Takes over `params`, which must be an object of its own.
   False: failed, said so. */
bool ask_pages(struct cli *cli, const char *method, json_t *params, const char *list,
               const char *key, void (*each)(void *self, const json_t *item), void *self);

/* --- clocks --- */

instant wall_clock(void);   /* to show times by */
instant steady_clock(void); /* to wait by */

/* --- interruptions and secrets --- */

void watch_signals(void);   /* SIGINT, SIGTERM, SIGHUP end every wait */
void unwatch_signals(void); /* for the daemon, which has ways of its own */
bool was_interrupted(void);

struct secret {
    char text[RPC_PASSPHRASE_MAX_BYTES + 1];
    size_t size;
};
/* May a person be asked? A terminal, and no --no-input. */
bool may_ask(const struct cli *cli);
/* Reads a line from the terminal without showing it. RPC_FINE or RPC_INTERRUPTED. */
enum rpc_error secret_prompt(const char *question, struct secret *out);
/* From --passphrase-fd: a line, or all there is. False: said so. */
bool secret_from_descriptor(struct cli *cli, struct secret *out);

#endif
