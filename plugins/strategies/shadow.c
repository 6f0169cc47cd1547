/*
 * shadow - a child answers, and another gets a copy of the request whose answer reaches nobody: to
 * see how a model or a provider would do with the real requests.
 *
 *   shadow: { to: openai/gpt-4o, copy: openai/gpt-5, percent: 10 }
 *
 * to       the child that answers
 * copy     the child that gets copies. What becomes of them is in the log, in the decision records
 *          and in the metrics; the request neither waits for them nor fails with them
 * percent  of the requests are copied. Default 100
 * by       what is copied always or never: `session`, `tenant`, `key` or `user`; `request`, the
 *          default: every request is drawn anew. Where a request does not say it, it is drawn anew
 *          as well
 * salt     any text; another one deals the cards anew
 *
 * Chats and embeddings are copied, if the child for the copies is not blocked. If the child that
 * answers is blocked or fails, the node gives up: put a failover around it or inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/asker.h>
#include <weir/sdk/router.h>

#define SHADOW_OPTIONS(O)                                                                         \
    O(CHILD, "to", NULL, NULL, WEIR_OPTION_REQUIRED, "the child that answers")                    \
    O(CHILD, "copy", NULL, NULL, WEIR_OPTION_REQUIRED, "the child that gets copies")              \
    O(NUMBER, "percent", "100", NULL, WEIR_OPTION_RELOADABLE, "share of the requests, of 100")    \
    O(STRING, "by", "request", "request|session|tenant|key|user", 0, "what is copied as a whole") \
    O(STRING, "salt", NULL, NULL, 0, "another text draws anew")

static const weir_option shadow_options[] = { SHADOW_OPTIONS(WEIR_OPTION_ROW) };

struct shadow {
    uint64_t salt;
    uint32_t to;
    uint32_t copy;
    uint32_t share; /* of WEIR_DRAW_WHOLE */
    uint8_t by;
};

static uint32_t shadow_child(const weir_json *options, const char *name)
{
    int64_t child = weir_option_int64(options, name, -1);

    return child >= 0 && child < UINT32_MAX ? (uint32_t)child : WEIR_NO_CHILD;
}

static weir_result shadow_configure(const weir_host *host, const weir_json *options, void **cfg,
                                    weir_error *error)
{
    double percent = weir_option_double(options, "percent", 100);
    struct shadow *s;
    char *salt;
    (void)host;

    if (!(percent >= 0 && percent <= 100))
        return weir_error_set(error, WEIR_INVALID, "percent", "must be from 0 to 100");
    s = (struct shadow *)calloc(1, sizeof(*s));
    salt = weir_option_string(options, "salt");
    if (!s || !salt) {
        free(s);
        free(salt);
        return weir_error_memory(error);
    }
    s->to = shadow_child(options, "to");
    s->copy = shadow_child(options, "copy");
    s->share = weir_draw_share(percent);
    s->by = weir_by_read(options);
    s->salt = weir_hash(0, weir_str_make(salt, strlen(salt)));
    free(salt);
    *cfg = s;
    return WEIR_OK;
}

static void shadow_release(void *cfg)
{
    free(cfg);
}

/* Why the request is copied, or is not: `*copied` says which. */
static const char *shadow_reason(const struct shadow *s, const weir_ask *ask, weir_decision *d,
                                 bool *copied)
{
    uint32_t point;
    bool sticky;

    *copied = false;
    if (ask->facts->op != WEIR_OP_CHAT && ask->facts->op != WEIR_OP_EMBED)
        return "no copy: only chats and embeddings are copied";
    point = weir_draw(s->by, s->salt, ask, &sticky);
    d->number[1] = point;
    if (point >= s->share)
        return sticky ? "no copy of what this asker sends" : "no copy of this one";
    if (s->copy >= weir_child_count(ask) || weir_child_at(ask, s->copy)->blocked)
        return "no copy: the child for it is blocked";
    *copied = true;
    return sticky ? "with a copy of what this asker sends" : "with a copy";
}

static weir_result shadow_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct shadow *s = (const struct shadow *)cfg;
    const char *reason;
    bool copied;

    if (weir_route_is_over(ask, d))
        return WEIR_OK;
    reason = shadow_reason(s, ask, d, &copied);
    weir_route_to(ask, d, s->to, s->to, reason);
    if (copied && d->verb == WEIR_PICK)
        d->shadow_child = s->copy;
    return WEIR_OK;
}

static const weir_strategy_v1 shadow_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .options = WEIR_ARRAY_OF(shadow_options),
    .configure = shadow_configure,
    .release = shadow_release,
    .next = shadow_next,
};

static const weir_part shadow_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "shadow",
                                       &shadow_face };
static const weir_part *const shadow_parts[] = { &shadow_part };

WEIR_PLUGIN("weir.shadow", "1.0", shadow_parts,
            WEIR_TEXT_PART("strategy", "shadow", SHADOW_OPTIONS))
