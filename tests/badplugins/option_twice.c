/* Has two options of one name. */
#define ZOO_OPTIONS(O)                       \
    O(INT, "retries", "2", NULL, 0, "tries") \
    O(BOOL, "retries", NULL, NULL, 0, "or not")
#include "zoo.h"
