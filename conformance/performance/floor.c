// SPDX-License-Identifier: Apache-2.0
/*
 * floor: the kernel's work for one container of the bench's bundle, with nothing around it: no configuration,
 * no state, no errors worth the name. What a runtime costs beyond this is its own.
 *
 *     floor start ROOTFS FILTER FIRST COUNT PROGRAM   new namespaces, newuidmap | newgidmap, mounts, masks,
 * pivot, caps, filter, exec floor exec PID FILTER PROGRAM                   setns, caps, filter, exec
 *
 * FILTER is a compiled BPF program. The mounts, masks and limits are those of `lichen-oci spec`. Runs as an
 * unprivileged user.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(call)                                                     \
    do {                                                                \
        if ((long)(call) < 0) {                                         \
            fprintf(stderr, "floor: %s: %s\n", #call, strerror(errno)); \
            _exit(1);                                                   \
        }                                                               \
    } while (0)

static struct sock_filter filter[32768];
static unsigned short filter_length;

static void load_filter(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    CHECK(fd);
    n = read(fd, filter, sizeof(filter));
    CHECK(n);
    filter_length = (unsigned short)((size_t)n / sizeof(filter[0]));
    close(fd);
}

static pid_t clone_process(uint64_t flags)
{
    struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static pid_t start_mapper(const char *program, pid_t pid, const char *own, const char *first,
                          const char *count)
{
    char text[16];
    char *argv[] = { (char *)program, text,          (char *)"0",   (char *)own, (char *)"1",
                     (char *)"1",     (char *)first, (char *)count, NULL };
    pid_t child;

    snprintf(text, sizeof(text), "%d", pid);
    errno = posix_spawnp(&child, program, NULL, NULL, argv, environ);
    CHECK(errno ? -1 : 0);
    return child;
}

static void wait_for(pid_t pid)
{
    int status;

    CHECK(waitpid(pid, &status, 0));
    if (status != 0)
        _exit(1);
}

/* fsopen .. move_mount, with up to four "key", "value" pairs. */
static void mount_new(const char *type, const char *target, unsigned attrs, const char *const *options)
{
    int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), tree;

    CHECK(fs);
    for (; options && *options; options += 2)
        CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[0], options[1], 0));
    CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
    CHECK(tree);
    CHECK(syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));
    close(tree);
    close(fs);
}

static void bind_mount(const char *source, const char *target, int recursive_readonly)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive_readonly ? 0x8000 : 0));

    if (tree < 0 && errno == ENOENT)
        return;
    CHECK(tree);
    if (recursive_readonly) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

        CHECK(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | 0x8000, &attr, sizeof(attr)));
    }
    CHECK(syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));
    close(tree);
}

static void loopback_up(void)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    CHECK(sock);
    CHECK(ioctl(sock, SIOCSIFFLAGS, &request));
    close(sock);
}

