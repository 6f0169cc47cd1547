/* Says what it is that it needs. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
#define ZOO_INIT init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    snprintf(error->message, sizeof(error->message), "there is no moon tonight");
    return host ? WEIR_NOT_FOUND : WEIR_INVALID;
}
