// SPDX-License-Identifier: Apache-2.0
/* Strings and numbers. Runs in every process. */
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool str_eq(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

bool str_has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* Decimal digits only; overflow is -ERANGE. strtoull is too forgiving (blanks, signs, prefixes). */
static int parse_digits(const char *s, uint64_t *ret)
{
    uint64_t v = 0;

    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (*s < '0' || digit >= 10)
            return -EINVAL;
        if (v > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        v = v * 10 + digit;
    }
    *ret = v;
    return 0;
}

int str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t v;
    int r;

    r = parse_digits(s, &v);
    if (r < 0)
        return r;
    if (v < min || v > max)
        return -ERANGE;
    *ret = v;
    return 0;
}

int str_to_u32(const char *s, uint32_t *ret)
{
    uint64_t v;
    int r;

    r = str_to_u64(s, 0, UINT32_MAX, &v);
    if (r < 0)
        return r;
    *ret = (uint32_t)v;
    return 0;
}

int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = *s == '-';
    uint64_t magnitude;
    int64_t v;
    int r;

    r = parse_digits(negative ? s + 1 : s, &magnitude);
    if (r < 0)
        return r;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return -ERANGE;
    v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (v < min || v > max)
        return -ERANGE;
    *ret = v;
    return 0;
}

char *str_printf(const char *format, ...)
{
    va_list ap;
    char *s;
    int n;

    va_start(ap, format);
    n = vasprintf(&s, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    return s;
}

int str_format(char *buf, size_t size, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(buf, size, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= size) {
        buf[0] = '\0';
        return -ENAMETOOLONG;
    }
    return 0;
}

static void buf_reserve(struct buf *b, size_t more)
{
    size_t need = b->len + more + 1;

    if (need <= b->size)
        return;
    b->size = b->size ? b->size : 256;
    while (b->size < need)
        b->size *= 2;
    b->data = mem_realloc_array(b->data, b->size, 1);
}

void buf_append(struct buf *b, const void *p, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;
    char *s;
    int n;

    va_start(ap, format);
    n = vasprintf(&s, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    buf_append(b, s, (size_t)n);
    free(s);
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ 0 };
}

void strv_append(char ***list, size_t *n, const char *s)
{
    *list = mem_realloc_array(*list, *n + 2, sizeof(char *));
    (*list)[*n] = mem_dup(s, strlen(s) + 1);
    (*list)[++*n] = NULL;
}

void strv_free(char **list)
{
    if (!list)
        return;
    for (char **p = list; *p; p++)
        free(*p);
    free(list);
}

void strv_freep(char ***list)
{
    strv_free(*list);
}
