/*
 * models.c - what models of this API are known to take. Names that nobody knows yet are taken for
 * the newest kind: models come, and few of them can do less.
 */
#include "gemini.h"

unsigned gem_model_takes(weir_str model)
{
    static const struct {
        const char *glob;
        unsigned takes;
    } table[] = {
        { "gemini-1*", 0 },
        { "gemini-2.0-flash-thinking*", 0 },
        { "gemini-2.0*", 0 },
        { "gemma-*", 0 },
        { "learnlm-*", 0 },
        { "gemini-2.5-pro*",
          GEM_TAKES_BUDGET | GEM_ALWAYS_THINKS | GEM_FETCHES_URLS | GEM_JSON_SCHEMA },
        { "gemini-2*", GEM_TAKES_BUDGET | GEM_FETCHES_URLS | GEM_JSON_SCHEMA },
        { "gemini-3*", GEM_TAKES_LEVEL | GEM_TAKES_BUDGET | GEM_ALWAYS_THINKS | GEM_SIGNS_CALLS |
                           GEM_FETCHES_URLS | GEM_JSON_SCHEMA | GEM_MEDIA_IN_TOOLS },
        { "*", GEM_TAKES_BUDGET | GEM_FETCHES_URLS | GEM_JSON_SCHEMA },
    };
    size_t i = 0;
    weir_str name = model;

    for (size_t at = 0; at < model.len; at++) { /* behind models/, publishers/google/models/ */
        if (model.ptr[at] == '/')
            name = weir_str_skip(model, at + 1);
    }
    while (!weir_glob(weir_str_of(table[i].glob), name))
        i++;
    return table[i].takes;
}

weir_str gem_model_resource(const weir_arena *arena, weir_str model)
{
    weir_str parts[2] = { WEIR_S("models/"), model };

    if (weir_str_starts(model, "models/") || weir_str_starts(model, "tunedModels/") ||
        weir_str_starts(model, "publishers/") || weir_str_starts(model, "projects/") ||
        weir_str_starts(model, "endpoints/"))
        return model;
    return weir_str_join(arena, parts, 2);
}
