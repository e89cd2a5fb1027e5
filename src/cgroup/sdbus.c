// SPDX-License-Identifier: Apache-2.0
/* Loading libsystemd. Runs in the parent and at delete, as the caller; before any thread and after no fork
 * that uses it. */
#include "cgroup/sdbus.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define LIBRARY "libsystemd.so.0"

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define X(function) { #function, offsetof(struct sdbus, function) },
    SDBUS_FUNCTIONS(X)
#undef X
};

int sdbus_load(const struct sdbus **ret, struct err *e)
{
    static struct sdbus loaded;
    static void *library;

    if (library) {
        *ret = &loaded;
        return 0;
    }
    library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        err_set(e, ENOPKG, "systemd cgroup: %s", dlerror());
        return err_remedy(e, "install libsystemd0, or use --cgroup-manager cgroupfs or disabled");
    }
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        void *address = dlsym(library, functions[i].name);

        if (!address) {
            dlclose(library);
            library = NULL;
            err_set(e, ENOPKG, "systemd cgroup: %s has no %s", LIBRARY, functions[i].name);
            return err_remedy(e, "systemd 245 or newer is needed");
        }
        /* POSIX: dlsym's result may be used as a function pointer. */
        memcpy((char *)&loaded + functions[i].offset, &address, sizeof(address));
    }
    *ret = &loaded;
    return 0;
}
