// SPDX-License-Identifier: Apache-2.0
/*
 * linux.resources (config-linux.md "Control groups") as cgroup v2 settings: what is written into which file,
 * and which controller that takes. The spec speaks cgroup v1; the conversions are runc's, so that a bundle
 * gets the same limits from either. Pure: used by the decision, by both managers and by update. Runs in the
 * parent, as the caller.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cgroup/private.h"

#define SHARES_MIN     2
#define SHARES_MAX     262144
#define WEIGHT_MAX     10000
#define DEFAULT_PERIOD 100000

void cgroup_settings_free(struct cgroup_settings *s)
{
    arena_free(&s->arena);
    s->n = 0;
    s->v = NULL;
}

static struct cgroup_setting *add(struct cgroup_settings *s, const char *field, unsigned controller,
                                  const char *file, const char *value)
{
    /* Grown in the arena: the old array is freed with the rest. Lists are short. */
    struct cgroup_setting *grown = ARENA_ARRAY(&s->arena, s->n + 1, struct cgroup_setting);

    if (s->n)
        memcpy(grown, s->v, s->n * sizeof(*grown));
    grown[s->n] =
        (struct cgroup_setting){ .field = field, .file = file, .value = value, .controller = controller };
    s->v = grown;
    return &s->v[s->n++];
}

/* Base-2 logarithm of x >= 1, by squaring: one bit of the fraction at a time. libm would be one more library
 * to load at every start. */
static double log2_of(double x)
{
    double result = 0, bit = 0.5;

    while (x >= 2) {
        x /= 2;
        result++;
    }
    for (int i = 0; i < 50; i++, bit /= 2) {
        x *= x;
        if (x >= 2) {
            x /= 2;
            result += bit;
        }
    }
    return result;
}

/*
 * The curve on which runc (since 1.3.2) and crun (since 1.23) agree, through (2, 1), (1024, 100) and (262144,
 * 10000): the smallest weight whose decimal logarithm reaches (l * l + 125 * l) / 612 - 7 / 34 with l =
 * log2(shares).
 */
uint64_t cgroup_weight_of_shares(uint64_t shares)
{
    static const double log2_of_10 = 3.321928094887362348;
    uint64_t low = 1, high = WEIGHT_MAX;
    double l, wanted;

    if (shares <= SHARES_MIN)
        return 1;
    if (shares >= SHARES_MAX)
        return WEIGHT_MAX;
    l = log2_of((double)shares);
    /* The margin is far below the distance of two weights' logarithms and above the rounding errors. */
    wanted = ((l * l + 125 * l) / 612.0 - 7.0 / 34.0) * log2_of_10 - 1e-12;
    while (low < high) {
        uint64_t middle = (low + high) / 2;

        if (log2_of((double)middle) >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint64_t cgroup_io_weight(uint64_t weight)
{
    return 1 + (weight - 10) * (WEIGHT_MAX - 1) / 990;
}

static const char *limit_text(struct cgroup_settings *s, int64_t value)
{
    return value < 0 ? "max" : arena_printf(&s->arena, "%" PRId64, value);
}

static int refuse_v1(struct err *e, const char *field, const char *why)
{
    err_set(e, EOPNOTSUPP, "%s: %s", field, why);
    return err_remedy(e, "leave the field out: it exists in cgroup v1 only");
}

/* Memory and swap together in the spec, swap alone in cgroup v2; 0 is "not set", as in runc. */
static int add_swap(const struct spec_resources *r, struct cgroup_settings *s, struct err *e)
{
    static const char field[] = "linux.resources.memory.swap";
    int64_t swap = r->memory.swap.set ? r->memory.swap.value : 0;
    int64_t limit = r->memory.limit.set ? r->memory.limit.value : 0;
    struct cgroup_setting *added;

    if (swap == 0 && limit >= 0)
        return 0;
    if (swap > 0 && limit == 0)
        return err_set(e, EINVAL,
                       "%s: %" PRId64 " needs linux.resources.memory.limit: it is memory and swap together",
                       field, swap);
    if (swap > 0 && limit > swap)
        return err_set(e, EINVAL, "%s: %" PRId64 " is below linux.resources.memory.limit, %" PRId64, field,
                       swap, limit);
    if (swap == 0)
        swap = -1; /* memory without limit, swap not mentioned: none either */
    else if (swap > 0 && limit > 0)
        swap -= limit;
    added = add(s, field, CGROUP_MEMORY, "memory.swap.max", limit_text(s, swap));
    added->nothing = swap < 0;
    /* A kernel without swap accounting has no such file; then there is no swap to use. */
    added->optional = swap <= 0;
    return 0;
}

static int add_memory(const struct spec_resources *r, struct cgroup_settings *s, struct err *e)
{
    const struct {
        const char *field, *file;
        const struct opt_i64 *value;
    } rows[] = {
        { "linux.resources.memory.limit", "memory.max", &r->memory.limit },
        { "linux.resources.memory.reservation", "memory.low", &r->memory.reservation },
    };

    if (r->memory.swappiness.set)
        return refuse_v1(e, "linux.resources.memory.swappiness", "cgroup v2 has no swappiness");
    if (r->memory.disable_oom_killer.set && r->memory.disable_oom_killer.value)
        return refuse_v1(e, "linux.resources.memory.disableOOMKiller",
                         "cgroup v2 cannot switch the OOM killer off");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].value->set && rows[i].value->value != 0)
            add(s, rows[i].field, CGROUP_MEMORY, rows[i].file, limit_text(s, rows[i].value->value))->nothing =
                rows[i].value->value < 0 && i == 0;
    }
    return add_swap(r, s, e);
}

