/* Nothing is wrong with it; it leaves every function to the host. */
#define ZOO_FILTER
#define ZOO_ID   "test.filter"
#define ZOO_PART "good"
#include "zoo.h"
