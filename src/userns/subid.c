// SPDX-License-Identifier: Apache-2.0
/* Reads the caller's subordinate ranges. Runs in the parent, as the caller. */
#include "userns/subid.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/str.h"
#include "base/user.h"

#define SUBID_FILE_MAX (16U << 20)

/* Ranges that overlap one already taken would make an invalid map; the first one wins. */
static void add_range(struct subid_ranges *ranges, uint64_t start, uint64_t count)
{
    if (count == 0 || start > UINT32_MAX - 1 || ranges->n == SUBID_RANGES_MAX)
        return;
    if (count > UINT32_MAX - start)
        return;
    for (size_t i = 0; i < ranges->n; i++) {
        const struct subid_range *r = &ranges->v[i];

        if (start < (uint64_t)r->start + r->count && r->start < start + count)
            return;
    }
    ranges->v[ranges->n++] = (struct subid_range){ (uint32_t)start, (uint32_t)count };
}

/* A whole decimal number of @n bytes. */
static bool number(const char *s, size_t n, uint64_t *ret)
{
    char text[21];

    if (n == 0 || n >= sizeof(text))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    return str_to_u64(text, 0, UINT32_MAX, ret) == 0;
}

void subid_parse(const char *text, size_t size, const char *user, uid_t uid, struct subid_ranges *ret)
{
    const char *end = text + size;

    ret->n = 0;
    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        const char *line = text, *first, *second;
        uint64_t start, count, owner;

        if (!eol)
            eol = end;
        text = eol + 1;
        first = memchr(line, ':', (size_t)(eol - line));
        second = first ? memchr(first + 1, ':', (size_t)(eol - first - 1)) : NULL;
        if (!second)
            continue;
        if (!number(first + 1, (size_t)(second - first - 1), &start) ||
            !number(second + 1, (size_t)(eol - second - 1), &count))
            continue;
        if (user && strlen(user) == (size_t)(first - line) && memcmp(user, line, (size_t)(first - line)) == 0)
            add_range(ret, start, count);
        else if (number(line, (size_t)(first - line), &owner) && owner == uid)
            add_range(ret, start, count);
    }
}

void subid_parse_getsubids(const char *text, size_t size, struct subid_ranges *ret)
{
    _cleanup_free_ char *copy = mem_zalloc(size + 1);
    char *line, *save = NULL;

    memcpy(copy, text, size);
    ret->n = 0;
    for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *fields[4], *inner = NULL;
        uint64_t start, count;
        size_t n = 0;

        for (char *f = strtok_r(line, " ", &inner); f && n < 4; f = strtok_r(NULL, " ", &inner))
            fields[n++] = f;
        if (n == 4 && str_to_u64(fields[2], 0, UINT32_MAX, &start) == 0 &&
            str_to_u64(fields[3], 0, UINT32_MAX, &count) == 0)
            add_range(ret, start, count);
    }
}

/* True when /etc/nsswitch.conf has a "subid:" line that names something besides "files" (subuid(5), LDAP and
 * SSSD sites). */
static bool nss_has_other_source(void)
{
    _cleanup_buf_ struct buf b = { 0 };
    char *line, *save = NULL;

    if (fd_read_file(AT_FDCWD, "/etc/nsswitch.conf", 1U << 20, &b) < 0)
        return false;
    for (line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        while (isspace((unsigned char)*line))
            line++;
        if (!str_has_prefix(line, "subid:"))
            continue;
        line += strlen("subid:");
        while (isspace((unsigned char)*line))
            line++;
        return *line && !str_eq(line, "files");
    }
    return false;
}

static int ask_getsubids(const char *user, bool gid, struct subid_ranges *ret)
{
    char *const argv[] = { (char *)"getsubids", gid ? (char *)"-g" : (char *)user, gid ? (char *)user : NULL,
                           NULL };
    _cleanup_buf_ struct buf out = { 0 };
    int r = program_capture(argv, SUBID_FILE_MAX, &out);

    if (r < 0)
        return r;
    subid_parse_getsubids(out.data, out.len, ret);
    return 0;
}

int subid_load(uid_t uid, bool gid, struct subid_ranges *ret, struct err *e)
{
    const char *file = gid ? "/etc/subgid" : "/etc/subuid";
    _cleanup_buf_ struct buf b = { 0 };
    char name[USER_NAME_MAX];
    const char *user = user_name(uid, name, sizeof(name));
    int r;

    ret->n = 0;
    if (user && nss_has_other_source() && ask_getsubids(user, gid, ret) == 0 && ret->n > 0)
        return 0;
    r = fd_read_file(AT_FDCWD, file, SUBID_FILE_MAX, &b);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_sys(e, r, "%s: cannot read the subordinate ids", file);
    subid_parse(b.data, b.len, user, uid, ret);
    return 0;
}
