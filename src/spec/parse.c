// SPDX-License-Identifier: Apache-2.0
/*
 * The parser's engine: text to JSON objects, the walk over the tables, JSON paths in error messages. Runs in
 * the parent, before anything is forked, with the caller's privileges; the text may be hostile. Recursion is
 * bounded by the tokener's depth limit and by the tables, which contain no cycle.
 */
#include "spec/parse.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Deeper documents are refused by json-c before it recurses into them; the spec's own depth is 8. */
#define JSON_MAX_DEPTH 32

static const char *const type_names[] = {
    [TYPE_BOOL] = "boolean", [TYPE_INTEGER] = "integer", [TYPE_STRING] = "string",
    [TYPE_ARRAY] = "array",  [TYPE_OBJECT] = "object",
};
static_assert(ARRAY_SIZE(type_names) == TYPE_OBJECT + 1, "one name per field_type");

static const char *json_kind(struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_boolean:
        return "a boolean";
    case json_type_double:
        return "a number with a fraction or exponent";
    case json_type_int:
        return "an integer";
    case json_type_object:
        return "an object";
    case json_type_array:
        return "an array";
    case json_type_string:
        return "a string";
    case json_type_null:
        break;
    }
    return "null";
}

static bool type_matches(struct json_object *v, enum field_type type)
{
    static const enum json_type json_types[] = {
        [TYPE_BOOL] = json_type_boolean, [TYPE_INTEGER] = json_type_int,   [TYPE_STRING] = json_type_string,
        [TYPE_ARRAY] = json_type_array,  [TYPE_OBJECT] = json_type_object,
    };
    static_assert(ARRAY_SIZE(json_types) == TYPE_OBJECT + 1, "one JSON type per field_type");

    return json_object_get_type(v) == json_types[type];
}

int parse_want(struct parse *p, struct json_object *v, enum field_type type)
{
    if (type_matches(v, type))
        return 0;
    return parse_fail(p, "is %s, not %s %s", json_kind(v),
                      type == TYPE_INTEGER || type == TYPE_ARRAY || type == TYPE_OBJECT ? "an" : "a",
                      type_names[type]);
}

static void enter(struct parse *p, const char *key, size_t index, bool quoted)
{
    if (p->depth < PARSE_MAX_DEPTH) {
        p->path[p->depth].key = key;
        p->path[p->depth].index = index;
        p->path[p->depth].quoted = quoted;
    }
    p->depth++;
}

void parse_enter(struct parse *p, const char *key)
{
    enter(p, key, 0, false);
}

void parse_enter_index(struct parse *p, size_t index)
{
    enter(p, NULL, index, false);
}

void parse_enter_map(struct parse *p, const char *key)
{
    enter(p, key, 0, true);
}

void parse_leave(struct parse *p)
{
    p->depth--;
}

/* The path so far: "linux.devices[3].path". Map keys are cut, so that a message always has room. */
static void format_path(const struct parse *p, struct buf *b)
{
    buf_puts(b, p->root);
    for (unsigned i = 0; i < p->depth && i < PARSE_MAX_DEPTH; i++) {
        if (!p->path[i].key)
            buf_printf(b, "[%zu]", p->path[i].index);
        else if (p->path[i].quoted)
            buf_printf(b, "[\"%.64s\"]", p->path[i].key);
        else
            buf_printf(b, "%s%s", b->len ? "." : "", p->path[i].key);
    }
}

__attribute__((format(printf, 2, 0))) static int fail(struct parse *p, const char *format, va_list ap)
{
    _cleanup_buf_ struct buf path = { 0 };
    char message[ERR_MESSAGE_MAX];

    format_path(p, &path);
    (void)vsnprintf(message, sizeof(message), format, ap);
    if (path.len)
        return err_set(p->e, EINVAL, "%s: %s", path.data, message);
    return err_set(p->e, EINVAL, "%s", message);
}

int parse_fail(struct parse *p, const char *format, ...)
{
    va_list ap;
    int r;

    va_start(ap, format);
    r = fail(p, format, ap);
    va_end(ap);
    return r;
}

int parse_fail_at(struct parse *p, size_t index, const char *key, const char *format, ...)
{
    va_list ap;
    int r;

    parse_enter_index(p, index);
    if (key)
        parse_enter(p, key);
    va_start(ap, format);
    r = fail(p, format, ap);
    va_end(ap);
    return r;
}

int parse_fail_key(struct parse *p, const char *key, const char *format, ...)
{
    va_list ap;
    int r;

    parse_enter(p, key);
    va_start(ap, format);
    r = fail(p, format, ap);
    va_end(ap);
    return r;
}

bool parse_asks_nothing(struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_null:
        return true;
    case json_type_boolean:
        return !json_object_get_boolean(v);
    case json_type_string:
        return json_object_get_string_len(v) == 0;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(v); i++) {
            if (!parse_asks_nothing(json_object_array_get_idx(v, i)))
                return false;
        }
        return true;
    case json_type_object: {
        json_object_object_foreach(v, key, member)
        {
            (void)key;
            if (!parse_asks_nothing(member))
                return false;
        }
        return true;
    }
    case json_type_double:
    case json_type_int:
        break;
    }
    return false;
}

