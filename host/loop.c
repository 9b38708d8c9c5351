/* The loop, and the rounds in which it drives a node: see host.h. */
#include "host/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RUNS_PER_ROUND 64     /* of datagrams; then others get their turn */
#define FAREWELL       SECOND /* for clients to take what they wait for when we stop */

/* --- the timer -------------------------------------------------------------------------------- */

/* A timerfd because libuv's timers count milliseconds, which is too coarse for pacing packets, and
   stand still while the machine sleeps. */
static void arm(struct host *host)
{
    instant deadline = host->node == NULL ? NEVER : node_deadline(host->node);
    if (deadline == host->timer_at)
        return;
    host->timer_at = deadline;
    struct itimerspec at = { 0 };
    if (deadline != NEVER) {
        uint64_t boot = clock_boot_time(&host->clock, deadline);
        at.it_value.tv_sec = (time_t)(boot / SECOND);
        at.it_value.tv_nsec = (long)(boot % SECOND);
    }
    int set = timerfd_settime(host->timer, TFD_TIMER_ABSTIME, &at, NULL);
    assert(set == 0);
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
    struct host *host = poll->data;
    uint64_t times;
    (void)status, (void)events;
    if (read(host->timer, &times, sizeof times) < 0)
        return; /* moved meanwhile */
    host->timer_at = NEVER;
    host_touch(host);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void tell_events(struct host *host)
{
    struct node_event event;
    while (host->node != NULL && node_next_event(host->node, host_now(host), &event))
        if (host->settings.hooks.event != NULL)
            host->settings.hooks.event(host->settings.hooks.self, &event);
}

/* True: there may be more, but others first. */
static bool send_datagrams(struct host *host)
{
    struct datagrams run;
    for (int i = 0; i < RUNS_PER_ROUND; i++) {
        if (host->node == NULL || !wires_ready(host) ||
            !node_next_datagrams(host->node, host_now(host), &run))
            return false;
        if (!wires_send(host, &run))
            return false; /* a round comes when the kernel has taken it */
    }
    return true;
}

/* One round. A hook may release the node, so each step looks again. */
static void take_round(struct host *host)
{
    enum fault fault = FAULT_NONE;
    host->round_due = false;
    if (host->node != NULL) {
        instant now = host_now(host);
        if (node_deadline(host->node) <= now)
            node_advance(host->node, now);
        fault = node_settle(host->node);
    }
    if (host->settings.hooks.settled != NULL)
        host->settings.hooks.settled(host->settings.hooks.self, fault);
    if (fault == FAULT_NONE) {
        if (send_datagrams(host))
            host->round_due = true;
        tell_events(host);
        /* Letting out may have settled more: a store that failed there is told in the next round.
         */
        if (host->node != NULL && node_trouble(host->node) != STORE_FINE)
            host->round_due = true;
    }
    server_flush(host);
    arm(host);
}

static void before_sleep(uv_prepare_t *prepare)
{
    struct host *host = prepare->data;
    if (host->round_due)
        take_round(host);
    /* What is still due must not wait for the next arrival. */
    if (host->round_due)
        uv_async_send(&host->wake);
}

static void after_sleep(uv_check_t *check)
{
    struct host *host = check->data;
    if (host->round_due)
        take_round(host);
}

void host_touch(struct host *host)
{
    host->round_due = true;
}

void host_drive(struct host *host, struct node *node)
{
    assert(host->node == NULL);
    host->node = node;
    moves_tell(host);
    host_touch(host);
}

struct node *host_release(struct host *host)
{
    struct node *node = host->node;
    struct datagrams run;
    /* The last words of links. What the kernel cannot take now is lost, as networks lose: bounded.
     */
    for (int i = 0; i < RUNS_PER_ROUND * RUNS_PER_ROUND && node != NULL && wires_ready(host) &&
                    node_next_datagrams(node, host_now(host), &run);
         i++)
        wires_send(host, &run);
    host->node = NULL;
    arm(host);
    return node;
}

/* --- life ------------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *signal, int number)
{
    struct host *host = signal->data;
    (void)number;
    if (host->settings.hooks.stop != NULL)
        host->settings.hooks.stop(host->settings.hooks.self);
}

static void on_wake(uv_async_t *wake)
{
    (void)wake;
}

static bool start_handles(struct host *host)
{
    host->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (host->timer < 0)
        return false;
    uv_loop_t *loop = &host->loop;
    int failed =
        uv_poll_init(loop, &host->timer_poll, host->timer) != 0 ||
        uv_prepare_init(loop, &host->before) != 0 || uv_check_init(loop, &host->after) != 0 ||
        uv_async_init(loop, &host->wake, on_wake) != 0 ||
        uv_timer_init(loop, &host->farewell) != 0 || uv_signal_init(loop, &host->interrupt) != 0 ||
        uv_signal_init(loop, &host->terminate) != 0;
    if (failed)
        return false;
    host->timer_poll.data = host->before.data = host->after.data = host;
    host->farewell.data = host->interrupt.data = host->terminate.data = host;
    return uv_poll_start(&host->timer_poll, UV_READABLE, on_timer) == 0 &&
           uv_prepare_start(&host->before, before_sleep) == 0 &&
           uv_check_start(&host->after, after_sleep) == 0 &&
           uv_signal_start(&host->interrupt, on_signal, SIGINT) == 0 &&
           uv_signal_start(&host->terminate, on_signal, SIGTERM) == 0;
}

struct host *host_create(const struct host_settings *settings)
{
    struct host *host = mem_zeroed(1, sizeof *host);
    host->settings = *settings;
    host->timer = host->moves = host->lan = -1;
    host->memory = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    host->timer_at = NEVER;
    list_init(&host->clients);
    clock_start(&host->clock);
    log_start(&host->log, settings->verbose);
    host->rng = rng_of_system();
    signal(SIGPIPE, SIG_IGN); /* a client that left is an error of write, not our end */
    /* One worker is all we use, each costs a stack and an arena; libuv reads this at its first job.
     */
    setenv("UV_THREADPOOL_SIZE", "1", 0);
    if (uv_loop_init(&host->loop) != 0) {
        close(host->memory);
        mem_free(host);
        return NULL;
    }
    if (!start_handles(host)) {
        host_destroy(host);
        return NULL;
    }
    return host;
}

