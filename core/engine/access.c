/*
 * access.c - see access.h. Lines are made without allocation into one buffer per worker; the file
 * is opened for appending, so several workers' writes do not mix.
 */
#include "engine/access.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

#include <weir/sdk/utf8.h>

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* Lines are in the file this long after their request, or when there are so many. One that comes
 * alone is there at once; of a crash the handler sees to it. */
enum { ACCESS_FLUSH = 64 * 1024, ACCESS_FLUSH_US = 100 * 1000 };

struct access_log {
    struct loop *loop;
    struct loop_task task;
    struct loop_timer timer;
    int64_t flushed_us;
    struct buf lines;
    int fd; /* -1: off */
    bool failed;
};

struct access_log *access_log_new(struct loop *loop)
{
    struct access_log *log = g_new0(struct access_log, 1);

    log->loop = loop;
    log->fd = -1;
    crash_save(&log->fd, &log->lines);
    return log;
}

static void flush(struct access_log *log)
{
    log->flushed_us = loop_now(log->loop);
    while (log->fd >= 0 && buf_len(&log->lines)) {
        ssize_t n = write(log->fd, buf_at(&log->lines), buf_len(&log->lines));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (!log->failed)
                log_write(LOG_LEVEL_ERROR, "log", "a log file cannot be written: %s",
                          g_strerror(errno));
            log->failed = true;
            buf_eat(&log->lines, buf_len(&log->lines));
            return;
        }
        log->failed = false;
        buf_eat(&log->lines, (size_t)n);
    }
}

static void on_turn(struct loop_task *task)
{
    flush((struct access_log *)((char *)task - offsetof(struct access_log, task)));
}

static void on_timer(struct loop_timer *timer)
{
    flush((struct access_log *)((char *)timer - offsetof(struct access_log, timer)));
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
        log_write(LOG_LEVEL_ERROR, "log", "cannot open the log file %s: %s", path,
                  g_strerror(errno));
}

void access_log_free(struct access_log *log)
{
    if (!log)
        return;
    flush(log);
    if (log->fd > STDERR_FILENO)
        close(log->fd);
    crash_save_not(&log->lines);
    loop_timer_clear(log->loop, &log->timer);
    loop_defer_cancel(log->loop, &log->task);
    buf_free(&log->lines);
    g_free(log);
}

/* -- one line -----------------------------------------------------------------------------------
 */

/*
 * Nothing here goes through printf: formatting would cost more than all of the routing. The line is
 * written through a cursor, which looks for room once per piece; `log->lines` has its length only
 * at the end.
 */
struct line {
    struct buf *b;
    char *at, *end;
};

/* Makes room for `more` bytes. False: out of memory, the piece is left out. */
static bool line_grow(struct line *l, size_t more)
{
    if (l->at) /* else it begins, behind the lines that are there */
        l->b->end = (size_t)(l->at - l->b->mem);
    if (!buf_reserve(l->b, more < 1024 ? 1024 : more))
        return false;
    l->at = l->b->mem + l->b->end;
    l->end = l->b->mem + l->b->cap;
    return true;
}

static inline bool line_room(struct line *l, size_t more)
{
    return (size_t)(l->end - l->at) >= more || line_grow(l, more);
}

static inline void put(struct line *l, weir_str text)
{
    if (!text.len || !line_room(l, text.len))
        return;
    memcpy(l->at, text.ptr, text.len);
    l->at += text.len;
}

static void put_number(struct line *l, int64_t n)
{
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    unsigned len = n < 0 ? 2 : 1;

    if (!line_room(l, 24))
        return;
    for (uint64_t power = 10; rest >= power; power *= 10)
        len++;
    for (char *p = l->at + len; p > l->at; rest /= 10)
        *--p = (char)('0' + rest % 10);
    if (n < 0)
        *l->at = '-';
    l->at += len;
}

