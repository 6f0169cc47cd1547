/* Lacks a function that every provider must have. */
#define ZOO_PROVIDER
#define ZOO_MANDATORY NULL
#include "zoo.h"
