/*
 * main.c - weir-supervisor: holds the listening sockets and keeps one worker process running.
 *
 * A program of its own, libc only, so that nothing a plugin or a library does can take it down with
 * the worker, and so that it costs next to nothing. All it does is wait for a signal or a time.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/blame.h"
#include "supervisor/options.h"
#include "supervisor/say.h"
#include "supervisor/worker.h"

#ifdef WEIR_HAVE_TRY
#include "plugin/try.h"
#endif

enum {
    BACKOFF_FIRST_US = 100 * 1000,
    BACKOFF_MOST_US = 10 * 1000000,
    HEALTHY_US = 60 * 1000000, /* a worker that lived so long starts the back-off anew */
    GRACE_SECONDS = 5,         /* beyond the drain time, which the worker keeps itself */
};

static struct {
    struct options options;
    struct crumb_page *page;
    int crumb_fd;
    pid_t worker; /* 0: there is none, it starts at restart_us */
    unsigned restarts;
    int64_t started_us;
    int64_t backoff_us;
    int64_t restart_us; /* 0: not set */
    int64_t kill_us;    /* 0: not set */
    bool stopping;
    bool crashing; /* it was on its way down when it was asked to stop */
    bool done;
    int status; /* to exit with */
} self;

static bool map_page(void)
{
    struct stat st;

    self.crumb_fd = self.options.crumb_fd;
    if (self.crumb_fd < 0)
        self.crumb_fd = memfd_create("weir-crumbs", 0);
    if (self.crumb_fd < 0 || fstat(self.crumb_fd, &st) ||
        (st.st_size < (off_t)sizeof(*self.page) &&
         ftruncate(self.crumb_fd, (off_t)sizeof(*self.page)))) {
        say("--crumb-fd %d: %s; it must be a memfd that can be written", self.options.crumb_fd,
            strerror(errno));
        return false;
    }
    self.page =
        mmap(NULL, sizeof(*self.page), PROT_READ | PROT_WRITE, MAP_SHARED, self.crumb_fd, 0);
    if (self.page == MAP_FAILED) {
        say("cannot map the crumb page: %s", strerror(errno));
        return false;
    }
    return true;
}

static void finish(int status)
{
    self.done = true;
    self.status = status;
}

static void plan_restart(void)
{
    self.restarts++;
    self.restart_us = now_us() + self.backoff_us;
    self.backoff_us = self.backoff_us * 2 < BACKOFF_MOST_US ? self.backoff_us * 2 : BACKOFF_MOST_US;
}

static void start_worker(void)
{
    self.restart_us = 0;
    self.started_us = now_us();
    blame_clear(self.page);
    self.worker = worker_start(&self.options, self.crumb_fd, blame_quarantined(), self.restarts);
    if (self.worker > 0)
        return;
    self.worker = 0;
    /* At a restart the program may be in the middle of an upgrade; it is worth another try. */
    if (self.restarts)
        plan_restart();
    else
        finish(EX_OSERR);
}

static void describe(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "died of SIG%s", sigabbrev_np(WTERMSIG(status)) ?: "?");
    else
        snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

/* Not of a signal that somebody else must have sent: a person, or the kernel short of memory. */
static bool is_own_fault(int status)
{
    return WIFEXITED(status) || (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM);
}

/* The worker ended, and nobody had asked it to. */
static void crashed(pid_t pid, int status)
{
    char how[64], where[1024];

    if (now_us() - self.started_us >= HEALTHY_US)
        self.backoff_us = BACKOFF_FIRST_US;
    describe(status, how, sizeof(how));
    /* What is in quarantine will not bring the next worker down: no need to wait for long. */
    if (blame_crash(self.page, is_own_fault(status), now_us(), where, sizeof(where)))
        self.backoff_us = BACKOFF_FIRST_US;
    say("worker %d %s%s; the next one starts in %d ms", (int)pid, how, where,
        (int)(self.backoff_us / 1000));
    plan_restart();
}

static void ended(pid_t pid, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    /* One that was told to end before it could listen to that has nothing to finish. */
    bool too_early = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    /* A plugin that calls exit() must not pass for a worker that is done. */
    bool own_will = WIFEXITED(status) && !blame_any(self.page);

    self.worker = 0;
    self.kill_us = 0;
    if (self.stopping)
        finish(too_early || self.crashing ? 0 : code);
    else if (own_will && code == EX_OK)
        finish(0);
    else if (own_will && !self.page->ready && !self.restarts && code >= EX__BASE && code <= EX__MAX)
        finish(code); /* it has said itself what is wrong with the configuration */
    else
        crashed(pid, status);
}

static void reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == self.worker)
            ended(pid, status);
    }
}

static void stop(bool at_once)
{
    reap(); /* one that has crashed already was not stopped by us */
    if (self.done)
        return;
    if (!self.worker) {
        finish(0);
        return;
    }
    if (at_once)
        kill(self.worker, SIGKILL);
    else if (!self.stopping) {
        kill(self.worker, SIGTERM);
        self.kill_us = now_us() + (int64_t)(self.options.drain_seconds + GRACE_SECONDS) * 1000000;
    }
    self.crashing = !self.stopping && self.page->crashed_signal != 0;
    self.stopping = true;
}

static void on_signal(int number)
{
    static bool interrupted;

    switch (number) {
    case SIGCHLD:
        reap();
        break;
    case SIGINT:
        stop(interrupted);
        interrupted = true;
        break;
    case SIGTERM:
        stop(false);
        break;
    default:
        if (self.worker)
            kill(self.worker, number);
    }
}

static void on_time(void)
{
    int64_t now = now_us();

    if (self.restart_us && now >= self.restart_us)
        start_worker();
    if (self.kill_us && now >= self.kill_us) {
        say("worker %d did not end %d s after it was asked to; it is killed", (int)self.worker,
            self.options.drain_seconds + GRACE_SECONDS);
        self.kill_us = 0;
        kill(self.worker, SIGKILL);
    }
}

/* Until the next signal in `wanted` or the next time that was set; returns the signal, or -1. */
static int wait_for(const sigset_t *wanted)
{
    int64_t next = self.restart_us ? self.restart_us : self.kill_us;
    int64_t left = next ? next - now_us() : 0;
    struct timespec timeout;

    if (!next)
        return sigwaitinfo(wanted, NULL);
    left = left > 0 ? left : 0;
    timeout = (struct timespec){ .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };
    return sigtimedwait(wanted, NULL, &timeout);
}

static int supervise(void)
{
    static const int handled[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
    sigset_t wanted;

    sigemptyset(&wanted);
    for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
        sigaddset(&wanted, handled[i]);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    /* Linux queues a signal that is blocked even if it is ignored; the worker inherits the second
     * and not the first. So none of these ends it before it has handlers. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);

    self.backoff_us = BACKOFF_FIRST_US;
    start_worker();
    while (!self.done) {
        int number = wait_for(&wanted);

        if (number > 0)
            on_signal(number);
        if (!self.done)
            on_time();
    }
    return self.status;
}

int main(int argc, char **argv)
{
    if (!options_read(&self.options, argc, argv))
        return EX_USAGE;
    if (self.options.help)
        return fputs(options_usage, stdout) < 0 ? EX_IOERR : 0;
    if (self.options.try_file) {
#ifdef WEIR_HAVE_TRY
        return plugin_try_main(self.options.try_file);
#else
        say("--try %s: this build has no trial", self.options.try_file);
        return EX_UNAVAILABLE;
#endif
    }
    if (!map_page())
        return EX_USAGE;
    return supervise();
}
