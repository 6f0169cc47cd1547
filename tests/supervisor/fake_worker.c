/*
 * fake_worker.c - stands in for `weir worker` in the tests of the supervisor.
 *
 * Serves one connection at a time on the socket it inherits; each line of it is a command, each
 * answer is a line. The crashes are real ones. Arguments: `worker [exit=N]`.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/crumb.h"

static volatile sig_atomic_t hups, usr1s, usr2s, stopping;
static int term_status;

static void on_signal(int number)
{
    if (number == SIGHUP)
        hups++;
    else if (number == SIGUSR1)
        usr1s++;
    else if (number == SIGUSR2)
        usr2s++;
    else
        stopping = 1;
}

/* Not NULL, which a sanitizer would see coming. */
static volatile int *volatile nowhere = (volatile int *)64;

/* Deeper than any stack; the compiler must not know. */
static volatile int depth_limit = 1 << 30;

static int overflow(int depth)
{
    volatile char frame[4096];

    frame[0] = (char)depth;
    return depth < depth_limit ? overflow(depth + 1) + frame[0] : 0;
}

/* A thread that sits in a plugin, or overflows its stack there. */
struct visit {
    uint32_t image;
    bool crash;
    pthread_barrier_t entered;
};

static void *visitor(void *argument)
{
    struct visit *visit = argument;
    bool crash = visit->crash; /* behind the barrier it may be the next one's */

    crumb_thread();
    crumb_crash_thread();
    crumb_enter(visit->image);
    pthread_barrier_wait(&visit->entered);
    if (crash)
        overflow(0);
    for (;;)
        pause();
    return NULL;
}

static void visit(uint32_t image, bool crash)
{
    static struct visit visit;
    pthread_t thread;

    visit.image = image;
    visit.crash = crash;
    pthread_barrier_init(&visit.entered, NULL, 2);
    if (pthread_create(&thread, NULL, visitor, &visit))
        exit(1);
    pthread_barrier_wait(&visit.entered);
}

static void info(FILE *out, char **argv)
{
    fprintf(out, "pid=%d restarts=%s quarantined=%s hups=%d usr1s=%d usr2s=%d args=", (int)getpid(),
            getenv("WEIR_RESTARTS"), getenv("WEIR_QUARANTINED"), (int)hups, (int)usr1s, (int)usr2s);
    for (int i = 1; argv[i]; i++)
        fprintf(out, "%s%s", i > 1 ? "," : "", argv[i]);
    fputc('\n', out);
}

/* One command; the answer goes to `out`. */
static void obey(char *line, FILE *out, char **argv)
{
    char name[64] = "", text[2][128] = { "", "" };
    int number = 0;

    sscanf(line, "%63s %127s %127s", name, text[0], text[1]);
    number = atoi(text[0]);
    if (strcmp(name, "info") == 0) {
        info(out, argv);
        return;
    }
    if (strcmp(name, "plugin") == 0) {
        char path[160];

        snprintf(path, sizeof(path), "/plugins/%s.so", text[0]);
        fprintf(out, "%u\n", crumb_image(path, text[1], text[0]));
        return;
    }
    if (strcmp(name, "ready") == 0)
        crumb_open()->ready = 1;
    else if (strcmp(name, "segv") == 0) {
        crumb_enter((uint32_t)number);
        *nowhere = 1;
    } else if (strcmp(name, "abort") == 0) {
        crumb_enter((uint32_t)number);
        abort();
    } else if (strcmp(name, "kill") == 0) {
        crumb_enter((uint32_t)number);
        raise(SIGKILL);
    } else if (strcmp(name, "exit") == 0) {
        crumb_enter((uint32_t)atoi(text[1]));
        exit(number);
    } else if (strcmp(name, "bystander") == 0)
        visit((uint32_t)number, false);
    else if (strcmp(name, "overflow") == 0)
        visit((uint32_t)number, true);
    else if (strcmp(name, "term-status") == 0)
        term_status = number;
    else if (strcmp(name, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);
    fputs("ok\n", out);
}

static void serve(int fd, char **argv)
{
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    char line[512];

    for (;;) {
        errno = 0;
        if (!in || !out)
            exit(1);
        if (!fgets(line, sizeof(line), in)) {
            if (errno != EINTR)
                break;
            clearerr(in);
            continue;
        }
        obey(line, out, argv);
        fflush(out);
    }
    fclose(in);
    fclose(out);
}

int main(int argc, char **argv)
{
    static const int handled[] = { SIGHUP, SIGUSR1, SIGUSR2, SIGTERM };
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t mask, normal;
    int listener = atoi(getenv("WEIR_LISTEN_FDS"));

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc > 2 && strncmp(argv[2], "exit=", 5) == 0)
        return atoi(argv[2] + 5);
    crumb_open();
    crumb_thread();
    crumb_crash_handler_install();
    sigemptyset(&mask);
    for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
        sigaction(handled[i], &action, NULL);
        sigaddset(&mask, handled[i]);
    }
    /* Signals come while it waits and while it reads, not in between. */
    sigprocmask(SIG_BLOCK, &mask, &normal);
    while (!stopping) {
        struct pollfd waiting = { .fd = listener, .events = POLLIN };
        int fd;

        if (ppoll(&waiting, 1, NULL, &normal) <= 0)
            continue;
        fd = accept(listener, NULL, NULL);
        sigprocmask(SIG_SETMASK, &normal, NULL);
        if (fd >= 0)
            serve(fd, argv);
        sigprocmask(SIG_BLOCK, &mask, NULL);
    }
    return term_status;
}
