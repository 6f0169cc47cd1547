/* Uses a field of weir_plugin that we do not know. */
#define ZOO_NO_SYMBOL
#define ZOO_SIZE sizeof(struct newer)
#include "zoo.h"

struct newer {
    weir_plugin v;
    uint64_t fancy;
};
extern ZOO_EXPORT const struct newer weir_plugin_v1;
const struct newer weir_plugin_v1 = { { ZOO_PLUGIN_FIELDS }, 1 };
