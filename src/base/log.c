// SPDX-License-Identifier: Apache-2.0
/* The log. Runs in the programs' main processes, never in a container's init. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static struct {
    const char *program;
    int fd; /* the log file, or -1 */
    enum log_format format;
    enum log_level least;
} sink = { .program = "lichen", .fd = -1, .least = LOG_INFO };

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

int log_level_parse(const char *text, enum log_level *ret)
{
    static const struct {
        const char *name;
        enum log_level level;
    } synonyms[] = {
        { "warn", LOG_WARNING }, { "trace", LOG_DEBUG }, { "fatal", LOG_ERROR }, { "panic", LOG_ERROR }
    };

    for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (str_eq(text, level_names[i])) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++) {
        if (str_eq(text, synonyms[i].name)) {
            *ret = synonyms[i].level;
            return 0;
        }
    }
    return -EINVAL;
}

int log_open(const char *program, const char *path, enum log_format format, enum log_level least,
             struct err *e)
{
    sink.program = program;
    sink.format = format;
    sink.least = least;
    if (!path)
        return 0;
    sink.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
    if (sink.fd < 0)
        return err_sys(e, errno, "--log %s: cannot open the log file", path);
    /* Descriptors 3 and up may be handed to the container (--preserve-fds); stay out of their way. */
    sink.fd = fd_move_above(sink.fd, 64);
    return sink.fd < 0 ? err_sys(e, sink.fd, "--log %s", path) : 0;
}

/* Append @s as the inside of a JSON string (RFC 8259 section 7). */
static void put_json_string(struct buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < 0x20)
            buf_printf(b, "\\u%04x", c);
        else
            buf_append(b, s, 1);
    }
}

static void time_stamp(char *out, size_t size)
{
    struct timespec now;
    struct tm utc;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    if (strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        out[0] = '\0';
}

static void put_record(struct buf *b, enum log_level level, const char *text, const char *remedy)
{
    char now[32];

    time_stamp(now, sizeof(now));
    if (sink.format == LOG_JSON) {
        buf_puts(b, "{\"msg\":\"");
        put_json_string(b, text);
        if (*remedy) {
            buf_puts(b, " (");
            put_json_string(b, remedy);
            buf_puts(b, ")");
        }
        buf_printf(b, "\",\"level\":\"%s\",\"time\":\"%s\"}\n", level_names[level], now);
    } else {
        buf_printf(b, "time=\"%s\" level=%s msg=\"", now, level_names[level]);
        put_json_string(b, text);
        if (*remedy) {
            buf_puts(b, " (");
            put_json_string(b, remedy);
            buf_puts(b, ")");
        }
        buf_puts(b, "\"\n");
    }
}

static void emit(enum log_level level, const char *text, const char *remedy)
{
    _cleanup_buf_ struct buf b = { 0 };

    if (level > sink.least)
        return;
    if (sink.fd >= 0) {
        put_record(&b, level, text, remedy);
        (void)fd_write_all(sink.fd, b.data, b.len);
        if (level != LOG_ERROR)
            return;
        buf_free(&b);
    }
    if (sink.format == LOG_JSON && sink.fd < 0) {
        put_record(&b, level, text, remedy);
    } else {
        buf_printf(&b, "%s: %s%s\n", sink.program, level == LOG_WARNING ? "warning: " : "", text);
        if (*remedy)
            buf_printf(&b, "%s: hint: %s\n", sink.program, remedy);
    }
    (void)fd_write_all(STDERR_FILENO, b.data, b.len);
}

void log_message(enum log_level level, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    emit(level, text, "");
}

void log_error(const struct err *e)
{
    emit(LOG_ERROR, e->message[0] ? e->message : strerror(e->code), e->remedy);
}
