/*
 * trial.c - see trial.h. posix_spawn and not fork: this process has threads, locks and secrets.
 *
 * A failure is not remembered: the next scan tries again, so that what was wrong with the machine
 * and not with the file heals without a restart.
 */
#include "plugin/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/check.h"
#include "plugin/error.h"
#include "plugin/program.h"

#define PROGRAM "weir-supervisor"

enum { TIMEOUT_US = 5 * G_USEC_PER_SEC };

/* A running trial. `text` gathers what comes through the two pipes, cut to its size. */
struct trial {
    pid_t pid;
    struct pollfd from[2];
    char text[2][PLUGIN_WHY];
    gsize len[2];
};

enum { VERDICT, OUTPUT };

static int spawn(struct trial *t, const char *program, const char *file, int verdict, int output)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_adddup2(&files, output, 2);
    posix_spawn_file_actions_adddup2(&files, verdict, 3);
    posix_spawn_file_actions_addclosefrom_np(&files, 4);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0); /* so that what it starts ends with it */

    char *argv[] = { g_strdup(program), g_strdup("--try"), g_strdup(file), NULL };
    int result = posix_spawn(&t->pid, program, &files, &attributes, argv, environ);
    for (int i = 0; argv[i]; i++) {
        g_free(argv[i]);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return result;
}

/* A pipe both ends of which are out of the way of the descriptors that the child gets. */
static gboolean pipe_open(int ends[2])
{
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) != 0) {
        return FALSE;
    }
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 10);
        close(raw[i]);
    }
    if (ends[0] >= 0 && ends[1] >= 0) {
        return TRUE;
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
    }
    return FALSE;
}

static gboolean trial_start(struct trial *t, const char *program, const char *file, GError **error)
{
    int verdict[2] = { -1, -1 }, output[2] = { -1, -1 };
    int result = pipe_open(verdict) && pipe_open(output)
                     ? spawn(t, program, file, verdict[1], output[1])
                     : errno;
    t->from[VERDICT] = (struct pollfd){ verdict[0], POLLIN, 0 };
    t->from[OUTPUT] = (struct pollfd){ output[0], POLLIN, 0 };
    for (int i = 0; i < 2; i++) {
        int end = i == 0 ? verdict[1] : output[1];
        if (end >= 0) {
            close(end);
        }
        if (t->from[i].fd >= 0) {
            int flags = fcntl(t->from[i].fd, F_GETFL);
            fcntl(t->from[i].fd, F_SETFL, flags | O_NONBLOCK);
        }
    }
    if (result != 0) {
        return plugin_refuse(error,
                             "the process that tries it, %s, could not be started (%s): see "
                             "to that, then reload",
                             program, g_strerror(result));
    }
    return TRUE;
}

/* Takes what is there; what does not fit is read all the same, so that nobody waits for us. */
static void drain(struct trial *t)
{
    for (int i = 0; i < 2; i++) {
        char chunk[1024];
        ssize_t n;
        while (t->from[i].fd >= 0 && (n = read(t->from[i].fd, chunk, sizeof(chunk))) != -1) {
            if (n == 0) {
                close(t->from[i].fd);
                t->from[i].fd = -1;
                break;
            }
            gsize take = MIN((gsize)n, sizeof(t->text[i]) - 1 - t->len[i]);
            memcpy(t->text[i] + t->len[i], chunk, take);
            t->len[i] += take;
        }
    }
}

static gboolean ended(const struct trial *t)
{
    siginfo_t info = { 0 };
    int result = waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return result != 0 ? errno != EINTR : info.si_pid == t->pid;
}

