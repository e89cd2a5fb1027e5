// SPDX-License-Identifier: Apache-2.0
/*
 * The engine under the parser of config.json; internal to src/spec. A JSON object is described by a struct
 * table of rows {key, JSON type, reader, offset of the member it fills, flags}. The engine looks each row's
 * key up, checks the type, calls the reader and keeps the JSON path for the error message.
 */
#ifndef LICHEN_SPEC_PARSE_H
#define LICHEN_SPEC_PARSE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "spec/fields.h"
#include "spec/names.h"
#include "spec/spec.h"

/* The deepest path any table reaches is 7 (linux.resources.blockIO.weightDevice[0].weight). */
#define PARSE_MAX_DEPTH 16
/* Longer arrays are refused: no real configuration comes near, and element structs are larger than their
 * text. */
#define PARSE_MAX_ELEMENTS 65536

/* One run of the parser. Zero-initialise but for @arena, @e and @root. */
struct parse {
    struct arena *arena; /* everything read lives here */
    struct err *e;
    const char *root; /* put before every path: "process" for exec's process object, "" for a whole config */
    unsigned depth;
    struct {
        const char *key; /* NULL: an array element, @index says which */
        size_t index;
        bool quoted; /* a key of a map, written ["key"] */
    } path[PARSE_MAX_DEPTH];
};

enum field_type { TYPE_BOOL, TYPE_INTEGER, TYPE_STRING, TYPE_ARRAY, TYPE_OBJECT };

enum field_flags {
    FIELD_REQUIRED = 1 << 0, /* absent, null or an empty string is an error */
    FIELD_ABSOLUTE = 1 << 1, /* the string, or each string of the array, is an absolute path */
    FIELD_NO_EMPTY = 1 << 2, /* an array with no element, or with an empty string in it, is an error */
    FIELD_ENV = 1 << 3,      /* each string of the array is NAME=VALUE */
    FIELD_KEYS_ASK = 1 << 5, /* refused: a map whose keys ask for something even with empty values */
    FIELD_MARKS = 1 << 4,    /* set the bool at @mark_offset when the object is there */
};

struct field;
typedef int field_reader(struct parse *p, const struct field *f, struct json_object *v, void *out);

struct table {
    const struct field *fields;
    size_t n_fields;
    size_t element_size; /* of the struct filled, for arrays of it */
    const char *section; /* for rows that have none of their own */
    const char *file;    /* that has the rows, for the compliance map */
    /* After all rows: what concerns several members at once. The path is the object's. */
    int (*check)(struct parse *p, void *out);
};

struct field {
    const char *key;
    enum field_type type;
    field_reader *read; /* NULL for SPEC_REFUSED and SPEC_IGNORED */
    size_t offset;      /* of the member in the struct the table fills */
    size_t width;       /* its size, for integers */
    bool opt;           /* it is a struct opt_i64 or opt_u64 */
    size_t n_offset;    /* of the member that counts elements */
    size_t mark_offset; /* FIELD_MARKS */
    unsigned flags;
    enum spec_status status;
    const char *section;
    int64_t min; /* integers: the range allowed */
    uint64_t max;
    const struct table *table;     /* objects and arrays of objects */
    const struct spec_name *names; /* strings taken from a list */
    /* After the row was read; @out is the struct the table fills. The path is the field's. */
    int (*check)(struct parse *p, void *out);
};

/* offsetof that does not compile when the member has not the type the reader writes. */
#define FIELD_AT(s, m, t) \
    (offsetof(s, m) + 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((s *)NULL)->m), t) ? 1 : -1]))
#define FIELD_POINTER_AT(s, m) (offsetof(s, m) + 0 * sizeof(*((s *)NULL)->m))

#define ROW_BOOL(s, m) .type = TYPE_BOOL, .read = parse_bool, .offset = FIELD_AT(s, m, bool)
#define ROW_OPT_BOOL(s, m) \
    .type = TYPE_BOOL, .read = parse_opt_bool, .offset = FIELD_AT(s, m, struct opt_bool)
#define ROW_INT(s, m, lo, hi)                                                                               \
    .type = TYPE_INTEGER, .read = parse_integer, .offset = offsetof(s, m), .width = sizeof(((s *)NULL)->m), \
    .min = (lo), .max = (hi)
#define ROW_OPT_I64(s, m, lo, hi)                                                                       \
    .type = TYPE_INTEGER, .read = parse_integer, .opt = true, .offset = FIELD_AT(s, m, struct opt_i64), \
    .width = 8, .min = (lo), .max = (hi)
#define ROW_OPT_U64(s, m, hi)                                                                           \
    .type = TYPE_INTEGER, .read = parse_integer, .opt = true, .offset = FIELD_AT(s, m, struct opt_u64), \
    .width = 8, .min = 0, .max = (hi)
#define ROW_STRING(s, m) .type = TYPE_STRING, .read = parse_string, .offset = FIELD_AT(s, m, const char *)
#define ROW_STRINGS(s, m) \
    .type = TYPE_ARRAY, .read = parse_strings, .offset = FIELD_AT(s, m, struct spec_strings)
