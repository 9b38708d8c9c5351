#include "host/host.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "tests/test.h"

#define SECRET_BYTES 100

static pid_t in_child(void (*run)(uint8_t *secret, int out), uint8_t **secret)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        host_secrets_begin();
        uint8_t *mine = secret_new(SECRET_BYTES);
        memset(mine, 0x5a, SECRET_BYTES);
        if (write(ends[1], &mine, sizeof mine) == sizeof mine)
            run(mine, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    CHECK(read(ends[0], secret, sizeof *secret) == sizeof *secret);
    close(ends[0]);
    return child;
}

static int end_of(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

/* --- what the kernel was told -------------------------------------------------------------------
 */

/* The flags of the mapping that holds this address, as smaps spells them; see proc(5). */
static void flags_of(const void *address, char flags[512])
{
    char line[500];
    unsigned long long from = 0, to = 0, first, second;
    FILE *maps = fopen("/proc/self/smaps", "r");
    CHECK(maps);
    flags[0] = '\0';
    while (flags[0] == '\0' && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%llx-%llx ", &first, &second) == 2)
            from = first, to = second;
        bool here = from <= (uintptr_t)address && (uintptr_t)address < to;
        if (here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, 512, "%s", line + 8);
    }
    fclose(maps);
}

static void look_at_flags(uint8_t *secret, int out)
{
    char flags[512];
    (void)out;
    flags_of(secret, flags);
    bool good = strstr(flags, " dd") && strstr(flags, " wf") && strstr(flags, " lo");
    if (!good)
        print_message("flags:%s\n", flags);
    _exit(good ? 0 : 1);
}

static void test_T27_secrets_are_locked_and_in_no_core_dump_and_no_child(void)
{
    uint8_t *secret;
    int status = end_of(in_child(look_at_flags, &secret));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void look_in_child(uint8_t *secret, int out)
{
    (void)out;
    pid_t child = fork();
    if (child == 0)
        _exit(secret[0] == 0 ? 0 : 1);
    _exit(WEXITSTATUS(end_of(child)));
}

static void test_T27_a_child_has_none_of_them(void)
{
    uint8_t *secret;
    int status = end_of(in_child(look_in_child, &secret));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

__attribute__((no_sanitize("address"))) static void run_off_the_end(uint8_t *secret, int out)
{
    (void)out;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would explain it at length */
    volatile uint8_t *at = secret;
    for (size_t i = 0; i < (size_t)8 << 20; i++)
        at[i] = 1;
}

static void test_writing_past_the_region_ends_the_process(void)
{
    uint8_t *secret;
    int status = end_of(in_child(run_off_the_end, &secret));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* --- the last act -------------------------------------------------------------------------------
 */

static int number_to_raise;

static void be_killed(uint8_t *secret, int out)
{
    (void)secret, (void)out;
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(number_to_raise);
}

static size_t left_in(pid_t child, const uint8_t *secret)
{
    char path[64];
    uint8_t found[SECRET_BYTES];
    size_t left = 0;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)child);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(memory >= 0);
    CHECK(pread(memory, found, sizeof found, (off_t)(uintptr_t)secret) == sizeof found);
    close(memory);
    for (size_t i = 0; i < sizeof found; i++)
        left += found[i] != 0;
    return left;
}

/* The debugger's view: stopped as the signal comes, and again as it comes for the second time. */
static void test_T27_a_signal_that_kills_wipes_them_first(void)
{
    static const int numbers[] = { SIGABRT, SIGHUP, SIGQUIT };
    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint8_t *secret;
        number_to_raise = numbers[i];
        signal(numbers[i], SIG_DFL); /* nohup(1) would have it ignored */
        pid_t child = in_child(be_killed, &secret);
        int status = end_of(child);
        CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == numbers[i]);
        CHECK_INT(left_in(child, secret), SECRET_BYTES);
        CHECK(ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)numbers[i]) == 0);
        status = end_of(child);
        CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == numbers[i]);
        CHECK_INT(left_in(child, secret), 0);
        CHECK(ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)numbers[i]) == 0);
        status = end_of(child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
    }
}

static void end_well(uint8_t *secret, int out)
{
    (void)out;
    host_secrets_end();
    for (size_t i = 0; i < SECRET_BYTES; i++)
        if (secret[i] != 0)
            _exit(1);
}

static void test_T27_an_orderly_end_wipes_them(void)
{
    uint8_t *secret;
    int status = end_of(in_child(end_well, &secret));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TESTS(TEST(test_T27_secrets_are_locked_and_in_no_core_dump_and_no_child),
      TEST(test_T27_a_child_has_none_of_them), TEST(test_writing_past_the_region_ends_the_process),
      TEST(test_T27_a_signal_that_kills_wipes_them_first), TEST(test_T27_an_orderly_end_wipes_them))
