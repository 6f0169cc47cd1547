/*
 * owner.c - tests of core/route/owner.c and opaque.c: who made a value, and where a request that
 * carries it may go.
 */
#include "route/owner.h"
#include "base/str.h"
#include "route/opaque.h"

#include <glib.h>

#define SECOND INT64_C(1000000)
#define T0     (1000 * SECOND)

static const struct owner anna = { "anna", "one" }, bert = { "bert", "one" };

static weir_text text(const char *value)
{
    return (weir_text){ value, strlen(value), WEIR_FORM_UTF8, 0 };
}

static weir_text json(const char *value)
{
    return (weir_text){ value, strlen(value), WEIR_FORM_JSON, 0 };
}

static const char *owner_of(weir_text value, int64_t now)
{
    struct owner owner;

    return owner_find(value, now, &owner) ? owner.provider : "";
}

/* -- the table -------------------------------------------------------------------------------- */

static void test_table(void)
{
    owner_configure(1000, 60 * SECOND);
    g_assert_cmpstr(owner_of(text("resp_1"), T0), ==, "");
    owner_note(text("resp_1"), &anna, T0);
    owner_note(text("resp_2"), &bert, T0);
    owner_note(text(""), &bert, T0);
    g_assert_cmpstr(owner_of(text("resp_1"), T0), ==, "anna");
    g_assert_cmpstr(owner_of(text("resp_2"), T0), ==, "bert");
    g_assert_cmpstr(owner_of(text("resp_3"), T0), ==, "");
    g_assert_cmpstr(owner_of(text(""), T0), ==, "");
    owner_note(text("resp_1"), &bert, T0);
    g_assert_cmpstr(owner_of(text("resp_1"), T0), ==, "bert");
}

/* It is the value that counts, not how it was written. */
static void test_forms(void)
{
    owner_note(json("a\\/b\\u003d\\n"), &anna, T0);
    g_assert_cmpstr(owner_of(text("a/b=\n"), T0), ==, "anna");
    g_assert_cmpstr(owner_of(json("\\u0061/b=\\n"), T0), ==, "anna");
    g_assert_cmpstr(owner_of(text("a\\/b\\u003d\\n"), T0), ==, "");
}

/* What is asked for stays; what nobody asks for goes. */
static void test_lifetime(void)
{
    owner_note(text("long"), &anna, T0);
    owner_note(text("short"), &anna, T0);
    g_assert_cmpstr(owner_of(text("long"), T0 + 50 * SECOND), ==, "anna");
    g_assert_cmpstr(owner_of(text("long"), T0 + 100 * SECOND), ==, "anna");
    g_assert_cmpstr(owner_of(text("short"), T0 + 60 * SECOND), ==, "");
}

static uint32_t known(uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    for (uint32_t i = from; i < to; i++) {
        char name[16];

        g_snprintf(name, sizeof name, "id%u", i);
        n += owner_of(text(name), T0 + i)[0] != 0;
    }
    return n;
}

static void note_many(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        char name[16];

        g_snprintf(name, sizeof name, "id%u", i);
        owner_note(text(name), &anna, T0 + i);
    }
}

/* However many come, no more are kept; the latest are. */
static void test_bounded(void)
{
    owner_configure(0, 60 * SECOND);
    owner_configure(1024, 60 * SECOND);
    note_many(0, 10240);
    g_assert_cmpuint(known(0, 10240), <=, 1024);
    g_assert_cmpuint(known(10240 - 256, 10240), >, 250);
}

/* A reload keeps what there is room for. */
static void test_resized(void)
{
    owner_configure(0, 60 * SECOND);
    owner_configure(1024, 60 * SECOND);
    note_many(0, 256);
    owner_configure(8192, 60 * SECOND);
    g_assert_cmpuint(known(0, 256), ==, 256);
    owner_configure(128, 60 * SECOND);
    g_assert_cmpuint(known(0, 256), <=, 128);
    g_assert_cmpuint(known(0, 256), >, 50);
    owner_configure(0, 60 * SECOND);
    g_assert_cmpuint(known(0, 256), ==, 0);
    note_many(0, 10);
    g_assert_cmpuint(known(0, 10), ==, 0);
}

static gpointer hammer(gpointer data)
{
    uint32_t from = GPOINTER_TO_UINT(data);

    for (int i = 0; i < 20; i++) {
        note_many(from, from + 100);
        known(0, 400);
        if (i % 5 == 0)
            owner_configure(i % 2 ? 256 : 512, 60 * SECOND);
    }
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[4];

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("hammer", hammer, GUINT_TO_POINTER(i * 100));
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(known(0, 400), <=, 512);
}

/* -- the rules -------------------------------------------------------------------------------- */

static const char *const speaks_chat[] = { "chat", NULL };

static bool speaks(void *cfg, weir_str dialect)
{
    (void)cfg, (void)dialect;
    return true;
}

static const weir_provider_v1 native = { .struct_size = sizeof(native),
                                         .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
                                         .native = speaks_chat,
                                         .speaks = speaks };
static const weir_provider_v1 other = { .struct_size = sizeof(other),
                                        .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
                                        .speaks = speaks };

/* anna, bert and clone take chat as it is, otto does not; clone is anna by another name. */
enum { ANNA, BERT, CLONE, OTTO, PROVIDERS };

struct rules {
    struct plugin_part one, two;
    struct config_provider config[PROVIDERS];
    struct provider p[PROVIDERS];
    struct tree tree;
    struct child children[PROVIDERS];
    struct node node;
    struct opaque o;
};