static void make_mounts(void)
{
    static const char *const dev[] = { "mode", "755", "size", "65536k", NULL };
    static const char *const pts[] = { "ptmxmode", "0666", "mode", "0620", NULL };
    static const char *const shm[] = { "mode", "1777", "size", "65536k", NULL };

    mount_new("proc", "proc", 0, NULL);
    mount_new("tmpfs", "dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, dev);
    CHECK(mkdir("dev/pts", 0755));
    mount_new("devpts", "dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts);
    CHECK(mkdir("dev/shm", 0755));
    mount_new("tmpfs", "dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, shm);
    CHECK(mkdir("dev/mqueue", 0755));
    mount_new("mqueue", "dev/mqueue", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, NULL);
    mount_new("sysfs", "sys", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY,
              NULL);
    mount_new("cgroup2", "sys/fs/cgroup",
              MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, NULL);
}

static void make_devices(void)
{
    static const char *const names[] = { "null", "zero", "full", "random", "urandom", "tty" };
    static const char *const links[][2] = { { "/proc/self/fd", "dev/fd" },
                                            { "/proc/self/fd/0", "dev/stdin" },
                                            { "/proc/self/fd/1", "dev/stdout" },
                                            { "/proc/self/fd/2", "dev/stderr" },
                                            { "pts/ptmx", "dev/ptmx" } };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char source[32], target[32];
        int fd;

        snprintf(source, sizeof(source), "/dev/%s", names[i]);
        snprintf(target, sizeof(target), "dev/%s", names[i]);
        fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        CHECK(fd);
        close(fd);
        bind_mount(source, target, 0);
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        CHECK(symlink(links[i][0], links[i][1]));
}

static void hide(void)
{
    static const char *const masked_dirs[] = { "proc/acpi", "sys/firmware", "proc/scsi" };
    static const char *const masked_files[] = { "proc/kcore", "proc/keys", "proc/latency_stats",
                                                "proc/timer_list", "proc/sched_debug" };
    static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                            "proc/sysrq-trigger" };
    static const char *const empty[] = { "size", "0", NULL };
    struct stat st;

    for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++)
        bind_mount(readonly[i], readonly[i], 1);
    for (size_t i = 0; i < sizeof(masked_dirs) / sizeof(masked_dirs[0]); i++) {
        if (stat(masked_dirs[i], &st) == 0)
            mount_new("tmpfs", masked_dirs[i], MOUNT_ATTR_RDONLY, empty);
    }
    for (size_t i = 0; i < sizeof(masked_files) / sizeof(masked_files[0]); i++) {
        if (stat(masked_files[i], &st) == 0)
            bind_mount("/dev/null", masked_files[i], 0);
    }
}

static void enter_root(void)
{
    int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct mount_attr slave = { .propagation = 1UL << 19 };

    CHECK(old);
    CHECK(syscall(SYS_pivot_root, ".", "."));
    CHECK(fchdir(old));
    CHECK(syscall(SYS_mount_setattr, AT_FDCWD, ".", 0x8000, &slave, sizeof(slave)));
    CHECK(syscall(SYS_umount2, ".", 2));
    CHECK(chdir("/"));
    close(old);
}

/* runc's default three capabilities, no_new_privs, the filter, exec. */
static void become(const char *program)
{
    const uint64_t keep = (1ULL << CAP_AUDIT_WRITE) | (1ULL << CAP_KILL) | (1ULL << CAP_NET_BIND_SERVICE);
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { { (uint32_t)keep, (uint32_t)keep, 0 },
                                              { (uint32_t)(keep >> 32), (uint32_t)(keep >> 32), 0 } };
    struct sock_fprog bpf = { filter_length, filter };
    char *const argv[] = { (char *)program, NULL }, *const envp[] = { NULL };

    for (int i = 0; i <= CAP_LAST_CAP; i++) {
        if (!(keep & (1ULL << i)))
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    CHECK(syscall(SYS_setgroups, 0, NULL));
    CHECK(syscall(SYS_capset, &header, data));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bpf));
    execve(program, argv, envp);
    _exit(127);
}

static void container(const char *rootfs, const char *program)
{
    struct mount_attr slave = { .propagation = 1UL << 19 };

    CHECK(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0x8000, &slave, sizeof(slave)));
    loopback_up();
    bind_mount(rootfs, rootfs, 0);
    CHECK(chdir(rootfs));
    make_mounts();
    make_devices();
    hide();
    CHECK(sethostname("floor", 5));
    enter_root();
    become(program);
}

static int start(char **argv)
{
    int go[2];
    char own[16], byte = 0;
    pid_t stage, init, uid_mapper, gid_mapper;

    load_filter(argv[1]);
    snprintf(own, sizeof(own), "%u", getuid());
    CHECK(pipe2(go, O_CLOEXEC));
    stage = clone_process(CLONE_NEWUSER);
    CHECK(stage);
    if (stage == 0) {
        CHECK(read(go[0], &byte, 1));
        init = clone_process(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                             CLONE_NEWCGROUP);
        CHECK(init);
        if (init == 0)
            container(argv[0], argv[4]);
        wait_for(init);
        _exit(0);
    }
    uid_mapper = start_mapper("newuidmap", stage, own, argv[2], argv[3]);
    gid_mapper = start_mapper("newgidmap", stage, own, argv[2], argv[3]);
    wait_for(uid_mapper);
    wait_for(gid_mapper);
    CHECK(write(go[1], &byte, 1));
    wait_for(stage);
    return 0;
}

static int exec_into(char **argv)
{
    int pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[0]), 0);
    pid_t child;

    load_filter(argv[1]);
    CHECK(pidfd);
    CHECK(setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                           CLONE_NEWUTS | CLONE_NEWCGROUP));
    child = vfork();
    CHECK(child);
    if (child == 0) {
        close(pidfd);
        become(argv[2]);
    }
    wait_for(child);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "start") == 0)
        return start(argv + 2);
    if (argc == 5 && strcmp(argv[1], "exec") == 0)
        return exec_into(argv + 2);
    fprintf(stderr,
            "usage: floor start ROOTFS FILTER FIRST_SUBID COUNT PROGRAM | floor exec PID FILTER PROGRAM\n");
    return 2;
}
