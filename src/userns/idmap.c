// SPDX-License-Identifier: Apache-2.0
/* Id maps: pure arithmetic, no system calls. */
#include "userns/idmap.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"

int ids_mode_parse(const char *text, enum ids_mode *ret, struct err *e)
{
    static const struct {
        const char *name;
        enum ids_mode mode;
    } modes[] = {
        { "default", IDS_DEFAULT },
        { "keep-id", IDS_KEEP },
        { "single", IDS_SINGLE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (str_eq(text, modes[i].name)) {
            *ret = modes[i].mode;
            return 0;
        }
    }
    return err_set(e, EINVAL, "--ids %s: not one of default, keep-id, single", text);
}

int idmap_add(struct idmap *map, uint32_t container, uint32_t host, uint32_t size)
{
    struct idmap_extent *last = map->n ? &map->v[map->n - 1] : NULL;

    if (size == 0)
        return 0;
    /* (uid_t)-1 means "no change" to setresuid(2); the kernel never maps it. */
    if (container > UINT32_MAX - size || host > UINT32_MAX - size)
        return -ERANGE;
    if (last && last->container + last->size == container && last->host + last->size == host) {
        last->size += size;
        return 0;
    }
    if (map->n == IDMAP_MAX)
        return -E2BIG;
    map->v[map->n++] = (struct idmap_extent){ container, host, size };
    return 0;
}

int idmap_parse(const char *text, struct idmap *ret)
{
    ret->n = 0;
    while (*text) {
        unsigned long long v[3];
        int used = 0;

        if (sscanf(text, "%llu %llu %llu%n", &v[0], &v[1], &v[2], &used) != 3 || used == 0 ||
            v[0] > UINT32_MAX || v[1] > UINT32_MAX || v[2] == 0 || v[2] > UINT32_MAX ||
            (text[used] != '\n' && text[used] != '\0') || ret->n == IDMAP_MAX)
            return -EINVAL;
        ret->v[ret->n++] = (struct idmap_extent){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2] };
        text += used;
        text += *text == '\n';
    }
    return ret->n ? 0 : -EINVAL;
}

/* Lay the ranges out from container id @next on, leaving out [@hole, @hole + 1) which is mapped to @own. */
static int add_ranges(struct idmap *map, const struct subid_ranges *ranges, uint32_t next, bool has_hole,
                      uint32_t hole, uint32_t own)
{
    int r;

    for (size_t i = 0; i < ranges->n; i++) {
        uint32_t start = ranges->v[i].start, left = ranges->v[i].count;

        while (left > 0) {
            uint32_t n = left;

            if (has_hole && next == hole) {
                r = idmap_add(map, hole, own, 1);
                if (r < 0)
                    return r;
                has_hole = false;
                next++;
            }
            if (has_hole && hole - next < n)
                n = hole - next;
            r = idmap_add(map, next, start, n);
            if (r < 0)
                return r;
            start += n;
            next += n;
            left -= n;
        }
    }
    /* The hole lies beyond what the ranges reach: a line of its own. */
    return has_hole ? idmap_add(map, hole, own, 1) : 0;
}

int idmap_build(enum ids_mode mode, uint32_t own, const struct subid_ranges *ranges, const char *file,
                struct idmap *ret, struct err *e)
{
    int r;

    ret->n = 0;
    if (mode == IDS_KEEP && own != 0 && ranges->n == 0) {
        err_set(e, ENOENT, "--ids keep-id: %s has no subordinate ids for this user", file);
        return err_remedy(
            e, "add a line \"USER:100000:65536\" to %s (as root: usermod --add-sub%s 100000-165535 USER)",
            file, str_has_suffix(file, "gid") ? "gids" : "uids");
    }
    if (mode == IDS_SINGLE || ranges->n == 0) {
        r = idmap_add(ret, 0, own, 1);
    } else if (mode == IDS_KEEP) {
        r = add_ranges(ret, ranges, 0, true, own, own);
    } else {
        r = idmap_add(ret, 0, own, 1);
        if (r >= 0)
            r = add_ranges(ret, ranges, 1, false, 0, 0);
    }
    if (r < 0)
        return err_sys(e, r, "%s: the ranges do not make a valid id map", file);
    return 0;
}

