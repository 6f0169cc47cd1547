/*
 * needs.c - see needs.h.
 */
#include "route/needs.h"

#include <stdio.h>
#include <string.h>

enum {
    QUESTION = WEIR_CAN_IMAGES | WEIR_CAN_AUDIO | WEIR_CAN_DOCUMENTS | WEIR_CAN_TOOLS |
               WEIR_CAN_CHOICES | WEIR_CAN_EMBEDDINGS | WEIR_CAN_PREFILL,
};

uint32_t needs_missing(uint32_t needs, uint32_t can, bool strict)
{
    uint32_t missing = needs & ~can;

    return strict ? missing : missing & QUESTION;
}

void needs_names(uint32_t bits, char *text, size_t size)
{
#define NAME(id, bit, name) { WEIR_CAN_##id, name },
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = { WEIR_CAPABILITIES(NAME) };
#undef NAME
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0] && used < size; i++) {
        if (bits & names[i].bit)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", names[i].name);
    }
}
