/* Offers nothing but a face that we do not know. */
#include <weir/plugin.h>
#define ZOO_NO_NOTE
#define ZOO_PART_STRUCT                                                   \
    {                                                                     \
        sizeof(weir_part), 0, "org.example.oracle/1", ZOO_PART, &zoo_face \
    }
#define ZOO_PART_POINTER &zoo_part
static const weir_part zoo_part;
#include "zoo.h"
WEIR_NOTE(ZOO_ID, ZOO_VERSION, WEIR_TEXT_PART("org.example.oracle/1", ZOO_PART, ZOO_OPTIONS))
