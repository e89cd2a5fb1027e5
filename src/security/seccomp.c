// SPDX-License-Identifier: Apache-2.0
/*
 * The system call filter: prepared in the parent, installed in init and in exec's process as the last step
 * but one before exec. Compiling is in seccomp_compile.c, the cache of compiled programs in seccomp_cache.c.
 */
#include "security/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "security/seccomp_private.h"
#include "spec/names.h"

#define CACHE_NAME ".seccomp"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#    define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4) /* Linux 5.7 */
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#    define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

bool seccomp_uses_notify(const struct spec_seccomp *profile)
{
    for (size_t i = 0; i < profile->n_rules; i++) {
        if (profile->rules[i].action == SECCOMP_RET_USER_NOTIF)
            return true;
    }
    return false;
}

/* The flags seccomp(2) accepts together. */
static unsigned install_flags(const struct spec_seccomp *profile, bool notify)
{
    unsigned flags = profile->flags;

    if (!notify)
        return flags & ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV; /* EINVAL without a listener */
    flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    /* Both flags return something: only with ESRCH is it clear which. */
    if (flags & SECCOMP_FILTER_FLAG_TSYNC)
        flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    return flags;
}

int seccomp_prepare(const struct spec_seccomp *profile, int cache_dirfd, struct seccomp_filter *ret,
                    struct err *e)
{
    _cleanup_buf_ struct buf program = { 0 }, key = { 0 };
    bool cached = false;

    *ret = (struct seccomp_filter){ 0 };
    if (!profile->set)
        return 0;
    if (cache_dirfd >= 0) {
        seccomp_cache_key(profile, &key);
        cached = seccomp_cache_load(cache_dirfd, &key, &program) == 0;
    }
    if (!cached) {
        int r = seccomp_compile(profile, &program, e);

        if (r < 0)
            return r;
        if (cache_dirfd >= 0)
            (void)seccomp_cache_store(cache_dirfd, &key, &program);
    }
    ret->notify = seccomp_uses_notify(profile);
    ret->flags = install_flags(profile, ret->notify);
    ret->size = program.len;
    ret->program = TAKE_PTR(program.data);
    return 0;
}

int seccomp_install(const struct seccomp_filter *f, int *ret_listener, struct err *e)
{
    struct sock_fprog program = { .len = (unsigned short)(f->size / sizeof(struct sock_filter)),
                                  .filter = f->program };
    long r;

    if (!f->program)
        return 0;
    r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program);
    if (r < 0) {
        int code = errno;

        (void)err_sys(e, code, "cannot install the seccomp filter (%u instructions, flags %#x)",
                      (unsigned)program.len, f->flags);
        if (code == EACCES)
            (void)err_remedy(
                e, "set process.noNewPrivileges, or give the process CAP_SYS_ADMIN in its user namespace");
        else if (code == EINVAL)
            (void)err_remedy(e, "the running kernel may be older than a flag or action of linux.seccomp");
        return -code;
    }
    if (f->notify && ret_listener)
        *ret_listener = (int)r;
    return 0;
}

int seccomp_cache_open(int runtime_dirfd)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (mkdirat(runtime_dirfd, CACHE_NAME, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(runtime_dirfd, CACHE_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() || st.st_mode & 077)
        return -EPERM;
    return TAKE_FD(fd);
}

void seccomp_filter_free(struct seccomp_filter *f)
{
    free(f->program);
    *f = (struct seccomp_filter){ 0 };
}
