/*
 * configure.c - see configure.h.
 */
#include "plugin/configure.h"
#include "base/crumb.h"
#include "base/str.h"
#include "json/scan.h"

typedef weir_result (*configure_fn)(const weir_host *host, const weir_json *options, void **cfg,
                                    weir_error *error);

static configure_fn configure_of(const struct plugin_part *part)
{
    switch (part->face) {
    case PLUGIN_PROVIDER:
        return part->provider.configure;
    case PLUGIN_DIALECT:
        return part->dialect.configure;
    case PLUGIN_STRATEGY:
        return part->strategy.configure;
    default:
        return part->filter.configure;
    }
}

bool plugin_configure(const struct plugin_part *part, const weir_host *host, const char *options,
                      const char *where, void **cfg, GError **error)
{
    weir_error fault = { .struct_size = sizeof(fault) };
    configure_fn configure = configure_of(part);
    struct jscan_tokens tokens;
    weir_json json;
    weir_result result;
    uint32_t crumb;

    *cfg = NULL;
    if (!configure)
        return true;
    jscan_tokens_init(&tokens);
    result = jscan(&tokens, str_of(options ? options : "{}"), &json, NULL);
    if (result == WEIR_OK) {
        crumb = crumb_enter(part->crumb);
        result = configure(host, &json, cfg, &fault);
        crumb_leave(crumb);
    }
    jscan_tokens_finish(&tokens);
    if (result >= 0)
        return true;
    fault.option[sizeof fault.option - 1] = '\0';
    fault.message[sizeof fault.message - 1] = '\0';
    g_set_error(error, g_quark_from_static_string("weir-plugin"), result, "%s: %s %s: %s%s%s",
                where ? where : "configuration", plugin_face_name(part->face), part->name,
                fault.option, fault.option[0] ? ": " : "",
                fault.message[0] ? fault.message : "the plugin refused its options");
    return false;
}
