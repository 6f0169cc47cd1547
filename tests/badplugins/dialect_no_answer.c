/* Lacks a function that every dialect must have. */
#define ZOO_DIALECT
#define ZOO_MANDATORY NULL
#include "zoo.h"
