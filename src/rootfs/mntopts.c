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
    SUPER_OFF,   /* takes back the SUPER whose row has the same value; off is the kernel's default */
    COPY_UP,
    REMOUNT,
    IDMAP,   /* value: recursive or not */
    NOTHING, /* accepted, no effect on Linux's new mount API */
};

struct option {
    const char *name;
    enum kind kind;
    uint64_t value;
};

/* The flags of a superblock that have an option of their own. */
enum super_flag { FLAG_ACL, FLAG_NOACL, FLAG_DIRSYNC, FLAG_IVERSION, FLAG_LAZYTIME, FLAG_MAND, FLAG_SYNC };

/*
 * norelatime and nostrictatime do not name a policy; what is left is the kernel's default, relatime, which is
 * what mount(2) and so runc make of them.
 *
 * Sorted by name: found by bisection, printed as it stands. */
static const struct option options[] = {
    { "acl", SUPER, FLAG_ACL },
    { "async", SUPER_OFF, FLAG_SYNC },
    { "atime", CLEAR, MOUNT_ATTR_NOATIME },
    { "bind", BIND, 0 },
    { "defaults", NOTHING, 0 },
    { "dev", CLEAR, MOUNT_ATTR_NODEV },
    { "diratime", CLEAR, MOUNT_ATTR_NODIRATIME },
    { "dirsync", SUPER, FLAG_DIRSYNC },
    { "exec", CLEAR, MOUNT_ATTR_NOEXEC },
    { "idmap", IDMAP, 0 },
    { "iversion", SUPER, FLAG_IVERSION },
    { "lazytime", SUPER, FLAG_LAZYTIME },
    { "loud", NOTHING, 0 },
    { "mand", SUPER, FLAG_MAND },
    { "noacl", SUPER, FLAG_NOACL },
    { "noatime", ATIME, MOUNT_ATTR_NOATIME },
    { "nodev", SET, MOUNT_ATTR_NODEV },
    { "nodiratime", SET, MOUNT_ATTR_NODIRATIME },
    { "noexec", SET, MOUNT_ATTR_NOEXEC },
    { "noiversion", SUPER_OFF, FLAG_IVERSION },
    { "nolazytime", SUPER_OFF, FLAG_LAZYTIME },
    { "nomand", SUPER_OFF, FLAG_MAND },
    { "norelatime", ATIME, MOUNT_ATTR_RELATIME },
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
    { "ridmap", IDMAP, 1 },
    { "rnoatime", REC_ATIME, MOUNT_ATTR_NOATIME },
    { "rnodev", REC_SET, MOUNT_ATTR_NODEV },
    { "rnodiratime", REC_SET, MOUNT_ATTR_NODIRATIME },
    { "rnoexec", REC_SET, MOUNT_ATTR_NOEXEC },
    { "rnorelatime", REC_ATIME, MOUNT_ATTR_RELATIME },
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
    { "sync", SUPER, FLAG_SYNC },
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

static const struct option *find_super(const char *text)
{
    const struct option *o = find_option(text);

    return o && o->kind == SUPER ? o : NULL;
}

/* Drop a flag of the superblock asked for before. */
static void take_back(struct mount_options *m, uint64_t flag)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->n_data; i++) {
        const struct option *o = find_super(m->data[i]);

        if (!o || o->value != flag)
            m->data[kept++] = m->data[i];
    }
    m->n_data = kept;
}

static void add_propagation(struct mount_options *m, uint64_t value)
{
    const unsigned long flag = (unsigned long)value & ~(unsigned long)MS_REC;

    /* A chain of more than the four kinds says nothing new: the last one stays. */
    if (m->n_propagations == ARRAY_SIZE(m->propagations))
        m->n_propagations--;
    m->propagations[m->n_propagations].flag = flag;
    m->propagations[m->n_propagations++].recursive = value & MS_REC;
}

static void apply(const struct option *o, struct mount_options *m)
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
        add_propagation(m, o->value);
        break;
    case BIND:
        m->bind = true;
        m->recursive_bind = m->recursive_bind || o->value;
        break;
    case SUPER:
        take_back(m, o->value);
        m->data[m->n_data++] = o->name;
        break;
    case SUPER_OFF:
        take_back(m, o->value);
        break;
    case COPY_UP:
        m->copy_up = true;
        break;
    case REMOUNT:
        m->remount = true;
        break;
    case IDMAP:
        m->idmap = true;
        m->idmap_recursive = o->value;
        break;
    case NOTHING:
        break;
    }
}

int mntopts_parse(const struct spec_mount *mount, const char *field, struct arena *arena,
                  struct mount_options *ret, struct err *e)
{
    struct mount_options m = { .data = ARENA_ARRAY(arena, mount->options.n + 1, const char *) };

    for (size_t i = 0; i < mount->options.n; i++) {
        const char *text = mount->options.v[i];
        const struct option *o = find_option(text);

        if (o)
            apply(o, &m);
        else
            m.data[m.n_data++] = text;
    }
    /* runc and crun take type "bind" alone as a bind mount too. */
    if (str_eq(mount->type, "bind"))
        m.bind = true;
    /* config.md: the option SHOULD be there with mappings; they are never ignored without it. */
    if (mount->n_uid_mappings)
        m.idmap = true;
    if (m.bind && !m.remount && !mount->source)
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
        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
            names[n++] = options[i].name;
    }
    return names;
}
