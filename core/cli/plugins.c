/*
 * plugins.c - `weir plugins list|show`: what was found, loaded or not, and why not.
 */
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *file_json(const struct plugin_file *f)
{
    json_t *parts = json_array();

    for (guint i = 0; f->parts && i < f->parts->len; i++) {
        const struct plugin_part *p = g_ptr_array_index(f->parts, i);

        json_array_append_new(
            parts, json_pack("{s:s, s:s}", "face", plugin_face_name(p->face), "name", p->name));
    }
    return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:I, s:o}", "path", f->path, "state",
                     plugin_state_name(f->state), "reason", f->reason, "id", f->id, "version",
                     f->version, "sha256", f->sha256, "size", (json_int_t)f->size, "parts", parts);
}

static void print_file(const struct plugin_file *f)
{
    g_autofree char *base = g_path_get_basename(f->path);

    printf("%-22s %-11s", base, plugin_state_name(f->state));
    for (guint i = 0; f->parts && i < f->parts->len; i++) {
        const struct plugin_part *p = g_ptr_array_index(f->parts, i);

        printf("%s%s %s", i ? ", " : " ", plugin_face_name(p->face), p->name);
    }
    if (f->reason)
        printf(" %s", f->reason);
    putchar('\n');
}

static int list(const struct cli_common *common, bool as_json)
{
    struct config *config = cli_config(common, NULL);
    const GPtrArray *files;

    if (!config)
        return EX_CONFIG;
    files = config->plugins->files;
    if (as_json) {
        json_t *all = json_array();

        for (guint i = 0; i < files->len; i++)
            json_array_append_new(all, file_json(g_ptr_array_index(files, i)));
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else {
        for (guint i = 0; i < files->len; i++)
            print_file(g_ptr_array_index(files, i));
        printf("looked in:");
        for (guint i = 0; i < config->plugin_dirs->len; i++)
            printf(" %s", (char *)g_ptr_array_index(config->plugin_dirs, i));
        putchar('\n');
    }
    config_unref(config);
    return 0;
}

/* One line of an identity note: fields are divided by tabs. */
static void print_note_line(const char *line)
{
    g_auto(GStrv) f = g_strsplit(line, "\t", -1);
    guint n = g_strv_length(f);

    if (n >= 3 && strcmp(f[0], "part") == 0)
        printf("\n%s %s\n", f[1], f[2]);
    else if (n >= 7 && (strcmp(f[0], "option") == 0 || strcmp(f[0], "child") == 0))
        printf("  %s%-16s %-9s %s%s%s  %s\n", f[0][0] == 'c' ? "(child) " : "", f[1], f[2],
               strcmp(f[3], "NULL") ? "default " : "", strcmp(f[3], "NULL") ? f[3] : "",
               strstr(f[5], "REQUIRED") ? "required" : "", f[6]);
    else if (n >= 2 && strcmp(f[0], "weir") != 0)
        printf("%-9s %s\n", f[0], f[1]);
}

/* A field of the note as the macros spelt it: a C string, a number, or NULL. */
static json_t *note_value(const char *field)
{
    size_t len = strlen(field);
    g_autofree char *inside = NULL, *text = NULL;

    if (strcmp(field, "NULL") == 0)
        return json_null();
    if (len < 2 || field[0] != '"' || field[len - 1] != '"')
        return json_string(field);
    inside = g_strndup(field + 1, len - 2);
    text = g_strcompress(inside);
    return json_string(text);
}

static void add_option(json_t *part, char **f)
{
    const char *list = f[0][0] == 'c' ? "child_options" : "options";
    g_autofree char *type = g_ascii_strdown(f[2], -1);

    json_array_append_new(json_object_get(part, list),
                          json_pack("{s:s, s:s, s:o, s:o, s:b, s:s}", "name", f[1], "type", type,
                                    "default", note_value(f[3]), "choices", note_value(f[4]),
                                    "required", strstr(f[5], "REQUIRED") != NULL, "help", f[6]));
}

/* What one file offers, as its note tells it: nothing was loaded, so there is no state to tell. */
static json_t *note_json(const struct plugin_file *f)
{
    g_auto(GStrv) lines = g_strsplit(f->note ? f->note : "", "\n", -1);
    g_autofree char *abi = g_strdup_printf("%u.%u", f->abi_major, f->abi_minor);
    json_t *parts = json_array(), *part = NULL;

    for (char **l = lines; *l; l++) {
        g_auto(GStrv) field = g_strsplit(*l, "\t", -1);
        guint n = g_strv_length(field);

        if (n >= 3 && strcmp(field[0], "part") == 0) {
            part = json_pack("{s:s, s:s, s:[], s:[]}", "face", field[1], "name", field[2],
                             "options", "child_options");
            json_array_append_new(parts, part);
        } else if (n >= 7 && part &&
                   (g_str_equal(field[0], "option") || g_str_equal(field[0], "child"))) {
            add_option(part, field);
        }
    }
    return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:I, s:o}", "path", f->path, "reason",
                     f->reason, "abi", f->note ? abi : NULL, "id", f->id, "version", f->version,
                     "sha256", f->sha256, "size", (json_int_t)f->size, "parts", parts);
}

