/*
 * script.c - plays a scripted response: what a simulator says instead of a network.
 *
 * The same road as a real response from here on: bytes gather in a buffer, the response takes what
 * it can use. Time is the loop's.
 */
#include "base/str.h"
#include "engine/exchange.h"

struct script_player {
    struct attempt *a;
    const weir_script *script;
    struct loop_timer timer;
    struct buf body;
    uint32_t at; /* the step that is next */
    int64_t due_us;
    bool head_done;
    bool paused;
};

static const weir_step *step_at(const weir_script *script, uint32_t i)
{
    return (const weir_step *)(const void *)((const char *)script->steps.items +
                                             (size_t)i * script->steps.stride);
}

const weir_script *script_copy(struct arena *arena, const weir_script *script)
{
    weir_script *copy = arena_alloc(arena, sizeof(*copy));
    weir_header *headers = arena_alloc(arena, sizeof(*headers) * (script->header_count + 1));
    weir_step *steps = arena_alloc(arena, sizeof(*steps) * (script->steps.count + 1));

    if (!copy || !headers || !steps)
        return NULL;
    *copy = *script;
    for (uint32_t i = 0; i < script->header_count; i++) {
        headers[i].name = arena_copy(arena, script->headers[i].name);
        headers[i].value = arena_copy(arena, script->headers[i].value);
    }
    for (uint32_t i = 0; i < script->steps.count; i++) {
        steps[i] = *step_at(script, i);
        steps[i].bytes = arena_copy(arena, steps[i].bytes);
    }
    copy->headers = headers;
    copy->steps = (weir_array){ steps, script->steps.count, sizeof(*steps) };
    return copy;
}

static void on_due(struct loop_timer *timer);

static void wait_for(struct script_player *p, int64_t after_us)
{
    p->due_us += after_us > 0 ? after_us : 0;
    loop_timer_set(p->a->exchange->worker->loop, &p->timer, p->due_us, on_due);
}

static void over(struct script_player *p, bool cut)
{
    struct attempt *a = p->a;

    a->running = false;
    loop_timer_clear(a->exchange->worker->loop, &p->timer);
    response_done(a, cut, "the connection broke (simulated)");
}

/* Gives what has gathered to the response. False: the attempt is over. */
static bool deliver(struct script_player *p, bool end)
{
    int64_t used = response_body(p->a, buf_at(&p->body), buf_len(&p->body), end);

    if (used < 0 || p->a->over)
        return false;
    buf_eat(&p->body, (size_t)used);
    return true;
}

/* Plays one step. False: nothing more is to be played. */
static bool play(struct script_player *p, const weir_step *step)
{
    struct attempt *a = p->a;

    switch (step->what) {
    case WEIR_STEP_BYTES:
        a->bytes_in += step->bytes.len;
        return buf_add(&p->body, step->bytes.ptr, step->bytes.len) && deliver(p, false);
    case WEIR_STEP_END:
        if (deliver(p, true))
            over(p, false);
        return false;
    case WEIR_STEP_REFUSED:
        a->running = false;
        attempt_fail_as(a, WEIR_CLASS_CONNECTION, "%s: connection refused (simulated)",
                        a->target->name);
        return false;
    case WEIR_STEP_CUT:
        over(p, true);
        return false;
    default: /* a stall: only a time limit ends it */
        return false;
    }
}

static void on_due(struct loop_timer *timer)
{
    struct script_player *p =
        (struct script_player *)((char *)timer - offsetof(struct script_player, timer));
    const weir_script *script = p->script;
    int64_t now = loop_now(p->a->exchange->worker->loop);

    if (p->a->over || p->paused)
        return;
    if (!p->head_done && !(script->steps.count && step_at(script, 0)->what == WEIR_STEP_REFUSED)) {
        p->head_done = true;
        if (response_head(p->a, script->status, script->headers, script->header_count) < 0)
            return;
        if (p->at < script->steps.count)
            p->due_us += step_at(script, p->at)->after_us;
    }
    while (p->at < script->steps.count && p->due_us <= now) {
        if (!play(p, step_at(script, p->at++)))
            return;
        if (p->paused)
            return;
        if (p->at < script->steps.count)
            p->due_us += step_at(script, p->at)->after_us;
    }
    if (p->at < script->steps.count)
        wait_for(p, 0);
}

void script_start(struct attempt *a, const weir_script *script)
{
    struct script_player *p = arena_zalloc(&a->exchange->arena, sizeof(*p));

    if (!p) {
        attempt_fail_as(a, WEIR_CLASS_INTERNAL, "out of memory");
        return;
    }
    p->a = a;
    p->script = script;
    p->due_us = loop_now(a->exchange->worker->loop);
    a->player = p;
    wait_for(p, script->head_after_us);
}

void script_stop(struct attempt *a)
{
    loop_timer_clear(a->exchange->worker->loop, &a->player->timer);
    buf_free(&a->player->body);
}

void script_pause(struct attempt *a, bool paused)
{
    struct script_player *p = a->player;
    int64_t now = loop_now(a->exchange->worker->loop);

    if (p->paused == paused)
        return;
    p->paused = paused;
    if (paused) {
        loop_timer_clear(a->exchange->worker->loop, &p->timer);
        return;
    }
    if (p->due_us < now)
        p->due_us = now;
    wait_for(p, 0);
}
