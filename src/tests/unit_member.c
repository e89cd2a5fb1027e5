// SPDX-License-Identifier: Apache-2.0
/* src/spec/member.c: the text of one member, for exec's frozen process. */
#include "spec/spec.h"
#include "tests/unit.h"

static const char *member(const char *text, const char *key, char *buf, size_t size)
{
    const char *at;
    size_t n;

    if (!spec_member(text, strlen(text), key, &at, &n) || n >= size)
        return "(none)";
    memcpy(buf, at, n);
    buf[n] = '\0';
    return buf;
}

static void a_member_is_cut_out_whole(void)
{
    char b[128];

    CHECK_STR(member("{\"a\":1,\"process\":{\"x\":[1,{\"y\":2}]},\"z\":3}", "process", b, sizeof(b)),
              "{\"x\":[1,{\"y\":2}]}");
    CHECK_STR(member(" { \"a\" : 1 , \"b\" : \"x\" } ", "b", b, sizeof(b)), "\"x\" ");
}

static void braces_and_quotes_in_strings_do_not_count(void)
{
    char b[128];

    CHECK_STR(member("{\"a\":\"}{\\\"\\\\\",\"p\":{\"q\":\"}]\\\\\"}}", "p", b, sizeof(b)),
              "{\"q\":\"}]\\\\\"}");
}

static void only_the_top_level_is_searched(void)
{
    char b[128];

    CHECK_STR(member("{\"linux\":{\"process\":1}}", "process", b, sizeof(b)), "(none)");
    CHECK_STR(member("{\"a\":\"process\"}", "process", b, sizeof(b)), "(none)");
}

static void the_last_of_two_counts(void)
{
    char b[128];

    CHECK_STR(member("{\"p\":1,\"p\":2}", "p", b, sizeof(b)), "2");
}

static void what_is_no_object_has_no_member(void)
{
    char b[128];

    CHECK_STR(member("[1]", "p", b, sizeof(b)), "(none)");
    CHECK_STR(member("", "p", b, sizeof(b)), "(none)");
    CHECK_STR(member("{\"p", "p", b, sizeof(b)), "(none)");
    CHECK_STR(member("{\"p\"", "p", b, sizeof(b)), "(none)");
}

UNIT_MAIN(TEST(a_member_is_cut_out_whole), TEST(braces_and_quotes_in_strings_do_not_count),
          TEST(only_the_top_level_is_searched), TEST(the_last_of_two_counts),
          TEST(what_is_no_object_has_no_member))
