/*
 * decisions.c - see decisions.h.
 */
#include "engine/decisions.h"
#include "base/str.h"
#include "engine/access.h"
#include "engine/exchange.h"
#include "engine/fields.h"
#include "model/failure.h"
#include "transport/http.h"

#include <weir/sdk/write.h>

enum { HEADER_MAX = 6000 }; /* clients and proxies take 8 KiB of headers */

/* -- whether ---------------------------------------------------------------------------------- */

static bool is_asked_for(struct exchange *e)
{
    for (uint32_t i = 0; i < e->in.header_count; i++) {
        const weir_header *h = &e->in.headers[i];

        if (!http_name_is(h->name, "x-weir-explain") || str_is(h->value, "0"))
            continue;
        if (e->admin)
            return true;
        exchange_warn(e, &(struct warning){ S("x-weir-explain"),
                                            S("decisions are told to an administrator only") });
    }
    return false;
}

void decisions_begin(struct exchange *e)
{
    e->explain = is_asked_for(e);
    if (e->trace || !(e->explain || e->rehearsal || e->generation->config->decisions_file))
        return;
    e->trace = arena_zalloc(&e->arena, sizeof(*e->trace));
    if (e->trace)
        e->trace->seed = e->walk.seed;
}

/* -- the header ------------------------------------------------------------------------------- */

/* Not inline, all of these: the writer's own functions are, and they are many. */
#define APART __attribute__((noinline))

APART static void put_key(weir_writer *w, const char *key)
{
    if (key)
        weir_write_key(w, key);
}

APART static void put_string(weir_writer *w, weir_str value)
{
    weir_write_string(w, value);
}

APART static void put_begin(weir_writer *w, const char *key, char bracket)
{
    put_key(w, key);
    weir_write_begin(w, bracket);
}

APART static void put_end(weir_writer *w, char bracket)
{
    weir_write_end(w, bracket);
}

APART static void put_name(weir_writer *w, const char *key, weir_str value)
{
    put_key(w, key);
    put_string(w, value);
}

APART static void put_number(weir_writer *w, const char *key, int64_t value)
{
    put_key(w, key);
    weir_write_int64(w, value);
}

APART static void put_bool(weir_writer *w, const char *key, bool value)
{
    put_key(w, key);
    weir_write_bool(w, value);
}

static const weir_child *child_at(const weir_ask *ask, uint32_t i)
{
    return i < ask->children.count ? (const weir_child *)ask->children.items + i : NULL;
}

static void put_blocked(weir_writer *w, const weir_ask *ask)
{
    char names[160];

    put_begin(w, "blocked", '{');
    for (uint32_t i = 0; i < ask->children.count; i++) {
        const weir_child *c = child_at(ask, i);

        if (!c->blocked)
            continue;
        trace_blocks(c->blocked, names, sizeof names);
        weir_write_key_text(w, (weir_text){ c->name.ptr, c->name.len, WEIR_FORM_UTF8, 0 });
        put_string(w, str_of(names));
    }
    put_end(w, '}');
}

static void put_told(weir_writer *w, const struct trace_ask *a)
{
    const weir_child *c = child_at(&a->ask, a->decision.child);

    put_begin(w, NULL, '{');
    put_name(w, "node", str_of(a->node->path));
    put_name(w, "strategy", str_of(a->node->part->name));
    put_name(w, "asked", str_of(trace_why(a->ask.why)));
    put_name(w, "says", str_of(trace_verb(a->decision.verb)));
    if (c)
        put_name(w, "child", c->name);
    if ((c = child_at(&a->ask, a->decision.shadow_child)))
        put_name(w, "copy", c->name);
    if (a->decision.start_us > a->ask.now_us)
        put_number(w, "after_us", a->decision.start_us - a->ask.now_us);
    if (a->decision.reason)
        put_name(w, "why", str_of(a->decision.reason));
    put_blocked(w, &a->ask);
    put_end(w, '}');
}

weir_str decisions_header(struct exchange *e)
{
    bool cut = e->trace && e->trace->full;
    weir_writer w;
    weir_str out;

    if (!e->explain || !e->trace)
        return S("");
    weir_writer_init(&w, &e->in.arena, 1024);
    put_begin(&w, NULL, '{');
    put_name(&w, "route", e->route ? str_of(e->route->name) : S(""));
    put_begin(&w, "decisions", '[');
    for (const struct trace_ask *a = e->trace->first; a; a = a->next) {
        weir_writer_mark here = weir_writer_here(&w);

        put_told(&w, a);
        if (w.len <= HEADER_MAX)
            continue;
        weir_writer_back(&w, here);
        cut = true;
        break;
    }
    put_end(&w, ']');
    put_bool(&w, "complete", !cut);
    put_end(&w, '}');
    return weir_writer_finish(&w, &out) < 0 ? S("") : out;
}

/* -- the record ------------------------------------------------------------------------------- */

static void put_fields(weir_writer *w, const struct field *fields, size_t count, const void *from)
{
    for (size_t i = 0; i < count; i++)
        put_number(w, fields[i].name, field_get(&fields[i], from));
}

#define PUT_FIELDS(w, fields, from) put_fields(w, fields, G_N_ELEMENTS(fields), from)

static void put_hex(weir_writer *w, const char *key, const void *bytes, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = bytes;

    if (!p || !size)
        return;
    put_key(w, key);
    weir_write_byte(w, '"');
    for (size_t i = 0; i < size; i++)
        weir_write_bytes(w, (char[]){ hex[p[i] >> 4], hex[p[i] & 15] }, 2);
    weir_write_byte(w, '"');
    w->comma = true;
}

static void put_seed(weir_writer *w, uint64_t seed)
{
    char text[24];

    g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, seed);
    put_name(w, "seed", str_of(text));
}

