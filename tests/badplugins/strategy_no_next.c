/* Lacks a function that every strategy must have. */
#define ZOO_STRATEGY
#define ZOO_MANDATORY NULL
#include "zoo.h"
