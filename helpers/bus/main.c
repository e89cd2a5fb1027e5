// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-bus: one request to systemd over sd-bus, for lichen-oci. Runs as the caller, in the caller's
 * namespaces, while the container is being built. A program of its own because lichen-oci is linked
 * statically where it can be and starts in half the time for it; only containers with a systemd scope need
 * the bus.
 *
 * Everything comes by the command line, the answer goes to standard output as a struct bus_answer. Not meant
 * to be called by people, but harmless: it can do what systemctl(1) can.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/bus_answer.h"
#include "config.h"
#include "unit.h"

static const struct verb {
    const char *name, *operands;
    int n; /* operands needed; more are limits */
    bool limits;
    unit_function *run;
} verbs[] = {
    { "start", "UNIT SLICE PID [FILE=VALUE...] [-- PROPERTY=VALUE...]", 3, true, unit_start },
    { "attach", "UNIT PID", 2, false, unit_attach },
    { "update", "UNIT [FILE=VALUE...]", 1, true, unit_update },
    { "stop", "UNIT", 1, false, unit_stop },
    { "locate", "UNIT", 1, false, unit_locate },
};

static void help(void)
{
    printf("usage: " BUS_PROGRAM " user|system REQUEST\n\n"
           "Asks systemd for something about a container's scope. lichen-oci runs it; the answer is for "
           "lichen-oci.\n\nRequests:\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        printf("  %s %s\n", verbs[i].name, verbs[i].operands);
}

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (str_eq(verbs[i].name, name))
            return &verbs[i];
    }
    return NULL;
}

static int run(int argc, char **argv, char *text, size_t size, struct err *e)
{
    const struct verb *verb = argc > 3 ? find(argv[2]) : NULL;
    const char *pid = NULL;
    struct unit_request q = { 0 };
    uint32_t number = 0;
    int given = argc - 3;

    if (!verb || given < verb->n || (!verb->limits && given > verb->n))
        return err_set(e, EINVAL, BUS_PROGRAM ": not a request (--help lists them)");
    if (!str_eq(argv[1], "user") && !str_eq(argv[1], "system"))
        return err_set(e, EINVAL, BUS_PROGRAM " %s: user or system", argv[1]);
    q.user = str_eq(argv[1], "user");
    q.unit = argv[3];
    if (verb->run == unit_start) {
        q.slice = argv[4];
        pid = argv[5];
    } else if (verb->run == unit_attach) {
        pid = argv[4];
    }
    if (pid && (str_to_u32(pid, &number) < 0 || number == 0 || number > INT32_MAX))
        return err_set(e, EINVAL, BUS_PROGRAM ": %s is not a pid", pid);
    q.pid = (pid_t)number;
    q.limits = (const char *const *)argv + 3 + verb->n;
    while (q.n_limits < (size_t)(given - verb->n) && !str_eq(q.limits[q.n_limits], "--"))
        q.n_limits++;
    if (q.n_limits < (size_t)(given - verb->n)) {
        q.properties = q.limits + q.n_limits + 1;
        q.n_properties = (size_t)(given - verb->n) - q.n_limits - 1;
    }
    return verb->run(&q, text, size, e);
}

int main(int argc, char **argv)
{
    struct bus_answer answer = { .magic = BUS_ANSWER_MAGIC, .size = sizeof(answer) };
    int r;

    if (argc == 2 && str_eq(argv[1], "--version")) {
        printf(BUS_PROGRAM " version %s\n", PACKAGE_VERSION);
        return 0;
    }
    if (argc == 1 || (argc == 2 && str_eq(argv[1], "--help"))) {
        help();
        return argc == 1;
    }
    if (isatty(STDOUT_FILENO)) {
        fprintf(stderr, BUS_PROGRAM ": the answer is for lichen-oci, not for a terminal\n");
        return 1;
    }
    r = run(argc, argv, answer.text, sizeof(answer.text), &answer.error);
    if (r < 0 && answer.error.code == 0)
        answer.error.code = -r;
    if (r >= 0)
        answer.error.code = 0;
    return fd_write_all(STDOUT_FILENO, &answer, sizeof(answer)) < 0 || r < 0;
}
