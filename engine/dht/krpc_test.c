/* What the BEPs print, what programs of others were seen to send, and what nobody should. */
#include "engine/dht/krpc.h"
#include "engine/dht/bencode.h"
#include "tests/test.h"

#include <stdio.h>

#define ASKER    "abcdefghij0123456789" /* as in BEP 5 */
#define ANSWERER "0123456789abcdefghij"
#define PLACE    "mnopqrstuvwxyz123456"
#define ID(text) "2:id20:" text

static struct krpc decoded(struct bytes text)
{
    struct krpc message;
    CHECK_INT(krpc_decode(text, &message), KRPC_READ);
    return message;
}

static struct krpc read_text(const char *text)
{
    return decoded(bytes_of_text(text));
}

static enum krpc_read what_is(const char *text)
{
    struct krpc message;
    return krpc_decode(bytes_of_text(text), &message);
}

static bool is_text(struct bytes bytes, const char *text)
{
    return bytes_equal(bytes, bytes_of_text(text));
}

static struct dht_id id_of(const char *text)
{
    struct dht_id id;
    CHECK_INT(strlen(text), sizeof id.bytes);
    memcpy(id.bytes, text, sizeof id.bytes);
    return id;
}

static void check_written(const struct krpc *message, const char *text)
{
    uint8_t wire[DHT_DATAGRAM_MAX];
    size_t size = krpc_encode(message, wire, sizeof wire);
    CHECK(bytes_equal((struct bytes){ wire, size }, bytes_of_text(text)));
    CHECK(bencode_is_canonical((struct bytes){ wire, size }));
}

/* --- what is printed in the BEPs -------------------------------------------------------------- */

static const char *const printed[] = {
    /* BEP 5 */
    "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qe",
    "d1:rd" ID(PLACE) "e1:t2:aa1:y1:re",
    "d1:ad" ID(ASKER) "6:target20:" PLACE "e1:q9:find_node1:t2:aa1:y1:qe",
    "d1:ad" ID(ASKER) "9:info_hash20:" PLACE "e1:q9:get_peers1:t2:aa1:y1:qe",
    "d1:rd" ID(ASKER) "5:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
    "d1:ad" ID(ASKER) "12:implied_porti1e9:info_hash20:" PLACE
                      "4:porti6881e4:seedi0e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe",
    "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
    /* BEP 32, 33, 43, 44, 51 */
    "d1:ad" ID(ASKER) "6:target20:" PLACE "4:wantl2:n42:n6ee1:q9:find_node1:t2:aa1:y1:qe",
    "d1:ad" ID(ASKER) "9:info_hash20:" PLACE "6:noseedi1e6:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe",
    "d1:ad" ID(ASKER) "e1:q4:ping2:roi1e1:t2:aa1:y1:qe",
    "d1:ad" ID(ASKER) "3:seqi4e6:target20:" PLACE "e1:q3:get1:t2:aa1:y1:qe",
    "d1:ad" ID(ASKER) "5:token8:aoeusnth1:v12:Hello World!e1:q3:put1:t2:aa1:y1:qe",
    "d1:ad" ID(ASKER) "6:target20:" PLACE "e1:q17:sample_infohashes1:t2:aa1:y1:qe",
    "d1:rd" ID(ASKER) "8:intervali300e5:nodes0:3:numi2e7:samples20:" PLACE "e1:t2:aa1:y1:re",
};

static void test_what_is_printed_is_read_and_written_again(void)
{
    for (size_t i = 0; i < COUNT(printed); i++) {
        struct krpc message = read_text(printed[i]);
        CHECK(is_text(message.tid, "aa"));
        check_written(&message, printed[i]);
    }
}

/* Seen in a network of their own: libtorrent 2.0.8, Transmission 3.00, aria2 1.36. Ours would be
   the same bytes, but for the version. */
