/*
 * standin.c - see standin.h.
 */
#include "plugin/standin.h"
#include "base/str.h"
#include "plugin/error.h"
#include "plugin/normalise.h"
#include "plugin/note.h"

static weir_result no_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    (void)cfg, (void)x, (void)out;
    return WEIR_UNSUPPORTED;
}

static weir_result no_frame(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                            const weir_events *out)
{
    (void)cfg, (void)st, (void)x, (void)frame, (void)out;
    return WEIR_UNSUPPORTED;
}

static weir_result refuse_next(void *cfg, const weir_ask *ask, weir_decision *decision)
{
    (void)cfg, (void)ask;
    decision->verb = WEIR_REFUSE;
    decision->failure_class = WEIR_CLASS_INTERNAL;
    decision->reason = "a strategy of this route is in quarantine: its plugin crashed too often; "
                       "replace the plugin and restart weir";
    return WEIR_OK;
}

static weir_result refuse_request(void *cfg, void *st, const weir_exchange *x,
                                  const weir_edit_sink *out)
{
    weir_failure failure = {
        .struct_size = sizeof(failure),
        .class_id = WEIR_CLASS_INTERNAL,
        .family = WEIR_CLASS_INTERNAL,
        .local = 1,
        .retry_after_us = -1,
        .message = S("a filter of this request is in quarantine: its plugin crashed too often; "
                     "replace the plugin and restart weir"),
    };

    (void)cfg, (void)st, (void)x;
    return out->refuse(out->ctx, &failure);
}

static void fill(struct plugin_part *part)
{
    g_autoptr(GError) never = NULL;

    switch (part->face) {
    case PLUGIN_PROVIDER:
        part->provider.struct_size = sizeof(part->provider);
        part->provider.default_base_url = "http://quarantined.invalid";
        part->provider.encode = no_encode;
        part->provider.frame = no_frame;
        break;
    case PLUGIN_STRATEGY:
        part->strategy.struct_size = sizeof(part->strategy);
        part->strategy.next = refuse_next;
        break;
    case PLUGIN_FILTER:
        part->filter.struct_size = sizeof(part->filter);
        part->filter.ops = UINT32_MAX;
        part->filter.sees = WEIR_SEES_REQUEST;
        part->filter.request = refuse_request;
        break;
    default:
        return;
    }
    if (!plugin_defaults(part, &never))
        g_return_if_reached();
}

static void part_free(gpointer p)
{
    plugin_part_clear(p);
    g_free(p);
}

static void add(struct plugin_file *file, enum plugin_face face, const char *name)
{
    struct plugin_part *part = g_new0(struct plugin_part, 1);

    part->face = face;
    part->name = g_intern_string(name);
    part->file = file;
    part->stand_in = true;
    fill(part);
    g_ptr_array_add(file->parts, part);
}

void plugin_standins(struct plugin_file *file)
{
    g_auto(GStrv) lines = g_strsplit(file->note ? file->note : "", "\n", -1);

    g_ptr_array_set_free_func(file->parts, part_free);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) f = g_strsplit(*line, "\t", 3);

        if (g_strv_length(f) != 3 || strcmp(f[0], "part") != 0)
            continue;
        for (int face = 0; face < PLUGIN_FACES; face++) {
            /* Without a dialect its paths are not served: no stand-in is needed. */
            if (face != PLUGIN_DIALECT &&
                strcmp(f[1], plugin_face_name((enum plugin_face)face)) == 0)
                add(file, (enum plugin_face)face, f[2]);
        }
    }
}
