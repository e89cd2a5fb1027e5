// SPDX-License-Identifier: Apache-2.0
/* Error records. Runs in every process; touches nothing but the caller's struct. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int absolute(int code)
{
    if (code == 0)
        return EIO;
    return code < 0 ? -code : code;
}

static void __attribute__((format(printf, 3, 0)))
format_message(struct err *e, int code, const char *format, va_list ap)
{
    e->code = code;
    e->exit_status = 0;
    e->remedy[0] = '\0';
    /* A message too long is cut; the record has a fixed size because it crosses process boundaries. */
    (void)vsnprintf(e->message, sizeof(e->message), format, ap);
}

int err_set(struct err *e, int code, const char *format, ...)
{
    va_list ap;

    code = absolute(code);
    if (e) {
        va_start(ap, format);
        format_message(e, code, format, ap);
        va_end(ap);
    }
    return -code;
}

int err_sys(struct err *e, int code, const char *format, ...)
{
    va_list ap;
    size_t used;

    code = absolute(code);
    if (!e)
        return -code;
    va_start(ap, format);
    format_message(e, code, format, ap);
    va_end(ap);
    used = strlen(e->message);
    (void)snprintf(e->message + used, sizeof(e->message) - used, ": %s", strerror(code));
    return -code;
}

int err_prefix(struct err *e, const char *format, ...)
{
    char tail[ERR_MESSAGE_MAX];
    va_list ap;
    size_t used;

    if (!e)
        return -EIO;
    memcpy(tail, e->message, sizeof(tail));
    va_start(ap, format);
    (void)vsnprintf(e->message, sizeof(e->message), format, ap);
    va_end(ap);
    used = strlen(e->message);
    (void)snprintf(e->message + used, sizeof(e->message) - used, ": %s", tail);
    return err_code(e);
}

int err_remedy(struct err *e, const char *format, ...)
{
    va_list ap;

    if (!e)
        return -EIO;
    va_start(ap, format);
    (void)vsnprintf(e->remedy, sizeof(e->remedy), format, ap);
    va_end(ap);
    return err_code(e);
}

int err_code(const struct err *e)
{
    return e && e->code ? -e->code : -EIO;
}
