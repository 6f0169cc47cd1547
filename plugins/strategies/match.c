/*
 * match - chooses by what is known of a request, in rules of all, any and not.
 *
 *   match:
 *     - { when: { has: images }, to: openai/gpt-4o }
 *     - { when: { tag: { x-team: "research-*" }, not: { dialect: ollama } }, to: anthropic }
 *     - { when: { any: [ { tokens_over: 50000 }, { metadata: { tier: [gold, silver] } } ] }, to:
 * big }
 *     - { to: main }
 *
 * rules  in order; the first that holds decides; one without `when` holds always
 * when   conditions, of which all must hold:
 *          all, any: [..]      all, or one, of these groups of conditions
 *          not: {..}           these do not all hold
 *          model, provider, dialect, operation, tenant, key, user, session: a name or several
 *          tag: { NAME: .. }   a header or tag under `tags` in the configuration; header says the
 *                              same
 *          metadata: { NAME: .. }  a text in the request's metadata
 *          has: [..]           it needs all of these: tools, images, json_schema, ...
 *          stream: true        it is (false: is not) to be streamed
 *          tokens_over, output_over, bytes_over, messages_over: more than this number
 *        In a name '*' stands for any characters, also none; /between slashes/ stands a regular
 *        expression. What a request does not say is an empty name
 *
 * A request for which no rule holds is refused with no_route. If the child that was chosen cannot
 * serve, the node gives up: put a failover inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/pattern.h>
#include <weir/sdk/router.h>

#define MATCH_OPTIONS(O) \
    O(CHILDREN, "rules", NULL, NULL, WEIR_OPTION_REQUIRED, "rules; the first that holds decides")
#define MATCH_CHILD_OPTIONS(O) \
    O(JSON, "when", NULL, NULL, 0, "conditions that must all hold; none: always")

static const weir_option match_options[] = { MATCH_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option match_child_options[] = { MATCH_CHILD_OPTIONS(WEIR_OPTION_ROW) };

enum { MATCH_DEPTH = 8 };

enum match_kind {
    MATCH_ALL,
    MATCH_ANY,
    MATCH_NOT,
    MATCH_NAME, /* a string of the facts at `offset` */
    MATCH_TAG,
    MATCH_OPERATION,
    MATCH_HAS,
    MATCH_STREAM,
    MATCH_OVER, /* a number of the facts, `offset` */
    MATCH_MESSAGES,
};

/* One condition, or a group of them; a group's members hang on it as a list. */
struct match_test {
    enum match_kind kind;
    size_t offset;
    int64_t number;
    uint32_t bits;
    char *tag;
    uint32_t count;
    struct weir_pattern *patterns;
    struct match_test *members, *next;
};

struct match_rule {
    struct match_test *when; /* NULL: always */
    uint32_t child;
};

struct match {
    uint32_t count;
    struct match_rule rules[];
};

static const struct {
    const char *name;
    enum match_kind kind;
    size_t offset;
} match_words[] = {
    { "model", MATCH_NAME, offsetof(weir_facts, model) },
    { "provider", MATCH_NAME, offsetof(weir_facts, provider) },
    { "tenant", MATCH_NAME, offsetof(weir_facts, tenant) },
    { "key", MATCH_NAME, offsetof(weir_facts, key) },
    { "user", MATCH_NAME, offsetof(weir_facts, user) },
    { "session", MATCH_NAME, offsetof(weir_facts, session) },
    { "dialect", MATCH_NAME, offsetof(weir_facts, dialect) },
    { "operation", MATCH_OPERATION, 0 },
    { "has", MATCH_HAS, 0 },
    { "stream", MATCH_STREAM, 0 },
    { "tokens_over", MATCH_OVER, offsetof(weir_facts, input_tokens) },
    { "output_over", MATCH_OVER, offsetof(weir_facts, output_tokens) },
    { "bytes_over", MATCH_OVER, offsetof(weir_facts, body_bytes) },
    { "messages_over", MATCH_MESSAGES, 0 },
    { "all", MATCH_ALL, 0 },
    { "any", MATCH_ANY, 0 },
    { "not", MATCH_NOT, 0 },
};

