/*
 * load.c - see load.h.
 */
#include "plugin/load.h"

#include <string.h>

#include "base/crumb.h"
#include "base/log.h"
#include "plugin/check.h"
#include "plugin/error.h"
#include "plugin/host.h"
#include "plugin/image.h"
#include "plugin/normalise.h"

static gboolean same(const char *what, const char *note, const char *object, GError **error)
{
    return g_str_equal(note, object) ||
           plugin_refuse(error,
                         "its note says %s \"%s\", its code says \"%.200s\": build both "
                         "from the same text, with WEIR_PLUGIN",
                         what, note, object);
}

/* The struct of part `i`, checked as far as it can be without knowing its face. */
static const weir_part *part_at(const weir_plugin *plugin, uint32_t i, weir_part *copy,
                                GError **error)
{
    const weir_part *part = plugin->parts[i];
    g_autofree char *what = g_strdup_printf("its part %u", i);
    if (!part) {
        plugin_refuse(error, "%s is NULL: correct its list of parts", what);
        return NULL;
    }
    if (!plugin_copy_sized(copy, sizeof(*copy), part, PLUGIN_UP_TO(weir_part, vtable), TRUE, what,
                           error)) {
        return NULL;
    }
    if (!copy->face || !copy->name) {
        plugin_refuse(error, "%s has no face or no name: fill in both", what);
        return NULL;
    }
    return copy;
}

static gboolean note_agrees(const weir_plugin *plugin, const struct plugin_note *note,
                            GError **error)
{
    if (!same("id", note->id, plugin->id, error) ||
        !same("version", note->version, plugin->version, error)) {
        return FALSE;
    }
    if (plugin->part_count != note->parts->len) {
        return plugin_refuse(error,
                             "its note names %u parts, its code has %u: build both from the "
                             "same text",
                             note->parts->len, plugin->part_count);
    }
    for (uint32_t i = 0; i < plugin->part_count; i++) {
        const struct plugin_note_part *said =
            &g_array_index(note->parts, struct plugin_note_part, i);
        weir_part part;
        if (!part_at(plugin, i, &part, error)) {
            return FALSE;
        }
        const char *kind = plugin_face_kind(part.face);
        if (!g_str_equal(said->kind, kind) || !g_str_equal(said->name, part.name)) {
            return plugin_refuse(error,
                                 "part %u is the %s \"%s\" in its note, the %.80s \"%.80s\" in its "
                                 "code: build both from the same text, in the same order",
                                 i, said->kind, said->name, kind, part.name);
        }
    }
    return TRUE;
}

static int face_of(const weir_part *part)
{
    const char *kind = plugin_face_kind(part->face);
    for (int f = 0; f < PLUGIN_FACES; f++) {
        if (kind == plugin_face_name((enum plugin_face)f)) {
            return f;
        }
    }
    return -1;
}

static void part_free(gpointer p)
{
    plugin_part_clear(p);
    g_free(p);
}

/* A face that is not ours is passed over: the plugin may offer a newer one beside the old. */
static GPtrArray *parts_make(const struct plugin_file *file, const struct plugin_image *image,
                             GError **error)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
    for (uint32_t i = 0; i < image->plugin->part_count; i++) {
        weir_part in;
        if (!part_at(image->plugin, i, &in, error)) {
            return NULL;
        }
        int face = face_of(&in);
        if (face < 0) {
            log_write(LOG_LEVEL_INFO, "plugin",
                      "%s: its part \"%s\" has the face %s, which this host does not use",
                      file->path, in.name, in.face);
            continue;
        }
        struct plugin_part *part = g_new0(struct plugin_part, 1);
        g_ptr_array_add(parts, part);
        part->file = file;
        part->crumb = image->crumb;
        if (!plugin_normalise(part, (enum plugin_face)face, &in, error)) {
            return NULL;
        }
    }
    if (parts->len == 0) {
        plugin_refuse(error, "it has no part that this host can use: faces are " WEIR_PART_PROVIDER
                             ", " WEIR_PART_DIALECT ", " WEIR_PART_STRATEGY " and " WEIR_PART_FILTER
                             "; install a newer weir, or another build of it");
        return NULL;
    }
    return g_steal_pointer(&parts);
}

static gboolean image_init(struct plugin_image *image, GError **error)
{
    if (image->initialised || !image->plugin->init) {
        return TRUE;
    }
    image->initialised = TRUE;
    image->host = plugin_host_make(image->plugin->id, "");
    weir_error why = { .struct_size = sizeof(why) };
    uint32_t before = crumb_enter(image->crumb);
    weir_result result = image->plugin->init(image->host, &why);
    crumb_leave(before);
    if (result >= 0) {
        return TRUE;
    }
    why.message[sizeof(why.message) - 1] = '\0';
    image->failure = g_strdup_printf("its init failed with %d: %s", result,
                                     *why.message ? why.message : "it gives no reason");
    return plugin_refuse(error, "%s", image->failure);
}

gboolean plugin_load(struct plugin_file *file, const struct plugin_note *note,
                     const struct plugin_bytes *bytes, gint64 trial_timeout_us, GError **error)
{
    struct plugin_image *image =
        plugin_image_get(bytes, file->path, file->id, trial_timeout_us, error);
    if (!image || !note_agrees(image->plugin, note, error)) {
        return FALSE;
    }
    g_autoptr(GPtrArray) parts = parts_make(file, image, error);
    if (!parts || !image_init(image, error)) {
        return FALSE;
    }
    g_ptr_array_unref(file->parts);
    file->parts = g_steal_pointer(&parts);
    return TRUE;
}
