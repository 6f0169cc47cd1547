/*
 * access.c - see access.h. Lines are made without allocation into one buffer per worker; the file
 * is opened for appending, so several workers' writes do not mix.
 */
#include "engine/access.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { ACCESS_FLUSH = 256 * 1024 };

struct access_log {
    struct loop *loop;
    struct loop_task task;
    struct buf lines;
    int fd; /* -1: off */
    bool failed;
};

struct access_log *access_log_new(struct loop *loop)
{
    struct access_log *log = g_new0(struct access_log, 1);

    log->loop = loop;
    log->fd = -1;
    return log;
}

static void flush(struct access_log *log)
{
    while (log->fd >= 0 && buf_len(&log->lines)) {
        ssize_t n = write(log->fd, buf_at(&log->lines), buf_len(&log->lines));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (!log->failed)
                log_write(LOG_LEVEL_ERROR, "log", "the access log cannot be written: %s",
                          g_strerror(errno));
            log->failed = true;
            buf_eat(&log->lines, buf_len(&log->lines));
            return;
        }
        log->failed = false;
        buf_eat(&log->lines, (size_t)n);
    }
}

static void on_flush(struct loop_task *task)
{
    flush((struct access_log *)((char *)task - offsetof(struct access_log, task)));
}

void access_log_target(struct access_log *log, enum config_log_target target, const char *path)
{
    flush(log);
    if (log->fd > STDERR_FILENO)
        close(log->fd);
    log->fd = -1;
    if (target == CONFIG_LOG_STDERR)
        log->fd = STDERR_FILENO;
    if (target != CONFIG_LOG_FILE)
        return;
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (log->fd < 0)
        log_write(LOG_LEVEL_ERROR, "log", "cannot open the access log %s: %s", path,
                  g_strerror(errno));
}

void access_log_free(struct access_log *log)
{
    if (!log)
        return;
    flush(log);
    if (log->fd > STDERR_FILENO)
        close(log->fd);
    loop_defer_cancel(log->loop, &log->task);
    buf_free(&log->lines);
    g_free(log);
}

/* -- one line -----------------------------------------------------------------------------------
 */

__attribute__((format(printf, 2, 3))) static void put(struct buf *b, const char *format, ...)
{
    char text[256];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        buf_add(b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void put_string(struct buf *b, weir_str s)
{
    size_t from = 0;

    if (s.len && !g_utf8_validate(s.ptr, (gssize)s.len, NULL))
        s = S("?");
    buf_add(b, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c >= 0x20 && c != '"' && c != '\\' && c < 0x7f)
            continue;
        buf_add(b, s.ptr + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            put(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            put(b, "\\u%04x", c);
        else
            buf_add(b, s.ptr + i, 1);
    }
    buf_add(b, s.ptr + from, s.len - from);
    buf_add(b, "\"", 1);
}

static void put_member(struct buf *b, const char *name, weir_str value)
{
    buf_add(b, ",\"", 2);
    buf_add(b, name, strlen(name));
    buf_add(b, "\":", 2);
    put_string(b, value);
}

static void put_count(struct buf *b, bool *any, const char *name, int64_t n)
{
    if (n < 0)
        return;
    put(b, "%s\"%s\":%" PRId64, *any ? "," : "", name, n);
    *any = true;
}

static void put_usage(struct buf *b, const weir_usage *u)
{
    bool any = false;

    buf_add(b, ",\"usage\":{", 10);
    put_count(b, &any, "input", u->input_total);
    put_count(b, &any, "output", u->output_total);
    put_count(b, &any, "cache_read", u->input_cache_read);
    put_count(b, &any, "cache_write", u->input_cache_write);
    put_count(b, &any, "reasoning", u->output_reasoning);
    put_count(b, &any, "input_audio", u->input_audio);
    put_count(b, &any, "output_audio", u->output_audio);
    buf_add(b, "}", 1);
}

/* Microseconds since the exchange began, or -1. */
static int64_t since(const struct exchange *e, int64_t at)
{
    return at ? at - e->start_us : -1;
}

static void put_attempt(struct buf *b, const struct exchange *e, const struct attempt *a)
{
    put(b, "{\"target\":");
    put_string(b, str_of(a->target->name));
    put(b, ",\"class\":\"%s\"", a->failure ? failure_class_name(a->failure->class_id) : "ok");
    if (a->status)
        put(b, ",\"status\":%u", a->status);
    put(b, ",\"sent\":%s,\"start_us\":%" PRId64, a->begun ? "true" : "false",
        since(e, a->start_us));
    if (a->first_us)
        put(b, ",\"first_us\":%" PRId64, since(e, a->first_us));
    put(b, ",\"end_us\":%" PRId64, since(e, a->end_us));
    if (!usage_is_empty(&a->usage))
        put_usage(b, &a->usage);
    if (a->failure)
        put_member(b, "message", a->failure->message);
    buf_add(b, "}", 1);
}

static void put_time(struct buf *b, int64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    put(b, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(unix_us / 1000 % 1000));
}

static void put_warnings(struct buf *b, const struct exchange *e)
{
    buf_add(b, ",\"warnings\":[", 13);
    for (uint32_t i = 0; i < e->warning_count; i++) {
        put(b, "%s{\"at\":", i ? "," : "");
        put_string(b, e->warnings[i].topic);
        put_member(b, "why", e->warnings[i].text);
        buf_add(b, "}", 1);
    }
    buf_add(b, "]", 1);
}

void access_log_exchange(struct access_log *log, struct exchange *e)
{
    const struct attempt *winner = e->failure ? NULL : e->winner;
    struct buf *b = &log->lines;

    if (log->fd < 0)
        return;
    put_time(b, e->unix_us);
    put_member(b, "id", str_of(e->id));
    put_member(b, "peer", str_of(e->peer));
    put_member(b, "dialect", str_of(e->dialect->name));
    put_member(b, "op", str_of(op_name(e->facts.op)));
    put_member(b, "method", e->in.method);
    put_member(b, "path", e->in.path);
    put_member(b, "model", e->facts.model);
    if (e->route)
        put_member(b, "route", str_of(e->route->name));
    if (winner && winner->target)
        put_member(b, "target", str_of(winner->target->name));
    put(b, ",\"status\":%u,\"class\":\"%s\",\"stream\":%s", e->status,
        e->failure ? failure_class_name(e->failure->class_id) : "ok",
        e->facts.stream ? "true" : "false");
    if (e->failure)
        put_member(b, "message", e->failure->message);
    buf_add(b, ",\"attempts\":[", 13);
    for (const struct attempt *a = e->attempts; a; a = a->next) {
        put_attempt(b, e, a);
        if (a->next)
            buf_add(b, ",", 1);
    }
    buf_add(b, "]", 1);
    if (winner && winner->target)
        put_usage(b, &winner->usage);
    if (e->warning_count)
        put_warnings(b, e);
    put(b, ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64, e->bytes_in, e->bytes_out);
    if (e->first_us)
        put(b, ",\"first_us\":%" PRId64, since(e, e->first_us));
    put(b, ",\"duration_us\":%" PRId64 "}\n", e->end_us - e->start_us);
    if (buf_len(b) > ACCESS_FLUSH)
        flush(log);
    else
        loop_defer(log->loop, &log->task, on_flush);
}
