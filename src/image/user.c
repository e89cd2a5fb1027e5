// SPDX-License-Identifier: Apache-2.0
/* Looking up an image's user. Runs as the engine's user, outside of the container; the image's files are
 * hostile. */
#include "image/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define FILE_MAX   (1U << 20)
#define NAME_LEN   256
#define GROUPS_MAX 1024

/* One line's fields, split at ":"; they point into the line and end at @end[i]. */
struct line {
    const char *field[7];
    size_t len[7];
    size_t n;
};

/* The line at *@text, which moves to the next one. False at the end. */
static bool next_line(const char **text, struct line *ret)
{
    const char *s = *text;

    if (!s || !*s)
        return false;
    ret->n = 0;
    for (;;) {
        size_t len = strcspn(s, ":\n");

        if (ret->n < 7) {
            ret->field[ret->n] = s;
            ret->len[ret->n++] = len;
        }
        s += len;
        if (*s != ':')
            break;
        s++;
    }
    *text = *s ? s + 1 : s;
    return true;
}

static bool is(const struct line *l, size_t i, const char *name)
{
    return i < l->n && strlen(name) == l->len[i] && memcmp(l->field[i], name, l->len[i]) == 0;
}

static bool number(const struct line *l, size_t i, uint32_t *ret)
{
    char text[16];

    return i < l->n && l->len[i] < sizeof(text) &&
           str_format(text, sizeof(text), "%.*s", (int)l->len[i], l->field[i]) == 0 &&
           str_to_u32(text, ret) == 0 && *ret != UINT32_MAX;
}

static bool is_number(const char *word)
{
    return *word && word[strspn(word, "0123456789")] == '\0';
}

/* Whether the comma-separated members of a group line name the user. */
static bool lists(const struct line *l, const char *name)
{
    size_t want = strlen(name);

    if (l->n < 4)
        return false;
    for (size_t at = 0; at < l->len[3];) {
        size_t n = 0;

        while (at + n < l->len[3] && l->field[3][at + n] != ',')
            n++;
        if (n == want && memcmp(l->field[3] + at, name, n) == 0)
            return true;
        at += n + 1;
    }
    return false;
}

/* The passwd line of a name or, for digits, of a uid. *ret_name (NAME_LEN) is the user's name, "" when
 * unknown. */
static int find_user(const char *passwd, const char *word, struct spec_user *ret, char *ret_name,
                     struct err *e)
{
    bool numeric = is_number(word);
    struct line l;

    ret_name[0] = '\0';
    if (numeric && (str_to_u32(word, &ret->uid) < 0 || ret->uid == UINT32_MAX))
        return err_set(e, EINVAL, "user %s: a uid is a number from 0 to 4294967294", word);
    while (next_line(&passwd, &l)) {
        uint32_t uid, gid;

        if (!number(&l, 2, &uid) || !number(&l, 3, &gid) || !(numeric ? uid == ret->uid : is(&l, 0, word)))
            continue;
        ret->uid = uid;
        ret->gid = gid;
        if (str_format(ret_name, NAME_LEN, "%.*s", (int)l.len[0], l.field[0]) < 0)
            ret_name[0] = '\0';
        return 0;
    }
    if (numeric)
        return 0;
    err_set(e, ENOENT, "user %s is not in the image's /etc/passwd", word);
    return err_remedy(e, "use a number, or a name that the image has");
}

static int find_group(const char *group, const char *word, gid_t *ret, struct err *e)
{
    struct line l;
    uint32_t gid;

    if (is_number(word)) {
        if (str_to_u32(word, ret) < 0 || *ret == UINT32_MAX)
            return err_set(e, EINVAL, "group %s: a gid is a number from 0 to 4294967294", word);
        return 0;
    }
    while (next_line(&group, &l)) {
        if (is(&l, 0, word) && number(&l, 2, &gid)) {
            *ret = gid;
            return 0;
        }
    }
    err_set(e, ENOENT, "group %s is not in the image's /etc/group", word);
    return err_remedy(e, "use a number, or a name that the image has");
}

static void add_groups(const char *group, const char *name, struct arena *arena, struct spec_user *ret)
{
    gid_t *gids = ARENA_ARRAY(arena, GROUPS_MAX, gid_t);
    size_t n = 0;
    struct line l;

    while (*name && n < GROUPS_MAX && next_line(&group, &l)) {
        uint32_t gid;

        if (lists(&l, name) && number(&l, 2, &gid) && gid != ret->gid)
            gids[n++] = gid;
    }
    ret->additional_gids = gids;
    ret->n_additional_gids = n;
}

int image_user_lookup(const char *passwd, const char *group, const char *text, struct arena *arena,
                      struct spec_user *ret, struct err *e)
{
    char user[NAME_LEN], wanted[NAME_LEN] = "", name[NAME_LEN] = "";
    const char *colon = strchr(text, ':');
    struct spec_user found = { 0 };
    int r;

    if (str_format(user, sizeof(user), "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text) < 0 ||
        (colon && str_format(wanted, sizeof(wanted), "%s", colon + 1) < 0))
        return err_set(e, EINVAL, "user %.100s...: names have at most 255 bytes", text);
    if (colon && (!*wanted || strchr(wanted, ':')))
        return err_set(e, EINVAL, "user %s: USER[:GROUP] is wanted", text);
    if (strpbrk(user, "\n,") || strpbrk(wanted, "\n,"))
        return err_set(e, EINVAL, "user %s: not a name", text);
    /* Root's own line tells its groups. */
    r = find_user(passwd, *user ? user : "0", &found, name, e);
    if (r >= 0 && colon)
        r = find_group(group, wanted, &found.gid, e);
    else if (r >= 0)
        add_groups(group, name, arena, &found);
    if (r >= 0)
        *ret = found;
    return r;
}

/* Missing or not a plain file: as if it were empty; too large is an error. */
static int read_file(int root, const char *path, struct buf *ret, struct err *e)
{
    _cleanup_close_ int fd = path_open_in_root(root, path, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    r = fd_read_all(fd, FILE_MAX, ret);
    return r < 0 ? err_sys(e, r, "the image's /%s", path) : 0;
}

int image_user_resolve(int root, const char *text, struct arena *arena, struct spec_user *ret, struct err *e)
{
    _cleanup_buf_ struct buf passwd = { 0 }, group = { 0 };
    int r = read_file(root, "etc/passwd", &passwd, e);

    if (r >= 0)
        r = read_file(root, "etc/group", &group, e);
    return r < 0 ? r : image_user_lookup(passwd.data, group.data, text, arena, ret, e);
}
