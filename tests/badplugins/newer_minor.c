/* Built with a newer minor, lives with ours: loads. */
#define ZOO_ID    "test.newer"
#define ZOO_PART  "newer"
#define ZOO_MINOR 7
#include "zoo.h"
