/*
 * mock_answers.c - what the mock provider says: a chat completion of 1.2 KB, the same as a message
 * of Anthropic's API, and streams of 50 events with the usage and the end that OpenAI's API has,
 * one chunk an event.
 */
#include "mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 50, HOLD_EVENTS = 600, TEXT = 800 };

static struct mock_answer answers[MOCK_ANSWERS];

/* What a vendor sends along; some of it a gateway has to read. */
#define VENDOR_HEADERS                                       \
    "Date: Mon, 05 Aug 2024 10:00:00 GMT\r\n"                \
    "Server: mock\r\n"                                       \
    "x-request-id: req_6f9619ff8b86d011b42d00cf4fc964ff\r\n" \
    "openai-processing-ms: 312\r\n"                          \
    "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n"

#define CHUNK_HEAD                                                                \
    "{\"id\":\"chatcmpl-9zXk3vT1qLw0Rj5s\",\"object\":\"chat.completion.chunk\"," \
    "\"created\":1722852000,\"model\":\"bench-model-2024-08-06\",\"system_fingerprint\":null,"

static void piece(struct mock_answer *a, const char *text, size_t len)
{
    size_t from = a->pieces ? a->ends[a->pieces - 1] : 0;

    a->bytes = realloc(a->bytes, from + len);
    a->ends = realloc(a->ends, (a->pieces + 1) * sizeof(size_t));
    if (!a->bytes || !a->ends)
        abort();
    memcpy(a->bytes + from, text, len);
    a->ends[a->pieces++] = from + len;
}

static void whole(int which, const char *status, const char *body)
{
    char head[1024];
    char text[8192];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\n" VENDOR_HEADERS
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     status, strlen(body));

    n = snprintf(text, sizeof text, "%.*s%s", n, head, body);
    piece(&answers[which], text, (size_t)n);
}

/* The same text in both APIs. */
static void answer_text(char text[TEXT + 1])
{
    size_t n = 0;

    while (n < TEXT)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "The gateway carries what was said, and adds nothing of its own.\\n");
    text[TEXT - 16] = '\0'; /* not inside an escape: the sentence repeats every 66 bytes */
    if (text[strlen(text) - 1] == '\\')
        text[strlen(text) - 1] = '.';
}

/* As the Messages API of Anthropic answers. */
static void message(void)
{
    char text[TEXT + 1];
    char body[2048];

    answer_text(text);
    snprintf(body, sizeof body,
             "{\"model\":\"bench-model-2024-08-06\",\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\","
             "\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
             "\"text\":\"%s\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{"
             "\"input_tokens\":250,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
             "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},"
             "\"output_tokens\":180,\"service_tier\":\"standard\"}}",
             text);
    whole(MOCK_MESSAGE, "200 OK", body);
}

static void completion(void)
{
    char text[TEXT + 1];
    char body[2048];

    answer_text(text);
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-9zXk3vT1qLw0Rj5s\",\"object\":\"chat.completion\","
             "\"created\":1722852000,\"model\":\"bench-model-2024-08-06\",\"choices\":[{"
             "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},"
             "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":250,"
             "\"completion_tokens\":180,\"total_tokens\":430,\"prompt_tokens_details\":{"
             "\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}},"
             "\"system_fingerprint\":null}",
             text);
    whole(MOCK_JSON, "200 OK", body);
}

/* Appends an event as a chunk of the transfer coding. */
static size_t event(char *to, size_t room, const char *data)
{
    return (size_t)snprintf(to, room, "%zx\r\ndata: %s\n\n\r\n", strlen(data) + 8, data);
}

/* The event number `i` of `count`: the role first, the finish reason last, and between them words
 * that differ; with the padding that OpenAI sends to hide their lengths. */
static size_t content(char *to, size_t room, int i, int count)
{
    static const char *const words[] = { " gateway", " a",   ".\\n",  " carries",
                                         " what",    " was", " said", " \xC2\xBBnever\xC2\xAB",
                                         ",",        " more" };
    static const char noise[] = "x8Kq0ZtV2mRb7Lw";
    char delta[64], data[512];

    snprintf(delta, sizeof delta, "{\"content\":\"%s\"}", words[i % 10]);
    snprintf(data, sizeof data,
             CHUNK_HEAD "\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,"
                        "\"finish_reason\":%s}],\"usage\":null,\"obfuscation\":\"%.*s\"}",
             i == 0           ? "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"
             : i == count - 1 ? "{}"
                              : delta,
             i == count - 1 ? "\"stop\"" : "null", i * 7 % 15 + 1, noise);
    return event(to, room, data);
}

static void stream(int which, int count, bool at_once)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\n" VENDOR_HEADERS "Content-Type: text/event-stream; charset=utf-8\r\n"
        "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t room = sizeof head + ((size_t)count + 3) * 512;
    char *text = malloc(room);
    size_t n = sizeof head - 1;

    if (!text)
        abort();
    memcpy(text, head, n);
    for (int i = 0; i < count; i++) {
        n += content(text + n, room - n, i, count);
        if (!at_once) {
            piece(&answers[which], text, n);
            n = 0;
        }
    }
    n += event(text + n, room - n,
               CHUNK_HEAD "\"choices\":[],\"usage\":{\"prompt_tokens\":250,"
                          "\"completion_tokens\":48,\"total_tokens\":298}}");
    n += event(text + n, room - n, "[DONE]");
    n += (size_t)snprintf(text + n, room - n, "0\r\n\r\n");
    piece(&answers[which], text, n);
    free(text);
}

void mock_answers_init(void)
{
    completion();
    message();
    whole(MOCK_FAIL, "503 Service Unavailable",
          "{\"error\":{\"message\":\"The server is overloaded. Please try again later.\","
          "\"type\":\"server_error\",\"param\":null,\"code\":null}}");
    whole(MOCK_REFUSE, "411 Length Required", "{\"error\":{\"message\":\"no Content-Length\"}}");
    stream(MOCK_SSE, EVENTS, true);
    stream(MOCK_SPACED, EVENTS, false);
    stream(MOCK_HOLD, HOLD_EVENTS, false);
    answers[MOCK_SPACED].gap_us = 1000;
    answers[MOCK_HOLD].gap_us = 500000;
    answers[MOCK_HOLD].queue = 1;
}

const struct mock_answer *mock_answer(int which)
{
    return &answers[which];
}

const struct mock_answer *mock_answer_for(const char *target, size_t len)
{
    if (memmem(target, len, "/messages", 9))
        return &answers[MOCK_MESSAGE];
    if (memmem(target, len, "/sse/", 5))
        return &answers[MOCK_SSE];
    if (memmem(target, len, "/spaced/", 8))
        return &answers[MOCK_SPACED];
    if (memmem(target, len, "/hold/", 6))
        return &answers[MOCK_HOLD];
    return &answers[MOCK_JSON];
}
