#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rpc/rpc.h"

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/ramage-place-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
}

static void test_the_default_home_meets_in_the_runtime_folder(void)
{
    struct rpc_place place;
    setenv("XDG_DATA_HOME", "/nowhere/data", 1);
    setenv("XDG_RUNTIME_DIR", "/nowhere/run", 1);
    unsetenv("RAMAGE_HOME");
    CHECK(rpc_place_find(NULL, &place));
    CHECK_TEXT(place.home, "/nowhere/data/ramage");
    CHECK_TEXT(place.socket, "/nowhere/run/ramage/control");
    unsetenv("XDG_RUNTIME_DIR");
    CHECK(rpc_place_find("", &place));
    CHECK_TEXT(place.socket, "/nowhere/data/ramage/control");
    setenv("XDG_DATA_HOME", "relative", 1); /* counts as unset */
    setenv("HOME", "/nowhere/me", 1);
    CHECK(rpc_place_find(NULL, &place));
    CHECK_TEXT(place.home, "/nowhere/me/.local/share/ramage");
}

static void test_another_home_meets_inside_itself(void)
{
    struct rpc_place place;
    setenv("XDG_RUNTIME_DIR", "/nowhere/run", 1);
    setenv("RAMAGE_HOME", "/nowhere/b", 1);
    CHECK(rpc_place_find(NULL, &place));
    CHECK_TEXT(place.home, "/nowhere/b");
    CHECK_TEXT(place.socket, "/nowhere/b/control");
    CHECK(rpc_place_find("/nowhere/c", &place)); /* the option outranks the environment */
    CHECK_TEXT(place.socket, "/nowhere/c/control");
}

static void test_a_long_home_meets_under_a_short_name(void)
{
    struct rpc_place place, other;
    char home[300] = "/nowhere/";
    memset(home + strlen(home), 'x', 200);
    setenv("XDG_RUNTIME_DIR", "/nowhere/run", 1);
    CHECK(rpc_place_find(home, &place));
    CHECK(strncmp(place.socket, "/nowhere/run/ramage/", 20) == 0);
    home[100] = 'y';
    CHECK(rpc_place_find(home, &other));
    CHECK(strcmp(place.socket, other.socket) != 0);
    unsetenv("XDG_RUNTIME_DIR");
    CHECK(rpc_place_find(home, &place));
    CHECK(strncmp(place.socket, "/tmp/ramage-", 12) == 0);
}

static void test_two_spellings_of_a_home_are_one(void)
{
    struct rpc_place a, b;
    char path[128];
    make_folder();
    snprintf(path, sizeof path, "%s/link", folder);
    CHECK(symlink(folder, path) == 0);
    snprintf(path, sizeof path, "%s/link/home", folder);
    CHECK(rpc_place_find(path, &a));
    snprintf(path, sizeof path, "%s/home", folder);
    CHECK(rpc_place_find(path, &b));
    CHECK_TEXT(a.socket, b.socket);
    CHECK(chdir(folder) == 0);
    CHECK(rpc_place_find("home", &a));
    CHECK_TEXT(a.home, b.home);
    snprintf(path, sizeof path, "%s/link", folder);
    unlink(path);
    rmdir(folder);
}

static void test_a_folder_open_to_others_is_refused(void)
{
    struct rpc_place place = { 0 };
    make_folder();
    snprintf(place.socket, sizeof place.socket, "%s/s/control", folder);
    CHECK(rpc_place_prepare(&place)); /* made */
    CHECK(rpc_place_prepare(&place)); /* there already */
    char inner[80];
    snprintf(inner, sizeof inner, "%s/s", folder);
    chmod(inner, 0755);
    CHECK(!rpc_place_prepare(&place));
    rmdir(inner);
    CHECK(symlink("/", inner) == 0);
    CHECK(!rpc_place_prepare(&place));
    unlink(inner);
    rmdir(folder);
}

TESTS(TEST(test_the_default_home_meets_in_the_runtime_folder),
      TEST(test_another_home_meets_inside_itself), TEST(test_a_long_home_meets_under_a_short_name),
      TEST(test_two_spellings_of_a_home_are_one), TEST(test_a_folder_open_to_others_is_refused))
