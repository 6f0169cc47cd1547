/*
 * record.c - see record.h.
 */
#include "plugin/record.h"

#include "base/log.h"
#include "plugin/error.h"

const char *plugin_state_name(enum plugin_state state)
{
    switch (state) {
    case PLUGIN_LOADED:
        return "loaded";
    case PLUGIN_REFUSED:
        return "refused";
    case PLUGIN_UNTRUSTED:
        return "untrusted";
    case PLUGIN_CRASHED:
        return "crashed";
    case PLUGIN_HUNG:
        return "hung";
    case PLUGIN_QUARANTINED:
        return "quarantined";
    case PLUGIN_SHADOWED:
        return "shadowed";
    }
    return "unknown";
}

struct plugin_file *plugin_record_new(const char *path)
{
    struct plugin_file *file = g_new0(struct plugin_file, 1);
    file->path = g_strdup(path);
    file->state = PLUGIN_REFUSED;
    file->parts = g_ptr_array_new();
    return file;
}

void plugin_file_free(struct plugin_file *file)
{
    if (!file) {
        return;
    }
    g_free(file->path);
    g_free(file->sha256);
    g_free(file->reason);
    g_free(file->note);
    g_free(file->id);
    g_free(file->version);
    g_ptr_array_unref(file->parts);
    g_free(file);
}

gboolean plugin_record_read(struct plugin_file *file, struct plugin_bytes *bytes,
                            struct plugin_note *note, GError **distrust, GError **error)
{
    if (!plugin_trust_read(bytes, file->path, distrust, error)) {
        return FALSE;
    }
    file->size = bytes->size;
    file->sha256 = g_strdup(bytes->sha256);
    gboolean ok = plugin_note_read(note, bytes->data, bytes->size, error);
    file->note = g_strdup(note->text);
    file->id = g_strdup(note->id);
    file->version = g_strdup(note->version);
    file->abi_major = note->abi_major;
    file->abi_minor = note->abi_minor;
    return ok && plugin_note_accept(note, error);
}

void plugin_record_fail(struct plugin_file *file, const GError *error)
{
    static GHashTable *told;
    file->state = (enum plugin_state)error->code;
    g_free(file->reason);
    file->reason = g_strdup(error->message);

    if (!told) {
        told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
    if (g_hash_table_add(told,
                         g_strconcat(file->path, "\n", file->reason, "\n", file->sha256, NULL))) {
        log_write(file->state == PLUGIN_SHADOWED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "plugin",
                  "%s is not loaded (%s): %s", file->path, plugin_state_name(file->state),
                  file->reason);
    }
}

struct plugin_file *plugin_record_retired(const struct plugin_file *file)
{
    struct plugin_file *copy = plugin_record_new(file->path);
    copy->state = PLUGIN_LOADED; /* and so it stays, in memory */
    copy->reason = g_strdup("it is no longer the file on disk; its code stays in memory until the "
                            "process ends");
    copy->sha256 = g_strdup(file->sha256);
    copy->note = g_strdup(file->note);
    copy->id = g_strdup(file->id);
    copy->version = g_strdup(file->version);
    copy->abi_major = file->abi_major;
    copy->abi_minor = file->abi_minor;
    copy->size = file->size;
    return copy;
}

/* Nothing is run here, so nothing has to be trusted. PLUGIN_LOADED means that nothing in the file
 * itself speaks against loading it. */
struct plugin_file *plugin_inspect(const char *path)
{
    g_auto(plugin_bytes) bytes = { 0 };
    g_auto(plugin_note) note = { 0 };
    g_autoptr(GError) error = NULL;
    struct plugin_file *file = plugin_record_new(path);
    if (plugin_record_read(file, &bytes, &note, NULL, &error)) {
        file->state = PLUGIN_LOADED;
    } else {
        file->state = (enum plugin_state)error->code;
        file->reason = g_strdup(error->message);
    }
    return file;
}
