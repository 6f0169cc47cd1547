/* Its options are bigger than ours, but say nothing that we do not know: loads. */
#define ZOO_ID   "test.wide"
#define ZOO_PART "wide"
#include <weir/option.h>
struct newer {
    weir_option v;
    uint64_t fancy;
};
static const struct newer rows[] = {
    { { sizeof(struct newer), WEIR_OPTION_INT, 0, "one", "1", NULL, "the first" }, 0 },
    { { sizeof(struct newer), WEIR_OPTION_BOOL, 0, "two", NULL, NULL, "the second" }, 0 },
};
#define ZOO_OPTION_ARRAY WEIR_ARRAY_OF(rows)
#include "zoo.h"
