/* Has no identity note. */
#define ZOO_NO_NOTE
#include "zoo.h"
