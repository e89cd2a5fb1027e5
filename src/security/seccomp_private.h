// SPDX-License-Identifier: Apache-2.0
/* Between seccomp.c, the compiler and the cache; internal to src/security. */
#ifndef LICHEN_SECURITY_SECCOMP_PRIVATE_H
#define LICHEN_SECURITY_SECCOMP_PRIVATE_H

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

/* Compile @profile with libseccomp into *ret (an array of struct sock_filter). Takes milliseconds. 0 or
 * -errno. */
int seccomp_compile(const struct spec_seccomp *profile, struct buf *ret, struct err *e);

/*
 * Everything the program depends on, as bytes: the profile, libseccomp's version and API level, the
 * architecture, the version of our own code generation. Equal keys, equal programs.
 */
void seccomp_cache_key(const struct spec_seccomp *profile, struct buf *ret);

/*
 * The program stored for @key in the directory @dirfd. Returns 0, -ENOENT when there is none that can be
 * trusted (the directory or file is not ours or not private, the file is damaged, or its key differs).
 */
int seccomp_cache_load(int dirfd, const struct buf *key, struct buf *ret);

/* Store it, and drop the oldest entries beyond SECCOMP_CACHE_MAX. Returns 0 or -errno; a cache that can't be
 * written is no error to a caller. */
int seccomp_cache_store(int dirfd, const struct buf *key, const struct buf *program);

#define SECCOMP_CACHE_MAX 64

#endif