static void add_cpu_time(const struct spec_resources *r, struct cgroup_settings *s)
{
    bool quota = r->cpu.quota.set && r->cpu.quota.value != 0;
    bool limited = quota && r->cpu.quota.value > 0;
    bool period = r->cpu.period.set && r->cpu.period.value != 0;
    const char *text;

    if (!quota && !period)
        return;
    text = limited ? arena_printf(&s->arena, "%" PRId64, r->cpu.quota.value) : "max";
    text = arena_printf(&s->arena, "%s %" PRIu64, text, period ? r->cpu.period.value : DEFAULT_PERIOD);
    add(s, quota ? "linux.resources.cpu.quota" : "linux.resources.cpu.period", CGROUP_CPU, "cpu.max", text)
        ->nothing = !limited;
}

static int add_cpu(const struct spec_resources *r, struct cgroup_settings *s, struct err *e)
{
    bool idle = r->cpu.idle.set && r->cpu.idle.value != 0;

    if ((r->cpu.realtime_runtime.set && r->cpu.realtime_runtime.value != 0) ||
        (r->cpu.realtime_period.set && r->cpu.realtime_period.value != 0))
        return refuse_v1(e, "linux.resources.cpu.realtimeRuntime", "cgroup v2 has no real-time budget");
    if (r->cpu.idle.set)
        add(s, "linux.resources.cpu.idle", CGROUP_CPU, "cpu.idle", idle ? "1" : "0")->nothing = !idle;
    /* An idle cgroup has a weight of its own; the kernel refuses another (EINVAL). */
    if (r->cpu.shares.set && r->cpu.shares.value != 0 && !idle)
        add(s, "linux.resources.cpu.shares", CGROUP_CPU, "cpu.weight",
            arena_printf(&s->arena, "%" PRIu64, cgroup_weight_of_shares(r->cpu.shares.value)));
    add_cpu_time(r, s);
    if (r->cpu.burst.set)
        add(s, "linux.resources.cpu.burst", CGROUP_CPU, "cpu.max.burst",
            arena_printf(&s->arena, "%" PRIu64, r->cpu.burst.value))
            ->nothing = r->cpu.burst.value == 0;
    if (r->cpu.cpus && *r->cpu.cpus)
        add(s, "linux.resources.cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", r->cpu.cpus);
    if (r->cpu.mems && *r->cpu.mems)
        add(s, "linux.resources.cpu.mems", CGROUP_CPUSET, "cpuset.mems", r->cpu.mems);
    return 0;
}

/* BFQ's weights where the scheduler is there (same range as cgroup v1's), else io.cost's. */
static void add_io_weight(struct cgroup_settings *s, const char *field, const char *device, uint64_t weight)
{
    add(s, field, CGROUP_IO, "io.bfq.weight", arena_printf(&s->arena, "%s%" PRIu64, device, weight))
        ->optional = true;
    add(s, field, CGROUP_IO, "io.weight",
        arena_printf(&s->arena, "%s%" PRIu64, device, cgroup_io_weight(weight)))
        ->instead = "io.bfq.weight";
}

static int add_io(const struct spec_resources *r, struct cgroup_settings *s, struct err *e)
{
    static const struct {
        const char *field, *key;
    } throttles[] = {
        [THROTTLE_READ_BPS] = { "linux.resources.blockIO.throttleReadBpsDevice", "rbps" },
        [THROTTLE_WRITE_BPS] = { "linux.resources.blockIO.throttleWriteBpsDevice", "wbps" },
        [THROTTLE_READ_IOPS] = { "linux.resources.blockIO.throttleReadIOPSDevice", "riops" },
        [THROTTLE_WRITE_IOPS] = { "linux.resources.blockIO.throttleWriteIOPSDevice", "wiops" },
    };
    static_assert(ARRAY_SIZE(throttles) == THROTTLE_N, "one row for each kind of throttle");

    if (r->block_io.leaf_weight.set && r->block_io.leaf_weight.value)
        return refuse_v1(e, "linux.resources.blockIO.leafWeight", "cgroup v2 has no leaf weights");
    if (r->block_io.weight.set && r->block_io.weight.value)
        add_io_weight(s, "linux.resources.blockIO.weight", "", r->block_io.weight.value);
    for (size_t i = 0; i < r->block_io.n_weights; i++) {
        const struct spec_io_weight *w = &r->block_io.weights[i];

        if (w->leaf_weight.set && w->leaf_weight.value)
            return refuse_v1(e, "linux.resources.blockIO.weightDevice", "cgroup v2 has no leaf weights");
        if (w->weight.set && w->weight.value >= 10)
            add_io_weight(s, "linux.resources.blockIO.weightDevice",
                          arena_printf(&s->arena, "%u:%u ", w->major, w->minor), w->weight.value);
    }
    for (size_t kind = 0; kind < THROTTLE_N; kind++) {
        for (size_t i = 0; i < r->block_io.n_throttles[kind]; i++) {
            const struct spec_io_throttle *t = &r->block_io.throttles[kind][i];
            const char *rate = t->rate ? arena_printf(&s->arena, "%" PRIu64, t->rate) : "max";

            add(s, throttles[kind].field, CGROUP_IO, "io.max",
                arena_printf(&s->arena, "%u:%u %s=%s", t->major, t->minor, throttles[kind].key, rate))
                ->nothing = t->rate == 0;
        }
    }
    return 0;
}

