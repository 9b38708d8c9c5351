/* Invitations by four spoken words. What they are stretched to takes a moment and much memory on
   purpose, so that is done beside the loop. */
#include "apps/daemon/inside.h"

#include "base/mem.h"
#include "base/secret.h"

#include <stdio.h>
#include <string.h>

#define WORD_SHOWN 64 /* bytes */

struct job {
    struct daemon *daemon;
    uint64_t client; /* who asked; may be gone when it is done */
    json_t *id;
    int64_t invitation; /* the host's; 0: it is a guest's */
    enum words_language language;
    uint16_t code[WORDS_COUNT];
    uint64_t hour; /* the first of those tried */
    char name[STORE_NAME_MAX_BYTES + 1], introduced[STORE_NAME_MAX_BYTES + 1];
    bool good;
    uint8_t stretched[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES];
};

static uint64_t hour_of(struct daemon *daemon)
{
    return host_now(daemon->host) / HOUR;
}

static struct job *job_create(struct call *call)
{
    struct job *job = secret_new(sizeof *job);
    job->daemon = call->daemon;
    job->client = host_client_number(call->client->host);
    job->id = json_deep_copy(call->id);
    return job;
}

static void stretch(void *work)
{
    struct job *job = work;
    size_t hours = job->invitation != 0 ? 1 : MEET_SPOKEN_HOURS;
    job->good = true;
    for (size_t i = 0; i < hours && job->good; i++)
        job->good = words_stretch(job->stretched + i * WORDS_KEY_BYTES, job->language, job->code,
                                  job->hour + i);
}

static enum rpc_error speak(struct job *job, json_t **result)
{
    struct daemon *daemon = job->daemon;
    char text[WORDS_TEXT_MAX + 1];
    instant now = host_now(daemon->host);
    enum answer answer = node_spoken_host(daemon->node, now, job->invitation, job->stretched);
    if (answer != ANSWER_DONE)
        return error_of_answer(daemon, answer);
    words_write(text, job->language, job->code);
    *result =
        json_pack("{s:s, s:o}", "words", text, "until", show_time(after(now, MEET_SPOKEN_FOR)));
    wipe(text, sizeof text);
    return RPC_FINE;
}

static enum rpc_error listen(struct job *job, json_t **result)
{
    struct daemon *daemon = job->daemon;
    enum answer answer = node_spoken_guest(daemon->node, host_now(daemon->host), job->stretched,
                                           job->name, job->introduced);
    *result = json_object();
    return error_of_answer(daemon, answer);
}

static void end_job(void *work)
{
    struct job *job = work;
    struct daemon *daemon = job->daemon;
    struct client *client = client_numbered(daemon, job->client);
    json_t *result = NULL;
    enum rpc_error error = job->good ? RPC_FINE : RPC_NO_MEMORY;
    if (error == RPC_FINE && daemon->state != DAEMON_READY)
        error = RPC_LOCKED; /* locked or stopped meanwhile */
    if (error == RPC_FINE)
        error = job->invitation != 0 ? speak(job, &result) : listen(job, &result);
    if (client != NULL) {
        client->jobs--;
        client_answer(client, job->id, error, result, NULL, NULL);
    } else {
        json_decref(result);
    }
    json_decref(job->id);
    secret_free(job);
}

static enum rpc_error begin(struct call *call, struct job *job)
{
    host_work(call->daemon->host, stretch, end_job, job);
    call->later = true;
    return RPC_FINE;
}

enum rpc_error invitation_speak(struct call *call)
{
    const char *language = rpc_text(call->params, "language");
    bool french = language != NULL && strcmp(language, "fr") == 0;
    if (language != NULL && !french && strcmp(language, "en") != 0) {
        call->sentence = "words are spoken in \"en\" or \"fr\"";
        return RPC_BAD_PARAMS;
    }
    struct job *job = job_create(call);
    job->invitation = rpc_whole(call->params, "id", 0);
    job->language = french ? WORDS_FRENCH : WORDS_ENGLISH;
    job->hour = hour_of(call->daemon);
    words_pick(job->code, host_rng(call->daemon->host));
    return begin(call, job);
}

static void copy_name(char out[STORE_NAME_MAX_BYTES + 1], const char *text)
{
    /* One byte too many is as bad a name as the whole of it. */
    snprintf(out, STORE_NAME_MAX_BYTES + 1, "%s", text != NULL ? text : "");
}

/* The word that is none, or how many are missing, so that a person need not look for it. */
static void name_wrong(struct call *call, size_t wrong)
{
    static const char between[] = " \t\r\n-";
    const char *at = rpc_text(call->params, "words");
    at += strspn(at, between);
    for (size_t i = 0; i < wrong; i++) {
        at += strcspn(at, between);
        at += strspn(at, between);
    }
    size_t size = strcspn(at, between);
    if (size == 0)
        snprintf(call->own, sizeof call->own, "these are %zu words, and it takes four", wrong);
    else if (size <= WORD_SHOWN) /* else it may not be cut: it is UTF-8 */
        snprintf(call->own, sizeof call->own, "\"%.*s\" is none of the words, or one too many",
                 (int)size, at);
    else
        return;
    call->sentence = call->own;
}

/* Clocks may differ by an hour: the last, this one and the next are tried. */
enum rpc_error invitation_hear(struct call *call)
{
    const char *name = rpc_text(call->params, "name");
    const char *introduced = rpc_text(call->params, "introduce");
    struct job *job = job_create(call);
    size_t wrong;
    enum rpc_error error = RPC_FINE;
    if ((name != NULL && strlen(name) > STORE_NAME_MAX_BYTES) ||
        (introduced != NULL && strlen(introduced) > STORE_NAME_MAX_BYTES))
        error = RPC_BAD_NAME;
    else if (words_read(rpc_text(call->params, "words"), &job->language, job->code, &wrong) !=
             FAULT_NONE)
        error = RPC_BAD_WORDS;
    if (error != RPC_FINE) {
        if (error == RPC_BAD_WORDS)
            name_wrong(call, wrong);
        json_decref(job->id);
        secret_free(job);
        return error;
    }
    copy_name(job->name, name);
    copy_name(job->introduced, introduced);
    job->hour = hour_of(call->daemon) - 1;
    return begin(call, job);
}

enum rpc_error invitation_heard(struct call *call)
{
    static const char *const states[] = {
        [SPOKEN_NONE] = "none",     [SPOKEN_SEEKS] = "seeking",   [SPOKEN_JOINED] = "joined",
        [SPOKEN_FAILED] = "failed", [SPOKEN_REFUSED] = "refused", [SPOKEN_NOBODY] = "nobody",
    };
    struct daemon *daemon = call->daemon;
    struct meet_spoken spoken;
    struct node_invitation invitation;
    enum answer answer = node_spoken_look(daemon->node, host_now(daemon->host), &spoken);
    if (answer == ANSWER_DONE && spoken.state == SPOKEN_REFUSED)
        answer = spoken.refused;
    if (answer != ANSWER_DONE)
        return error_of_answer(daemon, answer);
    if (spoken.state == SPOKEN_FAILED)
        return RPC_WORDS_FAILED;
    call->result = json_pack("{s:s}", "state", states[spoken.state]);
    if (spoken.state == SPOKEN_JOINED &&
        node_invitation_get(daemon->node, spoken.invitation, &invitation) == ANSWER_DONE) {
        json_object_set_new(call->result, "invitation", show_invitation(daemon, &invitation));
        wipe(&invitation, sizeof invitation);
    }
    return RPC_FINE;
}
