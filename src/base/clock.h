// SPDX-License-Identifier: Apache-2.0
/* The clock for deadlines and intervals: it does not jump. */
#ifndef LICHEN_BASE_CLOCK_H
#define LICHEN_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds. */
int64_t clock_now_ms(void);

#endif
