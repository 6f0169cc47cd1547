/*
 * crumb.h - which plugin is running on which thread, readable from outside after a crash.
 *
 * The supervisor shares one page with the worker process. Each thread of the worker has a slot in
 * it; a slot holds the number of the image being called, or 0. Setting it is one store, so it
 * is done around every call into a plugin. Libc only: the supervisor includes this too.
 */
#pragma once

#include <stdint.h>

enum {
    CRUMB_SLOTS = 128,
    CRUMB_IMAGES = 256,
    CRUMB_PATH = 240,
    CRUMB_NAME = 64,
};

/* The shared page. Numbers start at 1; image i is described at index i. */
struct crumb_page {
    uint32_t slot[CRUMB_SLOTS * 16]; /* one per thread, a cache line apart */
    uint32_t slots_used;
    uint32_t images;
    uint32_t generation;     /* counts successful reloads; the supervisor reports it */
    uint32_t ready;          /* 1: the worker accepts connections */
    uint32_t crashed_slot;   /* of the thread that crashed, from 1; 0: not told. See crash.h */
    uint32_t crashed_signal; /* what it crashed of */
    struct {
        char path[CRUMB_PATH]; /* of the file the image came from */
        char sha256[65];
        char name[CRUMB_NAME]; /* plugin id */
    } image[CRUMB_IMAGES];
};

/* This thread's slot; points at a dummy when there is no supervisor. */
extern _Thread_local volatile uint32_t *crumb_slot;

/* Maps the page from the descriptor named by WEIR_CRUMB_FD, or makes a private one. Once. */
struct crumb_page *crumb_open(void);

/* Gives the calling thread a slot of its own. */
void crumb_thread(void);

/* Describes an image; returns its number (0 when the table is full). Any thread, serialised by the
 * caller. */
uint32_t crumb_image(const char *path, const char *sha256, const char *name);

static inline uint32_t crumb_enter(uint32_t image)
{
    uint32_t before = *crumb_slot;
    *crumb_slot = image;
    return before;
}

static inline void crumb_leave(uint32_t before)
{
    *crumb_slot = before;
}
