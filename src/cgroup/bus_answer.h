// SPDX-License-Identifier: Apache-2.0
/* What lichen-bus writes, once, to its standard output: less than PIPE_BUF, so the reader sees all or
 * nothing. */
#ifndef LICHEN_CGROUP_BUS_ANSWER_H
#define LICHEN_CGROUP_BUS_ANSWER_H

#include <limits.h>
#include <stdint.h>

#include "base/err.h"

#define BUS_PROGRAM      "lichen-bus"
#define BUS_ANSWER_MAGIC 0x6c627573 /* "lbus"; a different lichen-bus build must not be misread */

struct bus_answer {
    uint32_t magic;
    uint32_t size;    /* sizeof(struct bus_answer) of the writer */
    char text[1024];  /* what was asked for; "" */
    struct err error; /* code 0: done */
};

_Static_assert(sizeof(struct bus_answer) <= PIPE_BUF, "the answer must be written atomically");

#endif
