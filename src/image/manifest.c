// SPDX-License-Identifier: Apache-2.0
/* Manifests, read. Pure; the text is a stranger's. */
#include "image/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/parse.h"

/* More than any real index or image has; each costs some 200 bytes. */
#define REFERENCES_MAX 32768

static const char *const foreign_types[] = {
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
};

bool media_type_is_good(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
    size_t type = strspn(s, allowed);

    return type > 0 && s[type] == '/' && s[type + 1] && strlen(s) <= MEDIA_TYPE_MAX &&
           s[type + 1 + strspn(s + type + 1, allowed)] == '\0';
}

/* A member that is a string without a NUL in it; NULL when it is absent. */
static int get_string(struct json_object *o, const char *key, const char **ret, struct err *e)
{
    struct json_object *v;

    *ret = NULL;
    if (!json_object_object_get_ex(o, key, &v) || !v)
        return 0;
    if (!json_object_is_type(v, json_type_string) ||
        strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
        return err_set(e, EINVAL, "%s: not a string", key);
    *ret = json_object_get_string(v);
    return 0;
}

static int get_media_type(struct json_object *o, const char *key, const char **ret, struct err *e)
{
    int r = get_string(o, key, ret, e);

    if (r >= 0 && *ret && !media_type_is_good(*ret))
        r = err_set(e, EINVAL, "%s: \"%.200s\" is not a media type", key, *ret);
    return r;
}

int manifest_read_descriptor(struct json_object *o, const char *what, struct manifest_reference *ret,
                             struct err *e)
{
    const char *media_type, *digest;
    struct json_object *size;
    struct digest parsed;
    int64_t n;
    int r;

    if (!json_object_is_type(o, json_type_object))
        return err_set(e, EINVAL, "%s: not a descriptor", what);
    r = get_media_type(o, "mediaType", &media_type, e);
    if (r >= 0)
        r = get_string(o, "digest", &digest, e);
    if (r >= 0 && (!media_type || !digest))
        r = err_set(e, EINVAL, "%s is missing", media_type ? "digest" : "mediaType");
    if (r >= 0)
        r = digest_parse(digest, &parsed, e);
    if (r < 0)
        return err_prefix(e, "%s", what);
    if (!json_object_object_get_ex(o, "size", &size) || !json_object_is_type(size, json_type_int))
        return err_set(e, EINVAL, "%s: size: not a number", what);
    n = json_object_get_int64(size);
    if (n < 0)
        return err_set(e, EINVAL, "%s: size: %lld is negative", what, (long long)n);
    *ret = (struct manifest_reference){ .digest = parsed, .size = (uint64_t)n, .media_type = media_type };
    for (size_t i = 0; i < ARRAY_SIZE(foreign_types); i++)
        ret->foreign |= str_eq(media_type, foreign_types[i]);
    return 0;
}

static int add_reference(struct manifest *m, struct json_object *o, const char *what, bool manifest,
                         struct err *e)
{
    struct manifest_reference *reference = &m->references[m->n_references];
    int r = manifest_read_descriptor(o, what, reference, e);

    if (r < 0)
        return r;
    reference->manifest = manifest;
    m->n_references++;
    return 0;
}

static int add_list(struct manifest *m, struct json_object *list, const char *key, bool manifest,
                    struct err *e)
{
    size_t n;
    int r = 0;

    if (!json_object_is_type(list, json_type_array))
        return err_set(e, EINVAL, "%s: not a list", key);
    n = json_object_array_length(list);
    if (n > REFERENCES_MAX)
        return err_set(e, EFBIG, "%s: %zu entries, at most %d are allowed", key, n, REFERENCES_MAX);
    m->references = mem_realloc_array(m->references, m->n_references + n + 1, sizeof(*m->references));
    for (size_t i = 0; i < n && r >= 0; i++) {
        char what[64];

        (void)str_format(what, sizeof(what), "%s[%zu]", key, i);
        r = add_reference(m, json_object_array_get_idx(list, i), what, manifest, e);
    }
    return r;
}

static int read_lists(struct manifest *m, struct err *e)
{
    struct json_object *config, *layers, *manifests;
    bool has_config = json_object_object_get_ex(m->root, "config", &config);
    bool has_layers = json_object_object_get_ex(m->root, "layers", &layers);
    int r;

    m->index = json_object_object_get_ex(m->root, "manifests", &manifests);
    if (m->index && (has_layers || has_config))
        return err_set(e, EINVAL, "both manifests and %s: an image and an index at once",
                       has_layers ? "layers" : "config");
    if (m->index)
        return add_list(m, manifests, "manifests", true, e);
    if (!has_config || !has_layers)
        return err_set(e, EINVAL, "neither an image (config and layers) nor an index (manifests)");
    m->references = mem_zalloc_array(1, sizeof(*m->references));
    r = add_reference(m, config, "config", false, e);
    if (r < 0)
        return r;
    m->artifact_type = m->references[0].media_type;
    return add_list(m, layers, "layers", false, e);
}

static int read_media_type(struct manifest *m, const char *content_type, struct err *e)
{
    int r = get_media_type(m->root, "mediaType", &m->media_type, e);

    if (r < 0)
        return r;
    if (content_type && !media_type_is_good(content_type))
        return err_set(e, EINVAL, "Content-Type: \"%.200s\" is not a media type", content_type);
    if (m->media_type && content_type && !str_eq(m->media_type, content_type))
        return err_set(e, EINVAL, "mediaType: \"%s\", but it was sent as \"%s\"", m->media_type,
                       content_type);
    if (!m->media_type && content_type) {
        /* Kept with the document, so that there is one lifetime. */
        json_object_object_add(m->root, "mediaType", json_object_new_string(content_type));
        r = get_media_type(m->root, "mediaType", &m->media_type, e);
    } else if (!m->media_type) {
        m->media_type = m->index ? MEDIA_TYPE_INDEX : MEDIA_TYPE_IMAGE;
    }
    return r;
}

static int read_rest(struct manifest *m, struct err *e)
{
    struct json_object *subject;
    struct manifest_reference reference;
    const char *artifact_type;
    int r = get_media_type(m->root, "artifactType", &artifact_type, e);

    if (r < 0)
        return r;
    if (artifact_type)
        m->artifact_type = artifact_type;
    if (json_object_object_get_ex(m->root, "subject", &subject) && subject) {
        r = manifest_read_descriptor(subject, "subject", &reference, e);
        if (r < 0)
            return r;
        m->has_subject = true;
        m->subject = reference.digest;
    }
    if (json_object_object_get_ex(m->root, "annotations", &m->annotations) && m->annotations &&
        !json_object_is_type(m->annotations, json_type_object))
        return err_set(e, EINVAL, "annotations: not an object");
    return 0;
}

static int check_version(struct json_object *root, struct err *e)
{
    struct json_object *version;

    if (!json_object_object_get_ex(root, "schemaVersion", &version) ||
        !json_object_is_type(version, json_type_int) || json_object_get_int64(version) != 2) {
        err_set(e, EINVAL, "schemaVersion: not 2");
        return err_remedy(e, "convert it to an OCI or Docker v2 schema 2 manifest");
    }
    return 0;
}

int manifest_parse(const char *text, size_t size, const char *content_type, struct manifest *ret,
                   struct err *e)
{
    struct manifest m = { 0 };
    struct parse_lexical lexical;
    int r;

    if (size > MANIFEST_SIZE_MAX)
        return err_set(e, EFBIG, "manifest: %zu bytes, at most %u are allowed", size, MANIFEST_SIZE_MAX);
    r = parse_text(text, size, "manifest", &m.root, &lexical, e);
    if (r < 0)
        return r;
    r = check_version(m.root, e);
    if (r >= 0)
        r = read_lists(&m, e);
    if (r >= 0)
        r = read_media_type(&m, content_type, e);
    if (r >= 0)
        r = read_rest(&m, e);
    if (r < 0) {
        err_prefix(e, "manifest");
        manifest_free(&m);
        return r;
    }
    *ret = m;
    return 0;
}

void manifest_free(struct manifest *m)
{
    json_object_put(m->root);
    free(m->references);
    *m = (struct manifest){ 0 };
}
