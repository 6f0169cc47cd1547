/* Its symbol is something else. */
#define ZOO_MAGIC 0x12345678u
#include "zoo.h"
