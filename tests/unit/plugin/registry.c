/*
 * registry.c - scans of directories of the zoo: what loads, what is refused and why, what is shared
 * and what is retired.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crumb.h"
#include "den.h"

static gboolean event_came;

static weir_result note_event(void *ctx, const weir_event *event)
{
    event_came = event == ctx;
    return WEIR_OK;
}

/* -- What loads -------------------------------------------------------------------------------- */

static void test_faces(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_free(den_copy(d, "good_provider", "a"));
    g_free(den_copy(d, "good_dialect", "b"));
    g_free(den_copy(d, "good_strategy", "c"));
    g_free(den_copy(d, "good_filter", "d"));
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_assert_cmpuint(r->files->len, ==, 4);
    for (int f = 0; f < PLUGIN_FACES; f++) {
        const struct plugin_part *part = plugin_find(r, (enum plugin_face)f, "good");
        g_assert_nonnull(part);
        g_assert_cmpint(part->face, ==, f);
        g_assert_cmpstr(part->name, ==, "good");
        g_assert_cmpint(part->file->state, ==, PLUGIN_LOADED);
        g_assert_null(part->file->reason);
        g_assert_cmpuint(part->crumb, >, 0);
        g_assert_cmpstr(crumb_open()->image[part->crumb].path, ==, part->file->path);
        g_assert_cmpuint(part->option_count, ==, 1);
        g_assert_cmpstr(part->options[0].name, ==, "retries");
        g_assert_cmpstr(part->options[0].default_value, ==, "2");
        g_assert_null(plugin_find(r, (enum plugin_face)f, "bad"));
        g_autoptr(GPtrArray) parts = plugin_parts(r, (enum plugin_face)f);
        g_assert_cmpuint(parts->len, ==, 1);
    }
}

static void test_defaults(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_free(den_copy(d, "good_provider", "a"));
    g_free(den_copy(d, "good_dialect", "b"));
    g_free(den_copy(d, "good_strategy", "c"));
    g_free(den_copy(d, "good_filter", "d"));
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    const weir_provider_v1 *p = &plugin_find(r, PLUGIN_PROVIDER, "good")->provider;
    const weir_filter_v1 *f = &plugin_find(r, PLUGIN_FILTER, "good")->filter;
    const struct plugin_part *dialect = plugin_find(r, PLUGIN_DIALECT, "good");
    const struct plugin_part *strategy = plugin_find(r, PLUGIN_STRATEGY, "good");

    weir_header h = { { "Content-Type", 12 }, { "text/event-stream; charset=utf-8", 32 } };
    weir_response_head head = { sizeof(head), 200, &h, 1, 0 };
    g_assert_cmpint(p->head(NULL, NULL, NULL, &head, NULL), ==, WEIR_FRAME_SSE);
    h.value = (weir_str){ "text/event-streams", 18 };
    g_assert_cmpint(p->head(NULL, NULL, NULL, &head, NULL), ==, WEIR_FRAME_WHOLE);
    g_assert_null(p->native[0]);
    g_assert_null(p->forward_headers[0]);
    g_assert_null(p->model_globs[0]);
    void *cfg = &cfg;
    g_assert_cmpint(p->configure(NULL, NULL, &cfg, NULL), ==, WEIR_OK);
    g_assert_null(cfg);
    p->release(cfg);
    g_assert_cmpint(p->sign(NULL, NULL, h.name, h.name, NULL, 0, NULL, 0, NULL), ==, WEIR_OK);

    weir_event event = { .struct_size = sizeof(event) };
    weir_events next = { &event, note_event };
    event_came = FALSE;
    g_assert_cmpint(f->event(NULL, NULL, NULL, &event, &next), ==, WEIR_OK);
    g_assert_true(event_came);
    g_assert_cmpint(f->request(NULL, NULL, NULL, NULL), ==, WEIR_OK);

    g_assert_cmpint(dialect->dialect.end(NULL, NULL, NULL, NULL), ==, WEIR_OK);
    g_assert_cmpint(dialect->dialect.translate(NULL, NULL, NULL), ==, WEIR_UNSUPPORTED);
    g_assert_cmpuint(dialect->endpoint_count, ==, 2);
    g_assert_cmpstr(dialect->endpoints[1].pattern, ==, "/zoo/models");
    strategy->strategy.observe(NULL, NULL, NULL, NULL);
    g_assert_cmpuint(strategy->child_option_count, ==, 1);
    g_assert_cmpstr(strategy->children.value_option, ==, "weight");
    g_assert_null(strategy->children.key_option);
}

