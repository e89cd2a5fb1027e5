// SPDX-License-Identifier: Apache-2.0
/*
 * The top of config.json, and the public entry points of the parser. Runs in the parent (create, run, exec,
 * update), before anything is forked, with the caller's privileges.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "spec/parse.h"

/* Length of a run of digits without a leading zero, as semver wants; 0 when there is none. */
static size_t semver_number(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n > 1 && s[0] == '0' ? 0 : n;
}

/* "-rc.1+build.5": dot-separated identifiers, none empty. */
static bool semver_suffix(const char *s)
{
    bool build = false;

    while (*s) {
        size_t n;

        if (*s == '+' ? build : *s != '-')
            return false;
        build |= *s == '+';
        do {
            n = 0;
            s++;
            while (isalnum((unsigned char)s[n]) || s[n] == '-')
                n++;
            if (n == 0)
                return false;
            s += n;
        } while (*s == '.');
        if (*s == '-')
            return false;
    }
    return true;
}

/* config.md "Specification version": semver 2.0.0. Any 1.x is accepted; fields newer than ours are ignored.
 */
static int check_version(struct parse *p, void *out)
{
    const struct spec *spec = out;
    const char *s = spec->oci_version;

    for (int i = 0; i < 3; i++) {
        size_t n = semver_number(s);

        if (n == 0 || (i < 2 && s[n] != '.'))
            return parse_fail(p, "\"%.64s\" is not a version (1.2.3, semver 2.0.0)", spec->oci_version);
        s += n + (i < 2);
    }
    if (!semver_suffix(s))
        return parse_fail(p, "\"%.64s\" is not a version (1.2.3, semver 2.0.0)", spec->oci_version);
    if (!str_has_prefix(spec->oci_version, "1."))
        return parse_fail(p, "\"%.64s\" is not supported; this runtime knows 1.0.0 to " SPEC_VERSION,
                          spec->oci_version);
    return 0;
}

/* The kernel keeps 64 bytes of either (__NEW_UTS_LEN). */
static int check_name_length(struct parse *p, const char *name)
{
    if (name && strlen(name) > 64)
        return parse_fail(p, "\"%.80s\" has more than 64 bytes", name);
    return 0;
}

static int check_hostname(struct parse *p, void *out)
{
    return check_name_length(p, ((struct spec *)out)->hostname);
}

static int check_domainname(struct parse *p, void *out)
{
    return check_name_length(p, ((struct spec *)out)->domainname);
}

static const struct field root_fields[] = {
    { .key = "path", ROW_STRING(struct spec, root.path), .flags = FIELD_REQUIRED },
    { .key = "readonly", ROW_BOOL(struct spec, root.readonly) },
};
static const struct table root_table = { TABLE_FIELDS(root_fields), .section = "config.md#root" };

static const struct field spec_fields[] = {
    { .key = "ociVersion",
      ROW_STRING(struct spec, oci_version),
      .flags = FIELD_REQUIRED,
      .check = check_version,
      .section = "config.md#specification-version" },
    { .key = "root",
      ROW_OBJECT_HERE(&root_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, has_root, bool),
      .section = "config.md#root" },
    { .key = "process",
      ROW_OBJECT(struct spec, process, &process_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, has_process, bool),
      .section = "config.md#process" },
    { .key = "mounts", ROW_LIST(struct spec, n_mounts, mounts, &mount_table), .section = "config.md#mounts" },
    { .key = "hostname",
      ROW_STRING(struct spec, hostname),
      .check = check_hostname,
      .section = "config.md#hostname" },
    { .key = "domainname",
      ROW_STRING(struct spec, domainname),
      .check = check_domainname,
      .section = "config.md#domainname" },
    { .key = "hooks",
      ROW_OBJECT(struct spec, hooks, &hooks_table),
      .section = "config.md#posix-platform-hooks" },
    { .key = "annotations",
      ROW_MAP(struct spec, n_annotations, annotations),
      .section = "config.md#annotations" },
    { .key = "linux",
      ROW_OBJECT_HERE(&linux_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, has_linux, bool),
      .section = "config-linux.md" },
    { .key = "solaris", ROW_REFUSED(TYPE_OBJECT), .section = "config-solaris.md" },
    { .key = "windows", ROW_REFUSED(TYPE_OBJECT), .section = "config-windows.md" },
    { .key = "vm", ROW_REFUSED(TYPE_OBJECT), .section = "config-vm.md" },
    { .key = "zos", ROW_REFUSED(TYPE_OBJECT), .section = "config-zos.md" },
    { .key = "freebsd", ROW_REFUSED(TYPE_OBJECT), .section = "config-freebsd.md" },
};
const struct table spec_table = { TABLE_FIELDS(spec_fields), .section = "config.md" };

int spec_parse(const char *text, size_t size, struct spec **ret, struct err *e)
{
    _cleanup_(spec_freep) struct spec *spec = mem_zalloc(sizeof(*spec));
    int r;

    r = parse_document(text, size, "", &spec_table, &spec->arena, spec, e);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(spec);
    return 0;
}

int spec_parse_process(const char *text, size_t size, struct arena *arena, struct spec_process *process,
                       struct err *e)
{
    struct spec_process parsed = { 0 };
    int r;

    r = parse_document(text, size, "process", &process_table, arena, &parsed, e);
    if (r < 0)
        return r;
    *process = parsed;
    return 0;
}

int spec_parse_resources(const char *text, size_t size, struct arena *arena, struct spec_resources *resources,
                         struct err *e)
{
    struct spec_resources parsed = { 0 };
    int r;

    r = parse_document(text, size, "linux.resources", &resources_table, arena, &parsed, e);
    if (r < 0)
        return r;
    *resources = parsed;
    return 0;
}

struct mounts_document {
    size_t n;
    struct spec_mount *mounts;
};

static const struct field mounts_fields[] = {
    { .key = "mounts", ROW_LIST(struct mounts_document, n, mounts, &mount_table), .flags = FIELD_REQUIRED },
};
static const struct table mounts_document_table = { TABLE_FIELDS(mounts_fields),
                                                    .section = "config.md#mounts" };

int spec_parse_mounts(const char *text, size_t size, struct arena *arena, struct spec_mount **ret,
                      size_t *ret_n, struct err *e)
{
    struct mounts_document parsed = { 0 };
    _cleanup_buf_ struct buf object = { 0 };
    size_t blank = 0;
    int r;

    while (blank < size && text[blank] && strchr(" \t\r\n", text[blank]))
        blank++;
    if (blank < size && text[blank] == '[') {
        buf_puts(&object, "{\"mounts\":");
        buf_append(&object, text, size);
        buf_puts(&object, "}");
        text = object.data;
        size = object.len;
    }
    r = parse_document(text, size, "", &mounts_document_table, arena, &parsed, e);
    if (r < 0)
        return r;
    *ret = parsed.mounts;
    *ret_n = parsed.n;
    return 0;
}

void spec_free(struct spec *spec)
{
    struct arena arena;

    if (!spec)
        return;
    arena = spec->arena;
    free(spec);
    arena_free(&arena);
}

void spec_freep(struct spec **spec)
{
    spec_free(*spec);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
    for (size_t i = 0; i < spec->n_annotations; i++) {
        if (strcmp(spec->annotations[i].key, key) == 0)
            return spec->annotations[i].value;
    }
    return NULL;
}
