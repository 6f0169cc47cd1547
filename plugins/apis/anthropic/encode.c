/*
 * encode.c - the body of a request: the application's own with the model put right, or a canonical
 * one written anew.
 */
#include "encode.h"

#include <weir/sdk/forward.h>
#include <weir/sdk/sink.h>

static weir_result encode_body(const struct ant_config *cfg, const weir_exchange *x,
                               const weir_http_sink *out)
{
    struct ant_encoding e;

    memset(&e, 0, sizeof(e));
    e.cfg = cfg;
    e.x = x;
    e.doc = x->request;
    e.out = out;
    e.traits = ant_traits_of(x->target->model);
    e.vendor = ant_vendor_of(x->request, 0);
    e.schema = e.cached = WEIR_JSON_NONE;
    e.counting = x->op == WEIR_OP_COUNT;
    return ant_encode_canonical(&e);
}

static weir_result keep_body(void *ctx, weir_str bytes)
{
    *(weir_str *)ctx = bytes; /* all of it, in the arena */
    return WEIR_OK;
}

/* A request of this API that holds what another provider made: by way of the canonical form, where
 * what is opaque can be told from the rest. */
static weir_result native_foreign(const struct ant_config *cfg, const weir_exchange *x,
                                  const weir_http_sink *out)
{
    weir_str canonical = weir_str_make("", 0);
    weir_request_sink sink;
    weir_exchange own = *x;
    weir_ingress in;
    weir_json doc;

    memset(&sink, 0, sizeof(sink));
    memset(&in, 0, sizeof(in));
    sink.struct_size = sizeof(sink);
    sink.ctx = &canonical;
    sink.body = keep_body;
    in.struct_size = sizeof(in);
    in.json = x->request;
    in.arena = x->arena;
    WEIR_TRY(ant_translate(&in, &sink));
    WEIR_TRY(cfg->json->scan(&x->arena, canonical, &doc, NULL));
    own.native = 0;
    own.request = &doc;
    own.dialect = WEIR_S("anthropic.messages");
    return encode_body(cfg, &own, out);
}

weir_result ant_write_body(const struct ant_config *cfg, const weir_exchange *x,
                           const weir_http_sink *out)
{
    if (x->native && x->foreign && cfg->json)
        return native_foreign(cfg, x, out);
    return x->native ? weir_forward_native(x, out) : encode_body(cfg, x, out);
}
