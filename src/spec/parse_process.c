// SPDX-License-Identifier: Apache-2.0
/* The process object: config.md "Process". Runs where parse.c runs. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <string.h>

#include "base/str.h"
#include "spec/parse.h"

/* Unknown capability names are kept for a warning; a hostile list is not worth keeping whole. */
#define MAX_UNKNOWN_CAPABILITIES 64

static const struct field console_size_fields[] = {
    { .key = "height", ROW_INT(struct spec_process, console_height, 0, UINT16_MAX), .flags = FIELD_REQUIRED },
    { .key = "width", ROW_INT(struct spec_process, console_width, 0, UINT16_MAX), .flags = FIELD_REQUIRED },
};
static const struct table console_size_table = { TABLE_FIELDS(console_size_fields),
                                                 .section = "config.md#process" };

/* additionalGids; 65536 is NGROUPS_MAX, and -1 is nobody's id but setresgid's "leave it". */
static int read_gids(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec_user *user = out;
    size_t n = json_object_array_length(v);

    if (n > NGROUPS_MAX)
        return parse_fail(p, "has %zu groups, more than the kernel's %d", n, NGROUPS_MAX);
    user->additional_gids = n ? ARENA_ARRAY(p->arena, n, gid_t) : NULL;
    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(v, i);
        struct field row = { ROW_INT(struct spec_user, gid, 0, UINT32_MAX - 1) };
        int r;

        row.offset = 0;
        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_INTEGER);
        if (r == 0)
            r = parse_integer(p, &row, element, &user->additional_gids[i]);
        if (r < 0)
            return r;
        parse_leave(p);
    }
    (void)f;
    user->n_additional_gids = n;
    return 0;
}

/* uid and gid are REQUIRED by the spec, but every runtime takes their absence as 0, and configurations rely
 * on it. */
static const struct field user_fields[] = {
    { .key = "uid", ROW_INT(struct spec_user, uid, 0, UINT32_MAX - 1) },
    { .key = "gid", ROW_INT(struct spec_user, gid, 0, UINT32_MAX - 1) },
    { .key = "umask",
      ROW_INT(struct spec_user, umask, 0, 0777),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec_user, has_umask, bool) },
    { .key = "additionalGids", .type = TYPE_ARRAY, .read = read_gids },
    { .key = "username", ROW_IGNORED(TYPE_STRING), .section = "config.md#windows-user" },
};
static const struct table user_table = { TABLE_FIELDS(user_fields),
                                         .section = "config.md#posix-platform-user" };

static int note_unknown(struct parse *p, struct spec_capabilities *caps, const char *name)
{
    if (!caps->unknown.v)
        caps->unknown.v = ARENA_ARRAY(p->arena, MAX_UNKNOWN_CAPABILITIES + 1, const char *);
    for (size_t i = 0; i < caps->unknown.n; i++) {
        if (strcmp(caps->unknown.v[i], name) == 0)
            return 0;
    }
    if (caps->unknown.n == MAX_UNKNOWN_CAPABILITIES)
        return parse_fail(p, "more than %d capability names are unknown", MAX_UNKNOWN_CAPABILITIES);
    caps->unknown.v[caps->unknown.n++] = arena_strdup(p->arena, name);
    return 0;
}

/* One of the five sets; config.md: a value that can't be mapped is warned about, not an error. */
static int read_capability_set(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    uint64_t *mask = (uint64_t *)((char *)out + f->offset);
    size_t n = json_object_array_length(v);

    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(v, i);
        const char *name = NULL;
        int64_t number;
        int r;

        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_STRING);
        if (r == 0)
            r = parse_get_string(p, element, &name);
        if (r == 0 && spec_name_to_number(spec_capability_names, name, &number) == 0)
            *mask |= UINT64_C(1) << number;
        else if (r == 0)
            r = note_unknown(p, out, name);
        if (r < 0)
            return r;
        parse_leave(p);
    }
    return 0;
}

#define ROW_CAPABILITY_SET(set)                      \
    .type = TYPE_ARRAY, .read = read_capability_set, \
    .offset = FIELD_AT(struct spec_capabilities, mask[set], uint64_t)

static const struct field capabilities_fields[] = {
    { .key = "bounding", ROW_CAPABILITY_SET(CAP_SET_BOUNDING) },
    { .key = "effective", ROW_CAPABILITY_SET(CAP_SET_EFFECTIVE) },
    { .key = "inheritable", ROW_CAPABILITY_SET(CAP_SET_INHERITABLE) },
    { .key = "permitted", ROW_CAPABILITY_SET(CAP_SET_PERMITTED) },
    { .key = "ambient", ROW_CAPABILITY_SET(CAP_SET_AMBIENT) },
};
static_assert(ARRAY_SIZE(capabilities_fields) == CAP_SET_N, "one row per capability set");
static const struct table capabilities_table = { TABLE_FIELDS(capabilities_fields),
                                                 .section = "config.md#linux-process" };

