/*
 * generation.c - tests of core/engine/generation.c: who serves a path. The dialects are made by
 * hand.
 */
#include "base/str.h"
#include "engine/generation.h"

#include <glib.h>

static const char *const none[] = { NULL };

/* A part with endpoints, as a plugin offers it. The strategies' and providers' tables stay empty.
 */
struct speaker {
    weir_endpoint endpoints[16];
    struct plugin_part part;
};

static weir_result configure(const weir_host *host, const weir_json *options, void **cfg,
                             weir_error *error)
{
    (void)host, (void)options, (void)cfg, (void)error;
    return WEIR_OK;
}

static void release(void *cfg)
{
    (void)cfg;
}

static char file_id[] = "test.speaker";
static struct plugin_file file = { .id = file_id };

static void speak(struct speaker *s, const char *name)
{
    *s = (struct speaker){ .part = { .face = PLUGIN_DIALECT, .name = name, .file = &file } };
    s->part.dialect = (weir_dialect_v1){ .struct_size = sizeof(weir_dialect_v1),
                                         .id = name,
                                         .configure = configure,
                                         .release = release };
    s->part.endpoints = s->endpoints;
}

static void serve(struct speaker *s, const char *method, const char *pattern, const char *header)
{
    s->endpoints[s->part.endpoint_count++] = (weir_endpoint){
        .struct_size = sizeof(weir_endpoint),
        .method = method,
        .pattern = pattern,
        .when_header = header,
    };
}

/* A generation of nothing but these two dialects. */
static struct generation *generate(struct speaker *a, struct speaker *b)
{
    struct plugin_registry *r = g_new0(struct plugin_registry, 1);
    struct config *c = g_new0(struct config, 1);
    g_autoptr(GError) error = NULL;
    struct generation *g;

    for (int i = 0; i < PLUGIN_FACES; i++)
        r->by_name[i] = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(r->by_name[PLUGIN_DIALECT], (gpointer)a->part.name, &a->part);
    if (b)
        g_hash_table_insert(r->by_name[PLUGIN_DIALECT], (gpointer)b->part.name, &b->part);
    r->ref_count = c->ref_count = 1000; /* made by hand: never freed by those who count */
    c->plugins = r;
    c->providers = g_ptr_array_new();
    c->routes = g_ptr_array_new();
    c->dialect_options = g_hash_table_new(g_str_hash, g_str_equal);
    g = generation_new(c, &error);
    g_assert_no_error(error);
    return g;
}

static void degenerate(struct generation *g)
{
    struct config *c = g->config;

    generation_unref(g);
    g_hash_table_unref(c->dialect_options);
    g_ptr_array_unref(c->providers);
    g_ptr_array_unref(c->routes);
    for (int i = 0; i < PLUGIN_FACES; i++)
        g_hash_table_unref(c->plugins->by_name[i]);
    g_free(c->plugins);
    g_free(c);
}

/* Matches; "404", "405" or "PATTERN(CAPTURE,CAPTURE)". */
static char *match(const struct generation *g, const char *method, const char *path,
                   const char *const *headers)
{
    weir_header list[4];
    uint32_t count = 0;
    struct endpoint_match m;
    unsigned status;
    GString *found;

    for (; headers[count]; count++)
        list[count] = (weir_header){ str_of(headers[count]), S("x") };
    status = generation_match(g, str_of(method), str_of(path), list, count, &m);
    if (status != 200)
        return g_strdup_printf("%u", status);
    found = g_string_new(m.endpoint->abi->pattern);
    g_string_append_c(found, '(');
    for (uint32_t i = 0; i < m.capture_count; i++)
        g_string_append_printf(found, "%s%.*s", i ? "," : "", S_ARG(m.captures[i]));
    g_string_append_c(found, ')');
    return g_string_free(found, FALSE);
}

static void matches(const struct generation *g, const char *method, const char *path,
                    const char *expected)
{
    g_autofree char *found = match(g, method, path, none);

    g_assert_cmpstr(found, ==, expected);
}