static void add_hugepages(const struct spec_resources *r, struct cgroup_settings *s)
{
    for (size_t i = 0; i < r->n_hugepages; i++) {
        const struct spec_hugepage *h = &r->hugepages[i];
        const char *value = arena_printf(&s->arena, "%" PRIu64, h->limit);

        add(s, "linux.resources.hugepageLimits", CGROUP_HUGETLB,
            arena_printf(&s->arena, "hugetlb.%s.max", h->page_size), value);
        /* Reservations have a limit of their own since Linux 5.7; without it mmap succeeds and the touch is
         * SIGBUS. */
        add(s, "linux.resources.hugepageLimits", CGROUP_HUGETLB,
            arena_printf(&s->arena, "hugetlb.%s.rsvd.max", h->page_size), value)
            ->optional = true;
    }
}

static void add_rdma(const struct spec_resources *r, struct cgroup_settings *s)
{
    for (size_t i = 0; i < r->n_rdma; i++) {
        const struct spec_rdma *d = &r->rdma[i];
        const char *value = d->device;

        if (d->handles.set)
            value = arena_printf(&s->arena, "%s hca_handle=%" PRIu64, value, d->handles.value);
        if (d->objects.set)
            value = arena_printf(&s->arena, "%s hca_object=%" PRIu64, value, d->objects.value);
        add(s, "linux.resources.rdma", CGROUP_RDMA, "rdma.max", value);
    }
}

/* Files that move, kill or freeze processes or change the tree are not limits; the runtime itself writes
 * them. */
static bool is_limit_of_core(const char *file)
{
    return strcmp(file, "cgroup.max.depth") == 0 || strcmp(file, "cgroup.max.descendants") == 0 ||
           strcmp(file, "cgroup.pressure") == 0;
}

static int add_unified(const struct spec_resources *r, struct cgroup_settings *s, struct err *e)
{
    for (size_t i = 0; i < r->n_unified; i++) {
        const char *file = r->unified[i].key, *dot = strchr(file, '.');
        const char *field = arena_printf(&s->arena, "linux.resources.unified[\"%s\"]", file);
        unsigned controller = dot ? cgroup_controller_by_name(file, (size_t)(dot - file)) : 0;

        if (strchr(file, '/') || (!controller && !is_limit_of_core(file)))
            return err_set(e, EINVAL, "%s: not a cgroup v2 limit that lichen knows", field);
        add(s, field, controller, file, r->unified[i].value);
    }
    return 0;
}

int cgroup_settings_make(const struct spec_resources *resources, struct cgroup_settings *ret, struct err *e)
{
    struct cgroup_settings s = { 0 };
    int r;

    r = add_memory(resources, &s, e);
    if (r >= 0)
        r = add_cpu(resources, &s, e);
    if (r >= 0 && resources->pids_limit.set) {
        int64_t limit = resources->pids_limit.value;

        /* 0 can't be had from systemd (TasksMax); 1 is the same for a cgroup whose process is already there.
         */
        add(&s, "linux.resources.pids.limit", CGROUP_PIDS, "pids.max", limit_text(&s, limit == 0 ? 1 : limit))
            ->nothing = limit < 0;
    }
    if (r >= 0)
        r = add_io(resources, &s, e);
    if (r >= 0) {
        add_hugepages(resources, &s);
        add_rdma(resources, &s);
        /* Last: the spec lets unified overrule the rest. */
        r = add_unified(resources, &s, e);
    }
    if (r < 0) {
        cgroup_settings_free(&s);
        return r;
    }
    *ret = s;
    return 0;
}

unsigned cgroup_settings_needed(const struct cgroup_settings *s)
{
    unsigned needed = 0;

    for (size_t i = 0; i < s->n; i++)
        needed |= s->v[i].nothing ? 0 : s->v[i].controller;
    return needed;
}

const struct cgroup_setting *cgroup_settings_find(const struct cgroup_settings *s, unsigned controllers)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!s->v[i].nothing && (!controllers || (s->v[i].controller & controllers)))
            return &s->v[i];
    }
    return NULL;
}
