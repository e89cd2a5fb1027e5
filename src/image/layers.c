// SPDX-License-Identifier: Apache-2.0
/* The layers' directories. Runs in the worker, root of a user namespace or (single_id) its user. Every path
 * is built from checked digests. */
#include "image/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "image/inflate.h"

#define PARTIAL  ".partial"
#define NAME_LEN (DIGEST_TEXT_MAX + 1)

/* ALGORITHM/HEX, and the name below .partial. */
static void layer_name(const struct digest *d, char name[NAME_LEN], char separator)
{
    (void)str_format(name, NAME_LEN, "%s%c%s", digest_algorithm_name(d->algorithm), separator, d->hex);
}

static int make_directory(int dir, const char *name, struct err *e)
{
    return mkdirat(dir, name, 0711) < 0 && errno != EEXIST ? err_sys(e, errno, "layer store: %s", name) : 0;
}

int layers_open(int dir, struct layers *ret, struct err *e)
{
    _cleanup_close_ int fd = dir;
    int r = make_directory(fd, PARTIAL, e);

    for (int a = 0; a < DIGEST_N && r >= 0; a++)
        r = make_directory(fd, digest_algorithm_name((enum digest_algorithm)a), e);
    if (r < 0)
        return r;
    ret->dir = TAKE_FD(fd);
    return 0;
}

void layers_close(struct layers *l)
{
    l->dir = fd_close(l->dir);
}

int layers_open_layer(const struct layers *l, const struct digest *diff_id)
{
    char name[NAME_LEN];
    int fd;

    layer_name(diff_id, name, '/');
    fd = openat(l->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/*
 * The partial directory, locked. Whoever had the lock before may have finished and renamed it, or removed it:
 * then the name is another's, or nobody's, and it is done again. Returns a descriptor, or -EEXIST when the
 * layer is there now.
 */
static int lock_partial(const struct layers *l, const char *name, const struct digest *diff_id, struct err *e)
{
    for (;;) {
        _cleanup_close_ int fd = -1, layer = -1;

        if (mkdirat(l->dir, name, 0755) < 0 && errno != EEXIST)
            return err_sys(e, errno, "layer store: %s", name);
        fd = openat(l->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
            return err_sys(e, errno, "layer store: %s", name);
        if (fd < 0)
            continue;
        while (flock(fd, LOCK_EX) < 0) {
            if (errno != EINTR)
                return err_sys(e, errno, "layer store: lock of %s", name);
        }
        layer = layers_open_layer(l, diff_id);
        if (layer >= 0) {
            /* Made anew by us just now, after the other's rename: nobody needs it. */
            if (path_is_current(l->dir, name, fd))
                (void)unlinkat(l->dir, name, AT_REMOVEDIR);
            return -EEXIST;
        }
        if (path_is_current(l->dir, name, fd))
            return TAKE_FD(fd);
    }
}

static void hash(void *argument, const void *p, size_t n)
{
    digest_stream_add(argument, p, n);
}

/* Blob -> inflate -> digest of what came out -> tar -> files. */
static int unpack_blob(int dir, const struct layout *blobs, const struct digest *blob,
                       const struct digest *diff_id, const struct unpack_options *options,
                       struct unpack_report *report, struct err *e)
{
    _cleanup_close_ int fd = layout_open_blob(blobs, blob, NULL);
    _cleanup_inflate_ struct inflate *inflate = NULL;
    _cleanup_digest_stream_ struct digest_stream stream = { 0 };
    char want[NAME_LEN], got[NAME_LEN];
    /* The stream is longer than its files: headers, padding, names. */
    uint64_t limit = options->max_bytes + options->max_entries * 8192 + (1U << 20);
    struct digest actual;
    int r;

    if (fd < 0)
        return err_sys(e, fd, "layer %s", digest_format(blob, want));
    digest_stream_start(&stream, diff_id->algorithm);
    r = inflate_open(fd, limit < options->max_bytes ? UINT64_MAX : limit, hash, &stream, &inflate, e);
    if (r >= 0)
        r = unpack_layer(dir, inflate_read, inflate, options, report, e);
    if (r < 0)
        return err_prefix(e, "%s", digest_format(blob, want));
    digest_stream_finish(&stream, &actual);
    if (digest_eq(&actual, diff_id))
        return 0;
    err_set(e, EBADMSG, "layer %s is %s uncompressed", digest_format(blob, want),
            digest_format(&actual, got));
    (void)err_remedy(e, "the image's configuration says %s: it was changed after it was made",
                     digest_format(diff_id, want));
    return -EBADMSG;
}

int layers_have(const struct layers *l, const struct layout *blobs, const struct digest *blob,
                const struct digest *diff_id, const struct unpack_options *options, struct unpack_report *ret,
                struct err *e)
{
    char name[NAME_LEN], leaf[NAME_LEN], partial[sizeof(PARTIAL) + NAME_LEN];
    _cleanup_close_ int dir = layers_open_layer(l, diff_id);
    int r;

    *ret = (struct unpack_report){ 0 };
    if (dir >= 0)
        return 1;
    layer_name(diff_id, name, '/');
    layer_name(diff_id, leaf, '-');
    (void)str_format(partial, sizeof(partial), PARTIAL "/%s", leaf);
    dir = lock_partial(l, partial, diff_id, e);
    if (dir < 0)
        return dir == -EEXIST ? 1 : dir;
    /* What somebody who was killed had unpacked so far. */
    r = path_remove_content(dir);
    r = r < 0 ? err_sys(e, r, "layer store: %s", partial)
              : unpack_blob(dir, blobs, blob, diff_id, options, ret, e);
    /* A layer that is there is whole after a power cut, too. */
    if (r >= 0 && syncfs(dir) < 0)
        r = err_sys(e, errno, "layer store: writing %s", name);
    if (r >= 0 && renameat2(l->dir, partial, l->dir, name, RENAME_NOREPLACE) < 0)
        r = err_sys(e, errno, "layer store: %s", name);
    /* While it is locked: the next one in line begins anew. */
    if (r < 0)
        (void)path_remove_tree(l->dir, partial);
    return r;
}

int layers_remove(const struct layers *l, const struct digest *diff_id, struct err *e)
{
    char name[NAME_LEN], leaf[NAME_LEN], gone[sizeof(PARTIAL) + NAME_LEN + 16];
    int r;

    layer_name(diff_id, name, '/');
    layer_name(diff_id, leaf, '-');
    (void)str_format(gone, sizeof(gone), PARTIAL "/gone-%d-%s", (int)getpid(), leaf);
    if (renameat(l->dir, name, l->dir, gone) < 0)
        return err_sys(e, errno, "layer store: %s", name);
    r = path_remove_tree(l->dir, gone);
    return r < 0 ? err_sys(e, r, "layer store: removing %s", name) : 0;
}

void layers_sweep(const struct layers *l)
{
    _cleanup_close_ int partial = openat(l->dir, PARTIAL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (partial >= 0)
        path_remove_unlocked(partial);
}
