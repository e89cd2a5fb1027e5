// SPDX-License-Identifier: Apache-2.0
/* Running from a sealed copy where the binary could be written by the container. Runs first thing in main. */
#include "create/self_protect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef MFD_EXEC
#    define MFD_EXEC 0x0010U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Already the copy: a memfd with every seal. */
static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SEALS) == SEALS;
}

/*
 * Could a container of this caller write the file? Its ids are the caller's own and subordinate ones. Owner:
 * may chmod. Group or other bits: may write. Real root's containers may be root on the host.
 */
static bool writable_by_container(const struct stat *st)
{
    return geteuid() == 0 ? access("/proc/self/exe", W_OK) == 0 || errno == ETXTBSY
                          : st->st_uid == geteuid() || (st->st_mode & 022);
}

static int copy_and_seal(int self, off_t size, struct err *e)
{
    _cleanup_close_ int copy = memfd_create("lichen-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

    /* MFD_EXEC is Linux 6.3; before, every memfd may be executed. */
    if (copy < 0 && errno == EINVAL)
        copy = memfd_create("lichen-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0)
        return err_sys(e, errno, "memfd for a protected copy of this program");
    while (size > 0) {
        ssize_t n = sendfile(copy, self, NULL, (size_t)size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(e, n < 0 ? errno : EIO, "copying this program");
        size -= n;
    }
    if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
        return err_sys(e, errno, "sealing the copy of this program");
    return TAKE_FD(copy);
}

int self_protect(char **argv, struct err *e)
{
    _cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), copy = -1;
    char path[PATH_MAX];
    struct stat st;
    ssize_t n;

    if (self < 0 || fstat(self, &st) < 0)
        return err_sys(e, errno, "/proc/self/exe");
    if (is_sealed(self) || !writable_by_container(&st))
        return 0;
    copy = copy_and_seal(self, st.st_size, e);
    if (copy < 0)
        return copy;
    /* Helpers are looked for beside the real binary (net_helper_path): keep its place before /proc/self/exe
     * becomes the memfd. */
    n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n > 0) {
        path[n] = '\0';
        (void)setenv("LICHEN_SELF", path, 1);
    }
    fexecve(copy, argv, environ);
    return err_sys(e, errno, "running the protected copy of this program");
}
