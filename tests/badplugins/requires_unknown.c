/* Needs a service that there is not. */
#define ZOO_REQUIRES "org.example.telepathy/1"
#include "zoo.h"
