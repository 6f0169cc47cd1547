/*
 * crash.c - see crash.h. The handler does nothing that is not async-signal-safe: two stores, and
 * the signal goes on to whoever would have had it (the kernel, or a sanitizer).
 */
#include "base/crash.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/crumb.h"

enum { CRASH_STACK = 32 * 1024 };

static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
enum { FATAL_COUNT = sizeof(fatal) / sizeof(fatal[0]) };

static struct crumb_page *page;
static struct sigaction before[FATAL_COUNT];

static void on_fatal(int number, siginfo_t *info, void *context)
{
    uintptr_t slot = (uintptr_t)crumb_slot, first = (uintptr_t)page->slot;
    (void)context;

    if (slot >= first && slot < first + sizeof(page->slot) && page->crashed_slot == 0)
        page->crashed_slot = (uint32_t)((slot - first) / (16 * sizeof(page->slot[0]))) + 1;
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
