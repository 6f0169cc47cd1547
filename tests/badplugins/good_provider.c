/* Nothing is wrong with it. */
#define ZOO_ID   "test.provider"
#define ZOO_PART "good"
#include "zoo.h"
