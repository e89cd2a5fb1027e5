// SPDX-License-Identifier: Apache-2.0
/*
 * The cache of compiled filters. Runs in the parent, with the caller's privileges. Whoever can write here
 * decides what containers may call, so nothing is taken from a directory or file that is not the caller's own
 * and closed to everybody else, and a stored program counts only when the complete key stored with it equals
 * ours.
 *
 * A file is named by a 64-bit hash of its key (a collision only costs a compilation) and holds a header, the
 * key, the program. It is written to a temporary name and renamed, not synced: after a power cut the sizes or
 * the checksum don't fit, and it is replaced.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "security/seccomp_private.h"

/* Raise it when seccomp_compile makes another program of the same profile. */
#define CACHE_FORMAT 1
#define CACHE_MAGIC  "LICHBPF"
#define CACHE_SUFFIX ".bpf"
#define FILE_MAX     (SPEC_MAX_SIZE + (1U << 16))

struct cache_header {
    char magic[8];
    uint32_t key_size;
    uint32_t program_size;
    uint64_t program_sum;
};

/* FNV-1a, 64 bits: names files and finds torn writes; it keeps nobody out, the directory's mode does. */
static uint64_t fnv(const void *p, size_t n)
{
    const unsigned char *bytes = p;
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void put_u64(struct buf *b, uint64_t v)
{
    buf_append(b, &v, sizeof(v));
}

static void put_strings(struct buf *b, const struct spec_strings *list)
{
    put_u64(b, list->n);
    for (size_t i = 0; i < list->n; i++)
        buf_append(b, list->v[i], strlen(list->v[i]) + 1);
}

/* Counts go before lists and strings end in NUL, so that two profiles never share a serialisation. */
void seccomp_cache_key(const struct spec_seccomp *profile, struct buf *ret)
{
    const struct scmp_version *version = seccomp_version();

    put_u64(ret, CACHE_FORMAT);
    put_u64(ret, version ? (uint64_t)version->major << 32 | version->minor << 16 | version->micro : 0);
    put_u64(ret, seccomp_api_get());
    put_u64(ret, seccomp_arch_native());
    put_u64(ret, profile->default_action);
    put_strings(ret, &profile->architectures);
    put_u64(ret, profile->n_rules);
    for (size_t i = 0; i < profile->n_rules; i++) {
        const struct spec_seccomp_rule *rule = &profile->rules[i];

        put_u64(ret, rule->action);
        put_strings(ret, &rule->names);
        put_u64(ret, rule->n_args);
        for (size_t j = 0; j < rule->n_args; j++) {
            put_u64(ret, rule->args[j].index);
            put_u64(ret, rule->args[j].op);
            put_u64(ret, rule->args[j].value);
            put_u64(ret, rule->args[j].value_two);
        }
    }
}

static void file_name(const struct buf *key, char *buf, size_t size)
{
    (void)str_format(buf, size, "%016" PRIx64 CACHE_SUFFIX, fnv(key->data, key->len));
}

static bool is_private(int fd, mode_t type)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() &&
           !(st.st_mode & 077);
}

/* Check one file's bytes against the key; the program inside, or NULL. */
static const char *find_program(const struct buf *file, const struct buf *key, size_t *ret_size)
{
    struct cache_header h;
    const char *program;

    if (file->len < sizeof(h))
        return NULL;
    memcpy(&h, file->data, sizeof(h));
    if (memcmp(h.magic, CACHE_MAGIC, sizeof(h.magic)) != 0 || h.key_size != key->len ||
        file->len != sizeof(h) + (size_t)h.key_size + h.program_size)
        return NULL;
    if (h.program_size == 0 || h.program_size % sizeof(struct sock_filter) != 0 ||
        h.program_size / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return NULL;
    if (memcmp(file->data + sizeof(h), key->data, key->len) != 0)
        return NULL;
    program = file->data + sizeof(h) + key->len;
    if (fnv(program, h.program_size) != h.program_sum)
        return NULL;
    *ret_size = h.program_size;
    return program;
}

int seccomp_cache_load(int dirfd, const struct buf *key, struct buf *ret)
{
    _cleanup_buf_ struct buf file = { 0 };
    _cleanup_close_ int fd = -1;
    const char *program;
    char name[32];
    size_t size;

    if (!is_private(dirfd, S_IFDIR))
        return -ENOENT;
    file_name(key, name, sizeof(name));
    /* O_NONBLOCK: a fifo put there must not hang us before fstat has seen it. */
    fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || !is_private(fd, S_IFREG) || fd_read_all(fd, FILE_MAX, &file) < 0)
        return -ENOENT;
    program = find_program(&file, key, &size);
    if (!program)
        return -ENOENT;
    buf_append(ret, program, size);
    return 0;
}

/* Keep the newest SECCOMP_CACHE_MAX entries. Racing with another caller, either removes the same old file. */
static void drop_oldest(int dirfd)
{
    for (;;) {
        int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = copy < 0 ? NULL : fdopendir(copy);
        char oldest[NAME_MAX + 1] = "";
        struct timespec oldest_time = { 0 };
        struct dirent *entry;
        size_t n = 0;

        if (!d) {
            fd_close(copy);
            return;
        }
        while ((entry = readdir(d))) {
            struct stat st;

            /* Temporary files of a writer that was killed count, and go, too. */
            if (!strstr(entry->d_name, CACHE_SUFFIX) ||
                fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            n++;
            if (*oldest &&
                (st.st_mtim.tv_sec > oldest_time.tv_sec ||
                 (st.st_mtim.tv_sec == oldest_time.tv_sec && st.st_mtim.tv_nsec >= oldest_time.tv_nsec)))
                continue;
            oldest_time = st.st_mtim;
            (void)str_format(oldest, sizeof(oldest), "%s", entry->d_name);
        }
        closedir(d);
        if (n <= SECCOMP_CACHE_MAX || unlinkat(dirfd, oldest, 0) < 0)
            return;
    }
}

int seccomp_cache_store(int dirfd, const struct buf *key, const struct buf *program)
{
    struct cache_header h = { .magic = CACHE_MAGIC,
                              .key_size = (uint32_t)key->len,
                              .program_size = (uint32_t)program->len,
                              .program_sum = fnv(program->data, program->len) };
    _cleanup_buf_ struct buf file = { 0 };
    char name[32];
    int r;

    if (!is_private(dirfd, S_IFDIR))
        return -EPERM;
    if (key->len > SPEC_MAX_SIZE)
        return -EFBIG;
    buf_append(&file, &h, sizeof(h));
    buf_append(&file, key->data, key->len);
    buf_append(&file, program->data, program->len);
    file_name(key, name, sizeof(name));
    r = fd_replace_file(dirfd, name, 0600, file.data, file.len, false);
    if (r < 0)
        return r;
    drop_oldest(dirfd);
    return 0;
}
