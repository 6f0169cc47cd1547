/*
 * prometheus.c - see prometheus.h.
 */
#include "engine/prometheus.h"
#include "model/failure.h"
#include "plugin/registry.h"
#include "route/target.h"
#include "route/tree.h"

#include <inttypes.h>

const double stats_bounds[STATS_BUCKETS] = { 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5,
                                             1,     2.5,   5,    10,   30,  60,   300 };

static const char *const token_kinds[STATS_TOKEN_KINDS] = { "input", "output", "cache_read",
                                                            "cache_write", "reasoning" };

static const struct {
    const char *name;
    const char *type;
    const char *help;
} families[] = {
    [STATS_REQUESTS] = { "weir_requests_total", "counter", "Requests of applications." },
    [STATS_FAILURES] = { "weir_failures_total", "counter", "Requests that failed, by class." },
    [STATS_SECONDS] = { "weir_request_duration_seconds", "histogram",
                        "From a request's first byte to its reply's last." },
    [STATS_SHADOWS] = { "weir_shadows_total", "counter",
                        "Copies of requests; class ok for successes, not_sent for those that were "
                        "left out." },
    [STATS_ATTEMPTS] = { "weir_attempts_total", "counter",
                         "Attempts at targets; class ok for successes." },
    [STATS_TOKENS] = { "weir_gen_ai_client_token_usage_total", "counter",
                       "Tokens as reported by providers." },
    [STATS_ATTEMPT_SECONDS] = { "weir_gen_ai_server_request_duration_seconds", "histogram",
                                "Duration of successful attempts." },
    [STATS_TTFT] = { "weir_gen_ai_server_time_to_first_token_seconds", "histogram",
                     "Time to first token of streamed attempts." },
    [STATS_TPOT] = { "weir_gen_ai_server_time_per_output_token_seconds", "histogram",
                     "Time per output token of streamed attempts." },
};

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)

static void put_label(GString *out, const char *name, const char *value)
{
    if (out->str[out->len - 1] != '{')
        g_string_append_c(out, ',');
    g_string_append_printf(out, "%s=\"", name);
    for (const char *p = value ? value : ""; *p; p++) {
        if (*p == '\\' || *p == '"')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p == '\n' ? ' ' : *p);
    }
    g_string_append_c(out, '"');
}

static void put_labels(GString *out, const struct stats_row *r)
{
    char status[16];

    switch (r->kind) {
    case STATS_REQUESTS:
        g_snprintf(status, sizeof status, "%u", r->n & 0xffff);
        put_label(out, "route", r->a);
        put_label(out, "dialect", r->b);
        put_label(out, "op", op_name(r->n >> 16));
        put_label(out, "status", status);
        break;
    case STATS_FAILURES:
        put_label(out, "route", r->a);
        put_label(out, "class", failure_class_name(r->n));
        break;
    case STATS_SECONDS:
        put_label(out, "route", r->a);
        put_label(out, "dialect", r->b);
        put_label(out, "op", op_name(r->n));
        break;
    case STATS_SHADOWS:
        put_label(out, "route", r->a);
        put_label(out, "class",
                  r->n == STATS_NOT_SENT ? "not_sent"
                  : r->n                 ? failure_class_name(r->n)
                                         : "ok");
        break;
    case STATS_ATTEMPTS:
        put_label(out, "target", r->a);
        put_label(out, "class", r->n ? failure_class_name(r->n) : "ok");
        break;
    case STATS_TOKENS:
        put_label(out, "target", r->a);
        put_label(out, "kind", token_kinds[r->n]);
        break;
    default:
        put_label(out, "target", r->a);
        break;
    }
}

static void put_histogram(GString *out, const struct stats_row *r)
{
    const char *name = families[r->kind].name;
    guint64 total = 0;
    char bound[32];

    for (int i = 0; i <= STATS_BUCKETS; i++) {
        total += r->bucket[i];
        if (i < STATS_BUCKETS)
            g_ascii_formatd(bound, sizeof bound, "%g", stats_bounds[i]);
        g_string_append_printf(out, "%s_bucket{", name);
        put_labels(out, r);
        put_label(out, "le", i < STATS_BUCKETS ? bound : "+Inf");
        g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", total);
    }
    g_ascii_formatd(bound, sizeof bound, "%.9g", r->sum);
    g_string_append_printf(out, "%s_sum{", name);
    put_labels(out, r);
    g_string_append_printf(out, "} %s\n%s_count{", bound, name);
    put_labels(out, r);
    g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", r->count);
}

static void put_family(GString *out, GHashTable *rows, enum stats_kind kind)
{
    bool histogram = families[kind].type[0] == 'h', any = false;
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, rows);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const struct stats_row *r = key;

        if (r->kind != kind)
            continue;
        if (!any)
            g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", families[kind].name,
                                   families[kind].help, families[kind].name, families[kind].type);
        any = true;
        if (histogram) {
            put_histogram(out, r);
            continue;
        }
        g_string_append_printf(out, "%s{", families[kind].name);
        put_labels(out, r);
        g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", r->count);
    }
}

static void put_inflight(void *ctx, struct target *t)
{
    GString *out = ctx;

    g_string_append(out, "weir_target_inflight{");
    put_label(out, "target", t->name);
    g_string_append_printf(out, "} %" PRId64 "\n", __atomic_load_n(&t->inflight, __ATOMIC_RELAXED));
}

static void put_up(void *ctx, struct target *t)
{
    GString *out = ctx;
    static const struct limits none;
    int64_t ready;

    g_string_append(out, "weir_target_up{");
    put_label(out, "target", t->name);
    g_string_append_printf(out, "} %d\n",
                           target_blocked(t, &none, g_get_monotonic_time(), 1, &ready) == 0);
}

