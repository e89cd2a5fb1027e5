// SPDX-License-Identifier: Apache-2.0
/* Terminals. terminal_make runs in the container; the rest in the parent. */
#include "create/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "create/socket.h"

#define DEVPTS_PTMX_INODE 2

int terminal_make(int root, int *ret_master, int *ret_peer, struct err *e)
{
    _cleanup_close_ int master = -1, peer = -1;
    struct statfs fs;
    struct stat st;
    int unlock = 0;

    master = path_openat2(root, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                          RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (master < 0) {
        err_sys(e, master, "process.terminal: /dev/pts/ptmx in the container");
        return err_remedy(e, "add a devpts mount on /dev/pts with newinstance and ptmxmode=0666 to mounts");
    }
    if (fstatfs(master, &fs) < 0 || fstat(master, &st) < 0)
        return err_sys(e, errno, "process.terminal: /dev/pts/ptmx");
    if (fs.f_type != DEVPTS_SUPER_MAGIC || st.st_ino != DEVPTS_PTMX_INODE || st.st_rdev != makedev(5, 2))
        return err_set(e, EPERM, "process.terminal: /dev/pts/ptmx in the container is not a pty multiplexer");
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return err_sys(e, errno, "process.terminal: unlocking the pty");
    peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer < 0)
        return err_sys(e, errno, "process.terminal: TIOCGPTPEER");
    *ret_master = TAKE_FD(master);
    *ret_peer = TAKE_FD(peer);
    return 0;
}

int terminal_send(const char *path, int master, struct err *e)
{
    return socket_send_fd("--console-socket", path, "/dev/pts/ptmx", master, e);
}

void terminal_copy_size(int master)
{
    struct winsize size;

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        (void)ioctl(master, TIOCSWINSZ, &size);
}

int terminal_relay_begin(struct terminal_relay *t, int master, struct err *e)
{
    struct termios now;

    *t = (struct terminal_relay){ .master = master, .stdin_open = 1 };
    if (tcgetattr(STDIN_FILENO, &now) < 0)
        return 0; /* stdin is a pipe or file: relay without touching it */
    t->saved = mem_dup(&now, sizeof(now));
    cfmakeraw(&now);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &now) < 0)
        return err_sys(e, errno, "cannot switch the terminal to raw mode");
    terminal_relay_resize(t);
    return 0;
}

void terminal_relay_resize(struct terminal_relay *t)
{
    if (t->saved)
        terminal_copy_size(t->master);
}

static int relay(int from, int to)
{
    char chunk[16384];
    ssize_t n = read(from, chunk, sizeof(chunk));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    /* EIO is how a pty says that its other side is closed. */
    if (n <= 0)
        return n < 0 && errno != EIO ? -errno : 0;
    return fd_write_all(to, chunk, (size_t)n) < 0 ? -errno : 1;
}

int terminal_relay_input(struct terminal_relay *t)
{
    int r = relay(STDIN_FILENO, t->master);

    if (r <= 0) {
        t->stdin_open = 0;
        /* The end of a piped stdin is ^D for whoever reads the terminal. */
        if (!t->saved)
            (void)fd_write_all(t->master, "\004", 1);
    }
    return r;
}

int terminal_relay_output(struct terminal_relay *t)
{
    return relay(t->master, STDOUT_FILENO);
}

void terminal_relay_end(struct terminal_relay *t)
{
    struct pollfd p = { .fd = t->master, .events = POLLIN };

    while (t->master >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN) && terminal_relay_output(t) > 0)
        ;
    if (t->saved)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, t->saved);
    free(t->saved);
    t->saved = NULL;
    t->master = fd_close(t->master);
}
