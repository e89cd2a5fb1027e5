// SPDX-License-Identifier: Apache-2.0
/* The template of `lichen-oci spec`. Runs in that verb only; pure. */
#include "spec/template.h"

#include <string.h>

#include "base/str.h"

/*
 * The three default capabilities, as docker's smallest useful set in runc's template. No ambient set: without
 * the same capabilities inheritable it would have no effect, and inheritable is a hole (CVE-2022-29162).
 */
#define CAPABILITIES                 \
    "\t\t\t\t\"CAP_AUDIT_WRITE\",\n" \
    "\t\t\t\t\"CAP_KILL\",\n"        \
    "\t\t\t\t\"CAP_NET_BIND_SERVICE\"\n"

static const char process_text[] =
    "\t\"process\": {\n"
    "\t\t\"terminal\": true,\n"
    "\t\t\"user\": {\n"
    "\t\t\t\"uid\": 0,\n"
    "\t\t\t\"gid\": 0\n"
    "\t\t},\n"
    "\t\t\"args\": [\n"
    "\t\t\t\"sh\"\n"
    "\t\t],\n"
    "\t\t\"env\": [\n"
    "\t\t\t\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
    "\t\t\t\"TERM=xterm\"\n"
    "\t\t],\n"
    "\t\t\"cwd\": \"/\",\n"
    "\t\t\"capabilities\": {\n"
    "\t\t\t\"bounding\": [\n" CAPABILITIES "\t\t\t],\n"
    "\t\t\t\"effective\": [\n" CAPABILITIES "\t\t\t],\n"
    "\t\t\t\"permitted\": [\n" CAPABILITIES "\t\t\t]\n"
    "\t\t},\n"
    "\t\t\"rlimits\": [\n"
    "\t\t\t{\n"
    "\t\t\t\t\"type\": \"RLIMIT_NOFILE\",\n"
    "\t\t\t\t\"hard\": 1024,\n"
    "\t\t\t\t\"soft\": 1024\n"
    "\t\t\t}\n"
    "\t\t],\n"
    "\t\t\"noNewPrivileges\": true\n"
    "\t},\n"
    "\t\"root\": {\n"
    "\t\t\"path\": \"rootfs\",\n"
    "\t\t\"readonly\": true\n"
    "\t},\n"
    "\t\"hostname\": \"lichen\",\n";

enum when { ALWAYS, ROOTFUL, ROOTLESS };

struct template_mount {
    enum when when;
    const char *destination, *type, *source;
    const char *options[8];
};

