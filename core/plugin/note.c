/*
 * note.c - see note.h. The text is lines of tab-separated fields; plugin.h has the list.
 *
 * Unknown keywords are passed over, so that a later minor version may add lines.
 */
#include "plugin/note.h"

#include <string.h>
#include <weir/plugin.h>

#include "plugin/check.h"
#include "plugin/elf.h"
#include "plugin/error.h"

enum {
    TEXT_MAX = 256 * 1024,
    PARTS_MAX = 64,
    FIELD_MAX = 200,
};

static void part_clear(gpointer p)
{
    struct plugin_note_part *part = p;
    g_free(part->kind);
    g_free(part->name);
}

static gboolean text_check(const char *text, gsize size, GError **error)
{
    if (size > TEXT_MAX) {
        return plugin_refuse(error,
                             "its identity note has %" G_GSIZE_FORMAT " bytes, the limit is "
                             "%d: shorten the help texts of its options",
                             size, TEXT_MAX);
    }
    if (!g_utf8_validate_len(text, size, NULL)) {
        return plugin_refuse(error, "its identity note is not UTF-8 text: build it with the macros "
                                    "of weir/plugin.h");
    }
    for (gsize i = 0; i < size; i++) {
        if (((guchar)text[i] < 0x20 && text[i] != '\t' && text[i] != '\n') || text[i] == 0x7f) {
            return plugin_refuse(error,
                                 "its identity note has a control character (0x%02x at "
                                 "offset %" G_GSIZE_FORMAT "): remove it from the texts of "
                                 "its options",
                                 (guchar)text[i], i);
        }
    }
    return TRUE;
}

static gboolean number_read(const char *text, guint16 *number)
{
    guint64 n;
    if (!text || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT16, &n, NULL)) {
        return FALSE;
    }
    *number = (guint16)n;
    return TRUE;
}

/* A field that must be there, short enough to be shown. */
static gboolean field_ok(const char *field)
{
    return field && *field && strlen(field) <= FIELD_MAX;
}

static gboolean once(char **to, const char *keyword, const char *value, GError **error)
{
    if (*to || !field_ok(value)) {
        return plugin_refuse(error,
                             "its identity note %s: it must have one \"%s\" line of 1 to %d "
                             "characters",
                             *to ? "repeats a line" : "has an empty or overlong line", keyword,
                             FIELD_MAX);
    }
    *to = g_strdup(value);
    return TRUE;
}

static gboolean part_line(struct plugin_note *note, char **field, GError **error)
{
    if (!field_ok(field[1]) || !field_ok(field[2]) || note->parts->len == PARTS_MAX) {
        return plugin_refuse(error,
                             "its identity note has a \"part\" line without kind or name, or "
                             "more than %d of them: build it with WEIR_TEXT_PART",
                             PARTS_MAX);
    }
    for (guint i = 0; i < note->parts->len; i++) {
        const struct plugin_note_part *p = &g_array_index(note->parts, struct plugin_note_part, i);
        if (g_str_equal(p->kind, field[1]) && g_str_equal(p->name, field[2])) {
            return plugin_refuse(error, "it names the %s \"%s\" twice: give each part its own name",
                                 field[1], field[2]);
        }
    }
    struct plugin_note_part part = { g_strdup(field[1]), g_strdup(field[2]) };
    g_array_append_val(note->parts, part);
    return TRUE;
}

static gboolean line_read(struct plugin_note *note, const char *line, gsize len, gboolean first,
                          GError **error)
{
    g_autofree char *copy = g_strndup(line, len);
    g_auto(GStrv) field = g_strsplit(copy, "\t", 8);
    const char *word = field[0] ? field[0] : "";

    if (first || g_str_equal(word, "weir")) {
        if (!first || !g_str_equal(word, "weir") || g_strv_length(field) < 4 ||
            !number_read(field[1], &note->abi_major) || !number_read(field[2], &note->abi_minor) ||
            !number_read(field[3], &note->abi_minor_min)) {
            return plugin_refuse(error, "its identity note does not begin with one line \"weir\", "
                                        "major, minor, least minor: build it with the macros of "
                                        "weir/plugin.h");
        }
        return TRUE;
    }
    if (g_str_equal(word, "id")) {
        return once(&note->id, "id", field[1], error);
    }
    if (g_str_equal(word, "version")) {
        return once(&note->version, "version", field[1], error);
    }
    if (g_str_equal(word, "requires") && field_ok(field[1])) {
        g_ptr_array_add(note->requires_, g_strdup(field[1]));
    }
    if (g_str_equal(word, "part")) {
        return part_line(note, field, error);
    }
    return TRUE;
}

gboolean plugin_note_parse(struct plugin_note *note, const char *text, gsize size, GError **error)
{
    memset(note, 0, sizeof(*note));
    note->requires_ = g_ptr_array_new_with_free_func(g_free);
    note->parts = g_array_new(FALSE, FALSE, sizeof(struct plugin_note_part));
    g_array_set_clear_func(note->parts, part_clear);

    while (size > 0 && text[size - 1] == '\0') {
        size--; /* the macro's text is a C string */
    }
    if (!text_check(text, size, error)) {
        return FALSE;
    }
    note->text = g_strndup(text, size);
    for (gsize at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        gsize len = end ? (gsize)(end - (text + at)) : size - at;
        if (!line_read(note, text + at, len, at == 0, error)) {
            return FALSE;
        }
        at += len + 1;
    }
    if (note->abi_major == WEIR_ABI_MAJOR && (!note->id || !note->version)) {
        return plugin_refuse(error,
                             "its identity note has no \"%s\" line: build it with the macros "
                             "of weir/plugin.h",
                             note->id ? "version" : "id");
    }
    if (size == 0) {
        return plugin_refuse(error, "its identity note is empty: build it with the macros of "
                                    "weir/plugin.h");
    }
    return TRUE;
}

gboolean plugin_note_read(struct plugin_note *note, const guint8 *bytes, gsize size, GError **error)
{
    memset(note, 0, sizeof(*note));
    gsize text_size = 0;
    const char *text = plugin_elf_note(bytes, size, &text_size, error);
    return text && plugin_note_parse(note, text, text_size, error);
}

gboolean plugin_note_accept(const struct plugin_note *note, GError **error)
{
    char why[PLUGIN_WHY];
    if (!plugin_check_abi(note->abi_major, note->abi_minor, note->abi_minor_min, why)) {
        return plugin_refuse(error, "%s", why);
    }
    for (guint i = 0; i < note->requires_->len; i++) {
        const char *service = note->requires_->pdata[i];
        if (!plugin_check_service(service, why)) {
            return plugin_refuse(error, "%s", why);
        }
    }
    return TRUE;
}

void plugin_note_clear(struct plugin_note *note)
{
    g_free(note->text);
    g_free(note->id);
    g_free(note->version);
    g_clear_pointer(&note->requires_, g_ptr_array_unref);
    g_clear_pointer(&note->parts, g_array_unref);
    memset(note, 0, sizeof(*note));
}