static const char *const seen[] = {
    /* libtorrent asks: get peers */
    "64313a6164323a696432303a5bc07fe3a29f09821207b6f4571073881e090219393a696e666f5f686173"
    "6832303a306c27d2df88cef3288544b614c43b100dffdc4965313a71393a6765745f7065657273313a74"
    "323ac013313a76343a4c540208313a79313a7165",
    /* libtorrent asks: announce peer-seed */
    "64313a6164323a696432303a5bc07fe3a29f09821207b6f4571073881e09021931323a696d706c696564"
    "5f706f7274693165393a696e666f5f6861736832303afbc259d1f78c5cc26c64e0bfd6c19ff56bd84a7f"
    "343a706f7274693638383165343a73656564693065353a746f6b656e383adaf6c690f05ed7ea65313a71"
    "31333a616e6e6f756e63655f70656572313a74323a124c313a76343a4c540208313a79313a7165",
    /* libtorrent answers */
    "64323a6970363a97000107ec23313a7264323a696432303a86a685745f4639164e965fa26d5706fe10a3"
    "60d8313a706936303435316565313a74343a61623132313a76343a4c540208313a79313a7265",
    /* libtorrent6 answers */
    "64323a697031383a2a0b0007000000000000000000000007eb1f313a7264323a696432303a8003372b2f"
    "85a2eb959cd728a16f074bca1b1775313a706936303139316565313a74343a61623132313a76343a4c54"
    "0208313a79313a7265",
    /* libtorrent, invalid token */
    "64313a656c693230336531333a696e76616c696420746f6b656e65323a6970363a97000307abd6313a72"
    "64323a696432303a86a685745f4639164e965fa26d5706fe10a360d8313a706934333939306565313a74"
    "343a61623132313a76343a4c540208313a79313a6565",
    /* libtorrent, invalid value for i */
    "64313a656c693230336532323a696e76616c69642076616c756520666f72202769642765313a74343a61"
    "623132313a76343a4c540208313a79313a6565",
    /* transmission asks: find node */
    "64313a6164323a696432303a533226c160fb4cfddaff781e52d612ca90a41db8363a7461726765743230"
    "3a533226c160fb4cfddaff781e52d612ca90a41d1665313a71393a66696e645f6e6f6465313a74343a66"
    "6e0000313a79313a7165",
    /* transmission asks: ping */
    "64313a6164323a696432303a533226c160fb4cfddaff781e52d612ca90a41db865313a71343a70696e67"
    "313a74343a706e0000313a79313a7165",
    /* transmission answers */
    "64313a7264323a696432303a533226c160fb4cfddaff781e52d612ca90a41db865313a74343a61623132"
    "313a79313a7265",
    /* transmission answers, nodes */
    "64313a7264323a696432303a533226c160fb4cfddaff781e52d612ca90a41db8353a6e6f64657332363a"
    "86a685745f4639164e965fa26d5706fe10a360d81f3965031ae165313a74343a61623132313a79313a72"
    "65",
    /* transmission, Announce peer with w */
    "64313a656c693230336533303a416e6e6f756e63655f7065657220776974682077726f6e6720746f6b65"
    "6e65313a74343a61623132313a79313a6565",
    /* aria2 asks: ping */
    "64313a6164323a696432303a0366894320bf5942828c460a570a8b3cb604b1ca65313a71343a70696e67"
    "313a74343ad4213702313a76343a41320003313a79313a7165",
};

static void test_what_others_send_is_read_and_written_again(void)
{
    for (size_t i = 0; i < COUNT(seen); i++) {
        uint8_t wire[300], again[300];
        struct bytes packet = { wire, unhex(wire, sizeof wire, seen[i]) };
        struct krpc message = decoded(packet);
        CHECK_INT(krpc_encode(&message, again, sizeof again), packet.size);
        CHECK_BYTES(again, wire, packet.size);
    }
}

static void test_methods_have_names(void)
{
    static const struct {
        const char *name;
        enum krpc_method method;
    } names[] = {
        { "4:ping", KRPC_PING },
        { "9:find_node", KRPC_FIND_NODE },
        { "9:get_peers", KRPC_GET_PEERS },
        { "3:get", KRPC_GET },
        { "17:sample_infohashes", KRPC_SAMPLE_INFOHASHES },
        { "4:Ping", KRPC_UNKNOWN },
        { "4:pong", KRPC_UNKNOWN },
        { "0:", KRPC_UNKNOWN },
    };
    char text[200];
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(text, sizeof text,
                 "d1:ad" ID(ASKER) "9:info_hash20:" PLACE "6:target20:" PLACE "e1:q%s1:t1:a1:y1:qe",
                 names[i].name);
        struct krpc message = read_text(text);
        struct dht_id place = id_of(PLACE), asker = id_of(ASKER);
        CHECK_INT(message.kind, KRPC_QUERY);
        CHECK_INT(message.method, names[i].method);
        CHECK(message.has_target && memcmp(&message.target, &place, sizeof place) == 0);
        CHECK(memcmp(&message.id, &asker, sizeof asker) == 0);
    }
}

