/* Sessions between two devices: crossing starts, losses, thefts. docs/protocol.md, "Sessions of a
   pair". */
#include "engine/chat/fixture.h"
#include "engine/chat/message.h"
#include "engine/chat/own.h"
#include "engine/chat/session.h"
#include "tests/test.h"

#include "base/mem.h"

static struct sessions *with(struct side *side)
{
    struct sessions *sessions = sessions_with(side->chat, side->contact, side->device);
    CHECK(sessions != NULL);
    return sessions;
}

static bool same_session(void)
{
    struct session *one = sessions_active(with(&alice)), *other = sessions_active(with(&bob));
    return one != NULL && other != NULL &&
           memcmp(one->row.id, other->row.id, sizeof one->row.id) == 0;
}

static bool same_pair_secret(void)
{
    struct store_contact one, other;
    CHECK(store_contact_get(alice.store, alice.contact, &one) == FAULT_NONE);
    CHECK(store_contact_get(bob.store, bob.contact, &other) == FAULT_NONE);
    return one.has_pair && other.has_pair && memcmp(one.pair, other.pair, sizeof one.pair) == 0;
}

static void check_all_is_well(void)
{
    CHECK(same_session());
    CHECK(same_pair_secret());
    CHECK(trusted_now());
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    CHECK_INT(chat_owed_count(bob.chat, 0), 0);
}

static void test_a_link_alone_begins_a_session(void)
{
    friends();
    CHECK(!trusted_now());
    connect_both();
    exchange();
    check_all_is_well();
    CHECK(sessions_active(with(&alice))->row.initiator); /* she called */
    CHECK_INT(with(&bob)->count, 1);
    part();
}

static void test_the_called_one_waits_for_the_callers_start(void)
{
    friends();
    say(&bob, "I write first");
    connect_both();
    exchange();
    wait_for(10 * SECOND);
    CHECK_INT(with(&alice)->count, 1);
    CHECK_INT(with(&bob)->count, 1);
    CHECK_TEXT(heard(&alice), "I write first ");
    check_all_is_well();
    part();
}

static void test_crossing_starts_converge(void)
{
    friends();
    /* Both seal while they are apart: each begins a session. */
    say(&alice, "from alice");
    next_frame(&alice);
    now += 3 * SECOND;
    say(&bob, "from bob");
    next_frame(&bob);
    CHECK(!same_session());
    connect_both();
    exchange();
    CHECK(strstr(heard(&alice), "from bob") != NULL && strstr(heard(&bob), "from alice") != NULL);
    check_all_is_well();
    wait_for(2 * HOUR);
    check_all_is_well();
    CHECK_INT(event_count(&alice, EVENT_SESSION_RESET) + event_count(&bob, EVENT_SESSION_RESET), 0);
    CHECK_INT(with(&alice)->count, 2);
    part();
}

static void test_a_sealed_message_needs_no_answer_to_be_read(void)
{
    friends();
    int64_t row = say(&alice, "while you sleep");
    next_frame(&alice);
    CHECK(state_of(&alice, row) == MESSAGE_SEALED);
    side_reopen(&alice);
    wait_for(20 * DAY); /* the bundle has a successor by now; its secrets live on */
    connect_both();
    exchange();
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    check_all_is_well();
    part();
}

static void test_what_was_sealed_for_a_bundle_too_old_is_sealed_anew(void)
{
    friends();
    int64_t row = say(&alice, "long ago");
    wait_for(7 * DAY);
    next_frame(&alice);
    CHECK(chat_advance(bob.chat, now) == FAULT_NONE);
    now += 26 * DAY; /* Bob is on: his first bundle is erased 24 days after its successor is out */
    CHECK(chat_advance(bob.chat, now) == FAULT_NONE);
    connect_both();
    exchange();
    wait_for(10 * SECOND);
    exchange();
    /* 33 days: it has expired; what matters is that they can talk. */
    CHECK(state_of(&alice, row) != MESSAGE_SEALED);
    int64_t fresh = say(&alice, "and now");
    exchange();
    CHECK(state_of(&alice, fresh) == MESSAGE_DELIVERED);
    CHECK(same_session() && trusted_now());
    part();
}

/* --- losses ----------------------------------------------------------------------------------- */

