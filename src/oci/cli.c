// SPDX-License-Identifier: Apache-2.0
/* Parsing by table. */
#include "oci/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct option_row *find_row(const struct option_row *rows, const char *name, size_t n)
{
    for (const struct option_row *row = rows; row && row->name; row++) {
        if (strlen(row->name) == n && strncmp(row->name, name, n) == 0)
            return row;
    }
    return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter)
{
    for (const struct option_row *row = rows; row && row->name; row++) {
        if (row->letter && row->letter == letter)
            return row;
    }
    return NULL;
}

static void append(struct values *list, const char *value)
{
    list->v = mem_realloc_array(list->v, list->n + 2, sizeof(*list->v));
    list->v[list->n++] = value;
    list->v[list->n] = NULL;
}

static int store(const struct option_row *row, const char *value, struct cli *cli, struct err *e)
{
    void *p = (char *)cli + row->offset;

    switch (row->kind) {
    case OPTION_FLAG:
        if (value && !str_eq(value, "true") && !str_eq(value, "false"))
            return err_set(e, EINVAL, "--%s=%s: true or false", row->name, value);
        *(bool *)p = !value || str_eq(value, "true");
        return 0;
    case OPTION_STRING:
        *(const char **)p = value;
        return 0;
    case OPTION_LIST:
        append(p, value);
        return 0;
    }
    return -EINVAL;
}

/* One option at argv[*index]; its value may be the next argument. */
static int parse_option(const struct option_row *rows, int argc, char **argv, int *index, struct cli *cli,
                        struct err *e)
{
    const char *text = argv[*index], *name = text + 1 + (text[1] == '-'), *eq = strchr(name, '=');
    const struct option_row *row = find_row(rows, name, eq ? (size_t)(eq - name) : strlen(name));
    const char *value = eq ? eq + 1 : NULL;

    if (!row && text[1] != '-') {
        row = find_letter(rows, text[1]);
        value = text[2] == '\0' ? NULL : text[2] == '=' ? text + 3 : text + 2;
        if (row && row->kind == OPTION_FLAG && value)
            row = NULL;
    }
    if (!row) {
        err_set(e, EINVAL, "unknown option %s", text);
        return err_remedy(e, "--help lists the options");
    }
    if (row->kind != OPTION_FLAG && !value) {
        if (*index + 1 >= argc)
            return err_set(e, EINVAL, "%s needs a value (%s)", text, row->value);
        value = argv[++*index];
    }
    return store(row, value, cli, e);
}

static bool is_option(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

int cli_parse_global(int argc, char **argv, int *index, struct cli *cli, struct err *e)
{
    for (; *index < argc && is_option(argv[*index]); (*index)++) {
        int r = parse_option(global_options, argc, argv, index, cli, e);

        if (r < 0)
            return r;
    }
    return 0;
}

int cli_parse_verb(const struct verb *verb, int argc, char **argv, int index, struct cli *cli, struct err *e)
{
    struct values operands = { 0 };
    bool only_operands = false;
    int r = 0;

    for (; r >= 0 && index < argc; index++) {
        if (!only_operands && str_eq(argv[index], "--")) {
            only_operands = true;
        } else if (!only_operands && (str_eq(argv[index], "--help") || str_eq(argv[index], "-h"))) {
            cli->help = true;
        } else if (!only_operands && is_option(argv[index])) {
            r = parse_option(verb->options, argc, argv, &index, cli, e);
        } else {
            append(&operands, argv[index]);
            only_operands = only_operands || (verb->stop_at_operand && operands.n == 1);
        }
        /* exec CONTAINER -- CMD: the dashes after the container's name belong to us once. */
        if (verb->stop_at_operand && operands.n == 1 && index + 1 < argc && str_eq(argv[index + 1], "--"))
            index++;
    }
    append(&operands, NULL);
    operands.n--;
    cli->operands = operands.v;
    cli->n_operands = operands.n;
    if (r < 0 || cli->help)
        return r;
    if (operands.n < verb->min_operands || operands.n > verb->max_operands) {
        err_set(e, EINVAL, "%s: %zu operand%s given", verb->name, operands.n, operands.n == 1 ? "" : "s");
        return err_remedy(e, "usage: lichen-oci %s %s", verb->name, verb->operands);
    }
    return 0;
}

void cli_free(struct cli *cli)
{
    free(cli->publish.v);
    free(cli->env.v);
    free(cli->caps.v);
    free(cli->additional_gids.v);
    free(cli->operands);
}

static void help_rows(const struct option_row *rows)
{
    for (const struct option_row *row = rows; row && row->name; row++) {
        char left[64];

        (void)str_format(left, sizeof(left), "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
                         row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
                         row->kind == OPTION_FLAG ? "" : " ", row->kind == OPTION_FLAG ? "" : row->value);
        printf("  %-34s %s\n", left, row->help);
    }
}

void help_program(void)
{
    printf("Usage: lichen-oci [GLOBAL OPTIONS] VERB [OPTIONS] ...\n\n"
           "The OCI runtime of lichen: containers in user namespaces, without root. A drop-in for runc and "
           "crun.\n\nVerbs:\n");
    for (const struct verb *v = verbs; v->name; v++)
        printf("  %-12s %s\n", v->name, v->summary);
    printf("\nGlobal options:\n");
    help_rows(global_options);
    printf("\n`lichen-oci VERB --help` explains a verb; lichen-oci(1) has all of it.\n");
}

void help_verb(const struct verb *verb)
{
    printf("Usage: lichen-oci %s%s%s%s\n\n%s\n", verb->name, verb->options ? " [OPTIONS]" : "",
           *verb->operands ? " " : "", verb->operands, verb->summary);
    if (verb->options) {
        printf("\nOptions:\n");
        help_rows(verb->options);
    }
}
