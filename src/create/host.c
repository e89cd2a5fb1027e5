// SPDX-License-Identifier: Apache-2.0
/* Probing the host. Runs in the parent, as the caller. */
#include "create/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "security/caps.h"
#include "userns/subid.h"

#define INITIAL_MAP "4294967295"

static bool in_initial_userns(void)
{
    _cleanup_buf_ struct buf b = { 0 };
    unsigned long container, host;
    char size[16] = "";

    if (fd_read_file(AT_FDCWD, "/proc/self/uid_map", 65536, &b) < 0)
        return true;
    return sscanf(b.data, "%lu %lu %15s", &container, &host, size) == 3 && container == 0 && host == 0 &&
           str_eq(size, INITIAL_MAP);
}

static bool has_capability(unsigned number)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { 0 } };

    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    return data[number / 32].effective & (1U << (number % 32));
}

static bool enabled(const char *path)
{
    _cleanup_buf_ struct buf b = { 0 };

    return fd_read_file(AT_FDCWD, path, 64, &b) == 0 && b.data[0] == 'Y';
}

int host_probe(struct host *ret, struct err *e)
{
    bool root;

    memset(ret, 0, sizeof(*ret));
    ret->uid = geteuid();
    ret->gid = getegid();
    ret->initial_userns = in_initial_userns();
    root = ret->uid == 0 && has_capability(CAP_SYS_ADMIN);
    ret->privileged = root && ret->initial_userns;
    ret->namespace_root = root && !ret->initial_userns;
    /* Only what makes no user namespace of its own asks. */
    ret->bounding = root ? caps_bounding() : UINT64_MAX;
    ret->apparmor = enabled("/sys/module/apparmor/parameters/enabled");
    ret->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
    return cgroup_probe(&ret->cgroup, e);
}

int host_load_ranges(struct host *host, struct err *e)
{
    int r;

    if (host->ranges_loaded)
        return 0;
    r = subid_load(host->uid, false, &host->subuids, e);
    if (r >= 0)
        r = subid_load(host->uid, true, &host->subgids, e);
    host->ranges_loaded = r >= 0;
    return r;
}
