// SPDX-License-Identifier: Apache-2.0
/*
 * attack NAME ARGUMENT...: what a hostile process does, for bats/security-*.bats. Runs in a container (linked
 * statically: there may be no libraries), or outside of it as somebody who may write to a volume. Prints what
 * it tried; "WON ..." for each thing that must not have been possible.
 */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/tiocl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define HIGH_BITS 0x100000000UL

/* The raw call: glibc's wrapper has unsigned long, but a filter that compares 64 bits sees what we put here.
 */
static int raw_ioctl(int fd, unsigned long command, void *argument)
{
    return syscall(SYS_ioctl, (long)fd, command, argument) < 0 ? -errno : 0;
}

/* tty FD: type into the terminal of that descriptor, in each way that the kernel knows. */
static int attack_tty(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned long command;
    } rows[] = {
        { "TIOCSTI", TIOCSTI },
        { "TIOCSTI with high bits", TIOCSTI | HIGH_BITS },
        { "TIOCLINUX", TIOCLINUX },
        { "TIOCLINUX with high bits", TIOCLINUX | HIGH_BITS },
    };
    int fd = argc > 1 ? atoi(argv[1]) : 0, won = 0;

    if (!isatty(fd)) {
        puts("no terminal to attack");
        return 1;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char paste[2] = { TIOCL_PASTESEL, 0 }, letter = '!';
        int linux_console = (rows[i].command & ~HIGH_BITS) == TIOCLINUX;
        int r = raw_ioctl(fd, rows[i].command, linux_console ? paste : &letter);

        printf("%s%s: %s\n", r == 0 ? "WON " : "", rows[i].name, r == 0 ? "typed" : strerror(-r));
        won |= r == 0;
    }
    /* The way to TIOCSTI: make the terminal ours. Only the session leader without one may, and it is taken.
     */
    if (setsid() >= 0 && raw_ioctl(fd, TIOCSCTTY, (void *)1) == 0) {
        puts("WON TIOCSCTTY: stole the terminal");
        won = 1;
    }
    return won ? WON : 0;
}

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* swap A B: exchanges the two names until it is told to stop; says how often. */
static int attack_swap(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };
    unsigned long n = 0;

    if (argc < 3)
        return 2;
    (void)sigaction(SIGTERM, &action, NULL);
    while (!stop) {
        if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0) {
            perror("renameat2");
            return 1;
        }
        n++;
    }
    printf("swapped %lu times\n", n);
    return n == 0;
}

/* keyring NAME: a key of the session that the runtime was called in. */
static int attack_keyring(int argc, char **argv)
{
    enum { SPEC_SESSION = -3, SEARCH = 10 };
    long key;

    if (argc < 2)
        return 2;
    key = syscall(SYS_keyctl, SEARCH, SPEC_SESSION, "user", argv[1], 0);
    printf("%skey %s: %s\n", key >= 0 ? "WON " : "", argv[1], key >= 0 ? "found" : strerror(errno));
    return key >= 0 ? WON : 0;
}

/* addkey NAME: puts a key into the session keyring, then runs the rest of the command line. */
static int attack_addkey(int argc, char **argv)
{
    enum { SPEC_SESSION = -3, JOIN = 1 };

    if (argc < 3 || syscall(SYS_keyctl, JOIN, NULL) < 0 ||
        syscall(SYS_add_key, "user", argv[1], "secret", 6, SPEC_SESSION) < 0)
        return 2;
    execvp(argv[2], argv + 2);
    return 127;
}

/* abstract NAME: a socket in the abstract namespace, which belongs to the network namespace. */
static int attack_abstract(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
    size_t n;

    if (argc < 2 || sock < 0)
        return 2;
    n = strlen(argv[1]);
    if (n + 1 > sizeof(address.sun_path))
        return 2;
    memcpy(address.sun_path + 1, argv[1], n);
    r = connect(sock, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
    printf("%s%s: %s\n", r == 0 ? "WON " : "", argv[1], r == 0 ? "connected" : strerror(errno));
    close(sock);
    return r == 0 ? WON : 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} attacks[] = {
    { "tty", attack_tty },           { "swap", attack_swap },           { "look", attack_look },
    { "keyring", attack_keyring },   { "overwrite", attack_overwrite }, { "addkey", attack_addkey },
    { "abstract", attack_abstract },
};

int main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc > 1 && i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (strcmp(argv[1], attacks[i].name) == 0)
            return attacks[i].run(argc - 1, argv + 1);
    }
    fputs("usage: attack NAME ARGUMENT...\n", stderr);
    return 2;
}
