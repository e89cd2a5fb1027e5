// SPDX-License-Identifier: Apache-2.0
/* Certificates of our own making. */
#ifndef LICHEN_REGISTRY_TLS_H
#define LICHEN_REGISTRY_TLS_H

#include "base/err.h"
#include "base/str.h"

/*
 * A new key (P-256) and a certificate it has signed itself, for localhost, the loopback addresses, this
 * machine's name and
 * @address (numeric); valid for a year. PEM texts; @key is the caller's to wipe. Returns 0 or -EIO.
 */
int tls_make_certificate(const char *address, struct buf *cert, struct buf *key, struct err *e);

#endif
