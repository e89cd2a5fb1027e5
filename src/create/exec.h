// SPDX-License-Identifier: Apache-2.0
/* exec: one more process in a running container. */
#ifndef LICHEN_CREATE_EXEC_H
#define LICHEN_CREATE_EXEC_H

#include <stdbool.h>

#include "base/err.h"
#include "create/container.h"
#include "create/process.h"
#include "spec/spec.h"

struct exec_request {
    const struct spec_process
        *process; /* complete: what the command line and the frozen config make together */
    unsigned preserve_fds;
    struct process_passed passed;
    bool detach, ignore_paused, no_new_keyring;
    const char *pid_file, *console_socket, *pidfd_socket;
    const char *cgroup; /* --cgroup: a subdirectory of the container's cgroup, or NULL */
};

struct exec_result {
    pid_t pid;
    int pidfd;
    int master; /* the terminal, when there is one and no console socket */
};

/*
 * Start the process in all of the container's namespaces and its cgroup; returns once it has exec'ed. The
 * joining process is not dumpable and never runs anything of the container before the exec (CVE-2019-5736,
 * CVE-2016-9962). Returns 0 or -errno.
 */
int container_exec(struct container *c, const struct exec_request *request, struct exec_result *ret,
                   struct err *e);

#endif
