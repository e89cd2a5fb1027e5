// SPDX-License-Identifier: Apache-2.0
/* sd-bus(3), loaded when a systemd cgroup is used and only then: linking it costs every start half a
 * millisecond. */
#ifndef LICHEN_CGROUP_SDBUS_H
#define LICHEN_CGROUP_SDBUS_H

#include <systemd/sd-bus.h>

#include "base/err.h"

/* The functions in use. One list makes the struct's members and the names looked up. */
#define SDBUS_FUNCTIONS(X)            \
    X(sd_bus_new)                     \
    X(sd_bus_set_address)             \
    X(sd_bus_set_bus_client)          \
    X(sd_bus_start)                   \
    X(sd_bus_is_ready)                \
    X(sd_bus_process)                 \
    X(sd_bus_wait)                    \
    X(sd_bus_close)                   \
    X(sd_bus_unref)                   \
    X(sd_bus_match_signal_async)      \
    X(sd_bus_call)                    \
    X(sd_bus_call_async)              \
    X(sd_bus_get_property_string)     \
    X(sd_bus_error_free)              \
    X(sd_bus_message_new_method_call) \
    X(sd_bus_message_unref)           \
    X(sd_bus_message_append)          \
    X(sd_bus_message_append_array)    \
    X(sd_bus_message_open_container)  \
    X(sd_bus_message_close_container) \
    X(sd_bus_message_read)            \
    X(sd_bus_message_get_error)       \
    X(sd_bus_message_get_errno)

struct sdbus {
#define X(name) __typeof__(&name) name;
    SDBUS_FUNCTIONS(X)
#undef X
};

/* Load libsystemd.so.0 once per process; it stays. *ret points to static memory. Returns 0, or -ENOPKG naming
 * the library or the function that is missing. */
int sdbus_load(const struct sdbus **ret, struct err *e);

#endif
