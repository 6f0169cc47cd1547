/*
 * translate.h - between the files that put a request into canonical form.
 */
#ifndef WEIR_PLUGINS_ANTHROPIC_TRANSLATE_H
#define WEIR_PLUGINS_ANTHROPIC_TRANSLATE_H

#include "anthropic.h"

#include <weir/sdk/json.h>

/* A request on its way to the canonical form. */
struct translation {
    const weir_json *doc;
    const weir_arena *arena;
    weir_writer w;
};

/* Messages: "messages", the key included. */
void ant_translate_messages(struct translation *t);

/* A member under another name, if it is there and not null. */
void ant_translate_member(struct translation *t, uint32_t object, const char *from, const char *to);
/* Members of an object that are not among `known` go into vendor.anthropic, together with `first`:
 * members that are JSON already. Nothing is written if there are none. */
void ant_translate_rest(struct translation *t, uint32_t object, const char *const *known,
                        weir_str first);

#endif
