// SPDX-License-Identifier: Apache-2.0
/* The rows: global options, each verb's options, the verbs. */
#include <stdint.h>

#include "oci/cli.h"

#define FLAG(name, letter, field, help)                                    \
    {                                                                      \
        name, letter, OPTION_FLAG, offsetof(struct cli, field), NULL, help \
    }
#define STRING(name, letter, field, value, help)                              \
    {                                                                         \
        name, letter, OPTION_STRING, offsetof(struct cli, field), value, help \
    }
#define LIST(name, letter, field, value, help)                              \
    {                                                                       \
        name, letter, OPTION_LIST, offsetof(struct cli, field), value, help \
    }
#define END  \
    {        \
        NULL \
    }

/* clang-format off */
const struct option_row global_options[] = {
    STRING("root", 0, root, "DIR", "keep container state in DIR ($XDG_RUNTIME_DIR/lichen, /run/lichen for root)"),
    STRING("log", 0, log, "FILE", "append log messages to FILE"),
    STRING("log-format", 0, log_format, "FORMAT", "text or json"),
    STRING("log-level", 0, log_level, "LEVEL", "debug, info, warning or error: the least that is logged"),
    FLAG("debug", 0, debug, "log debug messages"),
    FLAG("systemd-cgroup", 's', systemd_cgroup, "use systemd for cgroups; cgroupsPath is slice:prefix:name"),
    STRING("cgroup-manager", 0, cgroup_manager, "MANAGER", "systemd, cgroupfs or disabled (default: what the host allows)"),
    STRING("criu", 0, criu, "FILE", "accepted for runc's sake; see checkpoint"),
    STRING("rootless", 0, rootless, "BOOL", "accepted for runc's sake; lichen finds out by itself"),
    STRING("config", 0, config, "FILE", "read FILE instead of the bundle's config.json"),
    FLAG("help", 'h', help, "show this help"),
    FLAG("version", 'v', version, "show the version"),
    END
};

#define CREATE_OPTIONS \
    STRING("bundle", 'b', bundle, "DIR", "the bundle's directory (default: the current one)"), \
    STRING("console-socket", 0, console_socket, "SOCKET", "send the terminal's master to this AF_UNIX socket"), \
    STRING("pid-file", 0, pid_file, "FILE", "write the process's pid to FILE"), \
    STRING("pidfd-socket", 0, pidfd_socket, "SOCKET", "send a pidfd of the process to this AF_UNIX socket"), \
    STRING("preserve-fds", 0, preserve_fds, "N", "hand descriptors 3 to 3+N-1 to the process"), \
    FLAG("no-pivot", 0, no_pivot, "enter the root with MS_MOVE and chroot instead of pivot_root (initramfs)"), \
    FLAG("no-new-keyring", 0, no_new_keyring, "keep the caller's session keyring"), \
    STRING("ids", 0, ids, "MODE", "for a bundle without mappings: default, keep-id or single"), \
    STRING("net", 0, net, "MODE", "slirp[:OPTIONS], none, host or the path of a network namespace"), \
    LIST("publish", 'p', publish, "PORT", "[ip:]host:container[/udp], with --net slirp; repeatable"), \
    FLAG("overlay", 0, overlay, "mount a throw-away writable layer over the root; root.path stays untouched"), \
    STRING("config", 'f', config, "FILE", "read FILE instead of the bundle's config.json"), \
    FLAG("dry-run", 0, dry_run, "print what would be done as JSON and create nothing")

static const struct option_row create_options[] = { CREATE_OPTIONS, END };

static const struct option_row run_options[] = {
    CREATE_OPTIONS,
    FLAG("detach", 'd', detach, "return as soon as the process runs"),
    FLAG("keep", 0, keep, "do not delete the container when its process has ended"),
    FLAG("no-subreaper", 0, no_subreaper, "accepted for runc's sake"),
    END
};

