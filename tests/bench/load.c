/*
 * load.c - see load.h. Prints one line of JSON.
 *
 *   load --port N --request FILE --conns N [--status 200] [--tail TEXT] [--pids 1,2] and one of
 *     --warm S --seconds S             as fast as answers come; or with --rate R: R requests a
 *                                      second whatever happens, timed from when each was due
 *     --warm-count N --count N         that many requests
 *     --idle                           one request on each connection, which then stay open
 *     --hold                           one stream on each connection, which go on
 * The last two say "ready" when all connections are there, and end when their input does.
 */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { PIDS = 256, RAMP = 32 };

struct load {
    int port;
    struct load_request request;
    struct load_conn *conns;
    size_t conn_count;
    struct load_conn **idle; /* a stack */
    size_t idle_count;
    int poll_fd;
    int pids[PIDS];
    size_t pid_count;
    double rate;
    double warm_s, seconds;
    uint64_t warm_count, count;
    bool keep_idle, hold;

    /* The measured window. */
    bool open;
    int64_t open_us, close_us;
    uint64_t cpu_ns;
    uint64_t completed, bytes, broken;
    uint64_t all_done; /* outside of the window, too */
    uint32_t *times_us;
    size_t times, room;
};

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void note(struct load *l, const struct load_conn *c, int64_t now)
{
    l->all_done++;
    if (!l->open)
        return;
    l->completed++;
    l->bytes += c->body_bytes;
    if (l->times == l->room) {
        l->room = l->room ? l->room * 2 : 65536;
        l->times_us = realloc(l->times_us, l->room * sizeof *l->times_us);
        if (!l->times_us)
            abort();
    }
    l->times_us[l->times++] = (uint32_t)(now - c->begun_us);
}

static void open_window(struct load *l)
{
    l->open = true;
    l->cpu_ns = load_cpu_ns(l->pids, l->pid_count);
    l->open_us = load_now_us();
}

static void close_window(struct load *l)
{
    l->close_us = load_now_us();
    l->cpu_ns = load_cpu_ns(l->pids, l->pid_count) - l->cpu_ns;
    l->open = false;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t quantile(const struct load *l, double q)
{
    return l->times ? l->times_us[(size_t)((double)(l->times - 1) * q)] : 0;
}

static void report(struct load *l)
{
    qsort(l->times_us, l->times, sizeof *l->times_us, by_size);
    printf("{\"completed\":%llu,\"broken\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"cpu_us\":%.1f,"
           "\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
           (unsigned long long)l->completed, (unsigned long long)l->broken,
           (unsigned long long)l->bytes, (double)(l->close_us - l->open_us) / 1e6,
           (double)l->cpu_ns / 1e3, quantile(l, 0.5), quantile(l, 0.9), quantile(l, 0.99),
           quantile(l, 1.0));
}

/* -- Driving ---------------------------------------------------------------------------------- */

static void renew(struct load *l, struct load_conn *c)
{
    l->broken++;
    if (l->count || l->keep_idle || l->hold || l->broken > 1000) {
        fprintf(stderr, "load: an answer was not as it should be, status %u: %.2000s\n", c->status,
                c->head);
        exit(1);
    }
    load_close(c);
    if (!load_connect(c, l->poll_fd, l->port))
        fail("connect");
}

static void start(struct load *l, struct load_conn *c, int64_t at_us)
{
    while (load_send(c, l->poll_fd, &l->request, at_us) == LOAD_BROKEN)
        renew(l, c);
}

/* One round of events; finished connections go on the idle stack. */
static void turn(struct load *l, int64_t wait_us)
{
    struct epoll_event events[256];
    struct timespec t = { wait_us / 1000000, wait_us % 1000000 * 1000 };
    int n = epoll_pwait2(l->poll_fd, events, 256, wait_us < 0 ? NULL : &t, NULL);
    int64_t now = load_now_us();

    for (int i = 0; i < n; i++) {
        struct load_conn *c = events[i].data.ptr;
        enum load_result r = load_go_on(c, l->poll_fd, &l->request, events[i].events);

        if (r == LOAD_AGAIN)
            continue;
        if (r == LOAD_DONE)
            note(l, c, now);
        else
            renew(l, c);
        l->idle[l->idle_count++] = c;
    }
}

static void connect_all(struct load *l)
{
    for (size_t i = 0; i < l->conn_count; i++) {
        if (!load_connect(&l->conns[i], l->poll_fd, l->port))
            fail("connect");
        l->idle[l->idle_count++] = &l->conns[i];
    }
}

static void closed_loop(struct load *l)
{
    int64_t begin = load_now_us() + (int64_t)(l->warm_s * 1e6);
    int64_t stop = begin + (int64_t)(l->seconds * 1e6);

    for (int64_t now = load_now_us(); now < stop; now = load_now_us()) {
        if (!l->open && now >= begin)
            open_window(l);
        while (l->idle_count)
            start(l, l->idle[--l->idle_count], now);
        turn(l, 100000);
    }
    close_window(l);
}

static void open_loop(struct load *l)
{
    int64_t first = load_now_us();
    int64_t begin = first + (int64_t)(l->warm_s * 1e6);
    int64_t stop = begin + (int64_t)(l->seconds * 1e6);
    uint64_t started = 0;

    for (int64_t now = first; now < stop; now = load_now_us()) {
        int64_t due = first + (int64_t)((double)started * 1e6 / l->rate);

        if (!l->open && now >= begin)
            open_window(l);
        while (due <= now && l->idle_count) {
            start(l, l->idle[--l->idle_count], due);
            due = first + (int64_t)((double)++started * 1e6 / l->rate);
        }
        turn(l, due > now ? due - now : 100000);
    }
    close_window(l);
}

/* Exactly so many, and nothing runs when the window opens and closes. */
static void counted(struct load *l, uint64_t count)
{
    uint64_t started = 0, end = l->all_done + count;

    while (l->all_done < end) {
        int64_t now = load_now_us();

        for (; l->idle_count && started < count; started++)
            start(l, l->idle[--l->idle_count], now);
        turn(l, 1000000);
    }
}

static void wait_for_end(struct load *l)
{
    char byte;

    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 }, { l->poll_fd, POLLIN, 0 } };

        if (poll(p, 2, -1) < 0)
            return;
        if (p[0].revents && read(STDIN_FILENO, &byte, 1) <= 0)
            return;
        if (p[1].revents)
            turn(l, 0);
    }
}

