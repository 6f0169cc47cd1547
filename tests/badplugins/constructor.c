/* Does something while it is being loaded: leaves a file. */
#define ZOO_ID   "test.constructor"
#define ZOO_PART "constructor"
#include "zoo.h"

__attribute__((constructor)) static void canary(void)
{
    const char *path = getenv("WEIR_TEST_CANARY");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (f) {
        fclose(f);
    }
}
