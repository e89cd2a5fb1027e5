// SPDX-License-Identifier: Apache-2.0
/* An image's USER ("www-data", "1000:staff", ...) as numbers, by the image's own /etc/passwd and /etc/group.
 */
#ifndef LICHEN_IMAGE_USER_H
#define LICHEN_IMAGE_USER_H

#include "base/err.h"
#include "spec/spec.h"

/*
 * Resolve @text ("", "user", "uid", "user:group", "uid:gid") below @root, the image's root directory. A word
 * of digits only is a number and never looked up as a name (CVE-2026-30892); its group is passwd's for that
 * uid, else 0. Without a group the supplementary groups are those /etc/group lists the user in. The files are
 * read as hostile data: in-root, regular, at most 1 MiB (CVE-2024-9676). @ret's groups are in @arena. Returns
 * 0, -ENOENT naming the user or group that the image does not have, -EINVAL.
 */
int image_user_resolve(int root, const char *text, struct arena *arena, struct spec_user *ret, struct err *e);

/* The same with the files' texts, for tests and fuzzing; NULL: the image has none. Pure. */
int image_user_lookup(const char *passwd, const char *group, const char *text, struct arena *arena,
                      struct spec_user *ret, struct err *e);

#endif
