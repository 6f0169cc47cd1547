"""Four providers as they answer on the wire, for the examples in sdk/examples/routing."""

import json

from harness import upstream, vendors

SUMMARY = json.dumps({"title": "Version 2", "points": ["faster", "smaller"]})
MODELS = ("claude-3-opus-20240229", "claude-3-5-sonnet-20241022")  # of Anthropic's
KEYS = {"openai": "sk-openai-0123456789", "anthropic": "sk-ant-0123456789",
        "gemini": "gemini-key-0123456789"}


def _key_of(record):
    headers = record.headers
    return headers.get("x-api-key") or headers.get("x-goog-api-key") or \
        headers.get("authorization", "").replace("Bearer ", "")


def _streamed(name, vendor, asked, model):
    return vendors.answer(vendor, [name, " says: one", ", two", ", three"], model)


def openai(record):
    asked = record.json()
    if asked.get("stream"):
        return _streamed("openai", vendors.OPENAI, asked, asked["model"])
    text = SUMMARY if "response_format" in asked else "openai says hello"
    return upstream.chat(text, asked["model"])


def anthropic(record):
    asked = record.json()
    if asked["model"] not in MODELS:
        return upstream.jsonr({"type": "error", "error": {
            "type": "not_found_error", "message": "model: " + asked["model"]}}, 404,
            cls="not_found")
    if asked.get("stream"):
        return _streamed("anthropic", vendors.ANTHROPIC, asked, asked["model"])
    block = {"type": "text", "text": "anthropic says hello"}
    if asked.get("tool_choice"):           # how its older models are asked for a schema
        block = {"type": "tool_use", "id": "toolu_1", "name": asked["tool_choice"]["name"],
                 "input": json.loads(SUMMARY)}
    elif "output_config" in asked:
        block["text"] = SUMMARY
    return upstream.jsonr({
        "id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"],
        "content": [block], "stop_sequence": None,
        "stop_reason": "tool_use" if block["type"] == "tool_use" else "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 5}}, usage=upstream.counted(7, 5))


def gemini(record):
    asked = record.json()
    model = record.path.split("/models/")[1].split(":")[0]
    if "streamGenerateContent" in record.path:
        return _streamed("gemini", vendors.GEMINI, asked, model)
    wants = "responseMimeType" in asked.get("generationConfig", {})
    return upstream.jsonr({"candidates": [{"index": 0, "finishReason": "STOP", "content": {
        "role": "model", "parts": [{"text": SUMMARY if wants else "gemini says hello"}]}}],
        "modelVersion": model, "usageMetadata": {
            "promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}},
        usage=upstream.counted(7, 5))


def ollama(record):
    asked = record.json()
    if asked.get("stream"):
        return _streamed("local", vendors.OLLAMA, asked, asked["model"])
    text = SUMMARY if "format" in asked else "local says hello"
    return upstream.jsonr({"model": asked["model"], "created_at": vendors.AT, "done": True,
                           "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 5,
                           "message": {"role": "assistant", "content": text}},
                          usage=upstream.counted(7, 5))


WRONG_KEY = {"openai": "Incorrect API key provided", "anthropic": "invalid x-api-key",
             "gemini": "API key not valid"}
REFUSALS = {
    "openai": (401, {"error": {"message": "Incorrect API key provided: sk-of*********else.",
                               "type": "invalid_request_error", "param": None,
                               "code": "invalid_api_key"}}),
    "anthropic": (401, {"type": "error", "error": {"type": "authentication_error",
                                                   "message": "invalid x-api-key"}}),
    "gemini": (400, {"error": {
        "code": 400, "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT", "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
            "domain": "googleapis.com"}]}}),
}


def guarded(name, answer):
    """Refuses another key than its own, as vendors do."""
    def check(record):
        if KEYS.get(name) and _key_of(record) != KEYS[name]:
            status, body = REFUSALS[name]
            return upstream.jsonr(body, status, cls="authentication")
        return answer(record)
    return check


ANSWERS = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "local": ollama}
