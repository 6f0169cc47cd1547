/*
 * content - chooses by what the user says.
 *
 *   content:
 *     - { contains: [code, program], to: openai/gpt-4o }
 *     - { matches: "(translate|übersetze) .* into", to: local }
 *     - { longer_than: 500, to: anthropic }
 *     - { to: main }
 *
 * rules        in order; the first that holds decides. Of several conditions in a rule all must
 *              hold; a rule without any holds always
 * contains     one of these texts occurs, also inside a word; the case of Latin, Greek, Cyrillic
 *              and Armenian letters does not count
 * matches      a regular expression is found (see weir/sdk/pattern.h: the first 16 KB, ASCII
 * letters in any case, other characters byte by byte) longer_than  more code points than this, at
 * most 16000: no more text may be known. For longer ones there is `match` with tokens_over look_at
 * last_user (the last message of the user) or all (of every message the text); the first 64 KB
 *
 * A request for which no rule holds is refused with no_route. If the child that was chosen cannot
 * serve, the node gives up: put a failover inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/fold.h>
#include <weir/sdk/pattern.h>
#include <weir/sdk/router.h>

#define CONTENT_OPTIONS(O)                                                                        \
    O(CHILDREN, "rules", NULL, NULL, WEIR_OPTION_REQUIRED, "rules; the first that holds decides") \
    O(STRING, "look_at", "last_user", "last_user|all", 0,                                         \
      "the last message of the user, or the text of all messages")
#define CONTENT_CHILD_OPTIONS(O)                                                             \
    O(LIST, "contains", NULL, NULL, 0, "one of these texts occurs, in any case")             \
    O(STRING, "matches", NULL, NULL, 0, "this regular expression (POSIX extended) is found") \
    O(INT, "longer_than", NULL, NULL, 0, "more code points than this; up to 16000")

static const weir_option content_options[] = { CONTENT_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option content_child_options[] = { CONTENT_CHILD_OPTIONS(WEIR_OPTION_ROW) };

enum {
    CONTENT_TEXT = 64 * 1024, /* bytes that are looked at */
    CONTENT_LONGEST = 16000,  /* code points that surely fit in them */
    CONTENT_WORD = 200,       /* bytes of a word */
    CONTENT_WORDS = 200,      /* of a rule */
};

struct content_rule {
    char **words; /* folded; as many as there are, then NULL */
    bool has_regex;
    regex_t regex;
    int64_t longer_than; /* -1: any */
    uint32_t child;
};

struct content {
    bool all;
    uint32_t count;
    struct content_rule rules[];
};

static void content_release(void *cfg)
{
    struct content *c = (struct content *)cfg;

    for (uint32_t i = 0; c && i < c->count; i++) {
        struct content_rule *rule = &c->rules[i];

        for (char **word = rule->words; word && *word; word++)
            free(*word);
        free(rule->words);
        if (rule->has_regex)
            regfree(&rule->regex);
    }
    free(c);
}

static weir_result content_words(struct content_rule *rule, const weir_json *options, uint32_t list,
                                 weir_error *error)
{
    uint32_t count = weir_json_count(options, list), n = 0;

    if (!count || count > CONTENT_WORDS)
        return weir_error_set(error, WEIR_INVALID, "contains", "takes from 1 to 200 texts");
    rule->words = (char **)calloc(count + 1, sizeof(rule->words[0]));
    if (!rule->words)
        return weir_error_memory(error);
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        char word[CONTENT_WORD];
        size_t len = weir_json_unescape(options, item, NULL, 0);

        if (!len || len > sizeof(word))
            return weir_error_set(error, WEIR_INVALID, "contains",
                                  "each text needs from 1 to 200 bytes");
        weir_json_unescape(options, item, word, len);
        rule->words[n] = (char *)calloc(1, len + 1);
        if (!rule->words[n])
            return weir_error_memory(error);
        weir_fold(weir_str_make(word, len), rule->words[n++], len);
    }
    return WEIR_OK;
}

static weir_result content_regex(struct content_rule *rule, const weir_json *options,
                                 uint32_t value, weir_error *error)
{
    size_t len = weir_json_unescape(options, value, NULL, 0);
    char *pattern = (char *)calloc(1, len + 1);
    weir_result result;

    if (!pattern)
        return weir_error_memory(error);
    weir_json_unescape(options, value, pattern, len);
    result = len ? weir_regex_compile(&rule->regex, "matches", pattern, error)
                 : weir_error_set(error, WEIR_INVALID, "matches", "is empty; leave it out");
    rule->has_regex = result == WEIR_OK;
    free(pattern);
    return result;
}

