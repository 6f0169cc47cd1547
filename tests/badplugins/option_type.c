/* Has an option of a type that we do not know. */
#include <weir/option.h>
static const weir_option rows[] = {
    { sizeof(weir_option), 99, 0, "colour", "red", NULL, "of the answer" },
};
#define ZOO_OPTION_ARRAY WEIR_ARRAY_OF(rows)
#include "zoo.h"