static void test_newer_ones_load(struct den *d, gconstpointer unused)
{
    static const char *const names[] = { "newer_minor", "plugin_tail_zero", "option_wide",
                                         "vtable_wide", "init_flood" };
    (void)unused;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_free(den_copy(d, names[i], names[i]));
    }
    den_listen(d); /* one of them talks too much */
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_free(den_heard(d));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct plugin_file *file = den_file(r, names[i]);
        g_assert_cmpstr(file->reason, ==, NULL);
        g_assert_cmpint(file->state, ==, PLUGIN_LOADED);
    }
    const struct plugin_part *wide = plugin_find(r, PLUGIN_PROVIDER, "wide");
    g_assert_cmpuint(wide->option_count, ==, 2);
    g_assert_cmpstr(wide->options[1].name, ==, "two");
    g_assert_cmpuint(wide->options[1].type, ==, WEIR_OPTION_BOOL);
    g_assert_cmpuint(wide->options[1].struct_size, ==, sizeof(weir_option));
    const struct plugin_part *vtable = plugin_find(r, PLUGIN_PROVIDER, "vtable");
    g_assert_cmpuint(vtable->provider.struct_size, ==, sizeof(weir_provider_v1));
    g_assert_cmpint(vtable->provider.frame(NULL, NULL, NULL, NULL, NULL), ==, WEIR_RELAY);
}

/* -- What is refused --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum plugin_state state;
    const char *reason; /* all of these, divided by '|' */
} faults[] = {
    { "no_symbol", PLUGIN_REFUSED, "exports no symbol weir_plugin_v1" },
    { "symbol_v2", PLUGIN_REFUSED, "built for ABI 2|this host speaks 1|install" },
    { "note_abi", PLUGIN_REFUSED, "built for ABI 2|this host speaks 1|install" },
    { "wrong_magic", PLUGIN_REFUSED, "0x12345678|0x52494557" },
    { "too_short", PLUGIN_REFUSED, "weir_plugin|bytes|sizeof" },
    { "newer_minor_needed", PLUGIN_REFUSED, "at least 1.7|this host speaks 1.0|newer weir" },
    { "requires_unknown", PLUGIN_REFUSED, "org.example.telepathy/1|weir.log/1" },
    { "note_missing", PLUGIN_REFUSED, "no identity note|.note.weir" },
    { "note_id", PLUGIN_REFUSED, "test.somebody.else|test.zoo" },
    { "note_parts", PLUGIN_REFUSED, "\"other\"|\"zoo\"" },
    { "plugin_tail", PLUGIN_REFUSED, "weir_plugin|does not know|newer weir" },
    { "part_tail", PLUGIN_REFUSED, "its part 0|does not know|newer weir" },
    { "option_tail", PLUGIN_REFUSED, "options|row 0|does not know|newer weir" },
    { "vtable_short", PLUGIN_REFUSED, "the provider \"zoo\"|bytes" },
    { "provider_no_frame", PLUGIN_REFUSED, "the provider \"zoo\" has no frame" },
    { "dialect_no_answer", PLUGIN_REFUSED, "the dialect \"zoo\" has no answer" },
    { "strategy_no_next", PLUGIN_REFUSED, "the strategy \"zoo\" has no next" },
    { "state_too_big", PLUGIN_REFUSED, "65537|decoder_size|65536" },
    { "option_twice", PLUGIN_REFUSED, "\"retries\" stands there twice" },
    { "option_type", PLUGIN_REFUSED, "\"colour\"|type 99" },
    { "option_children", PLUGIN_REFUSED, "\"try\" takes children" },
    { "option_stride", PLUGIN_REFUSED, "1 rows of 8 bytes" },
    { "children_unknown", PLUGIN_REFUSED, "\"height\"|child_options" },
    { "part_name", PLUGIN_REFUSED, "\"a/b\"" },
    { "part_face", PLUGIN_REFUSED, "no part that this host can use" },
    { "undefined_symbol", PLUGIN_REFUSED, "cannot be loaded|weir_nobody_has_this" },
    { "init_fails", PLUGIN_REFUSED, "init failed with -7|no moon tonight" },
    { "init_segv", PLUGIN_CRASHED, "SIGSEGV" },
    { "init_abort", PLUGIN_CRASHED, "SIGABRT|it wrote: assertion of the zoo failed" },
    { "init_exit", PLUGIN_CRASHED, "exit status 3" },
    { "init_exit_clean", PLUGIN_CRASHED, "exit status 0" },
    { "wild_pointer", PLUGIN_CRASHED, "SIGSEGV" },
};

