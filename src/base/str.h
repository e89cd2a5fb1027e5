// SPDX-License-Identifier: Apache-2.0
/* Strings and numbers: strict parsing (full consume, range-checked) and growing buffers. */
#ifndef LICHEN_BASE_STR_H
#define LICHEN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);

/*
 * Parse a whole string as an unsigned decimal number between @min and @max. No sign, no blank, no other base,
 * no trailing text (CVE-2026-30892: "-u 1" must never run as 0). Returns 0, -EINVAL or -ERANGE; *ret
 * untouched on failure.
 */
int str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int str_to_u32(const char *s, uint32_t *ret);
/* Like str_to_u64 but signed: an optional leading '-'. */
int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret);
/*
 * A number of bytes: digits, then nothing, "b", or one of k, m, g, t, p (any case, powers of 1024) with an
 * optional "b" or "ib" ("512m", "2GiB"), as runc's and docker's options take it. Returns 0, -EINVAL or
 * -ERANGE (above INT64_MAX).
 */
int str_to_bytes(const char *s, int64_t *ret);
/*
 * A duration as Go writes it: one or more of digits, optionally with a fraction, and a unit of h, m, s, ms,
 * us or ns
 * ("5s", "1m30s", "0.5s"), in milliseconds, rounded up. Returns 0, -EINVAL or -ERANGE (above INT32_MAX).
 */
int str_to_duration(const char *s, int *ret_ms);
/*
 * A list of numbers and ranges, "0-3,7" (cpusets, CPU and node lists), as bits: number i is bit i of the
 * array of
 * @n_bits (a multiple of the bits of a long), which is cleared first. Blanks and empty parts are passed over,
 * as the kernel does. Returns the count of numbers, -EINVAL for other text, -ERANGE for a number not below
 * @n_bits.
 */
int str_to_bits(const char *text, unsigned long *bits, unsigned n_bits);
/* malloc'ed printf; never NULL. */
char *str_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* Bounded printf into an array; returns 0 or -ENAMETOOLONG (then @buf holds an empty string). */
int str_format(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A growing byte buffer, always NUL-terminated at data[len]. Zero-initialise; buf_free releases.
 */
struct buf {
    char *data;
    size_t len;
    size_t size;
};

void buf_append(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

#define _cleanup_buf_ __attribute__((cleanup(buf_free)))

/* A NULL-terminated list of malloc'ed strings; NULL is the empty list. */
void strv_append(char ***list, size_t *n, const char *s);
void strv_free(char **list);
void strv_freep(char ***list);

#define _cleanup_strv_ __attribute__((cleanup(strv_freep)))

#endif
