// SPDX-License-Identifier: Apache-2.0
/* The last steps before the user's program. Runs in init and in exec's process, inside all the container's
 * namespaces. */
#include "create/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "create/sync.h"
#include "security/caps.h"
#include "security/limits.h"
#include "security/mempolicy.h"

#define PASSWD_MAX (1U << 20)

static const char *env_value(const struct spec_process *p, const char *name)
{
    size_t n = strlen(name);

    /* Later entries win, as in a shell's environment. */
    for (size_t i = p->env.n; i > 0; i--) {
        const char *entry = p->env.v[i - 1];

        if (strncmp(entry, name, n) == 0 && entry[n] == '=')
            return entry + n + 1;
    }
    return NULL;
}

/* An executable regular file the effective user may run? 0, or the errno that says why not. */
static int check_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static int search(struct process_setup *s, const char *name, struct err *e)
{
    const char *path = env_value(s->process, "PATH");
    int denied = 0, r;

    if (strchr(name, '/')) {
        /* A relative one is relative to process.cwd, which is not ours yet: exec decides. */
        r = *name == '/' ? check_program(name) : 0;
        if (r)
            return err_set(e, r, "exec: \"%s\": %s", name,
                           r == ENOENT ? "stat: no such file or directory"
                           /* podman makes its exit status 126 of these words. */
                           : r == EISDIR ? "is a directory: permission denied"
                                         : strerror(r));
        return str_format(s->program, sizeof(s->program), "%s", name) < 0
                   ? err_set(e, ENAMETOOLONG, "process.args[0] %s", name)
                   : 0;
    }
    if (!path)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    while (*path) {
        size_t n = strcspn(path, ":");

        if (str_format(s->program, sizeof(s->program), "%.*s/%s", (int)n, path, name) == 0 && n > 0) {
            r = check_program(s->program);
            if (r == 0)
                return 0;
            if (r == EACCES)
                denied = r;
        }
        path += n;
        path += *path == ':';
    }
    if (denied)
        return err_set(e, EACCES, "exec: \"%s\": permission denied", name);
    return err_set(e, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

int process_find_program(struct process_setup *s, struct err *e)
{
    const struct spec_user *user = &s->process->user;
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    bool switched = user->uid != uid || user->gid != gid;
    int r;

    if (s->process->args.n == 0)
        return err_set(e, EINVAL, "process.args is empty: nothing to run");
    /* Only the effective ids: the saved ones stay root's, so that the way back is open. */
    if (switched && (setegid(user->gid) < 0 || seteuid(user->uid) < 0))
        return err_sys(e, errno, "process.user %u:%u", user->uid, user->gid);
    r = search(s, s->process->args.v[0], e);
    if (switched && (seteuid(uid) < 0 || setegid(gid) < 0))
        return err_sys(e, errno, "returning from process.user %u:%u", user->uid, user->gid);
    return r;
}

/* A session keyring of its own. At the quota (200 per user, kernel.keys.maxkeys) or where filtered, go on
 * without (PERFORMANCE.md). */
static void join_keyring(const struct process_setup *s)
{
    if (!s->no_new_keyring)
        (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, s->id);
}

int process_apply_limits(const struct process_setup *s, struct err *e)
{
    int r;

    join_keyring(s);
    if (s->personality && s->personality->set && personality(s->personality->domain) < 0)
        return err_sys(e, errno, "linux.personality");
    r = s->memory_policy ? mempolicy_apply(s->memory_policy, e) : 0;
    if (r >= 0)
        r = limits_apply_scheduling(s->process, e);
    return r < 0 ? r : limits_apply_rlimits(s->process, e);
}

void process_own_stdio(const struct spec_process *process)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat st;

        if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
            fchown(fd, process->user.uid, process->user.gid) < 0)
            continue; /* the pipe's owner is not mapped here: it stays as it is */
    }
}

int process_use_terminal(int tty, const struct spec_process *process, struct err *e)
{
    struct winsize size = { .ws_row = process->console_height, .ws_col = process->console_width };

    (void)setsid();
    if (ioctl(tty, TIOCSCTTY, 0) < 0)
        return err_sys(e, errno, "process.terminal: cannot make it the controlling terminal");
    if (size.ws_row && size.ws_col && ioctl(tty, TIOCSWINSZ, &size) < 0)
        return err_sys(e, errno, "process.consoleSize");
    if (fchown(tty, process->user.uid, process->user.gid) < 0 && errno != EPERM && errno != EINVAL)
        return err_sys(e, errno, "process.terminal: owner");
    for (int fd = 0; fd <= 2; fd++) {
        if (dup2(tty, fd) < 0)
            return err_sys(e, errno, "process.terminal: dup2");
    }
    return 0;
}