/* Each of the two methods about peers goes by info_hash, the others by target if there is one. */
static void test_a_query_has_one_target(void)
{
    static const struct {
        const char *arguments, *name;
        bool has;
        const char *target;
    } cases[] = {
        { "9:info_hash20:" ASKER "6:target20:" PLACE, "9:get_peers", true, ASKER },
        { "9:info_hash20:" ASKER "6:target20:" PLACE, "9:find_node", true, PLACE },
        { "9:info_hash20:" ASKER, "7:unknown", true, ASKER },
        { "6:target20:" ASKER, "7:unknown", true, ASKER },
        { "6:target2:ab", "7:unknown", false, NULL },
        { "", "4:ping", false, NULL },
        { "5:token1:t1:v1:v", "3:put", false, NULL },
        { "6:target20:" PLACE "5:token1:t1:v1:v", "3:put", true, PLACE },
    };
    char text[200];
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof text, "d1:ad" ID(ASKER) "%se1:q%s1:t1:a1:y1:qe", cases[i].arguments,
                 cases[i].name);
        struct krpc message = read_text(text);
        CHECK_INT(message.has_target, cases[i].has);
        if (cases[i].has)
            CHECK_BYTES(message.target.bytes, cases[i].target, DHT_ID_BYTES);
    }
}

/* --- leniency --------------------------------------------------------------------------------- */

static void test_order_and_unknown_keys_do_not_matter(void)
{
    struct krpc message =
        read_text("d1:y1:q1:zld1:ai-1eee1:v4:LT\x01\x02"
                  "1:q9:find_node1:t3:tid"
                  "1:ad6:target20:" PLACE "5:extrai99999999999999999999e" ID(ASKER) "2:bsi1eee");
    CHECK_INT(message.method, KRPC_FIND_NODE);
    CHECK(is_text(message.tid, "tid") && is_text(message.version, "LT\x01\x02"));
    check_written(&message,
                  "d1:ad" ID(ASKER) "6:target20:" PLACE "e1:q9:find_node1:t3:tid1:v4:LT\x01\x02"
                                    "1:y1:qe");
}

static void test_a_tid_may_be_long_and_may_be_missing(void)
{
    char text[KRPC_TID_MAX + 200];
    for (int size = 1; size <= KRPC_TID_MAX + 2; size++) {
        snprintf(text, sizeof text, "d1:rd" ID(ASKER) "e1:t%d:%0*d1:y1:re", size, size, 0);
        CHECK_INT(what_is(text), size <= KRPC_TID_MAX ? KRPC_READ : KRPC_SILENT);
    }
    static const char *const none[] = { "d1:ad" ID(ASKER) "e1:q4:ping1:y1:qe",
                                        "d1:ad" ID(ASKER) "e1:q4:ping1:t0:1:y1:qe",
                                        "d1:ad" ID(ASKER) "e1:q4:ping1:ti1e1:y1:qe" };
    for (size_t i = 0; i < COUNT(none); i++) {
        struct krpc message = read_text(none[i]);
        check_written(&message, none[1]);
    }
}

static void test_flags_are_numbers_other_than_zero(void)
{
    static const struct {
        const char *value;
        bool set;
    } cases[] = { { "i1e", true },  { "i7e", true },  { "i-1e", true },
                  { "i0e", false }, { "1:1", false }, { "le", false } };
    char text[300];
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *value = cases[i].value;
        snprintf(
            text, sizeof text,
            "d1:ad" ID(
                ASKER) "12:implied_port%s9:info_hash20:" PLACE
                       "6:noseed%s4:porti1e6:scrape%s4:seed%s5:token1:te1:q13:announce_peer2:ro%s"
                       "1:t1:a1:y1:qe",
            value, value, value, value, value);
        struct krpc message = read_text(text);
        CHECK(message.implied_port == cases[i].set && message.noseed == cases[i].set &&
              message.scrape == cases[i].set && message.seed == cases[i].set &&
              message.read_only == cases[i].set);
    }
}

static void test_unknown_families_are_ignored(void)
{
    static const struct {
        const char *want;
        bool has, ipv4, ipv6;
    } cases[] = {
        { "l2:n4e", true, true, false },        { "l2:n6e", true, false, true },
        { "l2:n62:n42:n6e", true, true, true }, { "l2:n52:n6i4e1:ne", true, false, true },
        { "le", true, false, false },           { "2:n4", false, false, false },
    };
    char text[200];
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof text,
                 "d1:ad" ID(ASKER) "6:target20:" PLACE "4:want%se1:q9:find_node1:t1:a1:y1:qe",
                 cases[i].want);
        struct krpc message = read_text(text);
        CHECK(message.has_want == cases[i].has && message.want_ipv4 == cases[i].ipv4 &&
              message.want_ipv6 == cases[i].ipv6);
    }
}

/* A number beyond 64 bits is nobody's seq: the compare must fail, not fall away. */
static void test_a_cas_beyond_all_numbers_is_still_one(void)
{
    struct krpc message = read_text(
        "d1:ad3:casi99999999999999999999e" ID(ASKER) "5:token1:t1:v1:ve1:q3:put1:t1:a1:y1:qe");
    CHECK(message.has_cas && message.cas < 0);
    message = read_text("d1:ad3:cas1:1" ID(ASKER) "5:token1:t1:v1:ve1:q3:put1:t1:a1:y1:qe");
    CHECK(!message.has_cas);
}

