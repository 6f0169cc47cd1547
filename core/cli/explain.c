/*
 * explain.c - `weir explain`: how a request would be routed, and why.
 *
 * The request goes through the engine as any other does: the dialect reads it, names are resolved,
 * strategies are asked. Only the attempts are none: each one "fails" as it is told to, so that the
 * tree says whom it would ask next. The clock is our own, so that nothing is waited for.
 */
#include "base/crumb.h"
#include "base/str.h"
#include "cli/cli.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "transport/upstream.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct explain {
    struct cli_common common;
    char *path, *dialect, *fail;
    char *tenant, *provider;
    char **headers; /* "name: value" */
    char *body;
    gsize body_len;
    gboolean as_json;
    struct exchange *exchange;
    bool over, refused;
};

/* -- printing --------------------------------------------------------------------------------- */

static int depth_of(const struct node *at, const struct node *wanted, int depth)
{
    if (at == wanted)
        return depth;
    for (uint32_t i = 0; at && i < at->count && depth < WALK_MAX_DEPTH; i++) {
        int found = at->children[i].kind == CHILD_NODE
                        ? depth_of(at->children[i].node, wanted, depth + 1)
                        : -1;

        if (found >= 0)
            return found;
    }
    return -1;
}

static void print_seconds(int64_t us)
{
    printf("%.4g s", (double)us / 1e6);
}

static void print_child(const struct trace_ask *a, uint32_t i, const char *indent)
{
    const weir_child *c = (const weir_child *)a->ask.children.items + i;
    const struct target *t = a->targets[i];
    char blocks[160];

    printf("%s    %.*s", indent, S_ARG(c->name));
    if (t && !str_is(c->name, t->name))
        printf(" (%s)", t->name);
    trace_blocks(c->blocked, blocks, sizeof blocks);
    if (c->blocked)
        printf(": blocked: %s", blocks);
    if (c->blocked && c->ready_us != INT64_MAX && c->ready_us > a->ask.now_us) {
        printf(", ready in ");
        print_seconds(c->ready_us - a->ask.now_us);
    }
    putchar('\n');
}

static void print_decision(const struct trace_ask *a, const char *indent)
{
    const weir_decision *d = &a->decision;
    const weir_child *c = d->child < a->ask.children.count
                              ? (const weir_child *)a->ask.children.items + d->child
                              : NULL;

    printf("%s  -> %s", indent, d->verb == WEIR_GIVE_UP ? "give up" : trace_verb(d->verb));
    if (c)
        printf(" %.*s", S_ARG(c->name));
    if (d->shadow_child < a->ask.children.count)
        printf(", a copy to %.*s",
               S_ARG(((const weir_child *)a->ask.children.items)[d->shadow_child].name));
    if (d->start_us > a->ask.now_us) {
        printf(" after ");
        print_seconds(d->start_us - a->ask.now_us);
    }
    if (d->ask_again_us > a->ask.now_us) {
        printf(", asked again after ");
        print_seconds(d->ask_again_us - a->ask.now_us);
    }
    printf(": %s\n", d->reason ? d->reason : "no reason given");
}

static const weir_try *last_try(const struct trace_ask *a)
{
    const weir_try *tries = a->ask.tries.items, *last = NULL;

    for (uint32_t i = 0; i < a->ask.tries.count; i++) {
        if (tries[i].failure && (!last || tries[i].end_us >= last->end_us))
            last = &tries[i];
    }
    return last;
}

