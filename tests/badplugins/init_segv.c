/* Crashes when it is initialised. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
#define ZOO_INIT init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    raise(SIGSEGV);
    return host && error ? WEIR_OK : WEIR_INVALID;
}