/* Bob's disk died: he is back with what he had before they ever talked. */
static void test_a_device_that_lost_its_sessions_begins_anew_and_nothing_is_lost(void)
{
    friends();
    side_copy(&bob, "before");
    connect_both();
    exchange();
    say(&alice, "old");
    exchange();
    cut_both();
    int64_t row = say(&alice, "sealed for what is lost");
    next_frame(&alice);
    side_restore(&bob, "before");
    wait_for(2 * HOUR);
    CHECK(!trusted_now());
    connect_both();
    exchange();
    wait_for(20 * SECOND);
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    check_all_is_well();
    CHECK_INT(event_count(&alice, EVENT_SESSION_RESET), 1);
    struct chat_safety safety;
    CHECK(chat_safety(alice.chat, alice.contact, &safety) == ANSWER_DONE && safety.reset != 0);
    part();
}

static void test_resets_are_made_at_most_once_an_hour(void)
{
    friends();
    connect_both();
    exchange();
    cut_both();
    side_copy(&bob, "kept");
    for (size_t i = 0; i < 5; i++) { /* and again he falls back to the same state */
        connect_both();
        say(&alice, "on we go");
        say(&bob, "yes");
        exchange();
        say(&alice, "further");
        exchange();
        cut_both();
        side_copy(&bob, "later");
        wait_for(MINUTE);
    }
    CHECK(event_count(&alice, EVENT_SESSION_RESET) <= 1);
    part();
}

/* T-14: a copy of the past is put back. What it seals uses no nonce twice, and the others see a
   reset, not a mess. */
static void test_T14_a_restored_copy_is_seen_as_a_reset_and_goes_on(void)
{
    friends();
    connect_both();
    exchange();
    cut_both();
    side_copy(&bob, "copy");
    connect_both();
    for (size_t i = 0; i < 8; i++) {
        say(&alice, "a");
        exchange();
        say(&bob, "b");
        exchange();
    }
    cut_both();
    wait_for(2 * HOUR);
    side_restore(&bob, "copy");
    int64_t row = say(&alice, "do you hear me");
    int64_t his = say(&bob, "I am back");
    connect_both();
    exchange();
    wait_for(HOUR + 20 * SECOND);
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    CHECK(state_of(&bob, his) == MESSAGE_DELIVERED);
    check_all_is_well();
    part();
}

/* T-17: somebody copied Bob's device whole. Bob goes on; the clone then calls. */
static void test_T17_a_clone_is_out_after_a_round_trip_and_its_return_is_visible(void)
{
    friends();
    connect_both();
    exchange();
    cut_both();
    side_copy(&bob, "clone");
    connect_both();
    say(&alice, "one");
    exchange();
    say(&bob, "two");
    exchange();
    say(&alice, "three");
    exchange();
    cut_both();
    wait_for(2 * HOUR);
    CHECK_INT(event_count(&alice, EVENT_SESSION_RESET), 0);
    /* What Alice says now the clone cannot open: it must begin a session, and that shows. */
    side_restore(&bob, "clone");
    say(&alice, "secret");
    connect_both();
    exchange();
    CHECK(strstr(heard(&bob), "secret") == NULL);
    wait_for(20 * SECOND);
    CHECK(event_count(&alice, EVENT_SESSION_RESET) >= 1);
    part();
}

/* --- who may say what ------------------------------------------------------------------------- */

/* T-21: a link without the secret of the session carries no talk until something proves it. */
static void test_T21_an_unproved_link_gets_starts_and_records_only(void)
{
    friends();
    connect_both();
    exchange();
    cut_both();
    say(&alice, "for Bob alone");
    next_frame(&alice);
    struct news news = { .kind = NEWS_UP,
                         .contact = alice.contact,
                         .device = alice.device,
                         .we_called = true,
                         .trusted = false };
    CHECK(chat_learn(alice.chat, now, &news) == FAULT_NONE);
    for (struct bytes frame; (frame = next_frame(&alice)).size > 0;)
        CHECK(frame.data[0] == FRAME_RECORD || frame.data[0] == FRAME_START);
    part();
}

