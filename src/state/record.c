// SPDX-License-Identifier: Apache-2.0
/* state.json, read and written through one table of its members. Runs in the verbs, as the caller. */
#include "state/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/user.h"

#define STATE_FILE     "state.json"
#define STATE_MAX_SIZE (4U << 20)
#define FORMAT_VERSION 1

enum member_type { MEMBER_STRING, MEMBER_BOOL, MEMBER_U32, MEMBER_PROC };

struct member {
    const char *key;
    enum member_type type;
    size_t offset;
};

#define MEMBER(key, type, field)                  \
    {                                             \
        key, type, offsetof(struct record, field) \
    }

static const struct member members[] = {
    MEMBER("id", MEMBER_STRING, id),
    MEMBER("ociVersion", MEMBER_STRING, oci_version),
    MEMBER("bundle", MEMBER_STRING, bundle),
    MEMBER("rootfs", MEMBER_STRING, rootfs),
    MEMBER("created", MEMBER_STRING, created),
    MEMBER("ownerUid", MEMBER_U32, owner_uid),
    MEMBER("complete", MEMBER_BOOL, complete),
    MEMBER("creator", MEMBER_PROC, creator),
    MEMBER("init", MEMBER_PROC, init),
    MEMBER("hasProcess", MEMBER_BOOL, has_process),
    MEMBER("hasHooks", MEMBER_BOOL, has_hooks),
    MEMBER("rdtGroup", MEMBER_STRING, rdt_group),
    MEMBER("rdtMonitor", MEMBER_STRING, rdt_monitor),
    MEMBER("rdtMade", MEMBER_BOOL, rdt_made),
    MEMBER("execContext", MEMBER_BOOL, exec_context),
    MEMBER("sharedPid", MEMBER_BOOL, shared_pid),
    MEMBER("rootfsHelper", MEMBER_PROC, rootfs_helper),
    MEMBER("netHelper", MEMBER_PROC, net_helper),
    MEMBER("overlayDir", MEMBER_STRING, overlay_dir),
    MEMBER("cgroupManager", MEMBER_STRING, cgroup_manager),
    MEMBER("cgroupPath", MEMBER_STRING, cgroup_path),
    MEMBER("cgroupSlice", MEMBER_STRING, cgroup_slice),
    MEMBER("cgroupScope", MEMBER_STRING, cgroup_scope),
    MEMBER("cgroupMount", MEMBER_STRING, cgroup_mount),
    MEMBER("cgroupInode", MEMBER_STRING, cgroup_inode),
    MEMBER("cgroupUser", MEMBER_BOOL, cgroup_user),
    MEMBER("cgroupReason", MEMBER_STRING, cgroup_reason),
    MEMBER("resources", MEMBER_STRING, resources),
    MEMBER("notifySocket", MEMBER_STRING, notify_socket),
    MEMBER("seccompListener", MEMBER_STRING, seccomp_listener),
    MEMBER("seccompMetadata", MEMBER_STRING, seccomp_metadata),
    MEMBER("driver", MEMBER_STRING, driver),
    MEMBER("idMap", MEMBER_STRING, id_map),
};

static struct json_object *member_to_json(const struct member *m, const struct record *record)
{
    const void *p = (const char *)record + m->offset;

    switch (m->type) {
    case MEMBER_STRING: {
        const char *s = *(const char *const *)p;

        return s ? json_object_new_string(s) : NULL;
    }
    case MEMBER_BOOL:
        return json_object_new_boolean(*(const bool *)p);
    case MEMBER_U32:
        return json_object_new_int64(*(const uint32_t *)p);
    case MEMBER_PROC: {
        const struct proc_id *proc = p;
        struct json_object *o;

        if (proc->pid == 0)
            return NULL;
        o = json_object_new_object();
        json_object_object_add(o, "pid", json_object_new_int64(proc->pid));
        json_object_object_add(o, "startTime", json_object_new_uint64(proc->start_time));
        return o;
    }
    }
    return NULL;
}

static int json_to_proc(struct json_object *value, struct proc_id *ret)
{
    struct json_object *pid, *start;

    if (!json_object_is_type(value, json_type_object) || !json_object_object_get_ex(value, "pid", &pid) ||
        !json_object_object_get_ex(value, "startTime", &start) || !json_object_is_type(pid, json_type_int) ||
        !json_object_is_type(start, json_type_int))
        return -EINVAL;
    if (json_object_get_int64(pid) <= 0 || json_object_get_int64(pid) > INT32_MAX)
        return -EINVAL;
    *ret = (struct proc_id){ .pid = (pid_t)json_object_get_int64(pid),
                             .start_time = json_object_get_uint64(start) };
    return 0;
}

