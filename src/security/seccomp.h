// SPDX-License-Identifier: Apache-2.0
/*
 * The system call filter. libseccomp needs 10 ms to compile a profile of the usual size, more than everything
 * else a start costs, so the compiled BPF program is cached by the profile's content, the library version and
 * the architecture.
 */
#ifndef LICHEN_SECURITY_SECCOMP_H
#define LICHEN_SECURITY_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "spec/spec.h"

struct seccomp_filter {
    void *program;  /* an array of struct sock_filter, malloc'ed; NULL = no filter */
    size_t size;    /* bytes */
    unsigned flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
    bool notify;    /* the program has a SCMP_ACT_NOTIFY rule: loading it yields a listener descriptor */
};

/*
 * Compile @profile (or take it from the cache directory @cache_dirfd, -1 for none). Runs in the parent,
 * before anything is forked. A cache file is used only when the directory and the file are ours, private, and
 * its key matches byte for byte; it is written by temporary file and rename. Unknown system call names are
 * skipped as the spec allows; an architecture or action libseccomp lacks is an error naming it. Returns 0 or
 * -errno.
 */
int seccomp_prepare(const struct spec_seccomp *profile, int cache_dirfd, struct seccomp_filter *ret,
                    struct err *e);

/* Whether a rule of @profile asks an agent (SCMP_ACT_NOTIFY). Pure. */
bool seccomp_uses_notify(const struct spec_seccomp *profile);

/*
 * Install the filter in the calling thread (seccomp(2) SECCOMP_SET_MODE_FILTER). Needs no_new_privs or
 * CAP_SYS_ADMIN in the user namespace. *ret_listener (may be NULL unless @f->notify) gets the listener.
 * Async-signal-safe. Returns 0, -errno.
 */
int seccomp_install(const struct seccomp_filter *f, int *ret_listener, struct err *e);

/* Open (make) the cache directory below the runtime directory @runtime_dirfd: 0700, ours. Returns a
 * descriptor or -errno. */
int seccomp_cache_open(int runtime_dirfd);

void seccomp_filter_free(struct seccomp_filter *f);

#endif