static void assert_mentions(const char *text, const char *words)
{
    g_auto(GStrv) each = g_strsplit(words, "|", -1);
    for (gsize i = 0; each[i]; i++) {
        if (!strstr(text, each[i])) {
            g_error("\"%s\" does not say \"%s\"", text, each[i]);
        }
    }
}

static void test_faults(struct den *d, gconstpointer unused)
{
    (void)unused;
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_free(den_copy(d, faults[i].name, faults[i].name));
    }
    g_free(den_copy(d, "good_filter", "zz-good"));
    den_listen(d);
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_autofree char *log = den_heard(d);
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        const struct plugin_file *file = den_file(r, faults[i].name);
        g_test_message("%s: %s", faults[i].name, file->reason);
        g_assert_cmpint(file->state, ==, faults[i].state);
        assert_mentions(file->reason, faults[i].reason);
        g_assert_null(strstr(file->reason, file->sha256)); /* never the private copy's name */
        g_assert_cmpuint(file->parts->len, ==, 0);
        g_assert_nonnull(strstr(log, file->path));
        g_assert_nonnull(strstr(log, file->reason));
    }
    g_assert_cmpint(den_file(r, "zz-good")->state, ==, PLUGIN_LOADED); /* the others go on */
    g_assert_null(plugin_find(r, PLUGIN_PROVIDER, "zoo"));
    g_assert_null(plugin_find(r, PLUGIN_STRATEGY, "zoo"));
}

static void test_hang(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_free(den_copy(d, "init_hang", "a"));
    const char *const directories[] = { d->plugins, NULL };
    struct plugin_search search = { .directories = directories, .trial_timeout_us = 200000 };
    g_autoptr(plugin_registry) r = plugin_scan(&search, NULL);
    const struct plugin_file *file = den_file(r, "a");
    g_assert_cmpint(file->state, ==, PLUGIN_HUNG);
    assert_mentions(file->reason, "within 0.2 s");
}

/* A reason is logged once per path and content, however often is scanned. */
static void test_logged_once(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_free(den_copy(d, "wrong_magic", "a"));
    den_listen(d);
    g_autoptr(plugin_registry) first = den_scan(d, NULL);
    g_autofree char *once = den_heard(d);
    g_assert_nonnull(strstr(once, " warning plugin: "));
    den_listen(d);
    g_autoptr(plugin_registry) second = den_scan(d, first);
    g_autofree char *again = den_heard(d);
    g_assert_cmpstr(again, ==, "");
    g_assert_cmpstr(den_file(second, "a")->reason, ==, den_file(first, "a")->reason);
    g_free(den_copy(d, "too_short", "a"));
    den_listen(d);
    g_autoptr(plugin_registry) third = den_scan(d, second);
    g_autofree char *other = den_heard(d);
    g_assert_nonnull(strstr(other, " warning plugin: "));
}

