// SPDX-License-Identifier: Apache-2.0
/* Names in a layer. No system calls. */
#include "image/layer_path.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#define WHITEOUT        ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_META   ".wh..wh."

static int refuse(const char *name, const char *why, struct err *e)
{
    return err_set(e, EINVAL, "layer entry %.300s: %s", name, why);
}

/* What the last component means. */
static int classify(const char *name, struct layer_path *p, struct err *e)
{
    if (!str_has_prefix(p->leaf, WHITEOUT)) {
        p->kind = LAYER_PATH_PLAIN;
        return 0;
    }
    if (str_eq(p->leaf, WHITEOUT_OPAQUE)) {
        p->kind = LAYER_PATH_OPAQUE;
        p->leaf[0] = '\0';
        return 0;
    }
    if (str_has_prefix(p->leaf, WHITEOUT_META))
        return err_set(e, EOPNOTSUPP, "layer entry %.300s: aufs' own", name);
    memmove(p->leaf, p->leaf + strlen(WHITEOUT), strlen(p->leaf) - strlen(WHITEOUT) + 1);
    if (!p->leaf[0] || str_eq(p->leaf, ".") || str_eq(p->leaf, ".."))
        return refuse(name, "a whiteout of nothing", e);
    p->kind = LAYER_PATH_WHITEOUT;
    return 0;
}

int layer_path_parse(const char *name, struct layer_path *ret, struct err *e)
{
    struct layer_path p = { .kind = LAYER_PATH_ROOT };
    size_t used = 0, depth = 0;

    for (const char *s = name; *s;) {
        size_t n = strcspn(s, "/");

        if (n > NAME_MAX)
            return refuse(name, "a name longer than 255 bytes", e);
        if (n == 2 && s[0] == '.' && s[1] == '.')
            return refuse(name, "\"..\" leads out of the layer", e);
        if (n > 0 && !(n == 1 && s[0] == '.')) {
            size_t leaf = strlen(p.leaf);

            if (++depth > LAYER_PATH_DEPTH_MAX)
                return refuse(name, "more than 256 directories deep", e);
            /* What was last so far is a directory. */
            if (leaf) {
                if (used + leaf + 2 > sizeof(p.parent))
                    return refuse(name, "too long", e);
                if (used)
                    p.parent[used++] = '/';
                memcpy(p.parent + used, p.leaf, leaf + 1);
                used += leaf;
            }
            memcpy(p.leaf, s, n);
            p.leaf[n] = '\0';
        }
        s += n;
        s += strspn(s, "/");
    }
    if (depth) {
        int r = classify(name, &p, e);

        if (r < 0)
            return r;
    }
    *ret = p;
    return 0;
}
