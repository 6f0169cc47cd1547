/* Wants more state than there is. */
#define ZOO_STATE (64 * 1024 + 1)
#include "zoo.h"
