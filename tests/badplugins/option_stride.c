/* Its rows are nearer to each other than they are long. */
#include <weir/option.h>
static const weir_option rows[] = {
    { sizeof(weir_option), WEIR_OPTION_INT, 0, "retries", "2", NULL, "further tries" },
};
#define ZOO_OPTION_ARRAY \
    {                    \
        rows, 1, 8       \
    }
#include "zoo.h"
