/*
 * owned.c - opaque state: who made what is noted of answers, and requests that carry some of it go
 * where it can be read. The rules are in route/opaque.h.
 */
#include "base/str.h"
#include "engine/exchange.h"
#include "model/failure.h"
#include "route/owner.h"

void owned_note(struct attempt *a, weir_text value)
{
    const struct owner owner = {
        g_intern_string(a->provider->config->name),
        g_intern_string(a->provider->config->part->name),
    };

    if (a->exchange->copy_of) /* nobody will come back with it */
        return;
    owner_note(value, &owner, loop_now(a->exchange->worker->loop));
}

static bool inside(weir_str whole, weir_text part)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

weir_result owned_found(struct exchange *e, weir_text value, bool required)
{
    if (!value.len)
        return WEIR_OK;
    if (!e->opaque) {
        e->opaque = arena_zalloc(&e->arena, sizeof(*e->opaque));
        if (!e->opaque)
            return WEIR_NO_MEMORY;
        e->opaque->tree = e->generation->tree;
        e->opaque->dialect = str_of(e->dialect->face->id);
    }
    if (!inside(e->in.body, value)) {
        value.ptr = arena_copy(&e->arena, (weir_str){ value.ptr, value.len }).ptr;
        if (!value.ptr)
            return WEIR_NO_MEMORY;
    }
    opaque_add(e->opaque, value, required, loop_now(e->worker->loop));
    return WEIR_OK;
}

/* -- refusals --------------------------------------------------------------------------------- */

/* What the value is called where it stands in the body; "id" if it stands somewhere else. */
static weir_str name_of(const struct exchange *e, weir_text value)
{
    const weir_json *doc = &e->json;

    for (size_t i = 1; i < doc->count; i++) {
        const weir_token *key = &doc->tok[i - 1];

        if (doc->bytes.ptr + doc->tok[i].start == value.ptr && key->flags & WEIR_TOKEN_KEY)
            return (weir_str){ doc->bytes.ptr + key->start, key->len };
    }
    return S("id");
}

/* "previous_response_id 'resp_1'", with no more of the value than a person needs. */
static const char *show(struct exchange *e, weir_text value)
{
    enum { SHOWN = 40 };
    weir_str name = name_of(e, value);
    g_autofree char *start = g_utf8_make_valid(value.ptr, (gssize)MIN(value.len, SHOWN));
    g_autofree char *text =
        g_strdup_printf("%.*s '%s%s'", S_ARG(name), start, value.len > SHOWN ? "..." : "");

    return arena_copy(&e->arena, str_of(text)).ptr;
}

static bool refuse(struct exchange *e, unsigned class_id, weir_text value, const char *why)
{
    const char *shown = show(e, value);
    weir_failure *failure =
        failure_format(&e->arena, class_id, "%s %s", shown ? shown : "an id", why);
    weir_str param = name_of(e, value);

    if (!str_is(param, "id"))
        failure->param = param;
    exchange_fail(e, failure);
    return false;
}

static bool refuse_known(struct exchange *e, const struct opaque_owners *owners, bool required)
{
    const char *owner = owners->provider[0]->config->name;
    g_autofree char *why = NULL;

    if (required && (owners->count > 1 || owners->more))
        why = g_strdup_printf("belongs to provider %s, and something else in the request to %s: "
                              "nobody can read both; begin the conversation anew",
                              owner, owners->provider[1]->config->name);
    else if (e->route)
        why = g_strdup_printf("belongs to provider %s, which route %s does not lead to: ask %s by "
                              "name, %s",
                              owner, e->route->name, owner,
                              required ? "or begin the conversation anew"
                                       : "leave it out, or set opaque: strip on the route");
    else
        why = g_strdup_printf("belongs to provider %s: ask that one, or begin the conversation "
                              "anew",
                              owner);
    return refuse(e, WEIR_CLASS_UNSUPPORTED, owners->value[0], why);
}

static bool refuse_unknown(struct exchange *e, const struct provider *const *found, uint32_t count)
{
    unsigned class_id =
        e->facts.op == WEIR_OP_FORWARD ? WEIR_CLASS_NOT_FOUND : WEIR_CLASS_INVALID_REQUEST;
    g_autofree char *why = NULL;

    if (count)
        why = g_strdup_printf("is not known here, and both %s and %s could have made it: name the "
                              "provider, with x-weir-provider or as provider/model",
                              found[0]->config->name, found[1]->config->name);
    else
        why = g_strdup("is not known here, and none of the targets speaks the API it came from: "
                       "send the conversation itself instead");
    return refuse(e, class_id, e->opaque->unknown_required, why);
}

void owned_explain(struct exchange *e)
{
    const struct opaque *o = e->opaque;
    const struct opaque_owners *owners = o->required.count ? &o->required : &o->optional;
    weir_failure *text;

    if (owners->count != 1 || (owners == &o->optional && o->strip))
        return;
    text = failure_format(&e->arena, WEIR_CLASS_NONE,
                          "only provider %s, which made it, could be asked",
                          owners->provider[0]->config->name);
    exchange_warn(e, &(struct warning){ name_of(e, owners->value[0]), text->message });
}

bool owned_check(struct exchange *e)
{
    const struct provider *found[2];
    struct opaque *o = e->opaque;
    uint32_t count;

    o->strip = !e->route || e->route->config->opaque_strip;
    count = opaque_candidates(o, e->root, e->facts.op, found, 2);
    if (count == 1 || (count && !o->unknown_required.len))
        return true;
    if (o->required.count > 1 || o->required.more || (!count && o->required.count))
        return refuse_known(e, &o->required, true);
    if (o->unknown_required.len && !o->required.count)
        return refuse_unknown(e, found, count);
    if (!count && o->optional.count && !o->strip)
        return refuse_known(e, &o->optional, false);
    return true; /* what is in the way is something else: the walk says it */
}
