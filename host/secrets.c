/* The region that base/secret gives out: locked, guarded, and wiped whatever ends the process. */
#include "host/host.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"

#define REGION_BYTES ((size_t)4 << 20) /* below the 8 MiB that systems allow an ordinary user */
#define LEAST_BYTES  ((size_t)64 << 10)

/* What ends a process unless it is caught. */
static const int deadly[] = { SIGABRT, SIGBUS,  SIGFPE,  SIGHUP,  SIGILL,  SIGQUIT, SIGSEGV,
                              SIGSYS,  SIGTRAP, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGALRM };

/* Two guard pages of no rights around a region that comes neither into core dumps nor children. */
static uint8_t *map_region(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *whole = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED)
        return NULL;
    if (mprotect(whole + page, size, PROT_READ | PROT_WRITE) != 0) {
        munmap(whole, size + 2 * page);
        return NULL;
    }
    madvise(whole + page, size, MADV_DONTDUMP);
    madvise(whole + page, size, MADV_WIPEONFORK);
    return whole + page;
}

static bool lock_region(uint8_t *region, size_t size)
{
    /* Each page when it is first touched, so that what nobody uses costs nothing. */
    return mlock2(region, size, MLOCK_ONFAULT) == 0 || mlock(region, size) == 0;
}

/* The handler is gone when it runs, so raising the signal again ends the process as it would have
   ended. wipe and raise are all it calls: it may have interrupted anything. */
static void on_deadly(int number)
{
    secret_wipe_all();
    raise(number);
}

static void catch_what_kills(void)
{
    struct sigaction action = { .sa_handler = on_deadly, .sa_flags = (int)SA_RESETHAND };
    for (size_t i = 0; i < COUNT(deadly); i++) {
        struct sigaction before;
        /* Ignored by whoever started us, or somebody's who reports it: both stay. */
        if (sigaction(deadly[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(deadly[i], &action, NULL);
    }
}

size_t host_secrets_begin(void)
{
    size_t size = REGION_BYTES;
    uint8_t *region = map_region(size);
    if (region == NULL)
        return 0;
    while (size >= LEAST_BYTES && !lock_region(region, size))
        size /= 2;
    bool locked = size >= LEAST_BYTES;
    secret_region(region, locked ? size : REGION_BYTES);
    catch_what_kills();
    return locked ? size : 0;
}

void host_secrets_end(void)
{
    secret_wipe_all();
}
