/*
 * told.c - see told.h.
 */
#include "told.h"

#include <string.h>

static weir_result told_facts(void *ctx, const weir_facts *facts, weir_str key)
{
    struct told *t = ctx;

    g_assert_cmpuint(t->facts.struct_size, ==, 0);
    g_assert_cmpuint(facts->struct_size, >, 0);
    t->facts = *facts;
    t->model = host_text(facts->model);
    t->key = host_text(key);
    return WEIR_OK;
}

static weir_result told_body(void *ctx, weir_str bytes)
{
    g_string_append_len(((struct told *)ctx)->body, bytes.ptr, (gssize)bytes.len);
    return WEIR_OK;
}

static weir_result told_opaque(void *ctx, weir_text value, bool required)
{
    struct told *t = ctx;

    g_assert_cmpuint(value.len, >, 0);
    g_string_append_printf(t->opaque, "%.*s%s ", (int)value.len, value.ptr, required ? "!" : "");
    return WEIR_OK;
}

static weir_result told_dropped(void *ctx, weir_str pointer, weir_str why)
{
    struct told *t = ctx;

    g_assert_cmpuint(why.len, >, 0);
    g_string_append_len(t->dropped, pointer.ptr, (gssize)pointer.len);
    g_string_append_c(t->dropped, '\n');
    return WEIR_OK;
}

static weir_result told_answer(void *ctx, uint32_t status, weir_str type, weir_str body)
{
    struct told *t = ctx;

    g_assert_cmpuint(t->status, ==, 0);
    t->status = status;
    t->type = host_text(type);
    t->answer = host_text(body);
    return WEIR_STOPPED;
}

static weir_result told_refuse(void *ctx, const weir_failure *failure)
{
    struct told *t = ctx;

    g_assert_null(t->refusal);
    t->refusal = host_text(failure->message);
    t->param = host_text(failure->param);
    t->class_id = failure->class_id;
    return WEIR_STOPPED;
}

void told_init(struct told *t)
{
    memset(t, 0, sizeof(*t));
    host_arena_init(&t->arena);
    t->body = g_string_new(NULL);
    t->opaque = g_string_new(NULL);
    t->dropped = g_string_new(NULL);
    t->sink = (weir_request_sink){ .struct_size = sizeof(t->sink),
                                   .ctx = t,
                                   .facts = told_facts,
                                   .body = told_body,
                                   .opaque = told_opaque,
                                   .dropped = told_dropped,
                                   .answer = told_answer,
                                   .refuse = told_refuse };
}

void told_clear(struct told *t)
{
    g_free(t->model);
    g_free(t->key);
    g_free(t->refusal);
    g_free(t->param);
    g_free(t->type);
    g_free(t->answer);
    g_string_free(t->body, TRUE);
    g_string_free(t->opaque, TRUE);
    g_string_free(t->dropped, TRUE);
    host_arena_clear(&t->arena);
}