/* HOME from the container's own /etc/passwd, read as hostile data: in-root, a regular file, bounded
 * (CVE-2024-9676). */
static char *home_of(uint32_t uid)
{
    _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
    _cleanup_buf_ struct buf b = { 0 };
    char *line, *save = NULL;
    struct stat st;

    fd = root >= 0 ? path_open_in_root(root, "etc/passwd", O_RDONLY | O_NONBLOCK, 0) : -1;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fd_read_all(fd, PASSWD_MAX, &b) < 0)
        return NULL;
    for (line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *fields[6], *p = line;
        uint32_t found;
        size_t n = 0;

        while (p && n < ARRAY_SIZE(fields))
            fields[n++] = strsep(&p, ":");
        if (n == ARRAY_SIZE(fields) && str_to_u32(fields[2], &found) == 0 && found == uid &&
            fields[5][0] == '/')
            return str_printf("%s", fields[5]);
    }
    return NULL;
}

#define OWN_ENV 4

/* What replaces the configuration's own values: the sockets that are ours to hand over, for this very
 * process. */
static size_t own_env(const struct process_passed *passed, char *ret[OWN_ENV])
{
    size_t n = 0;

    if (passed->listen_fds) {
        ret[n++] = str_printf("LISTEN_FDS=%u", passed->listen_fds);
        ret[n++] = str_printf("LISTEN_PID=%d", (int)getpid());
        if (passed->listen_names)
            ret[n++] = str_printf("LISTEN_FDNAMES=%s", passed->listen_names);
    }
    if (passed->notify)
        ret[n++] = str_printf("NOTIFY_SOCKET=%s", passed->notify);
    return n;
}

static bool is_replaced(const char *entry, char *const own[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strncmp(entry, own[i], strcspn(own[i], "=") + 1) == 0)
            return true;
    }
    return false;
}

/* The environment for execve: as given, with HOME added where missing, as every runtime does. */
static char **final_env(const struct process_setup *s)
{
    const struct spec_process *p = s->process;
    char **env = mem_zalloc_array(p->env.n + OWN_ENV + 2, sizeof(char *)), *own[OWN_ENV];
    size_t n = 0, n_own = own_env(&s->passed, own);
    _cleanup_free_ char *home = NULL;

    for (size_t i = 0; i < p->env.n; i++) {
        if (!is_replaced(p->env.v[i], own, n_own))
            env[n++] = (char *)p->env.v[i];
    }
    for (size_t i = 0; i < n_own; i++)
        env[n++] = own[i];
    if (!env_value(p, "HOME")) {
        home = home_of(p->user.uid);
        env[n++] = str_printf("HOME=%s", home ? home : "/");
    }
    return env;
}

static int change_user(const struct process_setup *s, struct err *e)
{
    const struct spec_user *user = &s->process->user;

    if (s->keep_groups) {
        /* crun's annotation: files that a group of the caller's may read can be read inside. */
    } else if (!s->setgroups_denied) {
        if (setgroups(user->n_additional_gids, user->additional_gids) < 0)
            return err_sys(e, errno, "process.user.additionalGids");
    } else if (user->n_additional_gids) {
        err_set(e, EPERM,
                "process.user.additionalGids: the user namespace maps one group only, the kernel denies "
                "setgroups there");
        return err_remedy(e, "give the user ranges in /etc/subuid and /etc/subgid");
    }
    if (setresgid(user->gid, user->gid, user->gid) < 0)
        return err_sys(e, errno, "process.user.gid %u", user->gid);
    if (setresuid(user->uid, user->uid, user->uid) < 0)
        return err_sys(e, errno, "process.user.uid %u", user->uid);
    if (user->has_umask)
        (void)umask(user->umask);
    return 0;
}

static int enter_cwd(const struct process_setup *s, struct err *e)
{
    const char *cwd = s->process->cwd && *s->process->cwd ? s->process->cwd : "/";
    char now[PATH_MAX];

    if (chdir(cwd) < 0)
        return err_sys(e, errno, "process.cwd %s: chdir", cwd);
    /* CVE-2024-21626: a directory outside the root shows as "(unreachable)..." from the raw system call. */
    if (syscall(SYS_getcwd, now, sizeof(now)) < 0)
        return err_sys(e, errno, "process.cwd %s", cwd);
    if (now[0] != '/')
        return err_set(e, EPERM, "process.cwd %s: leads outside the container's root", cwd);
    return 0;
}

