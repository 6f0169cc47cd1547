/* Uses a field of weir_part that we do not know. */
#include <weir/plugin.h>
struct zoo_part_own {
    weir_part v;
    uint64_t fancy;
};
#define ZOO_PART_STRUCT { sizeof(struct zoo_part_own), 0, ZOO_FACE_ID, ZOO_PART, &zoo_face }, 1
#include "zoo.h"
