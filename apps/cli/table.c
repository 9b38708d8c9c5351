/* The one table of verbs: dispatch, usage and help come from it. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

#define BIT OPTION_BIT
#define ANY 1000 /* words */

/* Where the DHT is asked from. */
#define SOMEWHERE                                                                                  \
    (BIT(OPTION_BOOTSTRAP) | BIT(OPTION_BIND) | BIT(OPTION_SOCKET) | BIT(OPTION_TIMEOUT))

/* clang-format off */
static const struct command commands[] = {
    { "Start", "new", "", 0, 0, BIT(OPTION_NAME) | BIT(OPTION_NO_PASSPHRASE),
      "make your identity, offline, in a second", "ramage new --name \"Ada\"", command_new },
    { "Start", "demo", "", 0, 0, BIT(OPTION_SCRIPT),
      "try it alone: two nodes on this machine, nothing stays", "ramage demo", command_demo },
    { "Start", "id", "", 0, 0, BIT(OPTION_QR),
      "show your card, to give to a friend", "ramage id --qr", command_id },
    { "Start", "invite list", "", 0, 0, 0,
      "list invitations, given and taken", "ramage invite list", command_invite_list },
    { "Start", "invite revoke", "ID", 1, 1, 0,
      "take one back that nobody has used", "ramage invite revoke 3", command_invite_revoke },
    { "Start", "invite", "", 0, 0,
      BIT(OPTION_NAME) | BIT(OPTION_INTRODUCE) | BIT(OPTION_EXPIRES) | BIT(OPTION_WAIT) |
          BIT(OPTION_TIMEOUT) | BIT(OPTION_WORDS),
      "make a link for one guest, and wait for the guest",
      "ramage invite --name bob --introduce Ada", command_invite },
    { "Start", "join", "[LINK|WORDS|-]", 0, 4,
      BIT(OPTION_NAME) | BIT(OPTION_INTRODUCE) | BIT(OPTION_TIMEOUT),
      "accept an invitation, by its link or its four words; without them, it is asked for",
      "ramage join ramage:rmgi1... --name ada --introduce Bob", command_join },

    { "People", "verify", "WHO [NUMBER]", 1, 2,
      BIT(OPTION_MATCH) | BIT(OPTION_MISMATCH) | BIT(OPTION_QR),
      "compare a number with a contact: does somebody stand between you?",
      "ramage verify bob", command_verify },
    { "People", "contact add", "CARD --name NAME", 1, 1, BIT(OPTION_NAME) | BIT(OPTION_AT),
      "add the person whose card this is",
      "ramage contact add rmg1... --name bob --at 192.0.2.7:4711", command_contact_add },
    { "People", "contact list", "", 0, 0, 0,
      "list your contacts", "ramage contact list", command_contact_list },
    { "People", "contact show", "WHO", 1, 1, 0,
      "show all that is known about one", "ramage contact show bob", command_contact_show },
    { "People", "contact rename", "WHO NAME", 2, 2, 0,
      "give one another name", "ramage contact rename bob \"Bob (work)\"",
      command_contact_rename },
    { "People", "contact at", "WHO IP:PORT...", 2, 1 + RPC_ADDRESSES_MAX, 0,
      "add addresses where this person may be",
      "ramage contact at bob 192.0.2.7:4711", command_contact_at },
    { "People", "contact remove", "WHO", 1, 1, 0,
      "remove one, with the conversation", "ramage contact remove bob", command_contact_remove },

    { "Talk", "send", "WHO [TEXT|-]", 1, ANY,
      BIT(OPTION_WAIT) | BIT(OPTION_TIMEOUT) | BIT(OPTION_REQUEST_KEY),
      "queue a message, safely; `-` or no text reads it from a pipe",
      "ramage send bob \"On my way\"", command_send },
    { "Talk", "read", "[WHO]", 0, 1, BIT(OPTION_COUNT) | BIT(OPTION_UNREAD) | BIT(OPTION_KEEP),
      "show messages and mark them as read; without WHO, all unread ones",
      "ramage read bob -n 50", command_read },
    { "Talk", "follow", "[WHO]", 0, 1, BIT(OPTION_SINCE) | BIT(OPTION_AS),
      "show messages as they come, until Ctrl-C",
      "ramage follow --json --as bot | ./bot.py", command_follow },
    { "Talk", "chats", "", 0, 0, 0,
      "list conversations with unread counts", "ramage chats", command_chats },
    { "Talk", "why", "MESSAGE", 1, 1, 0,
      "where a message is and what it waits for", "ramage why 7k2m4q", command_why },

    { "Machine", "status", "", 0, 0, 0,
      "one screen of facts", "ramage status", command_status },
    { "Machine", "doctor", "", 0, 0, 0,
      "what may keep you and your contacts apart, and what to do; 1: something does",
      "ramage doctor", command_doctor },
    { "Machine", "lock", "", 0, 0, 0,
      "forget the keys until the passphrase is typed again", "ramage lock", command_lock },
    { "Machine", "unlock", "", 0, 0, 0,
      "open with the passphrase", "ramage unlock", command_unlock },
    { "Machine", "daemon run", "", 0, 0,
      BIT(OPTION_LISTEN) | BIT(OPTION_READY_FD) | BIT(OPTION_VERBOSE),
      "run the daemon in the foreground", "ramage daemon run --listen 0.0.0.0:4711",
      command_daemon_run },
    { "Machine", "daemon start", "", 0, 0, BIT(OPTION_LISTEN),
      "start the daemon in the background", "ramage daemon start --listen 0.0.0.0:4711",
      command_daemon_start },
    { "Machine", "daemon stop", "", 0, 0, 0,
      "stop it", "ramage daemon stop", command_daemon_stop },
    { "Machine", "daemon status", "", 0, 0, 0,
      "does it run?", "ramage daemon status", command_daemon_status },

    { "Machine", "rpc", "METHOD [JSON]", 0, 2, BIT(OPTION_STDIO),
      "call the daemon directly; `rpc.discover` describes everything",
      "ramage rpc message.list '{\"who\":\"bob\",\"limit\":5}'", command_rpc },
    { "Machine", "help", "[VERB]", 0, 2, 0,
      "explain a verb, or list them", "ramage help send", command_help },
    { "Machine", "version", "", 0, 0, 0,
      "say which release this is", "ramage version", command_version },

    { "DHT", "dht run", "[--bind IP:PORT]", 0, 0,
      BIT(OPTION_BIND) | BIT(OPTION_BOOTSTRAP) | BIT(OPTION_SAVE) | BIT(OPTION_SOCKET) |
          BIT(OPTION_RATE) | BIT(OPTION_PER_ADDRESS) | BIT(OPTION_PUBLIC) | BIT(OPTION_READ_ONLY) |
          BIT(OPTION_READY_FD) | BIT(OPTION_VERBOSE),
      "run a node of the DHT and nothing else, in the foreground",
      "ramage dht run --bind 0.0.0.0:6881 --save nodes --public", command_dht_run },
    { "DHT", "dht status", "", 0, 0, BIT(OPTION_SOCKET),
      "tables, stores, rates and the size of the network", "ramage dht status",
      command_dht_status },
    { "DHT", "dht ping", "IP:PORT", 1, 1, SOMEWHERE,
      "does a node answer there?", "ramage dht ping 192.0.2.7:6881", command_dht_ping },
    { "DHT", "dht find", "[INFOHASH]", 0, 1, SOMEWHERE | BIT(OPTION_NODES) | BIT(OPTION_HIDDEN),
      "who announced himself there; with --nodes, the nodes closest to a place",
      "ramage dht find 0123456789abcdef0123456789abcdef01234567", command_dht_find },
    { "DHT", "dht announce", "INFOHASH", 1, 1,
      SOMEWHERE | BIT(OPTION_PORT) | BIT(OPTION_NODES) | BIT(OPTION_HIDDEN) | BIT(OPTION_KEEP),
      "say that you are to be found there",
      "ramage dht announce 0123456789abcdef0123456789abcdef01234567 --keep",
      command_dht_announce },
    { "DHT", "dht get", "[TARGET]", 0, 1,
      SOMEWHERE | BIT(OPTION_KEY) | BIT(OPTION_SALT) | BIT(OPTION_HIDDEN),
      "fetch an item (BEP 44), by its place or its owner's key",
      "ramage dht get e5f96f6f38320f0f33959cb4d3d656452117aadb", command_dht_get },
    { "DHT", "dht put", "VALUE|-", 1, 1,
      SOMEWHERE | BIT(OPTION_KEY_FILE) | BIT(OPTION_SALT) | BIT(OPTION_SEQ) | BIT(OPTION_CAS) |
          BIT(OPTION_BENCODED) | BIT(OPTION_NODES) | BIT(OPTION_HIDDEN) | BIT(OPTION_KEEP),
      "store an item; with --key-file, one that you can replace",
      "ramage dht put \"Hello World!\"", command_dht_put },
};
/* clang-format on */

const struct command *command_at(size_t index)
{
    return index < COUNT(commands) ? &commands[index] : NULL;
}

const struct command *command_named(char **words, int count, int *taken)
{
    for (size_t i = 0; i < COUNT(commands) && count > 0; i++) {
        const char *name = commands[i].name;
        size_t first = strcspn(name, " ");
        if (strlen(words[0]) != first || strncmp(words[0], name, first) != 0)
            continue;
        bool two = name[first] == ' ';
        if (two && (count < 2 || strcmp(words[1], name + first + 1) != 0))
            continue;
        *taken = two ? 2 : 1;
        return &commands[i];
    }
    return NULL;
}

const char *command_nearest(char **words, int count)
{
    const char *names[COUNT(commands)];
    char typed[64];
    for (size_t i = 0; i < COUNT(commands); i++)
        names[i] = commands[i].name;
    snprintf(typed, sizeof typed, "%s%s%s", words[0], count > 1 ? " " : "",
             count > 1 ? words[1] : "");
    const char *nearest = face_nearest(typed, names, COUNT(names));
    return nearest != NULL || count < 2 ? nearest : face_nearest(words[0], names, COUNT(names));
}
