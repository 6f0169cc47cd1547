/*
 * note.c - the identity note out of files that are whole, cut, damaged and hostile.
 */
#include <elf.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "den.h"
#include "plugin/note.h"

static gboolean reads(const void *bytes, gsize size, char **reason)
{
    /* A block of exactly this size, so that tools see a read beyond it. */
    g_autofree guint8 *copy = g_memdup2(bytes, size);
    g_auto(plugin_note) note = { 0 };
    g_autoptr(GError) error = NULL;
    gboolean ok = plugin_note_read(&note, copy, size, &error);
    g_assert_true(ok == (error == NULL));
    if (ok) {
        g_assert_nonnull(note.id);
        g_assert_true(g_utf8_validate(note.text, -1, NULL));
    }
    if (reason) {
        *reason = error ? g_strdup(error->message) : NULL;
    }
    return ok;
}

static char *good(gsize *size)
{
    g_autofree char *path =
        g_build_filename(g_getenv("WEIR_TEST_PLUGINS"), "good_provider.so", NULL);
    char *bytes = NULL;
    g_assert_true(g_file_get_contents(path, &bytes, size, NULL));
    return bytes;
}

static void test_whole(void)
{
    gsize size;
    g_autofree char *bytes = good(&size);
    g_auto(plugin_note) note = { 0 };
    g_autoptr(GError) error = NULL;
    g_assert_true(plugin_note_read(&note, (guint8 *)bytes, size, &error));
    g_assert_cmpstr(note.id, ==, "test.provider");
    g_assert_cmpstr(note.version, ==, "1.0");
    g_assert_cmpuint(note.abi_major, ==, 1);
    g_assert_cmpuint(note.parts->len, ==, 1);
    g_assert_cmpstr(g_array_index(note.parts, struct plugin_note_part, 0).kind, ==, "provider");
    g_assert_cmpstr(g_array_index(note.parts, struct plugin_note_part, 0).name, ==, "good");
    g_assert_true(plugin_note_accept(&note, &error));
}

/* Every beginning of a good file: an error or the note, never a crash. */
static void test_cut(void)
{
    gsize size;
    guint whole = 0;
    g_autofree char *bytes = good(&size);
    for (gsize n = 0; n < size; n += n < 4096 ? 1 : 61) {
        whole += reads(bytes, n, NULL);
    }
    g_assert_cmpuint(whole, >, 0); /* the note lies at the front: later cuts do not touch it */
    g_assert_false(reads(bytes, 63, NULL));
    g_assert_false(reads(bytes, 64, NULL));
}

/* Where the headers and notes are, every byte in turn and then many at random. */
static void test_damaged(void)
{
    gsize size;
    g_autofree char *bytes = good(&size);
    gsize front = MIN(size, 1536);
    for (gsize at = 0; at < front; at++) {
        char before = bytes[at];
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] = (char)(before ^ (1 << bit));
            reads(bytes, size, NULL);
        }
        bytes[at] = (char)0xff;
        reads(bytes, size, NULL);
        bytes[at] = before;
    }
    for (int i = 0; i < 5000; i++) {
        g_autofree char *copy = g_memdup2(bytes, size);
        for (int k = g_test_rand_int_range(1, 12); k > 0; k--) {
            copy[g_test_rand_int_range(0, (gint32)front)] = (char)g_test_rand_int();
        }
        reads(copy, size, NULL);
    }
}

/* The same through files, as `weir plugins show` would. */
static void test_inspect_cut(struct den *d, gconstpointer unused)
{
    gsize size;
    (void)unused;
    g_autofree char *bytes = good(&size);
    g_autofree char *path = g_build_filename(d->plugins, "cut.so", NULL);
    for (gsize n = 0; n < size; n += 997) {
        g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
        struct plugin_file *file = plugin_inspect(path);
        g_assert_true((file->state == PLUGIN_LOADED) == (file->reason == NULL));
        g_assert_cmpuint(file->size, ==, n);
        plugin_file_free(file);
    }
    g_autofree char *missing = g_build_filename(d->plugins, "missing.so", NULL);
    struct plugin_file *file = plugin_inspect(missing);
    g_assert_nonnull(strstr(file->reason, "cannot be opened"));
    plugin_file_free(file);
    file = plugin_inspect(d->plugins);
    g_assert_nonnull(strstr(file->reason, "not a regular file"));
    plugin_file_free(file);
}

static void assert_refused(const char *bytes, gsize size, const char *words)
{
    g_autofree char *reason = NULL;
    g_assert_false(reads(bytes, size, &reason));
    if (!strstr(reason, words)) {
        g_error("\"%s\" does not say \"%s\"", reason, words);
    }
}

static void test_other_files(void)
{
    gsize size;
    g_autofree char *bytes = good(&size);
    Elf64_Ehdr *h = (Elf64_Ehdr *)bytes;
    assert_refused("#!/bin/sh\nexit 1\n", 17, "not an ELF file");
    assert_refused("", 0, "not an ELF file");

    h->e_ident[EI_CLASS] = ELFCLASS32;
    assert_refused(bytes, size, "32-bit");
    h->e_ident[EI_CLASS] = ELFCLASS64;
    h->e_machine = EM_68K;
    assert_refused(bytes, size, "built for ELF machine 4");
    g_autofree char *again = good(&size);
    h = (Elf64_Ehdr *)again;
    h->e_type = ET_EXEC;
    assert_refused(again, size, "not a shared object");
    h->e_type = ET_DYN;
    h->e_phoff = G_MAXUINT64 - 8;
    assert_refused(again, size, "program headers");
    h->e_phoff = size - 8;
    assert_refused(again, size, "program headers");
}

