// SPDX-License-Identifier: Apache-2.0
/*
 * cgroup/systemd.c and lichen-bus against a made-up systemd: a child that speaks D-Bus on a socket of its
 * own, both broker and manager. What it was asked for it writes into a file; how it answers is told by the
 * test. The real one is in bats/cgroup.bats.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/private.h"
#include "tests/unit.h"

#define JOB   "/org/freedesktop/systemd1/job/42"
#define SCOPE "lichen-unit.scope"

enum answer { ANSWER_DONE, ANSWER_FAILED, ANSWER_EXISTS, ANSWER_UNKNOWN, ANSWER_HANG_UP };

static char directory[64], socket_path[128], log_path[128];
static enum answer answer;

static void note(const char *text)
{
    int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    (void)fd_write_all(fd, text, strlen(text));
    fd_close(fd);
}

/* "name=value " for one property; byte arrays in hex. */
static void note_property(sd_bus_message *m)
{
    char text[256] = "", type;
    const char *name, *contents, *s;
    const uint8_t *bytes;
    const uint32_t *pids;
    uint64_t t;
    size_t size;
    int b;

    sd_bus_message_read(m, "s", &name);
    sd_bus_message_peek_type(m, &type, &contents);
    if (str_eq(contents, "s") && sd_bus_message_read(m, "v", "s", &s) >= 0)
        (void)str_format(text, sizeof(text), "%s=%s ", name, s);
    else if (str_eq(contents, "b") && sd_bus_message_read(m, "v", "b", &b) >= 0)
        (void)str_format(text, sizeof(text), "%s=%s ", name, b ? "yes" : "no");
    else if (str_eq(contents, "t") && sd_bus_message_read(m, "v", "t", &t) >= 0)
        (void)str_format(text, sizeof(text), "%s=%llu ", name, (unsigned long long)t);
    else if (sd_bus_message_enter_container(m, 'v', contents) >= 0) {
        if (str_eq(contents, "ay") && sd_bus_message_read_array(m, 'y', (const void **)&bytes, &size) >= 0)
            (void)str_format(text, sizeof(text), "%s=%zu:%02x ", name, size, size ? bytes[0] : 0U);
        else if (str_eq(contents, "au") &&
                 sd_bus_message_read_array(m, 'u', (const void **)&pids, &size) >= 0)
            (void)str_format(text, sizeof(text), "%s=%zu:%u ", name, size / 4, size ? pids[0] : 0U);
        sd_bus_message_exit_container(m);
    }
    note(text);
}

static void note_properties(sd_bus_message *m)
{
    sd_bus_message_enter_container(m, 'a', "(sv)");
    while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
        note_property(m);
        sd_bus_message_exit_container(m);
    }
    sd_bus_message_exit_container(m);
}

static void send_removed(sd_bus *bus, const char *job, const char *unit, const char *result)
{
    sd_bus_message *signal = NULL;

    sd_bus_message_new_signal(bus, &signal, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                              "JobRemoved");
    sd_bus_message_append(signal, "uoss", 42, job, unit, result);
    sd_bus_message_set_sender(signal, "org.freedesktop.systemd1");
    sd_bus_send(bus, signal, NULL);
    sd_bus_message_unref(signal);
}

static int start_job(sd_bus *bus, sd_bus_message *m, const char *unit)
{
    if (answer == ANSWER_EXISTS)
        return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.UnitExists", "Unit %s already exists.",
                                          unit);
    if (answer == ANSWER_UNKNOWN)
        return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.ServiceUnknown", "no such name");
    if (answer == ANSWER_HANG_UP)
        _exit(0);
    sd_bus_reply_method_return(m, "o", JOB);
    /* Others' jobs are none of ours. */
    send_removed(bus, JOB "1", SCOPE, "failed");
    send_removed(bus, JOB, "other.scope", "failed");
    send_removed(bus, JOB, unit, answer == ANSWER_DONE ? "done" : "failed");
    return 1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const char *member = sd_bus_message_get_member(m), *unit = "", *mode = "";
    int runtime;

    (void)userdata;
    (void)error;
    if (sd_bus_message_is_method_call(m, NULL, "Hello"))
        return sd_bus_reply_method_return(m, "s", ":1.7");
    if (sd_bus_message_is_method_call(m, NULL, "AddMatch"))
        return sd_bus_reply_method_return(m, NULL);
    if (!sd_bus_message_is_method_call(m, "org.freedesktop.systemd1.Manager", NULL))
        return 0;
    note(member);
    note(" ");
    if (str_eq(member, "StartTransientUnit")) {
        sd_bus_message_read(m, "ss", &unit, &mode);
        note(unit);
        note(" ");
        note_properties(m);
        return start_job(sd_bus_message_get_bus(m), m, unit);
    }
    if (str_eq(member, "SetUnitProperties")) {
        sd_bus_message_read(m, "sb", &unit, &runtime);
        note_properties(m);
        return sd_bus_reply_method_return(m, NULL);
    }
    return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", SCOPE);
}

