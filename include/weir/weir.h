/*
 * weir.h - libweir: the engine of the gateway inside a program.
 *
 *     weir_error error;
 *     weir_client *client = weir_client_open(NULL, &error);
 *     weir_request *request = weir_request_new("main");
 *     weir_request_user(request, "Why is the sky blue?");
 *     weir_response *response = weir_chat(client, request);
 *     if (weir_response_failure(response))
 *         ...
 *     puts(weir_response_text(response, 0).ptr);
 *
 * A client holds one configuration, the plugins it names, and a thread of its own, on which all
 * requests run side by side. Models, routes, failover and limits are those of the configuration.
 *
 *  - Threads: unless a function says otherwise it may be called from any thread at any time, for
 *    different objects and for the same client. One request or one response must not be changed by
 *    two threads at once; reading it from several is good.
 *  - Ownership: what a function returns for good is freed with the _free, _close or _release of its
 *    type. Arguments are copied. Strings handed out live as long as the object they came from, or
 *    for the duration of a callback.
 *  - Every weir_str that a function of this header returns has a pointer that is not NULL and is
 *    followed by a NUL that is not counted. A text may contain NULs of its own.
 *  - Strings given to functions are UTF-8 and end with a NUL. NULL for an optional one is allowed
 *    where that is said.
 *  - fork(): a child must not use what its parent opened.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/base.h>
#include <weir/event.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

/* A configuration in force, and the thread that serves it. */
typedef struct weir_client weir_client;
/* What is asked. */
typedef struct weir_request weir_request;
/* What came back: an answer or a failure. */
typedef struct weir_response weir_response;
/* A request on its way, see weir_chat_start(). */
typedef struct weir_call weir_call;

/* -- The library itself ------------------------------------------------------------------------ */

/* The version of the library, "0.1.0". Static. */
WEIR_API const char *weir_version(void);

/*
 * What the library writes to standard error, for the whole process: a level (debug, info, warning,
 * error, none), then levels by topic: "error,plugin=debug". Before the first client is opened, or
 * "error" is what counts. WEIR_INVALID: not such a list; nothing changes.
 */
WEIR_API weir_result weir_log_levels(const char *levels);

/* -- Clients ----------------------------------------------------------------------------------- */

/*
 * Opens a client from a configuration file. `path` NULL: the file that `weir` itself would find
 * (./weir.yaml, the user's, /etc/weir/weir.yaml), or, if there is none, the environment. Reads
 * files, loads plugins and takes its time. NULL: `error` (may be NULL) says what is wrong, with
 * file, line and column; `result` is WEIR_NOT_FOUND for a file that cannot be read, else
 * WEIR_INVALID.
 */
WEIR_API weir_client *weir_client_open(const char *path, weir_error *error);

/* The same from the text of a configuration (YAML). In messages its name is "text". */
WEIR_API weir_client *weir_client_open_text(const char *yaml, weir_error *error);

/* The same from the provider keys in the environment, a local Ollama if it answers, else the
 * simulator. weir_client_notes() says what was found. */
WEIR_API weir_client *weir_client_open_environment(weir_error *error);

/* What a person should know about where this configuration comes from: sentences, one a line, or
 * "". Lives as long as the client. */
WEIR_API const char *weir_client_notes(const weir_client *client);

/*
 * Closes the client. Calls that still run end as cancelled, and their callbacks have been called
 * when this returns. Responses and calls that were handed out stay valid. Once; not from a callback
 * of the client (nothing is done then); no function may be given the client afterwards. NULL is
 * allowed.
 */
WEIR_API void weir_client_close(weir_client *client);

/* -- Requests ----------------------------------------------------------------------------------
 *
 * The functions that build a request return WEIR_OK or WEIR_INVALID (a value that is no JSON, a
 * string that is no UTF-8). The request remembers the first fault, and every call with it fails
 * with class invalid_request and says what it was; so the results need not be looked at one by one.
 */

/* A chat request. `model`: a route, a model, an alias or "provider/model" of the configuration;
 * NULL: the default route. */
WEIR_API weir_request *weir_request_new(const char *model);