static void test_keys_and_signatures_have_one_size(void)
{
    static const char thirty_two[] = "0123456789abcdef0123456789abcdef";
    char text[400];
    for (int size = 31; size <= 33; size++) {
        snprintf(text, sizeof text,
                 "d1:ad" ID(ASKER) "1:k%d:%.*s3:seqi1e3:sig%d:%.*s%.*s5:token1:t1:v1:ve1:q3:put"
                                   "1:t1:a1:y1:qe",
                 size, size, "0123456789abcdef0123456789abcdef0", size + 32, 32, thirty_two, size,
                 "0123456789abcdef0123456789abcdef0");
        struct krpc message = read_text(text);
        CHECK_INT(message.key.size, size == KEY_BYTES ? KEY_BYTES : 0);
        CHECK_INT(message.signature.size, size == KEY_BYTES ? SIGNATURE_BYTES : 0);
    }
}

/* --- what is refused, and what is not answered ------------------------------------------------ */

/* The sentences are libtorrent's. */
static void test_a_query_that_lacks_something_is_told_what(void)
{
    static const struct {
        const char *query, *reason;
    } cases[] = {
        { "1:ade1:q4:ping", "missing 'id' key" },
        { "1:ad2:id3:abce1:q4:ping", "invalid value for 'id'" },
        { "1:ad2:idi1ee1:q4:ping", "missing 'id' key" },
        { "1:ade1:q7:unknown", "missing 'id' key" },
        { "1:q4:ping", "missing 'a' key" },
        { "1:ale1:q4:ping", "missing 'a' key" },
        { "1:ad" ID(ASKER) "e", "missing 'q' key" },
        { "1:ad" ID(ASKER) "e1:qi1e", "missing 'q' key" },
        { "1:ad" ID(ASKER) "e1:q9:find_node", "missing 'target' key" },
        { "1:ad" ID(ASKER) "6:target3:abce1:q9:find_node", "invalid value for 'target'" },
        { "1:ad" ID(ASKER) "9:info_hash20:" PLACE "e1:q9:find_node", "missing 'target' key" },
        { "1:ad" ID(ASKER) "e1:q3:get", "missing 'target' key" },
        { "1:ad" ID(ASKER) "e1:q17:sample_infohashes", "missing 'target' key" },
        { "1:ad" ID(ASKER) "e1:q9:get_peers", "missing 'info_hash' key" },
        { "1:ad" ID(ASKER) "9:info_hash1:ae1:q9:get_peers", "invalid value for 'info_hash'" },
        { "1:ad" ID(ASKER) "6:target20:" PLACE "e1:q9:get_peers", "missing 'info_hash' key" },
        { "1:ad" ID(ASKER) "9:info_hash20:" PLACE "5:token1:te1:q13:announce_peer",
          "missing 'port' key" },
        { "1:ad" ID(ASKER) "9:info_hash20:" PLACE "4:porti65536e5:token1:te1:q13:announce_peer",
          "invalid port" },
        { "1:ad" ID(ASKER) "9:info_hash20:" PLACE "4:porti-1e5:token1:te1:q13:announce_peer",
          "invalid port" },
        { "1:ad" ID(ASKER) "9:info_hash20:" PLACE "4:porti1ee1:q13:announce_peer",
          "missing 'token' key" },
        { "1:ad" ID(ASKER) "1:v1:ve1:q3:put", "missing 'token' key" },
        { "1:ad" ID(ASKER) "5:token1:te1:q3:put", "missing 'v' key" },
    };
    char text[300];
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct krpc message;
        snprintf(text, sizeof text, "d%s1:t2:xy1:y1:qe", cases[i].query);
        CHECK_INT(krpc_decode(bytes_of_text(text), &message), KRPC_REFUSE);
        CHECK(message.kind == KRPC_QUERY && is_text(message.tid, "xy"));
        const char *why = cases[i].reason;
        CHECK(message.code == 203 && is_text(message.text, why));
        bool says_who = strstr(cases[i].query, ID(ASKER)) != NULL && strstr(why, "'q'") == NULL;
        CHECK_INT(message.id.bytes[0], says_who ? ASKER[0] : 0);
    }
}