static int check_rlimit(struct parse *p, void *out)
{
    const struct spec_rlimit *limit = out;

    if (limit->soft > limit->hard)
        return parse_fail_key(p, "soft", "%llu is above the hard limit %llu of %s",
                              (unsigned long long)limit->soft, (unsigned long long)limit->hard, limit->name);
    return 0;
}

static int check_rlimit_type(struct parse *p, void *out)
{
    struct spec_rlimit *limit = out;

    (void)p;
    limit->name = spec_number_to_name(spec_rlimit_names, limit->resource);
    return 0;
}

static const struct field rlimit_fields[] = {
    { .key = "type",
      ROW_NAME(struct spec_rlimit, resource, spec_rlimit_names),
      .flags = FIELD_REQUIRED,
      .check = check_rlimit_type },
    { .key = "soft", ROW_INT(struct spec_rlimit, soft, 0, UINT64_MAX), .flags = FIELD_REQUIRED },
    { .key = "hard", ROW_INT(struct spec_rlimit, hard, 0, UINT64_MAX), .flags = FIELD_REQUIRED },
};
static const struct table rlimit_table = { TABLE_FIELDS(rlimit_fields),
                                           .element_size = sizeof(struct spec_rlimit),
                                           .section = "config.md#posix-process", .check = check_rlimit };

/* config.md: entries of one type more than once are an error. */
static int check_rlimits(struct parse *p, void *out)
{
    const struct spec_process *process = out;
    unsigned seen = 0;

    for (size_t i = 0; i < process->n_rlimits; i++) {
        unsigned bit = 1U << process->rlimits[i].resource;

        if (seen & bit)
            return parse_fail_at(p, i, "type", "%s is given twice", process->rlimits[i].name);
        seen |= bit;
    }
    return 0;
}

/* The spec's list has it, but no kernel: the number is reserved. */
#ifndef SCHED_ISO
#    define SCHED_ISO 4
#endif

/* sched(7) */
static const struct spec_name policy_names[] = {
    { "SCHED_OTHER", SCHED_NORMAL },
    { "SCHED_FIFO", SCHED_FIFO },
    { "SCHED_RR", SCHED_RR },
    { "SCHED_BATCH", SCHED_BATCH },
    { "SCHED_ISO", SCHED_ISO },
    { "SCHED_IDLE", SCHED_IDLE },
    { "SCHED_DEADLINE", SCHED_DEADLINE },
    { NULL, 0 },
};

