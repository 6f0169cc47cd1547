/* Its struct has no room for what 1.0 has. */
#define ZOO_SIZE offsetof(weir_plugin, parts)
#include "zoo.h"
