/* The table agrees with itself: what it promises to faces and documents holds for every row. */
#include "tests/test.h"

#include <ctype.h>

#include "rpc/rpc.h"

static bool is_sentence(const char *text)
{
    size_t size = strlen(text);
    return size > 3 && text[size - 1] != '.' && strchr(text, '\n') == NULL;
}

static bool is_snake(const char *name, bool dotted)
{
    size_t dots = 0;
    for (const char *c = name; *c != '\0'; c++) {
        dots += *c == '.';
        if (!islower((unsigned char)*c) && *c != '_' && *c != '.' &&
            (c == name || !isdigit((unsigned char)*c)))
            return false;
    }
    return dots == (dotted ? 1 : 0) && name[0] != '\0';
}

static void check_fields(const struct rpc_field *fields, bool answer)
{
    for (const struct rpc_field *field = fields; field->type != RPC_END; field++) {
        CHECK(is_snake(field->name, false));
        CHECK(field->about != NULL && field->about[0] != '\0');
        if (!answer)
            CHECK(field->type < RPC_TIME);
        if (field->type == RPC_TEXTS && !answer)
            CHECK(field->most > 0);
        if (field->type == RPC_SECRET)
            CHECK(field->most > 0 && field->most <= RPC_PASSPHRASE_MAX_BYTES);
        for (const struct rpc_field *other = fields; other != field; other++)
            CHECK(strcmp(other->name, field->name) != 0);
    }
}

static void test_every_method_is_documented_and_unique(void)
{
    size_t count = 0;
    for (const struct rpc_method *method; (method = rpc_method_at(count)) != NULL; count++) {
        CHECK(is_snake(method->name, true));
        CHECK(is_sentence(method->summary));
        CHECK(rpc_method_named(method->name) == method);
        check_fields(method->params, false);
        check_fields(method->answer, true);
    }
    CHECK(count > 20);
    CHECK(rpc_method_named("contact.ad") == NULL);
}

static void test_every_shape_named_is_described(void)
{
    for (size_t i = 0; rpc_shape_at(i) != NULL; i++) {
        const struct rpc_shape *shape = rpc_shape_at(i);
        check_fields(shape->fields, true);
        for (const struct rpc_field *field = shape->fields; field->type != RPC_END; field++)
            if (field->of != NULL)
                CHECK(rpc_shape_named(field->of) != NULL);
    }
    for (size_t i = 0; rpc_method_at(i) != NULL; i++) {
        const struct rpc_method *method = rpc_method_at(i);
        if (strcmp(method->name, "rpc.discover") == 0)
            continue; /* describes the table itself, in its own words */
        for (const struct rpc_field *field = method->answer; field->type != RPC_END; field++)
            if (field->of != NULL)
                CHECK(rpc_shape_named(field->of) != NULL);
    }
}

static void test_every_error_has_a_sentence_a_hint_and_a_code_of_its_own(void)
{
    for (enum rpc_error error = RPC_FINE + 1; error < RPC_ERRORS; error++) {
        const struct rpc_error_row *row = rpc_error_row(error);
        CHECK(is_sentence(row->sentence));
        CHECK(error == RPC_INTERRUPTED || is_sentence(row->hint));
        CHECK(row->exit != RPC_EXIT_DONE);
        if (row->code > 0)
            CHECK_INT(row->code / 100, row->exit);
        CHECK(rpc_error_named(row->name) == error);
        for (enum rpc_error other = RPC_FINE; other < error; other++)
            CHECK(rpc_error_row(other)->code != row->code);
    }
    CHECK(rpc_error_named("FROM_A_LATER_RELEASE") == RPC_INTERNAL);
}

static void test_discover_fits_a_line_and_names_everything(void)
{
    json_t *all = rpc_discover();
    struct rpc_text_line line = rpc_line_write(all);
    CHECK(line.data != NULL);
    json_t *again = rpc_json_read((struct bytes){ (uint8_t *)line.data, line.size }, NULL);
    CHECK(json_equal(all, again));
    size_t count = 0;
    while (rpc_method_at(count) != NULL)
        count++;
    CHECK_INT(json_array_size(json_object_get(again, "methods")), count);
    CHECK_INT(json_array_size(json_object_get(again, "errors")), RPC_ERRORS - 1);
    json_decref(all);
    json_decref(again);
    rpc_line_free(&line);
}

TESTS(TEST(test_every_method_is_documented_and_unique), TEST(test_every_shape_named_is_described),
      TEST(test_every_error_has_a_sentence_a_hint_and_a_code_of_its_own),
      TEST(test_discover_fits_a_line_and_names_everything))