static void test_literals(void)
{
    struct speaker s;
    struct generation *g;

    speak(&s, "a");
    serve(&s, "*", "/v1/**", NULL);
    serve(&s, "POST", "/v1/chat", NULL);
    serve(&s, "POST", "/v1/chat/completions", NULL);
    serve(&s, "GET", "/v1/models/{model}", NULL);
    serve(&s, "GET", "/v1/models/special", NULL);
    serve(&s, "POST", "/only", NULL);
    g = generate(&s, NULL);
    matches(g, "POST", "/v1/chat", "/v1/chat()");
    matches(g, "POST", "/v1/chat/completions", "/v1/chat/completions()");
    matches(g, "POST", "/v1/chat/completions/", "/v1/**()");
    matches(g, "POST", "/v1/chat/complet", "/v1/**()");
    matches(g, "GET", "/v1/models/special", "/v1/models/special()");
    matches(g, "GET", "/v1/models/other", "/v1/models/{model}(other)");
    matches(g, "GET", "/v1/models/a/b", "/v1/**()");
    matches(g, "GET", "/v1/models/", "/v1/**()");
    matches(g, "GET", "/v1/", "/v1/**()");
    matches(g, "GET", "/v1", "404");
    matches(g, "GET", "/v2/x", "404");
    matches(g, "GET", "", "404");
    matches(g, "GET", "/", "404");
    matches(g, "GET", "/only", "405");
    matches(g, "post", "/only", "405");
    matches(g, "POST", "/onl", "404");
    matches(g, "POST", "/only/", "404");
    degenerate(g);
}

static void test_captures(void)
{
    struct speaker s;
    struct generation *g;

    speak(&s, "a");
    serve(&s, "POST", "/models/{model}:generate", NULL);
    serve(&s, "POST", "/models/{model}:stream", NULL);
    serve(&s, "POST", "/d/{deployment}/chat/{rest}", NULL);
    serve(&s, "POST", "/all/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", NULL);
    serve(&s, "POST", "/more/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", NULL);
    g = generate(&s, NULL);
    matches(g, "POST", "/models/gemini-1.5:generate", "/models/{model}:generate(gemini-1.5)");
    matches(g, "POST", "/models/gemini:stream", "/models/{model}:stream(gemini)");
    matches(g, "POST", "/models/gemini:other", "404");
    matches(g, "POST", "/models/:generate", "404");
    matches(g, "POST", "/models/a/b:generate", "404");
    matches(g, "GET", "/models/gemini:stream", "405");
    matches(g, "POST", "/models/a%2Fb:stream", "/models/{model}:stream(a%2Fb)");
    matches(g, "POST", "/d/x/chat/y", "/d/{deployment}/chat/{rest}(x,y)");
    matches(g, "POST", "/d/x/chat/", "404");
    matches(g, "POST", "/d//chat/y", "404");
    matches(g, "POST", "/all/1/2/3/4/5/6/7/8",
            "/all/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}(1,2,3,4,5,6,7,8)");
    matches(g, "POST", "/more/1/2/3/4/5/6/7/8/9", "404"); /* more than anybody captures */
    degenerate(g);
}

static void test_when_header(void)
{
    static const char *const marked[] = { "X-Version", NULL };
    struct speaker a, b;
    struct generation *g;
    struct endpoint_match m;
    weir_header header = { S("x-version"), S("") };

    speak(&a, "a");
    speak(&b, "b");
    serve(&a, "POST", "/v1/messages", NULL);
    serve(&b, "POST", "/v1/messages", "x-version");
    serve(&b, "POST", "/v1/marked", "x-version");
    g = generate(&a, &b);
    g_assert_cmpuint(generation_match(g, S("POST"), S("/v1/messages"), NULL, 0, &m), ==, 200);
    g_assert_cmpstr(m.endpoint->dialect->name, ==, "a");
    g_assert_cmpuint(generation_match(g, S("POST"), S("/v1/messages"), &header, 1, &m), ==, 200);
    g_assert_cmpstr(m.endpoint->dialect->name, ==, "b");
    g_assert_cmpuint(m.endpoint->number, ==, 0);
    matches(g, "POST", "/v1/marked", "404");
    {
        g_autofree char *found = match(g, "POST", "/v1/marked", marked);

        g_assert_cmpstr(found, ==, "/v1/marked()");
    }
    degenerate(g);
}

static void test_dialect(void)
{
    struct speaker a, b;
    struct generation *g;

    speak(&a, "a");
    speak(&b, "b");
    g = generate(&a, &b);
    g_assert_cmpstr(generation_dialect(g, "b")->name, ==, "b");
    g_assert_null(generation_dialect(g, "c"));
    matches(g, "GET", "/", "404");
    degenerate(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/generation/literals", test_literals);
    g_test_add_func("/generation/captures", test_captures);
    g_test_add_func("/generation/when-header", test_when_header);
    g_test_add_func("/generation/dialect", test_dialect);
    return g_test_run();
}
