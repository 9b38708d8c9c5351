#include "host/host.h"
#include "tests/test.h"

#include "base/mem.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/ramage-home-XXXXXX";
static char inside[sizeof folder + 16];

static struct host_home *home_of(const char *path)
{
    struct host_home *home;
    CHECK(host_home_open(path, &home) == HOST_FINE);
    return home;
}

static void test_a_home_is_made_private_with_its_parents(void)
{
    struct stat facts;
    CHECK(mkdtemp(folder) != NULL);
    snprintf(inside, sizeof inside, "%s/a/b", folder);
    struct host_home *home = home_of(inside);
    CHECK_TEXT(host_home_path(home), inside);
    CHECK(stat(inside, &facts) == 0);
    CHECK_INT(facts.st_mode & 0777, 0700);
    host_home_close(home);
    CHECK(chmod(inside, 0755) == 0);
    host_home_close(home_of(inside));
    CHECK(stat(inside, &facts) == 0);
    CHECK_INT(facts.st_mode & 0777, 0700); /* made private again */
}

static void test_one_process_holds_it_at_a_time(void)
{
    struct host_home *home = home_of(inside), *again;
    CHECK(host_home_open(inside, &again) == HOST_HOME_TAKEN);
    CHECK(again == NULL);
    host_home_close(home);
    host_home_close(home_of(inside));
}

static void test_what_was_written_is_read_and_replaced_whole(void)
{
    struct host_home *home = home_of(inside);
    char out[16];
    size_t size;
    CHECK(host_home_read(home, "vault", out, sizeof out, &size) == HOST_ABSENT);
    CHECK(host_home_write(home, "vault", bytes_of_text("first and longer")) == HOST_FINE);
    CHECK(host_home_read(home, "vault", out, sizeof out, &size) == HOST_FINE);
    CHECK_INT(size, 16);
    CHECK(host_home_read(home, "vault", out, 15, &size) == HOST_BROKEN);
    CHECK(host_home_write(home, "vault", bytes_of_text("second")) == HOST_FINE);
    CHECK(host_home_read(home, "vault", out, sizeof out, &size) == HOST_FINE);
    CHECK_INT(size, 6);
    CHECK_BYTES(out, "second", 6);
    CHECK(host_home_rename(home, "vault", "aside") == HOST_FINE);
    CHECK(host_home_rename(home, "vault", "aside") == HOST_ABSENT);
    host_home_close(home);
}

static void test_no_link_is_followed_out_of_it(void)
{
    struct host_home *home = home_of(inside);
    char *path = host_home_file(home, "led");
    char out[16];
    size_t size;
    CHECK(symlink("/etc/passwd", path) == 0);
    CHECK(host_home_read(home, "led", out, sizeof out, &size) == HOST_UNWRITABLE);
    CHECK(unlink(path) == 0);
    mem_free(path);
    host_home_close(home);
}

static void test_a_file_in_its_place_is_refused(void)
{
    struct host_home *home;
    char path[sizeof inside + 8];
    snprintf(path, sizeof path, "%s/aside", inside);
    CHECK(host_home_open(path, &home) == HOST_UNWRITABLE);
    snprintf(path, sizeof path, "%s/aside/x", inside);
    CHECK(host_home_open(path, &home) == HOST_UNWRITABLE);
}

/* --- disks that are full or read-only, in a mount namespace of a child's own ------------------ */

static void in_own_mounts(void (*story)(void))
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        bool own = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
        if (own && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
            mount("tmpfs", folder, "tmpfs", 0, "size=64k") == 0)
            story(); /* a failed check ends the child with an error */
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fill_the_disk(void)
{
    char path[sizeof folder + 8], block[4096] = { 0 };
    snprintf(path, sizeof path, "%s/fill", folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        continue;
    close(fd);
}

static void story_of_a_full_disk(void)
{
    static uint8_t large[HOST_FILE_MAX_BYTES];
    char out[16];
    size_t size;
    struct host_home *home = home_of(inside);
    CHECK(host_home_write(home, "vault", bytes_of_text("kept")) == HOST_FINE);
    fill_the_disk();
    CHECK(host_home_write(home, "vault", BYTES_OF(large)) == HOST_FULL);
    CHECK(host_home_read(home, "vault", out, sizeof out, &size) == HOST_FINE);
    CHECK_INT(size, 4);
    CHECK(host_home_read(home, "vault.new", out, sizeof out, &size) == HOST_ABSENT);
    host_home_close(home);
}

static void story_of_a_read_only_disk(void)
{
    struct host_home *home;
    CHECK(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK(host_home_open(inside, &home) == HOST_UNWRITABLE);
}

static void test_a_full_disk_is_told_and_keeps_what_was(void)
{
    in_own_mounts(story_of_a_full_disk);
}

static void test_a_read_only_disk_is_told(void)
{
    in_own_mounts(story_of_a_read_only_disk);
}

static void test_a_file_anywhere_is_replaced_whole(void)
{
    char path[sizeof inside + 16], draft[sizeof path + 8], out[16];
    size_t size;
    snprintf(path, sizeof path, "%s/nodes", folder);
    snprintf(draft, sizeof draft, "%s.new", path);
    CHECK(host_file_read(path, out, sizeof out, &size) == HOST_ABSENT);
    CHECK(host_file_write(path, bytes_of_text("first and longer")) == HOST_FINE);
    CHECK(host_file_write(path, bytes_of_text("second")) == HOST_FINE);
    CHECK(host_file_read(path, out, sizeof out, &size) == HOST_FINE && size == 6);
    CHECK(memcmp(out, "second", 6) == 0 && access(draft, F_OK) != 0);
    CHECK(host_file_read(path, out, 5, &size) == HOST_BROKEN);
    CHECK(unlink(path) == 0);
    snprintf(path, sizeof path, "%s/nowhere/nodes", folder);
    CHECK(host_file_read(path, out, sizeof out, &size) == HOST_UNWRITABLE);
    CHECK(host_file_write(path, bytes_of_text("x")) == HOST_UNWRITABLE);
    CHECK(host_file_write("/proc/nodes", bytes_of_text("x")) != HOST_FINE);
    CHECK(host_file_read(folder, out, sizeof out, &size) != HOST_FINE); /* a folder */
}

TESTS(TEST(test_a_home_is_made_private_with_its_parents),
      TEST(test_a_file_anywhere_is_replaced_whole), TEST(test_one_process_holds_it_at_a_time),
      TEST(test_what_was_written_is_read_and_replaced_whole),
      TEST(test_no_link_is_followed_out_of_it), TEST(test_a_file_in_its_place_is_refused),
      TEST(test_a_full_disk_is_told_and_keeps_what_was), TEST(test_a_read_only_disk_is_told))