static void add_provider(struct rules *r, int i, const char *name, struct plugin_part *part,
                         const weir_provider_v1 *face, const char *key)
{
    r->config[i] = (struct config_provider){ .name = (char *)name, .part = part };
    r->p[i] = (struct provider){
        .config = &r->config[i],
        .face = face,
        .name = str_of(name),
        .base_url = S("http://vendor"),
        .key = str_of(key),
    };
    g_ptr_array_add(r->tree.providers, &r->p[i]);
    r->children[i] = (struct child){ .kind = CHILD_LEAF, .provider = &r->p[i] };
}

static void setup(struct rules *r, gconstpointer data)
{
    (void)data;
    owner_configure(0, 60 * SECOND);
    owner_configure(1000, 60 * SECOND);
    r->one.name = "one";
    r->two.name = "two";
    r->tree.providers = g_ptr_array_new();
    add_provider(r, ANNA, "anna", &r->one, &native, "k1");
    add_provider(r, BERT, "bert", &r->one, &native, "k2");
    add_provider(r, CLONE, "clone", &r->one, &native, "k1");
    add_provider(r, OTTO, "otto", &r->two, &other, "k1");
    r->node = (struct node){ .children = r->children, .count = PROVIDERS };
    r->o.tree = &r->tree;
    r->o.dialect = S("chat");
    owner_note(text("a"), &anna, T0);
    owner_note(text("b"), &bert, T0);
    owner_note(text("gone"), &(struct owner){ "gone", "one" }, T0);
    owner_note(text("changed"), &(struct owner){ "bert", "two" }, T0);
}

static void teardown(struct rules *r, gconstpointer data)
{
    (void)data;
    g_ptr_array_unref(r->tree.providers);
}

static void required(struct rules *r, const char *value)
{
    opaque_add(&r->o, text(value), true, T0);
}

static void optional(struct rules *r, const char *value)
{
    opaque_add(&r->o, text(value), false, T0);
}

/* For anna, bert, clone and otto: '.' is blocked, 'o' may be asked, 'f' too, as a foreigner. */
static void stands(struct rules *r, const char *expected)
{
    char seen[PROVIDERS + 1] = { 0 };

    for (int i = 0; i < PROVIDERS; i++)
        seen[i] = !opaque_allows(&r->o, &r->p[i])      ? '.'
                  : opaque_is_foreign(&r->o, &r->p[i]) ? 'f'
                                                       : 'o';
    g_assert_cmpstr(seen, ==, expected);
}

static uint32_t candidates(struct rules *r)
{
    const struct provider *found[PROVIDERS];

    return opaque_candidates(&r->o, &r->node, WEIR_OP_CHAT, found, PROVIDERS);
}

static void test_required(struct rules *r, gconstpointer data)
{
    (void)data;
    required(r, "a");
    required(r, "a");
    stands(r, "o.o.");
    g_assert_true(opaque_owner(&r->o) == &r->p[ANNA]);
    g_assert_cmpuint(candidates(r), ==, 1); /* two names of one account */
    r->o.strip = true;
    stands(r, "o.o.");
}

static void test_two_required(struct rules *r, gconstpointer data)
{
    (void)data;
    required(r, "a");
    required(r, "b");
    stands(r, "....");
    g_assert_null(opaque_owner(&r->o));
}

static void test_optional(struct rules *r, gconstpointer data)
{
    (void)data;
    optional(r, "b");
    stands(r, ".o..");
    r->o.strip = true;
    stands(r, "foff");
    g_assert_cmpuint(candidates(r), ==, 3);
}

/* A conversation that has moved: each of the owners may be asked, none can read all of it. */
static void test_two_optional(struct rules *r, gconstpointer data)
{
    (void)data;
    optional(r, "a");
    optional(r, "b");
    stands(r, "fff.");
    r->o.strip = true;
    stands(r, "ffff");
}

/* Who needs some of it does not leave it out. */
static void test_both(struct rules *r, gconstpointer data)
{
    (void)data;
    optional(r, "b");
    required(r, "a");
    stands(r, "o.o.");
}

static void test_unknown_required(struct rules *r, gconstpointer data)
{
    (void)data;
    required(r, "x");
    stands(r, "ooo.");
    g_assert_cmpuint(candidates(r), ==, 2);
    g_assert_cmpuint(r->o.unknown_required.len, ==, 1);
}

static void test_unknown_optional(struct rules *r, gconstpointer data)
{
    (void)data;
    optional(r, "x");
    stands(r, "ooof");
}

/* A provider that is gone, or another one under the same name, owns nothing. */
static void test_gone(struct rules *r, gconstpointer data)
{
    (void)data;
    optional(r, "gone");
    optional(r, "changed");
    g_assert_cmpuint(r->o.optional.count, ==, 0);
    g_assert_true(r->o.unknown_optional);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/owner/table", test_table);
    g_test_add_func("/owner/forms", test_forms);
    g_test_add_func("/owner/lifetime", test_lifetime);
    g_test_add_func("/owner/bounded", test_bounded);
    g_test_add_func("/owner/resized", test_resized);
    g_test_add_func("/owner/threads", test_threads);
#define ADD(name, fn) g_test_add("/opaque/" name, struct rules, NULL, setup, fn, teardown)
    ADD("required", test_required);
    ADD("two-required", test_two_required);
    ADD("optional", test_optional);
    ADD("two-optional", test_two_optional);
    ADD("both", test_both);
    ADD("unknown-required", test_unknown_required);
    ADD("unknown-optional", test_unknown_optional);
    ADD("gone", test_gone);
    return g_test_run();
}
