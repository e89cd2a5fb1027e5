// SPDX-License-Identifier: Apache-2.0
/* A connection to the user's (or root's) systemd and the calls made over it. */
#ifndef LICHEN_HELPERS_BUS_H
#define LICHEN_HELPERS_BUS_H

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/err.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* A connection with at most one job under way. */
struct bus {
    sd_bus *bus;
    char unit[256]; /* the job's */
    char job[256];  /* its object path, from the method's reply; "" before */
    bool replied, removed;
    int code;        /* of a failed method call, negative; 0 none */
    char error[256]; /* its name and text */
    char result[32]; /* JobRemoved: "done", "failed", ... */
};

/*
 * Connect: the system bus for root in the initial user namespace (@user false), else the user's, never the
 * other. $DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus and /run/user/UID/bus are tried in this order.
 * Bounded in time. Returns 0 or -errno naming the addresses.
 */
int bus_connect(bool user, struct bus **ret, struct err *e);
void bus_free(struct bus *b);

/* A call to systemd's manager object; release with sd_bus_message_unref. */
int bus_new_call(struct bus *b, const char *member, sd_bus_message **ret);

/* Send @m (a method that returns a job for @unit) without waiting for the answer. */
int bus_send_job(struct bus *b, const char *unit, sd_bus_message *m, struct err *e);

/* Wait for the job's end. 0 when its result is "done"; else an error with the unit's name and the result. */
int bus_wait_job(struct bus *b, struct err *e);

/* Call and wait for the answer. *ret_name (may be NULL, 128 bytes) receives the D-Bus error's name. */
int bus_call(struct bus *b, sd_bus_message *m, const char *what, char *ret_name, sd_bus_message **ret_reply,
             struct err *e);

#endif
