/*
 * kit_parts.h - the parts that kit.c puts beside the plugins of the build; kit.h says what they do.
 */
#pragma once

#include "kit.h"
#include "plugin/registry.h"

struct kit_part {
    enum plugin_face face;
    weir_part part;
};

#define KIT_PART(FACE, id, vtable)                             \
    {                                                          \
        PLUGIN_##FACE,                                         \
        {                                                      \
            sizeof(weir_part), 0, WEIR_PART_##FACE, id, vtable \
        }                                                      \
    }

/* Each ends with one that has no name. */
extern const struct kit_part kit_providers[], kit_dialects[], kit_filters[], kit_strategies[];