/* Waits for the end, then reaps. Returns whether it came in time. */
static gboolean trial_wait(struct trial *t, gint64 timeout_us, int *status)
{
    gint64 deadline = g_get_monotonic_time() + timeout_us;
    gboolean in_time = TRUE;
    while (!ended(t)) {
        gint64 left = deadline - g_get_monotonic_time();
        if (left <= 0) {
            in_time = FALSE;
            break;
        }
        /* The closing of the pipes wakes us; a process that is over but for that is looked after
         * every millisecond, one that lives on without them the same. */
        gboolean closed = t->from[VERDICT].fd < 0;
        poll(t->from, 2, closed ? 1 : (int)MIN(left / 1000 + 1, 50));
        drain(t);
    }
    kill(-t->pid, SIGKILL); /* before it is reaped, while the number is surely its own */
    kill(t->pid, SIGKILL);
    pid_t reaped;
    while ((reaped = waitpid(t->pid, status, 0)) < 0 && errno == EINTR) {
    }
    drain(t);
    if (reaped < 0) { /* the application ignores SIGCHLD: only the verdict is left to us */
        *status = g_str_equal(t->text[VERDICT], "ok") ? 0 : 1 << 8;
    }
    return in_time;
}

/* The last line of what the plugin wrote, as a clause; often says why it gave up. */
static char *last_words(struct trial *t)
{
    char *text = g_strchomp(t->text[OUTPUT]);
    char *line = strrchr(text, '\n');
    g_autofree char *valid = g_utf8_make_valid(line ? line + 1 : text, -1);
    for (char *p = valid; *p; p++) {
        *p = (guchar)*p < 0x20 || *p == 0x7f ? ' ' : *p;
    }
    return *valid ? g_strdup_printf("; it wrote: %s", valid) : g_strdup("");
}

static gboolean trial_judge(struct trial *t, gboolean in_time, gint64 timeout_us, int status,
                            GError **error)
{
    if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
        g_str_equal(t->text[VERDICT], "ok")) {
        return TRUE;
    }
    g_autofree char *words = last_words(t);
    if (!in_time) {
        g_set_error(error, PLUGIN_ERROR, PLUGIN_HUNG,
                    "it was not loaded and initialised within %g s when it was tried: correct what "
                    "it waits for in init or in a constructor%s",
                    (double)timeout_us / G_USEC_PER_SEC, words);
    } else if (WIFSIGNALED(status)) {
        g_set_error(error, PLUGIN_ERROR, PLUGIN_CRASHED,
                    "it crashed with SIG%s (%s) when it was tried, while loading or in init: "
                    "replace it with a version that works%s",
                    sigabbrev_np(WTERMSIG(status)) ?: "?", strsignal(WTERMSIG(status)), words);
    } else if (WEXITSTATUS(status) == 1 && t->len[VERDICT] > 0) {
        g_autofree char *text = g_utf8_make_valid(t->text[VERDICT], (gssize)t->len[VERDICT]);
        return plugin_refuse(error, "%s", text);
    } else {
        g_set_error(error, PLUGIN_ERROR, PLUGIN_CRASHED,
                    "it ended the process with exit status %d when it was tried, while loading or "
                    "in init: a plugin must return an error instead%s",
                    WEXITSTATUS(status), words);
    }
    return FALSE;
}

gboolean plugin_trial(const char *file, gint64 timeout_us, GError **error)
{
    g_autoptr(GError) missing = NULL;
    g_autofree char *program = program_find(PROGRAM, &missing);
    if (!program) { /* code that was never tried is not loaded */
        return plugin_refuse(error, "it cannot be tried before it is loaded: %s", missing->message);
    }
    timeout_us = timeout_us > 0 ? timeout_us : TIMEOUT_US;
    struct trial t = { .from = { { .fd = -1 }, { .fd = -1 } } };
    gboolean ok = trial_start(&t, program, file, error);
    if (ok) {
        int status = 0;
        gboolean in_time = trial_wait(&t, timeout_us, &status);
        ok = trial_judge(&t, in_time, timeout_us, status, error);
    }
    for (int i = 0; i < 2; i++) {
        if (t.from[i].fd >= 0) {
            close(t.from[i].fd);
        }
    }
    return ok;
}
