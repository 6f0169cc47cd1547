/* Nothing is wrong with it: init counts how often it is called, in a counter of the host. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
#define ZOO_ID       "test.init"
#define ZOO_PART     "init"
#define ZOO_REQUIRES WEIR_SERVICE_METRIC
#define ZOO_INIT     init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    const weir_metric *metric = host->service(host, WEIR_SERVICE_METRIC);
    int32_t number = metric->counter(metric->ctx, "inits", "calls of init");
    metric->add(metric->ctx, number, 1);
    return error->struct_size == 0 ? WEIR_INVALID : WEIR_OK;
}
