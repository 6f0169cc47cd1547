/* Nothing is wrong with it. */
#define ZOO_STRATEGY
#define ZOO_ID   "test.strategy"
#define ZOO_PART "good"
#include "zoo.h"
