// SPDX-License-Identifier: Apache-2.0
/*
 * The error record every failing call fills: a code, a message naming the field, path or value concerned, and
 * what to do about it. It holds no pointers, so the same bytes travel between processes (create/sync.h) and
 * end in the log.
 */
#ifndef LICHEN_BASE_ERR_H
#define LICHEN_BASE_ERR_H

#include <stddef.h>

#define ERR_MESSAGE_MAX 512
#define ERR_REMEDY_MAX  384

struct err {
    int code;        /* positive errno; 0 means no error recorded */
    int exit_status; /* what the program should exit with; 0 means the verb's usual failure status */
    char message[ERR_MESSAGE_MAX]; /* cause, naming what it is about; never ends in a newline */
    char remedy[ERR_REMEDY_MAX];   /* what the user can do; may be empty */
};

/*
 * Record an error: the formatted text only. @e may be NULL (the record is then dropped).
 * @code is a positive or negative errno. Returns the negative errno, so that callers write "return
 * err_set(...)".
 */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like err_set, and appends ": " and the text of the errno. Keeps errno out of the caller's format string. */
int err_sys(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Put context before a message already recorded: "context: message". Returns the record's code, negative. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Say what the user can do about an error already recorded. Returns the record's code, negative. */
int err_remedy(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The record's code as a negative errno; -EIO when no error is recorded. For "return err_code(e)". */
int err_code(const struct err *e);

#endif