/* LSM labels take effect at the exec that follows. */
static int set_labels(const struct spec_process *p, struct err *e)
{
    int r;

    /* Where AppArmor is off, the plan lets nothing but "unconfined" through: that is what everything is then.
     */
    if (p->apparmor_profile && *p->apparmor_profile &&
        !(str_eq(p->apparmor_profile, "unconfined") && access("/sys/module/apparmor", F_OK) < 0)) {
        _cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
        _cleanup_free_ char *text = str_printf("exec %s", p->apparmor_profile);

        fd = proc >= 0 ? path_open_procfs(proc, "thread-self/attr/apparmor/exec", O_WRONLY) : -1;
        if (fd < 0 && proc >= 0)
            fd = path_open_procfs(proc, "thread-self/attr/exec", O_WRONLY);
        r = fd < 0 ? fd : fd_write_all(fd, text, strlen(text));
        /* Where AppArmor is off, the plan lets nothing but "unconfined" through: everything is, then. */
        if ((r == -ENOENT || r == -EINVAL) && str_eq(p->apparmor_profile, "unconfined"))
            r = 0;
        if (r < 0)
            return err_sys(e, r, "process.apparmorProfile %s", p->apparmor_profile);
    }
    if (p->selinux_label && *p->selinux_label) {
        _cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

        fd = proc >= 0 ? path_open_procfs(proc, "thread-self/attr/exec", O_WRONLY) : -1;
        r = fd < 0 ? fd : fd_write_all(fd, p->selinux_label, strlen(p->selinux_label));
        if (r < 0)
            return err_sys(e, r, "process.selinuxLabel %s", p->selinux_label);
    }
    return 0;
}

/* A filter that notifies comes with a listener, which goes to the agent by way of whoever waits for our exec.
 * From here on the agent may be asked for anything we do; sendmsg itself cannot be notified
 * (spec/parse_seccomp.c). */
static int install_filter(const struct process_setup *s, int report_fd, struct err *e)
{
    _cleanup_close_ int listener = -1;
    int r = seccomp_install(s->filter, &listener, e);

    return r < 0 || listener < 0 ? r : sync_send(report_fd, SYNC_SECCOMP, 0, listener, e);
}

/* Everything between root of the namespace and the user's program. The order is fixed: see the comments. */
static int become(struct process_setup *s, int report_fd, struct err *e)
{
    const struct spec_process *p = s->process;
    bool filter_late = p->no_new_privileges, entered;
    int r;

    r = set_labels(p, e);
    /* While still root, as runc does: a working directory of root's may hold a user's process. Tried again as
     * the user below. */
    entered = r >= 0 && enter_cwd(s, NULL) == 0;
    /* Without no_new_privs a filter needs CAP_SYS_ADMIN: install it while we have it. It must then allow what
     * follows. */
    if (r >= 0 && !filter_late)
        r = install_filter(s, report_fd, e);
    if (r >= 0)
        r = caps_drop_bounding(&p->capabilities, e);
    if (r >= 0)
        r = change_user(s, e);
    if (r >= 0 && !entered)
        r = enter_cwd(s, e);
    if (r >= 0)
        r = caps_apply(&p->capabilities, e);
    /* Changing credentials may have made us dumpable (fs.suid_dumpable). */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (r >= 0 && p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = err_sys(e, errno, "process.noNewPrivileges");
    if (r >= 0 && filter_late)
        r = install_filter(s, report_fd, e);
    return r;
}

int process_run(struct process_setup *s, int *report_fd, struct err *e)
{
    int first = 3 + (int)s->preserve_fds, r;
    char **env = final_env(s);

    r = become(s, *report_fd, e);
    if (r < 0)
        return r;
    for (int fd = 3; fd < first; fd++)
        (void)fd_cloexec(fd, false);
    /* CVE-2024-21626: nothing of ours is open when the user's program begins. */
    if (*report_fd >= 0 && *report_fd != first) {
        if (dup3(*report_fd, first, O_CLOEXEC) < 0)
            return err_sys(e, errno, "dup3");
        *report_fd = first;
    }
    (void)fd_close_from((unsigned)(*report_fd >= 0 ? first + 1 : first));
    if (s->reached)
        *s->reached = true;
    execve(s->program, (char *const *)s->process->args.v, env);
    r = errno;
    err_set(e, r, "exec: \"%s\": %s", s->process->args.v[0],
            r == ENOENT ? "no such file or directory" : strerror(r));
    if (r == ENOEXEC)
        err_remedy(e, "the file has no #! line or is built for another architecture");
    e->exit_status = r == ENOENT ? 127 : 126;
    return -r;
}
