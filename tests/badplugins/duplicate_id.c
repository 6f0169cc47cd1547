/* Another file has its id. */
#define ZOO_ID   "test.provider"
#define ZOO_PART "unheard-of"
#include "zoo.h"
