// SPDX-License-Identifier: Apache-2.0
/* The plan: composition of its parts. Pure; see plan_ids.c and plan_rootfs.c for the larger ones. */
#include "create/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/resctrl.h"
#include "create/plan_parts.h"
#include "net/netdev.h"
#include "security/caps.h"
#include "security/limits.h"
#include "security/mempolicy.h"
#include "security/seccomp.h"
#include "security/sysctl.h"
#include "spec/names.h"

/* Append a copy of the formatted text to @list. */
static void add_text(struct plan *plan, struct spec_strings *list, const char *text)
{
    const char **v = ARENA_ARRAY(&plan->arena, list->n + 2, const char *);

    for (size_t i = 0; i < list->n; i++)
        v[i] = list->v[i];
    v[list->n++] = arena_strdup(&plan->arena, text);
    list->v = v;
}

void plan_downgrade(struct plan *plan, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    add_text(plan, &plan->downgrades, text);
}

/* A downgrade that the specification wants logged as a warning. */
static void warn_of_capability(struct plan *plan, const char *name, const char *why)
{
    plan_downgrade(plan, "process.capabilities: %s %s, it is left out", name, why);
    add_text(plan, &plan->warnings, plan->downgrades.v[plan->downgrades.n - 1]);
}

/* In a user namespace of its own a container may have all that the kernel knows; else no more than its
 * caller. */
static void check_capabilities(struct plan *plan, const struct host *host)
{
    const struct spec_capabilities *caps = &plan->spec->process.capabilities;
    char names[ERR_MESSAGE_MAX / 2];

    for (size_t i = 0; i < caps->unknown.n; i++)
        warn_of_capability(plan, caps->unknown.v[i], "is not known here");
    if (!plan->make_userns && !plan->join_userns && caps_missing(caps, host->bounding, names, sizeof(names)))
        warn_of_capability(plan, names, "is not in the caller's bounding set");
}

/* Namespaces: which are made, which joined, which shared. */
static int plan_namespaces(struct plan *plan, const struct host *host, struct err *e)
{
    const struct spec *spec = plan->spec;

    for (int ns = 0; ns < NS_N; ns++) {
        const struct spec_namespace *wanted = &spec->namespaces[ns];

        plan->own[ns] = wanted->present && !wanted->path;
        plan->join[ns] = wanted->present ? wanted->path : NULL;
    }
    if (!spec->namespaces[NS_MOUNT].present) {
        err_set(e, EINVAL, "linux.namespaces: a mount namespace is required");
        return err_remedy(
            e, "add {\"type\": \"mount\"}: without one the container's mounts would be the host's");
    }
    /* Rootless first: a stock bundle without a user namespace gets one (DESIGN.md section 4). */
    if (!spec->namespaces[NS_USER].present && !host->privileged && !host->namespace_root)
        plan->own[NS_USER] = true;
    plan->make_userns = plan->own[NS_USER];
    plan->join_userns = plan->join[NS_USER] != NULL;
    plan->in_userns = plan->make_userns || plan->join_userns || !host->initial_userns;
    return 0;
}

/* The network: --net wins over the annotation, which wins over what the namespaces say. */
static int plan_network(struct plan *plan, struct err *e)
{
    const char *annotation = spec_annotation(plan->spec, "io.lichen.net");
    const char *text = plan->options.net ? plan->options.net : annotation;
    int r = 0;

    net_config_init(&plan->net);
    if (text)
        r = net_parse_mode(text, &plan->net, e);
    for (size_t i = 0; r >= 0 && i < plan->options.publish.n; i++)
        r = net_parse_publish(plan->options.publish.v[i], &plan->net, e);
    if (r < 0)
        return err_prefix(e, "%s", plan->options.net || !annotation ? "network" : "annotation io.lichen.net");
    switch (plan->net.mode) {
    case NET_NONE:
    case NET_SLIRP:
        if (plan->join[NS_NETWORK] && plan->net.mode == NET_SLIRP)
            return err_set(e, EINVAL,
                           "network slirp: linux.namespaces already names the network namespace %s",
                           plan->join[NS_NETWORK]);
        plan->own[NS_NETWORK] = !plan->join[NS_NETWORK];
        break;
    case NET_HOST:
        plan->own[NS_NETWORK] = false;
        plan->join[NS_NETWORK] = NULL;
        plan_downgrade(
            plan, "network host: the container can reach the host's abstract sockets and loopback services");
        break;
    case NET_PATH:
        plan->own[NS_NETWORK] = false;
        plan->join[NS_NETWORK] = plan->net.path;
        break;
    default:
        break;
    }
    if (plan->net.n_ports && plan->net.mode != NET_SLIRP)
        return err_set(e, EINVAL, "--publish %s: only a slirp network (--net slirp) has published ports",
                       plan->options.publish.v[0]);
    plan->setup_tap = plan->net.mode == NET_SLIRP;
    plan->setup_loopback = plan->own[NS_NETWORK] && !plan->setup_tap;
    return 0;
}

