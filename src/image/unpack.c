// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacking a layer. Theory of operation: libarchive takes the stream apart and nothing else; it never opens
 * or makes a file. Each name is checked (layer_path.h), its parent directory opened in-root (openat2
 * RESOLVE_IN_ROOT, so that a link made by an earlier entry leads nowhere but into the layer), what is in the
 * way removed, and the object made with O_EXCL or an *at call that follows nothing. Metadata is set by
 * descriptor. Directories get their modes and times at the end, since what is made in them changes both.
 *
 * Runs in the worker that handles strangers' data, root of a user namespace or (single_id) just its user.
 */
#include "image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "image/layer_path.h"

#define OVERRIDE_STAT   "user.containers.override_stat"
#define XATTR_VALUE_MAX 65536

/* A directory whose metadata is due at the end. */
struct late {
    char *path;
    mode_t mode;
    struct timespec times[2];
};

struct unpack {
    int root;
    const struct unpack_options *options;
    struct unpack_report *report;
    struct archive *archive;
    unpack_read *read;
    void *argument;
    struct err *read_error; /* of the reader, where it said one */
    size_t n_late;
    struct late *late;
};

/* ---- names and places
 * --------------------------------------------------------------------------------------------- */

static int fail(int code, const struct layer_path *p, const char *what, struct err *e)
{
    return err_sys(e, code, "layer entry %.200s/%.200s: %s", p->parent, p->leaf, what);
}

/* The parent directory, made where the stream did not bother to (0755, as tar does). */
static int open_parent(const struct unpack *u, const struct layer_path *p, struct err *e)
{
    int fd = path_open_in_root(u->root, p->parent, O_PATH | O_DIRECTORY, 0);

    if (fd == -ENOENT) {
        /* As many entries as it has components, at most: a name of 255 directories makes 255. */
        for (const char *s = p->parent; s; s = strchr(s + 1, '/'))
            u->report->entries++;
        if (u->report->entries > u->options->max_entries)
            return err_set(e, E2BIG, "layer: more than %" PRIu64 " entries", u->options->max_entries);
        fd = path_mkdirs_in_root(u->root, p->parent, 0755);
    }

    return fd < 0 ? fail(fd, p, "its directory", e) : fd;
}

enum way { WAY_FREE, WAY_DIRECTORY, WAY_WHITEOUT };

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/*
 * What is there already goes, unless a directory meets a directory (*ret: WAY_DIRECTORY). WAY_WHITEOUT: it
 * was this layer's own whiteout, so a directory made in its place must go on hiding what is below.
 */
static int clear_way(int parent, const struct layer_path *p, bool directory, enum way *ret, struct err *e)
{
    struct stat st;
    int r;

    *ret = WAY_FREE;
    if (fstatat(parent, p->leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(errno, p, "looking for it", e);
    if (directory && S_ISDIR(st.st_mode)) {
        *ret = WAY_DIRECTORY;
        return 0;
    }
    if (is_whiteout(&st))
        *ret = WAY_WHITEOUT;
    r = path_remove_tree(parent, p->leaf);
    return r < 0 ? fail(r, p, "removing what an earlier entry made", e) : 0;
}

/* overlay(5): a directory of the layers below does not show through this one. */
static int set_opaque(int fd, const struct layer_path *p, struct err *e)
{
    return fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0 ? fail(errno, p, "making it opaque", e) : 0;
}

/* ---- metadata
 * ----------------------------------------------------------------------------------------------------- */

/* trusted.* and security.* but capabilities are the host's business; overlay's and fuse-overlayfs's own would
 * make a layer lie about itself (SECURITY.md, "whiteouts"). */
static bool may_have_xattr(const char *name)
{
    return str_eq(name, "security.capability") ||
           (str_has_prefix(name, "user.") && !str_has_prefix(name, "user.overlay.") &&
            !str_has_prefix(name, "user.fuseoverlayfs.") && !str_has_prefix(name, "user.containers."));
}

static int count_bytes(const struct unpack *u, uint64_t n, const struct layer_path *p, struct err *e)
{
    if (n > u->options->max_bytes || u->report->bytes > u->options->max_bytes - n) {
        fail(E2BIG, p, "the layer is larger than is allowed", e);
        return err_remedy(e, "an image of that size can be allowed for by the size limit");
    }
    u->report->bytes += n;
    return 0;
}

static int set_xattrs(const struct unpack *u, int fd, struct archive_entry *entry, const struct layer_path *p,
                      struct err *e)
{
    const char *name;
    const void *value;
    size_t size;
    int r;

    (void)archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (!name || !may_have_xattr(name) || size > XATTR_VALUE_MAX)
            continue;
        /* Without other ids there is nobody a capability could be for. */
        if (u->options->single_id && str_eq(name, "security.capability"))
            continue;
        r = count_bytes(u, size, p, e);
        if (r < 0)
            return r;
        if (fsetxattr(fd, name, value, size, 0) < 0 && errno != ENOTSUP)
            return fail(errno, p, name, e);
    }
    return 0;
}

/* The true owner and mode for fuse-overlayfs: "uid:gid:0mode[:type]". */
static int remember_owner(int fd, struct archive_entry *entry, const struct layer_path *p, struct err *e)
{
    char text[64];

    (void)str_format(text, sizeof(text), "%" PRId64 ":%" PRId64 ":0%o", (int64_t)archive_entry_uid(entry),
                     (int64_t)archive_entry_gid(entry), (unsigned)archive_entry_perm(entry));
    if (fsetxattr(fd, OVERRIDE_STAT, text, strlen(text), 0) < 0 && errno != ENOTSUP && errno != EPERM)
        return fail(errno, p, OVERRIDE_STAT, e);
    return 0;
}

static int check_ids(struct archive_entry *entry, const struct layer_path *p, struct err *e)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return fail(EINVAL, p, "its owner is no id", e);
    return 0;
}

