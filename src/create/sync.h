// SPDX-License-Identifier: Apache-2.0
/*
 * The conversation of create: one SOCK_SEQPACKET pair between the parent and what it makes (first the stage,
 * then init, which inherit the same end), one fixed message, one list of names. See docs/create-protocol.md
 * for the sequence.
 *
 * A peer that fails sends FAILED with its error record; a peer that dies is an end of file, which is an error
 * that names the step that was awaited. A message other than the expected one names both.
 */
#ifndef LICHEN_CREATE_SYNC_H
#define LICHEN_CREATE_SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* X(name, who sends it and what it means) */
#define SYNC_MESSAGES(X)                                                                                     \
    X(FAILED, "any process: the error record; nothing follows")                                              \
    X(MAPPED, "parent to stage: the id maps are written; carries the cgroup directory when init is to be "   \
              "born in it")                                                                                  \
    X(INIT, "init to parent, its first word: it exists; its pidfd attached")                                 \
    X(ROOTED, "init to stage (their own pair): the root is mounted; with the FUSE connection attached when " \
              "it needs a server")                                                                           \
    X(ROOTFS, "init to parent: the root is mounted; value = enum rootfs_driver chosen, text = why not the "  \
              "first choice")                                                                                \
    X(TAP, "init to parent: the tap device of the container's network is attached")                          \
    X(CGROUP, "parent to init: you are in your cgroup, its namespace may be made")                           \
    X(HOOKS, "init to parent: namespaces and mounts are ready, run the runtime hooks")                       \
    X(HOOKS_DONE, "parent to init: the runtime hooks succeeded")                                             \
    X(NOTE, "init to parent: text of a default that could not be applied")                                   \
    X(TERMINAL, "init or exec's process to parent: the pty master is attached")                              \
    X(TERMINAL_DONE, "parent: the master is where it belongs")                                               \
    X(SECCOMP, "init or exec's process to whoever waits for its exec: the seccomp listener is attached")     \
    X(READY, "init to parent: everything is done")                                                           \
    X(RECORDED, "parent to init: the record is complete and names you; wait for start")                      \
    X(START, "parent or the start verb to init: run the process")

enum sync_type {
#define SYNC_ENUM(name, meaning) SYNC_##name,
    SYNC_MESSAGES(SYNC_ENUM)
#undef SYNC_ENUM
        SYNC_N
};

struct sync_msg {
    uint32_t type;
    int32_t value;
    union {
        struct err err;
        char text[ERR_MESSAGE_MAX];
    };
};

const char *sync_name(uint32_t type);

/* Make the pair; both ends close-on-exec. Returns 0 or -errno. */
int sync_pair(int pair[2], struct err *e);

/* Send a message without a text; @fd (or -1) is attached. Returns 0 or -errno (-EPIPE when the peer is gone).
 */
int sync_send(int sock, enum sync_type type, int32_t value, int fd, struct err *e);
int sync_send_text(int sock, enum sync_type type, int32_t value, const char *text, struct err *e);

/* Send FAILED. Errors are ignored: the peer learns of the end by end of file then. */
void sync_send_failed(int sock, const struct err *failure);

/*
 * Receive any message; FAILED is turned into an error with the sender's record. *ret_fd (may be NULL: a
 * descriptor is then an error) gets an attached descriptor or -1. @awaited names in the error what was being
 * waited for when the peer died. Returns 0 or -errno.
 */
int sync_recv(int sock, struct sync_msg *msg, int *ret_fd, const char *awaited, struct err *e);

/* Receive exactly @type. Returns 0 or -errno (-EPROTO names what was expected and what came). */
int sync_expect(int sock, enum sync_type type, struct sync_msg *msg, int *ret_fd, struct err *e);

/* The error for a message nobody expected here. */
int sync_unexpected(const struct sync_msg *msg, const char *expected, struct err *e);

/*
 * Test hook: kill the calling process when $LICHEN_TEST_KILL_AT is this step ("stage:mapped"). Compiled in
 * unless
 * --disable-test-hooks; the suites kill at every step and check that nothing is left (bats/crash.bats).
 */
void sync_test_step(const char *step);

#endif
