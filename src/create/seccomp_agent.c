// SPDX-License-Identifier: Apache-2.0
/* Handing the seccomp listener to the agent. Runs in run, start and exec, as the caller. */
#include "create/seccomp_agent.h"

#include <errno.h>

#include "base/fd.h"
#include "create/socket.h"

#define FIELD "linux.seccomp.listenerPath"

int seccomp_agent_connect(const struct record *record, struct seccomp_agent *ret, struct err *e)
{
    *ret = (struct seccomp_agent){ .record = record, .sock = -1 };
    if (!record->seccomp_listener)
        return 0;
    ret->sock = socket_connect(FIELD, record->seccomp_listener, e);
    return ret->sock < 0 ? err_remedy(e, "start the seccomp agent first; it listens there") : 0;
}

int seccomp_agent_deliver(struct seccomp_agent *a, pid_t pid, enum lifecycle_status status, int listener,
                          struct err *e)
{
    _cleanup_buf_ struct buf state = { 0 };
    int r;

    if (a->sock < 0 || listener < 0)
        return err_set(e, EPROTO, "a seccomp listener nobody waits for");
    record_process_state(a->record, status, pid, &state);
    /* One message, then the end: the specification allows no other. */
    r = fd_send(a->sock, state.data, state.len, &listener, 1);
    a->sock = fd_close(a->sock);
    return r < 0 ? err_sys(e, r, FIELD " %s: sending the listener", a->record->seccomp_listener) : 0;
}

int seccomp_agent_check(const struct seccomp_agent *a, struct err *e)
{
    if (a->sock < 0)
        return 0;
    err_set(e, EPROTO, "linux.seccomp: the process ended before it had handed over its listener");
    return err_remedy(
        e, "the filter must allow what the runtime does after it is installed: sendmsg, and without "
           "noNewPrivileges the change of user and capabilities");
}

void seccomp_agent_close(struct seccomp_agent *a)
{
    a->sock = fd_close(a->sock);
}
