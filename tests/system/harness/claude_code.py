"""What Claude Code sends: its headers and its requests, and answers in its provider's form."""

import json

BETAS = ("claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14,"
         "fine-grained-tool-streaming-2025-05-14,context-management-2025-06-27")
CHAT, COUNT = "/v1/messages?beta=true", "/v1/messages/count_tokens?beta=true"
MODEL, SMALL = "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"
CACHED = {"type": "ephemeral"}
SIGNATURE = "EqQBCgIYAhIkNGI2Zj/+A0MjUtYWM0Zi00ZDU4LWE2YzQtZGY0ZGU2ZjQ0YzQ0GgwIAh=="
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
       "Jggg==")

HEADERS = [
    ("Accept", "application/json"), ("X-Stainless-Retry-Count", "0"),
    ("X-Stainless-Timeout", "600"), ("X-Stainless-Lang", "js"),
    ("X-Stainless-Package-Version", "0.60.0"), ("X-Stainless-OS", "Linux"),
    ("X-Stainless-Arch", "x64"), ("X-Stainless-Runtime", "node"),
    ("X-Stainless-Runtime-Version", "v24.3.0"), ("x-stainless-helper-method", "stream"),
    ("anthropic-dangerous-direct-browser-access", "true"), ("anthropic-version", "2023-06-01"),
    ("Authorization", "Bearer sk-ant-oat01-the-application-s"), ("x-app", "cli"),
    ("User-Agent", "claude-cli/2.0.14 (external, cli)"),
    ("content-type", "application/json"), ("anthropic-beta", BETAS), ("accept-language", "*"),
    ("sec-fetch-mode", "cors"), ("accept-encoding", "gzip, deflate")]


def _tool(name, required, **properties):
    return {"name": name, "description": "%s: what it does, in many words. " % name * 40,
            "input_schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
                             "properties": properties, "required": required,
                             "additionalProperties": False}}


def tools():
    """Many, the last one with the mark of the cache."""
    path = {"type": "string", "description": "The absolute path"}
    edits = {"type": "array", "minItems": 1, "items": {
        "type": "object", "required": ["old_string", "new_string"], "additionalProperties": False,
        "properties": {"old_string": {"type": "string"}, "new_string": {"type": "string"},
                       "replace_all": {"type": "boolean", "default": False}}}}
    out = [_tool("Bash", ["command"], command={"type": "string"},
                 timeout={"type": "number", "description": "in milliseconds (max 600000)"}),
           _tool("Read", ["file_path"], file_path=path, offset={"type": "number"},
                 limit={"type": "number"}),
           _tool("MultiEdit", ["file_path", "edits"], file_path=path, edits=edits),
           _tool("WebFetch", ["url", "prompt"], url={"type": "string", "format": "uri"},
                 prompt={"type": "string"}),
           _tool("TodoWrite", ["todos"], todos={"type": "array", "items": {
               "type": "object", "required": ["content", "status"], "properties": {
                   "content": {"type": "string", "minLength": 1},
                   "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]}}}}),
           {"name": "ExitPlanMode", "description": "Ends it.",
            "input_schema": {"type": "object", "properties": {}}}]
    out += [_tool("mcp__server__tool_%d" % i, [], text={"type": "string"}) for i in range(40)]
    out[-1]["cache_control"] = CACHED
    return out


def system():
    """Several blocks, 60 kB, with everything that needs an escape."""
    rules = "Use the tools: \"Bash\", \\ and \t tabs, \u00e9\u20ac\U0001f600 and </tags>.\n" * 900
    return [{"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude.",
             "cache_control": CACHED},
            {"type": "text", "text": rules, "cache_control": CACHED},
            {"type": "text", "text": "Git status: clean"}]


def request(*turns, **more):
    """The request of a turn; more members replace its own, None leaves one out."""
    first = {"role": "user", "content": [
        {"type": "text", "text": "<system-reminder>\nAs you answer, remember.\n</system-reminder>"},
        {"type": "text", "text": "Fix the bug", "cache_control": CACHED}]}
    body = {"model": MODEL, "messages": [first, *turns], "temperature": 1, "system": system(),
            "tools": tools(), "metadata": {"user_id": "user_0a1b_account__session_c0ffee"},
            "max_tokens": 32000, "thinking": {"budget_tokens": 31999, "type": "enabled"},
            "stream": True}
    body.update(more)
    return {name: value for name, value in body.items() if value is not None}


def history():
    """What was said and done since: thoughts, two calls at once, their results, one more round."""
    return [
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Let me look.", "signature": SIGNATURE},
            {"type": "text", "text": "I will read it."},
            {"type": "tool_use", "id": "toolu_01A", "name": "Read",
             "input": {"file_path": "/a/b.c", "limit": 20}},
            {"type": "tool_use", "id": "toolu_01B", "name": "Bash",
             "input": {"command": "grep -n \"x\\y\" '/a/b.c'"}}]},
        {"role": "user", "content": [
            {"tool_use_id": "toolu_01A", "type": "tool_result", "content": [
                {"type": "text", "text": "     1\u2192int main(void)\n"}]},
            {"tool_use_id": "toolu_01B", "type": "tool_result", "is_error": True,
             "content": "grep: no such file"}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "A picture, then.", "signature": SIGNATURE},
            {"type": "tool_use", "id": "toolu_01C", "name": "Read",
             "input": {"file_path": "/a/b.png"}}]},
        {"role": "user", "content": [
            {"tool_use_id": "toolu_01C", "type": "tool_result", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                             "data": PNG}}]},
            {"type": "text", "text": "Go on", "cache_control": CACHED}]}]


