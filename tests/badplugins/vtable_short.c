/* Its vtable ends before the last mandatory function. */
#include <weir/provider.h>
struct zoo_own {
    weir_provider_v1 v;
};
#define ZOO_OWN_FACE                                                            \
    {                                                                           \
        .struct_size = offsetof(weir_provider_v1, frame), .encode = zoo_encode, \
        .frame = zoo_mandatory                                                  \
    }
#include "zoo.h"