static void put_facts(weir_writer *w, const struct exchange *e, bool text)
{
    const weir_facts *f = &e->facts;
    const struct {
        const char *key;
        weir_str value;
        bool is_text;
    } strings[] = {
        { "model", f->model, false },      { "provider", f->provider, false },
        { "tenant", f->tenant, false },    { "user", f->user, false },
        { "session", f->session, false },  { "dialect", f->dialect, false },
        { "key", f->key, false },          { "text", f->text, true },
        { "all_text", f->all_text, true },
    };

    put_begin(w, "facts", '{');
    PUT_FIELDS(w, fields_facts, f);
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        if (strings[i].value.len && (text || !strings[i].is_text))
            put_name(w, strings[i].key, strings[i].value);
    }
    put_begin(w, "tags", '[');
    for (uint32_t i = 0; i < f->tag_count; i++) {
        if (!text && str_begins(f->tags[i].name, S("metadata."))) /* the request's own words */
            continue;
        put_string(w, f->tags[i].name);
        put_string(w, f->tags[i].value);
    }
    put_end(w, ']');
    put_end(w, '}');
}

/* Without the message: vendors repeat what they were sent. */
static void put_failure(weir_writer *w, const weir_failure *failure)
{
    if (!failure)
        return;
    put_name(w, "class", str_of(failure_class_name(failure->class_id)));
    PUT_FIELDS(w, fields_failure, failure);
    if (failure->code.len)
        put_name(w, "code", failure->code);
}

static void put_children(weir_writer *w, const struct trace_ask *a)
{
    put_begin(w, "children", '[');
    for (uint32_t i = 0; i < a->ask.children.count; i++) {
        const weir_child *c = child_at(&a->ask, i);

        put_begin(w, NULL, '{');
        put_name(w, "name", c->name);
        if (a->targets[i])
            put_name(w, "target", str_of(a->targets[i]->name));
        PUT_FIELDS(w, fields_child, c);
        put_hex(w, "state", c->state, a->node->part->strategy.child_state_size);
        put_end(w, '}');
    }
    put_end(w, ']');
}

static void put_ask(weir_writer *w, const struct trace_ask *a)
{
    const weir_try *tries = a->ask.tries.items;
    const weir_decision *d = &a->decision;

    put_begin(w, NULL, '{');
    put_name(w, "node", str_of(a->node->path));
    put_name(w, "strategy", str_of(a->node->part->name));
    put_number(w, "state_version", a->node->part->strategy.state_version);
    put_number(w, "why", a->ask.why);
    put_number(w, "now_us", a->ask.now_us);
    put_seed(w, a->ask.seed);
    PUT_FIELDS(w, fields_budget, a->ask.budget);
    put_hex(w, "state", a->ask.state, a->node->part->strategy.state_size);
    put_children(w, a);
    put_begin(w, "tries", '[');
    for (uint32_t i = 0; i < a->ask.tries.count; i++) {
        put_begin(w, NULL, '{');
        PUT_FIELDS(w, fields_try, &tries[i]);
        put_failure(w, tries[i].failure);
        put_end(w, '}');
    }
    put_end(w, ']');
    put_begin(w, "decision", '{');
    PUT_FIELDS(w, fields_decision, d);
    if (d->reason)
        put_name(w, "reason", str_of(d->reason));
    put_end(w, '}');
    put_end(w, '}');
}

static void put_attempt(weir_writer *w, const struct attempt *a)
{
    put_begin(w, NULL, '{');
    put_name(w, "target", str_of(a->target->name));
    put_number(w, "start_us", a->start_us);
    put_number(w, "first_us", a->first_us);
    put_number(w, "end_us", a->end_us);
    put_bool(w, "silent", a->t && a->t->abi.silent);
    put_bool(w, "sent", a->begun);
    put_failure(w, a->failure);
    PUT_FIELDS(w, fields_usage, &a->usage);
    put_end(w, '}');
}

static void put_request(weir_writer *w, const struct exchange *e, bool text)
{
    put_number(w, "version", 1);
    put_name(w, "id", str_of(e->id));
    if (e->copy_of)
        put_name(w, "shadow_of", str_of(e->copy_of));
    put_number(w, "unix_us", e->unix_us);
    put_number(w, "start_us", e->start_us);
    if (e->route)
        put_name(w, "route", str_of(e->route->name));
    else if (e->explicit_provider)
        put_name(w, "provider", e->explicit_provider->name);
    put_name(w, "asked", e->walk.asked);
    put_name(w, "native", e->walk.native);
    put_bool(w, "forced", e->walk.forced);
    put_name(w, "result", str_of(e->failure ? failure_class_name(e->failure->class_id) : "ok"));
    put_number(w, "end_us", e->end_us);
    put_seed(w, e->trace->seed);
    put_bool(w, "has_text", text);
    put_facts(w, e, text);
}

void decisions_log(struct exchange *e)
{
    const struct config *config = e->generation->config;
    weir_writer w;
    weir_str line;

    if (!e->trace || e->trace->full || !e->trace->first || !config->decisions_file)
        return;
    weir_writer_init(&w, &e->in.arena, 4096);
    put_begin(&w, NULL, '{');
    put_request(&w, e, config->decisions_text);
    put_begin(&w, "asks", '[');
    for (const struct trace_ask *a = e->trace->first; a; a = a->next)
        put_ask(&w, a);
    put_end(&w, ']');
    put_begin(&w, "attempts", '[');
    for (const struct attempt *a = e->attempts; a; a = a->next) {
        if (a->t)
            put_attempt(&w, a);
    }
    put_end(&w, ']');
    put_end(&w, '}');
    if (weir_writer_finish(&w, &line) >= 0)
        access_log_line(e->worker->decisions, line);
}