/*
 * A request from canonical JSON: an object after the schema of OpenAI's chat completions, or of
 * embeddings for weir_embed(). Members that are not known here are kept, bytes as they are; only
 * `stream` is decided by the function that makes the call. Everything below may be added to it.
 * NULL: it is not a JSON object; `error` (may be NULL) says where.
 */
WEIR_API weir_request *weir_request_from_json(const char *json, weir_error *error);

/* NULL is allowed. Calls made with the request go on. */
WEIR_API void weir_request_free(weir_request *request);

/* Asks for another model. NULL: none, the default route. */
WEIR_API weir_result weir_request_model(weir_request *request, const char *model);
/* Asks one provider of the configuration, past all routes. NULL: takes that back. */
WEIR_API weir_result weir_request_provider(weir_request *request, const char *provider);

/* Messages, in the order of the calls. */
WEIR_API weir_result weir_request_system(weir_request *request, const char *text);
WEIR_API weir_result weir_request_user(weir_request *request, const char *text);
WEIR_API weir_result weir_request_assistant(weir_request *request, const char *text);

/* Adds a picture to the user's message that was begun last, or begins one. */
WEIR_API weir_result weir_request_image_url(weir_request *request, const char *url);
/* The same from the bytes of a picture. `media_type`: "image/png". */
WEIR_API weir_result weir_request_image(weir_request *request, const char *media_type,
                                        const void *bytes, size_t len);

/* Adds the first choice of an answer as the assistant's message: its text and its tool calls.
 * WEIR_INVALID: the response holds no answer to a chat. */
WEIR_API weir_result weir_request_answer(weir_request *request, const weir_response *response);
/* Adds one tool call to the assistant's message added last, or begins one. `arguments` is JSON. */
WEIR_API weir_result weir_request_tool_call(weir_request *request, const char *id, const char *name,
                                            const char *arguments);
/* Adds the result of the tool call with that id. */
WEIR_API weir_result weir_request_tool_result(weir_request *request, const char *id,
                                              const char *text);

/* Offers a tool. `schema`: JSON schema of its arguments; NULL: none. `description` may be NULL. */
WEIR_API weir_result weir_request_tool(weir_request *request, const char *name,
                                       const char *description, const char *schema);
/* Demands an answer that follows a JSON schema (response_format json_schema, strict). */
WEIR_API weir_result weir_request_schema(weir_request *request, const char *name,
                                         const char *schema);

/* The longest answer, in tokens, reasoning included (max_completion_tokens). */
WEIR_API weir_result weir_request_max_tokens(weir_request *request, int64_t tokens);
WEIR_API weir_result weir_request_temperature(weir_request *request, double temperature);
/* Adds a text at which the answer ends. */
WEIR_API weir_result weir_request_stop(weir_request *request, const char *text);
WEIR_API weir_result weir_request_seed(weir_request *request, int64_t seed);

/* Sets any other member of the canonical request to a JSON value; NULL removes it. */
WEIR_API weir_result weir_request_member(weir_request *request, const char *name, const char *json);

/* -- Calls ------------------------------------------------------------------------------------- */

/*
 * One event of a stream. Its text is UTF-8 (WEIR_FORM_UTF8). Everything in it is valid during the
 * call only. Events come in the order that weir/event.h promises, and only from the one attempt
 * that answers; how the stream ends, well or badly, is in the response. Not 0: the call is
 * cancelled, and no further event comes.
 */
typedef int (*weir_on_event)(void *ctx, const weir_event *event);

/* The end of an asynchronous call, once. The response is the callee's to free. */
typedef void (*weir_on_done)(void *ctx, weir_response *response);

/*
 * Asks and waits for the whole answer. Never NULL: weir_response_failure() tells whether it is an
 * answer. Not from a callback of the same client, which would wait for itself: such a call fails
 * with class internal. The request may be changed or freed as soon as this returns.
 */
WEIR_API weir_response *weir_chat(weir_client *client, const weir_request *request);

/* The same with a stream: `on_event` is called on the calling thread as events come. The response
 * holds the whole answer as well, or what came of it. A slow callee slows down its own stream. */
WEIR_API weir_response *weir_chat_stream(weir_client *client, const weir_request *request,
                                         weir_on_event on_event, void *ctx);

