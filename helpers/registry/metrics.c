// SPDX-License-Identifier: Apache-2.0
/* /metrics, in OpenMetrics' text form. Names no repository and no user. */
#include <inttypes.h>
#include <stddef.h>

#include "base/mem.h"
#include "reply.h"
#include "sessions.h"

static const struct metric_row {
    const char *name, *type, *help;
    size_t offset;
} metric_rows[] = {
    { "received_bytes", "counter", "Bytes of request bodies.", offsetof(struct metrics, received) },
    { "sent_bytes", "counter", "Bytes of answers' bodies.", offsetof(struct metrics, sent) },
    { "blobs_pushed", "counter", "Blobs uploaded.", offsetof(struct metrics, blobs) },
    { "blobs_mounted", "counter", "Blobs mounted from another repository.",
      offsetof(struct metrics, mounts) },
    { "manifests_pushed", "counter", "Manifests put.", offsetof(struct metrics, manifests) },
    { "unauthorized", "counter", "Requests answered with a challenge.",
      offsetof(struct metrics, unauthorized) },
    { "requests_in_flight", "gauge", "Requests being answered.", offsetof(struct metrics, in_flight) },
};

static uint64_t load(const uint64_t *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

void metrics_get(struct request *q)
{
    struct metrics *m = &q->server->metrics;
    _cleanup_buf_ struct buf b = { 0 };

    buf_puts(&b, "# TYPE lichen_registry_requests counter\n"
                 "# HELP lichen_registry_requests Requests answered, by class of status.\n");
    for (unsigned i = 1; i < ARRAY_SIZE(m->requests); i++)
        buf_printf(&b, "lichen_registry_requests_total{class=\"%uxx\"} %" PRIu64 "\n", i,
                   load(&m->requests[i]));
    for (size_t i = 0; i < ARRAY_SIZE(metric_rows); i++) {
        const struct metric_row *row = &metric_rows[i];

        buf_printf(&b,
                   "# TYPE lichen_registry_%s %s\n# HELP lichen_registry_%s %s\nlichen_registry_%s%s %" PRIu64
                   "\n",
                   row->name, row->type, row->name, row->help, row->name, row->type[0] == 'c' ? "_total" : "",
                   load((const uint64_t *)((const char *)m + row->offset)));
    }
    buf_printf(&b,
               "# TYPE lichen_registry_uploads gauge\n# HELP lichen_registry_uploads Uploads going on.\n"
               "lichen_registry_uploads %zu\n# EOF\n",
               sessions_count(q->server->sessions));
    reply_text(q, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8", b.data, b.len);
}
