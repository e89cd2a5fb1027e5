// SPDX-License-Identifier: Apache-2.0
/* The lifecycle of runtime.md ("Lifecycle", "State"): the statuses and which verb is allowed in which. Pure.
 */
#ifndef LICHEN_STATE_LIFECYCLE_H
#define LICHEN_STATE_LIFECYCLE_H

#include <stdbool.h>

#include "base/err.h"

enum lifecycle_status {
    STATUS_CREATING, /* create is at work */
    STATUS_CREATED,  /* init waits for start */
    STATUS_RUNNING,
    STATUS_PAUSED,
    STATUS_STOPPED,
    STATUS_N
};

enum lifecycle_verb {
    VERB_START,
    VERB_KILL,
    VERB_DELETE,
    VERB_EXEC,
    VERB_PAUSE,
    VERB_RESUME,
    VERB_PS,
    VERB_UPDATE,
    VERB_EVENTS,
    VERB_MOUNTS,
    VERB_N
};

/* "created" and so on, as in the state JSON. */
const char *lifecycle_status_name(enum lifecycle_status status);

/* Whether @verb may run on a container in @status; if not, @e says what it is and what it should be. Returns
 * 0 or -EPERM / -EINVAL. */
int lifecycle_check(enum lifecycle_verb verb, enum lifecycle_status status, const char *id, struct err *e);

/* What is observed of a container, from which its status follows; nothing is believed from a stale file. */
struct lifecycle_evidence {
    bool record_complete;   /* state.json says create finished */
    bool creator_alive;     /* the create process still runs */
    bool init_alive;        /* pidfd and start time agree, not a zombie */
    bool waiting_for_start; /* init still listens on the start socket */
    bool frozen;            /* cgroup.freeze */
};

enum lifecycle_status lifecycle_derive(const struct lifecycle_evidence *evidence);

#endif
