#include "apps/daemon/sandbox.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------------------------ */

/* Debian 12's header knows ABI 2; later kernels know more kinds of access. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* ABI 3 */
#endif
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13) /* ABI 2 */
#endif

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING                                                                                    \
    (READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                    \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define EVERYTHING_OF_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* The cipher library reads its settings, if any, when it is first used. */
static const char *const readable[] = { "/etc/ssl", "/usr/lib/ssl",
#if SANDBOX_WATCHED
                                        "/proc"
#endif
};

/* What getaddrinfo(3) reads. Modules of nsswitch.conf(5) beside `files` and `dns` are libraries
   that cannot be loaded any more; the next in line is asked then, and `dns` is part of the C
   library. Its sockets are ordinary ones. */
static const char *const of_names[] = { "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf",
                                        "/etc/gai.conf", "/etc/resolv.conf" };

static uint64_t handled_by(long abi)
{
    uint64_t handled = EVERYTHING_OF_ABI_1;
    if (abi >= 2)
        handled |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        handled |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return handled;
}

static void allow(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr beneath = { .allowed_access = access };
    beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
}

/* Whoever writes resolv.conf replaces it when the network changes, and a rule holds for the file as
   it is now. Where it is a link, its true folder belongs to that program and may be read whole. */
static void allow_names(int rules)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < COUNT(of_names); i++)
        allow(rules, of_names[i], LANDLOCK_ACCESS_FS_READ_FILE);
    if (realpath("/etc/resolv.conf", path) == NULL)
        return;
    *strrchr(path, '/') = '\0';
    if (strncmp(path, "/run/", 5) == 0)
        allow(rules, path, READING);
}

static bool limit_files(const char *home, const char *socket_folder, bool names)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return false;
    struct landlock_ruleset_attr attributes = { .handled_access_fs = handled_by(abi) };
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes,
                             sizeof attributes.handled_access_fs, 0);
    if (rules < 0)
        return false;
    uint64_t truncating = attributes.handled_access_fs & LANDLOCK_ACCESS_FS_TRUNCATE;
    if (home != NULL)
        allow(rules, home, WRITING | truncating);
    if (socket_folder != NULL)
        allow(rules, socket_folder, LANDLOCK_ACCESS_FS_REMOVE_FILE); /* its socket, at the end */
    if (names)
        allow_names(rules);
    for (size_t i = 0; i < COUNT(readable); i++)
        allow(rules, readable[i], READING);
    bool limited = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return limited;
}

/* --- calls ------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif /* others: nobody tried yet */

#if SANDBOX_WATCHED
#undef OUR_ARCHITECTURE
#endif

#ifdef OUR_ARCHITECTURE
/* A list of what is refused, not of what is allowed: libraries of two distributions and their
   successors choose their calls freely, and a daemon killed by an update protects nobody. */
static const int refused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_personality,
    SYS_acct,
    SYS_quotactl,
    SYS_syslog,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_setdomainname,
};
static const unsigned families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

#define FILTER_ROOM  (8 + 2 * COUNT(refused) + 2 * COUNT(families) + 4)
#define DATA(member) ((uint32_t)offsetof(struct seccomp_data, member))
#define X32_BIT      0x40000000u /* the same machine's other numbering of calls */

struct filter {
    struct sock_filter steps[FILTER_ROOM];
    unsigned short size;
};

static void step(struct filter *filter, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    filter->steps[filter->size++] = (struct sock_filter)BPF_JUMP(code, value, yes, no);
}

static void end_with(struct filter *filter, uint32_t verdict)
{
    step(filter, BPF_RET | BPF_K, verdict, 0, 0);
}

static void build(struct filter *filter)
{
    const uint32_t load = BPF_LD | BPF_W | BPF_ABS, equal = BPF_JMP | BPF_JEQ | BPF_K;
    const uint32_t refusal = SECCOMP_RET_ERRNO | EPERM;
    step(filter, load, DATA(arch), 0, 0);
    step(filter, equal, OUR_ARCHITECTURE, 1, 0);
    end_with(filter, refusal);
    step(filter, load, DATA(nr), 0, 0);
    step(filter, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    end_with(filter, refusal);
    for (size_t i = 0; i < COUNT(refused); i++) {
        step(filter, equal, (uint32_t)refused[i], 0, 1);
        end_with(filter, refusal);
    }
    step(filter, equal, SYS_socket, 1, 0);
    end_with(filter, SECCOMP_RET_ALLOW);
    step(filter, load, DATA(args[0]), 0, 0); /* the low half: families are small */
    for (size_t i = 0; i < COUNT(families); i++) {
        step(filter, equal, families[i], 0, 1);
        end_with(filter, SECCOMP_RET_ALLOW);
    }
    end_with(filter, refusal);
}

static void limit_calls(void)
{
    struct filter filter = { .size = 0 };
    build(&filter);
    struct sock_fprog program = { .len = filter.size, .filter = filter.steps };
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void limit_calls(void)
{
}
#endif

void sandbox_keep_private(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
#if !SANDBOX_WATCHED
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

void sandbox_prepare(void)
{
    umask(077);
    /* Now, not in sandbox_enter: libuv makes an io_uring at once where it may, and ends the process
       when it may not use it later. Without one it goes on as on older kernels. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        limit_calls();
}

struct sandbox_got sandbox_enter(const char *home, const char *socket_folder, bool names)
{
    struct sandbox_got got = { false, false };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return got;
    got.files = limit_files(home, socket_folder, names);
    got.calls = prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
    return got;
}