/* T-09: a device that the account no longer lists gets no keys and is not let in. */
static void test_T09_an_unlisted_device_gets_nothing(void)
{
    struct certificate certificate;
    struct store_device device;
    struct dh_pair link;
    struct sign_pair other;
    uint8_t wire[CERTIFICATE_BYTES];
    bool fresh;
    friends();
    sign_pair_make(&other, &rng);
    dh_pair_make(&link, &rng);
    certificate_write(wire, &bob.account_pair, &other, link.public, LINK_ROLE_CONTACT, 20500,
                      20507);
    CHECK(certificate_read(&certificate, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(chat_device_seen(alice.chat, now, &certificate, wire, 9, &device, &fresh) == FAULT_PEER);
    CHECK(chat_device_next(alice.chat, alice.device, &device) == ANSWER_NO_CONTACT);
    part();
}

static struct bytes list_of_bob(uint8_t memory[DEVICES_MAX_BYTES], uint64_t counter,
                                const uint8_t previous[HASH_BYTES])
{
    struct devices list;
    struct bytes newest;
    CHECK(lists_newest((struct bytes){ bob.chat->own->lists, bob.chat->own->lists_size }, &list,
                       &newest) == FAULT_NONE);
    list.counter = counter;
    list.valid_until++;
    memcpy(list.previous, previous, HASH_BYTES);
    return (struct bytes){ memory, devices_write(memory, &list, &bob.account_pair) };
}

static enum fault offer_lists(struct bytes list)
{
    static uint8_t frame[RECORD_MAX_BYTES + 1], lists[STORE_LIST_MAX_BYTES];
    struct cursor out = cursor_into(frame, sizeof frame);
    struct record record;
    struct store_device device;
    struct bytes wire = chat_record(bob.chat, now);
    CHECK(record_read(&record, wire) == FAULT_NONE);
    record.lists = lists_add(lists, (struct bytes){ lists, 0 }, list);
    record_write(&record, &out);
    CHECK(store_device_get(alice.store, alice.device, &device) == FAULT_NONE);
    return contact_take_record(alice.chat, now, &device, cursor_written(&out));
}

static void test_T10_older_forked_and_gapped_lists_are_refused(void)
{
    static const uint8_t none[HASH_BYTES];
    uint8_t memory[DEVICES_MAX_BYTES], third[DEVICES_MAX_BYTES], hash[HASH_BYTES];
    struct list_head held;
    friends();
    CHECK(contact_head(alice.chat, alice.contact, &held) == FAULT_NONE && held.counter == 1);
    CHECK(offer_lists(list_of_bob(memory, 1, none)) == FAULT_PEER); /* another with that number */
    CHECK_INT(event_count(&alice, EVENT_LIST_FORKED), 1);
    CHECK(offer_lists(list_of_bob(memory, 2, none + 0)) == FAULT_PEER);  /* upon another */
    CHECK(offer_lists(list_of_bob(memory, 3, held.hash)) == FAULT_PEER); /* one is missing */
    struct bytes second = list_of_bob(memory, 2, held.hash);
    CHECK(offer_lists(second) == FAULT_NONE);
    devices_hash(hash, second);
    CHECK(offer_lists(list_of_bob(third, 3, hash)) == FAULT_NONE);
    CHECK(offer_lists(second) == FAULT_PEER);                       /* older */
    CHECK(offer_lists(list_of_bob(third, 12, hash)) == FAULT_NONE); /* long away: a checkpoint */
    part();
}

/* T-10: the split shows as soon as an honest message gets through. */
static void test_T10_a_head_that_differs_raises_the_alarm(void)
{
    friends();
    connect_both();
    exchange();
    bob.chat->own->head.hash[0] ^= 1; /* Bob holds another list than the one Alice was given */
    say(&bob, "hello");
    exchange();
    CHECK_INT(event_count(&alice, EVENT_LIST_FORKED), 1);
    CHECK(chat_judge(bob.chat, now, bob.contact, true) == ANSWER_DONE);
    say(&bob, "again");
    exchange();
    CHECK_INT(event_count(&alice, EVENT_LIST_FORKED), 1); /* told once */
    part();
}

/* What was written before waits, what is written now is refused, and what he says still comes. */
static void test_nothing_is_sealed_for_whom_a_person_distrusts(void)
{
    struct store_message message;
    friends();
    connect_both();
    exchange();
    cut_both();
    say(&alice, "before");
    CHECK(chat_judge(alice.chat, now, alice.contact, false) == ANSWER_DONE);
    CHECK_INT(chat_write(alice.chat, now, alice.contact, bytes_of_text("after"), NULL, &message),
              ANSWER_STOPPED);
    connect_both();
    say(&bob, "hello");
    exchange();
    wait_for(HOUR);
    exchange();
    CHECK(strstr(heard(&alice), "hello") != NULL);
    CHECK(strstr(heard(&bob), "before") == NULL);
    CHECK(chat_judge(alice.chat, now, alice.contact, true) == ANSWER_DONE);
    exchange();
    CHECK(strstr(heard(&bob), "before") != NULL);
    part();
}

/* --- hostile cells ---------------------------------------------------------------------------- */

/* T-04: whatever is wrong with a cell, nothing comes of it, and the right one still opens. */
static void test_T04_a_damaged_cell_changes_nothing(void)
{
    friends();
    connect_both();
    exchange();
    say(&alice, "whole");
    struct bytes frame = next_frame(&alice);
    uint8_t *copy = mem_copy(frame.data, frame.size);
    size_t size = frame.size;
    for (size_t at = 1; at < size; at += at < 200 ? 1 : 97) {
        copy[at] ^= 1;
        learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, size });
        copy[at] ^= 1;
        CHECK_TEXT(heard(&bob), "");
        CHECK_INT(next_frame(&bob).size, 0);
    }
    for (size_t cut = 0; cut < size; cut += 511) /* and T-28: no length but the right ones */
        learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, cut });
    CHECK_TEXT(heard(&bob), "");
    learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, size });
    CHECK_TEXT(heard(&bob), "whole ");
    mem_free(copy);
    part();
}

