/*
 * crash.c - see crash.h. The handler does nothing that is not async-signal-safe: two stores, a
 * write of what is to be saved, and the signal goes on to whoever would have had it (the kernel, or
 * a sanitizer).
 */
#include "base/crash.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crumb.h"

enum { CRASH_STACK = 32 * 1024, CRASH_SAVED = 64 };

static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
enum { FATAL_COUNT = sizeof(fatal) / sizeof(fatal[0]) };

static struct crumb_page *page;
static struct sigaction before[FATAL_COUNT];

static struct saved {
    const struct buf *bytes; /* NULL: free; set last, and cleared first */
    const int *fd;
} saved[CRASH_SAVED];

void crash_save(const int *fd, const struct buf *bytes)
{
    static const struct buf taken;

    for (size_t i = 0; i < CRASH_SAVED; i++) {
        const struct buf *none = NULL;

        if (!__atomic_compare_exchange_n(&saved[i].bytes, &none, &taken, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        saved[i].fd = fd;
        __atomic_store_n(&saved[i].bytes, bytes, __ATOMIC_RELEASE);
        return;
    }
}

void crash_save_not(const struct buf *bytes)
{
    for (size_t i = 0; i < CRASH_SAVED; i++) {
        if (__atomic_load_n(&saved[i].bytes, __ATOMIC_RELAXED) == bytes)
            __atomic_store_n(&saved[i].bytes, NULL, __ATOMIC_RELEASE);
    }
}

/* Other threads may be writing to theirs: a line of those may come twice, or in part. */
static void write_saved(void)
{
    for (size_t i = 0; i < CRASH_SAVED; i++) {
        const struct buf *b = __atomic_load_n(&saved[i].bytes, __ATOMIC_ACQUIRE);

        if (b && buf_len(b) && *saved[i].fd >= 0 && write(*saved[i].fd, buf_at(b), buf_len(b)) < 0)
            return; /* there is nobody left to tell */
    }
}

static void on_fatal(int number, siginfo_t *info, void *context)
{
    uintptr_t slot = (uintptr_t)crumb_slot, first = (uintptr_t)page->slot;
    (void)context;

    if (slot >= first && slot < first + sizeof(page->slot) && page->crashed_slot == 0)
        page->crashed_slot = (uint32_t)((slot - first) / (16 * sizeof(page->slot[0]))) + 1;
    if (page->crashed_signal == 0)
        write_saved();
    page->crashed_signal = (uint32_t)number;

    for (size_t i = 0; i < FATAL_COUNT; i++) {
        if (fatal[i] == number)
            sigaction(number, &before[i], NULL);
    }
    /* A fault happens again when we return, with its address intact; what somebody sent does not.
     */
    if (info->si_code <= 0)
        raise(number);
}

void crumb_crash_thread(void)
{
    stack_t stack = { .ss_size = CRASH_STACK };

    if (!page) /* nobody handles a crash; inside somebody's program, that is not ours to do */
        return;
    if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE))
        return;
    stack = (stack_t){ .ss_size = CRASH_STACK };
    stack.ss_sp =
        mmap(NULL, CRASH_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED)
        return;
    if (sigaltstack(&stack, NULL))
        munmap(stack.ss_sp, CRASH_STACK);
}

void crumb_crash_handler_install(void)
{
    struct sigaction action = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    page = crumb_open();
    if (!page)
        return;
    crumb_crash_thread();
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i], &action, &before[i]);
}
