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

/* Nothing here goes through printf: formatting would cost more than all of the routing. */
static void put(struct buf *b, weir_str text)
{
    buf_add(b, text.ptr, text.len);
}

static void put_number(struct buf *b, int64_t n)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (n < 0)
        digits[--at] = '-';
    buf_add(b, digits + at, sizeof digits - at);
}

/* With zeros in front. */
static void put_digits(struct buf *b, unsigned n, int width)
{
    char digits[8];

    for (int i = width; i-- > 0; n /= 10)
        digits[i] = (char)('0' + n % 10);
    buf_add(b, digits, (size_t)width);
}

static void put_string(struct buf *b, weir_str s)
{
    static const char hex[] = "0123456789abcdef";
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
        if (c == '"' || c == '\\') {
            put(b, S("\\"));
            buf_add(b, s.ptr + i, 1);
        } else if (c < 0x20 || c == 0x7f) {
            put(b, S("\\u00"));
            buf_add(b, &hex[c >> 4], 1);
            buf_add(b, &hex[c & 15], 1);
        } else {
            buf_add(b, s.ptr + i, 1);
        }
    }
    buf_add(b, s.ptr + from, s.len - from);
    buf_add(b, "\"", 1);
}

/* `name` with its comma, quotes and colon: S(",\"id\":"). */
static void put_member(struct buf *b, weir_str name, weir_str value)
{
    put(b, name);
    put_string(b, value);
}

static void put_int(struct buf *b, weir_str name, int64_t n)
{
    put(b, name);
    put_number(b, n);
}

/* Names of our own: nothing in them needs an escape. */
static void put_word(struct buf *b, weir_str name, const char *word)
{
    put(b, name);
    put(b, S("\""));
    put(b, str_of(word));
    put(b, S("\""));
}

static void put_usage(struct buf *b, const weir_usage *u)
{
    const struct {
        weir_str name;
        int64_t n;
    } counts[] = {
        { S("\"input\":"), u->input_total },
        { S("\"output\":"), u->output_total },
        { S("\"cache_read\":"), u->input_cache_read },
        { S("\"cache_write\":"), u->input_cache_write },
        { S("\"reasoning\":"), u->output_reasoning },
        { S("\"input_audio\":"), u->input_audio },
        { S("\"output_audio\":"), u->output_audio },
    };
    bool any = false;

    put(b, S(",\"usage\":{"));
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        if (counts[i].n < 0)
            continue;
        if (any)
            put(b, S(","));
        put_int(b, counts[i].name, counts[i].n);
        any = true;
    }
    put(b, S("}"));
}

/* Microseconds since the exchange began, or -1. */
static int64_t since(const struct exchange *e, int64_t at)
{
    return at ? at - e->start_us : -1;
}

static void put_attempt(struct buf *b, const struct exchange *e, const struct attempt *a)
{
    put(b, S("{\"target\":"));
    put_string(b, str_of(a->target->name));
    put_word(b, S(",\"class\":"), a->failure ? failure_class_name(a->failure->class_id) : "ok");
    if (a->status)
        put_int(b, S(",\"status\":"), a->status);
    put(b, a->begun ? S(",\"sent\":true") : S(",\"sent\":false"));
    put_int(b, S(",\"start_us\":"), since(e, a->start_us));
    if (a->first_us)
        put_int(b, S(",\"first_us\":"), since(e, a->first_us));
    put_int(b, S(",\"end_us\":"), since(e, a->end_us));
    if (!usage_is_empty(&a->usage))
        put_usage(b, &a->usage);
    if (a->failure)
        put_member(b, S(",\"message\":"), a->failure->message);
    put(b, S("}"));
}

/* The date and time of a second, made once a second. */
static void put_time(struct buf *b, int64_t unix_us)
{
    static _Thread_local time_t second = -1;
    static _Thread_local char text[40];
    static _Thread_local size_t len;
    time_t now = (time_t)(unix_us / 1000000);
    struct tm tm;

    if (now != second) {
        gmtime_r(&now, &tm);
        len = strftime(text, sizeof text, "{\"time\":\"%Y-%m-%dT%H:%M:%S.", &tm);
        second = now;
    }
    buf_add(b, text, len);
    put_digits(b, (unsigned)(unix_us / 1000 % 1000), 3);
    put(b, S("Z\""));
}

static void put_warnings(struct buf *b, const struct exchange *e)
{
    put(b, S(",\"warnings\":["));
    for (uint32_t i = 0; i < e->warning_count; i++) {
        put(b, i ? S(",{\"at\":") : S("{\"at\":"));
        put_string(b, e->warnings[i].topic);
        put_member(b, S(",\"why\":"), e->warnings[i].text);
        put(b, S("}"));
    }
    put(b, S("]"));
}

static void put_request(struct buf *b, const struct exchange *e, const struct attempt *winner)
{
    put_time(b, e->unix_us);
    put_word(b, S(",\"id\":"), e->id);
    put_word(b, S(",\"peer\":"), e->peer);
    put_word(b, S(",\"dialect\":"), e->dialect->name);
    put_word(b, S(",\"op\":"), op_name(e->facts.op));
    put_member(b, S(",\"method\":"), e->in.method);
    put_member(b, S(",\"path\":"), e->in.path);
    put_member(b, S(",\"model\":"), e->facts.model);
    if (e->route)
        put_member(b, S(",\"route\":"), str_of(e->route->name));
    if (winner && winner->target)
        put_member(b, S(",\"target\":"), str_of(winner->target->name));
    put_int(b, S(",\"status\":"), e->status);
    put_word(b, S(",\"class\":"), e->failure ? failure_class_name(e->failure->class_id) : "ok");
    put(b, e->facts.stream ? S(",\"stream\":true") : S(",\"stream\":false"));
    if (e->failure)
        put_member(b, S(",\"message\":"), e->failure->message);
}

void access_log_exchange(struct access_log *log, struct exchange *e)
{
    const struct attempt *winner = e->failure ? NULL : e->winner;
    struct buf *b = &log->lines;

    if (log->fd < 0)
        return;
    put_request(b, e, winner);
    put(b, S(",\"attempts\":["));
    for (const struct attempt *a = e->attempts; a; a = a->next) {
        put_attempt(b, e, a);
        if (a->next)
            put(b, S(","));
    }
    put(b, S("]"));
    if (winner && winner->target)
        put_usage(b, &winner->usage);
    if (e->warning_count)
        put_warnings(b, e);
    put_int(b, S(",\"bytes_in\":"), (int64_t)e->bytes_in);
    put_int(b, S(",\"bytes_out\":"), (int64_t)e->bytes_out);
    if (e->first_us)
        put_int(b, S(",\"first_us\":"), since(e, e->first_us));
    put_int(b, S(",\"duration_us\":"), e->end_us - e->start_us);
    put(b, S("}\n"));
    if (buf_len(b) > ACCESS_FLUSH)
        flush(log);
    else
        loop_defer(log->loop, &log->task, on_flush);
}