static int plan_net_devices(const struct plan *plan, struct err *e)
{
    const struct spec *spec = plan->spec;

    if (spec->n_net_devices && !plan->own[NS_NETWORK] && !plan->join[NS_NETWORK]) {
        err_set(e, EINVAL,
                "linux.netDevices: the container shares the host's network namespace, where the devices "
                "are");
        return err_remedy(e, "add {\"type\": \"network\"} to linux.namespaces");
    }
    return netdev_check(spec->net_devices, spec->n_net_devices, e);
}

static int plan_cgroup(struct plan *plan, const struct host *host, struct err *e)
{
    const struct cgroup_request request = {
        .manager = plan->options.cgroup_manager,
        .systemd_cgroup = plan->options.systemd_cgroup,
        .id = plan->options.id,
        .cgroups_path = plan->spec->cgroups_path,
        .resources = &plan->spec->resources,
        .n_annotations = plan->spec->n_annotations,
        .annotations = plan->spec->annotations,
    };
    int r;

    r = cgroup_decide(&host->cgroup, &request, &plan->cgroup, e);
    if (r < 0)
        return r;
    if (plan->cgroup.downgrade[0])
        plan_downgrade(plan, "%s", plan->cgroup.downgrade);
    /* Nothing but a pid namespace or a cgroup can find all the processes at kill (runc#4394). */
    if (plan->spec->has_process && !plan->own[NS_PID] && plan->cgroup.manager == CGROUP_NONE) {
        err_set(e, EINVAL,
                "linux.namespaces: no pid namespace of its own, and no cgroup here: killing the container "
                "would leave processes behind");
        return err_remedy(
            e, "add {\"type\": \"pid\"}, or run where a cgroup is delegated (systemd user session)");
    }
    return 0;
}

/* Checks of the process against the host: what cannot hold is refused before anything is created. */
static int plan_process(struct plan *plan, const struct host *host, struct err *e)
{
    const struct spec_process *p = &plan->spec->process;
    uint32_t host_id;
    int r;

    if (!plan->spec->has_process)
        return 0;
    if (plan->has_map && idmap_to_host(&plan->uids, p->user.uid, &host_id) < 0)
        return err_set(e, EINVAL, "process.user.uid %u is not mapped in the container (%llu ids are)",
                       p->user.uid, (unsigned long long)idmap_size(&plan->uids));
    if (plan->has_map && idmap_to_host(&plan->gids, p->user.gid, &host_id) < 0)
        return err_set(e, EINVAL, "process.user.gid %u is not mapped in the container (%llu ids are)",
                       p->user.gid, (unsigned long long)idmap_size(&plan->gids));
    for (size_t i = 0; plan->has_map && i < p->user.n_additional_gids; i++) {
        if (idmap_to_host(&plan->gids, p->user.additional_gids[i], &host_id) < 0)
            return err_set(e, EINVAL, "process.user.additionalGids[%zu]: %u is not mapped in the container",
                           i, p->user.additional_gids[i]);
    }
    if (p->apparmor_profile && *p->apparmor_profile && !host->apparmor &&
        !str_eq(p->apparmor_profile, "unconfined"))
        return err_set(e, EINVAL, "process.apparmorProfile %s: AppArmor is not enabled on this host",
                       p->apparmor_profile);
    if (p->selinux_label && *p->selinux_label && !host->selinux)
        return err_set(e, EINVAL, "process.selinuxLabel %s: SELinux is not enabled on this host",
                       p->selinux_label);
    check_capabilities(plan, host);
    /* Real-time classes are the initial user namespace's to give: a container in another cannot take them. */
    r = limits_check(p, host->privileged, e);
    if (r >= 0 && host->privileged && plan->in_userns)
        r = limits_check_scheduling(p, e);
    if (r >= 0)
        r = mempolicy_check(&plan->spec->memory_policy, e);
    if (r >= 0)
        r = resctrl_check(&plan->spec->intel_rdt, host->privileged, e);
    if (r < 0)
        return r;
    plan->terminal = p->terminal;
    if (plan->terminal && plan->options.detach && !plan->options.console_socket) {
        err_set(e, EINVAL, "process.terminal is true, but there is nowhere to hand the terminal to");
        return err_remedy(e, "give --console-socket SOCKET, or set process.terminal to false");
    }
    if (!plan->terminal && plan->options.console_socket)
        return err_set(e, EINVAL, "--console-socket %s: process.terminal is false",
                       plan->options.console_socket);
    return 0;
}