def counting(*turns):
    """What it asks to know how long a prompt is."""
    return request(*turns, temperature=None, metadata=None, max_tokens=None, stream=None)


def written(body):
    """As JavaScript writes it: no blanks, no escapes that need not be."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


# -- Answers ----------------------------------------------------------------------------------


def anthropic_events():
    """A whole answer of Anthropic's, one event a piece: a thought, a text, two calls, a ping."""
    usage = {"input_tokens": 4, "cache_creation_input_tokens": 100,
             "cache_read_input_tokens": 20000, "output_tokens": 1, "service_tier": "standard"}
    steps = [{"type": "message_start", "message": {
        "id": "msg_01", "type": "message", "role": "assistant", "model": MODEL, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage}}]
    for i, (block, deltas) in enumerate((
            ({"type": "thinking", "thinking": "", "signature": ""},
             [{"type": "thinking_delta", "thinking": "Hm"},
              {"type": "signature_delta", "signature": SIGNATURE}]),
            ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "I see \u2192 "},
                                            {"type": "text_delta", "text": "it."}]),
            ({"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}},
             [{"type": "input_json_delta", "partial_json": ""},
              {"type": "input_json_delta", "partial_json": "{\"file_path\": \"/a"},
              {"type": "input_json_delta", "partial_json": "\"}"}]),
            ({"type": "tool_use", "id": "toolu_2", "name": "ExitPlanMode", "input": {}},
             [{"type": "input_json_delta", "partial_json": "{}"}]))):
        steps.append({"type": "content_block_start", "index": i, "content_block": block})
        steps += [{"type": "ping"}] if not i else []
        steps += [{"type": "content_block_delta", "index": i, "delta": d} for d in deltas]
        steps.append({"type": "content_block_stop", "index": i})
    steps += [{"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
               "usage": {"output_tokens": 77}, "context_management": {"applied_edits": []}},
              {"type": "message_stop"}]
    return [b"event: %s\ndata: %s\n\n" % (step["type"].encode(), written(step)) for step in steps]


def chat_deltas():
    """The same of an OpenAI-compatible server's, as deltas."""
    def call(i, ident, name, *pieces):
        yield {"tool_calls": [{"index": i, "id": ident, "type": "function",
                               "function": {"name": name, "arguments": ""}}]}
        for piece in pieces:
            yield {"tool_calls": [{"index": i, "function": {"arguments": piece}}]}
    return [{"role": "assistant", "content": None}, {"reasoning_content": "Hm"},
            {"reasoning_content": ", so"}, {"content": "I see \u2192 "}, {"content": "it."},
            *call(0, "call_a", "Read", "{\"file_path\": \"/a", "\"}"),
            *call(1, "call_b", "ExitPlanMode", "{}")]
