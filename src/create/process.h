// SPDX-License-Identifier: Apache-2.0
/*
 * The last steps of a container process, the same for init and exec: resources, identity, capabilities,
 * seccomp, exec. After process_become it is the user's; what runs before must not trust anything in the
 * container, what runs after cannot.
 */
#ifndef LICHEN_CREATE_PROCESS_H
#define LICHEN_CREATE_PROCESS_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "security/seccomp.h"
#include "spec/spec.h"

/* Sockets handed down from a service manager (sd_listen_fds(3), sd_notify(3)). */
struct process_passed {
    unsigned listen_fds;      /* LISTEN_FDS: the first of the preserved descriptors */
    const char *listen_names; /* LISTEN_FDNAMES or NULL */
    const char *notify;       /* NOTIFY_SOCKET in the container, or NULL */
};

struct process_setup {
    struct process_passed passed;
    const struct spec_process *process;
    const struct spec_personality *personality; /* linux.personality and memoryPolicy, or NULL */
    const struct spec_memory_policy *memory_policy;
    const struct seccomp_filter *filter;
    unsigned preserve_fds;
    bool no_new_keyring;
    bool keep_groups;       /* run.oci.keep_original_groups: the caller's supplementary groups stay */
    const char *id;         /* names the session keyring */
    bool setgroups_denied;  /* a user namespace mapped without privilege: setgroups(2) is EPERM for ever */
    char program[PATH_MAX]; /* found by process_find_program */
    bool *reached;          /* may be NULL: set when nothing but execve is left to be done */
};

/*
 * Find args[0] as execvp would in the process's own PATH, with the rights of its user, in the current root.
 * The messages are runc's, which podman turns into exit status 127 (not found) and 126 (not executable).
 * Changes the effective ids for a moment. Returns 0, -errno.
 */
int process_find_program(struct process_setup *s, struct err *e);

/* Keyring, personality, memory policy, rlimits, scheduling: while still root of the namespace. Returns 0 or
 * -errno. */
int process_apply_limits(const struct process_setup *s, struct err *e);

/*
 * Become the user and exec. *report_fd (close-on-exec, or -1) is what the caller reports a failure on:
 * everything but it, 0..2 and the preserved descriptors is closed; its number may change. Returns only on
 * failure, with -errno.
 */
int process_run(struct process_setup *s, int *report_fd, struct err *e);

/* Pipes of stdio belong to the caller; let the container's user reopen /dev/stdout (runc does the same). Best
 * effort. */
void process_own_stdio(const struct spec_process *process);

/* Make the terminal @tty the controlling one and stdin, stdout, stderr; the session is new. @process gives
 * the size. Returns 0, -errno. */
int process_use_terminal(int tty, const struct spec_process *process, struct err *e);

#endif
