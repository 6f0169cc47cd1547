/*
 * keys.c - keys of applications: read, found by hash, refused; who may listen where.
 */
#include "helper.h"

#include <openssl/crypto.h>
#include <string.h>

#define PROVIDER "providers: { sim: { default_model: s } }\n"
#define ROUTES   "routes: { main: sim, other: sim }\n"

static char *hash_of(const char *key)
{
    guint8 digest[CONFIG_DIGEST];
    GString *out = g_string_new("sha256:");

    config_key_digest(key, digest);
    for (guint i = 0; i < CONFIG_DIGEST; i++)
        g_string_append_printf(out, "%02X", digest[i]);
    return g_string_free(out, FALSE);
}

static const struct config_key *find(const struct config *c, const char *key)
{
    guint8 digest[CONFIG_DIGEST];

    config_key_digest(key, digest);
    return config_find_key(c, digest);
}

static void test_digest(void)
{
    g_autofree char *abc = hash_of("abc");

    g_assert_cmpstr(abc, ==,
                    "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

static void test_read(void)
{
    g_autofree char *hash = hash_of("a key of some length");
    g_autofree char *text = g_strdup_printf(
        PROVIDER ROUTES "keys:\n"
                        "  plain: %s\n"
                        "  team: { key: \"${OPENAI_API_KEY}\", tenant: acme, routes: main,\n"
                        "          models: [\"gpt-*\"], admin: yes }\n",
        hash);
    g_autoptr(config_t) c = helper_load(text);
    const struct config_key *plain = find(c, "a key of some length");
    const struct config_key *team = find(c, "sk-openai-secret");

    g_assert_cmpuint(c->keys->len, ==, 2);
    g_assert_cmpstr(plain->name, ==, "plain");
    g_assert_cmpstr(plain->tenant, ==, "plain");
    g_assert_null(plain->routes);
    g_assert_null(plain->models);
    g_assert_false(plain->admin);
    g_assert_cmpstr(team->name, ==, "team");
    g_assert_cmpstr(team->tenant, ==, "acme");
    g_assert_cmpstr(team->routes[0], ==, "main");
    g_assert_null(team->routes[1]);
    g_assert_cmpstr(team->models[0], ==, "gpt-*");
    g_assert_true(team->admin);
    g_assert_null(find(c, "a key of some lengti"));
    g_assert_null(find(c, ""));
}

/* Each of many is found, and nothing near it. */
static void test_find(void)
{
    g_autoptr(GString) text = g_string_new(PROVIDER "keys:\n");
    g_autoptr(config_t) c = NULL;

    for (guint i = 0; i < 300; i++) {
        g_autofree char *key = g_strdup_printf("key number %u", i);
        g_autofree char *hash = hash_of(key);

        g_string_append_printf(text, "  k%u: %s\n", i, hash);
    }
    c = helper_load(text->str);
    for (guint i = 0; i < 300; i++) {
        g_autofree char *key = g_strdup_printf("key number %u", i);
        g_autofree char *name = g_strdup_printf("k%u", i);
        guint8 digest[CONFIG_DIGEST];

        g_assert_cmpstr(find(c, key)->name, ==, name);
        config_key_digest(key, digest);
        digest[CONFIG_DIGEST - 1] ^= 1; /* the same where the search looks */
        g_assert_null(config_find_key(c, digest));
    }
}

/* Stands in for OpenSSL's, and counts how often it compares, and what. */
static guint compared, compared_whole;

int CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;
    unsigned char differ = 0;

    compared++;
    compared_whole += len == CONFIG_DIGEST;
    for (size_t i = 0; i < len; i++)
        differ |= x[i] ^ y[i];
    return differ;
}

/* What the search did not look at is compared in constant time, whole, wherever it differs: with a
 * comparison that stops at the first difference this counts nothing. */
static void test_constant_time(void)
{
    enum { SHOWN = 8 };
    g_autoptr(GString) text = g_string_new(PROVIDER "keys:\n");
    g_autoptr(config_t) c = NULL;
    guint8 digest[CONFIG_DIGEST];

    config_key_digest("a key of some length", digest);
    for (int twin = 0; twin < 2; twin++) { /* alike where the search looks */
        digest[CONFIG_DIGEST - 1] = (guint8)twin;
        g_string_append_printf(text, "  k%d: sha256:", twin);
        for (guint i = 0; i < CONFIG_DIGEST; i++)
            g_string_append_printf(text, "%02x", digest[i]);
        g_string_append_c(text, '\n');
    }
    c = helper_load(text->str);
    g_assert_cmpstr(config_find_key(c, digest)->name, ==, "k1");
    digest[CONFIG_DIGEST - 1] = 0;
    g_assert_cmpstr(config_find_key(c, digest)->name, ==, "k0");
    for (guint bit = SHOWN * 8; bit < CONFIG_DIGEST * 8 - 1; bit++) {
        digest[bit / 8] ^= (guint8)(0x80 >> bit % 8);
        compared = compared_whole = 0;
        g_assert_null(config_find_key(c, digest));
        g_assert_cmpuint(compared, ==, 2);
        g_assert_cmpuint(compared_whole, ==, 2);
        digest[bit / 8] ^= (guint8)(0x80 >> bit % 8);
    }
}

static void test_refused(void)
{
    helper_refuses(PROVIDER "keys: { a: something in the clear }\n",
                   "weir.yaml:2:12: keys.a: a key may not stand in the file; write its hash, "
                   "sha256:..., as `weir key hash` tells it, or ${NAME} or file:PATH");
    helper_refuses(PROVIDER "keys: { a: sha256:00 }\n",
                   "weir.yaml:2:12: keys.a: after sha256: come 64 hexadecimal digits");
    helper_refuses(PROVIDER "keys: { a: \"${HOST}\" }\n",
                   "weir.yaml:2:12: keys.a has fewer than 16 bytes and could be guessed; `weir key "
                   "new` makes a good one");
    helper_refuses(PROVIDER "keys: { a: { admin: true } }\n",
                   "weir.yaml:2:9: keys.a has no key; `weir key new` makes one");
    helper_refuses(PROVIDER ROUTES "keys: { a: { key: \"${OPENAI_API_KEY}\", routes: [mains] } }\n",
                   "weir.yaml:3:48: keys.a.routes: there is no route 'mains' (did you mean "
                   "'main'?)");
    helper_refuses(PROVIDER "keys: { a: \"${OPENAI_API_KEY}\", b: \"${OPENAI_API_KEY}\" }\n",
                   "weir.yaml:2:7: keys: a and b are the same key; remove one");
    helper_refuses(PROVIDER "keys: [a]\n", "weir.yaml:2:7: keys must be a map of keys, not a list");
    helper_refuses(PROVIDER "keys: { a: [b] }\n",
                   "weir.yaml:2:12: keys.a must be a map of keys, not a list");
}

static void test_exposed(void)
{
    static const char *const local[] = { "127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "unix:/s" };
    static const char *const exposed[] = { "0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[fe80::1]:1" };
    g_autoptr(config_t) bare = helper_load(PROVIDER);
    g_autoptr(config_t) open = helper_load(PROVIDER "auth: none\nlisten: 0.0.0.0:1\n");
    g_autoptr(config_t) keyed =
        helper_load(PROVIDER "keys: { a: \"${OPENAI_API_KEY}\" }\nlisten: 0.0.0.0:1\n");

    for (guint i = 0; i < G_N_ELEMENTS(local); i++)
        g_assert_null(config_exposed(bare, local[i]));
    for (guint i = 0; i < G_N_ELEMENTS(exposed); i++) {
        g_autofree char *why = config_exposed(bare, exposed[i]);

        g_assert_true(g_str_has_prefix(why, exposed[i]));
        g_assert_null(config_exposed(open, exposed[i]));
        g_assert_null(config_exposed(keyed, exposed[i]));
    }
    helper_refuses(PROVIDER "auth: keys\n", "weir.yaml:2:7: auth: keys, but there are none; add "
                                            "keys (`weir key new` makes one)");
    helper_refuses(PROVIDER "auth: none\nkeys: { a: \"${OPENAI_API_KEY}\" }\n",
                   "weir.yaml:2:7: auth: none and keys cannot both be; remove one of them");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/keys/digest", test_digest);
    g_test_add_func("/config/keys/read", test_read);
    g_test_add_func("/config/keys/find", test_find);
    g_test_add_func("/config/keys/constant-time", test_constant_time);
    g_test_add_func("/config/keys/refused", test_refused);
    g_test_add_func("/config/keys/exposed", test_exposed);
    return g_test_run();
}
