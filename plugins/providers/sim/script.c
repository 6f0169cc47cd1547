/*
 * script.c - composed answers as scripted responses: what OpenAI would send, piece by piece.
 */
#include "sim.h"

#include <weir/sdk/failure.h>

/* Long enough for every time limit to run out first. */
#define SIM_FOREVER_US (INT64_C(24) * 3600 * 1000000)

/* A script that grows. */
struct sim_script {
    const weir_exchange *x;
    weir_step *step;
    uint32_t count;
    uint32_t room;
    int64_t pause_us; /* before the next step */
    bool failed;      /* no memory */
};

static void script_init(struct sim_script *s, const weir_exchange *x, uint32_t room)
{
    memset(s, 0, sizeof(*s));
    s->x = x;
    s->room = room;
    s->step = (weir_step *)x->arena.alloc(x->arena.owner, (size_t)room * sizeof(*s->step));
    s->failed = !s->step;
}

static void script_step(struct sim_script *s, uint32_t what, weir_str bytes)
{
    weir_step *step;

    if (s->failed || s->count == s->room || (what == WEIR_STEP_BYTES && !bytes.ptr)) {
        s->failed = true;
        return;
    }
    step = &s->step[s->count++];
    memset(step, 0, sizeof(*step));
    step->struct_size = sizeof(*step);
    step->what = what;
    step->after_us = s->pause_us;
    step->bytes = bytes;
    s->pause_us = 0;
}

static weir_result script_send(const struct sim_script *s, unsigned status, int64_t head_us,
                               const char *type, int64_t retry_after_us, const weir_http_sink *out)
{
    char ms[WEIR_NUMBER_ROOM];
    weir_header headers[3] = { { WEIR_S("content-type"), weir_str_of(type) },
                               { WEIR_S("x-weir-simulated"), WEIR_S("1") },
                               { WEIR_S("retry-after-ms"), WEIR_S("") } };
    weir_script script;

    if (s->failed)
        return WEIR_NO_MEMORY;
    if (retry_after_us >= 0)
        headers[2].value = weir_str_make(ms, weir_number_print_int64(ms, retry_after_us / 1000));
    memset(&script, 0, sizeof(script));
    script.struct_size = sizeof(script);
    script.status = status;
    script.head_after_us = head_us;
    script.headers = headers;
    script.header_count = retry_after_us >= 0 ? 3 : 2;
    script.steps.items = s->step;
    script.steps.count = s->count;
    script.steps.stride = sizeof(*s->step);
    return out->script(out->ctx, &script);
}

/* What OpenAI sends with each class. */
static const struct script_failure {
    uint16_t class_id;
    uint16_t status;
    const char *type;
    const char *code;
} script_failures[] = {
    { WEIR_CLASS_AUTHENTICATION, 401, "invalid_request_error", "invalid_api_key" },
    { WEIR_CLASS_PERMISSION, 403, "invalid_request_error", "permission_denied" },
    { WEIR_CLASS_NOT_FOUND, 404, "invalid_request_error", "model_not_found" },
    { WEIR_CLASS_CONTEXT_LENGTH, 400, "invalid_request_error", "context_length_exceeded" },
    { WEIR_CLASS_CONTENT_FILTER, 400, "invalid_request_error", "content_filter" },
    { WEIR_CLASS_RATE_LIMIT, 429, "requests", "rate_limit_exceeded" },
    { WEIR_CLASS_QUOTA, 429, "insufficient_quota", "insufficient_quota" },
    { WEIR_CLASS_OVERLOADED, 503, "overloaded_error", "service_unavailable" },
    { WEIR_CLASS_SERVER_ERROR, 500, "server_error", "server_error" },
    { WEIR_CLASS_TIMEOUT, 504, "timeout", "timeout" },
    { WEIR_CLASS_INVALID_REQUEST, 400, "invalid_request_error", "invalid_request" },
};