/* With zeros in front. */
static void put_digits(struct line *l, unsigned n, int width)
{
    char digits[8];

    for (int i = width; i-- > 0; n /= 10)
        digits[i] = (char)('0' + n % 10);
    put(l, (weir_str){ digits, (size_t)width });
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

/* Text in which something needs an escape, or which is not all ASCII. */
static void put_odd(struct line *l, weir_str s)
{
    static const char hex[] = "0123456789abcdef";

    if (!g_utf8_validate(s.ptr, (gssize)s.len, NULL))
        s = S("?");
    if (!line_room(l, s.len * 6 + 1)) /* and a quote */
        return;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\') {
            *l->at++ = '\\';
        } else if (needs_escape(c)) {
            memcpy(l->at, "\\u00", 4);
            l->at[4] = hex[c >> 4], l->at[5] = hex[c & 15];
            l->at += 6;
            continue;
        }
        *l->at++ = (char)c;
    }
}

static void put_string(struct line *l, weir_str s)
{
    const char *end = s.ptr + s.len;

    if (!line_room(l, s.len + 2))
        return;
    *l->at++ = '"';
    if (!s.len || (weir_utf8_skip_plain(s.ptr, end) == end && !memchr(s.ptr, 0x7f, s.len)))
        put(l, s);
    else
        put_odd(l, s);
    *l->at++ = '"';
}

/* `name` with its comma, quotes and colon: S(",\"id\":"). */
static inline void put_member(struct line *l, weir_str name, weir_str value)
{
    put(l, name);
    put_string(l, value);
}

static inline void put_int(struct line *l, weir_str name, int64_t n)
{
    put(l, name);
    put_number(l, n);
}

/* Names of our own: nothing in them needs an escape. */
static inline void put_word(struct line *l, weir_str name, const char *word)
{
    weir_str text = str_of(word);

    if (!line_room(l, name.len + text.len + 2))
        return;
    put(l, name);
    *l->at++ = '"';
    put(l, text);
    *l->at++ = '"';
}

static void put_usage(struct line *l, const weir_usage *u)
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

    put(l, S(",\"usage\":{"));
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        if (counts[i].n < 0)
            continue;
        if (any)
            put(l, S(","));
        put_int(l, counts[i].name, counts[i].n);
        any = true;
    }
    put(l, S("}"));
}

/* Microseconds since the exchange began, or -1. */
static int64_t since(const struct exchange *e, int64_t at)
{
    return at ? at - e->start_us : -1;
}

static void put_attempt(struct line *l, const struct exchange *e, const struct attempt *a)
{
    put(l, S("{\"target\":"));
    put_string(l, str_of(a->target->name));
    put_word(l, S(",\"class\":"), a->failure ? failure_class_name(a->failure->class_id) : "ok");
    if (a->status)
        put_int(l, S(",\"status\":"), a->status);
    put(l, a->begun ? S(",\"sent\":true") : S(",\"sent\":false"));
    put_int(l, S(",\"start_us\":"), since(e, a->start_us));
    if (a->first_us)
        put_int(l, S(",\"first_us\":"), since(e, a->first_us));
    put_int(l, S(",\"end_us\":"), since(e, a->end_us));
    if (!usage_is_empty(&a->usage))
        put_usage(l, &a->usage);
    if (a->failure)
        put_member(l, S(",\"message\":"), a->failure->message);
    put(l, S("}"));
}

/* The date and time of a second, made once a second. */
static void put_time(struct line *l, int64_t unix_us)
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
    put(l, (weir_str){ text, len });
    put_digits(l, (unsigned)(unix_us % 1000000), 6);
    put(l, S("Z\""));
}

static void put_warnings(struct line *l, const struct exchange *e)
{
    const struct warning *w;
    uint32_t at = 0;
    bool any = false;

    while ((w = exchange_warning(e, &at))) {
        put(l, any ? S(",{\"at\":") : S(",\"warnings\":[{\"at\":"));
        put_string(l, w->topic);
        put_member(l, S(",\"why\":"), w->text);
        put(l, S("}"));
        any = true;
    }
    if (any)
        put(l, S("]"));
}

/* Whose copy it is, and for which child. */
static void put_copy(struct line *l, const struct exchange *e)
{
    put_word(l, S(",\"shadow_of\":"), e->copy_of);
    put_member(l, S(",\"shadow\":"), e->copy_name);
}

