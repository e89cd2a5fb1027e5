// SPDX-License-Identifier: Apache-2.0
/* lichen-oci's command line: every form of an option, the end of options, operands, what is refused. */
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "oci/cli.h"
#include "tests/unit.h"

/* The verbs themselves are not under test; the table wants their addresses. */
#define VERB(name)                              \
    int name(struct cli *cli, struct err *e)    \
    {                                           \
        (void)cli;                              \
        return err_set(e, ENOSYS, "%s", #name); \
    }
// clang-format off: macros that define functions, one a line
VERB(verb_create)
VERB(verb_start)
VERB(verb_state)
VERB(verb_kill)
VERB(verb_delete)
VERB(verb_run)
VERB(verb_exec)
VERB(verb_list)
VERB(verb_ps)
VERB(verb_pause)
VERB(verb_resume)
VERB(verb_update)
VERB(verb_events)
VERB(verb_mounts)
VERB(verb_checkpoint)
VERB(verb_anchor)
VERB(verb_spec)
VERB(verb_features)
VERB(verb_doctor)
VERB(verb_completion)
// clang-format on

static const struct verb *find(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++) {
        if (str_eq(v->name, name))
            return v;
    }
    return NULL;
}

#define ARGS(...)         \
    (const char *[])      \
    {                     \
        __VA_ARGS__, NULL \
    }

static int parse(const char *verb, struct cli *cli, struct err *e, const char **argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    *cli = (struct cli){ 0 };
    return cli_parse_verb(find(verb), argc, (char **)argv, 0, cli, e);
}

static void a_value_comes_in_every_form(void)
{
    static const char *const forms[][3] = {
        { "--bundle", "/b" }, { "--bundle=/b" }, { "-bundle", "/b" }, { "-bundle=/b" },
        { "-b", "/b" },       { "-b/b" },        { "-b=/b" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct err e = { 0 };
        struct cli cli;

        CHECK_INT(parse("create", &cli, &e,
                        forms[i][1] ? ARGS("id", forms[i][0], forms[i][1]) : ARGS("id", forms[i][0])),
                  0);
        CHECK_STR(cli.bundle, "/b");
        CHECK_STR(cli.operands[0], "id");
        CHECK_INT(cli.n_operands, 1);
        cli_free(&cli);
    }
}

static void flags_are_on_off_or_an_error(void)
{
    struct err e = { 0 };
    struct cli cli;

    CHECK_INT(parse("run", &cli, &e, ARGS("--detach", "--keep=true", "--no-pivot=false", "id")), 0);
    CHECK(cli.detach && cli.keep && !cli.no_pivot);
    cli_free(&cli);
    CHECK_INT(parse("run", &cli, &e, ARGS("-d", "id")), 0);
    CHECK(cli.detach);
    cli_free(&cli);
    CHECK_INT(parse("run", &cli, &e, ARGS("--detach=1", "id")), -EINVAL);
    cli_free(&cli);
    CHECK_INT(parse("run", &cli, &e, ARGS("-dx", "id")), -EINVAL);
    CHECK_STR(e.message, "unknown option -dx");
    cli_free(&cli);
}

static void lists_keep_their_order(void)
{
    struct err e = { 0 };
    struct cli cli;

    CHECK_INT(parse("exec", &cli, &e, ARGS("-e", "A=1", "--env=B=2", "-eC=3", "id", "env")), 0);
    CHECK_INT(cli.env.n, 3);
    CHECK_STR(cli.env.v[0], "A=1");
    CHECK_STR(cli.env.v[1], "B=2");
    CHECK_STR(cli.env.v[2], "C=3");
    cli_free(&cli);
}

static void the_command_of_exec_is_not_ours_to_parse(void)
{
    struct err e = { 0 };
    struct cli cli;

    CHECK_INT(parse("exec", &cli, &e, ARGS("-t", "id", "ls", "-d", "--help", "--", "--tty=false")), 0);
    CHECK(cli.tty && !cli.detach && !cli.help);
    CHECK_INT(cli.n_operands, 6);
    CHECK_STR(cli.operands[2], "-d");
    CHECK_STR(cli.operands[4], "--");
    cli_free(&cli);
    CHECK_INT(parse("exec", &cli, &e, ARGS("id", "--", "ls", "-d")), 0);
    CHECK_INT(cli.n_operands, 3);
    CHECK_STR(cli.operands[1], "ls");
    cli_free(&cli);
    CHECK_INT(parse("exec", &cli, &e, ARGS("--", "-id", "ls")), 0);
    CHECK_STR(cli.operands[0], "-id");
    cli_free(&cli);
}

static void two_dashes_end_the_options(void)
{
    struct err e = { 0 };
    struct cli cli;

    CHECK_INT(parse("delete", &cli, &e, ARGS("--", "--force")), 0);
    CHECK(!cli.force);
    CHECK_STR(cli.operands[0], "--force");
    cli_free(&cli);
}

static void what_is_wrong_is_named(void)
{
    struct err e = { 0 };
    struct cli cli;

    CHECK_INT(parse("create", &cli, &e, ARGS("--nonsense", "id")), -EINVAL);
    CHECK_STR(e.message, "unknown option --nonsense");
    cli_free(&cli);
    CHECK_INT(parse("create", &cli, &e, ARGS("id", "--bundle")), -EINVAL);
    CHECK(strstr(e.message, "--bundle needs a value") != NULL);
    cli_free(&cli);
    /* Another verb's option. */
    CHECK_INT(parse("start", &cli, &e, ARGS("--detach", "id")), -EINVAL);
    cli_free(&cli);
    CHECK_INT(parse("start", &cli, &e, ARGS("a", "b")), -EINVAL);
    CHECK(strstr(e.remedy, "usage: lichen-oci start CONTAINER") != NULL);
    cli_free(&cli);
    CHECK_INT(parse("kill", &cli, &e, ARGS("--all")), -EINVAL);
    cli_free(&cli);
}

static void global_options_end_at_the_verb(void)
{
    const char *argv[] = {
        "lichen-oci", "--root", "/r", "-debug", "--log-format=json", "list", "--root", NULL
    };
    struct cli cli = { 0 };
    struct err e = { 0 };
    int index = 1;

    CHECK_INT(cli_parse_global(7, (char **)argv, &index, &cli, &e), 0);
    CHECK_STR(argv[index], "list");
    CHECK_STR(cli.root, "/r");
    CHECK_STR(cli.log_format, "json");
    CHECK(cli.debug);
    cli_free(&cli);
}

static void no_two_options_of_a_verb_share_a_name_or_letter(void)
{
    for (const struct verb *v = verbs; v->name; v++) {
        for (const struct option_row *a = v->options; a && a->name; a++) {
            CHECK(a->help && *a->help && (a->kind == OPTION_FLAG || a->value));
            for (const struct option_row *b = a + 1; b->name; b++) {
                CHECK(!str_eq(a->name, b->name));
                CHECK(!a->letter || a->letter != b->letter);
            }
        }
    }
}

UNIT_MAIN(TEST(a_value_comes_in_every_form), TEST(flags_are_on_off_or_an_error), TEST(lists_keep_their_order),
          TEST(the_command_of_exec_is_not_ours_to_parse), TEST(two_dashes_end_the_options),
          TEST(what_is_wrong_is_named), TEST(global_options_end_at_the_verb),
          TEST(no_two_options_of_a_verb_share_a_name_or_letter))
