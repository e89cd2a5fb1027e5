// SPDX-License-Identifier: Apache-2.0
/*
 * Where the runtime keeps its containers: ROOT/<id>/, with state.json, config.json (frozen at create),
 * start.sock, seccomp.bpf. ROOT is
 * --root, $XDG_RUNTIME_DIR/lichen, /run/lichen for root, or a verified private directory under /tmp.
 */
#ifndef LICHEN_STATE_DIR_H
#define LICHEN_STATE_DIR_H

#include <stdbool.h>

#include "base/err.h"

/*
 * The root directory's path for @option (--root, may be NULL); @privileged: root in the initial user
 * namespace. Malloc'ed.
 */
char *state_root_path(const char *option, bool privileged);

/*
 * Open ROOT, made 0700 where missing (when @create). It must belong to the caller and not be writable by
 * others: no state is read from a place somebody else can write. Returns a directory descriptor or -errno
 * (-ENOENT without @create).
 */
int state_root_open(const char *path, bool create, struct err *e);

/* Check a container id: [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 255 bytes. Returns 0 or -EINVAL. */
int state_check_id(const char *id, struct err *e);

/* Make ROOT/<id>; -EEXIST names the container that is there. Returns a locked directory descriptor (flock,
 * exclusive). */
int state_create(int root, const char *id, struct err *e);

/* Open ROOT/<id>; -ENOENT says that there is no such container. Returns a directory descriptor. */
int state_open(int root, const char *id, struct err *e);

/* Take the container's lock, waiting at most @timeout_ms for another verb to finish. Returns 0, -EBUSY,
 * -errno. */
int state_lock(int dir, int timeout_ms, const char *id, struct err *e);

/* Let other verbs go on. */
void state_unlock(int dir);

/*
 * Remove ROOT/<id> with all in it, if it is ours: it has our marker file, or is empty (a create killed
 * between two steps). Anything else is left alone (-ENOTEMPTY): --root may point anywhere (podman#18287
 * erased a home directory). Returns 0 or -errno.
 */
int state_remove(int root, const char *id, struct err *e);

#endif