int idmap_to_host(const struct idmap *map, uint32_t container, uint32_t *ret)
{
    for (size_t i = 0; i < map->n; i++) {
        if (container >= map->v[i].container && container - map->v[i].container < map->v[i].size) {
            *ret = map->v[i].host + (container - map->v[i].container);
            return 0;
        }
    }
    return -ENOENT;
}

int idmap_to_container(const struct idmap *map, uint32_t host, uint32_t *ret)
{
    for (size_t i = 0; i < map->n; i++) {
        if (host >= map->v[i].host && host - map->v[i].host < map->v[i].size) {
            *ret = map->v[i].container + (host - map->v[i].host);
            return 0;
        }
    }
    return -ENOENT;
}

/*
 * How many ids of the extent @l from its id @first on are seen in one piece by @container (*ret_seen is then
 * the first one's id there), or, when the first is not seen at all, how many in a row are not (*ret_visible
 * false).
 */
static uint32_t next_run(const struct idmap_extent *l, uint32_t first, const struct idmap *container,
                         uint32_t *ret_seen, bool *ret_visible)
{
    uint32_t host = l->host + (first - l->container), run = l->size - (first - l->container);

    *ret_visible = false;
    for (size_t i = 0; i < container->n; i++) {
        const struct idmap_extent *c = &container->v[i];

        if (host >= c->host && host - c->host < c->size) {
            uint32_t rest = c->size - (host - c->host);

            *ret_visible = true;
            *ret_seen = c->container + (host - c->host);
            return rest < run ? rest : run;
        }
        if (c->host > host && c->host - host < run)
            run = c->host - host;
    }
    return run;
}

bool idmap_translate(const struct idmap *layers, const struct idmap *container, struct idmap *ret)
{
    bool shifted = false;

    ret->n = 0;
    for (size_t i = 0; i < layers->n; i++) {
        const struct idmap_extent *l = &layers->v[i];
        uint32_t done = 0;

        while (done < l->size) {
            uint32_t seen = 0, id = l->container + done;
            bool visible;
            uint32_t run = next_run(l, id, container, &seen, &visible);

            if (visible && idmap_add(ret, id, seen, run) < 0)
                return shifted;
            shifted = shifted || (visible && seen != id);
            done += run;
        }
    }
    return shifted;
}

/* The line of @map whose right side holds @host, or NULL. */
static const struct idmap_extent *line_of_host(const struct idmap *map, uint32_t host)
{
    for (size_t i = 0; i < map->n; i++) {
        if (host >= map->v[i].host && host - map->v[i].host < map->v[i].size)
            return &map->v[i];
    }
    return NULL;
}

int idmap_below(const struct idmap *wanted, const struct idmap *outer, struct idmap *ret,
                uint32_t *ret_missing)
{
    ret->n = 0;
    for (size_t i = 0; i < wanted->n; i++) {
        struct idmap_extent left = wanted->v[i];

        while (left.size) {
            const struct idmap_extent *line = line_of_host(outer, left.host);
            uint32_t at, n;

            if (!line) {
                if (ret_missing)
                    *ret_missing = left.host;
                return -ENOENT;
            }
            at = left.host - line->host;
            n = line->size - at < left.size ? line->size - at : left.size;
            /* Not idmap_add: lines that continue each other here may lie in two lines of @outer, and the
             * kernel wants each within one (EPERM else). */
            if (ret->n == IDMAP_MAX)
                return -E2BIG;
            ret->v[ret->n++] = (struct idmap_extent){ left.container, line->container + at, n };
            left.container += n;
            left.host += n;
            left.size -= n;
        }
    }
    return 0;
}

uint64_t idmap_size(const struct idmap *map)
{
    uint64_t n = 0;

    for (size_t i = 0; i < map->n; i++)
        n += map->v[i].size;
    return n;
}
