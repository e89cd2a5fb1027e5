// SPDX-License-Identifier: Apache-2.0
/*
 * What the host offers in cgroups: a statfs, /proc/self/cgroup, access checks. Nothing is made and no bus is
 * spoken to; only sockets are looked at. Runs in the parent, as the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/private.h"

static bool is_cgroup2(const char *path)
{
    struct statfs fs;

    return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_of_process(const char *process, char *path, size_t size)
{
    _cleanup_buf_ struct buf b = { 0 };
    char file[64], *at, *end;
    int r = str_format(file, sizeof(file), "/proc/%s/cgroup", process);

    if (r >= 0)
        r = fd_read_file(AT_FDCWD, file, 65536, &b);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    at = str_has_prefix(b.data, "0::") ? b.data : strstr(b.data, "\n0::");
    if (!at)
        return -ENOENT;
    at += *at == '\n' ? 4 : 3;
    end = strchr(at, '\n');
    if (end)
        *end = '\0';
    /* The cgroup was removed meanwhile: the process is a zombie. */
    if (str_has_suffix(at, " (deleted)"))
        return -ESRCH;
    return str_format(path, size, "%s", at);
}

/* Maps of an initial namespace and of one that has only the user as root look like this: container host size.
 */
static bool read_first_extent(unsigned long extent[3])
{
    _cleanup_buf_ struct buf b = { 0 };

    return fd_read_file(AT_FDCWD, "/proc/self/uid_map", 65536, &b) >= 0 &&
           sscanf(b.data, "%lu %lu %lu", &extent[0], &extent[1], &extent[2]) == 3;
}

static bool in_initial_userns(void)
{
    unsigned long extent[3];

    return !read_first_extent(extent) || (extent[0] == 0 && extent[1] == 0 && extent[2] == UINT32_MAX);
}

uid_t cgroup_outer_uid(void)
{
    unsigned long extent[3];
    uid_t uid = geteuid();

    if (uid == 0 && read_first_extent(extent) && extent[0] == 0)
        return (uid_t)extent[1];
    return uid;
}

/* May the caller make cgroups in mount/path and move processes within it? The second is asked of the common
 * ancestor's cgroup.procs (cgroup-v2.rst "Delegation Containment"). */
static bool may_write(const struct cgroup_host *h, const char *path)
{
    char file[sizeof(h->mount) + sizeof(h->own) + 16];

    if (str_format(file, sizeof(file), "%s%s", h->mount, path) < 0 ||
        faccessat(AT_FDCWD, file, W_OK | X_OK, AT_EACCESS) < 0)
        return false;
    return str_format(file, sizeof(file), "%s%s/cgroup.procs", h->mount, path) >= 0 &&
           faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) == 0;
}

static unsigned read_controllers(const struct cgroup_host *h, const char *path)
{
    _cleanup_buf_ struct buf b = { 0 };
    char file[sizeof(h->mount) + sizeof(h->own) + 24];

    if (str_format(file, sizeof(file), "%s%s/cgroup.controllers", h->mount, path) < 0 ||
        fd_read_file(AT_FDCWD, file, 4096, &b) < 0)
        return 0;
    return cgroup_controllers_parse(b.data);
}

static void find_delegated(struct cgroup_host *h)
{
    char path[sizeof(h->own)];

    h->own_writable = may_write(h, h->own);
    if (!h->own_writable)
        return;
    (void)str_format(path, sizeof(path), "%s", h->own);
    do {
        char *slash;

        (void)str_format(h->delegated, sizeof(h->delegated), "%s", path);
        if (str_eq(path, "/"))
            break;
        slash = strrchr(path, '/');
        slash[slash == path] = '\0';
    } while (may_write(h, path));
    h->delegated_controllers = read_controllers(h, h->delegated);
}

static bool is_socket(const char *directory, const char *name)
{
    char path[256];
    struct stat st;

    return str_format(path, sizeof(path), "%s/%s", directory, name) >= 0 && stat(path, &st) == 0 &&
           S_ISSOCK(st.st_mode);
}

/*
 * The caller's systemd listens: its private socket says that it runs, the bus is what we speak to. A session
 * bus alone is no evidence (dbus-run-session in CI).
 */
static bool have_user_bus(uid_t uid)
{
    const char *environment = getenv("XDG_RUNTIME_DIR");
    char standard[64];
    bool bus = getenv("DBUS_SESSION_BUS_ADDRESS") != NULL, manager = false;

    (void)str_format(standard, sizeof(standard), "/run/user/%u", (unsigned)uid);
    if (environment && *environment == '/') {
        manager = is_socket(environment, "systemd/private");
        bus |= is_socket(environment, "bus");
    }
    manager |= is_socket(standard, "systemd/private");
    bus |= is_socket(standard, "bus");
    return manager && bus;
}

/* The cgroup of the user's manager: above the caller's own inside the user session, in its usual place for
 * logins (whose session scopes lie beside it). */
static unsigned user_manager_controllers(const struct cgroup_host *h, uid_t uid)
{
    char unit[64], path[sizeof(h->own)];
    const char *at;

    (void)str_format(unit, sizeof(unit), "/user@%u.service", (unsigned)uid);
    at = strstr(h->own, unit);
    if (at)
        (void)str_format(path, sizeof(path), "%.*s", (int)(at - h->own + (ptrdiff_t)strlen(unit)), h->own);
    else
        (void)str_format(path, sizeof(path), "/user.slice/user-%u.slice%s", (unsigned)uid, unit);
    return read_controllers(h, path);
}

static void find_systemd(struct cgroup_host *h)
{
    uid_t uid = cgroup_outer_uid();
    struct stat st;

    /* sd_booted(3) */
    if (lstat("/run/systemd/system", &st) < 0 || !S_ISDIR(st.st_mode))
        return;
    if (h->privileged) {
        h->system_bus = is_socket("/run/dbus", "system_bus_socket") || is_socket("/run/systemd", "private");
        h->bus_controllers = read_controllers(h, "/");
    } else {
        h->user_bus = have_user_bus(uid);
        h->bus_controllers = h->user_bus ? user_manager_controllers(h, uid) : 0;
    }
    h->bus_controllers &= CGROUP_SYSTEMD_CONTROLLERS;
}

int cgroup_probe(struct cgroup_host *ret, struct err *e)
{
    struct cgroup_host h = { .uid = geteuid() };
    int r;

    h.privileged = h.uid == 0 && in_initial_userns();
    h.unified = is_cgroup2("/sys/fs/cgroup");
    h.hybrid = !h.unified && is_cgroup2("/sys/fs/cgroup/unified");
    if (h.unified || h.hybrid) {
        h.unified = true;
        (void)str_format(h.mount, sizeof(h.mount), "/sys/fs/cgroup%s", h.hybrid ? "/unified" : "");
        r = cgroup_of_process("self", h.own, sizeof(h.own));
        if (r == -ENAMETOOLONG)
            return err_sys(e, r, "/proc/self/cgroup");
        /* "/../x": outside of what this cgroup namespace shows. */
        if (r < 0 || str_has_prefix(h.own, "/.."))
            h.own[0] = '\0';
    }
    if (h.own[0]) {
        h.controllers = read_controllers(&h, h.own);
        find_delegated(&h);
    }
    if (h.unified && !h.hybrid)
        find_systemd(&h);
    *ret = h;
    return 0;
}
