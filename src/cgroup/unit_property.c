// SPDX-License-Identifier: Apache-2.0
/* Properties of a scope from annotations: outside data, parsed strictly, in the runtime (before anything is
 * made) and again in lichen-bus. No system calls. */
#include "cgroup/unit_property.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define TEXT_MAX  4096
#define TEXTS_MAX 64

static const struct {
    const char *word;
    char type;
    bool is_signed;
    int64_t min;
    uint64_t max;
} numbers[] = {
    { "byte", 'y', false, 0, UINT8_MAX },    { "int16", 'n', true, INT16_MIN, INT16_MAX },
    { "uint16", 'q', false, 0, UINT16_MAX }, { "int32", 'i', true, INT32_MIN, INT32_MAX },
    { "uint32", 'u', false, 0, UINT32_MAX }, { "int64", 'x', true, INT64_MIN, INT64_MAX },
    { "uint64", 't', false, 0, UINT64_MAX },
};

/* The unit is ours to describe: these would break how it is found, filled and ended. */
static const char *const kept[] = { "Slice", "PIDs", "Delegate", "Scope", "ControlGroup" };

static int bad(const char *name, const char *why, struct err *e)
{
    return err_set(e, EINVAL, "annotation " UNIT_PROPERTY_PREFIX "%.64s: %s", name, why);
}

static const char *skip_blanks(const char *s)
{
    while (*s == ' ')
        s++;
    return s;
}

/* 'text' or "text", with \\ before a quote or itself. *ret is after it. NULL: not such a text. */
static const char *read_text(const char *s, struct arena *arena, const char **ret)
{
    char quote = *s, *out;
    size_t n = 0;

    if ((quote != '\'' && quote != '"') || strlen(s) > TEXT_MAX)
        return NULL;
    out = arena_alloc(arena, strlen(s));
    for (s++; *s && *s != quote; s++) {
        if (*s == '\\' && (s[1] == '\\' || s[1] == '\'' || s[1] == '"'))
            s++;
        else if (*s == '\\' || iscntrl((unsigned char)*s))
            return NULL;
        out[n++] = *s;
    }
    if (*s != quote)
        return NULL;
    out[n] = '\0';
    *ret = out;
    return s + 1;
}

static const char *read_texts(const char *s, struct arena *arena, struct unit_property *p)
{
    const char **texts = ARENA_ARRAY(arena, TEXTS_MAX, const char *);
    size_t n = 0;

    s = skip_blanks(s + 1);
    while (*s != ']') {
        if (n == TEXTS_MAX)
            return NULL;
        s = read_text(s, arena, &texts[n]);
        if (!s)
            return NULL;
        n++;
        s = skip_blanks(s);
        if (*s == ',')
            s = skip_blanks(s + 1);
        else if (*s != ']')
            return NULL;
    }
    p->type = 'a';
    p->texts = texts;
    p->n_texts = n;
    return s + 1;
}

static int read_double(const char *s, double *ret)
{
    char *end;

    if (!*s || s[strspn(s, "0123456789.eE+-")] != '\0')
        return -EINVAL;
    errno = 0;
    *ret = strtod(s, &end);
    return *end || errno || !isfinite(*ret) ? -EINVAL : 0;
}

/* "uint64 5", "-5" (an int32, as GVariant text has it), "double 0.5", "1.5". */
static int read_number(const char *s, struct unit_property *p)
{
    size_t row = 3; /* int32 */

    if (str_has_prefix(s, "double ") || s[strcspn(s, ".")]) {
        p->type = 'd';
        return read_double(str_has_prefix(s, "double ") ? skip_blanks(s + 7) : s, &p->d);
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        size_t n = strlen(numbers[i].word);

        if (!str_has_prefix(s, numbers[i].word) || s[n] != ' ')
            continue;
        row = i;
        s = skip_blanks(s + n);
        break;
    }
    p->type = numbers[row].type;
    return numbers[row].is_signed ? str_to_i64(s, numbers[row].min, (int64_t)numbers[row].max, &p->i)
                                  : str_to_u64(s, 0, numbers[row].max, &p->u);
}

static int read_value(const char *name, const char *value, struct arena *arena, struct unit_property *p,
                      struct err *e)
{
    const char *s = skip_blanks(value), *end = NULL;

    if (str_eq(s, "true") || str_eq(s, "false")) {
        p->type = 'b';
        p->u = *s == 't';
        return 0;
    }
    if (*s == '\'' || *s == '"') {
        p->type = 's';
        end = read_text(s, arena, &p->text);
    } else if (*s == '[') {
        end = read_texts(s, arena, p);
    } else if (read_number(s, p) >= 0) {
        return 0;
    }
    if (end && *skip_blanks(end) == '\0')
        return 0;
    err_set(e, EINVAL, "annotation " UNIT_PROPERTY_PREFIX "%s: cannot read the value %.200s", name, value);
    return err_remedy(e, "true, false, 'text', 5, uint64 5, 1.5 or ['a', 'b'] (GVariant text)");
}

/* TimeoutStopSec -> TimeoutStopUSec: D-Bus has microseconds only. */
static int convert_seconds(struct unit_property *p, struct err *e)
{
    size_t n = strlen(p->name);
    double seconds;

    if (n < 4 || !str_eq(p->name + n - 3, "Sec") || !islower((unsigned char)p->name[n - 4]))
        return 0;
    switch (p->type) {
    case 'd':
        seconds = p->d;
        break;
    case 'n':
    case 'i':
    case 'x':
        seconds = (double)p->i;
        break;
    case 'y':
    case 'q':
    case 'u':
    case 't':
        seconds = (double)p->u;
        break;
    default:
        return bad(p->name, "a number of seconds is wanted", e);
    }
    if (seconds < 0 || seconds > 1e12)
        return bad(p->name, "a number of seconds from 0 to 1000000000000 is wanted", e);
    if (str_format(p->name + n - 3, sizeof(p->name) - (n - 3), "USec") < 0)
        return bad(p->name, "the name is too long", e);
    p->type = 't';
    p->u = (uint64_t)(seconds * 1e6);
    return 0;
}

int unit_property_parse(const char *name, const char *value, struct arena *arena, struct unit_property *ret,
                        struct err *e)
{
    int r;

    *ret = (struct unit_property){ 0 };
    if (!*name || str_format(ret->name, sizeof(ret->name), "%s", name) < 0)
        return bad(name, "a property's name of at most 63 letters is wanted", e);
    for (const char *s = name; *s; s++) {
        if (!isalnum((unsigned char)*s))
            return bad(name, "a property's name has letters and digits only", e);
    }
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        if (str_eq(name, kept[i]))
            return bad(name, "is set by the runtime", e);
    }
    r = read_value(name, value, arena, ret, e);
    return r < 0 ? r : convert_seconds(ret, e);
}
