/*
 * cost.c - what a model's tokens cost.
 */
#include "catalogue/catalogue.h"

static const struct catalogue_price *price_for(const struct catalogue_record *r, gint64 input)
{
    return r->long_above >= 0 && input > r->long_above ? &r->long_price : &r->price;
}

static gint64 either(gint64 a, gint64 b)
{
    return a >= 0 ? a : b;
}

/* Rounded up: a millionth of a dollar is the least there is. */
static gint64 millionths(double tokens_times_price)
{
    double cost = tokens_times_price / 1e6;

    return cost > 1e15 ? (gint64)1e15 : (gint64)(cost + 0.999999);
}

gint64 catalogue_estimate(const struct catalogue_record *r, gint64 input, gint64 output)
{
    const struct catalogue_price *p;

    if (!r || !r->priced)
        return -1;
    p = price_for(r, input);
    return millionths((double)MAX(input, 0) * (double)MAX(p->input, 0) +
                      (double)MAX(output, 0) * (double)MAX(p->output, 0));
}

gint64 catalogue_cost(const struct catalogue_record *r, const weir_usage *u)
{
    const struct catalogue_price *p;
    gint64 read = MAX(u->input_cache_read, 0), written = MAX(u->input_cache_write, 0);
    gint64 hour = MIN(MAX(u->input_cache_write_1h, 0), written), plain;

    if (!r || !r->priced || (u->input_total < 0 && u->output_total < 0))
        return -1;
    p = price_for(r, u->input_total);
    if ((p->input < 0 && u->input_total > 0) || (p->output < 0 && u->output_total > 0))
        return -1;
    plain = u->input_uncached >= 0 ? u->input_uncached : MAX(u->input_total - read - written, 0);
    return millionths(
        (double)plain * (double)p->input + (double)read * (double)either(p->cache_read, p->input) +
        (double)(written - hour) * (double)either(p->cache_write, p->input) +
        (double)hour * (double)either(p->cache_write_1h, either(p->cache_write, p->input)) +
        (double)MAX(u->output_total, 0) * (double)p->output);
}