/* Opens connections a few at a time, and waits until each has its answer, or the start of it. */
static void ramp(struct load *l)
{
    size_t arrived = 0;

    for (size_t i = 0; arrived < l->conn_count;) {
        for (; i < l->conn_count && i - arrived < RAMP; i++) {
            if (!load_connect(&l->conns[i], l->poll_fd, l->port))
                fail("connect");
            start(l, &l->conns[i], load_now_us());
        }
        turn(l, 1000000);
        arrived = 0;
        for (size_t k = 0; k < i; k++)
            arrived += l->hold ? l->conns[k].body_bytes > 0 : l->conns[k].state == LOAD_IDLE;
    }
}

static void run(struct load *l)
{
    if (l->keep_idle || l->hold) {
        ramp(l);
        wait_for_end(l);
        return;
    }
    connect_all(l);
    if (l->count) {
        counted(l, l->warm_count);
        open_window(l);
        counted(l, l->count);
        close_window(l);
    } else if (l->rate > 0) {
        open_loop(l);
    } else {
        closed_loop(l);
    }
    report(l);
}

/* -- Options ---------------------------------------------------------------------------------- */

static void read_request(struct load *l, const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        fail(path);
    fseek(f, 0, SEEK_END);
    l->request.len = (size_t)ftell(f);
    rewind(f);

    char *bytes = malloc(l->request.len + 1);

    if (!bytes || fread(bytes, 1, l->request.len, f) != l->request.len)
        fail(path);
    fclose(f);
    l->request.bytes = bytes;
}

static void read_pids(struct load *l, char *list)
{
    for (char *p = strtok(list, ","); p && l->pid_count < PIDS; p = strtok(NULL, ","))
        l->pids[l->pid_count++] = atoi(p);
}

static void read_options(struct load *l, int argc, char **argv)
{
    static const struct option options[] = {
        { "port", 1, 0, 'p' },       { "request", 1, 0, 'r' }, { "conns", 1, 0, 'c' },
        { "status", 1, 0, 's' },     { "tail", 1, 0, 't' },    { "pids", 1, 0, 'P' },
        { "warm", 1, 0, 'w' },       { "seconds", 1, 0, 'S' }, { "rate", 1, 0, 'R' },
        { "warm-count", 1, 0, 'W' }, { "count", 1, 0, 'n' },   { "idle", 0, 0, 'i' },
        { "hold", 0, 0, 'h' },       { 0, 0, 0, 0 },
    };

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        switch (o) {
        case 'p':
            l->port = atoi(optarg);
            break;
        case 'r':
            read_request(l, optarg);
            break;
        case 'c':
            l->conn_count = strtoul(optarg, NULL, 10);
            break;
        case 's':
            l->request.status = (unsigned)atoi(optarg);
            break;
        case 't':
            l->request.tail = optarg;
            break;
        case 'P':
            read_pids(l, optarg);
            break;
        case 'w':
            l->warm_s = atof(optarg);
            break;
        case 'S':
            l->seconds = atof(optarg);
            break;
        case 'R':
            l->rate = atof(optarg);
            break;
        case 'W':
            l->warm_count = strtoull(optarg, NULL, 10);
            break;
        case 'n':
            l->count = strtoull(optarg, NULL, 10);
            break;
        case 'i':
            l->keep_idle = true;
            break;
        case 'h':
            l->hold = true;
            break;
        default:
            exit(2);
        }
    }
    if (!l->port || !l->request.len || !l->conn_count || strlen(l->request.tail) > 16) {
        fprintf(stderr, "load: --port, --request and --conns are needed; --tail has 16 bytes\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct load l = { .request = { .status = 200, .tail = "" } };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1);
    read_options(&l, argc, argv);
    l.poll_fd = epoll_create1(0);
    l.conns = calloc(l.conn_count, sizeof *l.conns);
    l.idle = calloc(l.conn_count, sizeof *l.idle);
    if (!l.conns || !l.idle)
        abort();
    run(&l);
    return 0;
}
