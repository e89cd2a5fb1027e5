// SPDX-License-Identifier: Apache-2.0
/* The lifecycle as tables. Pure. */
#include "state/lifecycle.h"

#include <assert.h>
#include <errno.h>

#include "base/mem.h"

static const char *const status_names[] = {
    [STATUS_CREATING] = "creating", [STATUS_CREATED] = "created", [STATUS_RUNNING] = "running",
    [STATUS_PAUSED] = "paused",     [STATUS_STOPPED] = "stopped",
};
static_assert(ARRAY_SIZE(status_names) == STATUS_N, "a name for every status");

#define IN(status) (1U << (status))

/* runtime.md: start needs created; kill needs created or running; delete needs stopped (or --force, which
 * kills first). */
static const struct {
    const char *name;
    unsigned allowed;
    const char *wanted;
} verbs[] = {
    [VERB_START] = { "start", IN(STATUS_CREATED), "created" },
    [VERB_KILL] = { "kill", IN(STATUS_CREATED) | IN(STATUS_RUNNING) | IN(STATUS_PAUSED),
                    "created or running" },
    [VERB_DELETE] = { "delete", IN(STATUS_STOPPED), "stopped" },
    [VERB_EXEC] = { "exec into", IN(STATUS_CREATED) | IN(STATUS_RUNNING), "running" },
    [VERB_PAUSE] = { "pause", IN(STATUS_RUNNING) | IN(STATUS_CREATED), "running" },
    [VERB_RESUME] = { "resume", IN(STATUS_PAUSED), "paused" },
    [VERB_PS] = { "list the processes of", IN(STATUS_CREATED) | IN(STATUS_RUNNING) | IN(STATUS_PAUSED),
                  "running" },
    [VERB_UPDATE] = { "update", IN(STATUS_CREATED) | IN(STATUS_RUNNING) | IN(STATUS_PAUSED),
                      "created or running" },
    [VERB_EVENTS] = { "watch", IN(STATUS_CREATED) | IN(STATUS_RUNNING) | IN(STATUS_PAUSED),
                      "created or running" },
    [VERB_MOUNTS] = { "change the mounts of", IN(STATUS_CREATED) | IN(STATUS_RUNNING) | IN(STATUS_PAUSED),
                      "created or running" },
};
static_assert(ARRAY_SIZE(verbs) == VERB_N, "a row for every verb");

const char *lifecycle_status_name(enum lifecycle_status status)
{
    return status_names[status];
}

int lifecycle_check(enum lifecycle_verb verb, enum lifecycle_status status, const char *id, struct err *e)
{
    if (verbs[verb].allowed & IN(status))
        return 0;
    /* conmon and podman look for these words when a process is already gone. */
    if (verb == VERB_KILL && status == STATUS_STOPPED)
        return err_set(e, ESRCH, "container %s not running", id);
    err_set(e, EINVAL, "cannot %s container %s: it is %s, not %s", verbs[verb].name, id, status_names[status],
            verbs[verb].wanted);
    if (verb == VERB_DELETE)
        return err_remedy(e, "stop it first (kill %s KILL), or use delete --force", id);
    if (status == STATUS_PAUSED && (verbs[verb].allowed & IN(STATUS_RUNNING)))
        return err_remedy(e, "resume %s first", id);
    return err_code(e);
}

enum lifecycle_status lifecycle_derive(const struct lifecycle_evidence *evidence)
{
    if (!evidence->record_complete)
        return evidence->creator_alive ? STATUS_CREATING : STATUS_STOPPED;
    if (!evidence->init_alive)
        return STATUS_STOPPED;
    if (evidence->frozen)
        return STATUS_PAUSED;
    return evidence->waiting_for_start ? STATUS_CREATED : STATUS_RUNNING;
}
