#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

static struct store_invitation sample(bool ours)
{
    return (struct store_invitation){ .ours = ours,
                                      .state = INVITATION_OPEN,
                                      .has_secret = true,
                                      .secret = { 7 },
                                      .host = { 9 },
                                      .name = "bob",
                                      .introduced = "ada",
                                      .made = 5,
                                      .ends = NEVER,
                                      .changed = 6 };
}

static void test_an_invitation_is_kept_as_it_was_given(void)
{
    struct store_invitation first = sample(true), out;
    fixture_begin(&home, NULL);
    CHECK_INT(store_invitation_next(home.store, 0, &out), FAULT_GONE);
    CHECK_INT(store_invitation_add(home.store, &first), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_invitation_get(home.store, first.row, &out), FAULT_NONE);
    CHECK(out.row == first.row && out.ours && out.state == INVITATION_OPEN && out.has_secret);
    CHECK_BYTES(out.secret, first.secret, sizeof out.secret);
    CHECK_BYTES(out.host, first.host, sizeof out.host);
    CHECK_TEXT(out.name, "bob");
    CHECK_TEXT(out.introduced, "ada");
    CHECK(out.contact == 0 && out.made == 5 && out.ends == NEVER && out.changed == 6);
    CHECK_INT(store_invitation_next(home.store, 0, &out), FAULT_NONE);
    CHECK_INT(out.row, first.row);
    CHECK_INT(store_invitation_next(home.store, first.row, &out), FAULT_GONE);
    fixture_end(&home);
}

static void test_one_that_is_over_keeps_no_secret(void)
{
    struct store_invitation row = sample(false), out;
    fixture_begin(&home, NULL);
    row.contact = fixture_contact(&home, "bob");
    CHECK_INT(store_invitation_add(home.store, &row), FAULT_NONE);
    row.state = INVITATION_TAKEN;
    row.has_secret = false;
    CHECK_INT(store_invitation_update(home.store, &row), FAULT_NONE);
    CHECK_INT(store_invitation_of(home.store, row.contact, &out), FAULT_NONE);
    CHECK(!out.has_secret && out.secret[0] == 0 && out.state == INVITATION_TAKEN && !out.ours);
    row.row++;
    CHECK_INT(store_invitation_update(home.store, &row), FAULT_GONE);
    fixture_end(&home);
}

static void test_it_goes_with_its_contact(void)
{
    struct store_invitation row = sample(true), out;
    fixture_begin(&home, NULL);
    row.contact = fixture_contact(&home, "bob");
    CHECK_INT(store_invitation_add(home.store, &row), FAULT_NONE);
    CHECK_INT(store_contact_remove(home.store, row.contact), FAULT_NONE);
    CHECK_INT(store_invitation_get(home.store, row.row, &out), FAULT_GONE);
    fixture_end(&home);
}

static size_t count(void)
{
    struct store_invitation out = { 0 };
    size_t all = 0;
    while (store_invitation_next(home.store, out.row, &out) == FAULT_NONE)
        all++;
    return all;
}

/* Open ones are never forgotten for others; of those that are over the newest stay. */
static void test_there_is_a_most(void)
{
    struct store_invitation row = sample(true);
    fixture_begin(&home, NULL);
    for (size_t i = 0; i < STORE_INVITATIONS_OPEN; i++)
        CHECK_INT(store_invitation_add(home.store, &row), FAULT_NONE);
    CHECK_INT(store_invitation_add(home.store, &row), FAULT_BUSY);
    int64_t first = row.row;
    for (size_t i = 0; i < STORE_INVITATIONS_KEPT + 20; i++) {
        row.state = INVITATION_CLOSED;
        row.has_secret = false;
        CHECK_INT(store_invitation_update(home.store, &row), FAULT_NONE);
        row.state = INVITATION_OPEN;
        row.has_secret = true;
        CHECK_INT(store_invitation_add(home.store, &row), FAULT_NONE);
    }
    CHECK_INT(count(), STORE_INVITATIONS_OPEN + STORE_INVITATIONS_KEPT - 1);
    CHECK_INT(store_invitation_get(home.store, first, &row), FAULT_GONE);
    fixture_end(&home);
}

TESTS(TEST(test_an_invitation_is_kept_as_it_was_given), TEST(test_one_that_is_over_keeps_no_secret),
      TEST(test_it_goes_with_its_contact), TEST(test_there_is_a_most))