static void __attribute__((noreturn)) serve(int listener)
{
    sd_id128_t id = SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 10);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        sd_bus *bus = NULL;

        sd_bus_new(&bus);
        sd_bus_set_fd(bus, fd, fd);
        sd_bus_set_server(bus, 1, id);
        sd_bus_start(bus);
        sd_bus_add_filter(bus, NULL, on_message, NULL);
        while (sd_bus_process(bus, NULL) >= 0 && sd_bus_is_open(bus) > 0)
            sd_bus_wait(bus, 1000000);
        sd_bus_unref(bus);
    }
}

static pid_t systemd_start(enum answer how)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[160];
    pid_t pid;

    answer = how;
    (void)str_format(directory, sizeof(directory), "/tmp/lichen-unit-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    (void)str_format(socket_path, sizeof(socket_path), "%s/bus", directory);
    (void)str_format(log_path, sizeof(log_path), "%s/log", directory);
    (void)str_format(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    CHECK_INT(listen(listener, 5), 0);
    (void)str_format(text, sizeof(text), "unix:path=%s", socket_path);
    setenv("DBUS_SESSION_BUS_ADDRESS", text, 1);
    setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0)
        serve(listener);
    fd_close(listener);
    return pid;
}

/* Ends it; what it was asked for. */
static const char *systemd_stop(pid_t pid)
{
    static char text[4096];
    struct buf b = { 0 };
    int status;

    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    text[0] = '\0';
    if (fd_read_file(AT_FDCWD, log_path, sizeof(text) - 1, &b) >= 0)
        (void)str_format(text, sizeof(text), "%s", b.data);
    buf_free(&b);
    (void)unlink(log_path);
    (void)unlink(socket_path);
    (void)rmdir(directory);
    return text;
}

static const struct cgroup_plan plan = {
    .manager = CGROUP_SYSTEMD, .user = true, .slice = "user.slice", .scope = SCOPE, .mount = "/sys/fs/cgroup"
};

static int begin_and_finish(const struct spec_resources *resources, struct err *e)
{
    struct cgroup cg;
    int r = cgroup_begin(&plan, resources, getpid(), &cg, e);

    CHECK_INT(r, 0);
    if (r < 0)
        return r;
    r = cgroup_finish(&cg, resources, getpid(), e);
    cgroup_close(&cg);
    return r;
}

static void the_scope_is_asked_for_with_its_limits(void)
{
    struct spec_resources r = {
        .memory = { .limit = { true, 1000 }, .swap = { true, 1500 }, .reservation = { true, -1 } }
    };
    static const struct spec_key_value annotations[] = {
        { "org.systemd.property.TimeoutStopSec", "1.5" },
        { "org.systemd.property.Documentation", "'man:lichen'" },
        { "other", "x" },
    };
    struct cgroup_plan with_properties;
    struct cgroup cg;
    struct err e = { 0 };
    const char *log;
    char pids[32];
    pid_t pid = systemd_start(ANSWER_DONE);

    r.cpu.shares = (struct opt_u64){ true, 1024 };
    r.cpu.quota = (struct opt_i64){ true, 5500 };
    r.cpu.period = (struct opt_u64){ true, 50000 };
    r.cpu.cpus = "0-1,3";
    r.pids_limit = (struct opt_i64){ true, 7 };
    /* This process is not in the scope: the job was done, the directory is not found. */
    CHECK(begin_and_finish(&r, &e) < 0);
    CHECK(strstr(e.message, "systemd unit lichen-unit.scope: "));
    CHECK(strstr(e.message, "the container's init (pid "));
    with_properties = plan;
    with_properties.n_annotations = 3;
    with_properties.annotations = annotations;
    CHECK_INT(cgroup_begin(&with_properties, &r, getpid(), &cg, &e), 0);
    CHECK(cgroup_finish(&cg, &r, getpid(), &e) < 0);
    cgroup_close(&cg);
    log = systemd_stop(pid);
    CHECK(strstr(log, " TimeoutStopUSec=1500000 "));
    CHECK(strstr(log, " Documentation=man:lichen "));
    (void)str_format(pids, sizeof(pids), " PIDs=1:%d ", (int)getpid());
    CHECK(str_has_prefix(log, "StartTransientUnit lichen-unit.scope "));
    CHECK(strstr(log, pids));
    CHECK(
        strstr(log, " Slice=user.slice Delegate=yes DefaultDependencies=no CollectMode=inactive-or-failed "));
    CHECK(strstr(log, " MemoryMax=1000 MemoryLow=18446744073709551615 MemorySwapMax=500 "));
    CHECK(strstr(
        log,
        " CPUWeight=100 CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=110000 AllowedCPUs=1:0b TasksMax=7 "));
}