static int json_to_member(const struct member *m, struct json_object *value, struct record *record)
{
    void *p = (char *)record + m->offset;

    switch (m->type) {
    case MEMBER_STRING:
        if (!json_object_is_type(value, json_type_string))
            return -EINVAL;
        *(const char **)p = arena_strdup(&record->arena, json_object_get_string(value));
        return 0;
    case MEMBER_BOOL:
        if (!json_object_is_type(value, json_type_boolean))
            return -EINVAL;
        *(bool *)p = json_object_get_boolean(value);
        return 0;
    case MEMBER_U32:
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 ||
            json_object_get_int64(value) > UINT32_MAX)
            return -EINVAL;
        *(uint32_t *)p = (uint32_t)json_object_get_int64(value);
        return 0;
    case MEMBER_PROC:
        return json_to_proc(value, p);
    }
    return -EINVAL;
}

static struct json_object *annotations_to_json(const struct record *record)
{
    struct json_object *o = json_object_new_object();

    for (size_t i = 0; i < record->n_annotations; i++)
        json_object_object_add(o, record->annotations[i].key,
                               json_object_new_string(record->annotations[i].value));
    return o;
}

int record_write(int dir, const struct record *record, struct err *e)
{
    struct json_object *o = json_object_new_object(), *list;
    const char *text;
    size_t n;
    int r;

    json_object_object_add(o, "format", json_object_new_int(FORMAT_VERSION));
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        struct json_object *value = member_to_json(&members[i], record);

        if (value)
            json_object_object_add(o, members[i].key, value);
    }
    json_object_object_add(o, "annotations", annotations_to_json(record));
    list = json_object_new_array();
    for (size_t i = 0; i < record->n_downgrades; i++)
        json_object_array_add(list, json_object_new_string(record->downgrades[i]));
    json_object_object_add(o, "downgrades", list);
    text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
    r = fd_replace_file(dir, STATE_FILE, 0600, text, n, false);
    json_object_put(o);
    return r < 0 ? err_sys(e, r, "container %s: cannot write %s", record->id, STATE_FILE) : 0;
}

static int parse_annotations(struct json_object *value, struct record *record)
{
    size_t n = 0;

    if (!json_object_is_type(value, json_type_object))
        return -EINVAL;
    record->annotations = ARENA_ARRAY(&record->arena, json_object_object_length(value), struct record_pair);
    json_object_object_foreach(value, key, v)
    {
        if (!json_object_is_type(v, json_type_string))
            return -EINVAL;
        record->annotations[n++] =
            (struct record_pair){ arena_strdup(&record->arena, key),
                                  arena_strdup(&record->arena, json_object_get_string(v)) };
    }
    record->n_annotations = n;
    return 0;
}

static int parse_downgrades(struct json_object *value, struct record *record)
{
    if (!json_object_is_type(value, json_type_array))
        return -EINVAL;
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        struct json_object *v = json_object_array_get_idx(value, i);

        if (!json_object_is_type(v, json_type_string))
            return -EINVAL;
        record_downgrade(record, json_object_get_string(v));
    }
    return 0;
}

static int fill(struct json_object *o, struct record *record, struct err *e)
{
    struct json_object *value;

    if (!json_object_is_type(o, json_type_object))
        return err_set(e, EINVAL, STATE_FILE ": not a JSON object");
    if (!json_object_object_get_ex(o, "format", &value) || json_object_get_int(value) != FORMAT_VERSION)
        return err_set(e, EINVAL, STATE_FILE ": written by another version of lichen");
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (json_object_object_get_ex(o, members[i].key, &value) &&
            json_to_member(&members[i], value, record) < 0)
            return err_set(e, EINVAL, STATE_FILE ": member %s is malformed", members[i].key);
    }
    if (json_object_object_get_ex(o, "annotations", &value) && parse_annotations(value, record) < 0)
        return err_set(e, EINVAL, STATE_FILE ": member annotations is malformed");
    if (json_object_object_get_ex(o, "downgrades", &value) && parse_downgrades(value, record) < 0)
        return err_set(e, EINVAL, STATE_FILE ": member downgrades is malformed");
    if (!record->id || !record->bundle)
        return err_set(e, EINVAL, STATE_FILE ": id or bundle is missing");
    return 0;
}

