// SPDX-License-Identifier: Apache-2.0
/* The state directory. Runs in the verbs, as the caller. */
#include "state/dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#define ID_MAX 255
/* In each state directory from its birth: what has none is not ours to remove. */
#define MARKER ".lichen"

char *state_root_path(const char *option, bool privileged)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (option)
        return str_printf("%s", option);
    if (!privileged && runtime && *runtime == '/')
        return str_printf("%s/lichen", runtime);
    if (privileged)
        return str_printf("/run/lichen");
    return str_printf("/tmp/lichen-%u", (unsigned)geteuid());
}

/* mkdir -p; what exists is left as it is. */
static int make_directories(const char *path)
{
    _cleanup_free_ char *copy = str_printf("%s", path);

    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return -errno;
        *p = '/';
    }
    return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int state_root_open(const char *path, bool create, struct err *e)
{
    /* In a directory everybody can write, a link is somebody else's idea of where our state is. */
    const int flags =
        O_RDONLY | O_DIRECTORY | O_CLOEXEC | (str_has_prefix(path, "/tmp/lichen-") ? O_NOFOLLOW : 0);
    _cleanup_close_ int fd = -1;
    struct stat st;
    int r;

    fd = open(path, flags);
    if (fd < 0 && errno == ENOENT && create) {
        r = make_directories(path);
        if (r < 0)
            return err_sys(e, r, "state directory %s: cannot make it", path);
        fd = open(path, flags);
    }
    if (fd < 0)
        return err_sys(e, errno, "state directory %s", path);
    if (fstat(fd, &st) < 0)
        return err_sys(e, errno, "state directory %s", path);
    if (st.st_uid != geteuid() || (st.st_mode & 022)) {
        err_set(e, EPERM, "state directory %s belongs to uid %u with mode %04o: somebody else could write it",
                path, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
        return err_remedy(e, "use --root with a directory of your own (mode 0700), or set XDG_RUNTIME_DIR");
    }
    return TAKE_FD(fd);
}

int state_check_id(const char *id, struct err *e)
{
    size_t n = strlen(id);

    if (n == 0)
        return err_set(e, EINVAL, "the container id is empty");
    if (n > ID_MAX)
        return err_set(e, ENAMETOOLONG, "the container id has %zu characters, %d are allowed", n, ID_MAX);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)id[i];

        if (isascii(c) && (isalnum(c) || strchr("_+-", c) || (c == '.' && i > 0)))
            continue;
        return err_set(
            e, EINVAL,
            "container id \"%s\": only letters, digits and _ + - . are allowed, and no . at the beginning",
            id);
    }
    return 0;
}

int state_create(int root, const char *id, struct err *e)
{
    _cleanup_close_ int fd = -1;

    if (mkdirat(root, id, 0700) < 0) {
        if (errno != EEXIST)
            return err_sys(e, errno, "container %s: cannot make its state directory", id);
        err_set(e, EEXIST, "container with id exists already: %s", id);
        return err_remedy(e, "choose another id, or remove it: delete %s", id);
    }
    fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || mknodat(fd, MARKER, S_IFREG | 0600, 0) < 0)
        return err_sys(e, errno, "container %s: its state directory", id);
    return TAKE_FD(fd);
}

static bool dir_is_empty(int dir)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;
    bool empty = d != NULL;

    if (!d) {
        fd_close(copy);
        return false;
    }
    while (empty && (entry = readdir(d)))
        empty = str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..");
    closedir(d);
    return empty;
}

/* Ours, or just made and not marked yet. */
static bool is_state(int dir)
{
    struct stat st;

    if (fstatat(dir, MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISREG(st.st_mode);
    return dir_is_empty(dir);
}

int state_open(int root, const char *id, struct err *e)
{
    _cleanup_close_ int fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno != ENOENT)
        return err_sys(e, errno, "container %s: its state directory", id);
    if (fd < 0 || !is_state(fd))
        return err_set(e, ENOENT, "container does not exist: %s", id);
    return TAKE_FD(fd);
}

int state_lock(int dir, int timeout_ms, const char *id, struct err *e)
{
    const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };

    /* flock has no timeout; every wait is bounded (FIELD-NOTES.md), so ask again in small steps. */
    for (int waited = 0;; waited += 5) {
        if (flock(dir, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_sys(e, errno, "container %s: lock", id);
        if (waited >= timeout_ms)
            return err_set(e, EBUSY, "container %s: another command has been holding its lock for %d s", id,
                           timeout_ms / 1000);
        (void)nanosleep(&pause, NULL);
    }
}

void state_unlock(int dir)
{
    (void)flock(dir, LOCK_UN);
}

int state_remove(int root, const char *id, struct err *e)
{
    _cleanup_close_ int fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int r;

    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "container %s: its state directory", id);
    if (!is_state(fd))
        return err_set(e, ENOTEMPTY, "%s in the state directory is not a container's; it is left alone", id);
    r = path_remove_tree(root, id);
    return r < 0 ? err_sys(e, r, "container %s: cannot remove its state directory", id) : 0;
}
