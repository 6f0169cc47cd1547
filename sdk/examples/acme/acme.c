/*
 * acme - a provider with a wire format of its own, in one file, from the public headers alone.
 *
 *   cc $(pkg-config --cflags --libs weir-plugin) -o acme.so acme.c
 *
 *   providers:
 *     acme: { plugin: acme, base_url: http://127.0.0.1:7070, models: [bard], mood: loud }
 *
 * Acme is made up (server.py beside this file plays it). It is asked with
 *
 *   POST /say   {"voice": "bard", "mood": "loud", "limit": 100,
 *                "heard": [{"from": "user", "words": "Hello"}, ...]}
 *
 * and answers with one JSON object a line, however it was asked:
 *
 *   {"say": "Hel"}
 *   {"say": "lo."}
 *   {"over": "done", "heard": 12, "said": 2}      "done", or "limit" if it had to stop
 *
 * What goes wrong is {"oops": "why"}, with an HTTP status or in the middle of an answer.
 *
 * The gateway does all the rest: it connects, retries, times, streams and speaks OpenAI to the
 * application. A provider part says what the request looks like and what each line means.
 */
#include <weir/plugin.h>
#include <weir/sdk/blocks.h>
#include <weir/sdk/configure.h>
#include <weir/sdk/retry.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

/* What may stand in the configuration beyond what every provider has. Listed once: the gateway
 * checks against the table, and `weir plugins show` prints it without loading this file. */
#define ACME_OPTIONS(O) O(STRING, "mood", "calm", "calm|loud", 0, "how Acme speaks")

static const weir_option acme_options[] = { ACME_OPTIONS(WEIR_OPTION_ROW) };

/* A configured provider; read only once it is made. */
struct acme {
    char *mood;
};

/* What is known of one answer so far. The host gives it zeroed; it holds no pointers. */
struct acme_answer {
    int64_t retry_after_us;
    uint16_t status;
    uint8_t begun; /* a piece of the answer came */
    uint8_t over;  /* nothing more is read */
};

static void acme_release(void *cfg)
{
    struct acme *acme = (struct acme *)cfg;

    free(acme->mood);
    free(acme);
}

static weir_result acme_configure(const weir_host *host, const weir_json *options, void **cfg,
                                  weir_error *error)
{
    struct acme *acme = (struct acme *)calloc(1, sizeof(*acme));
    (void)host;

    if (acme)
        acme->mood = weir_option_string(options, "mood");
    if (!acme || !acme->mood) {
        free(acme);
        return weir_error_set(error, WEIR_NO_MEMORY, "", "out of memory");
    }
    *cfg = acme;
    return WEIR_OK;
}

/* -- Requests out: canonical JSON becomes Acme's ---------------------------------------------- */

/* One element of "heard" for each text of a message. Texts keep the form they came in: nobody
 * unescapes them on the way. */
static void acme_write_message(weir_writer *w, const weir_json *request, uint32_t message)
{
    weir_blocks blocks = weir_blocks_of(request, message);
    weir_message_block block;

    while (weir_blocks_next(&blocks, &block)) {
        if (block.kind != WEIR_BLOCK_TEXT)
            continue;
        weir_write_begin_object(w);
        weir_write_key(w, "from");
        weir_write_value(w, request, weir_json_find(request, message, "role"));
        weir_write_key(w, "words");
        weir_write_text(w, block.text);
        weir_write_end_object(w);
    }
}

/* Says which members of the request Acme has no word for: the application is told, and under
 * `loss: strict` the request goes elsewhere. */
static weir_result acme_report_dropped(const weir_exchange *x, const weir_http_sink *out)
{
    static const char *const known[] = { "model",  "messages",       "max_tokens",
                                         "stream", "stream_options", "max_completion_tokens" };

    WEIR_JSON_EACH_MEMBER(x->request, 0, key, value)
    {
        weir_str parts[2] = { WEIR_S("/"), weir_json_str(x->request, key, &x->arena) };
        bool found = weir_json_is_null(x->request, value);

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found |= weir_json_is(x->request, key, known[i]);
        if (!found)
            WEIR_TRY(out->dropped(out->ctx, weir_str_join(&x->arena, parts, 2),
                                  WEIR_S("Acme has no such parameter")));
    }
    return WEIR_OK;
}

static weir_result acme_encode(void *cfg, const weir_exchange *x, const weir_http_sink *out)
{
    const weir_json *request = x->request;
    uint32_t limit = weir_json_find(request, 0, "max_completion_tokens");
    weir_str body;
    weir_writer w;

    if (weir_json_type(request, limit) == 0)
        limit = weir_json_find(request, 0, "max_tokens");
    weir_writer_init(&w, &x->arena, request->bytes.len + 256);
    weir_write_begin_object(&w);
    weir_write_key(&w, "voice");
    weir_write_string(&w, x->target->model);
    weir_write_key(&w, "mood");
    weir_write_literal(&w, ((const struct acme *)cfg)->mood);
    if (weir_json_is_number(request, limit)) {
        weir_write_key(&w, "limit");
        weir_write_value(&w, request, limit);
    }
    weir_write_key(&w, "heard");
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(request, weir_json_find(request, 0, "messages"), message)
    {
        acme_write_message(&w, request, message);
    }
    weir_write_end_array(&w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));

    WEIR_TRY(weir_http_line(out, "POST", WEIR_S("/say")));
    WEIR_TRY(weir_http_bearer(out, &x->arena, x->target->credential));
    WEIR_TRY(weir_http_header(out, "content-type", WEIR_S("application/json")));
    WEIR_TRY(acme_report_dropped(x, out));
    return out->body(out->ctx, body);
}