int record_parse(const char *text, size_t size, struct record *ret, struct err *e)
{
    struct json_tokener *tokener = json_tokener_new_ex(8);
    struct json_object *o;
    int r;

    *ret = (struct record){ 0 };
    if (size > STATE_MAX_SIZE) {
        json_tokener_free(tokener);
        return err_set(e, EFBIG, STATE_FILE ": %zu bytes", size);
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    o = json_tokener_parse_ex(tokener, text, (int)size);
    if (!o || json_tokener_get_error(tokener) != json_tokener_success)
        r = err_set(e, EINVAL, STATE_FILE ": not JSON");
    else
        r = fill(o, ret, e);
    json_object_put(o);
    json_tokener_free(tokener);
    if (r < 0)
        record_free(ret);
    return r;
}

int record_read(int dir, const char *id, struct record *ret, struct err *e)
{
    _cleanup_close_ int fd = openat(dir, STATE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_buf_ struct buf b = { 0 };
    struct stat st;
    int r;

    *ret = (struct record){ 0 };
    if (fd < 0 && errno == ENOENT) {
        ret->id = arena_strdup(&ret->arena, id);
        ret->bundle = "";
        return 0;
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, errno, "container %s: %s", id, STATE_FILE);
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return err_set(e, EPERM, "container %s: %s belongs to uid %u, mode %04o; not trusted", id, STATE_FILE,
                       (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
    r = fd_read_all(fd, STATE_MAX_SIZE, &b);
    if (r < 0)
        return err_sys(e, r, "container %s: %s", id, STATE_FILE);
    r = record_parse(b.data, b.len, ret, e);
    if (r < 0)
        return err_prefix(e, "container %s", id);
    return 0;
}

void record_free(struct record *record)
{
    arena_free(&record->arena);
    *record = (struct record){ 0 };
}

const char *record_annotation(const struct record *record, const char *key)
{
    for (size_t i = 0; i < record->n_annotations; i++) {
        if (str_eq(record->annotations[i].key, key))
            return record->annotations[i].value;
    }
    return NULL;
}

void record_downgrade(struct record *record, const char *text)
{
    const char **list = ARENA_ARRAY(&record->arena, record->n_downgrades + 1, const char *);

    for (size_t i = 0; i < record->n_downgrades; i++)
        list[i] = record->downgrades[i];
    list[record->n_downgrades++] = arena_strdup(&record->arena, text);
    record->downgrades = list;
}

/* The members runtime.md asks for. */
static struct json_object *spec_state(const struct record *record, enum lifecycle_status status)
{
    struct json_object *o = json_object_new_object();
    /* A creating container has a pid as soon as there is one: hooks need it. */
    pid_t pid = status == STATUS_STOPPED ? 0 : record->init.pid;

    json_object_object_add(o, "ociVersion",
                           json_object_new_string(record->oci_version ? record->oci_version : "1.0.0"));
    json_object_object_add(o, "id", json_object_new_string(record->id));
    json_object_object_add(o, "status", json_object_new_string(lifecycle_status_name(status)));
    json_object_object_add(o, "pid", json_object_new_int64(pid));
    json_object_object_add(o, "bundle", json_object_new_string(record->bundle));
    return o;
}

static void put_json(struct json_object *o, int flags, struct buf *out)
{
    buf_puts(out, json_object_to_json_string_ext(o, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}

void record_state_json(const struct record *record, enum lifecycle_status status, struct buf *out)
{
    struct json_object *o = spec_state(record, status), *annotations = annotations_to_json(record);
    char name[USER_NAME_MAX];
    const char *owner = user_name(record->owner_uid, name, sizeof(name));

    json_object_object_add(o, "rootfs", json_object_new_string(record->rootfs ? record->rootfs : ""));
    json_object_object_add(o, "created", json_object_new_string(record->created ? record->created : ""));
    json_object_object_add(o, "owner", json_object_new_string(owner ? owner : ""));
    if (record->driver)
        json_object_object_add(annotations, "io.lichen.rootfs.driver",
                               json_object_new_string(record->driver));
    if (record->id_map)
        json_object_object_add(annotations, "io.lichen.ids", json_object_new_string(record->id_map));
    for (size_t i = 0; i < record->n_downgrades; i++) {
        char key[64];

        (void)str_format(key, sizeof(key), "io.lichen.downgrade.%zu", i);
        json_object_object_add(annotations, key, json_object_new_string(record->downgrades[i]));
    }
    json_object_object_add(o, "annotations", annotations);
    /* Ours, besides the specification's: what update has changed the limits to. */
    if (record->resources)
        json_object_object_add(o, "resources", json_tokener_parse(record->resources));
    put_json(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED, out);
    buf_puts(out, "\n");
}

void record_hook_state(const struct record *record, enum lifecycle_status status, struct buf *out)
{
    struct json_object *o = spec_state(record, status);

    json_object_object_add(o, "annotations", annotations_to_json(record));
    put_json(o, JSON_C_TO_STRING_PLAIN, out);
}

void record_process_state(const struct record *record, enum lifecycle_status status, pid_t pid,
                          struct buf *out)
{
    struct json_object *o = json_object_new_object(), *fds = json_object_new_array(),
                       *state = spec_state(record, status);

    json_object_object_add(state, "annotations", annotations_to_json(record));
    json_object_array_add(fds, json_object_new_string("seccompFd"));
    json_object_object_add(o, "ociVersion",
                           json_object_new_string(record->oci_version ? record->oci_version : "1.0.0"));
    json_object_object_add(o, "fds", fds);
    json_object_object_add(o, "pid", json_object_new_int64(pid));
    if (record->seccomp_metadata)
        json_object_object_add(o, "metadata", json_object_new_string(record->seccomp_metadata));
    json_object_object_add(o, "state", state);
    put_json(o, JSON_C_TO_STRING_PLAIN, out);
}

void record_timestamp(char *buf, size_t size)
{
    struct timespec now;
    struct tm utc;
    char date[32];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    if (strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        date[0] = '\0';
    (void)str_format(buf, size, "%s.%09ldZ", date, now.tv_nsec);
}
