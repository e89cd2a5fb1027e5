// SPDX-License-Identifier: Apache-2.0
/* Subordinate ids: subuid(5), subgid(5), getsubids(1). */
#ifndef LICHEN_USERNS_SUBID_H
#define LICHEN_USERNS_SUBID_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "userns/idmap.h"

/*
 * Parse the text of /etc/subuid or /etc/subgid: the lines of @user (may be NULL) and those that begin with
 * @uid as a number, in file order. Malformed lines are passed over, as newuidmap does; ranges of no size or
 * beyond 32 bits too; overlapping ranges are kept once. Pure.
 */
void subid_parse(const char *text, size_t size, const char *user, uid_t uid, struct subid_ranges *ret);

/* Parse what getsubids(1) prints: "0: alice 100000 65536" a line. Pure. */
void subid_parse_getsubids(const char *text, size_t size, struct subid_ranges *ret);

/*
 * The ranges of user @uid (its name is looked up). Where /etc/nsswitch.conf names a subid source other than
 * files, getsubids(1) is asked first; the file otherwise, so that the ordinary start runs no extra program.
 * @gid picks subgid. No range at all is no error. Returns 0 or -errno.
 */
int subid_load(uid_t uid, bool gid, struct subid_ranges *ret, struct err *e);

#endif