static const struct spec_name scheduler_flag_names[] = {
    { "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
    { "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
    { "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
    { "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
    { "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
    { "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
    { "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
    { NULL, 0 },
};

/* sched_setattr(2) answers a mismatch with a bare EINVAL; say here which member it is. */
static int check_scheduler(struct parse *p, void *out)
{
    const struct spec_scheduler *s = out;
    bool real_time = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

    if (s->policy == SCHED_ISO)
        return parse_fail_key(p, "policy", "SCHED_ISO is implemented in no Linux kernel");
    if (real_time != (s->priority > 0))
        return parse_fail_key(p, "priority",
                              real_time ? "SCHED_FIFO and SCHED_RR need 1 to 99, not %d"
                                        : "%d is for SCHED_FIFO and SCHED_RR only",
                              s->priority);
    if (s->nice && s->policy != SCHED_NORMAL && s->policy != SCHED_BATCH)
        return parse_fail_key(p, "nice", "%d is for SCHED_OTHER and SCHED_BATCH only", s->nice);
    if (s->policy != SCHED_DEADLINE && (s->runtime || s->deadline || s->period))
        return parse_fail_key(p, "runtime", "runtime, deadline and period are for SCHED_DEADLINE only");
    return 0;
}

static const struct field scheduler_fields[] = {
    { .key = "policy", ROW_NAME(struct spec_scheduler, policy, policy_names), .flags = FIELD_REQUIRED },
    { .key = "nice", ROW_INT(struct spec_scheduler, nice, -20, 19) },
    { .key = "priority", ROW_INT(struct spec_scheduler, priority, 0, 99) },
    { .key = "flags", ROW_FLAGS(struct spec_scheduler, flags, scheduler_flag_names) },
    { .key = "runtime", ROW_INT(struct spec_scheduler, runtime, 0, INT64_MAX) },
    { .key = "deadline", ROW_INT(struct spec_scheduler, deadline, 0, INT64_MAX) },
    { .key = "period", ROW_INT(struct spec_scheduler, period, 0, INT64_MAX) },
};
static const struct table scheduler_table = { TABLE_FIELDS(scheduler_fields),
                                              .section = "config.md#linux-process",
                                              .check = check_scheduler };

static const struct spec_name io_class_names[] = {
    { "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
    { "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
    { "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
    { NULL, 0 },
};

static const struct field io_priority_fields[] = {
    { .key = "class",
      ROW_NAME(struct spec_process, io_priority.class, io_class_names),
      .flags = FIELD_REQUIRED },
    { .key = "priority", ROW_INT(struct spec_process, io_priority.priority, 0, 7) },
};
static const struct table io_priority_table = { TABLE_FIELDS(io_priority_fields),
                                                .section = "config.md#linux-process" };

static int check_initial_cpus(struct parse *p, void *out)
{
    return parse_check_list(p, ((struct spec_process *)out)->exec_cpu_affinity.initial, SPEC_MAX_CPUS);
}

static int check_final_cpus(struct parse *p, void *out)
{
    return parse_check_list(p, ((struct spec_process *)out)->exec_cpu_affinity.final, SPEC_MAX_CPUS);
}

static const struct field exec_affinity_fields[] = {
    { .key = "initial",
      ROW_STRING(struct spec_process, exec_cpu_affinity.initial),
      .check = check_initial_cpus },
    { .key = "final", ROW_STRING(struct spec_process, exec_cpu_affinity.final), .check = check_final_cpus },
};
static const struct table exec_affinity_table = { TABLE_FIELDS(exec_affinity_fields),
                                                  .section = "config.md#linux-process" };

static int check_process(struct parse *p, void *out)
{
    struct spec_process *process = out;

    (void)p;
    /* config.md: consoleSize MUST be ignored without a terminal. */
    if (!process->terminal)
        process->console_height = process->console_width = 0;
    return 0;
}

static const struct field process_fields[] = {
    { .key = "terminal", ROW_BOOL(struct spec_process, terminal) },
    { .key = "consoleSize", ROW_OBJECT_HERE(&console_size_table) },
    { .key = "cwd", ROW_STRING(struct spec_process, cwd), .flags = FIELD_REQUIRED | FIELD_ABSOLUTE },
    { .key = "env", ROW_STRINGS(struct spec_process, env), .flags = FIELD_ENV },
    /* OPTIONAL only where commandLine can stand for it, on Windows. */
    { .key = "args", ROW_STRINGS(struct spec_process, args), .flags = FIELD_REQUIRED | FIELD_NO_EMPTY },
    { .key = "commandLine", ROW_IGNORED(TYPE_STRING) },
    { .key = "user", ROW_OBJECT(struct spec_process, user, &user_table), .section = "config.md#user" },
    { .key = "rlimits",
      ROW_LIST(struct spec_process, n_rlimits, rlimits, &rlimit_table),
      .check = check_rlimits,
      .section = "config.md#posix-process" },
    { .key = "capabilities",
      ROW_OBJECT(struct spec_process, capabilities, &capabilities_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec_process, capabilities.set, bool),
      .section = "config.md#linux-process" },
    { .key = "noNewPrivileges",
      ROW_BOOL(struct spec_process, no_new_privileges),
      .section = "config.md#linux-process" },
    { .key = "oomScoreAdj",
      ROW_OPT_I64(struct spec_process, oom_score_adj, -1000, 1000),
      .section = "config.md#linux-process" },
    { .key = "apparmorProfile",
      ROW_STRING(struct spec_process, apparmor_profile),
      .section = "config.md#linux-process" },
    { .key = "selinuxLabel",
      ROW_STRING(struct spec_process, selinux_label),
      .section = "config.md#linux-process" },
    { .key = "scheduler",
      ROW_OBJECT(struct spec_process, scheduler, &scheduler_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec_process, scheduler.set, bool),
      .section = "config.md#linux-process" },
    { .key = "ioPriority",
      ROW_OBJECT_HERE(&io_priority_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec_process, io_priority.set, bool),
      .section = "config.md#linux-process" },
    { .key = "execCPUAffinity", ROW_OBJECT_HERE(&exec_affinity_table), .section = "config.md#linux-process" },
};
const struct table process_table = { TABLE_FIELDS(process_fields), .section = "config.md#process",
                                     .check = check_process };
