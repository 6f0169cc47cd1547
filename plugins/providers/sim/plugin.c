/*
 * sim - a provider without a vendor: scripted answers, delays and faults, no network.
 *
 *   providers:
 *     sim: { plugin: sim, reply: "Hello.", tokens_per_second: 50, first_token: 200ms }
 *
 * It speaks the OpenAI API as its own, so requests and answers are passed through and translated
 * like those of a real vendor. The same request under the same `seed` is answered the same. Every
 * answer says that it is simulated: in its text, in the model's name ("sim/...") and with the
 * header x-weir-simulated.
 *
 * The name of the model may order something. Words are joined by '+', the rest of a name means
 * nothing: any model can be asked for.
 *
 *   echo              says what the last user message said
 *   count:N           says exactly N tokens
 *   reason[:N]        thinks for N tokens first (8)
 *   tools             calls the first tool offered, with arguments after its schema; also without
 *                     the word if tool_choice demands a call
 *   json              JSON after response_format; also without the word if that is set
 *   head:TIME         waits before the response head          (latency)
 *   first:TIME        waits before the first token            (first_token)
 *   slow:TIME         waits between tokens                    (tokens_per_second)
 *   fail:CLASS        fails so: rate_limit, server_error, connection, ... (fail)
 *   status:N          fails with that HTTP status             (status)
 *   retry-after[:TIME]  fails, with rate_limit if nothing else is said, and says when to come back
 *   refused, silent   no connection; no answer
 *   cut[:N]           the connection breaks after N tokens, between two chunks
 *   half-chunk[:N]    the same inside a chunk
 *   stall[:N]         after N tokens nothing comes any more
 *   garbage[:N]       after N tokens comes what is not JSON
 *   error-in-200[:N]  after N tokens comes an error object
 *   no-finish         the stream ends cleanly without a finish reason
 *   no-done           the stream ends without [DONE], which is allowed
 *   no-usage          no usage is reported
 *
 * For example "fail:overloaded+retry-after:2s", "reason:20+count:100+slow:10ms", "echo+cut:5".
 */
#include "sim.h"

#include <weir/plugin.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/sink.h>

#include "../../apis/openai/decode.h"

#define SIM_OPTIONS(O)                                                                        \
    O(STRING, "reply", NULL, NULL, WEIR_OPTION_RELOADABLE, "what is said; default: filler")   \
    O(INT, "tokens", "24", NULL, WEIR_OPTION_RELOADABLE, "how much filler")                   \
    O(DURATION, "latency", "0", NULL, WEIR_OPTION_RELOADABLE, "before the response head")     \
    O(DURATION, "first_token", "0", NULL, WEIR_OPTION_RELOADABLE, "before the first token")   \
    O(NUMBER, "tokens_per_second", "0", NULL, WEIR_OPTION_RELOADABLE, "pace; 0: all at once") \
    O(INT, "seed", "0", NULL, WEIR_OPTION_RELOADABLE, "another seed, other answers")          \
    O(STRING, "fail", NULL, NULL, WEIR_OPTION_RELOADABLE, "failure class to fail with")       \
    O(INT, "status", "0", NULL, WEIR_OPTION_RELOADABLE, "HTTP status to fail with")           \
    O(INT, "fail_every", "1", NULL, WEIR_OPTION_RELOADABLE,                                   \
      "how rarely `fail` or `status` happens: one attempt in so many, drawn by the exchange") \
    O(BOOL, "mark", "true", NULL, WEIR_OPTION_RELOADABLE, "begin texts with [simulated by Weir]")

static const weir_option sim_options[] = { SIM_OPTIONS(WEIR_OPTION_ROW) };

static void sim_release(void *cfg)
{
    struct sim_config *c = (struct sim_config *)cfg;

    if (c)
        free(c->reply);
    free(c);
}

static weir_result sim_check(struct sim_config *c, const weir_json *options, weir_error *error)
{
    weir_str fail = weir_json_inner(options, weir_json_find(options, 0, "fail"));

    c->fail = weir_class_by_name(fail);
    if (fail.len && !c->fail && weir_json_is_string(options, weir_json_find(options, 0, "fail")))
        return weir_error_set(error, WEIR_INVALID, "fail",
                              "is not a failure class; known are rate_limit, server_error, ...");
    if (c->status && (c->status < 400 || c->status > 599))
        return weir_error_set(error, WEIR_INVALID, "status", "must be from 400 to 599, or 0");
    if (!(c->tokens_per_second >= 0))
        return weir_error_set(error, WEIR_INVALID, "tokens_per_second", "must not be negative");
    if (c->tokens < 0 || c->tokens > 100000)
        return weir_error_set(error, WEIR_INVALID, "tokens", "must be from 0 to 100000");
    return WEIR_OK;
}

