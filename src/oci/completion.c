// SPDX-License-Identifier: Apache-2.0
/* lichen-oci completion: scripts from the same rows as the parser. */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "oci/cli.h"

static void put_words(const struct option_row *rows)
{
    for (const struct option_row *row = rows; row && row->name; row++)
        printf(" --%s", row->name);
}

static void bash(void)
{
    printf("_lichen_oci() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} verb= i skip=\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n");
    for (const struct option_row *row = global_options; row->name; row++) {
        if (row->kind != OPTION_FLAG)
            printf("        --%s) skip=1 ;;\n", row->name);
    }
    printf("        -*) ;;\n"
           "        *) if [ -n \"$skip\" ]; then skip=; else verb=${COMP_WORDS[i]}; break; fi ;;\n"
           "        esac\n"
           "    done\n"
           "    case $verb:$cur in\n"
           "    :-*) COMPREPLY=($(compgen -W \"");
    put_words(global_options);
    printf("\" -- \"$cur\")) ;;\n    :*) COMPREPLY=($(compgen -W \"");
    for (const struct verb *v = verbs; v->name; v++)
        printf(" %s", v->name);
    printf("\" -- \"$cur\")) ;;\n");
    for (const struct verb *v = verbs; v->name; v++) {
        printf("    %s:-*) COMPREPLY=($(compgen -W \"--help", v->name);
        put_words(v->options);
        printf("\" -- \"$cur\")) ;;\n");
    }
    printf("    *) COMPREPLY=($(compgen -W \"$(lichen-oci list -q 2>/dev/null)\" -- \"$cur\")) ;;\n"
           "    esac\n"
           "}\n"
           "complete -o default -F _lichen_oci lichen-oci\n");
}

static void fish_rows(const char *condition, const struct option_row *rows)
{
    for (const struct option_row *row = rows; row && row->name; row++) {
        printf("complete -c lichen-oci -n '%s' -l %s", condition, row->name);
        if (row->letter)
            printf(" -s %c", row->letter);
        printf("%s -d \"%s\"\n", row->kind == OPTION_FLAG ? "" : " -r", row->help);
    }
}

static void fish(void)
{
    printf("complete -c lichen-oci -f\n");
    fish_rows("__fish_use_subcommand", global_options);
    for (const struct verb *v = verbs; v->name; v++) {
        char condition[96];

        printf("complete -c lichen-oci -n __fish_use_subcommand -a %s -d \"%s\"\n", v->name, v->summary);
        (void)str_format(condition, sizeof(condition), "__fish_seen_subcommand_from %s", v->name);
        fish_rows(condition, v->options);
    }
}

/* '-' is a hyphen to roff unless escaped; help texts hold no other special characters. */
static void put_roff(const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
}

static void roff_rows(const struct option_row *rows)
{
    for (const struct option_row *row = rows; row && row->name; row++) {
        printf(".TP\n\\fB");
        if (row->letter)
            printf("\\-%c\\fR, \\fB", row->letter);
        printf("\\-\\-");
        put_roff(row->name);
        printf("\\fR");
        if (row->kind != OPTION_FLAG)
            printf(" \\fI%s\\fR", row->value);
        printf("\n");
        put_roff(row->help);
        printf("\n");
    }
}

/* The generated middle of lichen-oci(1): docs/man/generate puts it into the page. */
static void man(void)
{
    printf(".SH GLOBAL OPTIONS\n");
    roff_rows(global_options);
    printf(".SH VERBS\n");
    for (const struct verb *v = verbs; v->name; v++) {
        printf(".SS %s%s %s\n", v->name, v->options ? " [OPTIONS]" : "", v->operands);
        put_roff(v->summary);
        printf(".\n");
        roff_rows(v->options);
    }
}

int verb_completion(struct cli *cli, struct err *e)
{
    const char *shell = cli->operands[0];

    if (str_eq(shell, "zsh"))
        printf("autoload -U +X bashcompinit && bashcompinit\n");
    if (str_eq(shell, "bash") || str_eq(shell, "zsh"))
        bash();
    else if (str_eq(shell, "fish"))
        fish();
    else if (str_eq(shell, "man"))
        man();
    else
        return err_set(e, EINVAL, "completion %s: bash, zsh or fish", shell);
    return 0;
}
