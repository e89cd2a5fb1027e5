// SPDX-License-Identifier: Apache-2.0
/*
 * net_driver [--net X] [--publish P]... [--time] [--log] -- COMMAND...: run COMMAND as root of new user,
 * network and mount namespaces whose tap0 a lichen-net serves, the way lichen-oci does it. With --time, print
 * the microseconds of net_setup_tap, net_helper_start and net_helper_await to stderr. Exits with COMMAND's
 * status.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "net/net.h"

#define READY_TIMEOUT_MS 20000
#define HELPER_END_MS    5000

static bool timing;

static void fail(const char *what, const struct err *e)
{
    fprintf(stderr, "net_driver: %s: %s\n%s%s", what, e->message, e->remedy, *e->remedy ? "\n" : "");
    exit(125);
}

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void report(const char *what, double since)
{
    if (timing)
        fprintf(stderr, "%s %.0f us\n", what, now_us() - since);
}

/* The container's init: waits for the maps, sets the network up, hands the tap over, waits for READY, runs.
 */
static void init(const struct net_config *c, int sock, char **argv)
{
    struct err e = { 0 };
    int tap = -1, proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char byte;
    double t;

    if (fd_recv(sock, &byte, 1, NULL, 0, NULL) != 1)
        _exit(125);
    t = now_us();
    if (c->mode == NET_SLIRP) {
        if (net_setup_tap(c, proc, &tap, &e) < 0)
            fail("net_setup_tap", &e);
        report("net_setup_tap", t);
        t = now_us();
        if (net_allow_ping(proc, &e) < 0)
            fail("net_allow_ping", &e);
        report("net_allow_ping", t);
        if (fd_send(sock, "t", 1, &tap, 1) < 0)
            _exit(125);
        fd_close(tap);
    } else if (net_setup_loopback(&e) < 0) {
        fail("net_setup_loopback", &e);
    }
    if (c->mode == NET_SLIRP && fd_recv(sock, &byte, 1, NULL, 0, NULL) != 1)
        _exit(125);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

static void write_maps(pid_t pid)
{
    char path[64], text[64];

    snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
    (void)fd_write_control(AT_FDCWD, path, "deny");
    snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
    snprintf(text, sizeof(text), "0 %u 1\n", getuid());
    if (fd_write_control(AT_FDCWD, path, text) < 0)
        perror(path);
    snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
    snprintf(text, sizeof(text), "0 %u 1\n", getgid());
    if (fd_write_control(AT_FDCWD, path, text) < 0)
        perror(path);
}

static void start_network(const struct net_config *c, int sock, int pidfd, bool log,
                          struct net_helper *helper)
{
    struct err e = { 0 };
    char byte, warning[NET_WARNING_MAX];
    int tap = -1;
    size_t n = 0;
    double t;

    if (fd_recv(sock, &byte, 1, &tap, 1, &n) != 1 || n != 1)
        exit(125);
    t = now_us();
    if (net_helper_start(c, tap, pidfd, log ? 2 : -1, helper, &e) < 0)
        fail("net_helper_start", &e);
    fd_close(tap);
    report("net_helper_start", t);
    if (net_helper_await(helper, READY_TIMEOUT_MS, warning, &e) < 0)
        fail("net_helper_await", &e);
    report("net_helper_await", t);
    if (warning[0])
        fprintf(stderr, "warning: %s\n", warning);
    (void)fd_send(sock, "r", 1, NULL, 0);
}

static char **options(int argc, char **argv, struct net_config *c, bool *log)
{
    struct err e = { 0 };
    int i = 1, r = 0;

    for (; i < argc && strcmp(argv[i], "--") != 0 && r >= 0; i++) {
        if (str_eq(argv[i], "--time"))
            timing = true;
        else if (str_eq(argv[i], "--log"))
            *log = true;
        else if (str_eq(argv[i], "--net") && i + 1 < argc)
            r = net_parse_mode(argv[++i], c, &e);
        else if (str_eq(argv[i], "--publish") && i + 1 < argc)
            r = net_parse_publish(argv[++i], c, &e);
        else
            r = err_set(&e, EINVAL, "unknown argument %s", argv[i]);
    }
    if (r < 0)
        fail("arguments", &e);
    if (i + 1 >= argc)
        exit(2);
    return argv + i + 1;
}

static bool wait_helper(pid_t pid)
{
    int helper = proc_pidfd(pid), status;

    if (helper >= 0 && proc_wait_dead(helper, HELPER_END_MS) != 1) {
        fprintf(stderr, "net_driver: lichen-net outlives the container\n");
        return false;
    }
    fd_close(helper);
    return proc_wait(pid, &status) == 0 && status == 0;
}

int main(int argc, char **argv)
{
    struct net_config c;
    struct net_helper helper = { .pid = 0, .status_fd = -1 };
    int sockets[2], pidfd = -1, status;
    bool log = false;
    char **command;
    pid_t pid;

    net_config_init(&c);
    c.mode = NET_SLIRP;
    command = options(argc, argv, &c, &log);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return 125;
    pid = proc_clone(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, -1, &pidfd);
    if (pid < 0) {
        fprintf(stderr, "net_driver: clone: %s\n", strerror((int)-pid));
        return 125;
    }
    if (pid == 0) {
        fd_close(sockets[0]);
        init(&c, sockets[1], command);
    }
    fd_close(sockets[1]);
    write_maps(pid);
    (void)fd_send(sockets[0], "m", 1, NULL, 0);
    if (c.mode == NET_SLIRP)
        start_network(&c, sockets[0], pidfd, log, &helper);
    if (proc_wait(pid, &status) < 0)
        return 125;
    /* lichen-net watches the pidfd: it must go by itself. */
    if (helper.pid > 0 && !wait_helper(helper.pid))
        return 124;
    net_config_free(&c);
    return proc_exit_code(status);
}
