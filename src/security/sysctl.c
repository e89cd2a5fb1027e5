// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel parameters of the container's namespaces. sysctl_check runs in the parent; sysctl_apply in init,
 * after it has entered the namespaces, with their capabilities.
 */
#include "security/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "spec/names.h"

/* namespaces(7): which parameters belong to which namespace. A name ending in "*" is a prefix. */
static const struct {
    const char *name;
    enum spec_ns ns;
    const char *field; /* the field of config.json meant for it: then refused */
} namespaced[] = {
    { "net/*", NS_NETWORK, NULL },
    { "kernel/shm*", NS_IPC, NULL },
    { "kernel/msg*", NS_IPC, NULL },
    { "kernel/sem", NS_IPC, NULL },
    { "fs/mqueue/*", NS_IPC, NULL },
    { "user/*", NS_USER, NULL },
    { "kernel/hostname", NS_UTS, "hostname" },
    { "kernel/domainname", NS_UTS, "domainname" },
};

/*
 * A parameter's path below /proc/sys, in @buf: "net.ipv4.ip_forward", "net/ipv4/ip_forward" and, as sysctl(8)
 * has it, "net.ipv4.conf.eth0/1.forwarding" for the interface eth0.1. -EINVAL when a component is empty or
 * dots.
 */
static int sysctl_path(const char *name, char *buf, size_t size)
{
    size_t first = strcspn(name, "./");
    bool dotted = name[first] == '.';

    if (str_format(buf, size, "%s", name) < 0)
        return -EINVAL;
    for (char *s = buf; dotted && *s; s++) {
        if (*s == '.')
            *s = '/';
        else if (*s == '/')
            *s = '.';
    }
    for (const char *s = buf;; s++) {
        size_t n = strcspn(s, "/");

        if (n == 0 || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
            return -EINVAL;
        s += n;
        if (!*s)
            return strchr(buf, '/') ? 0 : -EINVAL;
    }
}

static bool name_matches(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] == '*')
        return strncmp(pattern, path, n - 1) == 0;
    return strcmp(pattern, path) == 0;
}

static int check_one(const struct spec_key_value *pair, const bool own[NS_N], struct err *e)
{
    char path[NAME_MAX];

    if (sysctl_path(pair->key, path, sizeof(path)) < 0)
        return err_set(e, EINVAL, "linux.sysctl[\"%.64s\"]: is not the name of a kernel parameter",
                       pair->key);
    /* An empty write does nothing and reports nothing. */
    if (!*pair->value)
        return err_set(e, EINVAL, "linux.sysctl[\"%.64s\"]: has an empty value", pair->key);
    for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
        if (!name_matches(namespaced[i].name, path))
            continue;
        if (namespaced[i].field) {
            (void)err_set(e, EINVAL, "linux.sysctl[\"%s\"]: is set by the field \"%s\"", pair->key,
                          namespaced[i].field);
            return err_remedy(e, "use \"%s\" of config.json", namespaced[i].field);
        }
        if (own[namespaced[i].ns])
            return 0;
        (void)err_set(
            e, EINVAL,
            "linux.sysctl[\"%s\"]: belongs to the %s namespace, and the container has none of its own",
            pair->key, spec_ns_table[namespaced[i].ns].name);
        return err_remedy(e, "add {\"type\": \"%s\"} to linux.namespaces, or remove the parameter",
                          spec_ns_table[namespaced[i].ns].name);
    }
    (void)err_set(e, EINVAL,
                  "linux.sysctl[\"%.64s\"]: does not belong to a namespace; it would change the host",
                  pair->key);
    return err_remedy(e,
                      "only net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.* and user.* can be set");
}

int sysctl_check(const struct spec *spec, const bool own[NS_N], struct err *e)
{
    for (size_t i = 0; i < spec->n_sysctl; i++) {
        int r = check_one(&spec->sysctl[i], own, e);

        if (r < 0)
            return r;
    }
    return 0;
}

int sysctl_apply(const struct spec *spec, int proc_fd, struct err *e)
{
    for (size_t i = 0; i < spec->n_sysctl; i++) {
        const struct spec_key_value *pair = &spec->sysctl[i];
        _cleanup_close_ int fd = -1;
        char path[NAME_MAX], full[NAME_MAX + 8];
        int r;

        r = sysctl_path(pair->key, path, sizeof(path));
        if (r < 0)
            return err_set(e, EINVAL, "linux.sysctl[\"%.64s\"]: is not the name of a kernel parameter",
                           pair->key);
        (void)str_format(full, sizeof(full), "sys/%s", path);
        fd = path_open_procfs(proc_fd, full, O_WRONLY);
        r = fd < 0 ? fd : fd_write_all(fd, pair->value, strlen(pair->value));
        if (r < 0)
            return err_sys(e, r, "linux.sysctl[\"%s\"]: cannot write \"%.64s\" to /proc/%s", pair->key,
                           pair->value, full);
    }
    return 0;
}