/* config-linux.md: SCMP_ACT_NOTIFY needs a listener. listenerPath, else crun's two ways to name it. */
static int plan_seccomp(struct plan *plan, struct err *e)
{
    const struct spec_seccomp *seccomp = &plan->spec->seccomp;
    const char *path = seccomp->listener_path;

    if (!plan->spec->has_process || !seccomp->set || !seccomp_uses_notify(seccomp))
        return 0;
    path = path ? path : spec_annotation(plan->spec, "run.oci.seccomp.receiver");
    path = path ? path : plan->options.seccomp_receiver;
    if (!path) {
        err_set(e, EINVAL, "linux.seccomp.listenerPath: is required by SCMP_ACT_NOTIFY, but missing");
        return err_remedy(e, "name the socket of a seccomp agent, or use another action");
    }
    if (*path != '/')
        return err_set(e, EINVAL, "the seccomp receiver %s is not an absolute path", path);
    plan->seccomp_listener = path;
    return 0;
}

static void collect_clone_flags(struct plan *plan)
{
    plan->clone_flags = 0;
    for (int ns = 0; ns < NS_N; ns++) {
        /* The user namespace is the stage's; the time namespace needs its offsets first; the cgroup one the
         * right cgroup. */
        if (plan->own[ns] && ns != NS_USER && ns != NS_TIME && ns != NS_CGROUP)
            plan->clone_flags |= spec_ns_table[ns].clone_flag;
    }
}

int plan_make(const struct spec *spec, const struct create_options *options, const struct host *host,
              struct plan *ret, struct err *e)
{
    int r;

    memset(ret, 0, sizeof(*ret));
    ret->spec = spec;
    ret->options = *options;
    ret->runtime_hooks = spec->hooks.n[HOOK_PRESTART] || spec->hooks.n[HOOK_CREATE_RUNTIME];
    r = plan_namespaces(ret, host, e);
    if (r >= 0)
        r = plan_network(ret, e);
    if (r >= 0)
        r = plan_net_devices(ret, e);
    if (r >= 0)
        r = plan_ids(ret, host, e);
    if (r >= 0)
        r = plan_cgroup(ret, host, e);
    if (r >= 0)
        r = plan_rootfs(ret, host, e);
    if (r >= 0)
        r = plan_process(ret, host, e);
    if (r >= 0)
        r = plan_seccomp(ret, e);
    if (r >= 0)
        r = sysctl_check(spec, ret->own, e);
    if (r >= 0 && spec->hostname && !ret->own[NS_UTS] && !ret->join[NS_UTS])
        r = err_set(e, EINVAL, "hostname %s: a uts namespace is needed to set it", spec->hostname);
    if (r >= 0 && spec->domainname && !ret->own[NS_UTS] && !ret->join[NS_UTS])
        r = err_set(e, EINVAL, "domainname %s: a uts namespace is needed to set it", spec->domainname);
    if (r >= 0 && (spec->time_offset_boottime.set || spec->time_offset_monotonic.set) && !ret->own[NS_TIME])
        r = err_set(e, EINVAL, "linux.timeOffsets: a new time namespace is needed to set them");
    if (r < 0)
        return r;
    collect_clone_flags(ret);
    return 0;
}

void plan_free(struct plan *plan)
{
    net_config_free(&plan->net);
    arena_free(&plan->arena);
}