static void test_what_is_no_message_gets_no_answer(void)
{
    static const char *const cases[] = {
        "",
        "d",
        "le",
        "4:ping",
        "i1e",
        "de",
        "\x01\x02\x03",
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aae",           /* no kind */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:xe",     /* another kind */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y5:querye", /* spelt out */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:yi1ee",     /* a number */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qee",
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qele",
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qx",       /* another end */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:q1:ze",    /* a key without a value */
        "l1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qe",       /* a list of the same */
        "di1e0:1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qe",  /* a key that is a number */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:qe\n",     /* something behind */
        "d1:ad" ID(ASKER) "e1:q4:ping1:t2:aa1:y1:q",        /* cut off */
        "d1:ad" ID(ASKER) "i1e1:ae1:q4:ping1:t2:aa1:y1:qe", /* a key that is a number */
        "d1:t2:aa1:y1:re",                                  /* a reply without one */
        "d1:rle1:t2:aa1:y1:re",
        "d1:rl" ID(ASKER) "e1:t2:aa1:y1:re",
        "d1:r27:" ID(ASKER) "1:t2:aa1:y1:re",
        "d1:rde1:t2:aa1:y1:re", /* from nobody */
        "d1:rd2:id3:abce1:t2:aa1:y1:re",
        "d1:rd2:id21:" ASKER "ae1:t2:aa1:y1:re",
        "d1:t2:aa1:y1:ee", /* an error without one */
        "d1:ele1:t2:aa1:y1:ee",
        "d1:eli201ee1:t2:aa1:y1:ee",
        "d1:el1:a1:be1:t2:aa1:y1:ee",
        "d1:eli201ei1ee1:t2:aa1:y1:ee",
        "d1:ede1:t2:aa1:y1:ee",
        "d1:e8:i201e1:a1:t2:aa1:y1:ee",
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(what_is(cases[i]), KRPC_SILENT);
}

static void test_no_cut_message_is_a_message(void)
{
    for (size_t i = 0; i < COUNT(printed); i++)
        for (size_t size = 0; size < strlen(printed[i]); size++) {
            struct krpc message;
            struct bytes cut = { (const uint8_t *)printed[i], size };
            CHECK_INT(krpc_decode(cut, &message), KRPC_SILENT);
        }
}

/* --- replies ---------------------------------------------------------------------------------- */

static void test_an_error_may_say_who_speaks(void)
{
    static const char named[] = "d1:eli203e5:Oops!e2:ip6:\x50\x01\x02\x03\x1a\xe1"
                                "1:rd" ID(ASKER) "1:pi6881ee1:t2:aa1:y1:ee";
    struct krpc message = read_text(named);
    struct dht_id asker = id_of(ASKER);
    CHECK(message.kind == KRPC_ERROR && message.code == 203 && is_text(message.text, "Oops!"));
    CHECK(memcmp(&message.id, &asker, sizeof asker) == 0);
    check_written(&message, named);
    message = read_text("d1:eli-7e0:1:ze1:rd2:id1:ae1:t2:aa1:y1:ee"); /* whose id is none */
    CHECK(message.code == -7 && message.text.size == 0);
    check_written(&message, "d1:eli-7e0:e1:t2:aa1:y1:ee");
}

static void test_what_others_see_of_us_is_read_in_both_families(void)
{
    static const struct {
        const char *ip, *seen;
    } cases[] = {
        { "6:\x50\x01\x02\x03\x1a\xe1", "80.1.2.3:6881" },
        { "18:\x20\x01\x0d\xb8zzzzzzzzzzzz\x1a\xe1",
          "[2001:db8:7a7a:7a7a:7a7a:7a7a:7a7a:7a7a]:6881" },
        { "4:\x50\x01\x02\x03", NULL }, /* no port */
        { "7:\x50\x01\x02\x03\x1a\xe1\x01", NULL },
        { "i1e", NULL },
    };
    static const struct address absent;
    char text[200], again[200];
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address expected = absent;
        CHECK(cases[i].seen == NULL || address_parse(cases[i].seen, &expected));
        snprintf(text, sizeof text, "d2:ip%s1:rd" ID(ASKER) "e1:t2:aa1:y1:re", cases[i].ip);
        struct krpc message = read_text(text);
        CHECK(address_equal(&message.seen, &expected));
        if (cases[i].seen == NULL)
            continue;
        snprintf(again, sizeof again, "d2:ip%s1:rd" ID(ASKER) "1:pi6881ee1:t2:aa1:y1:re",
                 cases[i].ip);
        check_written(&message, again);
    }
}

static void test_a_long_token_is_not_kept(void)
{
    char text[200];
    for (int size = KRPC_TOKEN_MAX - 1; size <= KRPC_TOKEN_MAX + 1; size++) {
        snprintf(text, sizeof text, "d1:rd" ID(ASKER) "5:token%d:%0*de1:t2:aa1:y1:re", size, size,
                 0);
        CHECK_INT(read_text(text).token.size, size <= KRPC_TOKEN_MAX ? size : 0);
    }
}

