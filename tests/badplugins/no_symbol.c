/* Exports nothing. */
#define ZOO_NO_SYMBOL
#include "zoo.h"

/* Keeps the rest in use. */
const weir_plugin hidden_away = { ZOO_PLUGIN_FIELDS };
