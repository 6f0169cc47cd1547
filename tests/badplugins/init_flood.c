/* Writes more than any pipe holds, then is done: loads. */
#include <weir/host.h>
static weir_result init(const weir_host *host, weir_error *error);
#define ZOO_ID   "test.flood"
#define ZOO_PART "flood"
#define ZOO_INIT init
#include "zoo.h"

static weir_result init(const weir_host *host, weir_error *error)
{
    for (int i = 0; i < 20000; i++) {
        fputs("a line that nobody asked for\n", stderr);
    }
    return host && error ? WEIR_OK : WEIR_INVALID;
}
