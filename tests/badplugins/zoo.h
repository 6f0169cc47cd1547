/*
 * zoo.h - what the plugins of the zoo are made of. Each has one fault and is whole otherwise, so
 * that a refusal can only be about the fault.
 *
 * A plugin defines what it wants otherwise before it includes this: every name in the first block
 * below is such a knob, and so are
 *   ZOO_DIALECT, ZOO_STRATEGY, ZOO_FILTER   the face; without one it is a provider part
 *   ZOO_NO_NOTE, ZOO_NO_SYMBOL              the plugin writes its own, or has none
 */
#ifndef ZOO_H
#define ZOO_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/plugin.h>

#ifndef ZOO_ID
#define ZOO_ID "test.zoo"
#endif
#ifndef ZOO_PART
#define ZOO_PART "zoo"
#endif
#ifndef ZOO_VERSION
#define ZOO_VERSION "1.0"
#endif
#ifndef ZOO_NOTE_ID
#define ZOO_NOTE_ID ZOO_ID
#endif
#ifndef ZOO_NOTE_PART
#define ZOO_NOTE_PART ZOO_PART
#endif
#ifndef ZOO_MAGIC
#define ZOO_MAGIC WEIR_PLUGIN_MAGIC
#endif
#ifndef ZOO_SIZE
#define ZOO_SIZE sizeof(weir_plugin)
#endif
#ifndef ZOO_MINOR
#define ZOO_MINOR WEIR_ABI_MINOR
#endif
#ifndef ZOO_MINOR_MIN
#define ZOO_MINOR_MIN 0
#endif
#ifndef ZOO_REQUIRES
#define ZOO_REQUIRES WEIR_SERVICE_LOG
#endif
#ifndef ZOO_INIT
#define ZOO_INIT NULL
#endif
#ifndef ZOO_STATE
#define ZOO_STATE 64
#endif
#ifndef ZOO_MANDATORY /* the last mandatory function of the face */
#define ZOO_MANDATORY zoo_mandatory
#endif
#ifndef ZOO_OPTIONS
#define ZOO_OPTIONS(O) O(INT, "retries", "2", NULL, 0, "further tries")
#endif
#ifndef ZOO_PART_STRUCT
#define ZOO_PART_STRUCT                                        \
    {                                                          \
        sizeof(weir_part), 0, ZOO_FACE_ID, ZOO_PART, &zoo_face \
    }
#define ZOO_PART_POINTER &zoo_part
static const weir_part zoo_part;
#endif
#ifndef ZOO_OPTION_ARRAY
static const weir_option zoo_options[] = { ZOO_OPTIONS(WEIR_OPTION_ROW) };
#define ZOO_OPTION_ARRAY WEIR_ARRAY_OF(zoo_options)
#endif

#if defined(ZOO_DIALECT)

#define ZOO_FACE_ID WEIR_PART_DIALECT
#define ZOO_KIND    "dialect"
static weir_result zoo_read(void *cfg, const weir_ingress *in, const weir_request_sink *out)
{
    return cfg && in && out ? WEIR_OK : WEIR_OK;
}
static weir_result zoo_event(void *cfg, void *st, const weir_exchange *x, const weir_event *event,
                             const weir_reply_sink *out)
{
    return cfg && st && x && event && out ? WEIR_OK : WEIR_OK;
}
static weir_result zoo_failure(void *cfg, void *st, const weir_exchange *x,
                               const weir_failure *failure, const weir_reply_sink *out)
{
    return cfg && st && x && failure && out ? WEIR_OK : WEIR_OK;
}
__attribute__((unused)) static weir_result zoo_mandatory(void *cfg, const weir_exchange *x,
                                                         const weir_answer *answer,
                                                         const weir_reply_sink *out)
{
    return cfg && x && answer && out ? WEIR_OK : WEIR_OK;
}
static const weir_endpoint zoo_endpoints[] = {
    { sizeof(weir_endpoint), WEIR_OP_CHAT, 0, 0, "POST", "/zoo/chat", NULL },
    { sizeof(weir_endpoint), WEIR_OP_MODELS, 1, 0, "GET", "/zoo/models", NULL },
};
static const weir_dialect_v1 zoo_face = {
    .struct_size = sizeof(weir_dialect_v1),
    .encoder_size = ZOO_STATE,
    .id = "zoo.chat",
    .endpoints = WEIR_ARRAY_OF(zoo_endpoints),
    .options = ZOO_OPTION_ARRAY,
    .read = zoo_read,
    .event = zoo_event,
    .answer = ZOO_MANDATORY,
    .failure = zoo_failure,
};

