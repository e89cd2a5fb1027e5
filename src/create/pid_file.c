// SPDX-License-Identifier: Apache-2.0
/* --pid-file. Runs in the parent. */
#include "create/pid_file.h"

#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

int pid_file_write(const char *path, pid_t pid, struct err *e)
{
    _cleanup_close_ int fd = -1;
    const char *leaf;
    char text[16];
    int r;

    if (!path)
        return 0;
    fd = path_open_parent(path, &leaf);
    if (fd < 0)
        return err_sys(e, fd, "--pid-file %s", path);
    (void)str_format(text, sizeof(text), "%d", (int)pid);
    r = fd_replace_file(fd, leaf, 0644, text, strlen(text), false);
    return r < 0 ? err_sys(e, r, "--pid-file %s", path) : 0;
}
