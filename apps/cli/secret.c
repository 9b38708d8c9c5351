/* Passphrases and interruptions: typed unseen, never an argument, never in the environment. */
#include "apps/cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

void watch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: waits must end */
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct sigaction before;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) /* nohup, or a shell's background job */
            sigaction(numbers[i], &action, NULL);
    }
    rpc_client_interrupt_on(&interrupted);
}

void unwatch_signals(void)
{
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct sigaction before;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler == on_signal)
            signal(numbers[i], SIG_DFL);
    }
}

bool was_interrupted(void)
{
    return interrupted != 0;
}

bool may_ask(const struct cli *cli)
{
    if (given(cli, OPTION_NO_INPUT) || (isatty(STDIN_FILENO) != 1 && isatty(STDERR_FILENO) != 1))
        return false;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0)
        close(terminal);
    return terminal >= 0;
}

/* Reads up to a newline or the end. False: longer than the maximum, or interrupted. */
static bool read_secret(int descriptor, struct secret *out)
{
    *out = (struct secret){ 0 };
    for (;;) {
        char byte;
        ssize_t got = read(descriptor, &byte, 1);
        if (got < 0 && errno == EINTR && !was_interrupted())
            continue;
        if (got < 0)
            return false;
        if (got == 0 || byte == '\n')
            return true;
        if (out->size == RPC_PASSPHRASE_MAX_BYTES)
            return false;
        out->text[out->size++] = byte;
    }
}

enum rpc_error secret_prompt(const char *question, struct secret *out)
{
    struct termios before, silent;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    *out = (struct secret){ 0 };
    if (terminal < 0 || tcgetattr(terminal, &before) != 0) {
        if (terminal >= 0)
            close(terminal);
        return RPC_PASSPHRASE_EMPTY;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    silent.c_cc[VSUSP] = _POSIX_VDISABLE; /* Ctrl-Z would leave the shell without echo */
    tcsetattr(terminal, TCSAFLUSH, &silent);
    ssize_t shown = write(terminal, question, strlen(question));
    bool good = shown >= 0 && read_secret(terminal, out);
    tcsetattr(terminal, TCSAFLUSH, &before);
    shown = write(terminal, "\n", 1);
    close(terminal);
    if (was_interrupted())
        return RPC_INTERRUPTED;
    return good && shown >= 0 ? RPC_FINE : RPC_WRONG_PASSPHRASE;
}

bool secret_from_descriptor(struct cli *cli, struct secret *out)
{
    int64_t descriptor;
    if (!whole_from(value(cli, OPTION_PASSPHRASE_FD), 1 << 20, &descriptor))
        return fail_usage(cli, "--passphrase-fd needs the number of an open descriptor"), false;
    if (fcntl((int)descriptor, F_GETFD) < 0)
        return fail_usage(cli, "descriptor %d is not open", (int)descriptor), false;
    if (!read_secret((int)descriptor, out)) {
        wipe(out, sizeof *out);
        if (was_interrupted())
            return refuse(cli, RPC_INTERRUPTED);
        return fail_usage(cli, "a passphrase has at most %d bytes", RPC_PASSPHRASE_MAX_BYTES),
               false;
    }
    if (out->size == 0)
        return refuse(cli, RPC_PASSPHRASE_EMPTY);
    return true;
}
