// SPDX-License-Identifier: Apache-2.0
/* Who is who: an htpasswd file, and the key of our tokens. */
#ifndef LICHEN_REGISTRY_AUTH_H
#define LICHEN_REGISTRY_AUTH_H

#include "server.h"
#include "token.h"

struct auth;

/*
 * Read an htpasswd file: NAME:HASH lines, any hash crypt(5) checks; empty lines and lines with # are passed
 * over.
 * @options is kept (its readers). *ret is the caller's to free. Returns 0 or -errno; a hash that cannot be
 * checked is -EINVAL with its line.
 */
int auth_open(const struct options *options, struct auth **ret, struct err *e);
void auth_close(struct auth *a);

/* Lines of an htpasswd file, as auth_open reads them. For tests too. */
int auth_parse(struct auth *a, const char *text, struct err *e);
struct auth *auth_new(const struct options *options);

/* Whether the password is the user's. Takes as long for a user we do not know. Any thread. */
bool auth_check(struct auth *a, const char *user, const char *password);
/* What a user of the file, or (NULL) anybody, may do in any repository. */
unsigned auth_rights(const struct auth *a, const char *user);
const unsigned char *auth_key(const struct auth *a);

#endif
