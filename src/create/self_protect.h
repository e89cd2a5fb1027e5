// SPDX-License-Identifier: Apache-2.0
/* The runtime's own binary must not be writable from inside a container (CVE-2019-5736). */
#ifndef LICHEN_CREATE_SELF_PROTECT_H
#define LICHEN_CREATE_SELF_PROTECT_H

#include "base/err.h"

/*
 * A container can get hold of /proc/self/exe of a process that runs our binary (an entrypoint
 * "#!/proc/self/exe") and write to it once nobody executes it - if its ids may. The usual install is safe as
 * it is: root's file, which no id mapped into an unprivileged container may write or chmod. Where the file is
 * the caller's own (a build tree, ~/.local/bin) or the caller is real root, re-exec from a sealed memfd copy:
 * nobody can write to that one, ever. Call first thing in main. Returns 0 (protected or not needed) or
 * -errno.
 */
int self_protect(char **argv, struct err *e);

#endif