static void check_nodes(struct krpc *message, const char *const *ipv4, const char *const *ipv6)
{
    struct dht_node node;
    struct address expected;
    for (; *ipv4 != NULL; ipv4++) {
        CHECK(krpc_next_node(&message->nodes, false, &node));
        CHECK(address_parse(*ipv4, &expected) && address_equal(&node.at, &expected));
    }
    for (; *ipv6 != NULL; ipv6++) {
        CHECK(krpc_next_node(&message->nodes6, true, &node));
        CHECK(address_parse(*ipv6, &expected) && address_equal(&node.at, &expected));
    }
    CHECK(!krpc_next_node(&message->nodes, false, &node));
    CHECK(!krpc_next_node(&message->nodes6, true, &node));
}

/* Hex of an id that does not matter, and of an address with its port. */
#define NODE(place) "6d6e6f707172737475767778797a313233343536" place

static struct krpc with_nodes(uint8_t memory[1000], const char *nodes, const char *nodes6)
{
    uint8_t list[400];
    struct cursor out = cursor_into(memory, 1000);
    cursor_put_bytes(&out, bytes_of_text("d1:rd" ID(ASKER) "5:nodes"));
    bencode_put_string(&out, (struct bytes){ list, unhex(list, sizeof list, nodes) });
    cursor_put_bytes(&out, bytes_of_text("6:nodes6"));
    bencode_put_string(&out, (struct bytes){ list, unhex(list, sizeof list, nodes6) });
    cursor_put_bytes(&out, bytes_of_text("e1:t2:aa1:y1:re"));
    return decoded(cursor_written(&out));
}

static void test_nodes_that_cannot_be_are_passed_over(void)
{
    static const char *const ipv4[] = { "80.1.2.3:6881", "127.0.0.1:1", "10.0.0.1:65535",
                                        "223.255.255.255:1", NULL };
    static const char *const ipv6[] = { "[2001:db8::1]:6881", "[::1]:1", NULL };
    uint8_t memory[1000];
    struct krpc message = with_nodes(
        memory,
        NODE("500102031ae1") NODE("500102030000")             /* port 0 */
        NODE("7f0000010001") NODE("000000001ae1")             /* unspecified */
        NODE("0a000001ffff") NODE("e00000011ae1")             /* multicast */
        NODE("ffffffff1ae1") NODE("dfffffff0001") "6d6e6f70", /* a broken tail */
        NODE("20010db80000000000000000000000011ae1") NODE("000000000000000000000000000000001ae1")
            NODE("ff0200000000000000000000000000011ae1") /* multicast */
        NODE("00000000000000000000ffff500102031ae1")     /* IPv4 in IPv6's clothes */
        NODE("000000000000000000000000000000010001") "6d6e6f70");
    CHECK(message.has_nodes && message.has_nodes6);
    CHECK_INT(message.nodes.size, 8 * 26);
    CHECK_INT(message.nodes6.size, 5 * 38);
    check_nodes(&message, ipv4, ipv6);
}

static void test_a_node_is_written_as_it_is_read(void)
{
    static const char *const places[] = { "80.1.2.3:6881", "[2001:db8::1]:6881" };
    for (size_t i = 0; i < COUNT(places); i++) {
        struct dht_node node = { .id = id_of(PLACE) }, again;
        uint8_t memory[38];
        struct cursor out = cursor_into(memory, sizeof memory);
        CHECK(address_parse(places[i], &node.at) && krpc_put_node(&out, &node));
        struct bytes list = cursor_written(&out);
        CHECK_INT(list.size, i == 0 ? 26 : 38);
        CHECK(krpc_next_node(&list, i == 1, &again) && list.size == 0);
        CHECK(address_equal(&node.at, &again.at));
        CHECK_BYTES(&node.id, &again.id, sizeof node.id);
        out = cursor_into(memory, i == 0 ? 25 : 37);
        CHECK(!krpc_put_node(&out, &node));
    }
}

