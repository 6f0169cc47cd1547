/* Gives up loudly when it is initialised. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
#define ZOO_INIT init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    fputs("assertion of the zoo failed\n", stderr);
    abort();
    return host && error ? WEIR_OK : WEIR_INVALID;
}