#elif defined(ZOO_STRATEGY)

#define ZOO_FACE_ID WEIR_PART_STRATEGY
#define ZOO_KIND    "strategy"
__attribute__((unused)) static weir_result zoo_mandatory(void *cfg, const weir_ask *ask,
                                                         weir_decision *decision)
{
    decision->verb = cfg && ask ? WEIR_PICK : WEIR_GIVE_UP;
    return WEIR_OK;
}
#ifndef ZOO_CHILDREN
#define ZOO_CHILDREN                             \
    {                                            \
        sizeof(weir_children), 0, "weight", NULL \
    }
#endif
#define ZOO_CHILD_OPTIONS(O) O(NUMBER, "weight", "1", NULL, 0, "share of the requests")
static const weir_option zoo_child_options[] = { ZOO_CHILD_OPTIONS(WEIR_OPTION_ROW) };
static const weir_children zoo_children = ZOO_CHILDREN;
static const weir_strategy_v1 zoo_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .state_size = ZOO_STATE,
    .options = ZOO_OPTION_ARRAY,
    .child_options = WEIR_ARRAY_OF(zoo_child_options),
    .children = &zoo_children,
    .next = ZOO_MANDATORY,
};

#elif defined(ZOO_FILTER)

#define ZOO_FACE_ID WEIR_PART_FILTER
#define ZOO_KIND    "filter"
static const weir_filter_v1 zoo_face = {
    .struct_size = sizeof(weir_filter_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
    .state_size = ZOO_STATE,
    .options = ZOO_OPTION_ARRAY,
};

#else

#define ZOO_FACE_ID WEIR_PART_PROVIDER
#define ZOO_KIND    "provider"
static weir_result zoo_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    return cfg && x && out ? WEIR_OK : WEIR_OK;
}
__attribute__((unused)) static weir_result zoo_mandatory(void *cfg, void *st,
                                                         const weir_exchange *x,
                                                         const weir_frame *frame,
                                                         const weir_events *out)
{
    return cfg && st && x && frame && out ? WEIR_HIDE : WEIR_RELAY;
}
#ifndef ZOO_OWN_FACE
static const weir_provider_v1 zoo_face = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
    .decoder_size = ZOO_STATE,
    .options = ZOO_OPTION_ARRAY,
    .encode = zoo_encode,
    .frame = ZOO_MANDATORY,
};
#else
#define zoo_face zoo_own_face.v
static const struct zoo_own zoo_own_face = { ZOO_OWN_FACE };
#endif

#endif

#ifdef ZOO_PART_POINTER
static const weir_part zoo_part = ZOO_PART_STRUCT;
#else
#define ZOO_PART_POINTER &zoo_own_part.v
static const struct zoo_part_own zoo_own_part = { ZOO_PART_STRUCT };
#endif
static const weir_part *const zoo_parts[] = { ZOO_PART_POINTER };
static const char *const zoo_requires[] = { ZOO_REQUIRES };

/* Everything behind the magic, for those who write their own struct. */
#define ZOO_PLUGIN_FIELDS                                                                  \
    ZOO_MAGIC, ZOO_SIZE, WEIR_ABI_MAJOR, ZOO_MINOR, ZOO_MINOR_MIN, 0, ZOO_ID, ZOO_VERSION, \
        zoo_parts, sizeof(zoo_parts) / sizeof(zoo_parts[0]), 1, zoo_requires, ZOO_INIT

#ifndef ZOO_NO_NOTE
WEIR_NOTE(ZOO_NOTE_ID, ZOO_VERSION, WEIR_TEXT_PART(ZOO_KIND, ZOO_NOTE_PART, ZOO_OPTIONS))
#endif

#define ZOO_EXPORT __attribute__((visibility("default")))
#ifndef ZOO_NO_SYMBOL
extern ZOO_EXPORT const weir_plugin weir_plugin_v1;
const weir_plugin weir_plugin_v1 = { ZOO_PLUGIN_FIELDS };
#endif

#endif
