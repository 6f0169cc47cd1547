/* Exports the symbol of another ABI, although its note says 1. */
#define ZOO_NO_SYMBOL
#include "zoo.h"

extern ZOO_EXPORT const weir_plugin weir_plugin_v2;
const weir_plugin weir_plugin_v2 = { ZOO_PLUGIN_FIELDS };