/* T-03: what a device sealed, offered back to it, is not taken for the other's. */
static void test_T03_a_cell_reflected_is_not_opened(void)
{
    friends();
    connect_both();
    exchange();
    say(&alice, "echo");
    struct bytes frame = next_frame(&alice);
    uint8_t *copy = mem_copy(frame.data, frame.size);
    learn(&alice, NEWS_RECEIVED, (struct bytes){ copy, frame.size });
    CHECK_TEXT(heard(&alice), "echo ");
    CHECK_INT(event_count(&alice, EVENT_MESSAGE_RECEIVED), 0);
    mem_free(copy);
    part();
}

/* T-05 and T-25 at this level: a start that comes again is the same session. */
static void test_a_start_that_comes_again_begins_nothing(void)
{
    friends();
    say(&alice, "first flight");
    connect_both();
    uint8_t *start = NULL;
    size_t size = 0;
    for (struct bytes frame; (frame = next_frame(&alice)).size > 0;) {
        uint8_t *copy = mem_copy(frame.data, frame.size);
        learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, frame.size });
        if (frame.data[0] == FRAME_START) {
            mem_free(start);
            start = mem_copy(copy, frame.size);
            size = frame.size;
        }
        mem_free(copy);
    }
    CHECK(start != NULL);
    exchange();
    for (size_t i = 0; i < 3; i++)
        learn(&bob, NEWS_RECEIVED, (struct bytes){ start, size });
    CHECK_INT(with(&bob)->count, 1);
    CHECK_TEXT(heard(&bob), "first flight ");
    /* Nor when the session is long gone. */
    CHECK(store_session_remove(bob.store, with(&bob)->all[0]->row.row) == FAULT_NONE);
    sessions_forget(bob.chat, bob.contact);
    learn(&bob, NEWS_RECEIVED, (struct bytes){ start, size });
    CHECK_INT(with(&bob)->count, 0);
    mem_free(start);
    part();
}

static void begin_anew(struct side *side)
{
    CHECK(session_start(side->chat, now, with(side), true) == FAULT_NONE);
    say(side, "again");
}

/* Each start costs its receiver a row for weeks, a look for people, and all that was sealed. */
static void test_a_device_cannot_begin_sessions_without_end(void)
{
    enum { minutes = 100 };
    friends();
    connect_both();
    exchange();
    for (size_t i = 0; i < minutes; i++) {
        now += MINUTE + SECOND;
        begin_anew(&alice);
        carry(&alice, &bob, false);
        carry(&bob, &alice, true);
    }
    size_t resets = event_count(&bob, EVENT_SESSION_RESET);
    CHECK(resets >= 10 &&
          resets <= SESSION_STARTS_AT_ONCE + minutes * MINUTE / SESSION_STARTS_PAUSE);
    now += SESSION_STARTS_PAUSE;
    begin_anew(&alice);
    exchange();
    CHECK(same_session());
    part();
}

/* Where no more starts can be remembered, nothing is left behind of one that was refused. */
static void test_a_start_that_cannot_be_remembered_begins_nothing(void)
{
    struct store_prekey prekey;
    uint8_t hash[HASH_BYTES] = { 0 };
    friends();
    CHECK(store_prekey_newest(bob.store, &prekey) == FAULT_NONE);
    for (uint32_t i = 0; i < STORE_SEEN_MAX; i++) {
        memcpy(hash, &i, sizeof i);
        CHECK(store_seen_add(bob.store, hash, prekey.id, hash) == FAULT_NONE);
    }
    connect_both();
    for (size_t i = 0; i < STORE_SESSIONS_MAX + 1; i++) {
        begin_anew(&alice);
        carry(&alice, &bob, false);
    }
    CHECK_INT(with(&bob)->count, 0);
    side_reopen(&bob);
    CHECK_INT(with(&bob)->count, 0);
    part();
}

