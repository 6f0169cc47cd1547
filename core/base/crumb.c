/*
 * crumb.c - see crumb.h. The worker's side of the shared page.
 */
#include "base/crumb.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Threads without a slot of their own write here; nobody reads it. */
static volatile uint32_t nowhere;
_Thread_local volatile uint32_t *crumb_slot = &nowhere;

static struct crumb_page *page;

/* The page of the supervisor, or NULL if there is none or it is not what we expect. */
static struct crumb_page *map_shared(void)
{
    const char *text = getenv("WEIR_CRUMB_FD");
    if (!text || !*text) {
        return NULL;
    }
    char *end;
    long fd = strtol(text, &end, 10);
    struct stat st;
    if (*end || fd < 0 || fd > INT32_MAX || fstat((int)fd, &st) != 0 ||
        st.st_size < (off_t)sizeof(struct crumb_page)) {
        return NULL;
    }
    void *p = mmap(NULL, sizeof(struct crumb_page), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    close((int)fd); /* the mapping stays; processes that we start have no business with it */
    return p == MAP_FAILED ? NULL : p;
}

struct crumb_page *crumb_open(void)
{
    if (page) {
        return page;
    }
    struct crumb_page *p = map_shared();
    if (!p) {
        p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
            return NULL;
        }
    }
    /* What the worker before us left; the supervisor has read it. Descriptions of images go with
     * their count, the count of reloads is the supervisor's. */
    memset(p->slot, 0, sizeof(p->slot));
    p->slots_used = 0;
    p->images = 0;
    p->ready = 0;
    p->crashed_slot = 0;
    p->crashed_signal = 0;
    page = p;
    return page;
}

void crumb_thread(void)
{
    if (crumb_slot != &nowhere || !crumb_open()) {
        return;
    }
    uint32_t n = __atomic_fetch_add(&page->slots_used, 1, __ATOMIC_RELAXED);
    if (n >= CRUMB_SLOTS) {
        __atomic_store_n(&page->slots_used, CRUMB_SLOTS, __ATOMIC_RELAXED);
        return;
    }
    crumb_slot = &page->slot[n * 16];
}

static void put(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

uint32_t crumb_image(const char *path, const char *sha256, const char *name)
{
    /* Index 0 would describe number 0, "no plugin"; it stays empty. */
    if (!crumb_open() || page->images + 1 >= CRUMB_IMAGES) {
        return 0;
    }
    uint32_t n = page->images + 1;
    put(page->image[n].path, CRUMB_PATH, path);
    put(page->image[n].sha256, sizeof(page->image[n].sha256), sha256);
    put(page->image[n].name, CRUMB_NAME, name);
    __atomic_store_n(&page->images, n, __ATOMIC_RELEASE);
    return n;
}