#define MATCH_OP_ROW(id, number, name) [number] = name,
static const char *const match_ops[] = { WEIR_OPS(MATCH_OP_ROW) };

#define MATCH_CAN_ROW(id, bit, name) { name, 1u << (bit) },
static const struct {
    const char *name;
    uint32_t bit;
} match_can[] = { WEIR_CAPABILITIES(MATCH_CAN_ROW) };

#define MATCH_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* -- Reading ---------------------------------------------------------------------------------- */

static void match_free(struct match_test *t)
{
    while (t) {
        struct match_test *next = t->next;

        for (uint32_t i = 0; i < t->count; i++)
            weir_pattern_clear(&t->patterns[i]);
        free(t->patterns);
        free(t->tag);
        match_free(t->members);
        free(t);
        t = next;
    }
}

static weir_result match_wrong(weir_error *error, const weir_json *doc, uint32_t key,
                               const char *what)
{
    weir_str name = weir_json_inner(doc, key);
    char message[300];

    snprintf(message, sizeof(message), "'%.*s' %s", (int)(name.len < 60 ? name.len : 60), name.ptr,
             what);
    return weir_error_set(error, WEIR_INVALID, "when", message);
}

static struct match_test *match_add(struct match_test *group, enum match_kind kind)
{
    struct match_test *t = (struct match_test *)calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->kind = kind;
    t->next = group->members;
    group->members = t;
    return t;
}

/* A name, or a list of names of which one must match. */
static weir_result match_names(struct match_test *t, const weir_json *doc, uint32_t key,
                               uint32_t value, weir_error *error)
{
    bool list = weir_json_is_array(doc, value);
    uint32_t count = list ? weir_json_count(doc, value) : 1;

    if (!count || (!list && !weir_json_is_string(doc, value)))
        return match_wrong(error, doc, key,
                           "takes a name or a list of names, in quotes if numbers");
    t->patterns = (struct weir_pattern *)calloc(count, sizeof(t->patterns[0]));
    if (!t->patterns)
        return weir_error_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t item = list ? weir_json_item(doc, value, i) : value;
        weir_result result;

        if (!weir_json_is_string(doc, item))
            return match_wrong(error, doc, key, "takes names only; put numbers in quotes");
        result = weir_pattern_read(&t->patterns[t->count++], doc, item, "when", error);
        if (result != WEIR_OK)
            return result;
    }
    return WEIR_OK;
}

/* tag, header and metadata: an object, a test for each of its members. */
static weir_result match_tags(struct match_test *group, const weir_json *doc, uint32_t key,
                              uint32_t object, const char *prefix, weir_error *error)
{
    if (!weir_json_is_object(doc, object) || !weir_json_count(doc, object))
        return match_wrong(error, doc, key, "takes a map: { NAME: value }");
    WEIR_JSON_EACH_MEMBER(doc, object, name, value)
    {
        struct match_test *t = match_add(group, MATCH_TAG);
        size_t len = weir_json_unescape(doc, name, NULL, 0), skip = strlen(prefix);
        weir_result result;

        if (!t || !(t->tag = (char *)calloc(1, skip + len + 1)))
            return weir_error_memory(error);
        memcpy(t->tag, prefix, skip);
        weir_json_unescape(doc, name, t->tag + skip, len);
        result = match_names(t, doc, name, value, error);
        if (result != WEIR_OK)
            return result;
    }
    return WEIR_OK;
}

static weir_result match_has(struct match_test *t, const weir_json *doc, uint32_t key,
                             uint32_t value, weir_error *error)
{
    bool list = weir_json_is_array(doc, value);
    uint32_t count = list ? weir_json_count(doc, value) : 1;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t item = list ? weir_json_item(doc, value, i) : value, bit = 0;

        for (size_t k = 0; k < MATCH_COUNT(match_can); k++)
            bit |= weir_json_is(doc, item, match_can[k].name) ? match_can[k].bit : 0;
        if (weir_json_is(doc, item, "schema"))
            bit = WEIR_CAN_JSON_SCHEMA;
        if (!bit)
            return match_wrong(error, doc, key,
                               "takes abilities: stream, tools, parallel_tools, images, audio, "
                               "documents, json_mode, json_schema, reasoning, logprobs, choices, "
                               "seed, prefill, embeddings");
        t->bits |= bit;
    }
    return WEIR_OK;
}

