/* The name of its part points nowhere. */
#include <weir/plugin.h>
#define ZOO_PART_STRUCT                                                \
    {                                                                  \
        sizeof(weir_part), 0, ZOO_FACE_ID, (const char *)16, &zoo_face \
    }
#define ZOO_PART_POINTER &zoo_part
static const weir_part zoo_part;
#include "zoo.h"
