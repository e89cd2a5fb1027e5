// SPDX-License-Identifier: Apache-2.0
/* One function in a process of its own. Runs in the verbs. */
#include "create/child.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "create/sync.h"

void child_report(int sock, int r, const struct err *e)
{
    if (r < 0)
        sync_send_failed(sock, e);
    else
        (void)sync_send(sock, SYNC_READY, 0, -1, NULL);
}

int child_run(int (*function)(void *argument, int sock, struct err *e), void *argument, const char *what,
              struct err *e)
{
    struct sync_msg msg;
    int pair[2], status, r;
    pid_t pid;

    r = sync_pair(pair, e);
    if (r < 0)
        return r;
    pid = proc_clone(0, -1, NULL);
    if (pid == 0) {
        struct err failure = { 0 };

        r = function(argument, pair[1], &failure);
        if (r <= 0)
            child_report(pair[1], r, &failure);
        _exit(r < 0);
    }
    fd_close(pair[1]);
    r = pid < 0 ? err_sys(e, pid, "%s", what) : sync_expect(pair[0], SYNC_READY, &msg, NULL, e);
    fd_close(pair[0]);
    if (pid > 0)
        (void)proc_wait(pid, &status);
    return r;
}
