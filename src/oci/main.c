// SPDX-License-Identifier: Apache-2.0
/* lichen-oci: global options, log, dispatch. The only place besides the verbs that prints. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"
#include "create/denied.h"
#include "create/self_protect.h"
#include "oci/cli.h"
#include "spec/spec.h"

const struct verb *verb_find(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++) {
        if (str_eq(v->name, name))
            return v;
    }
    return NULL;
}

static int setup_log(const struct cli *cli, struct err *e)
{
    enum log_format format = LOG_TEXT;
    enum log_level least = LOG_INFO;

    if (cli->log_format && str_eq(cli->log_format, "json"))
        format = LOG_JSON;
    else if (cli->log_format && !str_eq(cli->log_format, "text"))
        return err_set(e, EINVAL, "--log-format %s: text or json", cli->log_format);
    if (cli->log_level && log_level_parse(cli->log_level, &least) < 0)
        return err_set(e, EINVAL, "--log-level %s: debug, info, warning or error", cli->log_level);
    return log_open("lichen-oci", cli->log, format, cli->debug ? LOG_DEBUG : least, e);
}

static int print_version(void)
{
    printf("lichen-oci version %s\nspec: %s\n", PACKAGE_VERSION, SPEC_VERSION);
    return 0;
}

static int run_verb(const struct verb *verb, int argc, char **argv, int index, struct cli *cli, struct err *e)
{
    int r;

    if (verb->refused) {
        if (index < argc && str_eq(argv[index], "--help"))
            help_verb(verb);
        return verb->run(cli, e);
    }
    r = cli_parse_verb(verb, argc, argv, index, cli, e);
    if (r < 0)
        return r;
    if (cli->help) {
        help_verb(verb);
        return 0;
    }
    return verb->run(cli, e);
}

static int run_program(int argc, char **argv, struct cli *cli, int *failure_status, struct err *e)
{
    const struct verb *verb;
    int index = 1, r;

    r = cli_parse_global(argc, argv, &index, cli, e);
    if (r >= 0)
        r = setup_log(cli, e);
    if (r < 0)
        return r;
    if (cli->version)
        return print_version();
    if (cli->help || index == argc || str_eq(argv[index], "help")) {
        help_program();
        return cli->help || index < argc ? 0 : 1;
    }
    verb = verb_find(argv[index]);
    if (!verb) {
        err_set(e, EINVAL, "unknown verb %s", argv[index]);
        return err_remedy(e, "--help lists the verbs");
    }
    *failure_status = verb->failure_status;
    return run_verb(verb, argc, argv, index + 1, cli, e);
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    struct err e = { 0 };
    int failure_status = 1, r;

    /* A hook or a log reader that goes away must not kill us (PERFORMANCE.md); programs we exec get the
     * default back. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)fd_ensure_stdio();
    /* The modes of what is made inside the container are meant as they are written. */
    (void)umask(022);
    r = self_protect(argv, &e);
    if (r >= 0)
        r = run_program(argc, argv, &cli, &failure_status, &e);
    if (r < 0) {
        denied_explain(&e);
        log_error(&e);
        r = e.exit_status ? e.exit_status : failure_status;
    }
    cli_free(&cli);
    if (fflush(stdout) != 0 && r == 0)
        r = 1;
    return r;
}
