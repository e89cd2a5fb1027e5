// SPDX-License-Identifier: Apache-2.0
/* --pid-file. Runs in the parent. */
#include "create/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

int pid_file_write(const char *path, pid_t pid, struct err *e)
{
    char dir[PATH_MAX], text[16];
    _cleanup_close_ int fd = -1;
    const char *leaf;
    int r;

    if (!path)
        return 0;
    r = path_split(path, dir, &leaf);
    if (r < 0)
        return err_sys(e, r, "--pid-file %s", path);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "--pid-file %s", path);
    (void)str_format(text, sizeof(text), "%d", (int)pid);
    r = fd_replace_file(fd, leaf, 0644, text, strlen(text), false);
    return r < 0 ? err_sys(e, r, "--pid-file %s", path) : 0;
}
