// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-registry: an OCI Distribution 1.1 server over image layout directories, for CI, tests and machines
 * without the Internet. Runs as any user, in the foreground, until SIGTERM or SIGINT.
 *
 * Order: options, descriptors, what has to be read (htpasswd, certificate), the store, privileges away,
 * serve, READY. After the start it opens nothing outside its store.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "listen.h"
#include "options.h"
#include "repository.h"
#include "server.h"
#include "sessions.h"
#include "tls.h"

#define EXIT_USAGE 2
#define PEM_MAX    (1U << 20)

struct pem {
    struct buf cert, key;
};

/* Nothing of the caller's stays open, but the descriptor that was meant for us. */
static void keep_descriptors(const struct options *o)
{
    if (o->ready_fd > STDERR_FILENO)
        (void)fd_cloexec(o->ready_fd, true);
    fd_keep_only(0, &o->ready_fd, 1);
}

/* Credentials and keys are in this memory: no traces, no dumps, and never more privileges than now. */
static int drop_privileges(struct err *e)
{
    const struct rlimit none = { 0 };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0)
        return err_sys(e, errno, "drop privileges");
    return 0;
}

static bool sweep(const char *name, const struct layout *l, void *argument)
{
    (void)name, (void)argument;
    layout_sweep(l);
    return false;
}

static int open_store(const struct options *o, struct server *s, struct err *e)
{
    const char *path = o->store ? o->store : o->mirror;
    struct stat st;

    if (o->store && !o->read_only && mkdir(path, 0755) < 0 && errno != EEXIST)
        return err_sys(e, errno, "--store %s", path);
    s->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root < 0)
        return err_sys(e, errno, "--%s %s", o->store ? "store" : "mirror", path);
    if (fstatat(s->root, "oci-layout", &st, 0) == 0) {
        err_set(e, EINVAL, "%s is an image layout itself, not a directory of repositories", path);
        return err_remedy(e, "name its parent directory; the layout's own name is then the repository's");
    }
    s->read_only = o->read_only || o->mirror;
    if (!s->read_only)
        (void)repository_each(s->root, sweep, NULL);
    return 0;
}

static int open_access_log(const struct options *o, struct server *s, struct err *e)
{
    if (!o->access_log)
        return 0;
    s->access_log = open(o->access_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
    return s->access_log < 0 ? err_sys(e, errno, "--access-log %s", o->access_log) : 0;
}

static int read_pem(const char *path, struct buf *ret, struct err *e)
{
    int r = fd_read_file(AT_FDCWD, path, PEM_MAX, ret);

    return r < 0 ? err_sys(e, r, "%s", path) : 0;
}

/* The address without its port, "" when it is none to put into a certificate. */
static void host_part(const char *address, char *host, size_t size)
{
    const char *colon = strrchr(address, ':');
    bool bracket = address[0] == '[';

    (void)str_format(host, size, "%.*s", (int)(colon - address) - 2 * bracket, address + bracket);
    if (str_eq(host, "0.0.0.0") || str_eq(host, "::"))
        host[0] = '\0';
}

/* Replace the file at @path (the caller's own) with @text. */
static int write_file(const char *path, const char *text, size_t n, struct err *e)
{
    const char *leaf;
    _cleanup_close_ int dir = path_open_parent(path, &leaf);
    int r = dir < 0 ? dir : fd_replace_file(dir, leaf, 0644, text, n, false);

    return r < 0 ? err_sys(e, r, "%s", path) : 0;
}

static int open_tls(const struct options *o, struct server *s, struct pem *pem, struct err *e)
{
    char host[64];
    int r;

    s->tls = o->tls_cert || o->tls_self_signed;
    if (o->tls_cert) {
        r = read_pem(o->tls_cert, &pem->cert, e);
        return r < 0 ? r : read_pem(o->tls_key, &pem->key, e);
    }
    if (!o->tls_self_signed)
        return 0;
    host_part(s->address, host, sizeof(host));
    r = tls_make_certificate(host, &pem->cert, &pem->key, e);
    return r < 0 ? r : write_file(o->tls_self_signed, pem->cert.data, pem->cert.len, e);
}

static int open_auth(const struct options *o, struct server *s, struct err *e)
{
    if (!o->htpasswd)
        return 0;
    s->auth_mode = o->token ? AUTH_TOKEN : AUTH_BASIC;
    return auth_open(o, &s->auth, e);
}

static int tell_ready(const struct options *o, const struct server *s, struct err *e)
{
    _cleanup_free_ char *line = str_printf("%s\n", s->address);
    const char *port = strrchr(line, ':') + 1;
    int r = o->port_file ? write_file(o->port_file, port, strlen(port), e) : 0;

    if (r >= 0 && o->ready_fd >= 0) {
        /* A reader that has gone away doesn't need the answer. */
        (void)fd_write_all(o->ready_fd, line, strlen(line));
        if (o->ready_fd > STDERR_FILENO)
            fd_close(o->ready_fd);
    }
    return r;
}

/* Everything between the command line and the first request. Returns the daemon, or NULL with @e. */
static struct MHD_Daemon *start(const struct options *o, struct server *s, struct err *e)
{
    _cleanup_close_ int fd = -1;
    struct MHD_Daemon *d = NULL;
    struct pem pem = { 0 };
    int r = open_store(o, s, e);

    if (r >= 0)
        r = open_access_log(o, s, e);
    if (r >= 0)
        r = open_auth(o, s, e);
    if (r >= 0) {
        fd = listen_at(o->listen, s->address, sizeof(s->address), e);
        r = fd < 0 ? fd : open_tls(o, s, &pem, e);
    }
    if (r >= 0)
        r = drop_privileges(e);
    if (r >= 0) {
        s->sessions = sessions_new(o->max_uploads);
        d = http_start(s, TAKE_FD(fd), pem.cert.data, pem.key.data, e);
    }
    if (pem.key.data)
        explicit_bzero(pem.key.data, pem.key.len);
    buf_free(&pem.cert);
    buf_free(&pem.key);
    return d;
}

static int serve(const struct options *o, struct err *e)
{
    struct server s = { .options = o, .root = -1, .access_log = -1 };
    struct MHD_Daemon *d;
    sigset_t set;
    int signal, r;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    /* Before there are threads, which inherit it. */
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    d = start(o, &s, e);
    r = d ? tell_ready(o, &s, e) : err_code(e);
    if (r >= 0) {
        log_message(LOG_INFO, "serving %s at http%s://%s/", o->store ? o->store : o->mirror, s.tls ? "s" : "",
                    s.address);
        (void)sigwait(&set, &signal);
    }
    if (d)
        http_stop(d);
    sessions_free(s.sessions);
    auth_close(s.auth);
    fd_close(s.access_log);
    fd_close(s.root);
    return r;
}

int main(int argc, char **argv)
{
    struct options o;
    struct err e = { 0 };
    int r;

    if (fd_ensure_stdio() < 0)
        return EXIT_FAILURE;
    (void)log_open("lichen-registry", NULL, LOG_TEXT, LOG_INFO, NULL);
    r = options_parse(argc, argv, &o, &e);
    if (r < 0) {
        log_error(&e);
        options_free(&o);
        return EXIT_USAGE;
    }
    if (o.help || o.version) {
        if (o.help)
            options_help();
        else
            printf("lichen-registry %s (libmicrohttpd %s)\n", PACKAGE_VERSION, MHD_get_version());
        return EXIT_SUCCESS;
    }
    proc_set_name("lichen-registry");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(022);
    keep_descriptors(&o);
    r = serve(&o, &e);
    options_free(&o);
    if (r < 0)
        log_error(&e);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
