// SPDX-License-Identifier: Apache-2.0
/*
 * The log: where errors and warnings of one run go. Only the programs' mains and the verbs call it (STYLE.md
 * rule 2); library code returns a struct err.
 */
#ifndef LICHEN_BASE_LOG_H
#define LICHEN_BASE_LOG_H

#include "base/err.h"

enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/*
 * Set up logging: @program is put before messages on stderr; @path (may be NULL) is a file to append to,
 * besides stderr for errors, as runc does; what is less than @least is dropped, but for errors. Returns 0 or
 * -errno with @e filled.
 */
int log_open(const char *program, const char *path, enum log_format format, enum log_level least,
             struct err *e);

/* "debug", "info", "warning" (or "warn"), "error" and runc's louder ones. Returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret);

/* One message at a level. */
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An error record: message and remedy; in JSON {"level":"error","msg":...,"time":...} as podman and
 * containerd parse it. */
void log_error(const struct err *e);

#endif