static weir_result sim_configure(const weir_host *host, const weir_json *options, void **cfg,
                                 weir_error *error)
{
    struct sim_config *c = (struct sim_config *)calloc(1, sizeof(*c));
    weir_result result;
    (void)host;

    if (!c)
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    c->reply = weir_option_string(options, "reply");
    if (!c->reply) {
        free(c);
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    }
    c->tokens = weir_option_int64(options, "tokens", 24);
    c->latency_us = weir_option_int64(options, "latency", 0);
    c->first_token_us = weir_option_int64(options, "first_token", 0);
    c->tokens_per_second = weir_option_double(options, "tokens_per_second", 0);
    c->seed = (uint64_t)weir_option_int64(options, "seed", 0);
    c->status = weir_option_int64(options, "status", 0);
    c->fail_every = weir_option_int64(options, "fail_every", 1);
    c->mark = weir_option_bool(options, "mark", true);
    result = sim_check(c, options, error);
    if (result != WEIR_OK) {
        sim_release(c);
        return result;
    }
    *cfg = c;
    return WEIR_OK;
}

static weir_result sim_send_models(const struct sim_plan *plan, const weir_exchange *x,
                                   const weir_http_sink *out)
{
    static const char *const names[] = { "sim-fast", "echo", "tools", "json", "reason" };
    weir_writer w;
    weir_str body;

    weir_writer_init(&w, &x->arena, 512);
    weir_write_begin_object(&w);
    weir_write_key(&w, "object");
    weir_write_literal(&w, "list");
    weir_write_key(&w, "data");
    weir_write_begin_array(&w);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        weir_write_begin_object(&w);
        weir_write_key(&w, "id");
        weir_write_literal(&w, names[i]);
        weir_write_key(&w, "object");
        weir_write_literal(&w, "model");
        weir_write_key(&w, "created");
        weir_write_int64(&w, 0);
        weir_write_key(&w, "owned_by");
        weir_write_literal(&w, "weir-simulator");
        weir_write_end_object(&w);
    }
    weir_write_end_array(&w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));
    return sim_send_json(plan, 0, body, x, out);
}

static weir_result sim_send_forwarded(const struct sim_plan *plan, const weir_exchange *x,
                                      const weir_http_sink *out)
{
    weir_writer w;
    weir_str body;

    weir_writer_init(&w, &x->arena, 256);
    weir_write_begin_object(&w);
    weir_write_key(&w, "simulated");
    weir_write_bool(&w, true);
    weir_write_key(&w, "method");
    weir_write_string(&w, x->method);
    weir_write_key(&w, "path");
    weir_write_string(&w, x->path);
    weir_write_key(&w, "bytes");
    weir_write_uint64(&w, x->body.len);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));
    return sim_send_json(plan, 0, body, x, out);
}

static weir_result sim_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const struct sim_config *c = (const struct sim_config *)cfg;
    struct sim_plan plan = sim_plan_read(c, x);
    struct sim_answer answer;

    if (plan.wrong.len || plan.fail || plan.refused || plan.silent)
        return sim_send_failure(&plan, x, out);
    switch (x->op) {
    case WEIR_OP_CHAT:
        WEIR_TRY(sim_compose(c, x, &plan, &answer));
        return x->stream ? sim_send_stream(&plan, &answer, x, out)
                         : sim_send_whole(&plan, &answer, x, out);
    case WEIR_OP_EMBED:
        return sim_send_embeddings(c, &plan, x, out);
    case WEIR_OP_MODELS:
        return sim_send_models(&plan, x, out);
    case WEIR_OP_FORWARD:
        return sim_send_forwarded(&plan, x, out);
    default:
        return WEIR_UNSUPPORTED;
    }
}

static weir_result sim_head(void *cfg, void *st, const weir_exchange *x,
                            const weir_response_head *head, const weir_events *out)
{
    (void)cfg;
    return oai_decode_head((struct oai_decoder *)st, x, head, out);
}

static weir_result sim_frame(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                             const weir_events *out)
{
    bool hide = x->native && !x->asked_usage;

    (void)cfg;
    return oai_decode_frame((struct oai_decoder *)st, x, frame, hide, out);
}

static const char *const sim_native[] = { "openai.chat", NULL };
static const char *const sim_forward_headers[] = { NULL };
static const char *const sim_globs[] = { "sim-*", NULL };

static const weir_provider_v1 sim_face = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT) | WEIR_OP_BIT(WEIR_OP_EMBED) | WEIR_OP_BIT(WEIR_OP_MODELS) |
           WEIR_OP_BIT(WEIR_OP_FORWARD),
    .decoder_size = sizeof(struct oai_decoder),
    .can = WEIR_CAN_STREAM | WEIR_CAN_TOOLS | WEIR_CAN_IMAGES | WEIR_CAN_AUDIO |
           WEIR_CAN_DOCUMENTS | WEIR_CAN_JSON_MODE | WEIR_CAN_JSON_SCHEMA | WEIR_CAN_REASONING |
           WEIR_CAN_SEED | WEIR_CAN_PREFILL | WEIR_CAN_EMBEDDINGS | WEIR_CAN_PARALLEL_TOOLS,
    .native = sim_native,
    .forward_headers = sim_forward_headers,
    .model_globs = sim_globs,
    .default_base_url = "http://simulator.invalid",
    .options = WEIR_ARRAY_OF(sim_options),
    .configure = sim_configure,
    .release = sim_release,
    .encode = sim_encode,
    .head = sim_head,
    .frame = sim_frame,
};

static const weir_part sim_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "sim", &sim_face };
static const weir_part *const sim_parts[] = { &sim_part };

WEIR_PLUGIN("weir.sim", "1.0", sim_parts, WEIR_TEXT_PART("provider", "sim", SIM_OPTIONS))