static weir_result match_group(struct match_test *group, const weir_json *doc, uint32_t object,
                               int depth, weir_error *error);

/* all and any: a list of groups; not: one. */
static weir_result match_groups(struct match_test *t, const weir_json *doc, uint32_t key,
                                uint32_t value, int depth, weir_error *error)
{
    if (t->kind == MATCH_NOT)
        return match_group(t, doc, value, depth + 1, error);
    if (!weir_json_is_array(doc, value) || !weir_json_count(doc, value))
        return match_wrong(error, doc, key, "takes a list of conditions: [ {...}, {...} ]");
    WEIR_JSON_EACH_ITEM(doc, value, item)
    {
        struct match_test *member = match_add(t, MATCH_ALL);
        weir_result result =
            member ? match_group(member, doc, item, depth + 1, error) : weir_error_memory(error);

        if (result != WEIR_OK)
            return result;
    }
    return WEIR_OK;
}

static weir_result match_value(struct match_test *t, const weir_json *doc, uint32_t key,
                               uint32_t value, int depth, weir_error *error)
{
    bool yes = false;

    switch (t->kind) {
    case MATCH_ALL:
    case MATCH_ANY:
    case MATCH_NOT:
        return match_groups(t, doc, key, value, depth, error);
    case MATCH_HAS:
        return match_has(t, doc, key, value, error);
    case MATCH_STREAM:
        if (!weir_json_bool(doc, value, &yes))
            return match_wrong(error, doc, key, "takes true or false");
        t->number = yes;
        return WEIR_OK;
    case MATCH_OVER:
    case MATCH_MESSAGES:
        if (!weir_json_int64(doc, value, &t->number) || t->number < 0)
            return match_wrong(error, doc, key, "takes a whole number from 0 on");
        return WEIR_OK;
    default:
        return match_names(t, doc, key, value, error);
    }
}

static weir_result match_member(struct match_test *group, const weir_json *doc, uint32_t key,
                                uint32_t value, int depth, weir_error *error)
{
    if (weir_json_is(doc, key, "tag") || weir_json_is(doc, key, "header"))
        return match_tags(group, doc, key, value, "", error);
    if (weir_json_is(doc, key, "metadata"))
        return match_tags(group, doc, key, value, "metadata.", error);
    for (size_t i = 0; i < MATCH_COUNT(match_words); i++) {
        struct match_test *t;

        if (!weir_json_is(doc, key, match_words[i].name))
            continue;
        t = match_add(group, match_words[i].kind);
        if (!t)
            return weir_error_memory(error);
        t->offset = match_words[i].offset;
        return match_value(t, doc, key, value, depth, error);
    }
    return match_wrong(error, doc, key,
                       "is no condition; there are all, any, not, model, provider, dialect, "
                       "operation, tenant, key, user, session, tag, header, metadata, has, stream, "
                       "tokens_over, output_over, bytes_over, messages_over");
}

static weir_result match_group(struct match_test *group, const weir_json *doc, uint32_t object,
                               int depth, weir_error *error)
{
    if (depth > MATCH_DEPTH)
        return weir_error_set(error, WEIR_INVALID, "when", "is nested more than 8 deep");
    if (!weir_json_is_object(doc, object) || !weir_json_count(doc, object))
        return weir_error_set(error, WEIR_INVALID, "when",
                              "conditions are a map such as { has: tools }; to match always, leave "
                              "`when` out");
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        weir_result result = match_member(group, doc, key, value, depth, error);

        if (result != WEIR_OK)
            return result;
    }
    return WEIR_OK;
}

static void match_release(void *cfg)
{
    struct match *m = (struct match *)cfg;

    for (uint32_t i = 0; m && i < m->count; i++)
        match_free(m->rules[i].when);
    free(m);
}

