// SPDX-License-Identifier: Apache-2.0
/*
 * The seccomp agent: whom SCMP_ACT_NOTIFY asks (config-linux.md "Seccomp", "The Container Process State").
 * The process sends the listener to whoever waits for its exec (SYNC_SECCOMP), who hands it on.
 */
#ifndef LICHEN_CREATE_SECCOMP_AGENT_H
#define LICHEN_CREATE_SECCOMP_AGENT_H

#include "base/err.h"
#include "state/record.h"

struct seccomp_agent {
    const struct record *record;
    int sock; /* to the agent until the listener is delivered; -1 then, and where the filter does not notify
               */
};

/* Connect to the agent of the container of @record, where it has one: before the process may go on, so that
 * an agent that is not there is an error and not a hang. Returns 0 or -errno. */
int seccomp_agent_connect(const struct record *record, struct seccomp_agent *ret, struct err *e);

/* Deliver @listener for process @pid. Returns 0 or -errno. */
int seccomp_agent_deliver(struct seccomp_agent *a, pid_t pid, enum lifecycle_status status, int listener,
                          struct err *e);

/* The process has exec'ed, or ended: whether the listener has come before. Returns 0 or -errno. */
int seccomp_agent_check(const struct seccomp_agent *a, struct err *e);

void seccomp_agent_close(struct seccomp_agent *a);

#endif
