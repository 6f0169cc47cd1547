/* Nothing is wrong with it. */
#define ZOO_DIALECT
#define ZOO_ID   "test.dialect"
#define ZOO_PART "good"
#include "zoo.h"
