// SPDX-License-Identifier: Apache-2.0
/* Terminals: making the container's pty, handing its master out, and relaying for a foreground run. */
#ifndef LICHEN_CREATE_TERMINAL_H
#define LICHEN_CREATE_TERMINAL_H

#include "base/err.h"

/*
 * Make a pty in the devpts of the root file system @root: the multiplexer must be devpts's inode 2, device
 * 5:2, reached without a link (CVE-2025-52565); the peer comes from TIOCGPTPEER. Runs in init, or in exec's
 * process with @root = "/". Returns 0 or -errno.
 */
int terminal_make(int root, int *ret_master, int *ret_peer, struct err *e);

/* Send @master to the AF_UNIX socket at @path as runc does: SCM_RIGHTS with the terminal's name as data.
 * Returns 0 or -errno. */
int terminal_send(const char *path, int master, struct err *e);

/* The caller's terminal in raw mode while the container uses it. */
struct terminal_relay {
    int master;
    void *saved; /* struct termios of the caller's terminal, or NULL when stdin is none */
    int stdin_open;
};

/* Give @master the size of the caller's terminal, where stdin is one: before the program runs, which may ask
 * at once (podman#10560). */
void terminal_copy_size(int master);

/* Put the caller's terminal (stdin) into raw mode and copy its size to the container's. Returns 0 or -errno.
 */
int terminal_relay_begin(struct terminal_relay *t, int master, struct err *e);
/* Copy what is ready in one direction. Returns 1 go on, 0 end of that side, -errno. */
int terminal_relay_input(struct terminal_relay *t);
int terminal_relay_output(struct terminal_relay *t);
/* The caller's window changed. */
void terminal_relay_resize(struct terminal_relay *t);
/* Drain what the container wrote last, restore the caller's terminal, close the master. */
void terminal_relay_end(struct terminal_relay *t);

#endif
