/* What two sides say arrives, each message once, in whatever order. */
#include "base/mem.h"
#include "engine/crypto/fixture.h"
#include "tests/test.h"

static void test_two_sides_talk(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 1);
    CHECK(ratchet_can_step(talk.side[0]) && !ratchet_can_step(talk.side[1]));
    CHECK(!ratchet_heard(talk.side[0]) && !ratchet_heard(talk.side[1]));
    CHECK_INT(ratchet_turns(talk.side[0]), 1);
    for (int i = 0; i < 3; i++) {
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
    }
    CHECK(ratchet_heard(talk.side[1]) && ratchet_can_step(talk.side[1]));
    talk_rounds(&talk, 200);
    CHECK_INT(ratchet_turns(talk.side[0]), 200);
    talk_end(&talk);
}

TESTS(TEST(test_two_sides_talk))