static void print_ask(const struct exchange *e, const struct trace_ask *a)
{
    const weir_try *last = a->ask.why == WEIR_ASK_FAILED ? last_try(a) : NULL;
    int depth = depth_of(e->root, a->node, 0);
    g_autofree char *indent = g_strnfill((gsize)(depth > 0 ? depth * 2 : 0), ' ');

    printf("%s%s: %s", indent, a->node->path, a->node->part->name);
    if (last)
        printf(", if %.*s fails (%s)",
               S_ARG(((const weir_child *)a->ask.children.items)[last->child].name),
               failure_class_name(last->failure->class_id));
    else if (a->ask.why != WEIR_ASK_START)
        printf(", asked again (%s)", trace_why(a->ask.why));
    putchar('\n');
    for (uint32_t i = 0; i < a->ask.children.count; i++) {
        if (a->ask.why == WEIR_ASK_START || ((const weir_child *)a->ask.children.items)[i].blocked)
            print_child(a, i, indent);
    }
    print_decision(a, indent);
}

static void print_attempts(const struct exchange *e)
{
    const struct attempt *last = NULL;
    int64_t pause;

    puts("asked in this order, each if the one before fails:");
    for (const struct attempt *a = e->attempts; a; last = a, a = a->next) {
        printf("  %u. %s", a->number, a->target->name);
        pause = last ? a->start_us - last->end_us : 0;
        if (pause > 1000) {
            printf(" after ");
            print_seconds(pause);
        }
        if (a->failure && a->failure->class_id != e->rehearsal->class_id)
            printf(" (cannot be asked: %.*s)", S_ARG(a->failure->message));
        putchar('\n');
    }
    if (!e->attempts)
        puts("  nobody");
}

static void print_tree(const struct exchange *e)
{
    printf("request: dialect %s, model \"%.*s\"", e->dialect->name, S_ARG(e->facts.model));
    if (e->facts.input_tokens >= 0)
        printf(", about %lld tokens", (long long)e->facts.input_tokens);
    if (e->route)
        printf("\nroute: %s%s\n", e->route->name,
               e->route == e->generation->default_route ? " (default)" : "");
    else if (e->explicit_provider)
        printf("\nprovider: %.*s, past all routes\n", S_ARG(e->explicit_provider->name));
    else
        putchar('\n');
    for (const struct trace_ask *a = e->trace ? e->trace->first : NULL; a; a = a->next)
        print_ask(e, a);
    if (e->trace) {
        print_attempts(e);
        if (e->trace->full)
            puts("(there was more; only the beginning is kept)");
    }
    if (e->failure && !e->attempts)
        printf("answer: %s: %.*s\n", failure_class_name(e->failure->class_id),
               S_ARG(e->failure->message));
}

