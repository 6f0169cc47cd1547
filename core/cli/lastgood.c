/*
 * lastgood.c - see lastgood.h.
 */
#include "cli/lastgood.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE "WEIR_LASTGOOD_FD"

void lastgood_make(void)
{
    g_autofree char *number = g_strdup_printf("%d", memfd_create("weir-lastgood", 0));

    g_setenv(VARIABLE, number, TRUE);
}

static int descriptor(void)
{
    const char *number = g_getenv(VARIABLE);
    int fd = number ? atoi(number) : -1;

    return fd > STDERR_FILENO ? fd : -1;
}

void lastgood_keep(const struct config *config)
{
    int fd = descriptor();

    if (fd < 0 || !config->snapshot->len)
        return;
    if (ftruncate(fd, 0) == 0 && pwrite(fd, config->snapshot->str, config->snapshot->len, 0) ==
                                     (ssize_t)config->snapshot->len)
        return;
    log_write(LOG_LEVEL_WARNING, "config", "the configuration could not be kept for a restart: %s",
              g_strerror(errno));
}

char *lastgood_read(gsize *len)
{
    int fd = descriptor();
    struct stat st;
    char *bytes;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
        return NULL;
    bytes = g_malloc((gsize)st.st_size);
    *len = (gsize)st.st_size;
    if (pread(fd, bytes, *len, 0) == (ssize_t)*len)
        return bytes;
    g_free(bytes);
    return NULL;
}