static int change_owner(const struct unpack *u, int fd, struct archive_entry *entry,
                        const struct layer_path *p, struct err *e)
{
    uid_t uid = (uid_t)archive_entry_uid(entry);
    gid_t gid = (gid_t)archive_entry_gid(entry);

    if (u->options->single_id)
        return remember_owner(fd, entry, p, e);
    if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != EINVAL)
        return fail(errno, p, "its owner", e);
    err_set(e, EINVAL, "layer entry %.200s/%.200s: owner %u:%u is outside of your subordinate ids", p->parent,
            p->leaf, (unsigned)uid, (unsigned)gid);
    return err_remedy(e, "give the user larger ranges in /etc/subuid and /etc/subgid");
}

static void entry_times(struct archive_entry *entry, struct timespec times[2])
{
    times[1] =
        (struct timespec){ .tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry) };
    if (!archive_entry_mtime_is_set(entry))
        times[1].tv_nsec = UTIME_OMIT;
    times[0] = times[1];
}

/* What a file of one id may have itself: no setuid, and its owner must be able to read it for copying up. */
static mode_t file_mode(const struct unpack *u, struct archive_entry *entry)
{
    mode_t mode = archive_entry_perm(entry) & 07777;

    return u->options->single_id ? (mode & 0777) | 0600 : mode;
}

/* Owner before mode: chown clears setuid bits; attributes last: writing and chown clear capabilities. */
static int finish_file(const struct unpack *u, int fd, struct archive_entry *entry,
                       const struct layer_path *p, struct err *e)
{
    struct timespec times[2];
    int r = change_owner(u, fd, entry, p, e);

    if (r >= 0 && fchmod(fd, file_mode(u, entry)) < 0)
        r = fail(errno, p, "its mode", e);
    if (r >= 0)
        r = set_xattrs(u, fd, entry, p, e);
    entry_times(entry, times);
    if (r >= 0 && futimens(fd, times) < 0)
        r = fail(errno, p, "its times", e);
    return r;
}

/* ---- objects
 * ------------------------------------------------------------------------------------------------------ */

/* libarchive's own error, or the reader's. */
static int stream_error(const struct unpack *u, const char *what, struct err *e)
{
    int code = archive_errno(u->archive);

    if (u->read_error->code) {
        if (e)
            *e = *u->read_error;
        return err_code(u->read_error);
    }
    return err_set(e, code > 0 ? code : EINVAL, "layer: %s: %s", what,
                   archive_error_string(u->archive) ? archive_error_string(u->archive) : "damaged");
}

static int copy_data(struct unpack *u, int fd, struct archive_entry *entry, const struct layer_path *p,
                     struct err *e)
{
    int64_t size = archive_entry_size(entry);
    int r;