/* A string of a list, stored as its number (ROW_NAME) or kept (ROW_CHOICE); an array of them, or-ed together.
 */
#define ROW_NAME(s, m, list)                                                                            \
    .type = TYPE_STRING, .read = parse_name, .offset = offsetof(s, m), .width = sizeof(((s *)NULL)->m), \
    .names = (list)
#define ROW_CHOICE(s, m, list) \
    .type = TYPE_STRING, .read = parse_choice, .offset = FIELD_AT(s, m, const char *), .names = (list)
#define ROW_FLAGS(s, m, list)                                                                           \
    .type = TYPE_ARRAY, .read = parse_flags, .offset = offsetof(s, m), .width = sizeof(((s *)NULL)->m), \
    .names = (list)
/* An object whose table fills the member; ROW_OBJECT_HERE: whose table fills the same struct. */
#define ROW_OBJECT(s, m, t) .type = TYPE_OBJECT, .read = parse_member, .offset = offsetof(s, m), .table = (t)
#define ROW_OBJECT_HERE(t)  .type = TYPE_OBJECT, .read = parse_member, .table = (t)
#define ROW_LIST(s, n, m, t)                                                  \
    .type = TYPE_ARRAY, .read = parse_list, .offset = FIELD_POINTER_AT(s, m), \
    .n_offset = FIELD_AT(s, n, size_t), .table = (t)
#define ROW_MAP(s, n, m)                                                                       \
    .type = TYPE_OBJECT, .read = parse_map, .offset = FIELD_AT(s, m, struct spec_key_value *), \
    .n_offset = FIELD_AT(s, n, size_t)
#define ROW_REFUSED(t) .type = (t), .status = SPEC_REFUSED
#define ROW_IGNORED(t) .type = (t), .status = SPEC_IGNORED

#define TABLE_FIELDS(rows) .fields = (rows), .n_fields = ARRAY_SIZE(rows), .file = __FILE__

field_reader parse_bool, parse_opt_bool, parse_integer, parse_string, parse_strings, parse_name, parse_choice,
    parse_flags, parse_member, parse_list, parse_map, parse_seccomp;

/* Walk the rows of @t over the object @o, filling *out. Returns 0 or -EINVAL. */
int parse_object(struct parse *p, const struct table *t, struct json_object *o, void *out);

/* What a first look at the tokens found. */
struct parse_lexical {
    bool non_ascii, escaped_nul;
    size_t offset; /* of the token that is no JSON */
};

/* Check every token of a JSON text. Returns NULL, or what is wrong with the token at ret->offset. */
const char *parse_lexical(const char *text, size_t size, struct parse_lexical *ret);

/* Text to a JSON object: strict, bounded depth, no trailing text. *ret is a new reference; *lexical is
 * filled. -EINVAL, -EFBIG.
 */
int parse_text(const char *text, size_t size, const char *what, struct json_object **ret,
               struct parse_lexical *lexical, struct err *e);

/* The engine around one table: parse_text, then parse_object into *out. */
int parse_document(const char *text, size_t size, const char *root, const struct table *t,
                   struct arena *arena, void *out, struct err *e);

/* Record -EINVAL: "PATH: message". */
int parse_fail(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for element @index of the array at the path, and its member @key (may be NULL). */
int parse_fail_at(struct parse *p, size_t index, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for the member @key of the object at the path. */
int parse_fail_key(struct parse *p, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void parse_enter(struct parse *p, const char *key);
void parse_enter_index(struct parse *p, size_t index);
void parse_enter_map(struct parse *p, const char *key);
void parse_leave(struct parse *p);

/* A JSON string as a C string; one with a NUL in it, which the kernel would cut short, is refused. *ret is
 * borrowed from @v. Returns 0 or -EINVAL. */
int parse_get_string(struct parse *p, struct json_object *v, const char **ret);
/* -EINVAL unless @v has the type; names both types in the message. */
int parse_want(struct parse *p, struct json_object *v, enum field_type type);

/* Whether a value is null, false, "", or contains nothing but such: a field that asks for nothing. */
bool parse_asks_nothing(struct json_object *v);

/* Id mappings: each entry sane, entries disjoint on both sides, no more than the kernel takes
 * (user_namespaces(7)). The path is the array's. */
int parse_check_mappings(struct parse *p, const struct spec_id_mapping *v, size_t n);

/* A list of numbers and ranges ("0-3,7"), all below @limit, which is at most SPEC_MAX_CPUS. The path is the
 * string's. */
int parse_check_list(struct parse *p, const char *list, unsigned limit);

/* The tables, one per JSON object that has a file of its own. */
extern const struct table spec_table;       /* struct spec */
extern const struct table process_table;    /* struct spec_process */
extern const struct table mount_table;      /* struct spec_mount */
extern const struct table id_mapping_table; /* struct spec_id_mapping */
extern const struct table hooks_table;      /* struct spec_hooks */
extern const struct table linux_table;      /* struct spec: the linux object fills it directly */
extern const struct table resources_table;  /* struct spec_resources */
extern const struct table seccomp_table;    /* read by parse_seccomp */

#endif