static void test_no_trial_program(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_free(den_copy(d, "constructor", "a"));
    g_autofree char *canary = g_build_filename(d->root, "canary", NULL);
    g_setenv("WEIR_TEST_CANARY", canary, TRUE);
    g_setenv("WEIR_LIBEXEC", "/nonexistent/libexec", TRUE);
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_unsetenv("WEIR_TEST_CANARY");
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_REFUSED);
    assert_mentions(den_file(r, "a")->reason, "/nonexistent/libexec/weir-supervisor|WEIR_LIBEXEC");
    g_assert_false(g_file_test(canary, G_FILE_TEST_EXISTS)); /* never loaded untried */
}

/* -- Looking is not running -------------------------------------------------------------------- */

static void test_inspect_runs_nothing(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = den_copy(d, "constructor", "a");
    g_autofree char *canary = g_build_filename(d->root, "canary", NULL);
    g_setenv("WEIR_TEST_CANARY", canary, TRUE);
    struct plugin_file *file = plugin_inspect(path);
    g_assert_cmpstr(file->id, ==, "test.constructor");
    g_assert_cmpstr(file->version, ==, "1.0");
    g_assert_cmpuint(file->abi_major, ==, WEIR_ABI_MAJOR);
    g_assert_nonnull(strstr(file->note, "part\tprovider\tconstructor\n"));
    g_assert_nonnull(strstr(file->note, "option\tretries\tINT\t"));
    g_assert_cmpuint(strlen(file->sha256), ==, 64);
    plugin_file_free(file);
    g_assert_false(g_file_test(canary, G_FILE_TEST_EXISTS));

    /* The canary can sing: loading does run it. */
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_unsetenv("WEIR_TEST_CANARY");
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_LOADED);
    g_assert_true(g_file_test(canary, G_FILE_TEST_EXISTS));
}

/* -- Trust ------------------------------------------------------------------------------------- */

static void assert_untrusted(const struct den *d, const char *words)
{
    g_autofree char *canary = g_build_filename(d->root, "canary", NULL);
    g_setenv("WEIR_TEST_CANARY", canary, TRUE);
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_unsetenv("WEIR_TEST_CANARY");
    const struct plugin_file *file = den_file(r, "a");
    g_assert_cmpint(file->state, ==, PLUGIN_UNTRUSTED);
    assert_mentions(file->reason, words);
    g_assert_cmpstr(file->id, ==, "test.constructor"); /* still shown for what it is */
    g_assert_false(g_file_test(canary, G_FILE_TEST_EXISTS));
}

static void test_world_writable(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = den_copy(d, "constructor", "a");
    g_chmod(path, 0646);
    assert_untrusted(d, "the file|writable by everybody|0646|chmod o-w");
    g_chmod(path, 0644);
    g_chmod(d->plugins, 0757);
    assert_untrusted(d, "the directory|writable by everybody|0757|chmod o-w");
    g_chmod(d->plugins, 01757); /* the sticky bit keeps nobody from adding a plugin */
    assert_untrusted(d, "the directory|writable by everybody");
    g_chmod(d->plugins, 0755);
    g_chmod(d->root, 0757);
    assert_untrusted(d, "the directory|above it|writable by everybody");
    g_chmod(d->root, 01757);
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_LOADED);
}

/* A link is no way around: neither out of nor into a directory that anybody may write. */
static void test_links(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *elsewhere = g_build_filename(d->root, "elsewhere", NULL);
    g_autofree char *link = g_build_filename(d->plugins, "a.so", NULL);
    g_assert_cmpint(g_mkdir(elsewhere, 0755), ==, 0);
    g_autofree char *target = den_copy_to(elsewhere, "constructor", "real");
    g_assert_cmpint(symlink(target, link), ==, 0);
    g_chmod(elsewhere, 0757);
    assert_untrusted(d, "the directory|elsewhere");
    g_chmod(elsewhere, 0755);
    g_chmod(d->plugins, 0757);
    assert_untrusted(d, "the directory|plugins");
    g_chmod(d->plugins, 0755);
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_LOADED);
}

