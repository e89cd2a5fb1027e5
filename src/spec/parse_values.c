// SPDX-License-Identifier: Apache-2.0
/*
 * The readers the tables share: one JSON value into one member. Runs where parse.c runs. Each gets a value
 * whose JSON type the engine has checked.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "spec/parse.h"

/* Where the row's member is in the struct its table fills. */
static void *member_of(const struct field *f, void *out)
{
    return (char *)out + f->offset;
}

int parse_bool(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    (void)p;
    *(bool *)member_of(f, out) = json_object_get_boolean(v);
    return 0;
}

int parse_opt_bool(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    (void)p;
    *(struct opt_bool *)member_of(f, out) =
        (struct opt_bool){ .set = true, .value = json_object_get_boolean(v) };
    return 0;
}

/* Store the low @width bytes of a number that the range check has passed. */
static void store(void *at, size_t width, uint64_t bits)
{
    switch (width) {
    case 1:
        *(uint8_t *)at = (uint8_t)bits;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)bits;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)bits;
        break;
    default:
        assert(width == 8);
        *(uint64_t *)at = bits;
    }
}

int parse_integer(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    /* json-c clamps silently: a value above INT64_MAX shows only in the unsigned view, a negative one only in
     * the signed view. */
    int64_t s = json_object_get_int64(v);
    uint64_t u = json_object_get_uint64(v);
    bool large = u > INT64_MAX;
    bool too_low = !large && s < f->min;
    bool too_high = large ? u > f->max : s > 0 && (uint64_t)s > f->max;

    if (too_low || too_high)
        return parse_fail(p, "%s is out of range (%" PRId64 " to %" PRIu64 ")", json_object_get_string(v),
                          f->min, f->max);
    if (f->opt) {
        /* opt_i64 and opt_u64 have one layout; FIELD_AT has checked that it is one of them. */
        struct opt_u64 *opt = member_of(f, out);

        static_assert(offsetof(struct opt_u64, value) == offsetof(struct opt_i64, value), "one layout");
        opt->set = true;
        opt->value = large ? u : (uint64_t)s;
        return 0;
    }
    store(member_of(f, out), f->width, large ? u : (uint64_t)s);
    return 0;
}

int parse_get_string(struct parse *p, struct json_object *v, const char **ret)
{
    const char *s = json_object_get_string(v);

    if (strlen(s) != (size_t)json_object_get_string_len(v))
        return parse_fail(p, "contains a NUL character");
    *ret = s;
    return 0;
}

static int check_text(struct parse *p, const struct field *f, const char *s)
{
    if (f->flags & FIELD_ABSOLUTE) {
        if (s[0] != '/')
            return parse_fail(p, "\"%.128s\" is not an absolute path", s);
        if (strlen(s) >= PATH_MAX)
            return parse_fail(p, "has %zu bytes, more than a path may have", strlen(s));
    }
    if (f->flags & FIELD_ENV && (s[0] == '=' || !strchr(s, '=')))
        return parse_fail(p, "\"%.128s\" is not of the form NAME=VALUE", s);
    return 0;
}

int parse_string(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    const char *s = NULL;
    int r;

    r = parse_get_string(p, v, &s);
    if (r < 0)
        return r;
    if (!*s)
        return f->flags & FIELD_REQUIRED ? parse_fail(p, "is empty") : 0;
    r = check_text(p, f, s);
    if (r < 0)
        return r;
    *(const char **)member_of(f, out) = arena_strdup(p->arena, s);
    return 0;
}

static int check_length(struct parse *p, const struct field *f, size_t n)
{
    if (n > PARSE_MAX_ELEMENTS)
        return parse_fail(p, "has %zu elements, more than the %d allowed", n, PARSE_MAX_ELEMENTS);
    if (n == 0 && f->flags & FIELD_NO_EMPTY)
        return parse_fail(p, "needs at least one element");
    return 0;
}

