/*
 * yaml.c - tests of the tree: places, anchors, and what is refused.
 */
#include "config/yaml.h"

#include <string.h>

struct fixture {
    struct faults faults;
    struct ytree *tree;
};

static void setup(struct fixture *f, gconstpointer data)
{
    faults_init(&f->faults);
    f->tree = ytree_new();
}

static void teardown(struct fixture *f, gconstpointer data)
{
    faults_clear(&f->faults);
    ytree_free(f->tree);
}

static struct ynode *parse(struct fixture *f, const char *text)
{
    return ytree_parse(f->tree, "weir.yaml", text, strlen(text), &f->faults);
}

static void refuses(struct fixture *f, const char *text, const char *expected)
{
    g_assert_null(parse(f, text));
    g_autofree char *told = faults_text(&f->faults);
    g_assert_cmpstr(told, ==, expected);
    faults_clear(&f->faults);
    faults_init(&f->faults);
}

static void test_places(struct fixture *f, gconstpointer data)
{
    struct ynode *root = parse(f, "a: 1\nb:\n  - x\n  - { c: 'y' }\n");
    g_assert_nonnull(root);
    struct ynode *list = ynode_get(root, "b");
    g_assert_cmpint(list->kind, ==, YNODE_LIST);
    g_assert_cmpuint(ynode_count(list), ==, 2);
    struct ynode *c = ynode_get(ynode_at(list, 1), "c");
    g_assert_cmpstr(c->text, ==, "y");
    g_assert_false(c->plain);
    g_assert_cmpuint(c->at.line, ==, 4);
    g_assert_cmpuint(c->at.column, ==, 10);
    g_assert_cmpuint(ynode_key(root, "b")->at.line, ==, 2);
    g_assert_null(ynode_get(root, "z"));
}

static void test_null(struct fixture *f, gconstpointer data)
{
    struct ynode *root = parse(f, "a:\nb: ~\nc: null\nd: ''\ne: nil\n");
    g_assert_true(ynode_is_null(ynode_get(root, "a")));
    g_assert_true(ynode_is_null(ynode_get(root, "b")));
    g_assert_true(ynode_is_null(ynode_get(root, "c")));
    g_assert_false(ynode_is_null(ynode_get(root, "d")));
    g_assert_false(ynode_is_null(ynode_get(root, "e")));
}

static void test_empty(struct fixture *f, gconstpointer data)
{
    struct ynode *root = parse(f, "# nothing\n");
    g_assert_cmpint(root->kind, ==, YNODE_MAP);
    g_assert_cmpuint(ynode_count(root), ==, 0);
    g_assert_nonnull(parse(f, ""));
}

static void test_merge(struct fixture *f, gconstpointer data)
{
    struct ynode *root = parse(f, "base: &b { x: 1, y: 2 }\n"
                                  "more: &m { y: 3, z: 4 }\n"
                                  "one: { <<: *b, y: own }\n"
                                  "two: { <<: [*b, *m] }\n");
    g_assert_nonnull(root);
    struct ynode *one = ynode_get(root, "one"), *two = ynode_get(root, "two");
    g_assert_cmpstr(ynode_get(one, "x")->text, ==, "1");
    g_assert_cmpstr(ynode_get(one, "y")->text, ==, "own");
    g_assert_cmpstr(ynode_get(two, "y")->text, ==, "2");
    g_assert_cmpstr(ynode_get(two, "z")->text, ==, "4");
    refuses(f, "a: { <<: 3 }\n",
            "weir.yaml:1:6: << takes a map or a list of maps; write '<<: *anchor'");
}

static void test_alias(struct fixture *f, gconstpointer data)
{
    struct ynode *root = parse(f, "a: &x [1, 2]\nb: *x\n");
    g_assert_true(ynode_get(root, "a") == ynode_get(root, "b"));
    refuses(f, "a: *none\n",
            "weir.yaml:1:4: *none refers to nothing; write &none before the value "
            "it stands for");
    refuses(f, "a: &x\n  b: *x\n",
            "weir.yaml:2:6: *x stands inside what it refers to; take it out");
}