    /* A hole costs nothing on disk, but what reads the file pays for it: the declared size counts. */
    r = size < 0 ? fail(EINVAL, p, "its size", e) : count_bytes(u, (uint64_t)size, p, e);
    if (r < 0)
        return r;
    for (;;) {
        const void *block;
        int64_t offset;
        size_t n;

        r = archive_read_data_block(u->archive, &block, &n, &offset);
        if (r == ARCHIVE_EOF)
            break;
        if (r != ARCHIVE_OK)
            return stream_error(u, p->leaf, e);
        if (offset < 0 || (uint64_t)offset + n > (uint64_t)size)
            return fail(EINVAL, p, "more data than its size says", e);
        for (size_t done = 0; done < n;) {
            ssize_t w = pwrite(fd, (const char *)block + done, n - done, offset + (int64_t)done);

            if (w < 0 && errno == EINTR)
                continue;
            if (w < 0)
                return fail(errno, p, "writing it", e);
            done += (size_t)w;
        }
    }
    return ftruncate(fd, size) < 0 ? fail(errno, p, "its size", e) : 0;
}

static int make_file(struct unpack *u, int parent, struct archive_entry *entry, const struct layer_path *p,
                     struct err *e)
{
    _cleanup_close_ int fd =
        openat(parent, p->leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return fail(errno, p, "making it", e);
    r = copy_data(u, fd, entry, p, e);
    return r < 0 ? r : finish_file(u, fd, entry, p, e);
}

/* Owner and times of what cannot be opened. */
static int finish_in_place(const struct unpack *u, int parent, struct archive_entry *entry,
                           const struct layer_path *p, struct err *e)
{
    struct timespec times[2];

    if (!u->options->single_id && fchownat(parent, p->leaf, (uid_t)archive_entry_uid(entry),
                                           (gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW) < 0)
        return fail(errno, p, "its owner", e);
    entry_times(entry, times);
    return utimensat(parent, p->leaf, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(errno, p, "its times", e) : 0;
}

static int make_symlink(struct unpack *u, int parent, struct archive_entry *entry, const struct layer_path *p,
                        struct err *e)
{
    const char *target = archive_entry_symlink(entry);

    if (!target || !*target)
        return fail(EINVAL, p, "a link to nothing", e);
    /* Any target will do: who follows it does so inside the container. */
    if (symlinkat(target, parent, p->leaf) < 0)
        return fail(errno, p, "making the link", e);
    return finish_in_place(u, parent, entry, p, e);
}

/* The target is a name in the same layer, resolved as strictly as any other. */
static int make_hardlink(struct unpack *u, int parent, struct archive_entry *entry,
                         const struct layer_path *p, struct err *e)
{
    _cleanup_close_ int target_parent = -1;
    struct layer_path target;
    struct stat st;
    int r;

    r = layer_path_parse(archive_entry_hardlink(entry), &target, e);
    if (r < 0 || target.kind != LAYER_PATH_PLAIN)
        return r < 0 ? r : fail(EINVAL, p, "a hard link to what is no file", e);
    target_parent = path_open_in_root(u->root, target.parent, O_PATH | O_DIRECTORY, 0);
    if (target_parent < 0 || fstatat(target_parent, target.leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(ENOENT, p, "a hard link to a file that this layer does not have", e);
    if (S_ISDIR(st.st_mode))
        return fail(EINVAL, p, "a hard link to a directory", e);
    if (linkat(target_parent, target.leaf, parent, p->leaf, 0) < 0)
        return fail(errno, p, "making the hard link", e);
    return 0;
}

static int make_fifo(struct unpack *u, int parent, struct archive_entry *entry, const struct layer_path *p,
                     struct err *e)
{
    int r;

    if (mkfifoat(parent, p->leaf, 0600) < 0)
        return fail(errno, p, "making the fifo", e);
    if (u->options->single_id)
        return 0;
    r = finish_in_place(u, parent, entry, p, e);
    if (r >= 0 && fchmodat(parent, p->leaf, archive_entry_perm(entry) & 07777, 0) < 0)
        r = fail(errno, p, "its owner", e);
    return r;
}

static void remember_late(struct unpack *u, const struct layer_path *p, mode_t mode,
                          struct archive_entry *entry)
{
    struct late *l;

    u->late = mem_realloc_array(u->late, u->n_late + 1, sizeof(*u->late));
    l = &u->late[u->n_late++];
    l->path = str_printf("%s%s%s", p->parent, p->parent[0] && p->leaf[0] ? "/" : "", p->leaf);
    l->mode = mode;
    entry_times(entry, l->times);
}

static int make_directory(struct unpack *u, int parent, struct archive_entry *entry,
                          const struct layer_path *p, enum way way, struct err *e)
{
    _cleanup_close_ int fd = -1;
    int r;

    if (way != WAY_DIRECTORY && mkdirat(parent, p->leaf, 0700) < 0)
        return fail(errno, p, "making the directory", e);
    fd = openat(parent, p->leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(errno, p, "opening the directory", e);
    r = way == WAY_WHITEOUT ? set_opaque(fd, p, e) : 0;
    if (r >= 0)
        r = change_owner(u, fd, entry, p, e);
    if (r >= 0)
        r = set_xattrs(u, fd, entry, p, e);
    if (r >= 0)
        remember_late(u, p, file_mode(u, entry) | (u->options->single_id ? 0700 : 0), entry);
    return r;
}

/* The layer's own root: owner, mode and attributes only. */
static int set_root(struct unpack *u, struct archive_entry *entry, const struct layer_path *p, struct err *e)
{
    _cleanup_close_ int fd = openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return fail(errno, p, "opening it", e);
    if (archive_entry_filetype(entry) != AE_IFDIR)
        return fail(EINVAL, p, "the root is no directory", e);
    r = change_owner(u, fd, entry, p, e);
    if (r >= 0)
        r = set_xattrs(u, fd, entry, p, e);
    if (r >= 0)
        remember_late(u, p, file_mode(u, entry) | (u->options->single_id ? 0700 : 0), entry);
    return r;
}

/* ---- whiteouts
 * ---------------------------------------------------------------------------------------------------- */

static int make_whiteout(struct unpack *u, const struct layer_path *p, struct err *e)
{
    _cleanup_close_ int parent = open_parent(u, p, e), dir = -1;

    if (parent < 0)
        return parent;
    /* Anybody may make this one device, Linux 5.8: overlay's sign for "gone". */
    if (mknodat(parent, p->leaf, S_IFCHR, makedev(0, 0)) == 0)
        return 0;
    if (errno != EEXIST)
        return fail(errno, p, "making the whiteout", e);
    /* layer.md: a whiteout is about the layers below. What this one has of that name stays; a directory hides
     * theirs. */
    dir = openat(parent, p->leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return dir < 0 ? 0 : set_opaque(dir, p, e);
}

static int make_opaque(struct unpack *u, const struct layer_path *p, struct err *e)
{
    _cleanup_close_ int dir = open_parent(u, p, e), fd = -1;

    if (dir < 0)
        return dir;
    fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? fail(errno, p, "opening the directory", e) : set_opaque(fd, p, e);
}

/* ---- the stream
 * --------------------------------------------------------------------------------------------------- */

static int skip_device(struct unpack *u, const struct layer_path *p)
{
    if (u->report->devices++ == 0)
        (void)str_format(u->report->first_device, sizeof(u->report->first_device), "%.120s/%.120s", p->parent,
                         p->leaf);
    return 0;
}

static int make_object(struct unpack *u, struct archive_entry *entry, const struct layer_path *p,
                       struct err *e)
{
    _cleanup_close_ int parent = -1;
    mode_t type = archive_entry_filetype(entry);
    enum way way;
    int r;

    if (!archive_entry_hardlink(entry) && (type == AE_IFCHR || type == AE_IFBLK || type == AE_IFSOCK))
        return skip_device(u, p);
    parent = open_parent(u, p, e);
    if (parent < 0)
        return parent;
    r = clear_way(parent, p, type == AE_IFDIR && !archive_entry_hardlink(entry), &way, e);
    if (r < 0)
        return r;
    if (archive_entry_hardlink(entry))
        return make_hardlink(u, parent, entry, p, e);
    switch (type) {
    case AE_IFREG:
        return make_file(u, parent, entry, p, e);
    case AE_IFDIR:
        return make_directory(u, parent, entry, p, way, e);
    case AE_IFLNK:
        return make_symlink(u, parent, entry, p, e);
    case AE_IFIFO:
        return make_fifo(u, parent, entry, p, e);
    default:
        return fail(EINVAL, p, "of a type that files do not have", e);
    }
}

static int one_entry(struct unpack *u, struct archive_entry *entry, struct err *e)
{
    const char *name = archive_entry_pathname(entry);
    struct layer_path p;
    int r;

    if (!name)
        return err_set(e, EINVAL, "layer: an entry without a name");
    if (++u->report->entries > u->options->max_entries)
        return err_set(e, E2BIG, "layer: more than %" PRIu64 " entries", u->options->max_entries);
    r = layer_path_parse(name, &p, e);
    if (r == -EOPNOTSUPP)
        return 0;
    if (r >= 0)
        r = check_ids(entry, &p, e);
    if (r < 0)
        return r;
    switch (p.kind) {
    case LAYER_PATH_ROOT:
        return set_root(u, entry, &p, e);
    case LAYER_PATH_WHITEOUT:
        return make_whiteout(u, &p, e);
    case LAYER_PATH_OPAQUE:
        return make_opaque(u, &p, e);
    case LAYER_PATH_PLAIN:
        return make_object(u, entry, &p, e);
    }
    return -EINVAL;
}

/* Deepest last made, first finished: setting a directory's times touches its parent's no more. */
static int finish_directories(struct unpack *u, struct err *e)
{
    for (size_t i = u->n_late; i > 0; i--) {
        const struct late *l = &u->late[i - 1];
        _cleanup_close_ int fd = path_open_in_root(u->root, l->path, O_RDONLY | O_DIRECTORY, 0);

        /* Replaced by something else later in the stream. */
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue;
        if (fd < 0 || fchmod(fd, l->mode) < 0 || futimens(fd, l->times) < 0)
            return err_sys(e, fd < 0 ? fd : errno, "layer entry %.300s: its mode and times", l->path);
    }
    return 0;
}

static la_ssize_t on_read(struct archive *a, void *argument, const void **ret)
{
    struct unpack *u = argument;
    ssize_t n = u->read(u->argument, ret, u->read_error);

    if (n < 0)
        archive_set_error(a, (int)-n, "reading the stream");
    return n < 0 ? -1 : n;
}

static int open_archive(struct unpack *u, struct err *e)
{
    u->archive = archive_read_new();
    if (!u->archive)
        return err_set(e, ENOMEM, "layer: out of memory");
    if (archive_read_support_format_tar(u->archive) != ARCHIVE_OK ||
        archive_read_support_format_empty(u->archive) != ARCHIVE_OK ||
        archive_read_open(u->archive, u, NULL, on_read, NULL) != ARCHIVE_OK)
        return stream_error(u, "not a tar stream", e);
    return 0;
}

static int read_entries(struct unpack *u, struct err *e)
{
    for (;;) {
        struct archive_entry *entry;
        int r = archive_read_next_header(u->archive, &entry);

        if (r == ARCHIVE_EOF)
            return 0;
        /* A warning is a name or attribute that is not the UTF-8 it should be: names are bytes to us. */
        if (r != ARCHIVE_OK && (r != ARCHIVE_WARN || !archive_entry_pathname(entry)))
            return stream_error(u, "reading the tar stream", e);
        r = one_entry(u, entry, e);
        if (r < 0)
            return r;
    }
}

int unpack_layer(int root, unpack_read *read, void *argument, const struct unpack_options *options,
                 struct unpack_report *ret, struct err *e)
{
    struct err read_error = { 0 };
    struct unpack u = { .root = root,
                        .options = options,
                        .report = ret,
                        .read = read,
                        .argument = argument,
                        .read_error = &read_error };
    const void *rest;
    ssize_t n = 0;
    int r;

    *ret = (struct unpack_report){ 0 };
    r = open_archive(&u, e);
    if (r >= 0)
        r = read_entries(&u, e);
    if (r >= 0)
        r = finish_directories(&u, e);
    if (u.archive)
        (void)archive_read_free(u.archive);
    for (size_t i = 0; i < u.n_late; i++)
        free(u.late[i].path);
    free(u.late);
    /* The digest is that of the whole stream, padding and all. */
    while (r >= 0 && (n = read(argument, &rest, &read_error)) > 0)
        ;
    if (r >= 0 && n < 0) {
        if (e)
            *e = read_error;
        r = (int)n;
    }
    return r;
}