static void a_job_that_fails_is_an_error_with_the_units_name(void)
{
    static const struct spec_resources none;
    struct err e = { 0 };
    pid_t pid = systemd_start(ANSWER_FAILED);

    CHECK_INT(begin_and_finish(&none, &e), -EIO);
    CHECK_STR(e.message, "systemd unit lichen-unit.scope: its job ended with \"failed\"");
    CHECK(strstr(e.remedy, "journalctl"));
    (void)systemd_stop(pid);
}

static void a_refused_call_says_what_systemd_said(void)
{
    static const struct spec_resources none;
    struct err e = { 0 };
    pid_t pid = systemd_start(ANSWER_EXISTS);

    CHECK(begin_and_finish(&none, &e) < 0);
    CHECK(strstr(e.message, "lichen-unit.scope already exists."));
    CHECK(strstr(e.remedy, "stop lichen-unit.scope"));
    (void)systemd_stop(pid);
    pid = systemd_start(ANSWER_UNKNOWN);
    CHECK(begin_and_finish(&none, &e) < 0);
    CHECK(strstr(e.message, "no such name"));
    CHECK(strstr(e.remedy, "no systemd on that bus"));
    (void)systemd_stop(pid);
}

static void a_systemd_that_hangs_up_is_an_error(void)
{
    static const struct spec_resources none;
    struct err e = { 0 };
    pid_t pid = systemd_start(ANSWER_HANG_UP);

    CHECK(begin_and_finish(&none, &e) < 0);
    CHECK(str_has_prefix(e.message, "systemd unit lichen-unit.scope: "));
    (void)systemd_stop(pid);
}

static void a_missing_bus_is_an_error_that_names_the_address(void)
{
    static const struct spec_resources none;
    struct err e = { 0 };
    char standard[64];

    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
    /* A developer's own bus at /run/user/UID/bus is the last one tried. */
    (void)str_format(standard, sizeof(standard), "/run/user/%u/bus", (unsigned)geteuid());
    if (access(standard, F_OK) == 0)
        return;
    CHECK(begin_and_finish(&none, &e) < 0);
    CHECK(strstr(e.message, "unix:path=/nonexistent/bus"));
    CHECK(strstr(e.remedy, "loginctl enable-linger"));
}

/* What a lichen-bus that prints @script's output is taken for. */
static int answer_of(const char *script, struct err *e)
{
    static const struct spec_resources none;
    int dirfd, r;

    (void)str_format(directory, sizeof(directory), "/tmp/lichen-unit-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(fd_replace_file(dirfd, "lichen-bus", 0755, script, strlen(script), false), 0);
    setenv("LICHEN_LIBEXECDIR", directory, 1);
    r = begin_and_finish(&none, e);
    unsetenv("LICHEN_LIBEXECDIR");
    (void)unlinkat(dirfd, "lichen-bus", 0);
    (void)rmdir(directory);
    fd_close(dirfd);
    return r;
}

static void a_helper_that_is_missing_or_broken_is_an_error_that_names_it(void)
{
    static const struct spec_resources none;
    struct cgroup cg;
    struct err e = { 0 };

    setenv("LICHEN_LIBEXECDIR", "/nonexistent", 1);
    CHECK_INT(cgroup_begin(&plan, &none, getpid(), &cg, &e), -ENOENT);
    CHECK(strstr(e.message, "/nonexistent/lichen-bus"));
    CHECK_INT(answer_of("#!/bin/sh\necho no\n", &e), -EPROTO);
    CHECK(strstr(e.remedy, "from one build"));
    CHECK_INT(answer_of("#!/bin/sh\n", &e), -EPIPE);
    CHECK(strstr(e.message, "lichen-bus ended without an answer"));
}

static void a_scope_that_is_gone_is_not_there_to_open(void)
{
    struct cgroup cg;
    struct err e = { 0 };
    pid_t pid = systemd_start(ANSWER_DONE);

    CHECK_INT(cgroup_open(&plan, &cg, &e), -ENOENT);
    CHECK_STR(e.message, "systemd unit lichen-unit.scope does not exist");
    CHECK_STR(systemd_stop(pid), "GetUnit ");
}

UNIT_MAIN(TEST(the_scope_is_asked_for_with_its_limits),
          TEST(a_job_that_fails_is_an_error_with_the_units_name), TEST(a_refused_call_says_what_systemd_said),
          TEST(a_systemd_that_hangs_up_is_an_error), TEST(a_missing_bus_is_an_error_that_names_the_address),
          TEST(a_helper_that_is_missing_or_broken_is_an_error_that_names_it),
          TEST(a_scope_that_is_gone_is_not_there_to_open))
