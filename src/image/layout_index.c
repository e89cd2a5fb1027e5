// SPDX-License-Identifier: Apache-2.0
/* index.json of an image layout. Members and entries that are not ours are kept as they are. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "image/layout.h"
#include "spec/parse.h"

static struct json_object *entries(const struct layout_index *index)
{
    return json_object_object_get(index->root, "manifests");
}

/* A string that may be used as one: without a NUL in it. */
static const char *plain_string(struct json_object *v)
{
    if (!json_object_is_type(v, json_type_string) ||
        strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
        return NULL;
    return json_object_get_string(v);
}

static int read_entry(struct json_object *o, size_t i, struct layout_entry *ret, struct err *e)
{
    struct json_object *annotations, *tag;
    struct layout_entry entry = { .object = o };
    char what[64];
    int r;

    (void)str_format(what, sizeof(what), "index.json: manifests[%zu]", i);
    r = manifest_read_descriptor(o, what, &entry.descriptor, e);
    if (r < 0)
        return r;
    if (json_object_object_get_ex(o, "annotations", &annotations) &&
        json_object_is_type(annotations, json_type_object) &&
        json_object_object_get_ex(annotations, LAYOUT_TAG, &tag))
        entry.tag = plain_string(tag);
    *ret = entry;
    return 0;
}

static int check(const struct layout_index *index, struct err *e)
{
    struct json_object *list = entries(index), *version;
    struct layout_entry entry;
    int r = 0;

    if (!json_object_object_get_ex(index->root, "schemaVersion", &version) ||
        !json_object_is_type(version, json_type_int) || json_object_get_int64(version) != 2)
        return err_set(e, EINVAL, "index.json: schemaVersion: not 2");
    if (!json_object_is_type(list, json_type_array))
        return err_set(e, EINVAL, "index.json: manifests: not a list");
    for (size_t i = 0; i < json_object_array_length(list) && r >= 0; i++)
        r = read_entry(json_object_array_get_idx(list, i), i, &entry, e);
    return r;
}

int layout_index_parse(const char *text, size_t size, struct layout_index *ret, struct err *e)
{
    struct layout_index index = { 0 };
    struct parse_lexical lexical;
    int r = parse_text(text, size, "index.json", &index.root, &lexical, e);

    if (r < 0)
        return r;
    r = check(&index, e);
    if (r < 0) {
        layout_index_free(&index);
        return r;
    }
    *ret = index;
    return 0;
}

int layout_index_read(const struct layout *l, struct layout_index *ret, struct err *e)
{
    _cleanup_close_ int fd =
        path_openat2(l->dir, "index.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0,
                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    _cleanup_buf_ struct buf text = { 0 };
    int r = fd < 0 ? fd : fd_read_all(fd, LAYOUT_INDEX_MAX, &text);

    if (r < 0)
        return err_sys(e, r, "index.json");
    return layout_index_parse(text.data ? text.data : "", text.len, ret, e);
}

int layout_index_write(const struct layout *l, const struct layout_index *index, struct err *e)
{
    size_t n;
    const char *text = json_object_to_json_string_length(
        index->root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
    int r = n > LAYOUT_INDEX_MAX ? -EFBIG : fd_replace_file(l->dir, "index.json", 0644, text, n, true);

    return r < 0 ? err_sys(e, r, "index.json") : 0;
}

void layout_index_free(struct layout_index *index)
{
    json_object_put(index->root);
    index->root = NULL;
}

size_t layout_index_length(const struct layout_index *index)
{
    return json_object_array_length(entries(index));
}

void layout_index_entry(const struct layout_index *index, size_t i, struct layout_entry *ret)
{
    /* It was checked when it was read, and what we add is right. */
    (void)read_entry(json_object_array_get_idx(entries(index), i), i, ret, NULL);
}

static bool find(const struct layout_index *index, const char *tag, const struct digest *d,
                 struct layout_entry *ret)
{
    for (size_t i = 0; i < layout_index_length(index); i++) {
        struct layout_entry entry;

        layout_index_entry(index, i, &entry);
        if (tag ? !str_eq(entry.tag, tag) : !digest_eq(&entry.descriptor.digest, d))
            continue;
        *ret = entry;
        return true;
    }
    return false;
}

bool layout_index_find_tag(const struct layout_index *index, const char *tag, struct layout_entry *ret)
{
    return find(index, tag, NULL, ret);
}

bool layout_index_find_digest(const struct layout_index *index, const struct digest *d,
                              struct layout_entry *ret)
{
    return find(index, NULL, d, ret);
}

static void remove_at(struct layout_index *index, size_t i)
{
    (void)json_object_array_del_idx(entries(index), i, 1);
}

/* How many entries this digest has. */
static size_t count_of(const struct layout_index *index, const struct digest *d)
{
    size_t n = 0;

    for (size_t i = 0; i < layout_index_length(index); i++) {
        struct layout_entry entry;

        layout_index_entry(index, i, &entry);
        n += digest_eq(&entry.descriptor.digest, d);
    }
    return n;
}

bool layout_index_untag(struct layout_index *index, const char *tag)
{
    for (size_t i = 0; i < layout_index_length(index); i++) {
        struct layout_entry entry;
        struct json_object *annotations;

        layout_index_entry(index, i, &entry);
        if (!str_eq(entry.tag, tag))
            continue;
        if (count_of(index, &entry.descriptor.digest) > 1) {
            remove_at(index, i);
            return true;
        }
        annotations = json_object_object_get(entry.object, "annotations");
        json_object_object_del(annotations, LAYOUT_TAG);
        if (json_object_object_length(annotations) == 0)
            json_object_object_del(entry.object, "annotations");
        return true;
    }
    return false;
}

bool layout_index_drop(struct layout_index *index, const struct digest *d)
{
    bool found = false;

    for (size_t i = layout_index_length(index); i-- > 0;) {
        struct layout_entry entry;

        layout_index_entry(index, i, &entry);
        if (!digest_eq(&entry.descriptor.digest, d))
            continue;
        remove_at(index, i);
        found = true;
    }
    return found;
}

/* The untagged entry of a digest, now that it gets one with a tag. */
static void drop_untagged(struct layout_index *index, const struct digest *d)
{
    for (size_t i = layout_index_length(index); i-- > 0;) {
        struct layout_entry entry;

        layout_index_entry(index, i, &entry);
        if (!entry.tag && digest_eq(&entry.descriptor.digest, d))
            remove_at(index, i);
    }
}

void layout_index_put(struct layout_index *index, const struct manifest_reference *descriptor,
                      const char *artifact_type, const char *tag)
{
    struct json_object *o, *annotations;
    struct layout_entry old;
    char digest[DIGEST_TEXT_MAX + 1];

    if (tag)
        (void)layout_index_untag(index, tag);
    if (!tag && layout_index_find_digest(index, &descriptor->digest, &old))
        return;
    drop_untagged(index, &descriptor->digest);
    o = json_object_new_object();
    json_object_object_add(o, "mediaType", json_object_new_string(descriptor->media_type));
    json_object_object_add(o, "digest", json_object_new_string(digest_format(&descriptor->digest, digest)));
    json_object_object_add(o, "size", json_object_new_int64((int64_t)descriptor->size));
    if (artifact_type)
        json_object_object_add(o, "artifactType", json_object_new_string(artifact_type));
    if (tag) {
        annotations = json_object_new_object();
        json_object_object_add(annotations, LAYOUT_TAG, json_object_new_string(tag));
        json_object_object_add(o, "annotations", annotations);
    }
    json_object_array_add(entries(index), o);
}