static void test_owner(struct den *d, gconstpointer unused)
{
    (void)unused;
    if (geteuid() != 0) {
        g_test_skip("only root can give files away");
        return;
    }
    g_autofree char *path = den_copy(d, "constructor", "a");
    g_assert_cmpint(chown(path, 65534, 65534), ==, 0);
    assert_untrusted(d, "the file|belongs to user 65534|chown");
    g_assert_cmpint(chown(path, 0, 0), ==, 0);
    g_assert_cmpint(chown(d->plugins, 65534, 65534), ==, 0);
    assert_untrusted(d, "the directory|belongs to user 65534|chown");
}

static void test_pin(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = den_copy(d, "good_filter", "a");
    struct plugin_file *seen = plugin_inspect(path);
    g_autofree char *sha256 = g_ascii_strup(seen->sha256, -1);
    plugin_file_free(seen);
    const char *const directories[] = { d->plugins, NULL };
    g_autoptr(GHashTable) pins = g_hash_table_new(g_str_hash, g_str_equal);
    struct plugin_search search = { .directories = directories, .pins = pins };

    g_hash_table_insert(pins, (gpointer) "a.so", sha256);
    g_autoptr(plugin_registry) right = plugin_scan(&search, NULL);
    g_assert_cmpint(den_file(right, "a")->state, ==, PLUGIN_LOADED);

    g_free(den_copy(d, "good_dialect", "a"));
    g_autoptr(plugin_registry) wrong = plugin_scan(&search, right);
    g_assert_cmpint(den_file(wrong, "a")->state, ==, PLUGIN_UNTRUSTED);
    assert_mentions(den_file(wrong, "a")->reason, sha256);
    assert_mentions(den_file(wrong, "a")->reason, den_file(wrong, "a")->sha256);
}

static void test_quarantine(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = den_copy(d, "good_filter", "a");
    struct plugin_file *seen = plugin_inspect(path);
    const char *const directories[] = { d->plugins, NULL };
    const char *const quarantined[] = { seen->sha256, NULL };
    struct plugin_search search = { .directories = directories, .quarantined = quarantined };
    g_autoptr(plugin_registry) r = plugin_scan(&search, NULL);
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_QUARANTINED);
    /* What stands in for it keeps configurations loadable and serves nothing. */
    g_assert_true(plugin_find(r, PLUGIN_FILTER, "good")->stand_in);
    plugin_file_free(seen);
}

/* -- The search path --------------------------------------------------------------------------- */

static void test_duplicates(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *first = den_copy(d, "good_provider", "a");
    g_free(den_copy(d, "duplicate_id", "b"));
    g_free(den_copy(d, "duplicate_part", "c"));
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_LOADED);
    g_assert_cmpint(den_file(r, "b")->state, ==, PLUGIN_SHADOWED);
    assert_mentions(den_file(r, "b")->reason, "test.provider");
    assert_mentions(den_file(r, "b")->reason, first);
    g_assert_cmpint(den_file(r, "c")->state, ==, PLUGIN_REFUSED);
    assert_mentions(den_file(r, "c")->reason, "the provider \"good\"|test.provider");
    assert_mentions(den_file(r, "c")->reason, first);
    g_assert_true(plugin_find(r, PLUGIN_PROVIDER, "good")->file == den_file(r, "a"));
    g_assert_null(plugin_find(r, PLUGIN_PROVIDER, "unheard-of"));
}

