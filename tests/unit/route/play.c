/*
 * play.c - see play.h.
 */
#include "play.h"
#include "base/str.h"

#include <math.h>

struct play *play_new(const struct tree *tree, const char *route)
{
    struct play *p = g_new0(struct play, 1);

    p->node = tree_route(tree, str_of(route))->root;
    g_assert_cmpuint(p->node->count, <=, CHILDREN);
    g_assert_cmpuint(p->node->part->strategy.state_size, <=, sizeof p->state);
    g_assert_cmpuint(p->node->part->strategy.child_state_size, <=, sizeof p->child_state[0]);
    p->rand = g_rand_new_with_seed(7);
    p->jobs = g_new0(struct job, RUNNING);
    p->facts =
        (weir_facts){ .struct_size = sizeof(weir_facts), .input_tokens = 100, .output_tokens = -1 };
    p->budget = (weir_budget){ sizeof(weir_budget), 10, INT64_MAX, -1 };
    p->ask = (weir_ask){ .struct_size = sizeof(weir_ask),
                         .now_us = 1000000000,
                         .seed = 1,
                         .facts = &p->facts,
                         .budget = &p->budget,
                         .state = p->state,
                         .children = { p->child, p->node->count, sizeof(weir_child) },
                         .tries = { p->tries, 0, sizeof(weir_try) } };
    for (uint32_t i = 0; i < p->node->count; i++)
        p->child[i] = (weir_child){ .struct_size = sizeof(weir_child),
                                    .name = p->node->children[i].name,
                                    .state = p->child_state[i],
                                    .ttft_us = -1,
                                    .ttft_p95_us = -1,
                                    .tpot_ns = -1,
                                    .headroom_ppm = 1000000,
                                    .max_retries = -1,
                                    .price_in = -1,
                                    .price_out = -1,
                                    .context_window = -1,
                                    .max_output_tokens = -1 };
    return p;
}

void play_free(struct play *p)
{
    g_rand_free(p->rand);
    g_free(p->jobs);
    g_free(p);
}

weir_decision play_ask(struct play *p, uint32_t why)
{
    weir_decision d = { .struct_size = sizeof(d), .child = WEIR_NO_CHILD };

    p->ask.why = why;
    p->ask.seed = (uint64_t)g_rand_int(p->rand) << 32 | g_rand_int(p->rand);
    g_assert_cmpint(p->node->part->strategy.next(p->node->cfg, &p->ask, &d), ==, WEIR_OK);
    return d;
}

uint32_t play_pick(struct play *p)
{
    weir_decision d = play_ask(p, WEIR_ASK_START);

    g_assert_cmpuint(d.verb, ==, WEIR_PICK);
    g_assert_cmpuint(d.child, <, p->node->count);
    return d.child;
}

/* Peak-EWMA as target records have it: up at once, down with a time constant of 10 s. */
static int64_t peak(int64_t old, int64_t now, double weight)
{
    if (old < 0 || now > old)
        return now;
    return old + (int64_t)((double)(now - old) * weight);
}

static void job_over(struct play *p, const struct job *j)
{
    weir_child *c = &p->child[j->child];
    double weight = 1 - exp(-(double)(j->end_us - p->seen_us[j->child]) / 10e6);

    c->inflight--;
    c->inflight_tokens -= j->tokens;
    c->ttft_us = peak(c->ttft_us, j->first_us - j->start_us, weight);
    c->tpot_ns = peak(c->tpot_ns, (j->end_us - j->first_us) * 1000 / j->tokens, weight);
    c->samples++;
    p->seen_us[j->child] = j->end_us;
}

static void play_until(struct play *p, int64_t now_us)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        if (p->jobs[i].end_us <= now_us)
            job_over(p, &p->jobs[i]);
        else
            p->jobs[kept++] = p->jobs[i];
    }
    p->count = kept;
    p->ask.now_us = now_us;
}

int64_t play_start(struct play *p, uint32_t child)
{
    int64_t now = p->ask.now_us, begin = now, tokens = g_rand_int_range(p->rand, 50, 150);
    struct job *j = &p->jobs[p->count++];

    g_assert_cmpuint(p->count, <=, RUNNING);
    if (p->queue && p->free_us[child] > now)
        begin = p->free_us[child];
    *j = (struct job){ child, now, begin + p->ttft_us[child], 0, tokens };
    j->end_us = j->first_us + tokens * p->tpot_us[child];
    p->free_us[child] = j->end_us;
    p->child[child].inflight++;
    p->child[child].inflight_tokens += tokens;
    return j->end_us - now;
}

void play_wait(struct play *p, int64_t mean_us)
{
    double gap = -log(1 - g_rand_double(p->rand)) * (double)mean_us;

    play_until(p, p->ask.now_us + (int64_t)gap);
}

void play_all_alike(struct play *p, int64_t ttft_us, int64_t tpot_us)
{
    for (uint32_t i = 0; i < CHILDREN; i++) {
        p->ttft_us[i] = ttft_us;
        p->tpot_us[i] = tpot_us;
    }
}