/*
 * Asks and returns at once. The callbacks run on the client's own thread, maybe before this
 * returns; they hold up every other call of the client, and so must not block. With `on_event` the
 * answer is streamed; NULL: it is not. `on_done` is called exactly once, with whatever became of
 * the call. NULL: the client is being closed; `on_done` is not called.
 */
WEIR_API weir_call *weir_chat_start(weir_client *client, const weir_request *request,
                                    weir_on_event on_event, weir_on_done on_done, void *ctx);

/* Ends the call with class cancelled; what is done for it stops. `on_done` is still called, soon,
 * on the client's thread. A call that is over is left as it is. From callbacks too. */
WEIR_API void weir_call_cancel(weir_call *call);

/* Gives the call back; does not end it. Once. NULL is allowed. */
WEIR_API void weir_call_release(weir_call *call);

/* Embeddings: the request is canonical JSON with `model` and `input`, see weir_request_from_json().
 * The answer is in weir_response_json(). Otherwise as weir_chat(). */
WEIR_API weir_response *weir_embed(weir_client *client, const weir_request *request);

/* The models that can be asked for, from the configuration: {"object": "list", "data": [...]} in
 * weir_response_json(). No provider is asked. Otherwise as weir_chat(). */
WEIR_API weir_response *weir_models(weir_client *client);

/* -- Responses --------------------------------------------------------------------------------- */

/* NULL is allowed. */
WEIR_API void weir_response_free(weir_response *response);

/*
 * What went wrong: class_id and family (WEIR_CLASS_*), the status of the provider's answer (0: it
 * gave none), retry_after_us (-1: not told), message, code, param. NULL: the answer is whole. After
 * a failure the accessors give what had come of a stream.
 */
WEIR_API const weir_failure *weir_response_failure(const weir_response *response);
/* Name of a failure's class, "rate_limit". Static. */
WEIR_API const char *weir_failure_name(const weir_failure *failure);

/* How many choices there are; 0: no answer to a chat. A choice that is not there is empty. */
WEIR_API uint32_t weir_response_choices(const weir_response *response);
/* Text of a choice, all its blocks together; likewise what it thought and what it refused. */
WEIR_API weir_str weir_response_text(const weir_response *response, uint32_t choice);
WEIR_API weir_str weir_response_reasoning(const weir_response *response, uint32_t choice);
WEIR_API weir_str weir_response_refusal(const weir_response *response, uint32_t choice);

/* Tool calls of a choice, from 0. The arguments are JSON as the model wrote it, and nobody has
 * checked it. After a failure the last of them may be incomplete. */
WEIR_API uint32_t weir_response_tool_calls(const weir_response *response, uint32_t choice);
WEIR_API weir_str weir_response_tool_id(const weir_response *response, uint32_t choice,
                                        uint32_t call);
WEIR_API weir_str weir_response_tool_name(const weir_response *response, uint32_t choice,
                                          uint32_t call);
WEIR_API weir_str weir_response_tool_arguments(const weir_response *response, uint32_t choice,
                                               uint32_t call);

/* Why a choice ended: WEIR_FINISH_*; WEIR_FINISH_UNKNOWN if it did not. */
WEIR_API uint32_t weir_response_finish(const weir_response *response, uint32_t choice);
/* Name of a reason, "stop". Static. */
WEIR_API const char *weir_finish_name(uint32_t reason);

/* Tokens; -1 in every field that was not reported. Never NULL. */
WEIR_API const weir_usage *weir_response_usage(const weir_response *response);

/* Who answered (or failed last), under its name in the configuration, and the model it was asked
 * for; empty if no provider was asked. */
WEIR_API weir_str weir_response_provider(const weir_response *response);
WEIR_API weir_str weir_response_model(const weir_response *response);
/* How many attempts were made. */
WEIR_API uint32_t weir_response_attempts(const weir_response *response);

/* What was dropped or odd: how many, and each as "topic: text". */
WEIR_API uint32_t weir_response_warnings(const weir_response *response);
WEIR_API weir_str weir_response_warning(const weir_response *response, uint32_t i);

/* The answer as one JSON document: a chat as OpenAI's chat.completion, embeddings and models as
 * they are. Empty after a failure. */
WEIR_API weir_str weir_response_json(const weir_response *response);

#ifdef __cplusplus
}
#endif

#endif