static void close_rest(uv_handle_t *handle, void *argument)
{
    (void)argument;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void host_destroy(struct host *host)
{
    if (host == NULL)
        return;
    host->settings.hooks = (struct host_hooks){ 0 };
    server_close(host);
    wires_close(host);
    moves_close(host);
    lan_close(host);
    uv_walk(&host->loop, close_rest, NULL);
    uv_run(&host->loop, UV_RUN_DEFAULT); /* until every handle is closed and all work is done */
    int closed = uv_loop_close(&host->loop);
    assert(closed == 0);
    if (host->timer >= 0)
        close(host->timer);
    if (host->memory >= 0)
        close(host->memory);
    udp_batch_destroy(host->batch);
    mem_free(host->read_memory);
    mem_free(host);
}

static void end_farewell(uv_timer_t *timer)
{
    struct host *host = timer->data;
    host->in_farewell = false;
}

void host_run(struct host *host)
{
    while (!host->stopping)
        uv_run(&host->loop, UV_RUN_ONCE);
    server_flush(host);
    host->in_farewell = true;
    uv_timer_start(&host->farewell, end_farewell, FAREWELL / MILLISECOND, 0);
    while (host->in_farewell && server_busy(host))
        uv_run(&host->loop, UV_RUN_ONCE);
    uv_timer_stop(&host->farewell);
}

void host_stop(struct host *host)
{
    host->stopping = true;
    uv_async_send(&host->wake);
}

instant host_now(struct host *host)
{
    return clock_now(&host->clock);
}

struct rng *host_rng(struct host *host)
{
    return &host->rng;
}

/* Through a descriptor opened at the start: a process that gave up its rights cannot open it. */
size_t host_resident_bytes(const struct host *host)
{
    char text[128] = { 0 };
    unsigned long size, resident;
    if (host->memory < 0 || pread(host->memory, text, sizeof text - 1, 0) <= 0 ||
        sscanf(text, "%lu %lu", &size, &resident) != 2)
        return 0;
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

struct log *host_log(struct host *host)
{
    return &host->log;
}

/* --- work beside the loop --------------------------------------------------------------------- */

struct job {
    uv_work_t request;
    void (*run)(void *work);
    void (*done)(void *work);
    void *work;
};

static void run_job(uv_work_t *request)
{
    struct job *job = request->data;
    job->run(job->work);
}

static void end_job(uv_work_t *request, int status)
{
    struct job *job = request->data;
    (void)status;
    job->done(job->work);
    mem_free(job);
}

void host_work(struct host *host, void (*run)(void *work), void (*done)(void *work), void *work)
{
    struct job *job = mem_zeroed(1, sizeof *job);
    *job = (struct job){ .run = run, .done = done, .work = work };
    job->request.data = job;
    int queued = uv_queue_work(&host->loop, &job->request, run_job, end_job);
    assert(queued == 0);
}
