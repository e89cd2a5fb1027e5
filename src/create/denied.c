// SPDX-License-Identifier: Apache-2.0
/*
 * Which system calls are denied. Runs in the verbs when something has failed and in doctor; the calls are
 * made in a child that is root of its own user namespace, where the kernel itself has no reason to say EPERM.
 * Each is called so that it does nothing: with arguments it refuses, by another errno, once it is let
 * through.
 */
#include "create/denied.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "create/nsrun.h"

struct denied {
    const char *name, *version; /* the Linux it came with; NULL: has always been there */
    long number;
    long arguments[4];
};

/* The newest first. openat2, clone3 and close_range are not here: base does without them. */
static const struct denied calls[] = {
    { "mount_setattr", "5.12", SYS_mount_setattr, { -1, (long)"", -1 } },
    { "pidfd_open", "5.3", SYS_pidfd_open, { -1 } },
    { "open_tree", "5.2", SYS_open_tree, { -1, (long)"", -1 } },
    { "move_mount", "5.2", SYS_move_mount, { -1, (long)"", -1, (long)"" } },
    { "fsopen", "5.2", SYS_fsopen, { 0, -1 } },
    { "fsconfig", "5.2", SYS_fsconfig, { -1, -1 } },
    { "fsmount", "5.2", SYS_fsmount, { -1, -1 } },
    { "fspick", "5.2", SYS_fspick, { -1, (long)"", -1 } },
    { "pidfd_send_signal", "5.1", SYS_pidfd_send_signal, { -1, 0, 0, -1 } },
    { "memfd_create", "3.17", SYS_memfd_create, { 0, -1 } },
    { "setns", NULL, SYS_setns, { -1, -1 } },
    { "mount", NULL, SYS_mount, { 0, 0, 0, 0 } },
    { "umount2", NULL, SYS_umount2, { 0, -1 } },
    { "pivot_root", NULL, SYS_pivot_root, { 0, 0 } },
};

static bool is_denied(const struct denied *c)
{
    const long *a = c->arguments;

    return syscall(c->number, a[0], a[1], a[2], a[3], 0L) < 0 && (errno == ENOSYS || errno == EPERM);
}

/* In the child. The error record carries the names back: -ENOSYS with the list, or 0. */
static int try_all(void *argument, struct err *e)
{
    _cleanup_buf_ struct buf names = { 0 };
    const char *since = NULL;
    int code = 0;

    (void)argument;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (!is_denied(&calls[i]))
            continue;
        code = errno;
        buf_printf(&names, "%s%s", names.len ? ", " : "", calls[i].name);
        since = since ? since : calls[i].version;
    }
    if (!code)
        return 0;
    err_set(e, ENOSYS, "%.300s: denied (%s)", names.data, strerrorname_np(code));
    return err_remedy(
        e,
        "%.200s: this system answers %s; the seccomp profile of a container or sandbox around this one "
        "must allow it%s%s",
        names.data, strerrorname_np(code), since ? ", and it needs Linux " : "", since ? since : "");
}

int denied_probe(struct err *e)
{
    return nsrun(CLONE_NEWNS, NSRUN_ONE_ID, try_all, NULL, e);
}

void denied_explain(struct err *e)
{
    struct err found = { 0 };

    if (e->code != EPERM && e->code != ENOSYS)
        return;
    /* Where not even the namespace can be made there is a remedy already. */
    if (denied_probe(&found) < 0 && found.code == ENOSYS && strstr(found.message, ": denied ("))
        (void)err_remedy(e, "%s", found.remedy);
}
