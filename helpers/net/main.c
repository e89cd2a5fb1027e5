// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-net: the user-mode network of one container. Started by lichen-oci (net_helper_start) or by hand;
 * runs in the host's network namespace as the plain user, holds the container's tap device, and exits with
 * the container's process: an open tap descriptor would keep the network namespace alive.
 *
 * Order: options, descriptors, libslirp, published ports, sandbox, READY, serve.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libslirp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/option.h"
#include "base/proc.h"
#include "base/str.h"
#include "net/net.h"
#include "net/status.h"
#include "sandbox.h"
#include "stack.h"

#define EXIT_USAGE 2

struct options {
    int tap, container, ready;
    bool help, version;
    struct net_config net;
};

/* Each returns 0 or -errno. @value is NULL for an option without one. */
typedef int (*option_setter)(struct options *o, const char *name, const char *value, struct err *e);

static int set_fd(int *ret, const char *name, const char *value, struct err *e)
{
    uint64_t fd;

    if (str_to_u64(value, 0, INT_MAX, &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
        return err_set(e, EINVAL, "--%s: \"%s\" is not an open descriptor", name, value);
    *ret = (int)fd;
    return 0;
}

static int set_tap(struct options *o, const char *name, const char *value, struct err *e)
{
    return set_fd(&o->tap, name, value, e);
}

static int set_container(struct options *o, const char *name, const char *value, struct err *e)
{
    return set_fd(&o->container, name, value, e);
}

static int set_ready(struct options *o, const char *name, const char *value, struct err *e)
{
    return set_fd(&o->ready, name, value, e);
}

static int set_net(struct options *o, const char *name, const char *value, struct err *e)
{
    int r = net_parse_mode(value, &o->net, e);

    if (r >= 0 && o->net.mode != NET_SLIRP)
        r = err_set(e, EINVAL, "--%s: \"%s\" is not a slirp network", name, value);
    return r;
}

static int add_port(struct options *o, const char *name, const char *value, struct err *e)
{
    (void)name;
    return net_parse_publish(value, &o->net, e);
}

static int set_help(struct options *o, const char *name, const char *value, struct err *e)
{
    (void)name, (void)value, (void)e;
    o->help = true;
    return 0;
}

static int set_version(struct options *o, const char *name, const char *value, struct err *e)
{
    (void)name, (void)value, (void)e;
    o->version = true;
    return 0;
}

/* clang-format off */
static const struct option_row {
    const char *name;
    const char *value; /* its name in the help; NULL: takes none */
    const char *help;
    option_setter set;
} option_rows[] = {
    { "tap-fd", "N", "descriptor of the container's tap device", set_tap },
    { "pidfd", "N", "pidfd of the container's process; lichen-net exits with it", set_container },
    { "ready-fd", "N", "descriptor that receives the status record (src/net/status.h)", set_ready },
    { "net", "slirp[:OPTION=VALUE,...]", "the virtual network, as for lichen-oci run --net", set_net },
    { "publish", "[IP:]HOST:CONTAINER[/PROTOCOL]", "publish a port; may be repeated", add_port },
    { "help", NULL, "show this help", set_help },
    { "version", NULL, "show the version", set_version },
};
/* clang-format on */

static int parse_option(int argc, char **argv, int *i, struct options *o, struct err *e)
{
    for (size_t k = 0; k < ARRAY_SIZE(option_rows); k++) {
        const struct option_row *row = &option_rows[k];
        const char *value;
        int r = option_match(argc, argv, i, row->name, row->value, &value, e);

        if (r != 0)
            return r < 0 ? r : row->set(o, row->name, value, e);
    }
    err_set(e, EINVAL, "unknown argument \"%s\"", argv[*i]);
    return err_remedy(e, "see lichen-net --help");
}

static int parse_options(int argc, char **argv, struct options *o, struct err *e)
{
    for (int i = 1; i < argc; i++) {
        int r = parse_option(argc, argv, &i, o, e);

        if (r < 0)
            return r;
    }
    if (!o->help && !o->version && (o->tap < 0 || o->container < 0)) {
        err_set(e, EINVAL, "--tap-fd and --pidfd are needed");
        return err_remedy(e, "lichen-net is started by lichen-oci; see lichen-net --help");
    }
    return 0;
}

static void print_help(void)
{
    printf("Usage: lichen-net --tap-fd N --pidfd N [OPTION...]\n\n"
           "User-mode network of one container, on libslirp. Started by lichen-oci.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        _cleanup_free_ char *left =
            str_printf("--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");

        printf("  %-42s %s\n", left, row->help);
    }
}

/*
 * Put the descriptors we were given onto 3, 4, 5 and close everything else, so that no pipe of the caller's
 * stays open as long as the container lives (podman#3695).
 */
static int take_descriptors(struct options *o, struct err *e)
{
    int *given[] = { &o->tap, &o->container, &o->ready };
    int moved[ARRAY_SIZE(given)];

    for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
        moved[i] = *given[i] < 0 ? -1 : fcntl(*given[i], F_DUPFD_CLOEXEC, NET_HELPER_FDS_END);
        if (*given[i] >= 0 && moved[i] < 0)
            return err_sys(e, errno, "descriptor %d", *given[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
        int target = NET_HELPER_TAP_FD + (int)i;

        fd_close(target);
        if (moved[i] < 0)
            continue;
        if (dup3(moved[i], target, O_CLOEXEC) < 0)
            return err_sys(e, errno, "descriptor %d", *given[i]);
        *given[i] = target;
    }
    (void)fd_close_from(NET_HELPER_FDS_END);
    return 0;
}

static void tell(int *ready, const char *warning, const struct err *e)
{
    struct net_status status = { .magic = NET_STATUS_MAGIC, .size = sizeof(status) };

    if (*ready < 0)
        return;
    if (e)
        status.error = *e;
    else
        (void)str_format(status.warning, sizeof(status.warning), "%s", warning);
    /* A reader that has gone away doesn't need the answer; SIGPIPE is ignored. */
    (void)fd_write_all(*ready, &status, sizeof(status));
    *ready = fd_close(*ready);
}

static int serve(struct options *o, struct stack *s, struct err *e)
{
    char warning[NET_WARNING_MAX];
    int r;

    r = stack_open(s, &o->net, o->tap, o->container, e);
    if (r >= 0)
        r = stack_publish(s, &o->net, e);
    if (r >= 0)
        r = sandbox_enter(&s->keeper, warning, e);
    if (r < 0) {
        tell(&o->ready, NULL, e);
        return r;
    }
    if (warning[0])
        log_message(LOG_WARNING, "%s", warning);
    tell(&o->ready, warning, NULL);
    return stack_run(s, e);
}

int main(int argc, char **argv)
{
    static struct stack stack;
    struct options o = { .tap = -1, .container = -1, .ready = -1 };
    struct err e = { 0 };
    int r;

    if (fd_ensure_stdio() < 0)
        return EXIT_FAILURE;
    net_config_init(&o.net);
    o.net.mode = NET_SLIRP;
    (void)log_open("lichen-net", NULL, LOG_TEXT, LOG_INFO, NULL);
    r = parse_options(argc, argv, &o, &e);
    if (r < 0) {
        log_error(&e);
        return EXIT_USAGE;
    }
    if (o.help || o.version) {
        if (o.help)
            print_help();
        else
            printf("lichen-net %s (libslirp %s)\n", PACKAGE_VERSION, slirp_version_string());
        return EXIT_SUCCESS;
    }
    proc_set_name("lichen-net");
    (void)signal(SIGPIPE, SIG_IGN);
    r = take_descriptors(&o, &e);
    /* Don't keep the caller's working directory busy. */
    if (r >= 0 && chdir("/") < 0)
        r = err_sys(&e, errno, "change to /");
    if (r >= 0)
        r = serve(&o, &stack, &e);
    if (r < 0) {
        log_error(&e);
        _exit(EXIT_FAILURE);
    }
    /* No atexit handlers: the sandbox has no room for what they may do (a leak checker starts a thread). */
    _exit(EXIT_SUCCESS);
}