static weir_result script_error_body(const weir_exchange *x, weir_str message, const char *type,
                                     const char *code, weir_str *out)
{
    weir_writer w;

    weir_writer_init(&w, &x->arena, 256);
    weir_write_begin_object(&w);
    weir_write_key(&w, "error");
    weir_write_begin_object(&w);
    weir_write_key(&w, "message");
    weir_write_string(&w, message);
    weir_write_key(&w, "type");
    weir_write_literal(&w, type);
    weir_write_key(&w, "param");
    weir_write_null(&w);
    weir_write_key(&w, "code");
    weir_write_literal(&w, code);
    weir_write_end_object(&w);
    weir_write_end_object(&w);
    return weir_writer_finish(&w, out);
}

/* Failures that have no status: the connection is refused, nothing comes, or nonsense. */
static weir_result script_send_bare(const struct sim_plan *plan, const weir_exchange *x,
                                    const weir_http_sink *out)
{
    struct sim_script s;

    script_init(&s, x, 2);
    if (plan->refused || plan->fail == WEIR_CLASS_CONNECTION) {
        script_step(&s, WEIR_STEP_REFUSED, weir_str_make("", 0));
        return script_send(&s, 0, plan->head_us, "text/plain", -1, out);
    }
    if (plan->silent || plan->fail == WEIR_CLASS_TIMEOUT) {
        script_step(&s, WEIR_STEP_STALL, weir_str_make("", 0));
        return script_send(&s, 200, SIM_FOREVER_US, "text/plain", -1, out);
    }
    if (plan->fail == WEIR_CLASS_CANCELLED) {
        script_step(&s, WEIR_STEP_CUT, weir_str_make("", 0));
        return script_send(&s, 200, plan->head_us, "application/json", -1, out);
    }
    script_step(&s, WEIR_STEP_BYTES, WEIR_S("<html>simulated nonsense</html>"));
    script_step(&s, WEIR_STEP_END, weir_str_make("", 0));
    return script_send(&s, 200, plan->head_us, "text/html", -1, out);
}

weir_result sim_send_failure(const struct sim_plan *plan, const weir_exchange *x,
                             const weir_http_sink *out)
{
    weir_str parts[2] = { WEIR_S("[simulated by Weir] "), WEIR_S("") };
    const struct script_failure *row = script_failures;
    bool timeout = plan->fail == WEIR_CLASS_TIMEOUT && !plan->status;
    struct sim_script s;
    weir_str message, body;

    if (!plan->wrong.len &&
        (plan->refused || plan->silent || timeout || plan->fail == WEIR_CLASS_CONNECTION ||
         plan->fail == WEIR_CLASS_CANCELLED || plan->fail == WEIR_CLASS_PROTOCOL))
        return script_send_bare(plan, x, out);
    while (row->class_id != plan->fail && row->class_id != WEIR_CLASS_INVALID_REQUEST)
        row++;
    parts[1] = weir_str_of(weir_class_name(plan->fail));
    if (plan->wrong.len) {
        parts[0] = WEIR_S("[simulated by Weir] cannot follow this part of the model's name: ");
        parts[1] = plan->wrong;
    }
    message = weir_str_join(&x->arena, parts, 2);
    WEIR_TRY(script_error_body(x, message, row->type, row->code, &body));
    script_init(&s, x, 2);
    script_step(&s, WEIR_STEP_BYTES, body);
    script_step(&s, WEIR_STEP_END, weir_str_make("", 0));
    return script_send(&s, plan->status && !plan->wrong.len ? plan->status : row->status,
                       plan->head_us, "application/json", plan->retry_after_us, out);
}

/* -- Answers ---------------------------------------------------------------------------------- */

static void script_write_usage(weir_writer *w, const struct sim_answer *a)
{
    int64_t completion = (int64_t)a->count + a->reasoning;

    weir_write_key(w, "usage");
    weir_write_begin_object(w);
    weir_write_key(w, "prompt_tokens");
    weir_write_int64(w, a->prompt_tokens);
    weir_write_key(w, "completion_tokens");
    weir_write_int64(w, completion);
    weir_write_key(w, "total_tokens");
    weir_write_int64(w, a->prompt_tokens + completion);
    weir_write_key(w, "completion_tokens_details");
    weir_write_begin_object(w);
    weir_write_key(w, "reasoning_tokens");
    weir_write_int64(w, a->reasoning);
    weir_write_end_object(w);
    weir_write_end_object(w);
}

