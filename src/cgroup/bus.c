// SPDX-License-Identifier: Apache-2.0
/*
 * Asking lichen-bus. Runs in the parent and in the verbs, as the caller. The helper is a process of its own,
 * so a request goes on beside what its asker does meanwhile, and nobody else pays for libsystemd.
 */
#include "cgroup/bus.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/program.h"
#include "cgroup/bus_answer.h"
#include "cgroup/unit_property.h"

/* Beyond every patience of lichen-bus's own (helpers/bus/bus.c). */
#define PATIENCE_MS 60000

void cgroup_bus_free(struct cgroup_bus *b)
{
    int status;

    if (!b)
        return;
    fd_close(b->out);
    if (b->pid > 0) {
        /* Our own child, not collected yet: the number can't have been reused. */
        (void)kill(b->pid, SIGKILL);
        (void)proc_wait(b->pid, &status);
    }
    free(b);
}

/* The settings that systemd has words for; those that ask for nothing are left out. */
static bool is_property(const struct cgroup_setting *s)
{
    return cgroup_property_of(s->file) && !(s->nothing && s->optional);
}

bool bus_has_words(const struct cgroup_settings *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        if (is_property(&settings->v[i]))
            return true;
    }
    return false;
}

/* The caller's own properties, after "--". */
static void add_properties(const struct cgroup_plan *plan, char ***argv, size_t *n)
{
    strv_append(argv, n, "--");
    for (size_t i = 0; i < plan->n_annotations; i++) {
        const struct spec_key_value *a = &plan->annotations[i];
        _cleanup_free_ char *text = NULL;

        if (!str_has_prefix(a->key, UNIT_PROPERTY_PREFIX))
            continue;
        text = str_printf("%s=%s", a->key + strlen(UNIT_PROPERTY_PREFIX), a->value);
        strv_append(argv, n, text);
    }
}

static char **make_arguments(const char *path, const struct cgroup_plan *plan, const char *request, pid_t pid,
                             const struct cgroup_settings *settings)
{
    const char *const fixed[] = { path, plan->user ? "user" : "system", request, plan->scope };
    char **argv = NULL, text[16];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        strv_append(&argv, &n, fixed[i]);
    if (str_eq(request, "start"))
        strv_append(&argv, &n, plan->slice);
    if (pid) {
        (void)str_format(text, sizeof(text), "%d", (int)pid);
        strv_append(&argv, &n, text);
    }
    for (size_t i = 0; settings && i < settings->n; i++) {
        _cleanup_free_ char *limit = NULL;

        if (!is_property(&settings->v[i]))
            continue;
        limit = str_printf("%s=%s", settings->v[i].file, settings->v[i].value);
        strv_append(&argv, &n, limit);
    }
    if (str_eq(request, "start"))
        add_properties(plan, &argv, &n);
    return argv;
}

int bus_begin(const struct cgroup_plan *plan, const char *request, pid_t pid,
              const struct cgroup_settings *settings, struct cgroup_bus **ret, struct err *e)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_strv_ char **argv = NULL;
    struct cgroup_bus *b;
    int r;

    r = program_helper_path(BUS_PROGRAM, &path, e);
    if (r < 0)
        return err_prefix(e, "systemd unit %s", plan->scope);
    argv = make_arguments(path, plan, request, pid, settings);
    b = mem_zalloc(sizeof(*b));
    r = program_start(argv, &b->pid, &b->out);
    if (r < 0) {
        free(b);
        return err_sys(e, r, "systemd unit %s: cannot run %s", plan->scope, path);
    }
    *ret = b;
    return 0;
}

static int read_answer(int fd, struct bus_answer *ret, struct err *e)
{
    ssize_t n = fd_read_record(fd, PATIENCE_MS, ret, sizeof(*ret));

    if (n == -ETIMEDOUT)
        return err_set(e, ETIMEDOUT, BUS_PROGRAM " has not answered in %d s", PATIENCE_MS / 1000);
    if (n < 0)
        return err_sys(e, (int)n, "read the answer of " BUS_PROGRAM);
    if (n == 0) {
        err_set(e, EPIPE, BUS_PROGRAM " ended without an answer");
        return err_remedy(
            e, "is libsystemd installed? `lichen-bus --version` tells; --cgroup-manager cgroupfs or "
               "disabled does without");
    }
    if (n != (ssize_t)sizeof(*ret) || ret->magic != BUS_ANSWER_MAGIC || ret->size != sizeof(*ret)) {
        err_set(e, EPROTO, BUS_PROGRAM " gave an answer this program does not understand");
        return err_remedy(e, "install lichen's programs from one build");
    }
    ret->text[sizeof(ret->text) - 1] = '\0';
    ret->error.message[sizeof(ret->error.message) - 1] = '\0';
    ret->error.remedy[sizeof(ret->error.remedy) - 1] = '\0';
    return 0;
}

int bus_finish(struct cgroup_bus *b, char *text, size_t size, struct err *e)
{
    struct bus_answer answer;
    int r = read_answer(b->out, &answer, e), status;

    if (r >= 0) {
        /* It ends by itself after its answer. */
        (void)proc_wait(b->pid, &status);
        b->pid = 0;
        if (answer.error.code != 0) {
            if (e)
                *e = answer.error;
            r = -abs(answer.error.code);
        } else if (text && str_format(text, size, "%s", answer.text) < 0) {
            r = err_set(e, ENAMETOOLONG, "systemd's answer: %.200s...", answer.text);
        }
    }
    cgroup_bus_free(b);
    return r < 0 ? r : 0;
}

int bus_request(const struct cgroup_plan *plan, const char *request, pid_t pid,
                const struct cgroup_settings *settings, char *text, size_t size, struct err *e)
{
    struct cgroup_bus *b;
    int r = bus_begin(plan, request, pid, settings, &b, e);

    return r < 0 ? r : bus_finish(b, text, size, e);
}
