// SPDX-License-Identifier: Apache-2.0
/*
 * Speaking to systemd over D-Bus: connect, call, wait for a job. Runs in lichen-bus, as the caller. Every
 * wait has an end; what the bus says is used as text in errors and compared, nothing else.
 *
 * As root in a user namespace that maps a user (podman unshare) our id is 0 here and the user's on the bus:
 * libsystemd 247 and newer don't send the id when they authenticate (EXTERNAL without an initial answer), so
 * that the socket's own credentials count.
 */
#include "bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroup/private.h"

#define CONNECT_PATIENCE_MS 5000
#define CALL_PATIENCE_MS    10000
#define JOB_PATIENCE_MS     30000

void bus_free(struct bus *b)
{
    if (!b)
        return;
    if (b->bus) {
        sd_bus_close(b->bus);
        sd_bus_unref(b->bus);
    }
    free(b);
}

/* One turn of the connection: what has come is handled, else wait. Returns -errno, 0 at the deadline, 1. */
static int turn(struct bus *b, int64_t deadline)
{
    int64_t left = deadline - clock_now_ms();
    int r = sd_bus_process(b->bus, NULL);

    if (r != 0)
        return r;
    if (left <= 0)
        return 0;
    r = sd_bus_wait(b->bus, (uint64_t)left * 1000);
    return r < 0 && r != -EINTR ? r : 1;
}

static int try_address(struct bus *b, const char *address)
{
    int64_t deadline = clock_now_ms() + CONNECT_PATIENCE_MS;
    int r;

    r = sd_bus_new(&b->bus);
    if (r >= 0)
        r = sd_bus_set_address(b->bus, address);
    if (r >= 0)
        r = sd_bus_set_bus_client(b->bus, 1);
    if (r >= 0)
        r = sd_bus_start(b->bus);
    while (r >= 0) {
        r = sd_bus_is_ready(b->bus);
        if (r != 0)
            break;
        r = turn(b, deadline);
        if (r == 0)
            r = -ETIMEDOUT;
    }
    if (r > 0)
        return 0;
    if (b->bus)
        sd_bus_unref(b->bus);
    b->bus = NULL;
    return r < 0 ? r : -EIO;
}

static void add_address(char addresses[3][512], size_t *n, const char *before, const char *text,
                        const char *after)
{
    if (str_format(addresses[*n], sizeof(addresses[*n]), "%s%s%s", before, text, after) < 0)
        return;
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(addresses[i], addresses[*n]))
            return;
    }
    (*n)++;
}

/* Escapes for a D-Bus address are not needed: a path with other than these letters is not tried. */
static bool is_plain_path(const char *s)
{
    return s[0] == '/' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.\\*")] == '\0';
}

static size_t list_addresses(bool user, char addresses[3][512])
{
    const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = getenv("XDG_RUNTIME_DIR");
    char standard[64];
    size_t n = 0;

    if (!user) {
        add_address(addresses, &n, "unix:path=", "/run/dbus/system_bus_socket", "");
        return n;
    }
    if (bus && *bus)
        add_address(addresses, &n, "", bus, "");
    if (runtime && is_plain_path(runtime))
        add_address(addresses, &n, "unix:path=", runtime, "/bus");
    (void)str_format(standard, sizeof(standard), "/run/user/%u", (unsigned)cgroup_outer_uid());
    add_address(addresses, &n, "unix:path=", standard, "/bus");
    return n;
}

int bus_connect(bool user, struct bus **ret, struct err *e)
{
    struct bus *b;
    char addresses[3][512];
    struct err first = { 0 };
    size_t n;
    int r;

    b = mem_zalloc(sizeof(*b));
    n = list_addresses(user, addresses);
    for (size_t i = 0; i < n; i++) {
        r = try_address(b, addresses[i]);
        if (r >= 0) {
            *ret = b;
            return 0;
        }
        if (i == 0)
            err_sys(&first, r, "systemd cgroup: the bus at %.256s", addresses[i]);
    }
    bus_free(b);
    if (e)
        *e = first;
    if (user)
        (void)err_remedy(
            e, "a user session is needed: log in through pam_systemd or loginctl enable-linger, with "
               "XDG_RUNTIME_DIR=/run/user/UID; or --cgroup-manager disabled");
    else
        (void)err_remedy(e, "is dbus running? --cgroup-manager cgroupfs does without");
    return -first.code;
}