static weir_result content_read(struct content *c, const weir_json *options, uint32_t item,
                                weir_error *error)
{
    struct content_rule *rule = &c->rules[c->count++];
    uint32_t contains = weir_json_find(options, item, "contains");
    uint32_t matches = weir_json_find(options, item, "matches");
    uint32_t longer = weir_json_find(options, item, "longer_than");
    weir_result result = WEIR_OK;

    rule->longer_than = -1;
    rule->child = weir_route_child(options, item);
    if (rule->child == WEIR_NO_CHILD)
        return weir_error_set(error, WEIR_INVALID, "rules", "every rule needs a child: to: ...");
    if (longer != WEIR_JSON_NONE && (!weir_json_int64(options, longer, &rule->longer_than) ||
                                     rule->longer_than < 0 || rule->longer_than > CONTENT_LONGEST))
        return weir_error_set(error, WEIR_INVALID, "longer_than",
                              "must be from 0 to 16000; for longer requests use match with "
                              "tokens_over");
    if (contains != WEIR_JSON_NONE)
        result = content_words(rule, options, contains, error);
    if (result == WEIR_OK && matches != WEIR_JSON_NONE)
        result = content_regex(rule, options, matches, error);
    return result;
}

static bool content_takes_all(const struct content_rule *rule)
{
    return !rule->words && !rule->has_regex && rule->longer_than < 0;
}

static weir_result content_configure(const weir_host *host, const weir_json *options, void **cfg,
                                     weir_error *error)
{
    static const char *const looks[] = { "last_user", "all", NULL };
    uint32_t list = weir_json_find(options, 0, "rules");
    uint32_t count = weir_json_count(options, list);
    struct content *c =
        (struct content *)calloc(1, sizeof(*c) + (size_t)count * sizeof(c->rules[0]));
    (void)host;

    if (!c)
        return weir_error_memory(error);
    c->all = weir_option_choice(options, "look_at", looks) == 1;
    WEIR_JSON_EACH_ITEM(options, list, item)
    {
        weir_result result = content_read(c, options, item, error);

        if (result == WEIR_OK && content_takes_all(&c->rules[c->count - 1]))
            result = weir_route_rest(count - c->count, "rules", error);
        if (result != WEIR_OK) {
            content_release(c);
            return result;
        }
    }
    *cfg = c;
    return WEIR_OK;
}

/* The text of a request, folded when the first rule wants it so. */
struct content_seen {
    weir_str text;
    int64_t length; /* code points; -1: not counted yet */
    size_t folded;  /* bytes; 0: not folded yet */
    char fold[CONTENT_TEXT];
};

static bool content_has(const struct content_seen *s, const char *word)
{
    size_t len = strlen(word);
    const char *at = s->fold, *end = s->fold + s->folded;

    while ((size_t)(end - at) >= len) {
        at = (const char *)memchr(at, word[0], (size_t)(end - at) - len + 1);
        if (!at)
            return false;
        if (memcmp(at, word, len) == 0)
            return true;
        at++;
    }
    return false;
}

static bool content_contains(const struct content_rule *rule, struct content_seen *s)
{
    if (!s->folded)
        s->folded = weir_fold(s->text, s->fold, sizeof(s->fold));
    for (char **word = rule->words; *word; word++) {
        if (content_has(s, *word))
            return true;
    }
    return false;
}

static int64_t content_length(struct content_seen *s)
{
    if (s->length >= 0)
        return s->length;
    s->length = 0;
    for (size_t i = 0; i < s->text.len; i++)
        s->length += !weir_utf8_is_tail((unsigned char)s->text.ptr[i]);
    return s->length;
}

static bool content_holds(const struct content_rule *rule, struct content_seen *s)
{
    return (rule->longer_than < 0 || content_length(s) > rule->longer_than) &&
           (!rule->words || content_contains(rule, s)) &&
           (!rule->has_regex || weir_regex_finds(&rule->regex, s->text));
}

static const char *content_reason(const struct content_rule *rule)
{
    if (rule->words)
        return "contains one of the texts";
    if (rule->has_regex)
        return "matches the regular expression";
    return rule->longer_than >= 0 ? "longer than the rule says" : "no rule before holds";
}

static weir_result content_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct content *c = (const struct content *)cfg;
    struct content_seen s;

    if (weir_route_is_over(ask, d))
        return WEIR_OK;
    s.text = c->all ? ask->facts->all_text : ask->facts->text;
    s.text.len = s.text.len < CONTENT_TEXT ? s.text.len : CONTENT_TEXT;
    s.length = -1;
    s.folded = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        if (!content_holds(&c->rules[i], &s))
            continue;
        d->number[1] = s.length;
        return weir_route_to(ask, d, c->rules[i].child, i, content_reason(&c->rules[i]));
    }
    return weir_decide_refuse(d, WEIR_CLASS_NO_ROUTE, "no rule holds for the text");
}

static const weir_strategy_v1 content_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_TEXT | WEIR_NEEDS_ALL_TEXT,
    .options = WEIR_ARRAY_OF(content_options),
    .child_options = WEIR_ARRAY_OF(content_child_options),
    .configure = content_configure,
    .release = content_release,
    .next = content_next,
};

static const weir_part content_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "content",
                                        &content_face };
static const weir_part *const content_parts[] = { &content_part };

WEIR_PLUGIN("weir.content", "1.0", content_parts,
            WEIR_TEXT_PART("strategy", "content", CONTENT_OPTIONS)
                WEIR_TEXT_CHILD(CONTENT_CHILD_OPTIONS))
