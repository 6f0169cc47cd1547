/* The next version of good_provider: the same id, other bytes. */
#define ZOO_ID      "test.provider"
#define ZOO_PART    "good"
#define ZOO_VERSION "2.0"
#include "zoo.h"
