/* Has a function that we do not know: loads, and we never ask for it. */
#define ZOO_ID   "test.vtable"
#define ZOO_PART "vtable"
#include <weir/provider.h>
struct zoo_own {
    weir_provider_v1 v;
    void (*fancy)(void);
};
#define ZOO_OWN_FACE \
    { .struct_size = sizeof(struct zoo_own), .encode = zoo_encode, .frame = zoo_mandatory }, abort
#include "zoo.h"
