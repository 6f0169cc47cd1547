/*
 * value.c - tests of scalars, variables and secrets.
 */
#include "config/value.h"

#include "config/config.h"
#include "config/expand.h"

#include <glib/gstdio.h>
#include <string.h>

struct fixture {
    struct faults faults;
    struct ytree *tree;
    GPtrArray *secrets;
};

static const char *const environment[] = {
    "HOST=example.com", "EMPTY=", "OPENAI_API_KEY=sk-very-secret", "PORT=8443", "BAD=\xff\xfe", NULL
};

static void setup(struct fixture *f, gconstpointer data)
{
    faults_init(&f->faults);
    f->tree = ytree_new();
    f->secrets = g_ptr_array_new_with_free_func(g_free);
}

static void teardown(struct fixture *f, gconstpointer data)
{
    faults_clear(&f->faults);
    ytree_free(f->tree);
    g_ptr_array_unref(f->secrets);
}

/* The node of `v: TEXT`, variables resolved. */
static struct ynode *node(struct fixture *f, const char *text)
{
    g_autofree char *yaml = g_strdup_printf("v: %s\n", text);
    struct ynode *root = ytree_parse(f->tree, "weir.yaml", yaml, strlen(yaml), &f->faults);
    g_assert_nonnull(root);
    expand_tree(f->tree, (char **)environment, f->secrets, &f->faults);
    return ynode_get(root, "v");
}

static void told(struct fixture *f, const char *expected)
{
    g_autofree char *text = faults_text(&f->faults);
    g_assert_cmpstr(text, ==, expected);
    g_ptr_array_set_size(f->faults.list, 0);
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        gint64 us;
    } good[] = {
        { "0", 0 },          { "30", 30000000 },     { "0.5", 500000 },    { "250ms", 250000 },
        { "30s", 30000000 }, { "5m", 300000000 },    { "1h", 3600000000 }, { "1m30s", 90000000 },
        { "1.5s", 1500000 }, { "2d", 172800000000 }, { "10 us", 10 },
    };
    static const char *const bad[] = { "",    "-1s",  "1x",  "s",     "1 2",          "1m30",
                                       "1e3", "0x10", "inf", "1..5s", "99999999999d", "5minutes" };
    gint64 us;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(value_parse_duration(good[i].text, &us));
        g_assert_cmpint(us, ==, good[i].us);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(value_parse_duration(bad[i], &us));
}

static void test_sizes(void)
{
    static const struct {
        const char *text;
        gint64 bytes;
    } good[] = {
        { "0", 0 },          { "100", 100 },     { "64KB", 65536 }, { "64kib", 65536 },
        { "8 MB", 8388608 }, { "1GB", 1 << 30 }, { "1.5k", 1536 },  { "2B", 2 },
    };
    static const char *const bad[] = { "", "-1", "KB", "1 K B", "1PB", "99999999TB", "1KBs" };
    gint64 bytes;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(value_parse_size(good[i].text, &bytes));
        g_assert_cmpint(bytes, ==, good[i].bytes);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(value_parse_size(bad[i], &bytes));
}

static void test_plain(void)
{
    gboolean yes = FALSE;
    gint64 n;
    double d;
    g_assert_true(value_parse_bool("true", &yes) && yes);
    g_assert_true(value_parse_bool("Off", &yes) && !yes);
    g_assert_false(value_parse_bool("1", &yes));
    g_assert_true(value_parse_int("-9223372036854775808", &n) && n == G_MININT64);
    g_assert_false(value_parse_int("9223372036854775808", &n));
    g_assert_false(value_parse_int("1.0", &n));
    g_assert_false(value_parse_int("", &n));
    g_assert_true(value_parse_number("-1.5e3", &d) && d == -1500);
    g_assert_false(value_parse_number("1e999", &d));
    g_assert_false(value_parse_number("nan", &d));
    g_assert_false(value_parse_number("1-2", &d));
}

static void test_messages(struct fixture *f, gconstpointer data)
{
    gint64 n = 7;
    g_assert_false(value_duration(&f->faults, node(f, "soon"), "timeout", &n));
    told(f, "weir.yaml:1:4: timeout must be a duration such as 250ms, 30s, 5m, 1h or a number of "
            "seconds, not 'soon'");
    g_assert_false(value_int(&f->faults, node(f, "12"), "queue", 0, 10, &n));
    told(f, "weir.yaml:1:4: queue must be an integer from 0 to 10, not '12'");
    g_assert_false(value_bool(&f->faults, node(f, "[a]"), "echo", &(gboolean){ 0 }));
    told(f, "weir.yaml:1:4: echo must be true or false, not a list");
    g_assert_false(value_size(&f->faults, node(f, ""), "size", &n));
    told(f,
         "weir.yaml:1:3: size has no value; give it a size such as 64KB, 8MB, 1GB or a number of "
         "bytes, or remove the key");
    g_assert_cmpint(n, ==, 7);
    static const char *const names[] = { "error", "splice", "continue", NULL };
    g_assert_cmpint(value_choice(&f->faults, node(f, "slpice"), "mid_stream", names), ==, -1);
    told(f, "weir.yaml:1:4: mid_stream must be one of error, splice, continue, not 'slpice' (did "
            "you mean 'splice'?)");
}

