/*
 * simulate.c - `weir simulate`: recorded requests, decided again by another configuration or by
 * other strategies, and what would have come of them.
 */
#include "base/crumb.h"
#include "cli/cli.h"
#include "cli/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of the requests that could be estimated, as recorded and as replayed. */
struct tally {
    guint failed;
    GArray *took; /* int64_t, of those that did not fail */
    int64_t cost;
    guint priced;
};

struct simulate {
    struct cli_common common;
    char *records, *route;
    gboolean as_json;
    struct replay replay;
    guint count, copies, skipped, unreadable, asked, changed, assumed, diverged, unknown, drawn;
    GHashTable *changes; /* "was -> is" -> number */
    GHashTable *reasons; /* why not -> number */
    struct tally before, after;
};

/* -- counting --------------------------------------------------------------------------------- */

static void add_one(GHashTable *table, char *key)
{
    gpointer n = g_hash_table_lookup(table, key);

    g_hash_table_replace(table, key, GUINT_TO_POINTER(GPOINTER_TO_UINT(n) + 1));
}

static void tally_add(struct tally *t, const struct replayed *r)
{
    t->failed += r->failed;
    if (!r->failed)
        g_array_append_val(t->took, r->took_us);
    if (r->cost >= 0) {
        t->cost += r->cost;
        t->priced++;
    }
}

static void take(struct simulate *s, const json_t *record)
{
    struct replayed then, now;

    if (replay_is_copy(record)) {
        s->copies++;
        return;
    }
    s->count++;
    replay_recorded(record, &then);
    replay_one(&s->replay, record, &now);
    s->asked += now.asked;
    s->changed += now.changed;
    s->assumed += now.assumed;
    s->diverged += now.diverged;
    s->drawn += now.drawn;
    if (now.why_not) {
        s->skipped++;
        add_one(s->reasons, g_strdup(now.why_not));
    } else if (now.unknown) {
        s->unknown++;
    } else {
        tally_add(&s->before, &then);
        tally_add(&s->after, &now);
    }
    if (now.was)
        add_one(s->changes, g_strdup_printf("%s -> %s", now.was, now.is));
    replayed_clear(&now);
}

static void learn(struct simulate *s, const json_t *record)
{
    replay_learn(&s->replay, record);
}

/* Calls `each` for every line. The last one may be half written. */
static bool read_records(struct simulate *s, void (*each)(struct simulate *, const json_t *))
{
    FILE *f = fopen(s->records, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    if (!f) {
        cli_error("%s: %s", s->records, strerror(errno));
        return false;
    }
    s->unreadable = 0;
    while ((len = getline(&line, &cap, f)) > 0) {
        json_t *record = json_loadb(line, (size_t)len, 0, NULL);

        if (json_is_object(record))
            each(s, record);
        else
            s->unreadable++;
        json_decref(record);
    }
    free(line);
    fclose(f);
    return true;
}

/* -- the report ------------------------------------------------------------------------------- */

static int by_size(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static json_t *quantile(const GArray *sorted, guint percent)
{
    guint at = sorted->len ? (sorted->len - 1) * percent / 100 : 0;

    return sorted->len ? json_real((double)g_array_index(sorted, int64_t, at) / 1e6) : json_null();
}

static json_t *tally_json(struct tally *t, bool estimate)
{
    json_t *out = json_pack("{s:b,s:i}", "estimate", estimate, "failed", (int)t->failed);

    g_array_sort(t->took, by_size);
    json_object_set_new(out, "answered", json_integer(t->took->len));
    json_object_set_new(out, "seconds_p50", quantile(t->took, 50));
    json_object_set_new(out, "seconds_p95", quantile(t->took, 95));
    json_object_set_new(out, "cost", t->priced ? json_real((double)t->cost / 1e6) : json_null());
    json_object_set_new(out, "cost_of", json_integer(t->priced));
    return out;
}

static json_t *numbers_json(GHashTable *table)
{
    json_t *out = json_object();
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, &value))
        json_object_set_new(out, key, json_integer(GPOINTER_TO_UINT(value)));
    return out;
}

static json_t *targets_json(const struct simulate *s)
{
    json_t *out = json_object();
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, s->replay.targets);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct replay_target *t = value;
        const GArray *pool = g_hash_table_lookup(s->replay.pools, key);

        json_object_set_new(out, key,
                            json_pack("{s:i,s:i,s:i,s:i}", "asked", (int)t->asked, "failed",
                                      (int)t->failed, "drawn", (int)t->drawn, "samples",
                                      pool ? (int)pool->len : 0));
    }
    return out;
}