static const struct template_mount mounts[] = {
    { ALWAYS, "/proc", "proc", "proc", { NULL } },
    { ALWAYS, "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
    { ROOTFUL,
      "/dev/pts",
      "devpts",
      "devpts",
      { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
    /* gid 5 may not be mapped: EINVAL then (FIELD-NOTES.md). */
    { ROOTLESS,
      "/dev/pts",
      "devpts",
      "devpts",
      { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
    { ALWAYS, "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
    { ALWAYS, "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
    { ROOTFUL, "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
    /* A sysfs of one's own needs a network namespace of one's own. */
    { ROOTLESS, "/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" } },
    { ALWAYS, "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

static const struct {
    enum when when;
    const char *type;
} namespaces[] = {
    { ALWAYS, "pid" },   { ROOTFUL, "network" }, { ALWAYS, "ipc" },    { ALWAYS, "uts" },
    { ALWAYS, "mount" }, { ALWAYS, "cgroup" },   { ROOTLESS, "user" },
};

static const char paths_text[] = "\t\t\"maskedPaths\": [\n"
                                 "\t\t\t\"/proc/acpi\",\n"
                                 "\t\t\t\"/proc/asound\",\n"
                                 "\t\t\t\"/proc/kcore\",\n"
                                 "\t\t\t\"/proc/keys\",\n"
                                 "\t\t\t\"/proc/latency_stats\",\n"
                                 "\t\t\t\"/proc/timer_list\",\n"
                                 "\t\t\t\"/proc/timer_stats\",\n"
                                 "\t\t\t\"/proc/sched_debug\",\n"
                                 "\t\t\t\"/sys/firmware\",\n"
                                 "\t\t\t\"/proc/scsi\"\n"
                                 "\t\t],\n"
                                 "\t\t\"readonlyPaths\": [\n"
                                 "\t\t\t\"/proc/bus\",\n"
                                 "\t\t\t\"/proc/fs\",\n"
                                 "\t\t\t\"/proc/irq\",\n"
                                 "\t\t\t\"/proc/sys\",\n"
                                 "\t\t\t\"/proc/sysrq-trigger\"\n"
                                 "\t\t]\n";

static bool applies(enum when when, bool rootless)
{
    return when == ALWAYS || (when == ROOTLESS) == rootless;
}

static void put_mount(struct buf *b, const struct template_mount *m)
{
    buf_printf(b,
               "\t\t{\n\t\t\t\"destination\": \"%s\",\n\t\t\t\"type\": \"%s\",\n"
               "\t\t\t\"source\": \"%s\"",
               m->destination, m->type, m->source);
    for (size_t i = 0; i < ARRAY_SIZE(m->options) && m->options[i]; i++)
        buf_printf(b, "%s\t\t\t\t\"%s\"", i ? ",\n" : ",\n\t\t\t\"options\": [\n", m->options[i]);
    buf_puts(b, m->options[0] ? "\n\t\t\t]\n\t\t}" : "\n\t\t}");
}

static void put_mounts(struct buf *b, bool rootless)
{
    const char *separator = "";

    buf_puts(b, "\t\"mounts\": [\n");
    for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
        if (!applies(mounts[i].when, rootless))
            continue;
        buf_puts(b, separator);
        put_mount(b, &mounts[i]);
        separator = ",\n";
    }
    buf_puts(b, "\n\t],\n");
}

static void put_mappings(struct buf *b, const char *key, const struct spec_id_mapping *v, size_t n)
{
    buf_printf(b, "\t\t\"%s\": [\n", key);
    for (size_t i = 0; i < n; i++)
        buf_printf(b,
                   "\t\t\t{\n\t\t\t\t\"containerID\": %u,\n\t\t\t\t\"hostID\": %u,\n"
                   "\t\t\t\t\"size\": %u\n\t\t\t}%s\n",
                   v[i].container_id, v[i].host_id, v[i].size, i + 1 < n ? "," : "");
    buf_puts(b, "\t\t],\n");
}

static void put_namespaces(struct buf *b, bool rootless)
{
    const char *separator = "";

    buf_puts(b, "\t\t\"namespaces\": [\n");
    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
        if (!applies(namespaces[i].when, rootless))
            continue;
        buf_printf(b, "%s\t\t\t{\n\t\t\t\t\"type\": \"%s\"\n\t\t\t}", separator, namespaces[i].type);
        separator = ",\n";
    }
    buf_puts(b, "\n\t\t],\n");
}

char *spec_template(bool rootless, const struct spec_id_mapping *uids, size_t n_uids,
                    const struct spec_id_mapping *gids, size_t n_gids)
{
    struct buf b = { 0 };

    buf_puts(&b, "{\n\t\"ociVersion\": \"" SPEC_VERSION "\",\n");
    buf_puts(&b, process_text);
    put_mounts(&b, rootless);
    buf_puts(&b, "\t\"linux\": {\n");
    if (rootless) {
        put_mappings(&b, "uidMappings", uids, n_uids);
        put_mappings(&b, "gidMappings", gids, n_gids);
    } else {
        buf_puts(&b, "\t\t\"resources\": {\n\t\t\t\"devices\": [\n\t\t\t\t{\n\t\t\t\t\t\"allow\": false,\n"
                     "\t\t\t\t\t\"access\": \"rwm\"\n\t\t\t\t}\n\t\t\t]\n\t\t},\n");
    }
    put_namespaces(&b, rootless);
    buf_puts(&b, paths_text);
    buf_puts(&b, "\t}\n}\n");
    return b.data;
}
