/* A strategy whose map of children is to an option that there is not. */
#define ZOO_STRATEGY
#define ZOO_CHILDREN                             \
    {                                            \
        sizeof(weir_children), 0, "height", NULL \
    }
#include "zoo.h"