/* Opens the object and writes what every answer and chunk begins with. */
static void script_write_front(weir_writer *w, const struct sim_answer *a, const weir_exchange *x,
                               const char *object)
{
    static const char hex[] = "0123456789abcdef";
    char id[24 + 16] = "chatcmpl-sim-";
    weir_str model[2] = { WEIR_S("sim/"), x->target->model };

    for (int i = 0; i < 16; i++)
        id[13 + i] = hex[a->hash >> (60 - 4 * i) & 15];
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, weir_str_make(id, 29));
    weir_write_key(w, "object");
    weir_write_literal(w, object);
    weir_write_key(w, "created");
    weir_write_int64(w, x->unix_us / 1000000);
    weir_write_key(w, "model");
    weir_write_string(w, weir_str_join(&x->arena, model, 2));
    weir_write_key(w, "system_fingerprint");
    weir_write_literal(w, "sim");
}

static const char *script_reason(const struct sim_answer *a)
{
    return a->cut_short ? "length" : a->tool.len ? "tool_calls" : "stop";
}

static void script_write_call_id(weir_writer *w, const struct sim_answer *a)
{
    char id[5 + WEIR_NUMBER_ROOM] = "call_";
    size_t n = weir_number_print_uint64(id + 5, a->hash);

    weir_write_key(w, "id");
    weir_write_string(w, weir_str_make(id, 5 + n));
    weir_write_key(w, "type");
    weir_write_literal(w, "function");
}

/* A string that is put together from tokens. */
static void script_write_tokens(weir_writer *w, const struct sim_answer *a)
{
    weir_write_comma(w);
    weir_write_byte(w, '"');
    for (uint32_t i = 0; i < a->count; i++)
        weir_write_escaped(w, a->token[i].ptr, a->token[i].len);
    weir_write_byte(w, '"');
}

static void script_write_message(weir_writer *w, const struct sim_answer *a)
{
    weir_write_key(w, "message");
    weir_write_begin_object(w);
    weir_write_key(w, "role");
    weir_write_literal(w, "assistant");
    if (a->reasoning) {
        weir_write_key(w, "reasoning_content");
        weir_write_comma(w);
        weir_write_byte(w, '"');
        for (uint32_t i = 0; i < a->reasoning; i++) {
            weir_str word = sim_filler(~a->hash, i);
            weir_write_bytes(w, word.ptr, word.len);
        }
        weir_write_byte(w, '"');
    }
    weir_write_key(w, "content");
    if (a->tool.len) {
        weir_write_null(w);
        weir_write_key(w, "tool_calls");
        weir_write_begin_array(w);
        weir_write_begin_object(w);
        script_write_call_id(w, a);
        weir_write_key(w, "function");
        weir_write_begin_object(w);
        weir_write_key(w, "name");
        weir_write_string(w, a->tool);
        weir_write_key(w, "arguments");
        script_write_tokens(w, a);
        weir_write_end_object(w);
        weir_write_end_object(w);
        weir_write_end_array(w);
    } else {
        script_write_tokens(w, a);
    }
    weir_write_key(w, "refusal");
    weir_write_null(w);
    weir_write_end_object(w);
}

weir_result sim_send_whole(const struct sim_plan *plan, const struct sim_answer *a,
                           const weir_exchange *x, const weir_http_sink *out)
{
    weir_writer w;
    weir_str body;

    weir_writer_init(&w, &x->arena, 512 + (size_t)a->count * 8);
    script_write_front(&w, a, x, "chat.completion");
    weir_write_key(&w, "choices");
    weir_write_begin_array(&w);
    weir_write_begin_object(&w);
    weir_write_key(&w, "index");
    weir_write_int64(&w, 0);
    script_write_message(&w, a);
    weir_write_key(&w, "logprobs");
    weir_write_null(&w);
    weir_write_key(&w, "finish_reason");
    weir_write_literal(&w, script_reason(a));
    weir_write_end_object(&w);
    weir_write_end_array(&w);
    if (!plan->no_usage)
        script_write_usage(&w, a);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));
    return sim_send_json(plan, plan->first_us + plan->each_us * ((int64_t)a->count + a->reasoning),
                         body, x, out);
}