/* --- ranks and foreign words ------------------------------------------------------------------ */

static void seal_ahead(duration by)
{
    now += by;
    say(&alice, "from the future");
    next_frame(&alice);
    now -= by;
    connect_both();
    exchange();
}

static void test_a_clock_that_is_years_ahead_keeps_nobody_out(void)
{
    friends();
    seal_ahead(700 * DAY);
    CHECK_TEXT(heard(&bob), "from the future ");
    say(&bob, "so soon?");
    exchange();
    check_all_is_well();
    part();
}

static void test_a_rank_beyond_every_clock_begins_nothing(void)
{
    friends();
    seal_ahead(4000 * DAY);
    CHECK_INT(with(&bob)->count, 0);
    CHECK_TEXT(heard(&bob), "");
    part();
}

/* What Bob seals by hand for Alice, as a contact who means harm can. */
static void offer_by_hand(struct bytes message)
{
    static uint8_t frame[1 + CELL_LEAST_BYTES], content[CELL_LEAST_BYTES];
    struct session *session = sessions_active(with(&bob));
    struct content_head head = { .ours = bob.chat->own->head };
    struct ratchet_step step;
    CHECK(ratchet_step(session->ratchet, now, &rng, &step) == FAULT_NONE);
    size_t size = CELL_LEAST_BYTES - step.header_size - RATCHET_BODY_EXTRA_BYTES;
    struct cursor out = cursor_into(content, size);
    content_begin(&out, &head);
    content_put(&out, ITEM_MESSAGE, message);
    content_end(&out);
    frame[0] = FRAME_CELL;
    ratchet_seal(frame + 1, session->row.id, &step, cursor_written(&out), &rng);
    learn(&alice, NEWS_RECEIVED, BYTES_OF(frame));
}

static void test_words_for_another_conversation_are_refused_with_their_cell(void)
{
    uint8_t memory[256];
    struct message message = { .height = 1, .text = bytes_of_text("not for you") };
    friends();
    connect_both();
    exchange();
    for (int right = 0; right < 2; right++) {
        struct cursor out = cursor_into(memory, sizeof memory);
        conversation_id(message.conversation, alice.card.account,
                        right ? bob.card.account : alice.card.account);
        message_write(&message, &out);
        offer_by_hand(cursor_written(&out));
        CHECK_TEXT(heard(&alice), right ? "not for you " : "");
        CHECK(right == (next_frame(&alice).size > 0)); /* acknowledged only then */
    }
    memory[0] = 9; /* nor what is no message of this version */
    offer_by_hand((struct bytes){ memory, 60 });
    CHECK_INT(next_frame(&alice).size, 0);
    part();
}

TESTS(TEST(test_a_link_alone_begins_a_session),
      TEST(test_the_called_one_waits_for_the_callers_start), TEST(test_crossing_starts_converge),
      TEST(test_a_sealed_message_needs_no_answer_to_be_read),
      TEST(test_what_was_sealed_for_a_bundle_too_old_is_sealed_anew),
      TEST(test_a_device_that_lost_its_sessions_begins_anew_and_nothing_is_lost),
      TEST(test_resets_are_made_at_most_once_an_hour),
      TEST(test_T14_a_restored_copy_is_seen_as_a_reset_and_goes_on),
      TEST(test_T17_a_clone_is_out_after_a_round_trip_and_its_return_is_visible),
      TEST(test_T21_an_unproved_link_gets_starts_and_records_only),
      TEST(test_T09_an_unlisted_device_gets_nothing),
      TEST(test_T10_older_forked_and_gapped_lists_are_refused),
      TEST(test_nothing_is_sealed_for_whom_a_person_distrusts),
      TEST(test_T10_a_head_that_differs_raises_the_alarm),
      TEST(test_T04_a_damaged_cell_changes_nothing), TEST(test_T03_a_cell_reflected_is_not_opened),
      TEST(test_a_start_that_comes_again_begins_nothing),
      TEST(test_a_device_cannot_begin_sessions_without_end),
      TEST(test_a_start_that_cannot_be_remembered_begins_nothing),
      TEST(test_a_clock_that_is_years_ahead_keeps_nobody_out),
      TEST(test_a_rank_beyond_every_clock_begins_nothing),
      TEST(test_words_for_another_conversation_are_refused_with_their_cell))