static json_t *json_of(weir_str s)
{
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static json_t *ask_json(const struct trace_ask *a)
{
    const weir_child *children = a->ask.children.items;
    const weir_decision *d = &a->decision;
    json_t *blocked = json_object();
    json_t *out =
        json_pack("{s:s,s:s,s:s,s:s,s:s*}", "node", a->node->path, "strategy", a->node->part->name,
                  "asked", trace_why(a->ask.why), "says", trace_verb(d->verb), "why", d->reason);

    for (uint32_t i = 0; i < a->ask.children.count; i++) {
        g_autofree char *name = g_strndup(children[i].name.ptr, children[i].name.len);
        char blocks[160];

        trace_blocks(children[i].blocked, blocks, sizeof blocks);
        if (children[i].blocked)
            json_object_set_new(blocked, name, json_string(blocks));
    }
    if (d->child < a->ask.children.count)
        json_object_set_new(out, "child", json_of(children[d->child].name));
    if (d->shadow_child < a->ask.children.count)
        json_object_set_new(out, "copy", json_of(children[d->shadow_child].name));
    if (d->start_us > a->ask.now_us)
        json_object_set_new(out, "after_us", json_integer(d->start_us - a->ask.now_us));
    json_object_set_new(out, "blocked", blocked);
    return out;
}

static void print_json(const struct exchange *e)
{
    json_t *asks = json_array(), *order = json_array(), *out;

    for (const struct trace_ask *a = e->trace ? e->trace->first : NULL; a; a = a->next)
        json_array_append_new(asks, ask_json(a));
    for (const struct attempt *a = e->attempts; a; a = a->next)
        json_array_append_new(order, json_string(a->target->name));
    out = json_pack("{s:s*,s:o,s:o}", "route", e->route ? e->route->name : NULL, "decisions", asks,
                    "order", order);
    if (e->failure && !e->attempts)
        json_object_set_new(out, "failure", json_of(e->failure->message));
    json_dumpf(out, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(out);
}

/* -- the front: nothing is sent, the end is where it is told ---------------------------------- */

static void front_head(void *front, unsigned status, const weir_header *headers, size_t count,
                       int64_t length)
{
    (void)front, (void)status, (void)headers, (void)count, (void)length;
}

static void front_bytes(void *front, const void *bytes, size_t len)
{
    (void)front, (void)bytes, (void)len;
}

static void front_over(void *front)
{
    struct explain *x = front;
    const struct exchange *e = x->exchange;

    x->over = true;
    x->refused = !e->attempts;
    if (x->as_json)
        print_json(e);
    else
        print_tree(e);
}

static bool front_full(void *front)
{
    (void)front;
    return false;
}

static const struct front_ops front_ops = {
    .head = front_head,
    .bytes = front_bytes,
    .end = front_over,
    .abort = front_over,
    .full = front_full,
};

/* -- the request ------------------------------------------------------------------------------ */

/* The path that the dialect serves chat at, if none was named: the first without captures. */
static const char *path_of(const struct generation *g, const char *dialect)
{
    for (guint i = 0; i < g->endpoints->len; i++) {
        const struct endpoint *p = &g_array_index(g->endpoints, struct endpoint, i);

        if (p->exact && p->abi->op == WEIR_OP_CHAT &&
            (strcmp(p->dialect->name, dialect) == 0 || strcmp(p->dialect->face->id, dialect) == 0))
            return p->abi->pattern;
    }
    return NULL;
}

static GArray *headers_of(const struct explain *x, const struct config *config)
{
    const weir_header provider = { S("x-weir-provider"), str_of(x->provider ? x->provider : "") };
    const weir_header tenant = { str_of(config->tenant_header),
                                 str_of(x->tenant ? x->tenant : "") };
    char **lines = x->headers;
    GArray *out = g_array_new(FALSE, FALSE, sizeof(weir_header));

    for (; lines && *lines; lines++) {
        char *colon = strchr(*lines, ':');
        weir_header h = { str_of(*lines), S("") };

        if (colon) {
            h.name.len = (size_t)(colon - *lines);
            h.value = str_of(g_strstrip(colon + 1));
        }
        g_array_append_val(out, h);
    }
    if (x->provider)
        g_array_append_val(out, provider);
    if (x->tenant)
        g_array_append_val(out, tenant);
    return out;
}

static int explain_in(struct explain *x, struct engine *engine, const weir_failure *failure)
{
    struct worker *w = engine->workers[0];
    const struct generation *g = w->generation->generation;
    g_autoptr(GArray) headers = headers_of(x, g->config);
    const char *path = x->path ? x->path : path_of(g, x->dialect ? x->dialect : "openai");
    struct endpoint_match match;
    struct exchange_start start = {
        .front_ops = &front_ops,
        .front = x,
        .match = &match,
        .method = S("POST"),
        .headers = (const weir_header *)(const void *)headers->data,
        .header_count = headers->len,
        .start_us = loop_now(w->loop),
        .rehearsal = failure,
    };

    if (!path) {
        cli_error("there is no dialect %s that serves chat at a fixed path; name one with --path",
                  x->dialect ? x->dialect : "openai");
        return EX_USAGE;
    }
    start.target = start.path = str_of(path);
    if (generation_match(g, start.method, start.path, start.headers, start.header_count, &match) !=
        200) {
        cli_error("no API is served at %s", path);
        return EX_USAGE;
    }
    loop_set_clock(w->loop, loop_now(w->loop));
    x->exchange = exchange_new(w, &start);
    exchange_request(x->exchange, (weir_str){ x->body, x->body_len });
    while (!x->over) {
        loop_set_clock(w->loop, MAX(loop_now(w->loop), loop_next_timer(w->loop)));
        loop_step(w->loop, 0);
    }
    loop_step(w->loop, 0);
    return x->refused ? 1 : 0;
}

static int explain(struct explain *x)
{
    int class_id = failure_class_find(str_of(x->fail ? x->fail : "server_error"));
    weir_failure failure = failure_local((unsigned)MAX(class_id, 0), S("supposed to fail"));
    g_autoptr(GError) error = NULL;
    struct config *config;
    struct engine *engine;
    int code;

    if (class_id < 0) {
        cli_error("there is no class of failures '%s'; the most common are server_error, "
                  "rate_limit and timeout",
                  x->fail);
        return EX_USAGE;
    }
    failure.local = 0;
    config = cli_config(&x->common, NULL);
    if (!config)
        return EX_CONFIG;
    signal(SIGPIPE, SIG_IGN);
    crumb_open();
    config->access_log = CONFIG_LOG_OFF; /* nothing is served */
    if (!config->tenant_header)
        config->tenant_header = g_strdup("x-weir-tenant");
    g_clear_pointer(&config->decisions_file, g_free);
    engine = up_global_init() ? engine_new(config, 1, &error) : NULL;
    config_unref(config);
    if (!engine) {
        cli_error("%s", error ? error->message : "libcurl cannot be set up");
        return EX_CONFIG;
    }
    code = explain_in(x, engine, &failure);
    engine_free(engine);
    return code;
}

/* -- the command ------------------------------------------------------------------------------ */

static bool read_body(struct explain *x, const char *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GIOChannel) in = NULL;

    if (file && strcmp(file, "-") != 0) {
        if (g_file_get_contents(file, &x->body, &x->body_len, &error))
            return true;
        cli_error("%s", error->message);
        return false;
    }
    in = g_io_channel_unix_new(0);
    g_io_channel_set_encoding(in, NULL, NULL);
    if (g_io_channel_read_to_end(in, &x->body, &x->body_len, &error) == G_IO_STATUS_NORMAL)
        return true;
    cli_error("standard input cannot be read: %s", error ? error->message : "?");
    return false;
}

int cli_explain(int argc, char **argv)
{
    struct explain x = { 0 };
    const GOptionEntry entries[] = {
        { "dialect", 'd', 0, G_OPTION_ARG_STRING, &x.dialect,
          "what the request is written in (default: openai)", "NAME" },
        { "path", 'p', 0, G_OPTION_ARG_STRING, &x.path,
          "the path it is sent to, instead of --dialect", "PATH" },
        { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &x.headers, "a header it is sent with",
          "\"NAME: VALUE\"" },
        { "tenant", 0, 0, G_OPTION_ARG_STRING, &x.tenant, "the tenant that asks", "NAME" },
        { "provider", 0, 0, G_OPTION_ARG_STRING, &x.provider, "ask this provider, past all routes",
          "NAME" },
        { "fail", 0, 0, G_OPTION_ARG_STRING, &x.fail,
          "how each attempt is supposed to fail (default: server_error)", "CLASS" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &x.as_json, "print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    int code;

    if (!cli_parse(&argc, &argv, "[REQUEST.json] - show how a request would be routed, and why",
                   "Asks the strategies as the gateway would, and prints what each was asked, "
                   "what it chose and why, and who comes next if the chosen one fails. Nobody is "
                   "called. REQUEST.json \"-\", or none, reads standard input.",
                   entries, &x.common, &code))
        return code;
    if (cli_left_over(argc, argv, 2))
        return EX_USAGE;
    if (!read_body(&x, argc > 1 ? argv[1] : NULL))
        return EX_NOINPUT;
    code = explain(&x);
    g_free(x.body);
    g_free(x.path);
    g_free(x.dialect);
    g_free(x.fail);
    g_free(x.tenant);
    g_free(x.provider);
    g_strfreev(x.headers);
    return code;
}
