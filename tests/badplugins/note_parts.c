/* Its note names another part. */
#define ZOO_NOTE_PART "other"
#include "zoo.h"