static void test_bomb(struct fixture *f, gconstpointer data)
{
    g_autoptr(GString) text = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        g_string_append_printf(text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            g_string_append_printf(text, "%s*a%d", j ? ", " : "", i - 1);
        g_string_append(text, "]\n");
    }
    g_assert_null(parse(f, text->str));
    g_autofree char *told = faults_text(&f->faults);
    g_assert_nonnull(strstr(told, "more than 100000 values"));
    g_assert_true(g_str_has_prefix(told, "weir.yaml:5:"));
}

static void test_merge_bomb(struct fixture *f, gconstpointer data)
{
    g_autoptr(GString) text = g_string_new("m0: &m0 { a: &v [1, 2, 3], b: *v, c: *v }\n");
    for (int i = 1; i < 20; i++)
        g_string_append_printf(text, "m%d: &m%d { a%d: *m%d, b%d: *m%d, c%d: *m%d, <<: *m%d }\n", i,
                               i, i, i - 1, i, i - 1, i, i - 1, i - 1);
    g_assert_null(parse(f, text->str));
    g_assert_cmpuint(faults_count(&f->faults), ==, 1);
}

static void test_depth(struct fixture *f, gconstpointer data)
{
    g_autoptr(GString) text = g_string_new("a: ");
    for (int i = 0; i < 63; i++)
        g_string_append_c(text, '[');
    for (int i = 0; i < 63; i++)
        g_string_append_c(text, ']');
    g_assert_nonnull(parse(f, text->str));
    g_string_insert(text, 3, "[");
    g_string_append_c(text, ']');
    refuses(f, text->str, "weir.yaml:1:67: nested more than 64 deep; make it flatter");
}

static void test_refused(struct fixture *f, gconstpointer data)
{
    refuses(f, "a: 1\nb: 2\na: 3\n",
            "weir.yaml:3:1: the key 'a' is here twice, first in line 1; remove one");
    refuses(f, "? [a]\n: 1\n", "weir.yaml:1:3: a key must be a word, not a list");
    refuses(f, "a: !!binary x\n",
            "weir.yaml:1:4: tags are not used here; remove 'tag:yaml.org,2002:binary'");
    refuses(f, "a: 1\n---\nb: 2\n",
            "weir.yaml:2:1: a second document begins here; put it in a file "
            "of its own or remove the ---");
    refuses(f, "[a, b]\n", "weir.yaml:1:1: a configuration is a map of keys, not a list");
    refuses(f, "a: \"x\\0y\"\n", "weir.yaml:1:4: a text may not contain \\0; remove it");
    refuses(
        f, "t: { *: a }\n",
        "weir.yaml:1:7: this is not YAML: did not find expected alphabetic or numeric character, "
        "while scanning an alias; put a text that begins with * or & in quotes");
    refuses(f, "a:\n\tb: 1\n",
            "weir.yaml:2:1: this is not YAML: found character that cannot start any token, while "
            "scanning for the next token; indent with spaces, not tabs, and put a text that begins "
            "with @ or ` in quotes");
    g_assert_null(parse(f, "a: [1\nb: 2\n"));
    g_assert_null(parse(f, "a: \xff\xfe\n"));
    g_assert_cmpuint(faults_count(&f->faults), ==, 2);
}

static void test_size(struct fixture *f, gconstpointer data)
{
    gsize len = YAML_LIMIT_BYTES + 1;
    g_autofree char *text = g_malloc(len);
    memset(text, '#', len);
    g_assert_null(ytree_parse(f->tree, "big", text, len, &f->faults));
    g_assert_nonnull(ytree_parse(f->tree, "fits", text, len - 1, &f->faults));
    g_autofree char *told = faults_text(&f->faults);
    g_assert_cmpstr(told, ==, "big:1:1: larger than 4194304 bytes; split it into conf.d");
}

#define ADD(name, function) g_test_add(name, struct fixture, NULL, setup, function, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/yaml/places", test_places);
    ADD("/yaml/null", test_null);
    ADD("/yaml/empty", test_empty);
    ADD("/yaml/merge", test_merge);
    ADD("/yaml/alias", test_alias);
    ADD("/yaml/bomb", test_bomb);
    ADD("/yaml/merge-bomb", test_merge_bomb);
    ADD("/yaml/depth", test_depth);
    ADD("/yaml/refused", test_refused);
    ADD("/yaml/size", test_size);
    return g_test_run();
}