static void test_values_may_be_of_both_families(void)
{
    struct krpc message = read_text("d1:rd" ID(ASKER) "6:valuesl"
                                                      "6:\x50\x01\x02\x03\x1a\xe1"
                                                      "18:\x20\x01\x0d\xb8zzzzzzzzzzzz\x1a\xe1"
                                                      "5:short0:20:yyyyyyyyyyyyyyyyyyyy"
                                                      "6:\xe0\x01\x02\x03\x1a\xe1" /* multicast */
                                                      "6:\x0a\x01\x02\x03\xff\xff"
                                                      "3:endee1:t2:aa1:y1:re");
    static const char *const places[] = { "80.1.2.3:6881",
                                          "[2001:db8:7a7a:7a7a:7a7a:7a7a:7a7a:7a7a]:6881",
                                          "10.1.2.3:65535" };
    uint8_t memory[40];
    struct cursor out = cursor_into(memory, sizeof memory);
    struct address peer, expected;
    CHECK(message.has_values);
    for (size_t i = 0; i < COUNT(places); i++) {
        CHECK(krpc_next_value(&message.values, &peer) && address_parse(places[i], &expected));
        CHECK(address_equal(&peer, &expected));
        CHECK(i == 2 || krpc_put_value(&out, &peer));
    }
    CHECK(!krpc_next_value(&message.values, &peer) && message.values.size == 0);
    struct bytes written = cursor_written(&out);
    CHECK(is_text(written, "6:\x50\x01\x02\x03\x1a\xe1"
                           "18:\x20\x01\x0d\xb8zzzzzzzzzzzz\x1a\xe1"));
    CHECK(!krpc_put_value(&out, &peer) || !krpc_put_value(&out, &peer));
}

static void test_a_list_of_other_things_than_peers_is_none(void)
{
    CHECK(!read_text("d1:rd" ID(ASKER) "6:valuesl6:aaaabbi1eee1:t2:aa1:y1:re").has_values);
    CHECK(!read_text("d1:rd" ID(ASKER) "6:values6:aaaabbe1:t2:aa1:y1:re").has_values);
    struct krpc empty = read_text("d1:rd" ID(ASKER) "6:valueslee1:t2:aa1:y1:re");
    CHECK(empty.has_values && empty.values.size == 0);
    check_written(&empty, "d1:rd" ID(ASKER) "6:valueslee1:t2:aa1:y1:re");
}

/* A value is any bencoded thing, and goes on as it came. */
static void test_a_value_is_kept_as_it_is_written(void)
{
    static const char *const values[] = { "12:Hello World!", "i-7e", "le", "d1:b0:1:a0:e", "0:" };
    char text[200];
    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(text, sizeof text, "d1:rd" ID(ASKER) "3:seqi7e1:v%se1:t2:aa1:y1:re", values[i]);
        struct krpc message = read_text(text);
        CHECK(is_text(message.value, values[i]) && message.has_seq && message.seq == 7);
        uint8_t wire[200];
        size_t size = krpc_encode(&message, wire, sizeof wire);
        CHECK(is_text((struct bytes){ wire, size }, text));
    }
}

