// SPDX-License-Identifier: Apache-2.0
/* Processes: pidfds, start times (for the one case where only a number is left), clone3, waiting. */
#ifndef LICHEN_BASE_PROC_H
#define LICHEN_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process's identity: a number is reused, a number with its start time is not. */
struct proc_id {
    pid_t pid;           /* in the caller's pid namespace; 0 when unknown */
    uint64_t start_time; /* field 22 of /proc/PID/stat, in clock ticks since boot */
};

/*
 * clone3(2) in fork manner (a copy of the address space): @flags are CLONE_* without an exit signal (SIGCHLD
 * is used).
 * @cgroup_fd >= 0 adds CLONE_INTO_CGROUP. Where a sandbox around us denies clone3, clone(2) and a write to
 * cgroup.procs before the child goes on. *ret_pidfd (may be NULL) receives a close-on-exec pidfd in the
 * parent. Returns the pid in the parent, 0 in the child, -errno.
 */
pid_t proc_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd);

/*
 * A child that shares our memory, with the caller suspended until the child has called execve or has ended
 * (clone(2), CLONE_VM and CLONE_VFORK; @flags are more CLONE_* that need no argument). It runs @fn(@argument)
 * on a stack of its own and exits with what that returns. No page table is copied, so this is the way to a
 * process that only goes on to execve; what @fn changes in memory stays changed, descriptors are its own.
 * Needs a caller without other threads. Returns the pid or -errno.
 */
pid_t proc_clone_shared(int flags, int (*fn)(void *), void *argument);

/* Whether proc_clone_shared may be used in this build: AddressSanitizer wants a memory of its own per
 * process. */
bool proc_can_share(void);

/* pidfd_open(2). Returns a descriptor or -errno (-ESRCH when there is no such process). */
int proc_pidfd(pid_t pid);

/* The pid a pidfd refers to, in the pid namespace of /proc ("Pid:" of its fdinfo). Returns it or -errno
 * (-ESRCH when dead). */
pid_t proc_pid_of(int pidfd);

/* pidfd_send_signal(2). Returns 0 or -errno. */
int proc_signal(int pidfd, int signal);

/* Read /proc/PID/stat: the start time and (may be NULL) the state letter. Returns 0 or -errno (-ESRCH when
 * gone). */
int proc_stat(pid_t pid, uint64_t *ret_start_time, char *ret_state);

/*
 * A pidfd for exactly that process: opened, then its start time compared, so a recycled number never passes.
 * Returns a descriptor, -ESRCH when that process is gone or a zombie, or another -errno when that cannot be
 * known.
 */
int proc_open_id(const struct proc_id *id);

/* Fill @ret for a live process. Returns 0 or -errno. */
int proc_identify(pid_t pid, struct proc_id *ret);

/* Wait until the process of @pidfd is dead, at most @timeout_ms (-1: for ever). Returns 1 dead, 0 timeout,
 * -errno. */
int proc_wait_dead(int pidfd, int timeout_ms);

/* waitpid for one child, going on after EINTR. Returns the wait status in *ret_status and 0, or -errno. */
int proc_wait(pid_t pid, int *ret_status);

/* A wait status as the shell's exit code: 0..255, or 128 + signal. */
int proc_exit_code(int wait_status);

/* Name the calling process for ps (prctl PR_SET_NAME; 15 bytes are kept). */
void proc_set_name(const char *name);

/* Reset every signal to its default action and unblock all: what an exec'ed program expects to find. */
void proc_reset_signals(void);

/* A signal by name ("TERM", "SIGTERM", "term", "RTMIN+3") or number ("15"). Returns the number or -EINVAL. */
int proc_signal_by_name(const char *name);

#endif