weir_result sim_send_json(const struct sim_plan *plan, int64_t after_us, weir_str json,
                          const weir_exchange *x, const weir_http_sink *out)
{
    uint32_t last = WEIR_STEP_END;
    struct sim_script s;

    if (plan->fault == SIM_FAULT_ERROR)
        WEIR_TRY(script_error_body(x, WEIR_S("[simulated by Weir] an error in a good answer"),
                                   "server_error", "server_error", &json));
    else if (plan->fault == SIM_FAULT_GARBAGE)
        json = WEIR_S("{\"simulated\": nonsense");
    else if (plan->fault != SIM_FAULT_NONE || plan->no_finish)
        json.len /= 2;
    if (plan->fault == SIM_FAULT_CUT || plan->fault == SIM_FAULT_HALF)
        last = WEIR_STEP_CUT;
    else if (plan->fault == SIM_FAULT_STALL)
        last = WEIR_STEP_STALL;
    script_init(&s, x, 2);
    s.pause_us = after_us;
    script_step(&s, WEIR_STEP_BYTES, json);
    script_step(&s, last, weir_str_make("", 0));
    return script_send(&s, 200, plan->head_us, "application/json", -1, out);
}

/* -- Streams ---------------------------------------------------------------------------------- */

enum script_chunk { CHUNK_ROLE, CHUNK_REASONING, CHUNK_CALL, CHUNK_TOKEN, CHUNK_FINISH };

static void script_write_delta(weir_writer *w, const struct sim_answer *a, enum script_chunk what,
                               weir_str token)
{
    weir_write_key(w, "delta");
    weir_write_begin_object(w);
    if (what == CHUNK_ROLE) {
        weir_write_key(w, "role");
        weir_write_literal(w, "assistant");
    }
    if (what == CHUNK_CALL || (what == CHUNK_TOKEN && a->tool.len)) {
        weir_write_key(w, "tool_calls");
        weir_write_begin_array(w);
        weir_write_begin_object(w);
        weir_write_key(w, "index");
        weir_write_int64(w, 0);
        if (what == CHUNK_CALL)
            script_write_call_id(w, a);
        weir_write_key(w, "function");
        weir_write_begin_object(w);
        if (what == CHUNK_CALL) {
            weir_write_key(w, "name");
            weir_write_string(w, a->tool);
        }
        weir_write_key(w, "arguments");
        weir_write_string(w, token);
        weir_write_end_object(w);
        weir_write_end_object(w);
        weir_write_end_array(w);
    } else if (what != CHUNK_FINISH) {
        weir_write_key(w, what == CHUNK_REASONING ? "reasoning_content" : "content");
        if (what == CHUNK_ROLE && a->tool.len)
            weir_write_null(w);
        else
            weir_write_string(w, token);
    }
    weir_write_end_object(w);
}

/* One event; `front` is what all begin with. */
static weir_str script_chunk(const struct sim_answer *a, const weir_exchange *x, weir_str front,
                             enum script_chunk what, weir_str token)
{
    weir_writer w;
    weir_str bytes;

    weir_writer_init(&w, &x->arena, front.len + token.len + 160);
    weir_write_bytes(&w, front.ptr, front.len);
    weir_write_begin_object(&w);
    weir_write_key(&w, "index");
    weir_write_int64(&w, 0);
    script_write_delta(&w, a, what, token);
    weir_write_key(&w, "finish_reason");
    if (what == CHUNK_FINISH)
        weir_write_literal(&w, script_reason(a));
    else
        weir_write_null(&w);
    weir_write_end_object(&w);
    weir_write_bytes(&w, "]}\n\n", 4);
    return weir_writer_finish(&w, &bytes) == WEIR_OK ? bytes : weir_str_make(NULL, 0);
}

/* "data: {...,"choices":[" */
static weir_str script_front(const struct sim_answer *a, const weir_exchange *x)
{
    weir_str parts[3] = { WEIR_S("data: "), WEIR_S(""), WEIR_S(",\"choices\":[") };
    weir_writer w;

    weir_writer_init(&w, &x->arena, 256);
    script_write_front(&w, a, x, "chat.completion.chunk");
    weir_write_end_object(&w);
    if (weir_writer_finish(&w, &parts[1]) != WEIR_OK)
        return weir_str_make(NULL, 0);
    parts[1].len--; /* the brace comes later */
    return weir_str_join(&x->arena, parts, 3);
}

