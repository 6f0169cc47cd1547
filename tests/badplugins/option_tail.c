/* Uses a field of weir_option that we do not know. */
#include <weir/option.h>
struct newer {
    weir_option v;
    uint64_t fancy;
};
static const struct newer rows[] = {
    { { sizeof(struct newer), WEIR_OPTION_INT, 0, "retries", "2", NULL, "further tries" }, 1 },
};
#define ZOO_OPTION_ARRAY WEIR_ARRAY_OF(rows)
#include "zoo.h"