static void test_directories(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *missing = g_build_filename(d->root, "missing", NULL);
    g_autofree char *again = g_strconcat(d->plugins, "/.", NULL);
    g_free(den_copy(d, "good_filter", "a"));
    const char *const directories[] = { "plugins", missing, d->plugins, again, NULL };
    struct plugin_search search = { .directories = directories };
    g_autoptr(plugin_registry) r = plugin_scan(&search, NULL);
    g_assert_cmpuint(r->files->len, ==, 3);
    const struct plugin_file *relative = r->files->pdata[0];
    g_assert_cmpstr(relative->path, ==, "plugins");
    g_assert_cmpint(relative->state, ==, PLUGIN_UNTRUSTED);
    assert_mentions(relative->reason, "absolute");
    const struct plugin_file *absent = r->files->pdata[1];
    g_assert_cmpstr(absent->path, ==, missing);
    g_assert_cmpint(absent->state, ==, PLUGIN_REFUSED);
    g_assert_cmpint(den_file(r, "a")->state, ==, PLUGIN_LOADED);
}

static void test_search_path(void)
{
    const char *const configured[] = { "/one", "/two", NULL };
    g_unsetenv("WEIR_PLUGIN_PATH");
    g_auto(GStrv) none = plugin_search_path(NULL);
    g_assert_cmpuint(g_strv_length(none), ==, 1);
    g_auto(GStrv) from_file = plugin_search_path(configured);
    g_assert_cmpuint(g_strv_length(from_file), ==, 3);
    g_assert_cmpstr(from_file[1], ==, "/two");
    g_assert_cmpstr(from_file[2], ==, none[0]);
    g_setenv("WEIR_PLUGIN_PATH", "/env::/more", TRUE);
    g_auto(GStrv) from_env = plugin_search_path(configured);
    g_assert_cmpuint(g_strv_length(from_env), ==, 3);
    g_assert_cmpstr(from_env[0], ==, "/env");
    g_assert_cmpstr(from_env[1], ==, "/more");
    g_assert_cmpstr(from_env[2], ==, none[0]);
    g_unsetenv("WEIR_PLUGIN_PATH");
}

/* -- Images ------------------------------------------------------------------------------------ */

static void test_replacement(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_free(den_copy(d, "good_provider", "a"));
    g_autoptr(plugin_registry) one = den_scan(d, NULL);
    const struct plugin_part *old = plugin_find(one, PLUGIN_PROVIDER, "good");
    g_assert_cmpstr(old->file->version, ==, "1.0");

    g_free(den_copy(d, "good_provider_2", "a"));
    g_autoptr(plugin_registry) two = den_scan(d, one);
    const struct plugin_part *new = plugin_find(two, PLUGIN_PROVIDER, "good");
    g_assert_cmpstr(new->file->version, ==, "2.0");
    g_assert_cmpuint(new->crumb, !=, old->crumb);
    g_assert_true(new->provider.encode != old->provider.encode);
    g_assert_cmpuint(two->retired->len, ==, 1);
    const struct plugin_file *retired = two->retired->pdata[0];
    g_assert_cmpstr(retired->sha256, ==, old->file->sha256);
    g_assert_cmpstr(retired->version, ==, "1.0");
    g_assert_cmpuint(retired->size, ==, old->file->size);
    g_assert_cmpint(old->provider.encode(NULL, NULL, NULL), ==, WEIR_OK); /* still mapped */

    /* Back to the first bytes: the image that is there, and now the other one is retired. */
    g_free(den_copy(d, "good_provider", "a"));
    g_autoptr(plugin_registry) three = den_scan(d, two);
    const struct plugin_part *back = plugin_find(three, PLUGIN_PROVIDER, "good");
    g_assert_cmpuint(back->crumb, ==, old->crumb);
    g_assert_true(back->provider.encode == old->provider.encode);
    g_assert_cmpuint(three->retired->len, ==, 1);
    g_assert_cmpstr(((const struct plugin_file *)three->retired->pdata[0])->version, ==, "2.0");

    /* Gone: retired as well. */
    g_remove(back->file->path);
    g_autoptr(plugin_registry) four = den_scan(d, three);
    g_assert_cmpuint(four->files->len, ==, 0);
    g_assert_cmpuint(four->retired->len, ==, 2);
}

