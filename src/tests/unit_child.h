// SPDX-License-Identifier: Apache-2.0
/* Unit tests of what changes the calling process for good: run in a forked child, judged by its exit status.
 */
#ifndef LICHEN_TESTS_UNIT_CHILD_H
#define LICHEN_TESTS_UNIT_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit.h"

/* Run @child in a forked process: its exit status, or 128 + the signal that killed it. */
static inline int in_child(int (*child)(void *data), void *data)
{
    int status = 0;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(child(data));
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
