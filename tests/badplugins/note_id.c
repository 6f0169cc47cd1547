/* Its note names another id. */
#define ZOO_NOTE_ID "test.somebody.else"
#include "zoo.h"
