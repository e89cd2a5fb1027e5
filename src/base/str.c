// SPDX-License-Identifier: Apache-2.0
/* Strings and numbers. Runs in every process. */
#include "base/str.h"

#include <ctype.h>
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

int str_to_bytes(const char *s, int64_t *ret)
{
    static const char units[] = "kmgtp";
    size_t digits = strspn(s, "0123456789");
    const char *unit = s + digits, *known;
    char number[24];
    unsigned shift = 0;
    uint64_t v;
    int r;

    if (str_format(number, sizeof(number), "%.*s", (int)digits, s) < 0)
        return -ERANGE;
    r = parse_digits(number, &v);
    if (r < 0)
        return r;
    known = *unit ? strchr(units, tolower((unsigned char)*unit)) : NULL;
    if (known) {
        shift = 10 * (unsigned)(known - units + 1);
        unit++;
        if (tolower((unsigned char)unit[0]) == 'i' && tolower((unsigned char)unit[1]) == 'b')
            unit++;
    }
    if (tolower((unsigned char)*unit) == 'b')
        unit++;
    if (*unit)
        return -EINVAL;
    if (v > (uint64_t)INT64_MAX >> shift)
        return -ERANGE;
    *ret = (int64_t)(v << shift);
    return 0;
}

/* The unit at *s, in nanoseconds; 0 for none. *s is moved past it. */
static uint64_t duration_unit(const char **s)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        /* Longer names first: "ms" is not "m". */
        { "ms", 1000000 },       { "us", 1000 },      { "ns", 1 }, { "h", 3600 * 1000000000ULL },
        { "m", 60000000000ULL }, { "s", 1000000000 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (str_has_prefix(*s, units[i].name)) {
            *s += strlen(units[i].name);
            return units[i].ns;
        }
    }
    return 0;
}

/* One "1.5h" of a duration at *s, added to *ns. */
static int add_duration(const char **s, uint64_t *ns)
{
    uint64_t whole = 0, fraction = 0, scale = 1, unit;
    const char *start = *s;

    for (; **s >= '0' && **s <= '9'; (*s)++) {
        whole = whole * 10 + (uint64_t)(**s - '0');
        if (whole > UINT32_MAX)
            return -ERANGE;
    }
    if (**s == '.') {
        for ((*s)++; **s >= '0' && **s <= '9'; (*s)++) {
            if (scale >= 1000000)
                continue;
            fraction = fraction * 10 + (uint64_t)(**s - '0');
            scale *= 10;
        }
    }
    if (*s == start || (*s == start + 1 && *start == '.'))
        return -EINVAL;
    unit = duration_unit(s);
    if (!unit)
        return -EINVAL;
    if (whole > INT32_MAX * 1000000ULL / unit)
        return -ERANGE;
    *ns += whole * unit + fraction * unit / scale;
    return *ns > INT32_MAX * 1000000ULL ? -ERANGE : 0;
}

int str_to_duration(const char *s, int *ret_ms)
{
    uint64_t ns = 0;

    do {
        int r = add_duration(&s, &ns);

        if (r < 0)
            return r;
    } while (*s);
    *ret_ms = (int)((ns + 999999) / 1000000);
    return 0;
}

/* One number of a list; *text is moved behind it. Returns 0, -EINVAL or -ERANGE. */
static int list_number(const char **text, unsigned limit, unsigned *ret)
{
    unsigned value = 0;

    if (!isdigit((unsigned char)**text))
        return -EINVAL;
    for (; isdigit((unsigned char)**text); (*text)++) {
        value = value * 10 + (unsigned)(**text - '0');
        if (value >= limit)
            return -ERANGE;
    }
    *ret = value;
    return 0;
}

int str_to_bits(const char *text, unsigned long *bits, unsigned n_bits)
{
    const unsigned word = 8 * sizeof(*bits);
    int count = 0;

    memset(bits, 0, n_bits / 8);
    for (;;) {
        unsigned first, last;
        int r;

        text += strspn(text, ", \t\n");
        if (!*text)
            return count;
        r = list_number(&text, n_bits, &first);
        last = first;
        if (r >= 0 && *text == '-') {
            text++;
            r = list_number(&text, n_bits, &last);
        }
        if (r < 0)
            return r;
        if (last < first || (*text && !strchr(", \t\n", *text)))
            return -EINVAL;
        for (unsigned i = first; i <= last; i++) {
            count += !(bits[i / word] & 1UL << i % word);
            bits[i / word] |= 1UL << i % word;
        }
    }
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