static void test_swarms_are_counted_in_blooms_of_one_size(void)
{
    static uint8_t bits[KRPC_BLOOM_BYTES + 1];
    uint8_t memory[1000];
    for (size_t size = KRPC_BLOOM_BYTES - 1; size <= KRPC_BLOOM_BYTES + 1; size++) {
        struct cursor out = cursor_into(memory, sizeof memory);
        cursor_put_bytes(&out, bytes_of_text("d1:rd4:BFpe"));
        bencode_put_string(&out, (struct bytes){ bits, size });
        cursor_put_bytes(&out, bytes_of_text("4:BFsd"));
        bencode_put_string(&out, (struct bytes){ bits, size });
        cursor_put_bytes(&out, bytes_of_text(ID(ASKER) "e1:t2:aa1:y1:re"));
        struct krpc message = decoded(cursor_written(&out));
        CHECK_INT(message.seeds.size, size == KRPC_BLOOM_BYTES ? size : 0);
        CHECK_INT(message.others.size, size == KRPC_BLOOM_BYTES ? size : 0);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Everything at once, so that a key in the wrong place would show. */
static struct krpc full_query(void)
{
    static const uint8_t bits[KRPC_BLOOM_BYTES];
    return (struct krpc){ .kind = KRPC_QUERY,
                          .tid = bytes_of_text("abcd"),
                          .read_only = true,
                          .id = id_of(ASKER),
                          .method = KRPC_PUT,
                          .has_target = true,
                          .target = id_of(PLACE),
                          .has_want = true,
                          .want_ipv4 = true,
                          .want_ipv6 = true,
                          .scrape = true,
                          .noseed = true,
                          .seed = true,
                          .implied_port = true,
                          .has_port = true,
                          .port = 65535,
                          .has_cas = true,
                          .cas = 1,
                          .token = bytes_of_text("token"),
                          .value = bytes_of_text("4:spam"),
                          .key = { bits, KEY_BYTES },
                          .signature = { bits, SIGNATURE_BYTES },
                          .salt = bytes_of_text("salt"),
                          .has_seq = true,
                          .seq = INT64_MAX };
}

static struct krpc full_reply(void)
{
    static const uint8_t bits[KRPC_BLOOM_BYTES] = { 1 };
    struct krpc reply = { .kind = KRPC_REPLY,
                          .tid = bytes_of_text("abcd"),
                          .id = id_of(ANSWERER),
                          .token = bytes_of_text("token"),
                          .value = bytes_of_text("4:spam"),
                          .key = { bits, KEY_BYTES },
                          .signature = { bits, SIGNATURE_BYTES },
                          .has_seq = true,
                          .has_nodes = true,
                          .nodes = { bits, 52 },
                          .has_nodes6 = true,
                          .nodes6 = { bits, 38 },
                          .has_values = true,
                          .values = bytes_of_text("6:aaaabb"),
                          .seeds = BYTES_OF(bits),
                          .others = BYTES_OF(bits),
                          .has_samples = true,
                          .interval = 21600,
                          .total = 5,
                          .samples = { bits, 20 } };
    CHECK(address_parse("80.1.2.3:6881", &reply.seen));
    return reply;
}

static void check_whole(struct krpc message)
{
    uint8_t wire[DHT_DATAGRAM_MAX], again[DHT_DATAGRAM_MAX];
    size_t size = krpc_encode(&message, wire, sizeof wire);
    CHECK(size > 0 && bencode_is_canonical((struct bytes){ wire, size }));
    struct krpc read = decoded((struct bytes){ wire, size });
    CHECK_INT(krpc_encode(&read, again, sizeof again), size);
    CHECK_BYTES(wire, again, size);
    for (size_t room = 0; room < size; room++)
        CHECK_INT(krpc_encode(&message, again, room), 0);
    CHECK_INT(krpc_encode(&message, again, size), size);
}

static void test_all_that_can_be_said_is_said_in_order(void)
{
    struct krpc query = full_query();
    check_whole(query);
    query.method = KRPC_ANNOUNCE_PEER;
    check_whole(query);
    check_whole(full_reply());
    check_whole((struct krpc){ .kind = KRPC_ERROR,
                               .tid = bytes_of_text("abcd"),
                               .seen = full_reply().seen,
                               .id = id_of(ANSWERER),
                               .code = 301,
                               .text = bytes_of_text("CAS mismatch") });
}

/* A place is named as the method names it, and an empty token is a token. */
static void test_what_is_asked_for_is_what_is_written(void)
{
    struct krpc query = { .kind = KRPC_QUERY,
                          .tid = bytes_of_text("abcd"),
                          .id = id_of(ASKER),
                          .method = KRPC_ANNOUNCE_PEER,
                          .has_target = true,
                          .target = id_of(PLACE),
                          .has_port = true };
    check_written(&query, "d1:ad" ID(ASKER) "9:info_hash20:" PLACE "4:porti0e4:seedi0e5:token0:"
                                            "e1:q13:announce_peer1:t4:abcd1:y1:qe");
    struct krpc reply = read_text("d1:rd" ID(ASKER) "e2:roi1e1:t2:aa1:y1:re");
    check_written(&reply, "d1:rd" ID(ASKER) "e1:t2:aa1:y1:re"); /* only who asks is read-only */
    query.method = KRPC_UNKNOWN;
    uint8_t wire[100];
    CHECK_INT(krpc_encode(&query, wire, sizeof wire), 0);
}

TESTS(TEST(test_what_is_printed_is_read_and_written_again),
      TEST(test_what_others_send_is_read_and_written_again), TEST(test_methods_have_names),
      TEST(test_a_query_has_one_target), TEST(test_order_and_unknown_keys_do_not_matter),
      TEST(test_a_tid_may_be_long_and_may_be_missing), TEST(test_flags_are_numbers_other_than_zero),
      TEST(test_unknown_families_are_ignored), TEST(test_a_cas_beyond_all_numbers_is_still_one),
      TEST(test_keys_and_signatures_have_one_size),
      TEST(test_a_query_that_lacks_something_is_told_what),
      TEST(test_what_is_no_message_gets_no_answer), TEST(test_no_cut_message_is_a_message),
      TEST(test_an_error_may_say_who_speaks),
      TEST(test_what_others_see_of_us_is_read_in_both_families),
      TEST(test_a_long_token_is_not_kept), TEST(test_nodes_that_cannot_be_are_passed_over),
      TEST(test_a_node_is_written_as_it_is_read), TEST(test_values_may_be_of_both_families),
      TEST(test_a_list_of_other_things_than_peers_is_none),
      TEST(test_a_value_is_kept_as_it_is_written),
      TEST(test_swarms_are_counted_in_blooms_of_one_size),
      TEST(test_all_that_can_be_said_is_said_in_order),
      TEST(test_what_is_asked_for_is_what_is_written))