/* The copies of a request: the child, and the copy's id or why there is none. */
static void put_shadows(struct line *l, const struct exchange *e)
{
    put(l, S(",\"shadows\":["));
    for (const struct shadow *s = e->shadows; s; s = s->next) {
        put(l, s == e->shadows ? S("{\"child\":") : S(",{\"child\":"));
        put_string(l, s->child->name);
        if (s->id[0])
            put_word(l, S(",\"id\":"), s->id);
        else
            put_word(l, S(",\"not_sent\":"), s->why_not ? s->why_not : "nobody was asked");
        put(l, S("}"));
    }
    put(l, S("]"));
}

static void put_request(struct line *l, const struct exchange *e, const struct attempt *winner)
{
    put_time(l, e->unix_us);
    put_word(l, S(",\"id\":"), e->id);
    if (e->copy_of)
        put_copy(l, e);
    put_word(l, S(",\"peer\":"), e->peer);
    put_word(l, S(",\"dialect\":"), e->dialect->name);
    put_word(l, S(",\"op\":"), op_name(e->facts.op));
    put_member(l, S(",\"method\":"), e->in.method);
    put_member(l, S(",\"path\":"), e->in.path);
    if (e->key) {
        put_word(l, S(",\"key\":"), e->key->name);
        put_member(l, S(",\"tenant\":"), str_of(e->key->tenant));
    }
    put_member(l, S(",\"model\":"), e->facts.model);
    if (e->route)
        put_member(l, S(",\"route\":"), str_of(e->route->name));
    if (winner && winner->target)
        put_member(l, S(",\"target\":"), str_of(winner->target->name));
    if (e->status) /* a copy of a request sends none */
        put_int(l, S(",\"status\":"), e->status);
    put_word(l, S(",\"class\":"), e->failure ? failure_class_name(e->failure->class_id) : "ok");
    put(l, e->facts.stream ? S(",\"stream\":true") : S(",\"stream\":false"));
    if (e->failure)
        put_member(l, S(",\"message\":"), e->failure->message);
}

/* Who looks at a terminal wants to see each line when it comes. */
static void written(struct access_log *log)
{
    int64_t due = log->flushed_us + ACCESS_FLUSH_US;

    if (buf_len(&log->lines) > ACCESS_FLUSH)
        flush(log);
    else if (log->fd == STDERR_FILENO || due <= loop_now(log->loop))
        loop_defer(log->loop, &log->task, on_turn);
    else if (!log->timer.slot)
        loop_timer_set(log->loop, &log->timer, due, on_timer);
}

void access_log_line(struct access_log *log, weir_str text)
{
    if (log->fd >= 0 && buf_reserve(&log->lines, text.len + 1)) {
        buf_add(&log->lines, text.ptr, text.len);
        buf_add(&log->lines, "\n", 1);
        written(log);
    }
}

void access_log_exchange(struct access_log *log, struct exchange *e)
{
    const struct attempt *winner = e->failure ? NULL : e->winner;
    struct line line = { .b = &log->lines }, *l = &line;

    if (log->fd < 0 || !line_grow(l, 1024))
        return;
    put_request(l, e, winner);
    put(l, S(",\"attempts\":["));
    for (const struct attempt *a = e->attempts; a; a = a->next) {
        put_attempt(l, e, a);
        if (a->next)
            put(l, S(","));
    }
    put(l, S("]"));
    if (winner && winner->target)
        put_usage(l, &winner->usage);
    if (e->shadows)
        put_shadows(l, e);
    if (e->warning_count)
        put_warnings(l, e);
    put_int(l, S(",\"bytes_in\":"), (int64_t)e->bytes_in);
    put_int(l, S(",\"bytes_out\":"), (int64_t)e->bytes_out);
    if (e->first_us)
        put_int(l, S(",\"first_us\":"), since(e, e->first_us));
    put_int(l, S(",\"duration_us\":"), e->end_us - e->start_us);
    put(l, S("}\n"));
    log->lines.end = (size_t)(l->at - log->lines.mem);
    written(log);
}
