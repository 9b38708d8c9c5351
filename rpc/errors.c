/* One row per thing that can go wrong: name, code, exit code, sentence, hint. */
#include "rpc/rpc.h"

#include <assert.h>
#include <string.h>

/* Codes of JSON-RPC itself are below zero; ours are exit code * 100 + a number never used twice. */
static const struct rpc_error_row rows[RPC_ERRORS] = {
    [RPC_FINE] = { "FINE", 0, RPC_EXIT_DONE, "done", "" },

    [RPC_PARSE] = { "PARSE", -32700, RPC_EXIT_FAILED, "the line is not JSON as RFC 8259 has it",
                    "send one UTF-8 JSON object per line" },
    [RPC_INVALID_REQUEST] = { "INVALID_REQUEST", -32600, RPC_EXIT_FAILED,
                              "the line is no JSON-RPC 2.0 request",
                              "send "
                              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":...,\"params\":{...}}" },
    [RPC_UNKNOWN_METHOD] = { "UNKNOWN_METHOD", -32601, RPC_EXIT_USAGE, "there is no such method",
                             "`ramage rpc rpc.discover` lists them all" },
    [RPC_BAD_PARAMS] = { "BAD_PARAMS", -32602, RPC_EXIT_USAGE,
                         "the parameters are not those of the method",
                         "`ramage rpc rpc.discover` describes them" },
    [RPC_INTERNAL] = { "INTERNAL", -32603, RPC_EXIT_FAILED, "something inside Ramage went wrong",
                       "please report it, with what you did before" },
    [RPC_LINE_TOO_LONG] = { "LINE_TOO_LONG", 801, RPC_EXIT_REFUSED, "the line is longer than 1 MiB",
                            "ask for less at a time" },
    [RPC_TOO_MANY_CLIENTS] = { "TOO_MANY_CLIENTS", 802, RPC_EXIT_REFUSED,
                               "too many programs are connected to the daemon",
                               "close some of them and try again" },

    [RPC_NO_IDENTITY] = { "NO_IDENTITY", 101, RPC_EXIT_FAILED, "there is no identity here yet",
                          "make one with `ramage new`, or try `ramage demo`" },
    [RPC_HAS_IDENTITY] = { "HAS_IDENTITY", 102, RPC_EXIT_FAILED,
                           "this home has an identity already",
                           "`ramage id` shows it; `ramage --home DIR new` makes another beside "
                           "it" },
    [RPC_LOCKED] = { "LOCKED", 501, RPC_EXIT_LOCKED, "Ramage is locked",
                     "open it with `ramage unlock`" },
    [RPC_WRONG_PASSPHRASE] = { "WRONG_PASSPHRASE", 502, RPC_EXIT_LOCKED,
                               "that is not the passphrase",
                               "try again; nobody can recover a lost passphrase" },
    [RPC_PASSPHRASE_EMPTY] = { "PASSPHRASE_EMPTY", 201, RPC_EXIT_USAGE, "a passphrase is needed",
                               "type one, or say --no-passphrase and read what that means" },
    [RPC_NO_PASSPHRASE_SET] = { "NO_PASSPHRASE_SET", 103, RPC_EXIT_FAILED,
                                "this home has no passphrase, so it cannot be locked",
                                "`ramage daemon stop` stops it instead" },
    [RPC_NO_MEMORY] = { "NO_MEMORY", 104, RPC_EXIT_FAILED,
                        "the machine has not enough free memory to work on the passphrase",
                        "close other programs and try again" },

    [RPC_BAD_NAME] = { "BAD_NAME", 202, RPC_EXIT_USAGE, "that cannot be a name",
                       "use 1 to 64 bytes of text without control characters, and no card" },
    [RPC_NAME_TAKEN] = { "NAME_TAKEN", 105, RPC_EXIT_FAILED,
                         "another contact has that name already", "choose another name" },
    [RPC_BAD_CARD] = { "BAD_CARD", 203, RPC_EXIT_USAGE,
                       "that is no valid card: a character is wrong or missing",
                       "ask for the card again and copy it whole; it begins with rmg1" },
    [RPC_OWN_CARD] = { "OWN_CARD", 204, RPC_EXIT_USAGE, "that is your own card",
                       "give it to your friend, and add the card your friend gives you" },
    [RPC_CONTACT_EXISTS] = { "CONTACT_EXISTS", 106, RPC_EXIT_FAILED,
                             "the owner of that card is among your contacts already",
                             "`ramage contact list` shows under which name" },
    [RPC_CONTACTS_FULL] = { "CONTACTS_FULL", 803, RPC_EXIT_REFUSED,
                            "there is room for 10,000 contacts and all of it is taken",
                            "remove some with `ramage contact remove`" },
    [RPC_BAD_ADDRESS] = { "BAD_ADDRESS", 205, RPC_EXIT_USAGE, "that is no address",
                          "write IP:PORT, such as 192.0.2.7:4711 or [2001:db8::7]:4711" },
    [RPC_ADDRESSES_FULL] = { "ADDRESSES_FULL", 804, RPC_EXIT_REFUSED,
                             "a contact has room for 8 addresses",
                             "remove the contact and add it again with fewer" },
    [RPC_NO_CONTACT] = { "NO_CONTACT", 301, RPC_EXIT_NOT_FOUND, "there is no such contact",
                         "`ramage contact list` shows them all" },
    [RPC_AMBIGUOUS_CONTACT] = { "AMBIGUOUS_CONTACT", 302, RPC_EXIT_NOT_FOUND,
                                "several contacts fit that name", "write the whole name" },

    [RPC_NO_MESSAGE] = { "NO_MESSAGE", 303, RPC_EXIT_NOT_FOUND, "there is no such message",
                         "`ramage read WHO --keep` shows messages with their ids" },
    [RPC_AMBIGUOUS_MESSAGE] = { "AMBIGUOUS_MESSAGE", 304, RPC_EXIT_NOT_FOUND,
                                "several messages begin like that", "write more of the id" },
    [RPC_TEXT_EMPTY] = { "TEXT_EMPTY", 206, RPC_EXIT_USAGE, "the message is empty",
                         "write `ramage send WHO \"text\"`, or `-` to read it from a pipe" },
    [RPC_TEXT_TOO_LONG] = { "TEXT_TOO_LONG", 805, RPC_EXIT_REFUSED,
                            "a message holds at most 64 KiB of text", "send it in parts" },
    [RPC_TEXT_NOT_UTF8] = { "TEXT_NOT_UTF8", 207, RPC_EXIT_USAGE,
                            "the message is no text: it is not UTF-8, or holds a NUL",
                            "convert it first, for example with iconv" },
    [RPC_OUTBOX_FULL] = { "OUTBOX_FULL", 806, RPC_EXIT_REFUSED,
                          "100,000 messages wait to be delivered, and that is the limit",
                          "wait until some are delivered; `ramage status` counts them" },
    [RPC_BAD_KEY] = { "BAD_KEY", 208, RPC_EXIT_USAGE, "a request key has 1 to 64 bytes",
                      "use a shorter one" },
    [RPC_NO_EVENT] = { "NO_EVENT", 305, RPC_EXIT_NOT_FOUND,
                       "there is no event with that number yet",
                       "use the `seq` of an event you have seen, or 0 for all" },

    [RPC_HOME_UNWRITABLE] = { "HOME_UNWRITABLE", 107, RPC_EXIT_FAILED,
                              "the home folder cannot be written",
                              "check that it is a folder of yours, or choose another with --home" },
    [RPC_HOME_UNSAFE] = { "HOME_UNSAFE", 108, RPC_EXIT_FAILED,
                          "the home folder belongs to somebody else or is open to others",
                          "make it yours alone with chmod 700, or choose another with --home" },
    [RPC_ALREADY_RUNNING] = { "ALREADY_RUNNING", 109, RPC_EXIT_FAILED,
                              "a daemon runs on this home already",
                              "use it as it is, or stop it with `ramage daemon stop`" },
    [RPC_PORT_IN_USE] = { "PORT_IN_USE", 110, RPC_EXIT_FAILED,
                          "another program uses that address and port",
                          "choose another port with --listen IP:PORT" },
    [RPC_NO_SUCH_LISTEN] = { "NO_SUCH_LISTEN", 111, RPC_EXIT_FAILED,
                             "this machine does not have that address",
                             "`ip address` shows those it has; 0.0.0.0 and [::] mean all of them" },
    [RPC_STORE_FULL] = { "STORE_FULL", 1001, RPC_EXIT_STORE, "the disk is full",
                         "free some space, then try again; nothing acknowledged is lost" },
    [RPC_STORE_DAMAGED] = { "STORE_DAMAGED", 1002, RPC_EXIT_STORE, "the database is damaged",
                            "put a copy of the home folder aside before anything else" },
    [RPC_STORE_TOO_NEW] = { "STORE_TOO_NEW", 1003, RPC_EXIT_STORE, "a newer Ramage wrote this home",
                            "use that release or a later one" },
    [RPC_STORE_BROKEN] = { "STORE_BROKEN", 1004, RPC_EXIT_STORE,
                           "the disk fails when Ramage reads or writes it",
                           "check the disk; the system's log may say more" },
    [RPC_STORE_UNSAFE] = { "STORE_UNSAFE", 1005, RPC_EXIT_STORE,
                           "the database library cannot encrypt, so nothing was written",
                           "build Ramage again with SQLCipher" },
    [RPC_VAULT_DAMAGED] = { "VAULT_DAMAGED", 1006, RPC_EXIT_STORE,
                            "the file that holds the wrapped master key is damaged",
                            "put a copy of the home folder aside before anything else" },
    [RPC_SHUTTING_DOWN] = { "SHUTTING_DOWN", 401, RPC_EXIT_NO_DAEMON, "the daemon is stopping",
                            "try again in a moment" },

    [RPC_USAGE] = { "USAGE", 209, RPC_EXIT_USAGE, "that is not how it is used",
                    "`ramage help` shows how" },
    [RPC_NO_DAEMON] = { "NO_DAEMON", 402, RPC_EXIT_NO_DAEMON, "no daemon runs on this home",
                        "start it with `ramage daemon start`" },
    [RPC_NO_ANSWER] = { "NO_ANSWER", 403, RPC_EXIT_NO_DAEMON, "the daemon does not answer",
                        "see `ramage daemon status`; `ramage daemon stop` and start it again" },
    [RPC_OTHER_API] = { "OTHER_API", 404, RPC_EXIT_NO_DAEMON,
                        "the running daemon belongs to another release of Ramage",
                        "stop it with the release that started it, then try again" },
    [RPC_NOT_YET] = { "NOT_YET", 601, RPC_EXIT_NOT_YET,
                      "the message is safe here, but did not get that far in time",
                      "it will be delivered when both are there; `ramage why ID` explains" },
    [RPC_GAP] = { "GAP", 807, RPC_EXIT_REFUSED,
                  "events came faster than they were read, so the stream was closed",
                  "go on with --since and the last number seen" },
    [RPC_INTERRUPTED] = { "INTERRUPTED", 13001, RPC_EXIT_INTERRUPTED, "interrupted", "" },
};

const struct rpc_error_row *rpc_error_row(enum rpc_error error)
{
    assert((size_t)error < COUNT(rows) && rows[error].name != NULL);
    return &rows[error];
}

enum rpc_error rpc_error_named(const char *name)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return (enum rpc_error)i;
    return RPC_INTERNAL;
}
