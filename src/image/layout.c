// SPDX-License-Identifier: Apache-2.0
/* The directory of an image layout and its blobs. Runs as the caller; threads may share a struct layout. */
#include "image/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "spec/parse.h"

#define PARTIAL      ".partial"
#define BENEATH      (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define VERSION_TEXT "{\"imageLayoutVersion\": \"1.0.0\"}\n"
#define EMPTY_INDEX  "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_INDEX "\",\"manifests\":[]}\n"
#define COPY_CHUNK   (64U << 10)

static int open_beneath(int dir, const char *path, int flags, mode_t mode)
{
    return path_openat2(dir, path, (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW), mode, BENEATH);
}

static void blob_path(const struct digest *d, char *path, size_t size)
{
    (void)str_format(path, size, "blobs/%s/%s", digest_algorithm_name(d->algorithm), d->hex);
}

/* ---- the directory ---- */

static int make_parts(int dir)
{
    static const char *const directories[] = { "blobs", "blobs/sha256", PARTIAL };
    struct stat st;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        if (mkdirat(dir, directories[i], 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    if (fstatat(dir, "index.json", &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = fd_replace_file(dir, "index.json", 0644, EMPTY_INDEX, strlen(EMPTY_INDEX), true);
    /* Last: what has it is complete. */
    if (r >= 0)
        r = fd_replace_file(dir, "oci-layout", 0644, VERSION_TEXT, strlen(VERSION_TEXT), true);
    return r;
}

static int check_version(int dir, struct err *e)
{
    _cleanup_close_ int fd = open_beneath(dir, "oci-layout", O_RDONLY | O_NONBLOCK, 0);
    _cleanup_buf_ struct buf text = { 0 };
    struct json_object *root = NULL, *version;
    struct parse_lexical lexical;
    int r = fd < 0 ? fd : fd_read_all(fd, 4096, &text);

    if (r < 0)
        return err_sys(e, r, "oci-layout");
    r = parse_text(text.data, text.len, "oci-layout", &root, &lexical, e);
    if (r < 0)
        return r;
    if (!json_object_object_get_ex(root, "imageLayoutVersion", &version) ||
        !str_has_prefix(json_object_get_string(version), "1."))
        r = err_set(e, EINVAL, "oci-layout: imageLayoutVersion is not 1.x");
    json_object_put(root);
    return r;
}

int layout_open(int dir, bool create, struct layout *ret, struct err *e)
{
    _cleanup_close_ int taken = dir;
    struct layout l = { .dir = dir };
    int r = check_version(dir, e);

    if (r == -ENOENT && create) {
        _cleanup_close_ int lock = layout_lock(&l, e);

        if (lock < 0)
            return lock;
        r = make_parts(dir);
        if (r < 0)
            return err_sys(e, r, "make an image layout");
    }
    if (r < 0)
        return r;
    ret->dir = TAKE_FD(taken);
    return 0;
}

void layout_close(struct layout *l)
{
    l->dir = fd_close(l->dir);
}

int layout_lock(const struct layout *l, struct err *e)
{
    /* Opened anew: a lock belongs to the open file, so threads exclude each other too. */
    _cleanup_close_ int fd = openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(e, errno, "image layout");
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return err_sys(e, errno, "image layout: lock");
    }
    return TAKE_FD(fd);
}

void layout_sweep(const struct layout *l)
{
    _cleanup_close_ int partial = open_beneath(l->dir, PARTIAL, O_RDONLY | O_DIRECTORY, 0);

    if (partial >= 0)
        path_remove_unlocked(partial);
}

/* ---- blobs ---- */

int layout_open_blob(const struct layout *l, const struct digest *d, uint64_t *ret_size)
{
    char path[16 + DIGEST_HEX_MAX];
    _cleanup_close_ int fd = -1;
    struct stat st;

    blob_path(d, path, sizeof(path));
    fd = open_beneath(l->dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOENT;
    if (ret_size)
        *ret_size = (uint64_t)st.st_size;
    return TAKE_FD(fd);
}

int layout_read_blob(const struct layout *l, const struct digest *d, size_t max, struct buf *ret)
{
    _cleanup_close_ int fd = layout_open_blob(l, d, NULL);
    _cleanup_buf_ struct buf text = { 0 };
    struct digest found;
    int r = fd < 0 ? fd : fd_read_all(fd, max, &text);

    if (r < 0)
        return r;
    digest_of(d->algorithm, text.data ? text.data : "", text.len, &found);
    if (!digest_eq(&found, d))
        return -EBADMSG;
    buf_free(ret);
    *ret = text;
    text = (struct buf){ 0 };
    return 0;
}

bool layout_has_blob(const struct layout *l, const struct digest *d)
{
    _cleanup_close_ int fd = layout_open_blob(l, d, NULL);

    return fd >= 0;
}

int layout_remove_blob(const struct layout *l, const struct digest *d)
{
    _cleanup_close_ int dir = -1;
    char path[32];

    (void)str_format(path, sizeof(path), "blobs/%s", digest_algorithm_name(d->algorithm));
    dir = open_beneath(l->dir, path, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return dir;
    if (unlinkat(dir, d->hex, 0) < 0)
        return -errno;
    (void)fsync(dir);
    return 0;
}

/* The directory of an algorithm's blobs, made where it is missing. */
static int open_algorithm(const struct layout *l, enum digest_algorithm algorithm)
{
    char path[32];

    (void)str_format(path, sizeof(path), "blobs/%s", digest_algorithm_name(algorithm));
    if (mkdirat(l->dir, path, 0755) < 0 && errno != EEXIST)
        return -errno;
    return open_beneath(l->dir, path, O_RDONLY | O_DIRECTORY, 0);
}

static int copy_blob(int source, const struct layout *to, const struct digest *d, struct err *e)
{
    struct layout_partial p;
    char chunk[COPY_CHUNK];
    ssize_t n = 1;
    int r = layout_partial_begin(to, d->algorithm, &p, e);

    while (r >= 0 && n > 0) {
        n = read(source, chunk, sizeof(chunk));
        if (n < 0)
            r = err_sys(e, errno, "read blob");
        else if (n > 0)
            r = layout_partial_add(&p, chunk, (size_t)n, e);
    }
    if (r >= 0)
        return layout_partial_commit(to, &p, d, e);
    layout_partial_discard(&p);
    return r;
}

int layout_share_blob(const struct layout *from, const struct layout *to, const struct digest *d,
                      struct err *e)
{
    _cleanup_close_ int source = layout_open_blob(from, d, NULL);
    _cleanup_close_ int target = -1;
    char path[16 + DIGEST_HEX_MAX];

    if (source < 0)
        return err_sys(e, source, "blob %s", d->hex);
    target = open_algorithm(to, d->algorithm);
    if (target < 0)
        return err_sys(e, target, "blobs");
    blob_path(d, path, sizeof(path));
    if (linkat(from->dir, path, target, d->hex, 0) == 0)
        return fsync(target) < 0 ? err_sys(e, errno, "blobs") : 0;
    if (errno == EEXIST)
        return 0;
    return copy_blob(source, to, d, e);
}

/* ---- a blob on its way in ---- */

int layout_partial_begin(const struct layout *l, enum digest_algorithm algorithm, struct layout_partial *ret,
                         struct err *e)
{
    _cleanup_close_ int dir = -1, fd = -1;
    struct layout_partial p = { .dir = -1, .fd = -1 };
    struct stat st = { 0 };

    if (mkdirat(l->dir, PARTIAL, 0755) < 0 && errno != EEXIST)
        return err_sys(e, errno, PARTIAL);
    dir = open_beneath(l->dir, PARTIAL, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return err_sys(e, dir, PARTIAL);
    /* Between its birth and the lock layout_sweep may have taken it for a dead one: then it has no link. */
    while (st.st_nlink == 0) {
        uint64_t number[2];

        if (getrandom(number, sizeof(number), 0) != sizeof(number))
            return err_sys(e, errno, "getrandom");
        (void)str_format(p.name, sizeof(p.name), "%016llx%016llx", (unsigned long long)number[0],
                         (unsigned long long)number[1]);
        fd_close(fd);
        fd = openat(dir, p.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
            return err_sys(e, errno, PARTIAL "/%s", p.name);
        if (flock(fd, LOCK_SH | LOCK_NB) == 0 && fstat(fd, &st) < 0)
            return err_sys(e, errno, PARTIAL "/%s", p.name);
    }
    p.dir = TAKE_FD(dir);
    p.fd = TAKE_FD(fd);
    digest_stream_start(&p.hash, algorithm);
    *ret = p;
    return 0;
}

int layout_partial_add(struct layout_partial *p, const void *data, size_t n, struct err *e)
{
    int r = fd_write_all(p->fd, data, n);

    if (r < 0)
        return err_sys(e, r, "write blob");
    digest_stream_add(&p->hash, data, n);
    p->size += n;
    return 0;
}

/* The digest by an algorithm that was not the one expected: read it again. */
static int hash_again(int fd, enum digest_algorithm algorithm, struct digest *ret)
{
    _cleanup_digest_stream_ struct digest_stream s = { 0 };
    char chunk[COPY_CHUNK];
    off_t offset = 0;
    ssize_t n;

    digest_stream_start(&s, algorithm);
    while ((n = pread(fd, chunk, sizeof(chunk), offset)) > 0) {
        digest_stream_add(&s, chunk, (size_t)n);
        offset += n;
    }
    if (n < 0)
        return -errno;
    digest_stream_finish(&s, ret);
    return 0;
}

static int verify(struct layout_partial *p, const struct digest *want, struct err *e)
{
    struct digest found;
    int r = 0;

    if (p->hash.algorithm == want->algorithm)
        digest_stream_finish(&p->hash, &found);
    else
        r = hash_again(p->fd, want->algorithm, &found);
    if (r < 0)
        return err_sys(e, r, "read blob");
    if (!digest_eq(&found, want))
        return err_set(e, EBADMSG, "the content has the digest %s:%s, not %s",
                       digest_algorithm_name(found.algorithm), found.hex, want->hex);
    return 0;
}

int layout_partial_commit(const struct layout *l, struct layout_partial *p, const struct digest *want,
                          struct err *e)
{
    _cleanup_close_ int target = -1;
    int r = verify(p, want, e);

    if (r >= 0 && fsync(p->fd) < 0)
        r = err_sys(e, errno, "write blob");
    if (r >= 0) {
        target = open_algorithm(l, want->algorithm);
        if (target < 0)
            r = err_sys(e, target, "blobs");
    }
    if (r >= 0 && renameat(p->dir, p->name, target, want->hex) < 0)
        r = err_sys(e, errno, "blob %s", want->hex);
    if (r >= 0) {
        p->name[0] = '\0';
        if (fsync(target) < 0)
            r = err_sys(e, errno, "blobs");
    }
    layout_partial_discard(p);
    return r;
}

void layout_partial_discard(struct layout_partial *p)
{
    if (p->dir >= 0 && p->name[0])
        (void)unlinkat(p->dir, p->name, 0);
    p->dir = fd_close(p->dir);
    p->fd = fd_close(p->fd);
    digest_stream_end(&p->hash);
}

int layout_write_blob(const struct layout *l, const struct digest *want, const void *data, size_t n,
                      struct err *e)
{
    struct layout_partial p;
    int r = layout_partial_begin(l, want->algorithm, &p, e);

    if (r < 0)
        return r;
    r = layout_partial_add(&p, data, n, e);
    if (r >= 0)
        return layout_partial_commit(l, &p, want, e);
    layout_partial_discard(&p);
    return r;
}
