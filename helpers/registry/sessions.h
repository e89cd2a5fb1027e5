// SPDX-License-Identifier: Apache-2.0
/*
 * Uploads that are going on. One lives in this process' memory and in a partial file of its repository: it
 * ends with the process, however that ends (the next start sweeps the file). A request takes the session
 * while it works on it.
 */
#ifndef LICHEN_REGISTRY_SESSIONS_H
#define LICHEN_REGISTRY_SESSIONS_H

#include "image/layout.h"
#include "server.h"

#define SESSION_ID_LENGTH 32
/* Without a request for so long an upload is given up. Seconds. */
#define SESSION_IDLE_MAX (3600 * 24)

struct session {
    char id[SESSION_ID_LENGTH + 1];
    char *repository;
    struct layout layout;
    struct layout_partial partial;
    /* Under the lock of the table: */
    bool taken;
    int64_t used; /* CLOCK_MONOTONIC seconds */
};

struct sessions;

struct sessions *sessions_new(size_t max);
void sessions_free(struct sessions *s);
size_t sessions_count(struct sessions *s);

/* A new upload into the repository of @q, taken. Returns it, or NULL with @e: -EAGAIN when there are too
 * many. */
struct session *sessions_begin(struct sessions *s, const char *repository, const struct layout *l,
                               enum digest_algorithm algorithm, struct err *e);
/* Take the upload @id of @repository: 0, -ENOENT, or -EBUSY when another request has it. */
int sessions_take(struct sessions *s, const char *repository, const char *id, struct session **ret);
/* Give it back. */
void sessions_give(struct sessions *s, struct session *session);
/* End one that is taken: its partial file is removed unless it has become a blob. */
void sessions_end(struct sessions *s, struct session *session);

#endif
