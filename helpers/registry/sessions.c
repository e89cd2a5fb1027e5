// SPDX-License-Identifier: Apache-2.0
/* The table of uploads. Any thread may call; the lock is held for the table only, never while content is
 * written. */
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "base/mem.h"

struct sessions {
    pthread_mutex_t lock;
    struct session **list;
    size_t n, max;
};

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

struct sessions *sessions_new(size_t max)
{
    struct sessions *s = mem_zalloc(sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    s->max = max;
    s->list = mem_zalloc_array(max + 1, sizeof(*s->list));
    return s;
}

static void session_free(struct session *session)
{
    layout_partial_discard(&session->partial);
    layout_close(&session->layout);
    free(session->repository);
    free(session);
}

void sessions_free(struct sessions *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        session_free(s->list[i]);
    free(s->list);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

size_t sessions_count(struct sessions *s)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = s->n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

/* Under the lock: out of the table; the caller frees it. */
static struct session *remove_at(struct sessions *s, size_t i)
{
    struct session *session = s->list[i];

    s->list[i] = s->list[--s->n];
    return session;
}

/* Give up what nobody has asked for in a long time. */
static void expire(struct sessions *s)
{
    for (size_t i = s->n; i-- > 0;) {
        if (!s->list[i]->taken && now() - s->list[i]->used > SESSION_IDLE_MAX)
            session_free(remove_at(s, i));
    }
}

struct session *sessions_begin(struct sessions *s, const char *repository, const struct layout *l,
                               enum digest_algorithm algorithm, struct err *e)
{
    struct session *session = mem_zalloc(sizeof(*session));
    int r = 0;

    session->repository = str_printf("%s", repository);
    session->partial = (struct layout_partial){ .dir = -1, .fd = -1 };
    session->layout.dir = fcntl(l->dir, F_DUPFD_CLOEXEC, 3);
    if (session->layout.dir < 0)
        r = err_sys(e, errno, "upload");
    if (r >= 0)
        r = layout_partial_begin(l, algorithm, &session->partial, e);
    if (r < 0) {
        session_free(session);
        return NULL;
    }
    (void)str_format(session->id, sizeof(session->id), "%s", session->partial.name);
    session->taken = true;
    session->used = now();
    pthread_mutex_lock(&s->lock);
    expire(s);
    if (s->n < s->max)
        s->list[s->n++] = session;
    else
        r = err_set(e, EAGAIN, "%zu uploads are going on already", s->n);
    pthread_mutex_unlock(&s->lock);
    if (r >= 0)
        return session;
    session_free(session);
    return NULL;
}

int sessions_take(struct sessions *s, const char *repository, const char *id, struct session **ret)
{
    int r = -ENOENT;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n; i++) {
        struct session *session = s->list[i];

        if (!str_eq(session->id, id) || !str_eq(session->repository, repository))
            continue;
        r = session->taken ? -EBUSY : 0;
        if (r == 0) {
            session->taken = true;
            session->used = now();
            *ret = session;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

void sessions_give(struct sessions *s, struct session *session)
{
    pthread_mutex_lock(&s->lock);
    session->taken = false;
    session->used = now();
    pthread_mutex_unlock(&s->lock);
}

void sessions_end(struct sessions *s, struct session *session)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i] == session) {
            (void)remove_at(s, i);
            break;
        }
    }
    pthread_mutex_unlock(&s->lock);
    session_free(session);
}
