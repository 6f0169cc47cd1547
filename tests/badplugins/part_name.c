/* Its part's name would be read as provider and model. */
#define ZOO_PART "a/b"
#include "zoo.h"