/* -- Answers in: Acme's lines become events --------------------------------------------------- */

static weir_result acme_head(void *cfg, void *st, const weir_exchange *x,
                             const weir_response_head *head, const weir_events *out)
{
    struct acme_answer *answer = (struct acme_answer *)st;
    (void)cfg;
    (void)out;

    answer->status = (uint16_t)head->status;
    answer->retry_after_us = weir_retry_after_us(head->headers, head->header_count, x->unix_us);
    return head->status == 200 ? WEIR_FRAME_LINES : WEIR_FRAME_WHOLE;
}

/* An error, with its HTTP status or inside an answer that began well. */
static weir_result acme_oops(struct acme_answer *answer, const weir_exchange *x, weir_text why,
                             const weir_events *out)
{
    uint16_t class_id = weir_class_from_status(answer->status);
    weir_failure failure =
        weir_failure_make(class_id ? class_id : (uint16_t)WEIR_CLASS_SERVER_ERROR, answer->status,
                          weir_text_to_utf8(&x->arena, why));

    failure.retry_after_us = answer->retry_after_us;
    answer->over = 1;
    return weir_emit_error(out, &failure);
}

static weir_result acme_say(struct acme_answer *answer, const weir_exchange *x, weir_text words,
                            const weir_events *out)
{
    if (!answer->begun)
        WEIR_TRY(weir_emit_start(out, WEIR_S(""), x->target->model, WEIR_S("")));
    answer->begun = 1;
    return weir_emit_text(out, 0, 0, words); /* the block is opened and closed by the host */
}

/* The terminal line: only now the answer is complete. */
static weir_result acme_over(struct acme_answer *answer, const weir_json *line, uint32_t reason,
                             const weir_events *out)
{
    weir_usage usage = weir_usage_unknown();

    weir_json_int64(line, weir_json_find(line, 0, "heard"), &usage.input_total);
    weir_json_int64(line, weir_json_find(line, 0, "said"), &usage.output_total);
    answer->over = 1;
    WEIR_TRY(weir_emit_usage(out, &usage));
    return weir_emit_finish(
        out, 0, weir_json_is(line, reason, "limit") ? WEIR_FINISH_LENGTH : WEIR_FINISH_STOP,
        weir_json_inner(line, reason));
}

/* One line of an answer, or the whole body of a refusal. A connection that breaks needs no code:
 * without a `finish`, the host does not take the answer for whole. */
static weir_result acme_frame(void *cfg, void *st, const weir_exchange *x, const weir_frame *frame,
                              const weir_events *out)
{
    struct acme_answer *answer = (struct acme_answer *)st;
    const weir_json *line = frame->json;
    uint32_t value;
    (void)cfg;

    if (answer->over || (answer->status == 200 && !weir_str_trim(frame->data).len))
        return WEIR_OK;
    if (!line && answer->status != 200)
        return acme_oops(answer, x, weir_text_from(frame->data), out);
    if (!line || !weir_json_is_object(line, 0))
        return weir_emit_protocol(out, answer->status, "a line of the answer is no JSON object");
    value = weir_json_find(line, 0, "oops");
    if (weir_json_is_string(line, value) || answer->status != 200)
        return acme_oops(answer, x, weir_json_text(line, value), out);
    value = weir_json_find(line, 0, "say");
    if (weir_json_is_string(line, value))
        return acme_say(answer, x, weir_json_text(line, value), out);
    value = weir_json_find(line, 0, "over");
    return weir_json_is_string(line, value) ? acme_over(answer, line, value, out) : WEIR_OK;
}

static const weir_provider_v1 acme_face = {
    .struct_size = sizeof(weir_provider_v1),
    .ops = WEIR_OP_BIT(WEIR_OP_CHAT),
    .decoder_size = sizeof(struct acme_answer),
    .can = WEIR_CAN_STREAM, /* so nobody sends pictures or tools here */
    .options = WEIR_ARRAY_OF(acme_options),
    .configure = acme_configure,
    .release = acme_release,
    .encode = acme_encode,
    .head = acme_head,
    .frame = acme_frame,
};

static const weir_part acme_part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "acme", &acme_face };
static const weir_part *const acme_parts[] = { &acme_part };

WEIR_PLUGIN("org.example.acme", "1.0", acme_parts, WEIR_TEXT_PART("provider", "acme", ACME_OPTIONS))
