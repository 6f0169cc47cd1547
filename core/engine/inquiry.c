/*
 * inquiry.c - see inquiry.h.
 */
#include "engine/inquiry.h"
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"

enum { INQUIRY_MEMORY = 8 << 20 }; /* a list that is longer is none */

struct inquiry {
    struct worker *worker;
    inquiry_done done;
    void *ctx;
    struct dialect dialect; /* our own: it keeps the document */
    weir_endpoint abi;
    struct endpoint endpoint;
    struct exchange *exchange; /* NULL: over */
    struct loop_timer limit;
    struct loop_task tell;
    struct arena memory; /* of what follows */
    weir_str document;
    weir_failure *failure;
};

/* -- the dialect ------------------------------------------------------------------------------ */

static weir_result take_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                              const weir_reply_sink *out)
{
    struct inquiry *i = cfg;

    (void)st, (void)x, (void)out;
    if (event->type != WEIR_EVENT_DOCUMENT)
        return WEIR_OK;
    i->document = arena_copy(&i->memory, (weir_str){ event->text.ptr, event->text.len });
    return i->document.ptr ? WEIR_OK : WEIR_TOO_LARGE;
}

static weir_result take_answer(void *cfg, const weir_exchange *x, const weir_answer *answer,
                               const weir_reply_sink *out)
{
    (void)cfg, (void)x, (void)answer, (void)out;
    return WEIR_UNSUPPORTED; /* a chat is no list */
}

static weir_result take_failure(void *cfg, void *st, const weir_exchange *x,
                                const weir_failure *failure, const weir_reply_sink *out)
{
    (void)cfg, (void)st, (void)x, (void)failure, (void)out;
    return WEIR_OK; /* the exchange keeps it */
}

static weir_result take_end(void *cfg, void *st, const weir_exchange *x, const weir_reply_sink *out)
{
    (void)cfg, (void)st, (void)x, (void)out;
    return WEIR_OK;
}

static const weir_dialect_v1 face = {
    .struct_size = sizeof(weir_dialect_v1),
    .id = "weir.inquiry",
    .event = take_event,
    .answer = take_answer,
    .failure = take_failure,
    .end = take_end,
};

/* -- the front -------------------------------------------------------------------------------- */

static void on_head(void *front, unsigned status, const weir_header *headers, size_t count,
                    int64_t length)
{
    (void)front, (void)status, (void)headers, (void)count, (void)length;
}

static void on_bytes(void *front, const void *bytes, size_t len)
{
    (void)front, (void)bytes, (void)len;
}

static void inquiry_free(struct inquiry *i)
{
    arena_reset(&i->memory);
    g_free(i);
}

static void tell(struct loop_task *task)
{
    struct inquiry *i = (struct inquiry *)((char *)task - offsetof(struct inquiry, tell));

    if (!i->failure && !i->document.ptr)
        i->failure = failure_format(&i->memory, WEIR_CLASS_PROTOCOL, "the answer is no list");
    i->done(i->ctx, i->document, i->failure);
    inquiry_free(i);
}

static void on_over(void *front)
{
    struct inquiry *i = front;

    if (i->exchange->failure)
        i->failure = failure_copy(&i->memory, i->exchange->failure);
    i->exchange = NULL;
    loop_timer_clear(i->worker->loop, &i->limit);
    loop_defer(i->worker->loop, &i->tell, tell);
}

static bool never_full(void *front)
{
    (void)front;
    return false;
}

static const struct front_ops front = {
    .head = on_head,
    .bytes = on_bytes,
    .end = on_over,
    .abort = on_over,
    .full = never_full,
};

/* -- beginning and ending --------------------------------------------------------------------- */

bool inquiry_possible(const struct provider *p)
{
    return !p->stand_in && p->direct && (p->face->ops & WEIR_OP_BIT(WEIR_OP_MODELS));
}

static void on_limit(struct loop_timer *timer)
{
    struct inquiry *i = (struct inquiry *)((char *)timer - offsetof(struct inquiry, limit));

    exchange_fail(i->exchange, failure_format(&i->exchange->arena, WEIR_CLASS_TIMEOUT,
                                              "no list of models came in time"));
}

/* The exchange is not marked as started: so neither log nor counters hear of it. */
static void begin(struct inquiry *i, const struct provider *p)
{
    const struct endpoint_match match = { .endpoint = &i->endpoint };
    struct exchange_start start = {
        .front_ops = &front,
        .front = i,
        .match = &match,
        .method = S("GET"),
        .target = S("/models"),
        .path = S("/models"),
        .start_us = loop_now(i->worker->loop),
    };
    struct exchange *e = i->exchange = exchange_new(i->worker, &start);

    e->facts.provider = p->name;
    e->explicit_provider = p;
    e->root = p->direct;
    e->walk = (struct walk){
        .ops = &exchange_walk_ops,
        .loop = i->worker->loop,
        .arena = &e->arena,
        .facts = &e->facts,
        .budget = e->walk.budget,
        .seed = worker_random(i->worker),
    };
    walk_start(&e->walk, e->root, WEIR_ASK_START);
}

struct inquiry *inquiry_start(struct worker *w, const struct provider *p, int64_t limit_us,
                              inquiry_done done, void *ctx)
{
    struct inquiry *i = g_new0(struct inquiry, 1);

    i->worker = w;
    i->done = done;
    i->ctx = ctx;
    i->dialect = (struct dialect){ .face = &face, .name = "inquiry", .cfg = i };
    i->abi = (weir_endpoint){ .struct_size = sizeof(weir_endpoint), .op = WEIR_OP_MODELS };
    i->endpoint = (struct endpoint){ .dialect = &i->dialect, .abi = &i->abi };
    arena_init(&i->memory, INQUIRY_MEMORY);
    loop_timer_set(w->loop, &i->limit, loop_now(w->loop) + limit_us, on_limit);
    if (inquiry_possible(p)) {
        begin(i, p);
        return i;
    }
    i->failure =
        failure_format(&i->memory, WEIR_CLASS_UNSUPPORTED, "%s cannot be asked", p->config->name);
    loop_timer_clear(w->loop, &i->limit);
    loop_defer(w->loop, &i->tell, tell);
    return i;
}

void inquiry_cancel(struct inquiry *i)
{
    struct exchange *e = i->exchange;

    loop_timer_clear(i->worker->loop, &i->limit);
    loop_defer_cancel(i->worker->loop, &i->tell);
    if (e) {
        e->front = NULL;
        exchange_finish(e);
    }
    inquiry_free(i);
}