/* The planned fault; true if nothing follows it. */
static bool script_fault(struct sim_script *s, const struct sim_plan *plan, weir_str chunk)
{
    weir_str bytes = WEIR_S("data: {\"simulated\": nonsense\n\n");

    switch (plan->fault) {
    case SIM_FAULT_NONE:
        return false;
    case SIM_FAULT_CUT:
        script_step(s, WEIR_STEP_CUT, weir_str_make("", 0));
        break;
    case SIM_FAULT_HALF:
        script_step(s, WEIR_STEP_BYTES, weir_str_make(chunk.ptr, chunk.len / 2));
        script_step(s, WEIR_STEP_CUT, weir_str_make("", 0));
        break;
    case SIM_FAULT_STALL:
        script_step(s, WEIR_STEP_STALL, weir_str_make("", 0));
        break;
    case SIM_FAULT_ERROR:
        bytes = WEIR_S("data: {\"error\":{\"message\":\"[simulated by Weir] an error in the "
                       "stream\",\"type\":\"server_error\",\"code\":\"server_error\"}}\n\n");
        /* fall through */
    case SIM_FAULT_GARBAGE:
        script_step(s, WEIR_STEP_BYTES, bytes);
        script_step(s, WEIR_STEP_END, weir_str_make("", 0));
        break;
    }
    return true;
}

static weir_str script_usage_chunk(const struct sim_answer *a, const weir_exchange *x,
                                   weir_str front)
{
    weir_writer w;
    weir_str bytes;

    weir_writer_init(&w, &x->arena, front.len + 160);
    weir_write_bytes(&w, front.ptr, front.len);
    weir_write_bytes(&w, "],", 2);
    script_write_usage(&w, a);
    weir_write_bytes(&w, "}\n\n", 3);
    return weir_writer_finish(&w, &bytes) == WEIR_OK ? bytes : weir_str_make(NULL, 0);
}

static void script_end(struct sim_script *s, const struct sim_plan *plan,
                       const struct sim_answer *a, weir_str front)
{
    if (!plan->no_finish) {
        script_step(s, WEIR_STEP_BYTES,
                    script_chunk(a, s->x, front, CHUNK_FINISH, weir_str_make("", 0)));
        if (!plan->no_usage)
            script_step(s, WEIR_STEP_BYTES, script_usage_chunk(a, s->x, front));
        if (!plan->no_done)
            script_step(s, WEIR_STEP_BYTES, WEIR_S("data: [DONE]\n\n"));
    }
    script_step(s, WEIR_STEP_END, weir_str_make("", 0));
}

weir_result sim_send_stream(const struct sim_plan *plan, const struct sim_answer *a,
                            const weir_exchange *x, const weir_http_sink *out)
{
    weir_str front = script_front(a, x);
    struct sim_script s;
    bool over = false;

    if (!front.ptr)
        return WEIR_NO_MEMORY;
    script_init(&s, x, a->count + a->reasoning + 8);
    script_step(&s, WEIR_STEP_BYTES, script_chunk(a, x, front, CHUNK_ROLE, weir_str_make("", 0)));
    s.pause_us = plan->first_us;
    if (a->tool.len)
        script_step(&s, WEIR_STEP_BYTES,
                    script_chunk(a, x, front, CHUNK_CALL, weir_str_make("", 0)));
    for (uint32_t i = 0; i < a->reasoning + a->count && !over; i++) {
        bool thinks = i < a->reasoning;
        weir_str token = thinks ? sim_filler(~a->hash, i) : a->token[i - a->reasoning];
        weir_str chunk = script_chunk(a, x, front, thinks ? CHUNK_REASONING : CHUNK_TOKEN, token);

        over = i >= plan->fault_at && script_fault(&s, plan, chunk);
        if (!over)
            script_step(&s, WEIR_STEP_BYTES, chunk);
        s.pause_us = plan->each_us;
    }
    s.pause_us = 0;
    if (!over && !script_fault(&s, plan, front))
        script_end(&s, plan, a, front);
    return script_send(&s, 200, plan->head_us, "text/event-stream; charset=utf-8", -1, out);
}