/* Finds NAME: a path, or the name of a file in the search path, with or without ".so". */
static char *find_file(const char *name)
{
    g_auto(GStrv) directories = plugin_search_path(NULL);

    if (strchr(name, '/') || g_file_test(name, G_FILE_TEST_EXISTS))
        return g_canonicalize_filename(name, NULL);
    for (char **d = directories; *d; d++) {
        g_autofree char *file = g_strconcat(name, g_str_has_suffix(name, ".so") ? "" : ".so", NULL);
        g_autofree char *path = g_build_filename(*d, file, NULL);

        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    return NULL;
}

static void unknown_file(const char *name)
{
    g_auto(GStrv) directories = plugin_search_path(NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *near;

    for (char **d = directories; *d; d++) {
        g_autoptr(GDir) dir = g_dir_open(*d, 0, NULL);
        const char *file;

        while (dir && (file = g_dir_read_name(dir))) {
            if (g_str_has_suffix(file, ".so"))
                g_ptr_array_add(names, g_strndup(file, strlen(file) - 3));
        }
    }
    g_ptr_array_add(names, NULL);
    near = config_nearest(name, (const char *const *)names->pdata);
    cli_error("there is no plugin file '%s' in the search path%s%s%s; see `weir plugins list`",
              name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int show(const char *name, bool as_json)
{
    g_autofree char *path = find_file(name);
    struct plugin_file *f = path ? plugin_inspect(path) : NULL;
    g_auto(GStrv) lines = NULL;
    int code = 0;

    if (!f) {
        unknown_file(name);
        return 1;
    }
    if (as_json) {
        json_t *j = note_json(f);

        json_dumpf(j, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(j);
    } else {
        printf("file      %s\nsha256    %s\n", f->path, f->sha256 ? f->sha256 : "-");
        if (f->note)
            printf("abi       %u.%u\n", f->abi_major, f->abi_minor);
        lines = g_strsplit(f->note ? f->note : "", "\n", -1);
        for (char **l = lines; *l; l++)
            print_note_line(*l);
    }
    if (!f->note) {
        cli_error("%s: %s", f->path, f->reason ? f->reason : "it has no identity note");
        code = 1;
    }
    plugin_file_free(f);
    return code;
}

int cli_plugins(int argc, char **argv)
{
    struct cli_common common = { 0 };
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    int code;

    if (!cli_parse(
            &argc, &argv, "list | show NAME - plugin files and what became of them",
            "`list` loads what can be loaded and says why the rest was not. `show` reads one "
            "file's identity and options; nothing of it is run.",
            entries, &common, &code))
        return code;
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "list") == 0))
        return list(&common, as_json);
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        return show(argv[2], as_json);
    cli_error("usage: weir plugins list | show NAME");
    return EX_USAGE;
}