static int refuse(struct parse *p, const struct field *f, struct json_object *v)
{
    bool keys = (f->flags & FIELD_KEYS_ASK) && json_object_is_type(v, json_type_object) &&
                json_object_object_length(v) > 0;

    if (!keys && parse_asks_nothing(v))
        return 0;
    (void)parse_fail(p, "is part of runtime-spec " SPEC_VERSION ", but not supported by lichen");
    return err_remedy(p->e, "remove the field from the configuration");
}

static int read_field(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    int r;

    if (f->status == SPEC_IGNORED)
        return 0;
    if (f->status == SPEC_REFUSED)
        return refuse(p, f, v);
    r = parse_want(p, v, f->type);
    if (r < 0)
        return r;
    r = f->read(p, f, v, out);
    if (r < 0)
        return r;
    if (f->flags & FIELD_MARKS)
        *(bool *)((char *)out + f->mark_offset) = true;
    return f->check ? f->check(p, out) : 0;
}

int parse_object(struct parse *p, const struct table *t, struct json_object *o, void *out)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct field *f = &t->fields[i];
        struct json_object *v;
        int r;

        /* null means absent, as in Go, where most configurations come from. */
        if (!json_object_object_get_ex(o, f->key, &v) || !v) {
            if (f->flags & FIELD_REQUIRED)
                return parse_fail_key(p, f->key, "is required, but missing");
            continue;
        }
        parse_enter(p, f->key);
        r = read_field(p, f, v, out);
        if (r < 0)
            return r;
        parse_leave(p);
    }
    return t->check ? t->check(p, out) : 0;
}

/* "line 3, column 14" of an offset; the tokener only counts bytes. */
static int fail_syntax(struct err *e, const char *what, const char *text, size_t offset, const char *reason)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    return err_set(e, EINVAL, "%s is not valid JSON: line %zu, column %zu: %s", what, line, column, reason);
}

static void put_tokener(struct json_tokener **tok)
{
    if (*tok)
        json_tokener_free(*tok);
}

int parse_text(const char *text, size_t size, const char *what, struct json_object **ret,
               struct parse_lexical *lexical, struct err *e)
{
    _cleanup_(put_tokener) struct json_tokener *tok = NULL;
    struct json_object *o;
    const char *reason;

    static_assert(SPEC_MAX_SIZE < INT_MAX, "json-c takes the size as an int");
    if (size > SPEC_MAX_SIZE)
        return err_set(e, EFBIG, "%s has %zu bytes, more than the %u allowed", what, size, SPEC_MAX_SIZE);
    reason = parse_lexical(text, size, lexical);
    if (reason)
        return fail_syntax(e, what, text, lexical->offset, reason);
    tok = json_tokener_new_ex(JSON_MAX_DEPTH);
    if (!tok)
        return err_sys(e, ENOMEM, "cannot parse %s", what);
    /* Checking each byte's UTF-8 doubles the time of the parse; plain ASCII needs no check. */
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | (lexical->non_ascii ? JSON_TOKENER_VALIDATE_UTF8 : 0));
    o = json_tokener_parse_ex(tok, text, (int)size);
    /* A number or literal at the very end leaves the tokener waiting for more; objects do not. */
    if (json_tokener_get_error(tok) != json_tokener_success)
        return fail_syntax(e, what, text, json_tokener_get_parse_end(tok),
                           json_tokener_error_desc(json_tokener_get_error(tok)));
    if (!json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        return err_set(e, EINVAL, "%s is not a JSON object", what);
    }
    *ret = o;
    return 0;
}

static void put_object(struct json_object **o)
{
    json_object_put(*o);
}

int parse_document(const char *text, size_t size, const char *root, const struct table *t,
                   struct arena *arena, void *out, struct err *e)
{
    _cleanup_(put_object) struct json_object *o = NULL;
    struct parse p = { .arena = arena, .e = e, .root = root };
    const char *what = *root ? root : "config.json";
    struct parse_lexical lexical;
    int r;

    r = parse_text(text, size, what, &o, &lexical, e);
    if (r < 0)
        return r;
    r = parse_object(&p, t, o, out);
    if (r < 0)
        return r;
    /* Last, because a value with a NUL has then been reported with its path. */
    if (lexical.escaped_nul)
        return err_set(e, EINVAL, "%s: a key or value contains \\u0000, which no path, argument or name can",
                       what);
    return 0;
}

static void visit_table(const struct table *t, const char *prefix,
                        void (*visit)(const struct spec_field_info *, void *), void *data)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct field *f = &t->fields[i];
        const char *suffix = f->type == TYPE_ARRAY ? "[]" : "";
        _cleanup_free_ char *path = str_printf("%s%s%s", prefix, *prefix ? "." : "", f->key);
        struct spec_field_info info = {
            .path = path,
            .type = type_names[f->type],
            .status = f->status,
            .required = f->flags & FIELD_REQUIRED,
            .section = f->section ? f->section : t->section,
            .file = t->file,
        };

        visit(&info, data);
        if (f->table) {
            _cleanup_free_ char *below = str_printf("%s%s", path, suffix);

            visit_table(f->table, below, visit, data);
        }
    }
}

void spec_fields_visit(void (*visit)(const struct spec_field_info *info, void *data), void *data)
{
    visit_table(&spec_table, "", visit, data);
}