int parse_strings(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec_strings *list = member_of(f, out);
    size_t n = json_object_array_length(v);
    const char **strings;
    int r;

    r = check_length(p, f, n);
    if (r < 0)
        return r;
    strings = ARENA_ARRAY(p->arena, n + 1, const char *);
    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(v, i);
        const char *s = NULL;

        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_STRING);
        if (r == 0)
            r = parse_get_string(p, element, &s);
        if (r == 0 && f->flags & FIELD_NO_EMPTY && i == 0 && !*s)
            r = parse_fail(p, "is empty");
        if (r == 0)
            r = check_text(p, f, s);
        if (r < 0)
            return r;
        strings[i] = arena_strdup(p->arena, s);
        parse_leave(p);
    }
    *list = (struct spec_strings){ .n = n, .v = strings };
    return 0;
}

static int look_up(struct parse *p, const struct field *f, struct json_object *v, int64_t *ret)
{
    const char *s = NULL;
    int r;

    r = parse_get_string(p, v, &s);
    if (r < 0)
        return r;
    if (spec_name_to_number(f->names, s, ret) < 0)
        return parse_fail(p, "\"%.64s\" is not a known name", s);
    return 0;
}

int parse_name(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    int64_t number;
    int r;

    r = look_up(p, f, v, &number);
    if (r < 0)
        return r;
    store(member_of(f, out), f->width, (uint64_t)number);
    return 0;
}

int parse_choice(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    int64_t number;
    int r;

    if (json_object_get_string_len(v) == 0 && !(f->flags & FIELD_REQUIRED))
        return 0;
    r = look_up(p, f, v, &number);
    if (r < 0)
        return r;
    return parse_string(p, f, v, out);
}

int parse_flags(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    size_t n = json_object_array_length(v);
    uint64_t flags = 0;

    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(v, i);
        int64_t number = 0;
        int r;

        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_STRING);
        if (r == 0)
            r = look_up(p, f, element, &number);
        if (r < 0)
            return r;
        flags |= (uint64_t)number;
        parse_leave(p);
    }
    store(member_of(f, out), f->width, flags);
    return 0;
}

int parse_check_list(struct parse *p, const char *list, unsigned limit)
{
    unsigned long bits[SPEC_MAX_CPUS / (8 * sizeof(unsigned long))];
    int r = list ? str_to_bits(list, bits, limit) : 1;

    if (r == -ERANGE)
        return parse_fail(p, "\"%.128s\" has a number that is not below %u", list, limit);
    if (r <= 0)
        return parse_fail(p, "\"%.128s\" is not a list of numbers and ranges (0-3,7)", list);
    return 0;
}

int parse_member(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    return parse_object(p, f->table, v, member_of(f, out));
}

int parse_list(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    size_t n = json_object_array_length(v);
    char *elements;
    int r;

    r = check_length(p, f, n);
    if (r < 0)
        return r;
    elements = arena_alloc(p->arena, n * f->table->element_size);
    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(v, i);

        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_OBJECT);
        if (r == 0)
            r = parse_object(p, f->table, element, elements + i * f->table->element_size);
        if (r < 0)
            return r;
        parse_leave(p);
    }
    *(void **)member_of(f, out) = n ? elements : NULL;
    *(size_t *)((char *)out + f->n_offset) = n;
    return 0;
}

int parse_map(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    size_t n = (size_t)json_object_object_length(v), i = 0;
    struct spec_key_value *pairs;
    int r;

    r = check_length(p, f, n);
    if (r < 0)
        return r;
    pairs = ARENA_ARRAY(p->arena, n, struct spec_key_value);
    json_object_object_foreach(v, key, value)
    {
        const char *s = NULL;

        parse_enter_map(p, key);
        r = *key ? parse_want(p, value, TYPE_STRING) : parse_fail(p, "has an empty name");
        if (r == 0)
            r = parse_get_string(p, value, &s);
        if (r < 0)
            return r;
        pairs[i].key = arena_strdup(p->arena, key);
        pairs[i++].value = arena_strdup(p->arena, s);
        parse_leave(p);
    }
    *(struct spec_key_value **)member_of(f, out) = n ? pairs : NULL;
    *(size_t *)((char *)out + f->n_offset) = n;
    return 0;
}
