// SPDX-License-Identifier: Apache-2.0
/*
 * The requests: the container's cgroup as a transient scope with Delegate=yes (systemd.resource-control(5)).
 * Runs in lichen-bus, as the caller, over the user's bus; over the system's only as root in the initial user
 * namespace.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bus.h"
#include "cgroup/private.h"
#include "cgroup/unit_property.h"

#define MAX_CPUS 8192

static int append_number(sd_bus_message *m, const char *name, uint64_t value)
{
    return sd_bus_message_append(m, "(sv)", name, "t", value);
}

static int append_set(sd_bus_message *m, const char *name, const uint8_t *mask, size_t size)
{
    int r = sd_bus_message_open_container(m, 'r', "sv");

    if (r >= 0)
        r = sd_bus_message_append(m, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "ay");
    if (r >= 0)
        r = sd_bus_message_append_array(m, 'y', mask, size);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_quota(sd_bus_message *m, const char *value)
{
    uint64_t per_sec, period;
    int r;

    if (!cgroup_quota(value, &per_sec, &period))
        return -EINVAL;
    r = append_number(m, "CPUQuotaPeriodUSec", period);
    return r < 0 ? r : append_number(m, "CPUQuotaPerSecUSec", per_sec);
}

static int append_value(sd_bus_message *m, const struct cgroup_property *p, const char *value)
{
    uint8_t mask[MAX_CPUS / 8];
    uint64_t number = UINT64_MAX;
    int r;

    switch (p->type) {
    case PROPERTY_LIMIT:
    case PROPERTY_NUMBER:
        if (p->type == PROPERTY_NUMBER || !str_eq(value, "max"))
            r = str_to_u64(value, 0, UINT64_MAX - 1, &number);
        else
            r = 0;
        return r < 0 ? r : append_number(m, p->name, number);
    case PROPERTY_QUOTA:
        return append_quota(m, value);
    case PROPERTY_SET:
        r = cgroup_bitmask(value, mask, sizeof(mask));
        return r < 0 ? r : append_set(m, p->name, mask, (size_t)r);
    }
    return -EINVAL;
}

/* The limits as properties. A value that only the kernel understands ("50%" in unified, a weight per device)
 * is left to the cgroup's file, which the runtime writes too. */
static int append_limits(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    for (size_t i = 0; i < q->n_limits; i++) {
        const char *equals = strchr(q->limits[i], '=');
        const struct cgroup_property *p;
        char file[64];
        int r;

        if (!equals || str_format(file, sizeof(file), "%.*s", (int)(equals - q->limits[i]), q->limits[i]) < 0)
            return err_set(e, EINVAL, "limit %s: FILE=VALUE is wanted", q->limits[i]);
        p = cgroup_property_of(file);
        if (!p)
            return err_set(e, EINVAL, "limit %s: systemd has no property for it", q->limits[i]);
        r = append_value(m, p, equals + 1);
        /* Nothing was appended then: the value is looked at first. */
        if (r < 0 && r != -EINVAL && r != -ERANGE)
            return err_sys(e, r, "%s: systemd property %s", file, p->name);
    }
    return 0;
}

static int append_texts(sd_bus_message *m, const struct unit_property *p)
{
    int r = sd_bus_message_open_container(m, 'r', "sv");

    if (r >= 0)
        r = sd_bus_message_append(m, "s", p->name);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "s");
    for (size_t i = 0; i < p->n_texts && r >= 0; i++)
        r = sd_bus_message_append(m, "s", p->texts[i]);
    for (int i = 0; i < 3 && r >= 0; i++)
        r = sd_bus_message_close_container(m);
    return r;
}

