// SPDX-License-Identifier: Apache-2.0
/*
 * Keeping the sandbox's copy of a plain /etc/resolv.conf up to date. NetworkManager and others replace that
 * file by rename; a bind mount would go on showing the old one, and all of /etc is more than lichen-net may
 * see. So a child that talks to nobody stays outside and copies the file in, when lichen-net is about to look
 * up a name server: no inotify, of which a user has 128, and no waking up for nothing.
 */
#ifndef LICHEN_HELPERS_NET_RESOLVER_H
#define LICHEN_HELPERS_NET_RESOLVER_H

/*
 * Fork the keeper; call it while the host's files are visible and before the sandbox closes. Returns a
 * socket (close-on-exec, owned by the caller, kept open: the keeper ends when it is closed), or -errno.
 */
int resolver_start(void);

/* Give the keeper its copy, a file open for writing, and wait until it is filled. 0 or -errno. */
int resolver_fill(int sock, int copy);

/* Have the copy compared with the file and renewed if need be; waits for it. 0, or -errno: the keeper is
 * gone. */
int resolver_refresh(int sock);

#endif
