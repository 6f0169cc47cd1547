/* Calls a function that nobody has. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
weir_result weir_nobody_has_this(const weir_host *host, weir_error *error);
#define ZOO_INIT init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    return weir_nobody_has_this(host, error);
}
