// SPDX-License-Identifier: Apache-2.0
/* The probes. They run as the caller; what needs namespaces happens in a child that is gone afterwards. */
#include "create/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/program.h"
#include "base/str.h"
#include "base/user.h"
#include "create/denied.h"
#include "create/host.h"
#include "create/nsrun.h"
#include "net/net.h"
#include "rootfs/mountapi.h"
#include "rootfs/overlay.h"
#include "security/seccomp.h"
#include "state/dir.h"
#include "userns/mapping.h"

#define MINIMUM_MAJOR 5
#define MINIMUM_MINOR 12

static int probe_kernel(char *detail, size_t size, struct err *e)
{
    struct utsname u;
    int major = 0, minor = 0;

    if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2)
        return err_set(e, EINVAL, "cannot read the kernel's version");
    (void)str_format(detail, size, "Linux %.100s", u.release);
    if (major > MINIMUM_MAJOR || (major == MINIMUM_MAJOR && minor >= MINIMUM_MINOR))
        return 0;
    err_set(e, ENOSYS, "Linux %s is older than %d.%d", u.release, MINIMUM_MAJOR, MINIMUM_MINOR);
    return err_remedy(e, "use a newer kernel (Debian 12, Ubuntu 22.04 or later)");
}

/* Ubuntu lets the namespace be made and takes the rights away in it: only use tells (bubblewrap#632). */
static int use_userns(void *argument, struct err *e)
{
    int r;

    (void)argument;
    r = net_setup_loopback(e);
    if (r >= 0)
        r = mnt_mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL);
    if (r < 0)
        err_sys(e, r, "a user namespace can be made, but gives no rights over its network and mounts");
    return r;
}