/* Limits, ours and what is known of the vendors'; a family at a time, as its lines belong together.
 */
enum { GAUGE_LEARNED, GAUGE_TOLD, GAUGE_LEFT, GAUGE_BOOKED, GAUGE_RUNNING, GAUGES };

static const char *const gauges[GAUGES] = {
    [GAUGE_LEARNED] = "weir_target_learned_requests_per_minute", /* what 429s taught */
    [GAUGE_TOLD] = "weir_target_told_limit",                     /* what headers say */
    [GAUGE_LEFT] = "weir_target_told_left",
    [GAUGE_BOOKED] = "weir_limit_booked_seconds", /* until what is booked has become free again */
    [GAUGE_RUNNING] = "weir_limit_inflight",
};

struct gauge {
    GString *out;
    int which;
    bool any;
};

static void put_gauge(struct gauge *g, const char *const labels[6], double value)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];

    if (!g->any)
        g_string_append_printf(g->out, "# TYPE %s gauge\n", gauges[g->which]);
    g->any = true;
    g_string_append_printf(g->out, "%s{", gauges[g->which]);
    for (int i = 0; i < 6 && labels[i]; i += 2)
        put_label(g->out, labels[i], labels[i + 1]);
    g_ascii_formatd(number, sizeof number, "%.9g", value);
    g_string_append_printf(g->out, "} %s\n", number);
}

static void put_learned(void *ctx, struct target *t)
{
    const struct learned *l = &t->learned;
    struct gauge *g = ctx;

    if (g->which == GAUGE_LEARNED) {
        if (learned_ceiling(l))
            put_gauge(g, (const char *const[6]){ "target", t->name },
                      (double)learned_ceiling(l) / 1000);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const struct learned_told *told = i ? &l->tokens : &l->requests;

        if (LOAD(told->limit) && LOAD(told->until_us) > g_get_monotonic_time())
            put_gauge(
                g, (const char *const[6]){ "target", t->name, "limit", i ? "tokens" : "requests" },
                (double)(g->which == GAUGE_TOLD ? LOAD(told->limit) : LOAD(told->left)));
    }
}

static void put_limit(void *ctx, const char *kind, const struct limit *l)
{
    const int64_t tat[] = { LOAD(l->requests_tat), LOAD(l->tokens_tat) };
    int64_t now = g_get_monotonic_time() * 1000;
    struct gauge *g = ctx;

    if (g->which == GAUGE_RUNNING) {
        put_gauge(g, (const char *const[6]){ "of", kind, "name", l->name },
                  (double)LOAD(l->inflight));
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (tat[i])
            put_gauge(g,
                      (const char *const[6]){ "of", kind, "name", l->name, "limit",
                                              i ? "tokens" : "requests" },
                      tat[i] > now ? (double)(tat[i] - now) / 1e9 : 0);
    }
}

static void put_limits(GString *out)
{
    for (int i = 0; i < GAUGES; i++) {
        struct gauge g = { out, i, false };

        if (i < GAUGE_BOOKED)
            target_each(put_learned, &g);
        else
            limit_each(put_limit, &g);
    }
}

static void put_fault(void *ctx, const char *path, const char *strategy, uint64_t n)
{
    GString *out = ctx;

    g_string_append(out, "weir_strategy_faults_total{");
    put_label(out, "strategy", strategy);
    put_label(out, "node", path);
    g_string_append_printf(out, "} %" PRIu64 "\n", n);
}

static void free_text(gpointer text)
{
    g_string_free(text, TRUE);
}

/* Counters of one name may belong to several plugins and instances: they are gathered by it. */
static void put_plugin_counter(void *ctx, const char *name, const char *help, const char *plugin,
                               const char *instance, uint64_t value)
{
    GHashTable *by_name = ctx;
    GString *out = g_hash_table_lookup(by_name, name);

    if (!out) {
        out = g_string_new(NULL);
        g_string_append_printf(out, "# HELP weir_plugin_%s %s\n# TYPE weir_plugin_%s counter\n",
                               name, help, name);
        g_hash_table_insert(by_name, (gpointer)name, out);
    }
    g_string_append_printf(out, "weir_plugin_%s{", name);
    put_label(out, "plugin", plugin);
    put_label(out, "instance", instance);
    g_string_append_printf(out, "} %" PRIu64 "\n", value);
}

static void put_plugin_counters(GString *out)
{
    g_autoptr(GHashTable) by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_text);
    GHashTableIter iter;
    gpointer text;

    plugin_metrics_each(put_plugin_counter, by_name);
    g_hash_table_iter_init(&iter, by_name);
    while (g_hash_table_iter_next(&iter, NULL, &text))
        g_string_append(out, ((GString *)text)->str);
}

char *prometheus_text(GHashTable *rows, guint inflight, guint waiting)
{
    GString *out = g_string_sized_new(8192);

    for (gsize kind = 0; kind < G_N_ELEMENTS(families); kind++)
        put_family(out, rows, (enum stats_kind)kind);
    g_string_append_printf(out,
                           "# TYPE weir_inflight gauge\nweir_inflight %u\n"
                           "# TYPE weir_waiting gauge\nweir_waiting %u\n"
                           "# TYPE weir_target_inflight gauge\n",
                           inflight, waiting);
    target_each(put_inflight, out);
    g_string_append(out, "# TYPE weir_target_up gauge\n");
    target_each(put_up, out);
    put_limits(out);
    g_string_append(out, "# HELP weir_strategy_faults_total Decisions of strategies that make no "
                         "sense.\n# TYPE weir_strategy_faults_total counter\n");
    tree_faults_each(put_fault, out);
    put_plugin_counters(out);
    return g_string_free(out, FALSE);
}
