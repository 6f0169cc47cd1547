/* A provider part whose option takes children. */
#define ZOO_OPTIONS(O) O(CHILDREN, "try", NULL, NULL, 0, "children")
#include "zoo.h"