static int userns_remedy(struct err *e)
{
    struct stat st;

    if (stat("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &st) == 0)
        return err_remedy(e, "install lichen's AppArmor profile (docs/rootless.md), or: sudo sysctl -w "
                             "kernel.apparmor_restrict_unprivileged_userns=0");
    if (stat("/proc/sys/kernel/unprivileged_userns_clone", &st) == 0)
        return err_remedy(e, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
    return err_remedy(e, "sudo sysctl -w user.max_user_namespaces=28633; inside a container its seccomp "
                         "profile may forbid it");
}

static int probe_userns(char *detail, size_t size, struct err *e)
{
    int r = nsrun(CLONE_NEWNET | CLONE_NEWNS, NSRUN_ONE_ID, use_userns, NULL, e);

    if (r < 0)
        return userns_remedy(e);
    return str_format(detail, size, "made and usable");
}

static int probe_syscalls(char *detail, size_t size, struct err *e)
{
    int r = denied_probe(e);

    return r < 0 ? r : str_format(detail, size, "none is denied");
}

static int do_nothing(void *argument, struct err *e)
{
    (void)argument;
    (void)e;
    return 0;
}

static int probe_subids(char *detail, size_t size, struct err *e)
{
    char name[USER_NAME_MAX];
    const char *known = user_name(geteuid(), name, sizeof(name)), *user = known ? known : "USER";
    unsigned long long n = 0;
    struct host host;
    int r;

    r = host_probe(&host, e);
    if (r >= 0)
        r = host_load_ranges(&host, e);
    if (r < 0)
        return r;
    if (host.privileged || host.namespace_root)
        return str_format(detail, size, "not needed: the caller is root");
    for (size_t i = 0; i < host.subuids.n; i++)
        n += host.subuids.v[i].count;
    if (!host.subuids.n || !host.subgids.n) {
        err_set(e, ENOENT, "no subordinate %s for %s: only one id can be mapped",
                host.subuids.n ? "gids" : "uids", user);
        return err_remedy(e, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s", user);
    }
    r = mapping_probe_helper("newuidmap", e);
    if (r >= 0)
        r = mapping_probe_helper("newgidmap", e);
    if (r >= 0)
        r = nsrun(0, NSRUN_ALL_IDS, do_nothing, NULL, e);
    return r < 0 ? r : str_format(detail, size, "%llu ids, mapped by newuidmap and newgidmap", n + 1);
}

/* A directory for a mount to be tried on, with lower, upper, work and merged in it. */
static int make_scratch(char *path, size_t size, struct err *e)
{
    static const char *const names[] = { "lower", "upper", "work", "merged" };
    const char *tmp = getenv("TMPDIR");

    if (str_format(path, size, "%s/lichen-doctor-XXXXXX", tmp && *tmp ? tmp : "/var/tmp") < 0 ||
        !mkdtemp(path))
        return err_sys(e, errno, "temporary directory %s", path);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_free_ char *sub = str_printf("%s/%s", path, names[i]);

        if (mkdir(sub, 0755) < 0)
            return err_sys(e, errno, "%s", sub);
    }
    return 0;
}

static int mount_overlay(void *argument, struct err *e)
{
    _cleanup_free_ char *lower = str_printf("%s/lower", (char *)argument),
                        *upper = str_printf("%s/upper", (char *)argument),
                        *work = str_printf("%s/work", (char *)argument),
                        *merged = str_printf("%s/merged", (char *)argument);
    const struct overlay_spec o = { .lower = lower, .upper = upper, .work = work };
    _cleanup_free_ char *made = str_printf("%s/x", merged);
    int r = overlay_mount_kernel(&o, merged, e);

    if (r < 0)
        return r;
    return mkdir(made, 0700) < 0 || rmdir(made) < 0 ? err_sys(e, errno, "overlay: writing") : 0;
}

static int mount_fuse(void *argument, struct err *e)
{
    _cleanup_free_ char *merged = str_printf("%s/merged", (char *)argument);
    _cleanup_close_ int fd = -1;

    /* Only the mount: without a server nothing may be asked of it. Closing the descriptor ends it. */
    return overlay_mount_fuse(merged, &fd, e);
}

static int try_mount(int (*function)(void *, struct err *), struct err *e)
{
    char path[256];
    int r, r2;

    r = make_scratch(path, sizeof(path), e);
    if (r >= 0)
        r = nsrun(CLONE_NEWNS, NSRUN_ONE_ID, function, path, e);
    r2 = path_remove_tree(AT_FDCWD, path);
    return r < 0 ? r : r2 < 0 ? err_sys(e, r2, "removing %s", path) : 0;
}

static int probe_overlay(char *detail, size_t size, struct err *e)
{
    int r = try_mount(mount_overlay, e);

    if (r < 0)
        return err_remedy(e, "fuse-overlayfs is used instead (slower); the kernel needs overlay with "
                             "userxattr, and a directory whose file system has user.* attributes");
    return str_format(detail, size, "mounted with userxattr");
}

static int probe_fuse(char *detail, size_t size, struct err *e)
{
    struct arena arena = { 0 };
    const char *program = overlay_find_fuse(&arena);
    int r;

    if (program)
        (void)str_format(detail, size, "%.100s, /dev/fuse mounts", program);
    arena_free(&arena);
    if (!program) {
        err_set(e, ENOENT, "fuse-overlayfs is not installed");
        return err_remedy(
            e, "sudo apt-get install fuse-overlayfs (Debian, Ubuntu), dnf install fuse-overlayfs (Fedora)");
    }
    r = try_mount(mount_fuse, e);
    return r;
}

static int make_tap(void *argument, struct err *e)
{
    _cleanup_close_ int tap = -1;
    struct net_config config;
    int r;

    (void)argument;
    net_config_init(&config);
    config.mode = NET_SLIRP;
    r = net_setup_tap(&config, -1, &tap, e);
    net_config_free(&config);
    return r;
}

static int probe_slirp(char *detail, size_t size, struct err *e)
{
    _cleanup_free_ char *helper = NULL;
    int r = program_helper_path("lichen-net", &helper, e);

    if (r < 0)
        return r;
    r = nsrun(CLONE_NEWNET, NSRUN_ONE_ID, make_tap, NULL, e);
    if (r < 0 && !e->remedy[0])
        return err_remedy(
            e, "sudo modprobe tun; sudo chmod 0666 /dev/net/tun; in a container: pass /dev/net/tun in");
    return r < 0 ? r : str_format(detail, size, "tap device made, %.80s", helper);
}

static int mount_proc(void *argument, struct err *e)
{
    _cleanup_close_ int fs = -1, mount = -1;
    int r;

    (void)argument;
    fs = mnt_fsopen("proc");
    r = fs < 0 ? fs : mnt_fsconfig_create(fs);
    if (r >= 0)
        r = mount = mnt_fsmount(fs, 0);
    return r < 0 ? err_sys(e, r, "a fresh /proc cannot be mounted") : 0;
}

static int probe_proc(char *detail, size_t size, struct err *e)
{
    int r = nsrun(CLONE_NEWPID | CLONE_NEWNS, NSRUN_ONE_ID, mount_proc, NULL, e);

    if (r < 0)
        return err_remedy(e, "something covers part of this host's /proc (a container's masked paths): the "
                             "outer container must run with an unmasked /proc; "
                             "without, containers see the host's /proc read-only");
    return str_format(detail, size, "mounted");
}

/* In a child: a filter that lets everything through still needs all the machinery. */
static int probe_seccomp(char *detail, size_t size, struct err *e)
{
    static const uint32_t allow = 0x7fff0000U; /* SCMP_ACT_ALLOW, seccomp(2) SECCOMP_RET_ALLOW */
    struct spec_seccomp profile = { .set = true, .default_action = allow };
    struct seccomp_filter filter = { 0 };
    int status, r;
    pid_t pid;

    r = seccomp_prepare(&profile, -1, &filter, e);
    if (r < 0)
        return r;
    pid = proc_clone(0, -1, NULL);
    if (pid == 0)
        _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(&filter, NULL, NULL) < 0);
    seccomp_filter_free(&filter);
    if (pid < 0 || proc_wait(pid, &status) < 0)
        return err_sys(e, pid < 0 ? pid : errno, "fork");
    if (status != 0)
        return err_remedy((err_set(e, ENOSYS, "the kernel takes no seccomp filter"), e),
                          "the kernel needs CONFIG_SECCOMP_FILTER");
    return str_format(detail, size, "filter installed");
}

static int probe_runtime_dir(char *detail, size_t size, struct err *e)
{
    struct host host;
    _cleanup_free_ char *path = NULL;
    int r = host_probe(&host, e), fd;

    if (r < 0)
        return r;
    path = state_root_path(NULL, host.privileged);
    fd = state_root_open(path, true, e);
    if (fd < 0)
        return fd;
    fd_close(fd);
    (void)str_format(detail, size, "%.120s", path);
    return 0;
}

static int probe_cgroup(char *detail, size_t size, struct err *e)
{
    static const struct {
        unsigned bit;
        const char *name;
    } rows[] = { { CGROUP_CPU, "cpu" },
                 { CGROUP_CPUSET, "cpuset" },
                 { CGROUP_IO, "io" },
                 { CGROUP_MEMORY, "memory" },
                 { CGROUP_PIDS, "pids" } };
    _cleanup_buf_ struct buf text = { 0 };
    struct host host;
    int r = host_probe(&host, e);

    if (r < 0)
        return r;
    if (!host.cgroup.unified) {
        err_set(e, ENOENT,
                "no cgroup v2 hierarchy at /sys/fs/cgroup: limits, pause and statistics are not available");
        return err_remedy(e, "boot with systemd.unified_cgroup_hierarchy=1");
    }
    if (!host.cgroup.user_bus && !host.cgroup.system_bus && !host.cgroup.own_writable && !host.privileged) {
        err_set(e, EACCES,
                "no systemd user session and no delegated cgroup: limits, pause and statistics are not "
                "available");
        return err_remedy(e,
                          "log in with a systemd session (loginctl enable-linger; export "
                          "XDG_RUNTIME_DIR=/run/user/%u), or start under: "
                          "systemd-run --user --scope -p Delegate=yes",
                          (unsigned)geteuid());
    }
    buf_puts(&text, host.cgroup.user_bus     ? "systemd user session;"
                    : host.cgroup.system_bus ? "systemd;"
                                             : "delegated directory;");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (host.cgroup.controllers & rows[i].bit)
            buf_printf(&text, " %s", rows[i].name);
    }
    (void)str_format(detail, size, "%.120s", text.data);
    return 0;
}

static int probe_linger(char *detail, size_t size, struct err *e)
{
    char name[USER_NAME_MAX];
    const char *user = user_name(geteuid(), name, sizeof(name));
    _cleanup_free_ char *path = str_printf("/var/lib/systemd/linger/%s", user ? user : "");
    struct stat st;

    if (geteuid() == 0 || stat("/run/systemd/system", &st) < 0)
        return str_format(detail, size, "not needed here");
    if (stat(path, &st) == 0)
        return str_format(detail, size, "on");
    err_set(e, ENOENT, "lingering is off: systemd kills your containers when you log out");
    return err_remedy(e, "loginctl enable-linger");
}

const struct probe probes[] = {
    { "kernel", "kernel version", true, probe_kernel },
    { "userns", "unprivileged user namespaces", true, probe_userns },
    { "syscalls", "system calls there is no way around", true, probe_syscalls },
    { "runtime-dir", "a private runtime directory", true, probe_runtime_dir },
    { "seccomp", "system call filters", true, probe_seccomp },
    { "subids", "subordinate ids", false, probe_subids },
    { "kernel-overlay", "kernel overlay in a user namespace", false, probe_overlay },
    { "fuse", "fuse-overlayfs", false, probe_fuse },
    { "slirp", "user-mode network", false, probe_slirp },
    { "proc", "a fresh /proc", false, probe_proc },
    { "cgroup-v2", "cgroup v2 delegation", false, probe_cgroup },
    { "linger", "lingering", false, probe_linger },
    { NULL, NULL, false, NULL },
};
