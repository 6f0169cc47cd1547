/*
 * normalise.c - see normalise.h. Here is what holds for every face; tables.c and defaults.c do the
 * rest.
 */
#include "plugin/normalise.h"

#include <string.h>

#include "plugin/check.h"
#include "plugin/error.h"

enum {
    STRUCT_MAX = 4096,
    NAME_MAX_BYTES = 63,
    EXCHANGE_STATE_MAX = 64 * 1024,
    NODE_STATE_MAX = 1024 * 1024,
};

/* By enum plugin_face: id, and how little of the vtable a build of 1.0 can have. */
static const struct {
    const char *id;
    gsize least;
} faces[PLUGIN_FACES] = {
    { WEIR_PART_PROVIDER, PLUGIN_UP_TO(weir_provider_v1, frame) },
    { WEIR_PART_DIALECT, PLUGIN_UP_TO(weir_dialect_v1, failure) },
    { WEIR_PART_STRATEGY, PLUGIN_UP_TO(weir_strategy_v1, next) },
    { WEIR_PART_FILTER, PLUGIN_UP_TO(weir_filter_v1, release) },
};

const char *plugin_face_kind(const char *face_id)
{
    for (int f = 0; f < PLUGIN_FACES; f++) {
        if (strcmp(face_id, faces[f].id) == 0) {
            return plugin_face_name((enum plugin_face)f);
        }
    }
    return face_id;
}

gboolean plugin_name_ok(const char *name)
{
    if (!name || !g_ascii_isalnum(*name) || strlen(name) > NAME_MAX_BYTES) {
        return FALSE;
    }
    for (const char *p = name; *p; p++) {
        if (!g_ascii_isalnum(*p) && !strchr("_-.", *p)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean plugin_copy_sized(void *to, gsize to_size, const void *from, gsize least, gboolean strict,
                           const char *what, GError **error)
{
    uint32_t size;
    memcpy(&size, from, sizeof(size));
    if (size < least || size > STRUCT_MAX) {
        return plugin_refuse(error,
                             "%s says it has %u bytes, %" G_GSIZE_FORMAT " to %d are possible: set "
                             "struct_size to its sizeof",
                             what, size, least, STRUCT_MAX);
    }
    if (strict && !plugin_check_tail(from, size, to_size)) {
        return plugin_refuse(error,
                             "%s (%u bytes) uses a field that this host (%" G_GSIZE_FORMAT
                             " bytes, ABI %d.%d) does not know: install a newer weir",
                             what, size, to_size, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    }
    memcpy(to, from, MIN(size, to_size));
    size = (uint32_t)to_size;
    memcpy(to, &size, sizeof(size));
    return TRUE;
}

static gboolean state_check(const struct plugin_part *part, const char *field, uint32_t size,
                            uint32_t limit, GError **error)
{
    if (size > limit) {
        return plugin_refuse(error,
                             "the %s \"%s\" asks for %u bytes in %s, the limit is %u: keep less, "
                             "or use the arena of the exchange",
                             plugin_face_name(part->face), part->name, size, field, limit);
    }
    return TRUE;
}

static gboolean states_check(const struct plugin_part *p, GError **error)
{
    switch (p->face) {
    case PLUGIN_PROVIDER:
        return state_check(p, "decoder_size", p->provider.decoder_size, EXCHANGE_STATE_MAX, error);
    case PLUGIN_DIALECT:
        return state_check(p, "encoder_size", p->dialect.encoder_size, EXCHANGE_STATE_MAX, error);
    case PLUGIN_FILTER:
        return state_check(p, "state_size", p->filter.state_size, EXCHANGE_STATE_MAX, error);
    default:
        return state_check(p, "state_size", p->strategy.state_size, NODE_STATE_MAX, error) &&
               state_check(p, "child_state_size", p->strategy.child_state_size, NODE_STATE_MAX,
                           error);
    }
}

static void *vtable_of(struct plugin_part *part, gsize *size)
{
    switch (part->face) {
    case PLUGIN_PROVIDER:
        *size = sizeof(part->provider);
        return &part->provider;
    case PLUGIN_DIALECT:
        *size = sizeof(part->dialect);
        return &part->dialect;
    case PLUGIN_STRATEGY:
        *size = sizeof(part->strategy);
        return &part->strategy;
    default:
        *size = sizeof(part->filter);
        return &part->filter;
    }
}

gboolean plugin_normalise(struct plugin_part *out, enum plugin_face face, const weir_part *in,
                          GError **error)
{
    out->face = face;
    out->name = in->name;
    if (!plugin_name_ok(in->name)) {
        return plugin_refuse(error,
                             "it names a %s \"%.80s\": a name has 1 to %d of the characters a-z, "
                             "0-9, '_', '-' and '.', and begins with a letter or digit",
                             plugin_face_name(face), in->name ? in->name : "", NAME_MAX_BYTES);
    }
    g_autofree char *what = g_strdup_printf("the %s \"%s\"", plugin_face_name(face), in->name);
    if (!in->vtable) {
        return plugin_refuse(error, "%s has no vtable: set weir_part.vtable", what);
    }
    /* Functions that we do not know are not asked for; their default is that nothing happens. */
    gsize size;
    void *vtable = vtable_of(out, &size);
    return plugin_copy_sized(vtable, size, in->vtable, faces[face].least, FALSE, what, error) &&
           states_check(out, error) && plugin_defaults(out, error) && plugin_tables(out, error);
}

void plugin_part_clear(struct plugin_part *part)
{
    g_free((gpointer)part->options);
    g_free((gpointer)part->child_options);
    g_free((gpointer)part->endpoints);
    part->options = NULL;
    part->child_options = NULL;
    part->endpoints = NULL;
}