/* Integers shorter than int travel as int through "..." (sd_bus_message_append(3)). */
static int append_property(sd_bus_message *m, const struct unit_property *p)
{
    const char type[2] = { p->type, '\0' };

    switch (p->type) {
    case 's':
        return sd_bus_message_append(m, "(sv)", p->name, type, p->text);
    case 'a':
        return append_texts(m, p);
    case 'd':
        return sd_bus_message_append(m, "(sv)", p->name, type, p->d);
    case 'n':
    case 'i':
        return sd_bus_message_append(m, "(sv)", p->name, type, (int)p->i);
    case 'x':
        return sd_bus_message_append(m, "(sv)", p->name, type, p->i);
    case 't':
        return sd_bus_message_append(m, "(sv)", p->name, type, p->u);
    default:
        return sd_bus_message_append(m, "(sv)", p->name, type, (unsigned)p->u);
    }
}

static int append_properties(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    struct arena arena = { 0 };
    int r = 0;

    for (size_t i = 0; i < q->n_properties && r >= 0; i++) {
        const char *equals = strchr(q->properties[i], '=');
        struct unit_property p;
        char name[64];

        if (!equals ||
            str_format(name, sizeof(name), "%.*s", (int)(equals - q->properties[i]), q->properties[i]) < 0)
            r = err_set(e, EINVAL, "property %.200s: NAME=VALUE is wanted", q->properties[i]);
        else
            r = unit_property_parse(name, equals + 1, &arena, &p, e);
        if (r >= 0) {
            r = append_property(m, &p);
            if (r < 0)
                r = err_sys(e, r, "systemd property %s", p.name);
        }
    }
    arena_free(&arena);
    return r < 0 ? r : 0;
}

static int append_unit(sd_bus_message *m, const struct unit_request *q)
{
    char description[320];

    (void)str_format(description, sizeof(description), "lichen container scope %s", q->unit);
    return sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", description, "Slice", "s",
                                 q->slice, "Delegate", "b", 1, "DefaultDependencies", "b", 0, "CollectMode",
                                 "s", "inactive-or-failed", "PIDs", "au", 1, (uint32_t)q->pid);
}

static int cannot_build(const struct unit_request *q, int r, struct err *e)
{
    return err_sys(e, r, "systemd unit %s: building the request", q->unit);
}

/* StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) aux) */
static int fill_start(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    int r;

    r = sd_bus_message_append(m, "ss", q->unit, "fail");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = append_unit(m, q);
    if (r < 0)
        return cannot_build(q, r, e);
    r = append_limits(m, q, e);
    if (r >= 0)
        r = append_properties(m, q, e);
    if (r < 0)
        return r;
    r = sd_bus_message_close_container(m);
    if (r >= 0)
        r = sd_bus_message_append(m, "a(sa(sv))", 0);
    return r < 0 ? cannot_build(q, r, e) : 0;
}

/* SetUnitProperties(s name, b runtime, a(sv) properties) */
static int fill_update(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    int r;

    r = sd_bus_message_append(m, "sb", q->unit, 1);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "(sv)");
    if (r < 0)
        return cannot_build(q, r, e);
    r = append_limits(m, q, e);
    if (r < 0)
        return r;
    r = sd_bus_message_close_container(m);
    return r < 0 ? cannot_build(q, r, e) : 0;
}

/* AttachProcessesToUnit(s unit, s subcgroup, au pids): systemd may move across sessions, we may not
 * (crun#376). */
static int fill_attach(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    int r = sd_bus_message_append(m, "ssau", q->unit, "", 1, (uint32_t)q->pid);

    return r < 0 ? cannot_build(q, r, e) : 0;
}

/* StopUnit(s name, s mode) -> job */
static int fill_stop(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    int r = sd_bus_message_append(m, "ss", q->unit, "replace");

    return r < 0 ? cannot_build(q, r, e) : 0;
}

static int fill_locate(sd_bus_message *m, const struct unit_request *q, struct err *e)
{
    int r = sd_bus_message_append(m, "s", q->unit);

    return r < 0 ? cannot_build(q, r, e) : 0;
}

/* Connect and build the call @member. Both results are the caller's, also on failure. */
static int prepare(const struct unit_request *q, const char *member,
                   int (*fill)(sd_bus_message *, const struct unit_request *, struct err *),
                   struct bus **ret_bus, sd_bus_message **ret, struct err *e)
{
    int r;

