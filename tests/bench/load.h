/*
 * load.h - the benchmark's load generator: connections to one address that send one request over
 * and over and check that each answer is whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_request {
    const char *bytes; /* head and body */
    size_t len;
    unsigned status;  /* what the answer must have */
    const char *tail; /* what the body must end with; "": anything */
};

enum load_state {
    LOAD_IDLE,
    LOAD_HEAD,
    LOAD_LENGTH,
    LOAD_SIZE,
    LOAD_DATA,
    LOAD_DATA_END,
    LOAD_LAST
};

struct load_conn {
    int fd;
    enum load_state state;
    bool waits_to_write;
    size_t sent;
    int64_t begun_us;
    unsigned status;
    uint64_t left; /* of the body or the chunk */
    char head[8192];
    size_t head_len;
    char tail[16]; /* the last bytes of the body */
    size_t tail_len;
    uint64_t body_bytes;
};

enum load_result { LOAD_AGAIN, LOAD_DONE, LOAD_BROKEN };

int64_t load_now_us(void);

/* Connects to 127.0.0.1 and watches; false (with errno): it cannot. */
bool load_connect(struct load_conn *c, int poll_fd, int port);
void load_close(struct load_conn *c);
/* Begins a request; `at_us` is when it was meant to start. */
enum load_result load_send(struct load_conn *c, int poll_fd, const struct load_request *r,
                           int64_t at_us);
/* Goes on after an event of epoll. LOAD_DONE: the answer is complete and as it should be. */
enum load_result load_go_on(struct load_conn *c, int poll_fd, const struct load_request *r,
                            uint32_t events);

/* CPU time in ns that these processes have used, user and system, all threads. */
uint64_t load_cpu_ns(const int *pids, size_t count);