static void test_shared_image(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_autofree char *other = g_build_filename(d->root, "other", NULL);
    g_assert_cmpint(g_mkdir(other, 0755), ==, 0);
    g_free(den_copy(d, "good_init", "a"));
    g_free(den_copy_to(other, "good_init", "b"));
    const char *const directories[] = { other, NULL };
    struct plugin_search search = { .directories = directories };
    g_autoptr(plugin_registry) one = den_scan(d, NULL);
    uint32_t images = crumb_open()->images;
    g_autoptr(plugin_registry) two = plugin_scan(&search, NULL);
    g_autoptr(plugin_registry) three = den_scan(d, one);
    g_assert_cmpuint(crumb_open()->images, ==, images);
    const struct plugin_part *a = plugin_find(one, PLUGIN_PROVIDER, "init");
    const struct plugin_part *b = plugin_find(two, PLUGIN_PROVIDER, "init");
    g_assert_true(a->provider.encode == b->provider.encode);
    g_assert_cmpuint(a->crumb, ==, b->crumb);
    g_assert_cmpuint(den_counter("test.init", "inits"), ==, 1); /* once per image */
    g_assert_cmpuint(three->retired->len, ==, 0);
}

static guint entries(const char *path, const char *prefix)
{
    guint n = 0;
    const char *name;
    GDir *dir = g_dir_open(path, 0, NULL);
    while ((name = g_dir_read_name(dir))) {
        n += g_str_has_prefix(name, prefix);
    }
    g_dir_close(dir);
    return n;
}

/* Nothing is left behind, whether a file loads or not, unless it is asked for. */
static void test_private_copies(struct den *d, gconstpointer unused)
{
    (void)unused;
    g_setenv("WEIR_KEEP_IMAGES", "1", TRUE);
    g_free(den_copy(d, "duplicate_part", "k"));
    g_autoptr(plugin_registry) kept = den_scan(d, NULL);
    g_unsetenv("WEIR_KEEP_IMAGES");
    g_assert_cmpint(den_file(kept, "k")->state, ==, PLUGIN_LOADED);
    g_assert_cmpuint(entries(g_get_tmp_dir(), "weir-image-"), ==, 1);
    g_free(den_copy(d, "init_segv", "a"));
    g_free(den_copy(d, "good_strategy", "b"));
    g_autoptr(plugin_registry) r = den_scan(d, NULL);
    g_assert_cmpint(den_file(r, "b")->state, ==, PLUGIN_LOADED);
    g_assert_cmpuint(entries(g_get_tmp_dir(), "weir-image-"), ==, 1);
}

#define ADD(name, function) \
    g_test_add("/plugin/registry/" name, struct den, NULL, den_setup, function, den_teardown)

int main(int argc, char **argv)
{
    /* Before anything asks GLib where temporary files go: it remembers the first answer. */
    char images[] = "/tmp/weir-images-XXXXXX";
    g_assert_nonnull(g_mkdtemp(images));
    g_setenv("TMPDIR", images, TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD("faces", test_faces);
    ADD("defaults", test_defaults);
    ADD("newer-ones-load", test_newer_ones_load);
    ADD("faults", test_faults);
    ADD("hang", test_hang);
    ADD("logged-once", test_logged_once);
    ADD("no-trial-program", test_no_trial_program);
    ADD("inspect-runs-nothing", test_inspect_runs_nothing);
    ADD("world-writable", test_world_writable);
    ADD("links", test_links);
    ADD("owner", test_owner);
    ADD("pin", test_pin);
    ADD("quarantine", test_quarantine);
    ADD("duplicates", test_duplicates);
    ADD("directories", test_directories);
    g_test_add_func("/plugin/registry/search-path", test_search_path);
    ADD("replacement", test_replacement);
    ADD("shared-image", test_shared_image);
    ADD("private-copies", test_private_copies);
    int result = g_test_run();
    den_remove(images);
    return result;
}
