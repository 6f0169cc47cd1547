/* Another plugin has a part of that name. */
#define ZOO_ID   "test.imitator"
#define ZOO_PART "good"
#include "zoo.h"