    r = bus_connect(q->user, ret_bus, e);
    if (r < 0)
        return r;
    r = bus_new_call(*ret_bus, member, ret);
    return r < 0 ? cannot_build(q, r, e) : fill(*ret, q, e);
}

/* A call that returns a job, and the job's end. */
static int run_job(const struct unit_request *q, const char *member,
                   int (*fill)(sd_bus_message *, const struct unit_request *, struct err *),
                   bool gone_is_fine, struct err *e)
{
    struct bus *b = NULL;
    sd_bus_message *m = NULL;
    int r;

    r = prepare(q, member, fill, &b, &m, e);
    if (r >= 0)
        r = bus_send_job(b, q->unit, m, e);
    if (r >= 0)
        r = bus_wait_job(b, e);
    if (r < 0 && gone_is_fine && b && strstr(b->error, "NoSuchUnit"))
        r = 0;
    sd_bus_message_unref(m);
    bus_free(b);
    return r;
}

static int run_call(const struct unit_request *q, const char *member,
                    int (*fill)(sd_bus_message *, const struct unit_request *, struct err *), struct err *e)
{
    struct bus *b = NULL;
    sd_bus_message *m = NULL;
    int r;

    r = prepare(q, member, fill, &b, &m, e);
    if (r >= 0)
        r = bus_call(b, m, member, NULL, NULL, e);
    sd_bus_message_unref(m);
    bus_free(b);
    return r;
}

int unit_start(const struct unit_request *q, char *text, size_t size, struct err *e)
{
    (void)text;
    (void)size;
    return run_job(q, "StartTransientUnit", fill_start, false, e);
}

/* It stopped by itself when its last process ended: as good. */
int unit_stop(const struct unit_request *q, char *text, size_t size, struct err *e)
{
    (void)text;
    (void)size;
    return run_job(q, "StopUnit", fill_stop, true, e);
}

int unit_attach(const struct unit_request *q, char *text, size_t size, struct err *e)
{
    (void)text;
    (void)size;
    return run_call(q, "AttachProcessesToUnit", fill_attach, e);
}

int unit_update(const struct unit_request *q, char *text, size_t size, struct err *e)
{
    (void)text;
    (void)size;
    return run_call(q, "SetUnitProperties", fill_update, e);
}

/* The unit's object path; -ENOENT when there is no such unit. */
static int get_unit(struct bus *b, sd_bus_message *m, const struct unit_request *q, char *path, size_t size,
                    struct err *e)
{
    sd_bus_message *reply = NULL;
    const char *object = "";
    char error[128];
    int r;

    r = bus_call(b, m, q->unit, error, &reply, e);
    if (r < 0 && strstr(error, "NoSuchUnit"))
        r = err_set(e, ENOENT, "systemd unit %s does not exist", q->unit);
    if (r >= 0 && (sd_bus_message_read(reply, "o", &object) < 0 || str_format(path, size, "%s", object) < 0))
        r = err_set(e, EPROTO, "systemd unit %s: an answer without a path", q->unit);
    sd_bus_message_unref(reply);
    return r;
}

int unit_locate(const struct unit_request *q, char *text, size_t size, struct err *e)
{
    struct bus *b = NULL;
    sd_bus_message *m = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    char object[512], *path = NULL;
    int r;

    r = prepare(q, "GetUnit", fill_locate, &b, &m, e);
    if (r >= 0)
        r = get_unit(b, m, q, object, sizeof(object), e);
    if (r >= 0) {
        r = sd_bus_get_property_string(b->bus, SYSTEMD_NAME, object, "org.freedesktop.systemd1.Scope",
                                       "ControlGroup", &error, &path);
        if (r < 0)
            err_sys(e, r, "systemd unit %s: its cgroup", q->unit);
        sd_bus_error_free(&error);
    }
    if (r >= 0 && (!*path || str_format(text, size, "%s", path) < 0))
        r = err_set(e, ENOENT, "systemd unit %s has no cgroup", q->unit);
    free(path);
    sd_bus_message_unref(m);
    bus_free(b);
    return r < 0 ? r : 0;
}
