/* Ends the process as if all were well. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
#define ZOO_INIT init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    exit(0);
    return host && error ? WEIR_OK : WEIR_INVALID;
}