static const struct option_row exec_options[] = {
    STRING("process", 'p', process, "FILE", "take the whole process object from FILE"),
    FLAG("tty", 't', tty, "give the process a terminal"),
    FLAG("detach", 'd', detach, "return as soon as the process runs"),
    STRING("pid-file", 0, pid_file, "FILE", "write the process's pid to FILE"),
    STRING("pidfd-socket", 0, pidfd_socket, "SOCKET", "send a pidfd of the process to this AF_UNIX socket"),
    STRING("console-socket", 0, console_socket, "SOCKET", "send the terminal's master to this AF_UNIX socket"),
    STRING("user", 'u', user, "UID[:GID]", "run as this user (numbers)"),
    LIST("additional-gids", 'g', additional_gids, "GID", "an additional group; repeatable"),
    STRING("cwd", 0, cwd, "DIR", "working directory in the container"),
    LIST("env", 'e', env, "NAME=VALUE", "set an environment variable; repeatable"),
    LIST("cap", 'c', caps, "CAP_NAME", "add a capability to all sets; repeatable"),
    FLAG("no-new-privs", 0, no_new_privs, "set no_new_privs"),
    STRING("apparmor", 0, apparmor, "PROFILE", "AppArmor profile for the process"),
    STRING("process-label", 0, process_label, "LABEL", "SELinux label for the process"),
    STRING("cgroup", 0, cgroup, "PATH", "run in this cgroup below the container's"),
    STRING("preserve-fds", 0, preserve_fds, "N", "hand descriptors 3 to 3+N-1 to the process"),
    FLAG("ignore-paused", 0, ignore_paused, "allow exec in a paused container"),
    END
};

static const struct option_row kill_options[] = {
    FLAG("all", 'a', all, "signal every process of the container"),
    FLAG("regex", 'r', regex, "CONTAINER is a regular expression: every container whose id matches"),
    END
};

static const struct option_row delete_options[] = {
    FLAG("force", 'f', force, "kill the container first; no error when there is none"),
    FLAG("regex", 'r', regex, "CONTAINER is a regular expression: every container whose id matches"),
    END
};

static const struct option_row list_options[] = {
    STRING("format", 'f', format, "FORMAT", "table or json"),
    FLAG("quiet", 'q', quiet, "ids only"),
    FLAG("stats", 0, stats, "add memory, cpu time and process count"),
    END
};

static const struct option_row ps_options[] = {
    STRING("format", 'f', format, "FORMAT", "table or json"),
    FLAG("stats", 0, stats, "print the cgroup's statistics as JSON instead"),
    END
};

static const struct option_row update_options[] = {
    STRING("resources", 'r', resources, "FILE", "take a linux.resources object from FILE (- for stdin); the other options are ignored then"),
    STRING("memory", 0, memory, "BYTES", "memory limit (512m, 2g; -1 none)"),
    STRING("memory-reservation", 0, memory_reservation, "BYTES", "memory that is not reclaimed (-1 all)"),
    STRING("memory-swap", 0, memory_swap, "BYTES", "memory and swap together (-1 no limit)"),
    STRING("cpu-period", 0, cpu_period, "US", "period of the quota, in microseconds (0 the default)"),
    STRING("cpu-quota", 0, cpu_quota, "US", "cpu time in each period, in microseconds (-1 no limit)"),
    STRING("cpu-burst", 0, cpu_burst, "US", "unused quota that may be saved up, in microseconds"),
    STRING("cpu-share", 0, cpu_shares, "N", "weight against other containers, 2 to 262144"),
    STRING("cpu-shares", 0, cpu_shares, "N", "the same"),
    STRING("cpu-idle", 0, cpu_idle, "0|1", "1: run only when nothing else wants to"),
    STRING("cpu-rt-period", 0, cpu_rt_period, "US", "cgroup v1 only: refused"),
    STRING("cpu-rt-runtime", 0, cpu_rt_runtime, "US", "cgroup v1 only: refused"),
    STRING("cpuset-cpus", 0, cpuset_cpus, "LIST", "processors to run on (0-3,7)"),
    STRING("cpuset-mems", 0, cpuset_mems, "LIST", "memory nodes to use"),
    STRING("l3-cache-schema", 0, l3_cache_schema, "LINE", "L3 cache of the container's resctrl group, as L3:0=7f0 (root)"),
    STRING("mem-bw-schema", 0, mem_bw_schema, "LINE", "memory bandwidth of the container's resctrl group, as MB:0=50 (root)"),
    STRING("pids-limit", 0, pids_limit, "N", "number of processes (-1 no limit)"),
    STRING("blkio-weight", 0, blkio_weight, "N", "share of the disks, 10 to 1000"),
    STRING("kernel-memory", 0, kernel_memory, "BYTES", "accepted for runc's sake, ignored with a warning"),
    STRING("kernel-memory-tcp", 0, kernel_memory_tcp, "BYTES", "accepted for runc's sake, ignored with a warning"),
    END
};

