// SPDX-License-Identifier: Apache-2.0
/* Looking up user names. Runs in the caller's namespaces, as the caller; what is read is the host's. */
#include "base/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/program.h"
#include "base/str.h"

#define PASSWD_MAX (16U << 20)

/* passwd(5): "name:password:UID:GID:...". True when a line of @text is @uid's and its name fits. */
static bool find_line(const char *text, uid_t uid, char *name, size_t size)
{
    while (*text) {
        const char *end = text + strcspn(text, "\n"), *colon = memchr(text, ':', (size_t)(end - text));
        const char *number = colon ? memchr(colon + 1, ':', (size_t)(end - colon - 1)) : NULL;
        char digits[16];
        uint32_t found;

        if (number && number[1 + strspn(number + 1, "0123456789")] == ':' &&
            str_format(digits, sizeof(digits), "%.*s", (int)strcspn(number + 1, ":"), number + 1) == 0 &&
            str_to_u32(digits, &found) == 0 && found == uid && colon > text)
            return str_format(name, size, "%.*s", (int)(colon - text), text) == 0;
        text = *end ? end + 1 : end;
    }
    return false;
}

static bool look_up(uid_t uid, char *name, size_t size)
{
    _cleanup_buf_ struct buf passwd = { 0 }, answer = { 0 };
    char number[16];
    char *const argv[] = { (char *)"getent", (char *)"passwd", number, NULL };

    if (fd_read_file(AT_FDCWD, "/etc/passwd", PASSWD_MAX, &passwd) == 0 &&
        find_line(passwd.data, uid, name, size))
        return true;
    (void)str_format(number, sizeof(number), "%u", (unsigned)uid);
    return program_capture(argv, 65536, &answer) == 0 && find_line(answer.data, uid, name, size);
}

const char *user_name(uid_t uid, char *name, size_t size)
{
    /* `list` asks for every container, and they are all one user's. "": nobody's name. */
    static struct {
        bool asked;
        uid_t uid;
        char name[USER_NAME_MAX];
    } last;

    if (!last.asked || last.uid != uid) {
        last.asked = true;
        last.uid = uid;
        if (!look_up(uid, last.name, sizeof(last.name)))
            last.name[0] = '\0';
    }
    return last.name[0] && str_format(name, size, "%s", last.name) == 0 ? name : NULL;
}
