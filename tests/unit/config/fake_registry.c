/*
 * fake_registry.c - see fake_registry.h.
 */
#include "fake_registry.h"

#define FAKE_ROWS(table) .options = (table), .option_count = G_N_ELEMENTS(table)

static const weir_option openai_options[] = {
    WEIR_OPTION_ROW(STRING, "organization", NULL, NULL, 0, "billed organisation")
        WEIR_OPTION_ROW(MAP, "headers", NULL, NULL, 0, "headers to add")
            WEIR_OPTION_ROW(SECRET, "admin_key", NULL, NULL, 0, "for usage reports")
                WEIR_OPTION_ROW(STRING, "api", "chat", "chat|responses", 0, "which API to ask")
};

static const weir_option sim_options[] = {
    WEIR_OPTION_ROW(DURATION, "delay", "10ms", NULL, 0, "before the first token")
        WEIR_OPTION_ROW(SIZE, "size", "1KB", NULL, 0, "of an answer")
            WEIR_OPTION_ROW(BOOL, "echo", "true", NULL, 0, "say what was asked")
                WEIR_OPTION_ROW(JSON, "script", NULL, NULL, 0, "steps")
};

static const weir_option failover_options[] = {
    WEIR_OPTION_ROW(CHILDREN, "try", NULL, NULL, WEIR_OPTION_REQUIRED, "children in order")
        WEIR_OPTION_ROW(CLASSES, "on", NULL, NULL, 0, "classes that move on")
            WEIR_OPTION_ROW(INT, "retries", "0", NULL, 0, "further tries at the same child")
                WEIR_OPTION_ROW(DURATION, "delay", "0", NULL, 0, "between tries")
};

static const weir_option across_options[] = { WEIR_OPTION_ROW(CHILDREN, "across", NULL, NULL,
                                                              WEIR_OPTION_REQUIRED, "children") };

static const weir_option weight_options[] = { WEIR_OPTION_ROW(NUMBER, "weight", "1", NULL, 0,
                                                              "share of the requests") };

static const weir_option match_options[] = { WEIR_OPTION_ROW(
    STRING, "match", NULL, NULL, WEIR_OPTION_REQUIRED, "what to match") };

static const weir_option cases_options[] = { WEIR_OPTION_ROW(
    CHILDREN, "cases", NULL, NULL, WEIR_OPTION_REQUIRED, "children by match") };

static const weir_option content_options[] = { WEIR_OPTION_ROW(
    CHILDREN, "rules", NULL, NULL, WEIR_OPTION_REQUIRED, "children by content") };

static const weir_option rule_options[] = {
    WEIR_OPTION_ROW(LIST, "contains", NULL, NULL, 0, "words")
        WEIR_OPTION_ROW(INT, "longer_than", NULL, NULL, 0, "characters")
};

static const weir_option pair_options[] = {
    WEIR_OPTION_ROW(CHILD, "good", NULL, NULL, WEIR_OPTION_REQUIRED, "the better one")
        WEIR_OPTION_ROW(CHILD, "cheap", NULL, NULL, 0, "the cheaper one")
};

static const weir_option guard_options[] = {
    WEIR_OPTION_ROW(LIST, "deny", "[secret, password]", NULL, 0, "words")
        WEIR_OPTION_ROW(INT, "limit", NULL, NULL, WEIR_OPTION_REQUIRED, "how many")
};

static const weir_option dialect_options[] = { WEIR_OPTION_ROW(BOOL, "strict", "false", NULL, 0,
                                                               "refuse unknown fields") };

static struct plugin_part parts[] = {
    { .face = PLUGIN_PROVIDER,
      .name = "openai",
      FAKE_ROWS(openai_options),
      .provider = { .default_base_url = "https://api.openai.com/v1",
                    .key_variable = "OPENAI_API_KEY" } },
    { .face = PLUGIN_PROVIDER,
      .name = "anthropic",
      .provider = { .default_base_url = "https://api.anthropic.com/",
                    .key_variable = "ANTHROPIC_API_KEY" } },
    { .face = PLUGIN_PROVIDER,
      .name = "ollama",
      .provider = { .default_base_url = "http://127.0.0.1:11434" } },
    { .face = PLUGIN_PROVIDER,
      .name = "sim",
      FAKE_ROWS(sim_options),
      .provider = { .default_base_url = "http://sim.invalid" } },
    { .face = PLUGIN_PROVIDER, .name = "bare" },
    { .face = PLUGIN_STRATEGY, .name = "round-robin", FAKE_ROWS(across_options) },
    { .face = PLUGIN_STRATEGY,
      .name = "weighted",
      FAKE_ROWS(across_options),
      .child_options = weight_options,
      .child_option_count = G_N_ELEMENTS(weight_options),
      .children = { sizeof(weir_children), 0, "weight", NULL } },
    { .face = PLUGIN_STRATEGY,
      .name = "model",
      FAKE_ROWS(cases_options),
      .child_options = match_options,
      .child_option_count = G_N_ELEMENTS(match_options),
      .children = { sizeof(weir_children), 0, NULL, "match" } },
    { .face = PLUGIN_STRATEGY,
      .name = "tenant",
      FAKE_ROWS(cases_options),
      .child_options = match_options,
      .child_option_count = G_N_ELEMENTS(match_options),
      .children = { sizeof(weir_children), 0, NULL, "match" } },
    { .face = PLUGIN_STRATEGY,
      .name = "content",
      FAKE_ROWS(content_options),
      .child_options = rule_options,
      .child_option_count = G_N_ELEMENTS(rule_options) },
    { .face = PLUGIN_STRATEGY, .name = "pair", FAKE_ROWS(pair_options) },
    { .face = PLUGIN_FILTER, .name = "noop" },
    { .face = PLUGIN_FILTER, .name = "guard", FAKE_ROWS(guard_options) },
    { .face = PLUGIN_DIALECT, .name = "openai", FAKE_ROWS(dialect_options) },
    /* Last, so that the poor registry can leave it out. */
    { .face = PLUGIN_STRATEGY, .name = "failover", FAKE_ROWS(failover_options) },
};

static char refused_path[] = "/plugins/cohere.so";
static char refused_reason[] = "built for ABI 2, this host speaks 1; install a newer weir";
static struct plugin_file refused = { .path = refused_path,
                                      .state = PLUGIN_REFUSED,
                                      .reason = refused_reason };

static struct plugin_registry *build(gsize count)
{
    struct plugin_registry *r = g_new0(struct plugin_registry, 1);
    r->ref_count = 1;
    r->files = g_ptr_array_new();
    r->retired = g_ptr_array_new();
    g_ptr_array_add(r->files, &refused);
    for (int face = 0; face < PLUGIN_FACES; face++)
        r->by_name[face] = g_hash_table_new(g_str_hash, g_str_equal);
    for (gsize i = 0; i < count; i++)
        g_hash_table_insert(r->by_name[parts[i].face], (gpointer)parts[i].name, &parts[i]);
    return r;
}

struct plugin_registry *fake_registry(void)
{
    static struct plugin_registry *registry;
    if (!registry)
        registry = build(G_N_ELEMENTS(parts));
    return registry;
}

struct plugin_registry *fake_registry_poor(void)
{
    static struct plugin_registry *registry;
    if (!registry)
        registry = build(G_N_ELEMENTS(parts) - 1);
    return registry;
}
