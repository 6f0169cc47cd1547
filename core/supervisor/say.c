/*
 * say.c - see say.h.
 */
#include "supervisor/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void say(const char *format, ...)
{
    static const char prefix[] = "weir-supervisor: ";
    enum { PREFIX = sizeof(prefix) - 1 };
    char line[2048];
    va_list args;
    int len;

    snprintf(line, sizeof(line), "%s", prefix);
    va_start(args, format);
    len = vsnprintf(line + PREFIX, sizeof(line) - PREFIX - 1, format, args);
    va_end(args);
    if (len < 0)
        return;
    if (len > (int)(sizeof(line) - PREFIX - 2))
        len = (int)(sizeof(line) - PREFIX - 2);
    /* Some of it was in the memory of a process that crashed. */
    for (char *p = line; p < line + PREFIX + len; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    line[PREFIX + len] = '\n';
    /* There is nobody to tell that the log cannot be written. */
    if (write(STDERR_FILENO, line, (size_t)(PREFIX + len + 1)) < 0)
        return;
}

int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