/* A note whose sizes point past the end must not lead anywhere. */
static void test_hostile_sizes(void)
{
    static const guint32 sizes[] = { 0x7fffffff, 0xffffffff, 0xfffffffc, 0x80000000, 0x10000 };
    gsize size;
    g_autofree char *bytes = good(&size);
    char *note = NULL;
    for (gsize i = 12; i + 4 < size && !note; i++) {
        note = memcmp(bytes + i, "Weir", 5) == 0 ? bytes + i - 12 : NULL;
    }
    g_assert_nonnull(note);
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (gsize field = 0; field < 8; field += 4) {
            char before[4];
            memcpy(before, note + field, 4);
            memcpy(note + field, &sizes[i], 4);
            assert_refused(bytes, size, "no identity note");
            memcpy(note + field, before, 4);
        }
    }
    g_assert_true(reads(bytes, size, NULL));
}

static void test_text(void)
{
    static const struct {
        const char *text;
        const char *reason; /* NULL: accepted */
    } cases[] = {
        { "weir\t1\t0\t0\nid\ta\nversion\t1\n", NULL },
        { "weir\t1\t0\t0\nid\ta\nversion\t1\npart\tprovider\tx\npart\tdialect\tx", NULL },
        { "weir\t1\t3\t0\tmore\nid\ta\tb\nnovelty\tz\nversion\t1\n", NULL },
        { "", "empty" },
        { "id\ta\nweir\t1\t0\t0\nversion\t1\n", "does not begin" },
        { "weir\t1\t0\nid\ta\nversion\t1\n", "does not begin" },
        { "weir\t1\t0\t65536\nid\ta\nversion\t1\n", "does not begin" },
        { "weir\t1\t0\t0\nweir\t2\t0\t0\nid\ta\nversion\t1\n", "does not begin" },
        { "weir\t1\t0\t0\nversion\t1\n", "no \"id\" line" },
        { "weir\t1\t0\t0\nid\ta\n", "no \"version\" line" },
        { "weir\t1\t0\t0\nid\ta\nid\tb\nversion\t1\n", "repeats" },
        { "weir\t1\t0\t0\nid\t\nversion\t1\n", "empty" },
        { "weir\t1\t0\t0\nid\ta\nversion\t1\npart\tprovider\n", "\"part\" line" },
        { "weir\t1\t0\t0\nid\ta\nversion\t1\npart\tfilter\tx\npart\tfilter\tx\n", "twice" },
        { "weir\t1\t0\t0\nid\t\x1b[31m\nversion\t1\n", "control character" },
        { "weir\t1\t0\t0\nid\t\xff\xfe\nversion\t1\n", "not UTF-8" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(plugin_note) note = { 0 };
        g_autoptr(GError) error = NULL;
        gboolean ok = plugin_note_parse(&note, cases[i].text, strlen(cases[i].text), &error);
        g_assert_true(ok == (cases[i].reason == NULL));
        if (!ok && !strstr(error->message, cases[i].reason)) {
            g_error("case %u: \"%s\"", (guint)i, error->message);
        }
    }
}

static void test_long_text(void)
{
    g_autoptr(GString) text = g_string_new("weir\t1\t0\t0\nid\ta\nversion\t1\n");
    for (int i = 0; i < 64; i++) {
        g_string_append_printf(text, "part\tprovider\tp%d\n", i);
    }
    g_auto(plugin_note) note = { 0 };
    g_assert_true(plugin_note_parse(&note, text->str, text->len, NULL));
    g_assert_cmpuint(note.parts->len, ==, 64);
    g_string_append(text, "part\tprovider\tone-too-many\n");
    g_auto(plugin_note) more = { 0 };
    g_assert_false(plugin_note_parse(&more, text->str, text->len, NULL));
    while (text->len <= 256 * 1024) {
        g_string_append(text, "option\tx\tINT\t\"1\"\tNULL\t0\thelp\n");
    }
    g_auto(plugin_note) huge = { 0 };
    g_autoptr(GError) error = NULL;
    g_assert_false(plugin_note_parse(&huge, text->str, text->len, &error));
    g_assert_nonnull(strstr(error->message, "shorten"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plugin/note/whole", test_whole);
    g_test_add_func("/plugin/note/cut", test_cut);
    g_test_add_func("/plugin/note/damaged", test_damaged);
    g_test_add("/plugin/note/inspect-cut", struct den, NULL, den_setup, test_inspect_cut,
               den_teardown);
    g_test_add_func("/plugin/note/other-files", test_other_files);
    g_test_add_func("/plugin/note/hostile-sizes", test_hostile_sizes);
    g_test_add_func("/plugin/note/text", test_text);
    g_test_add_func("/plugin/note/long-text", test_long_text);
    return g_test_run();
}
