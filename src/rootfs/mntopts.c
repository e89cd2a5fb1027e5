// SPDX-License-Identifier: Apache-2.0
/* The mount options table. Pure. */
#include "rootfs/mntopts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "rootfs/mountapi.h"

enum kind {
    SET,     /* raise the attribute */
    CLEAR,   /* lower it */
    ATIME,   /* one value of the MOUNT_ATTR__ATIME group */
    REC_SET, /* the same for the whole subtree (mount_setattr(2) AT_RECURSIVE) */
    REC_CLEAR,
    REC_ATIME,
    PROPAGATION, /* MS_SHARED ..; MS_REC in the value makes it recursive */
    BIND,        /* value: recursive or not */
    SUPER,       /* a flag of the superblock, handed to the file system by name */
    COPY_UP,
    REMOUNT,
    NOTHING, /* accepted, no effect on Linux's new mount API */
    REFUSED, /* known to the spec, not possible here */
};

struct option {
    const char *name;
    enum kind kind;
    uint64_t value;
};

/* Sorted by name: found by bisection, printed as it stands. */
static const struct option options[] = {
    { "acl", SUPER, 0 },
    { "async", NOTHING, 0 },
    { "atime", CLEAR, MOUNT_ATTR_NOATIME },
    { "bind", BIND, 0 },
    { "defaults", NOTHING, 0 },
    { "dev", CLEAR, MOUNT_ATTR_NODEV },
    { "diratime", CLEAR, MOUNT_ATTR_NODIRATIME },
    { "dirsync", SUPER, 0 },
    { "exec", CLEAR, MOUNT_ATTR_NOEXEC },
    { "idmap", REFUSED, 0 },
    { "iversion", SUPER, 0 },
    { "lazytime", SUPER, 0 },
    { "loud", NOTHING, 0 },
    { "mand", SUPER, 0 },
    { "noacl", SUPER, 0 },
    { "noatime", ATIME, MOUNT_ATTR_NOATIME },
    { "nodev", SET, MOUNT_ATTR_NODEV },
    { "nodiratime", SET, MOUNT_ATTR_NODIRATIME },
    { "noexec", SET, MOUNT_ATTR_NOEXEC },
    { "noiversion", NOTHING, 0 },
    { "nolazytime", NOTHING, 0 },
    { "nomand", NOTHING, 0 },
    { "norelatime", ATIME, MOUNT_ATTR_STRICTATIME },
    { "nostrictatime", ATIME, MOUNT_ATTR_RELATIME },
    { "nosuid", SET, MOUNT_ATTR_NOSUID },
    { "nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW },
    { "private", PROPAGATION, MS_PRIVATE },
    { "ratime", REC_CLEAR, MOUNT_ATTR_NOATIME },
    { "rbind", BIND, 1 },
    { "rdev", REC_CLEAR, MOUNT_ATTR_NODEV },
    { "rdiratime", REC_CLEAR, MOUNT_ATTR_NODIRATIME },
    { "relatime", ATIME, MOUNT_ATTR_RELATIME },
    { "remount", REMOUNT, 0 },
    { "rexec", REC_CLEAR, MOUNT_ATTR_NOEXEC },
    { "ridmap", REFUSED, 0 },
    { "rnoatime", REC_ATIME, MOUNT_ATTR_NOATIME },
    { "rnodev", REC_SET, MOUNT_ATTR_NODEV },
    { "rnodiratime", REC_SET, MOUNT_ATTR_NODIRATIME },
    { "rnoexec", REC_SET, MOUNT_ATTR_NOEXEC },
    { "rnorelatime", REC_ATIME, MOUNT_ATTR_STRICTATIME },
    { "rnostrictatime", REC_ATIME, MOUNT_ATTR_RELATIME },
    { "rnosuid", REC_SET, MOUNT_ATTR_NOSUID },
    { "rnosymfollow", REC_SET, MOUNT_ATTR_NOSYMFOLLOW },
    { "ro", SET, MOUNT_ATTR_RDONLY },
    { "rprivate", PROPAGATION, MS_PRIVATE | MS_REC },
    { "rrelatime", REC_ATIME, MOUNT_ATTR_RELATIME },
    { "rro", REC_SET, MOUNT_ATTR_RDONLY },
    { "rrw", REC_CLEAR, MOUNT_ATTR_RDONLY },
    { "rshared", PROPAGATION, MS_SHARED | MS_REC },
    { "rslave", PROPAGATION, MS_SLAVE | MS_REC },
    { "rstrictatime", REC_ATIME, MOUNT_ATTR_STRICTATIME },
    { "rsuid", REC_CLEAR, MOUNT_ATTR_NOSUID },
    { "rsymfollow", REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
    { "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC },
    { "rw", CLEAR, MOUNT_ATTR_RDONLY },
    { "shared", PROPAGATION, MS_SHARED },
    { "silent", NOTHING, 0 },
    { "slave", PROPAGATION, MS_SLAVE },
    { "strictatime", ATIME, MOUNT_ATTR_STRICTATIME },
    { "suid", CLEAR, MOUNT_ATTR_NOSUID },
    { "symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
    { "sync", SUPER, 0 },
    { "tmpcopyup", COPY_UP, 0 },
    { "unbindable", PROPAGATION, MS_UNBINDABLE },
};

static const struct option *find_option(const char *name)
{
    size_t low = 0, high = ARRAY_SIZE(options);

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, options[middle].name);

        if (order == 0)
            return &options[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void raise_bits(uint64_t *set, uint64_t *clear, uint64_t bits)
{
    *set |= bits;
    *clear &= ~bits;
}

static void lower_bits(uint64_t *set, uint64_t *clear, uint64_t bits)
{
    *set &= ~bits;
    *clear |= bits;
}

/* The access time values are a small enum inside the mask: set one by clearing all (mount_setattr(2)). */
static void choose_atime(uint64_t *set, uint64_t *clear, uint64_t value)
{
    *set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
    *clear |= MOUNT_ATTR__ATIME;
}

static int apply(const struct option *o, const char *text, const char *field, struct mount_options *m,
                 struct err *e)
{
    switch (o->kind) {
    case SET:
        raise_bits(&m->set, &m->clear, o->value);
        break;
    case CLEAR:
        if (o->value == MOUNT_ATTR_NOATIME)
            choose_atime(&m->set, &m->clear, MOUNT_ATTR_RELATIME);
        else
            lower_bits(&m->set, &m->clear, o->value);
        break;
    case ATIME:
        choose_atime(&m->set, &m->clear, o->value);
        break;
    case REC_SET:
        raise_bits(&m->rec_set, &m->rec_clear, o->value);
        break;
    case REC_CLEAR:
        if (o->value == MOUNT_ATTR_NOATIME)
            choose_atime(&m->rec_set, &m->rec_clear, MOUNT_ATTR_RELATIME);
        else
            lower_bits(&m->rec_set, &m->rec_clear, o->value);
        break;
    case REC_ATIME:
        choose_atime(&m->rec_set, &m->rec_clear, o->value);
        break;
    case PROPAGATION:
        m->propagation = (unsigned long)o->value & ~(unsigned long)MS_REC;
        m->propagation_recursive = o->value & MS_REC;
        break;
    case BIND:
        m->bind = true;
        m->recursive_bind = m->recursive_bind || o->value;
        break;
    case SUPER:
        m->data[m->n_data++] = o->name;
        break;
    case COPY_UP:
        m->copy_up = true;
        break;
    case REMOUNT:
        m->remount = true;
        break;
    case NOTHING:
        break;
    case REFUSED:
        err_set(e, EINVAL, "%s: option %s: id-mapped mounts are not supported", field, text);
        return err_remedy(e, "an unprivileged user cannot id-map a mount of a host file system; "
                             "fuse-overlayfs can map instead "
                             "(annotation io.lichen.rootfs.driver=fuse-overlayfs)");
    }
    return 0;
}

int mntopts_parse(const struct spec_mount *mount, const char *field, struct arena *arena,
                  struct mount_options *ret, struct err *e)
{
    struct mount_options m = { .data = ARENA_ARRAY(arena, mount->options.n + 1, const char *) };

    for (size_t i = 0; i < mount->options.n; i++) {
        const char *text = mount->options.v[i];
        const struct option *o = find_option(text);
        int r;

        if (!o) {
            m.data[m.n_data++] = text;
            continue;
        }
        r = apply(o, text, field, &m, e);
        if (r < 0)
            return r;
    }
    /* runc and crun take type "bind" alone as a bind mount too. */
    if (str_eq(mount->type, "bind"))
        m.bind = true;
    if (m.bind && (mount->n_uid_mappings || mount->n_gid_mappings))
        return err_set(e, EINVAL, "%s: uidMappings and gidMappings: id-mapped mounts are not supported",
                       field);
    if (m.bind && !mount->source)
        return err_set(e, EINVAL, "%s: a bind mount needs a source", field);
    if (!m.bind && !m.remount && (!mount->type || !*mount->type))
        return err_set(e, EINVAL, "%s: type is missing", field);
    *ret = m;
    return 0;
}

const char *const *mntopts_names(void)
{
    static const char *names[ARRAY_SIZE(options) + 1];
    size_t n = 0;

    if (!names[0]) {
        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
            if (options[i].kind != REFUSED)
                names[n++] = options[i].name;
        }
    }
    return names;
}
