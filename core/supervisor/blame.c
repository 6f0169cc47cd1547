/*
 * blame.c - see blame.h.
 */
#include "supervisor/blame.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/say.h"

enum { SHA256 = 64 };

/* A file that a worker died in. Known by its contents: a repaired file starts with a clean slate.
 */
struct suspect {
    char sha256[SHA256 + 1];
    int64_t crash_us[BLAME_TIMES]; /* the latest ones, oldest first; 0: none */
    bool quarantined;
};

static struct suspect suspects[CRUMB_IMAGES];
static size_t suspect_count;

/* Room for every suspect, each followed by ':' or the end. */
static char quarantined[CRUMB_IMAGES * (SHA256 + 1) + 1];

/* The image that slot `i` stands in, or 0. */
static uint32_t image_in(const struct crumb_page *page, uint32_t i)
{
    uint32_t image = page->slot[i * 16];

    return image < CRUMB_IMAGES ? image : 0;
}

bool blame_any(const struct crumb_page *page)
{
    for (uint32_t i = 0; i < CRUMB_SLOTS; i++) {
        if (image_in(page, i))
            return true;
    }
    return false;
}

/* The record of a file; NULL if its hash is damaged or there are too many. */
static struct suspect *suspect_of(const char *sha256)
{
    if (strspn(sha256, "0123456789abcdef") != SHA256)
        return NULL;
    for (size_t i = 0; i < suspect_count; i++) {
        if (memcmp(suspects[i].sha256, sha256, SHA256) == 0)
            return &suspects[i];
    }
    if (suspect_count == CRUMB_IMAGES)
        return NULL;
    memcpy(suspects[suspect_count].sha256, sha256, SHA256);
    return &suspects[suspect_count++];
}

/* Notes a crash; true if it was one too many. */
static bool note_crash(struct suspect *s, int64_t now)
{
    if (!s || s->quarantined)
        return false;
    memmove(s->crash_us, s->crash_us + 1, sizeof(s->crash_us) - sizeof(s->crash_us[0]));
    s->crash_us[BLAME_TIMES - 1] = now;
    if (!s->crash_us[0] || now - s->crash_us[0] > BLAME_WITHIN_US)
        return false;
    s->quarantined = true;
    if (*quarantined)
        strcat(quarantined, ":");
    strcat(quarantined, s->sha256);
    return true;
}

bool blame_crash(const struct crumb_page *page, bool counts, int64_t now, char *text, size_t size)
{
    bool seen[CRUMB_IMAGES] = { false };
    bool more = false;
    size_t used = 0;
    /* If the thread that crashed said so, the others are only bystanders. */
    uint32_t only = page->crashed_slot <= CRUMB_SLOTS ? page->crashed_slot : 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < CRUMB_SLOTS; i++) {
        uint32_t image = only && i + 1 != only ? 0 : image_in(page, i);
        char path[CRUMB_PATH + 1], name[CRUMB_NAME + 1], sha256[SHA256 + 1];

        if (!image || seen[image])
            continue;
        seen[image] = true;
        snprintf(path, sizeof(path), "%.*s", CRUMB_PATH, page->image[image].path);
        snprintf(name, sizeof(name), "%.*s", CRUMB_NAME, page->image[image].name);
        snprintf(sha256, sizeof(sha256), "%.*s", SHA256, page->image[image].sha256);
        if (used < size) {
            int n = snprintf(text + used, size - used, "%s plugin %s (%s)", used ? " or" : " in",
                             *name ? name : "?", *path ? path : "?");
            used += n > 0 ? (size_t)n : 0;
        }
        if (counts && note_crash(suspect_of(sha256), now)) {
            say("plugin %s (%s) is quarantined: the worker died in it %d times within %d s. It "
                "stays unloaded until the file is replaced or weir is restarted",
                name, path, BLAME_TIMES, BLAME_WITHIN_US / 1000000);
            more = true;
        }
    }
    if (!used)
        snprintf(text, size, " outside any plugin");
    return more;
}

const char *blame_quarantined(void)
{
    return quarantined;
}

void blame_clear(struct crumb_page *page)
{
    memset(page->slot, 0, sizeof(page->slot));
    page->slots_used = 0;
    page->images = 0;
    page->ready = 0;
    page->crashed_slot = 0;
    page->crashed_signal = 0;
}