static void test_variables(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *text, *value;
    } good[] = {
        { "http://${HOST}:${PORT}/v1", "http://example.com:8443/v1" },
        { "'${HOST}'", "example.com" },
        { "\"${NONE:-x y}\"", "x y" },
        { "${EMPTY:-standby}", "standby" },
        { "a${EMPTY}b", "ab" },
        { "${NONE:-}z", "z" },
        { "$${HOST} $HOST $", "${HOST} $HOST $" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_cmpstr(node(f, good[i].text)->text, ==, good[i].value);
    g_assert_cmpuint(faults_count(&f->faults), ==, 0);

    node(f, "\"${MISSING}\"");
    told(f, "weir.yaml:1:4: the variable MISSING is not set; set it in the environment of weir, or "
            "give a default with ${MISSING:-default}");
    g_assert_null(value_text(&f->faults, node(f, "${MISSING}"), "v", "a text"));
    g_assert_cmpuint(faults_count(&f->faults), ==, 1);
    g_ptr_array_set_size(f->faults.list, 0);
    node(f, "${no-name}");
    told(f,
         "weir.yaml:1:4: 'no-name' is no name of a variable; write ${NAME}, ${NAME:-default}, or "
         "$${ for a literal ${");
    node(f, "${HOST");
    told(f, "weir.yaml:1:4: ${ without a }; close it, or write $${ for a literal ${");
    node(f, "${BAD}");
    told(f, "weir.yaml:1:4: the variable BAD is not UTF-8 text; correct it");
}

static void test_secret(struct fixture *f, gconstpointer data)
{
    char *secret = NULL;
    g_assert_true(
        value_secret(&f->faults, node(f, "${OPENAI_API_KEY}"), "api_key", f->secrets, &secret));
    g_assert_cmpstr(secret, ==, "sk-very-secret");
    g_clear_pointer(&secret, g_free);
    g_assert_true(value_secret(&f->faults, node(f, "${NONE:-}"), "api_key", f->secrets, &secret));
    g_assert_null(secret);

    g_assert_false(value_secret(&f->faults, node(f, "sk-literal"), "api_key", f->secrets, &secret));
    told(f, "weir.yaml:1:4: api_key is a secret and may not stand in the file; write ${NAME} or "
            "file:PATH");
    g_assert_false(value_secret(&f->faults, node(f, "\"${NONE:-sk-literal}\""), "api_key",
                                f->secrets, &secret));
    told(f, "weir.yaml:1:4: api_key is a secret and may not stand in the file; write ${NAME} or "
            "file:PATH");
    g_assert_false(value_secret(&f->faults, node(f, "${EMPTY}"), "api_key", f->secrets, &secret));
    told(f, "weir.yaml:1:4: api_key is empty: the variable in ${EMPTY} is; set it, or remove the "
            "key");
    g_assert_null(secret);
}

static void test_secret_file(struct fixture *f, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_autofree char *secret = NULL;
    int fd = g_file_open_tmp("weir-XXXXXX", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(path, "from-a-file\r\n\n", -1, NULL));
    g_autofree char *text = g_strdup_printf("file:%s", path);
    g_assert_true(value_secret(&f->faults, node(f, text), "api_key", f->secrets, &secret));
    g_assert_cmpstr(secret, ==, "from-a-file");
    g_assert_cmpstr(g_ptr_array_index(f->secrets, f->secrets->len - 1), ==, "from-a-file");
    g_assert_true(g_file_set_contents(path, "\n", -1, NULL));
    g_clear_pointer(&secret, g_free);
    g_assert_false(value_secret(&f->faults, node(f, text), "api_key", f->secrets, &secret));
    g_autofree char *empty =
        g_strdup_printf("weir.yaml:1:4: api_key: %s is empty; put the secret into it", path);
    told(f, empty);
    g_unlink(path);
    g_assert_false(value_secret(&f->faults, node(f, text), "api_key", f->secrets, &secret));
    g_autofree char *gone = faults_text(&f->faults);
    g_autofree char *start = g_strdup_printf("weir.yaml:1:4: api_key cannot be read from %s", path);
    g_assert_true(g_str_has_prefix(gone, start));
}

static void test_nearest(void)
{
    static const char *const names[] = { "timeout", "try", "retries", "round-robin", "on", NULL };
    g_assert_cmpstr(config_nearest("tiemout", names), ==, "timeout");
    g_assert_cmpstr(config_nearest("tri", names), ==, "try");
    g_assert_cmpstr(config_nearest("Round_Robin", names), ==, "round-robin");
    g_assert_cmpstr(config_nearest("retires", names), ==, "retries");
    g_assert_null(config_nearest("in", names));
    g_assert_null(config_nearest("weighted", names));
    g_assert_null(config_nearest("x", NULL));
}

#define ADD(name, function) g_test_add(name, struct fixture, NULL, setup, function, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value/durations", test_durations);
    g_test_add_func("/value/sizes", test_sizes);
    g_test_add_func("/value/plain", test_plain);
    g_test_add_func("/value/nearest", test_nearest);
    ADD("/value/messages", test_messages);
    ADD("/value/variables", test_variables);
    ADD("/value/secret", test_secret);
    ADD("/value/secret-file", test_secret_file);
    return g_test_run();
}
