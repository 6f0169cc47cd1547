/*
 * log.c - see log.h. The levels are an immutable table behind one atomic pointer, so that readers
 * never wait; tables that were replaced stay, because a reader may still look at one.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 4096,
    TOPICS = 16,
    TOPIC_NAME = 24,
};

struct levels {
    enum log_level all;
    enum log_level least; /* of all of them: most calls are decided by it alone */
    unsigned topics;
    struct {
        char name[TOPIC_NAME];
        enum log_level level;
    } topic[TOPICS];
    struct levels *replaced; /* keeps the older ones reachable */
};

static struct levels initial = { LOG_LEVEL_INFO, LOG_LEVEL_INFO, 0, { { "", 0 } }, NULL };
static struct levels *_Atomic current = &initial;

static const char *const level_names[] = { "debug", "info", "warning", "error", "none" };

static bool level_parse(const char *text, size_t len, enum log_level *level)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strlen(level_names[i]) == len && memcmp(level_names[i], text, len) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* One item of a specification: "info" or "plugin=debug". */
static bool item_parse(struct levels *t, const char *item, size_t len)
{
    const char *equals = memchr(item, '=', len);
    if (!equals) {
        return level_parse(item, len, &t->all);
    }
    size_t name = (size_t)(equals - item);
    if (name == 0 || name >= TOPIC_NAME || t->topics == TOPICS ||
        strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789_-") != name) {
        return false;
    }
    memcpy(t->topic[t->topics].name, item, name);
    return level_parse(equals + 1, len - name - 1, &t->topic[t->topics++].level);
}

bool log_setup(const char *spec)
{
    struct levels *t = calloc(1, sizeof(*t));
    if (!t) {
        return false;
    }
    t->all = LOG_LEVEL_INFO;
    for (const char *item = spec; *item;) {
        size_t len = strcspn(item, ",");
        if (!item_parse(t, item, len)) {
            free(t);
            return false;
        }
        item += len + (item[len] == ',');
    }
    t->least = t->all;
    for (unsigned i = 0; i < t->topics; i++) {
        if (t->topic[i].level < t->least) {
            t->least = t->topic[i].level;
        }
    }
    t->replaced = atomic_load(&current);
    atomic_store(&current, t);
    return true;
}

bool log_on(enum log_level level, const char *topic)
{
    const struct levels *t = atomic_load_explicit(&current, memory_order_acquire);
    if (level < t->least) {
        return false;
    }
    for (unsigned i = 0; i < t->topics; i++) {
        if (strcmp(t->topic[i].name, topic) == 0) {
            return level >= t->topic[i].level;
        }
    }
    return level >= t->all;
}

static size_t stamp(char *line, size_t size, enum log_level level, const char *topic)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(line + n, size - n, ".%03dZ %s %.*s: ", (int)(now.tv_nsec / 1000000),
                        level_names[level], TOPIC_NAME, topic);
    return n + (size_t)more;
}

/* A failed or short write has nobody to be reported to; waiting for a reader would be worse. */
static void put(const char *line, size_t len)
{
    ssize_t n;
    do {
        n = write(STDERR_FILENO, line, len);
    } while (n < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *topic, const char *format, ...)
{
    if (level >= LOG_LEVEL_NONE || !log_on(level, topic)) {
        return;
    }
    int saved = errno;
    char line[LINE_MAX_BYTES];
    size_t head = stamp(line, sizeof(line), level, topic);
    size_t room = sizeof(line) - head - 1; /* the newline */

    va_list args;
    va_start(args, format);
    errno = saved; /* for %m */
    int n = vsnprintf(line + head, room, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    if (len >= room) {
        len = room - 1;
        memcpy(line + head + len - 3, "...", 3);
    }
    for (size_t i = head; i < head + len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = ' ';
        }
    }
    line[head + len] = '\n';
    put(line, head + len + 1);
    errno = saved;
}