static const struct option_row events_options[] = {
    STRING("interval", 0, interval, "DURATION", "time between two statistics (default 5s)"),
    FLAG("stats", 0, stats, "print the statistics once and exit"),
    END
};

static const struct option_row spec_options[] = {
    STRING("bundle", 'b', bundle, "DIR", "write DIR/config.json (default: the current directory)"),
    FLAG("rootless", 0, rootless_spec, "with a user namespace and your own id mappings"),
    END
};

static const struct option_row doctor_options[] = {
    FLAG("json", 0, json, "machine-readable"),
    END
};

const struct verb verbs[] = {
    { "create", "CONTAINER", "create a container: everything but the process itself", create_options, 1, 1, false, 1, verb_create },
    { "start", "CONTAINER", "run the process of a created container", NULL, 1, 1, false, 1, verb_start },
    { "state", "CONTAINER", "print the state of a container as JSON", NULL, 1, 1, false, 1, verb_state },
    { "kill", "CONTAINER [SIGNAL]", "send a signal (default TERM) to the container's process", kill_options, 1, 2, false, 1, verb_kill },
    { "delete", "CONTAINER", "remove a stopped container", delete_options, 1, 1, false, 1, verb_delete },
    { "run", "CONTAINER", "create and start, wait for the end, delete; exits as the process did", run_options, 1, 1, false, 1, verb_run },
    { "exec", "CONTAINER [COMMAND [ARGUMENT ...]]", "run another process in a container", exec_options, 1, SIZE_MAX, true, 255, verb_exec },
    { "list", "", "list containers", list_options, 0, 0, false, 1, verb_list },
    { "ps", "CONTAINER [PS OPTION ...]", "show the processes of a container", ps_options, 1, SIZE_MAX, true, 1, verb_ps },
    { "pause", "CONTAINER", "freeze all processes of a container", NULL, 1, 1, false, 1, verb_pause },
    { "resume", "CONTAINER", "thaw a paused container", NULL, 1, 1, false, 1, verb_resume },
    { "update", "CONTAINER", "change the limits of a container; what is not named stays", update_options, 1, 1, false, 1, verb_update },
    { "events", "CONTAINER", "print statistics and OOM kills as JSON lines until the container ends", events_options, 1, 1, false, 1, verb_events },
    { "mounts", "add|remove CONTAINER FILE", "add the mounts listed in FILE (JSON, - for stdin) to a running container, or unmount their destinations", NULL, 3, 3, false, 1, verb_mounts },
    { "checkpoint", "CONTAINER", "refused: CRIU cannot save a container that was made without root", NULL, 0, SIZE_MAX, false, 1, verb_checkpoint, true },
    { "restore", "CONTAINER", "refused, as checkpoint", NULL, 0, SIZE_MAX, false, 1, verb_checkpoint, true },
    { "anchor", "start|stop|status", "keep a user namespace below which containers start without newuidmap", NULL, 1, 1, false, 1, verb_anchor },
    { "spec", "", "write a config.json to start from", spec_options, 0, 0, false, 1, verb_spec },
    { "features", "", "print what this build supports as JSON", NULL, 0, 0, false, 1, verb_features },
    { "doctor", "", "try each prerequisite on this host and say how to fix what is missing", doctor_options, 0, 0, false, 1, verb_doctor },
    { "completion", "SHELL", "print the completion script for bash, zsh or fish", NULL, 1, 1, false, 1, verb_completion },
    END
};
/* clang-format on */
