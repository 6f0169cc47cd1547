/* Built with a newer minor and cannot live with ours. */
#define ZOO_MINOR     7
#define ZOO_MINOR_MIN 7
#include "zoo.h"
