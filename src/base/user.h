// SPDX-License-Identifier: Apache-2.0
/* User names of the host. */
#ifndef LICHEN_BASE_USER_H
#define LICHEN_BASE_USER_H

#include <stddef.h>
#include <sys/types.h>

#define USER_NAME_MAX 256

/*
 * The name of a user: from /etc/passwd, and for one who is not there (LDAP, systemd-homed, ...) as getent(1)
 * finds it. Name service modules are not loaded into this process: lichen-oci is linked statically where it
 * can be. Returns @name, filled (@size bytes, USER_NAME_MAX are enough), or NULL when nobody knows the user.
 */
const char *user_name(uid_t uid, char *name, size_t size);

#endif