int bus_new_call(struct bus *b, const char *member, sd_bus_message **ret)
{
    return sd_bus_message_new_method_call(b->bus, ret, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, member);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct bus *b = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(m);
    const char *job = "";

    (void)ret_error;
    b->replied = true;
    if (error) {
        b->code = -sd_bus_message_get_errno(m);
        (void)str_format(b->error, sizeof(b->error), "%.100s: %.150s", error->name,
                         error->message ? error->message : "");
    } else if (sd_bus_message_read(m, "o", &job) < 0 || str_format(b->job, sizeof(b->job), "%s", job) < 0) {
        b->code = -EPROTO;
        (void)str_format(b->error, sizeof(b->error), "an answer without a job");
    }
    return 0;
}

/* JobRemoved(u id, o job, s unit, s result). systemd answers the call before it removes the job, on the same
 * connection, so that the job's path is known here. */
static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct bus *b = userdata;
    const char *job, *unit, *result;
    uint32_t id;

    (void)ret_error;
    if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
        return 0;
    if (!b->replied || !str_eq(job, b->job) || !str_eq(unit, b->unit))
        return 0;
    b->removed = true;
    if (str_format(b->result, sizeof(b->result), "%s", result) < 0)
        (void)str_format(b->result, sizeof(b->result), "unknown");
    return 0;
}

int bus_send_job(struct bus *b, const char *unit, sd_bus_message *m, struct err *e)
{
    int r = str_format(b->unit, sizeof(b->unit), "%s", unit);

    b->job[0] = b->error[0] = b->result[0] = '\0';
    b->replied = b->removed = false;
    b->code = 0;
    /* Asked for before the call: what is sent in order is handled in order, the signal can't be missed. */
    if (r >= 0)
        r = sd_bus_match_signal_async(b->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved",
                                      on_job_removed, NULL, b);
    if (r >= 0)
        r = sd_bus_call_async(b->bus, NULL, m, on_reply, b, (uint64_t)JOB_PATIENCE_MS * 1000);
    return r < 0 ? err_sys(e, r, "systemd unit %s: sending the request", unit) : 0;
}

static int explain_reply(struct bus *b, struct err *e)
{
    err_set(e, b->code, "systemd unit %s: %s", b->unit, b->error);
    if (strstr(b->error, "UnitExists"))
        return err_remedy(e, "a unit of that name is there already: systemctl [--user] stop %.150s", b->unit);
    if (strstr(b->error, "ServiceUnknown") || strstr(b->error, "NameHasNoOwner"))
        return err_remedy(
            e, "no systemd on that bus: unset DBUS_SESSION_BUS_ADDRESS, or --cgroup-manager disabled");
    return err_code(e);
}

int bus_wait_job(struct bus *b, struct err *e)
{
    int64_t deadline = clock_now_ms() + JOB_PATIENCE_MS;

    while (!b->removed && b->code == 0) {
        int r = turn(b, deadline);

        if (r < 0)
            return err_sys(e, r, "systemd unit %s: the connection to systemd", b->unit);
        if (r == 0)
            return err_set(e, ETIMEDOUT, "systemd unit %s: no answer from systemd in %d s", b->unit,
                           JOB_PATIENCE_MS / 1000);
    }
    if (b->code < 0)
        return explain_reply(b, e);
    if (str_eq(b->result, "done"))
        return 0;
    err_set(e, EIO, "systemd unit %s: its job ended with \"%s\"", b->unit, b->result);
    return err_remedy(e, "the journal says why: journalctl [--user] -u %.150s", b->unit);
}

int bus_call(struct bus *b, sd_bus_message *m, const char *what, char *ret_name, sd_bus_message **ret_reply,
             struct err *e)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call(b->bus, m, (uint64_t)CALL_PATIENCE_MS * 1000, &error, ret_reply);

    if (ret_name)
        (void)str_format(ret_name, 128, "%.127s", r < 0 && error.name ? error.name : "");
    if (r < 0)
        err_set(e, r, "systemd: %s: %s", what, error.message ? error.message : strerror(-r));
    sd_bus_error_free(&error);
    return r < 0 ? r : 0;
}
