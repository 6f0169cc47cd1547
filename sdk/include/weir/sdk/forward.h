/*
 * forward.h - for provider parts: the credential's header, paths under a base URL, and requests
 * that are passed on as they came (WEIR_OP_FORWARD) or but for the model (native ones).
 */
#ifndef WEIR_SDK_FORWARD_H
#define WEIR_SDK_FORWARD_H

#include <weir/provider.h>
#include <weir/sdk/json.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/splice.h>
#include <weir/sdk/str.h>
#include <weir/sdk/text.h>
#include <weir/sdk/write.h>

/* The credential in the header that is configured, `standard` if that is "". In "authorization" it
 * is a bearer token. Nothing if there is no credential. */
static inline weir_result weir_http_key(const weir_http_sink *out, const weir_exchange *x,
                                        const char *configured, const char *standard)
{
    const char *name = configured[0] ? configured : standard;
    weir_str key = x->target->credential;

    if (weir_str_is_nocase(weir_str_of(name), "authorization"))
        return weir_http_bearer(out, &x->arena, key);
    return key.len ? weir_http_header(out, name, key) : WEIR_OK;
}

/* A path under a base URL that may end in its first segment already ("/v1"): not twice. */
static inline weir_str weir_path_under(weir_str base_url, const char *segment, weir_str path)
{
    size_t len = strlen(segment);
    bool whole = path.len == len || (path.len > len && path.ptr[len] == '/');

    if (whole && weir_str_ends(base_url, segment) && weir_str_starts(path, segment))
        return weir_str_skip(path, len);
    return path;
}

/* Content-Type and Accept as the application sent them: provider parts write both themselves, so
 * they do not list them among the headers that cross. */
static inline weir_result weir_forward_headers(const weir_exchange *x, const weir_http_sink *out)
{
    static const char *const names[] = { "content-type", "accept" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        weir_str value = weir_header_find(x->headers, x->header_count, names[i]);

        if (value.len)
            WEIR_TRY(weir_http_header(out, names[i], value));
    }
    return WEIR_OK;
}

/* The body of such a request as a document, if it says that it is JSON and is an object. `service`
 * may be NULL. */
static inline bool weir_forward_scan(const weir_json_service *service, const weir_exchange *x,
                                     weir_json *doc)
{
    weir_str type = weir_header_find(x->headers, x->header_count, "content-type");

    return service && x->body.len && weir_str_starts(type, "application/json") &&
           service->scan(&x->arena, x->body, doc, NULL) == WEIR_OK && weir_json_is_object(doc, 0);
}

/* Sends a body with `value` as its member `name`, where it has one; everything else stays. */
static inline weir_result weir_forward_named(const weir_json *doc, const weir_exchange *x,
                                             const char *name, weir_str value,
                                             const weir_http_sink *out)
{
    weir_splice edit = weir_splice_replace(name, weir_str_make("", 0));
    weir_writer w;

    weir_writer_init(&w, &x->arena, value.len + 8);
    weir_write_string(&w, value);
    WEIR_TRY(weir_writer_finish(&w, &edit.json));
    return weir_splice_write(doc, 0, &edit, 1, out->body, out->ctx);
}

/* Sends a body as it came; none if it is empty. */
static inline weir_result weir_forward_plain(const weir_exchange *x, const weir_http_sink *out)
{
    return x->body.len ? out->body(out->ctx, x->body) : WEIR_OK;
}

/* Whether the request names another model than its target. Also if the member is there more than
 * once: a vendor that goes by the first one would read another model than was routed. */
static inline bool weir_forward_needs_model(const weir_exchange *x)
{
    weir_text model = weir_text_from(x->target->model);
    uint32_t times = 0;

    if (!model.len)
        return false;
    WEIR_JSON_EACH_MEMBER(x->request, 0, key, value)
    {
        if (!weir_json_key_is(x->request, key, "model", 5))
            continue;
        if (!weir_text_equal(weir_json_text(x->request, value), model))
            return true;
        times++;
    }
    return times != 1;
}

/* Sends a native request whose vendor reads the model from its body: with the target's model, and
 * without a string "provider", which is addressed to us. Everything else stays. */
static inline weir_result weir_forward_native(const weir_exchange *x, const weir_http_sink *out)
{
    const weir_json *doc = x->request;
    weir_splice edits[2];
    size_t count = 0;
    weir_str json;
    weir_writer w;

    if (weir_forward_needs_model(x)) {
        weir_writer_init(&w, &x->arena, x->target->model.len + 8);
        weir_write_string(&w, x->target->model);
        WEIR_TRY(weir_writer_finish(&w, &json));
        edits[count++] = weir_splice_set("model", json);
    }
    if (weir_json_is_string(doc, weir_json_find(doc, 0, "provider")))
        edits[count++] = weir_splice_remove("provider");
    return weir_splice_write(doc, 0, edits, count, out->body, out->ctx);
}

#endif
