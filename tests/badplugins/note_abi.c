/* Its note says that it is for ABI 2. */
#define ZOO_NO_NOTE
#include "zoo.h"

#define TEXT "weir\t2\t0\t0\nid\t" ZOO_ID "\nversion\t1.0\n"
__attribute__((section(WEIR_NOTE_SECTION), used, aligned(4))) static const struct {
    uint32_t name_size, text_size, type;
    char name[8];
    char text[sizeof(TEXT)];
} note = { sizeof(WEIR_NOTE_NAME), sizeof(TEXT), WEIR_NOTE_TYPE, WEIR_NOTE_NAME, TEXT };