static json_t *report(struct simulate *s)
{
    json_t *out = json_object();
    const struct {
        const char *name;
        guint n;
    } numbers[] = {
        { "records", s->count },
        { "copies", s->copies },
        { "unreadable", s->unreadable },
        { "skipped", s->skipped },
        { "decisions", s->asked },
        { "changed", s->changed },
        { "as_recorded_without_text", s->assumed },
        { "requests_changed", s->diverged },
        { "without_samples", s->unknown },
        { "outcomes_drawn", s->drawn },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        json_object_set_new(out, numbers[i].name, json_integer(numbers[i].n));
    json_object_set_new(out, "changes", numbers_json(s->changes));
    json_object_set_new(out, "why_skipped", numbers_json(s->reasons));
    json_object_set_new(out, "recorded", tally_json(&s->before, false));
    json_object_set_new(out, "simulated", tally_json(&s->after, s->diverged > 0));
    json_object_set_new(out, "targets", targets_json(s));
    return out;
}

static void print_tally(const char *name, const struct tally *t, bool estimate)
{
    printf("%s%s: %u answered, %u failed", name, estimate ? " (estimate)" : "", t->took->len,
           t->failed);
    if (t->took->len)
        printf(", half within %.3g s, 95 %% within %.3g s",
               (double)g_array_index(t->took, int64_t, (t->took->len - 1) / 2) / 1e6,
               (double)g_array_index(t->took, int64_t, (t->took->len - 1) * 95 / 100) / 1e6);
    if (t->priced)
        printf(", cost %.6f for %u with known prices", (double)t->cost / 1e6, t->priced);
    putchar('\n');
}

static void print_numbers(const json_t *numbers)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)numbers, key, value)
        printf("  %s: %d\n", key, (int)json_integer_value(value));
}

static void print_report(const struct simulate *s, const json_t *r)
{
    const char *name;
    json_t *t;

    printf("%u records, %u not replayed, %u lines unreadable\n", s->count, s->skipped,
           s->unreadable);
    print_numbers(json_object_get(r, "why_skipped"));
    if (s->copies)
        printf("%u records of copies (shadow), from which outcomes are drawn as well\n", s->copies);
    printf("%u decisions asked again, %u changed; %u of %u requests go another way\n", s->asked,
           s->changed, s->diverged, s->count - s->skipped);
    print_numbers(json_object_get(r, "changes"));
    if (s->assumed)
        printf("%u decisions stand on text that is not in the records (log.decisions_text) and "
               "were taken as recorded\n",
               s->assumed);
    print_tally("recorded", &s->before, false);
    print_tally("simulated", &s->after, s->diverged > 0);
    if (s->unknown)
        printf("%u requests came to a target without samples and are in neither\n", s->unknown);
    json_object_foreach(json_object_get(r, "targets"), name, t)
        printf("  %s: asked %d times, %d failed; %d outcomes drawn from %d samples\n", name,
               (int)json_integer_value(json_object_get(t, "asked")),
               (int)json_integer_value(json_object_get(t, "failed")),
               (int)json_integer_value(json_object_get(t, "drawn")),
               (int)json_integer_value(json_object_get(t, "samples")));
}

/* -- the command ------------------------------------------------------------------------------ */

static int simulate(struct simulate *s, const struct generation *generation)
{
    json_t *r;
    bool read;

    replay_init(&s->replay, generation);
    s->replay.route = s->route;
    s->changes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s->before.took = g_array_new(FALSE, FALSE, sizeof(int64_t));
    s->after.took = g_array_new(FALSE, FALSE, sizeof(int64_t));
    read = read_records(s, learn) && read_records(s, take);
    if (read) {
        r = report(s);
        if (s->as_json)
            json_dumpf(r, stdout, JSON_INDENT(2));
        else
            print_report(s, r);
        if (s->as_json)
            putchar('\n');
        json_decref(r);
    }
    g_hash_table_unref(s->changes);
    g_hash_table_unref(s->reasons);
    g_array_unref(s->before.took);
    g_array_unref(s->after.took);
    replay_clear(&s->replay);
    return !read ? EX_NOINPUT : s->count > s->skipped ? 0 : 1;
}

int cli_simulate(int argc, char **argv)
{
    struct simulate s = { 0 };
    const GOptionEntry entries[] = {
        { "log", 0, 0, G_OPTION_ARG_FILENAME, &s.records,
          "decision records, as log.decisions writes them", "FILE" },
        { "route", 0, 0, G_OPTION_ARG_STRING, &s.route,
          "send every request through this route, instead of the recorded one", "NAME" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &s.as_json, "print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GError) error = NULL;
    struct generation *generation;
    struct config *config;
    int code;

    if (!cli_parse(&argc, &argv, "- decide recorded requests again, by another configuration",
                   "Asks the strategies of the configuration (-c) what the recorded ones were "
                   "asked, and says what they decide otherwise. What would have come of it is "
                   "estimated from the recorded attempts at the same targets.",
                   entries, &s.common, &code))
        return code;
    if (!s.records) {
        cli_error("name the records: weir simulate --log decisions.jsonl -c weir.yaml");
        return EX_USAGE;
    }
    if (cli_left_over(argc, argv, 1))
        return EX_USAGE;
    config = cli_config(&s.common, NULL);
    if (!config)
        return EX_CONFIG;
    crumb_open();
    generation = generation_new(config, &error);
    config_unref(config);
    if (!generation) {
        fprintf(stderr, "%s\n", error->message);
        return EX_CONFIG;
    }
    code = simulate(&s, generation);
    generation_unref(generation);
    g_free(s.records);
    g_free(s.route);
    return code;
}
