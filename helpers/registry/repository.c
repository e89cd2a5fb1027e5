// SPDX-License-Identifier: Apache-2.0
/* Repositories on disk, by descriptor only. */
#include "repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "image/reference.h"

/* Names of 255 characters have at most this many components. */
#define DEPTH_MAX 128

static bool is_reserved(const char *s, size_t n)
{
    static const char *const names[] = { "blobs", "index.json", "oci-layout" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strlen(names[i]) == n && memcmp(names[i], s, n) == 0)
            return true;
    }
    return false;
}

static int open_component(int dir, const char *component, bool create)
{
    if (create && mkdirat(dir, component, 0755) < 0 && errno != EEXIST)
        return -errno;
    return path_openat2(dir, component, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int repository_open(int root, const char *name, bool create, struct layout *ret, struct err *e)
{
    _cleanup_close_ int dir = -1;
    int r = reference_check_repository(name, e);

    if (r < 0)
        return r;
    for (const char *s = name; *s;) {
        size_t n = strcspn(s, "/");
        char component[REFERENCE_REPOSITORY_MAX + 2];
        int next;

        (void)str_format(component, sizeof(component), "%s%.*s", is_reserved(s, n) ? "_" : "", (int)n, s);
        next = open_component(dir >= 0 ? dir : root, component, create);
        if (next < 0)
            return err_sys(e, next, "repository %s", name);
        fd_close(dir);
        dir = next;
        s += n + (s[n] == '/');
    }
    return layout_open(TAKE_FD(dir), create, ret, e);
}

struct walk {
    repository_visitor *visit;
    void *argument;
};

static bool walk(const struct walk *w, int dir, const char *prefix, unsigned depth);

/* One entry of a directory: a component of a name, or a part of a layout. */
static bool walk_entry(const struct walk *w, int parent, const char *prefix, const char *entry,
                       unsigned depth)
{
    const char *component = entry[0] == '_' ? entry + 1 : entry;
    char name[REFERENCE_REPOSITORY_MAX + 1];
    _cleanup_layout_ struct layout l = { .dir = -1 };
    _cleanup_close_ int dir = -1;

    if (is_reserved(component, strlen(component)) != (entry[0] == '_') ||
        str_format(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", component) < 0 ||
        reference_check_repository(name, NULL) < 0)
        return false;
    dir = open_component(parent, entry, false);
    if (dir < 0)
        return false;
    if (layout_open(fcntl(dir, F_DUPFD_CLOEXEC, 3), false, &l, NULL) >= 0 && w->visit(name, &l, w->argument))
        return true;
    return walk(w, dir, name, depth + 1);
}

static bool walk(const struct walk *w, int dir, const char *prefix, unsigned depth)
{
    int copy = depth < DEPTH_MAX ? openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;
    bool found = false;

    if (!d) {
        fd_close(copy);
        return false;
    }
    while (!found && (entry = readdir(d))) {
        if (entry->d_name[0] != '.')
            found = walk_entry(w, dir, prefix, entry->d_name, depth);
    }
    closedir(d);
    return found;
}

bool repository_each(int root, repository_visitor *visit, void *argument)
{
    const struct walk w = { .visit = visit, .argument = argument };

    return walk(&w, root, "", 0);
}