static weir_result match_read(struct match_rule *rule, const weir_json *options, uint32_t item,
                              weir_error *error)
{
    uint32_t when = weir_json_find(options, item, "when");

    rule->child = weir_route_child(options, item);
    if (rule->child == WEIR_NO_CHILD)
        return weir_error_set(error, WEIR_INVALID, "rules", "every rule needs a child: to: ...");
    if (when == WEIR_JSON_NONE)
        return WEIR_OK;
    rule->when = (struct match_test *)calloc(1, sizeof(*rule->when));
    return rule->when ? match_group(rule->when, options, when, 1, error) : weir_error_memory(error);
}

static weir_result match_configure(const weir_host *host, const weir_json *options, void **cfg,
                                   weir_error *error)
{
    uint32_t list = weir_json_find(options, 0, "rules");
    uint32_t count = weir_json_count(options, list);
    struct match *m = (struct match *)calloc(1, sizeof(*m) + (size_t)count * sizeof(m->rules[0]));
    (void)host;

    if (!m)
        return weir_error_memory(error);
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        weir_result result = match_read(&m->rules[m->count++], options, item, error);

        if (result == WEIR_OK && !m->rules[m->count - 1].when)
            result = weir_route_rest(count - m->count, "rules", error);
        if (result != WEIR_OK) {
            match_release(m);
            return result;
        }
    }
    *cfg = m;
    return WEIR_OK;
}

/* -- Testing ---------------------------------------------------------------------------------- */

static bool match_name(const struct match_test *t, weir_str name)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (weir_pattern_matches(&t->patterns[i], name))
            return true;
    }
    return false;
}

static bool match_holds(const struct match_test *t, const weir_facts *f);

/* Whether all members hold, or (`any`) one. */
static bool match_members(const struct match_test *t, const weir_facts *f, bool any)
{
    for (const struct match_test *m = t->members; m; m = m->next) {
        if (match_holds(m, f) == any)
            return any;
    }
    return !any;
}

static bool match_holds(const struct match_test *t, const weir_facts *f)
{
    const char *fact = (const char *)f + t->offset;

    switch (t->kind) {
    case MATCH_ALL:
        return match_members(t, f, false);
    case MATCH_ANY:
        return match_members(t, f, true);
    case MATCH_NOT:
        return !match_members(t, f, false);
    case MATCH_TAG:
        return match_name(t, weir_header_find(f->tags, f->tag_count, t->tag));
    case MATCH_OPERATION:
        return f->op < MATCH_COUNT(match_ops) &&
               match_name(t, weir_str_make(match_ops[f->op], strlen(match_ops[f->op])));
    case MATCH_HAS:
        return (f->needs & t->bits) == t->bits;
    case MATCH_STREAM:
        return (f->stream != 0) == (t->number != 0);
    case MATCH_OVER:
        return *(const int64_t *)(const void *)fact > t->number;
    case MATCH_MESSAGES:
        return (int64_t)f->messages > t->number;
    default:
        return match_name(t, *(const weir_str *)(const void *)fact);
    }
}

static weir_result match_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct match *m = (const struct match *)cfg;

    if (weir_route_is_over(ask, d))
        return WEIR_OK;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct match_rule *rule = &m->rules[i];

        if (!rule->when || match_holds(rule->when, ask->facts))
            return weir_route_to(ask, d, rule->child, i,
                                 rule->when ? "its conditions hold" : "no rule before holds");
    }
    return weir_decide_refuse(d, WEIR_CLASS_NO_ROUTE, "no rule holds for the request");
}

static const weir_strategy_v1 match_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_METADATA | WEIR_NEEDS_TOKENS,
    .options = WEIR_ARRAY_OF(match_options),
    .child_options = WEIR_ARRAY_OF(match_child_options),
    .configure = match_configure,
    .release = match_release,
    .next = match_next,
};

static const weir_part match_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "match",
                                      &match_face };
static const weir_part *const match_parts[] = { &match_part };

WEIR_PLUGIN("weir.match", "1.0", match_parts,
            WEIR_TEXT_PART("strategy", "match", MATCH_OPTIONS) WEIR_TEXT_CHILD(MATCH_CHILD_OPTIONS))
