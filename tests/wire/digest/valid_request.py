"""Whether a body is a request that its API would take: members and their types as in the official
SDKs, and what the references say must go together."""

import re

from .common import Checks

_NUMBER = [(float, None)]


def _known(checks, value, at, names):
    for name in value:
        checks.need(name in names, "%s/%s: the API has no such member", at, name)


# -- OpenAI Chat Completions ------------------------------------------------------------------

_CHAT = set("""model messages stream stream_options audio frequency_penalty function_call functions
logit_bias logprobs max_completion_tokens max_tokens metadata modalities n parallel_tool_calls
prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format
safety_identifier seed service_tier stop store temperature tool_choice tools top_logprobs top_p user
verbosity web_search_options prompt_cache_options moderation""".split())
_PARTS = {"text": dict(text=str), "image_url": dict(image_url=dict), "file": dict(file=dict),
          "input_audio": dict(input_audio=dict), "refusal": dict(refusal=str)}


def chat(body):
    checks = Checks()
    if not checks.has(body, "body", model=str, messages=list, stream=[(bool, None)],
                      temperature=_NUMBER, top_p=_NUMBER, max_tokens=[(int, None)],
                      max_completion_tokens=[(int, None)], n=[(int, None)], seed=[(int, None)],
                      stop=[(str, list, None)], tools=[list], tool_choice=[(str, dict)],
                      response_format=[dict], reasoning_effort=[(str, None)],
                      parallel_tool_calls=[bool]):
        return checks.found
    _known(checks, body, "", _CHAT)
    checks.need(body["messages"], "no messages")
    waiting = []
    for i, message in enumerate(body["messages"]):
        waiting = _chat_message(checks, message, "/messages/%d" % i, waiting)
    checks.need(not waiting, "calls %r have no results", waiting)
    for i, tool in enumerate(body.get("tools") or ()):
        if checks.has(tool, "/tools/%d" % i, type=frozenset(("function", "custom"))):
            _chat_tool(checks, tool, "/tools/%d" % i)
    checks.need(not body.get("tool_choice") or body.get("tools") or body["tool_choice"] == "none",
                "tool_choice without tools")
    return checks.found


def _chat_tool(checks, tool, at):
    if tool["type"] == "function" and checks.has(tool.get("function"), at + "/function", name=str,
                                                 description=[str], parameters=[dict]):
        _known(checks, tool["function"], at, ("name", "description", "parameters", "strict"))
        checks.need(re.fullmatch(r"[a-zA-Z0-9_.:-]{1,128}", tool["function"]["name"]),
                    "%s: the name is %r", at, tool["function"]["name"])


def _chat_message(checks, message, at, waiting):
    """Returns the ids of calls that wait for a result."""
    roles = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
    if not checks.has(message, at, role=roles):
        return waiting
    role = message["role"]
    _known(checks, message, at, ("role", "content", "name", "tool_calls", "tool_call_id",
                                 "refusal", "function_call", "audio", "annotations",
                                 "reasoning_content", "reasoning", "reasoning_details"))
    content = message.get("content")
    may_lack = role == "assistant" and (message.get("tool_calls") or message.get("refusal") or
                                        message.get("function_call") or message.get("audio"))
    checks.need(isinstance(content, (str, list)) or (content is None and may_lack),
                "%s has no content", at)
    checks.need(content != [], "%s: empty content", at)
    for k, part in enumerate(content if isinstance(content, list) else ()):
        where = "%s/content/%d" % (at, k)
        if checks.has(part, where, type=frozenset(_PARTS)):
            checks.has(part, where, **_PARTS[part["type"]])
            if part["type"] == "image_url":
                checks.has(part["image_url"], where, url=str)
            if role in ("system", "developer", "tool"):
                checks.need(part["type"] == "text", "%s: a %s in a %s message", where,
                            part["type"], role)
            if role == "assistant":
                checks.need(part["type"] in ("text", "refusal"), "%s: a %s in an answer", where,
                            part["type"])
    if role == "tool":
        if checks.has(message, at, tool_call_id=str):
            checks.need(message["tool_call_id"] in waiting, "%s: no call %r waits", at,
                        message["tool_call_id"])
        return [ident for ident in waiting if ident != message.get("tool_call_id")]
    if role == "function":
        return waiting
    checks.need(not waiting, "%s: calls %r have no results yet", at, waiting)
    out = []
    for k, call in enumerate(message.get("tool_calls") or ()):
        where = "%s/tool_calls/%d" % (at, k)
        if checks.has(call, where, id=str, type=frozenset(("function", "custom"))):
            checks.need(call["id"] and call["id"] not in out, "%s: the id %r", where, call["id"])
            out.append(call["id"])
            if call["type"] == "function":
                checks.has(call.get("function"), where, name=str, arguments=str)
    checks.need(message.get("tool_calls") != [], "%s: empty tool_calls", at)
    return out


# -- OpenAI Responses -------------------------------------------------------------------------

_RESPONSES = set("""model input stream stream_options background conversation include instructions
max_output_tokens max_tool_calls metadata parallel_tool_calls previous_response_id prompt
prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store temperature
text tool_choice tools top_logprobs top_p truncation user context_management moderation""".split())
_ITEMS = {
    "message": dict(role=frozenset(("system", "developer", "user", "assistant")),
                    content=(str, list)),
    "function_call": dict(call_id=str, name=str, arguments=str),
    "function_call_output": dict(call_id=str, output=(str, list)),
    "custom_tool_call": dict(call_id=str, name=str, input=str),
    "custom_tool_call_output": dict(call_id=str, output=(str, list)),
    "reasoning": dict(summary=list),
}
_CONTENT = {"user": ("input_text", "input_image", "input_file", "input_audio"),
            "assistant": ("output_text", "refusal")}


def responses(body):
    checks = Checks()
    if not checks.has(body, "body", model=str, input=(str, list), stream=[(bool, None)],
                      instructions=[(str, None)], temperature=_NUMBER, top_p=_NUMBER,
                      max_output_tokens=[(int, None)], tools=[list], tool_choice=[(str, dict)],
                      text=[dict], reasoning=[(dict, None)], parallel_tool_calls=[(bool, None)]):
        return checks.found
    _known(checks, body, "", _RESPONSES)
    waiting = []
    for i, item in enumerate(body["input"] if isinstance(body["input"], list) else ()):
        at = "/input/%d" % i
        kind = item.get("type") or "message"
        if not checks.need(kind in _ITEMS, "%s is a %s", at, kind) or \
                not checks.has(item, at, **_ITEMS[kind]):
            continue
        if kind == "message" and isinstance(item["content"], list):
            allowed = _CONTENT.get(item["role"], ("input_text",))
            for k, part in enumerate(item["content"]):
                checks.has(part, "%s/content/%d" % (at, k), type=frozenset(allowed))
        if kind.endswith("_call"):
            checks.need(item["call_id"] and item["call_id"] not in waiting, "%s: the id %r", at,
                        item["call_id"])
            waiting.append(item["call_id"])
        if kind.endswith("_output"):
            checks.need(item["call_id"] in waiting, "%s: no call %r waits", at, item["call_id"])
            waiting = [ident for ident in waiting if ident != item["call_id"]]
    checks.need(not waiting, "calls %r have no results", waiting)
    for i, tool in enumerate(body.get("tools") or ()):
        at = "/tools/%d" % i
        if checks.has(tool, at, type=frozenset(("function", "custom")), name=str) and \
                tool["type"] == "function":
            checks.has(tool, at, parameters=(dict, None), strict=(bool, None), description=[(str, None)])
    return checks.found


# -- Anthropic Messages -----------------------------------------------------------------------

_MESSAGES = set("""model messages max_tokens system stream temperature top_p top_k stop_sequences
tools tool_choice thinking metadata service_tier container output_config output_format
context_management mcp_servers cache_control inference_geo speed""".split())
_BLOCKS = {
    "text": dict(text=str), "image": dict(source=dict), "document": dict(source=dict),
    "tool_use": dict(id=str, name=str, input=dict), "tool_result": dict(tool_use_id=str),
    "thinking": dict(thinking=str, signature=str), "redacted_thinking": dict(data=str),
}
_IN_ROLE = {"user": ("text", "image", "document", "tool_result"),
            "assistant": ("text", "tool_use", "thinking", "redacted_thinking")}


def messages(body):
    checks = Checks()
    if not checks.has(body, "body", model=str, messages=list, max_tokens=int, system=[(str, list)],
                      temperature=[float], top_p=[float], top_k=[int], stop_sequences=[list],
                      stream=[bool], tools=[list], tool_choice=[dict], thinking=[dict],
                      metadata=[dict], output_config=[dict]):
        return checks.found
    _known(checks, body, "", _MESSAGES)
    checks.need(body["max_tokens"] > 0, "max_tokens %r", body["max_tokens"])
    checks.need(0 <= body.get("temperature", 1) <= 1, "temperature %r", body.get("temperature"))
    for stop in body.get("stop_sequences", ()):
        checks.need(isinstance(stop, str) and stop.strip(), "the stop sequence %r is blank", stop)
    _thinking(checks, body)
    _turns(checks, body["messages"])
    for i, tool in enumerate(body.get("tools", ())):
        at = "/tools/%d" % i
        if checks.has(tool, at, name=str, input_schema=dict, type=["custom"], description=[str]):
            checks.need(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]), "%s: the name is %r",
                        at, tool["name"])
            checks.need(tool["input_schema"].get("type") == "object",
                        "%s: the schema is no object's", at)
    if "tool_choice" in body:
        checks.has(body["tool_choice"], "/tool_choice",
                   type=frozenset(("auto", "any", "tool", "none")))
        checks.need(body.get("tools"), "tool_choice without tools")
    if isinstance(body.get("system"), list):
        for part in body["system"]:
            checks.has(part, "/system", type="text", text=str)
    return checks.found


def _thinking(checks, body):
    thinking = body.get("thinking")
    if not thinking or not checks.has(thinking, "/thinking", type=frozenset((
            "enabled", "disabled", "adaptive"))):
        return
    if thinking["type"] == "enabled" and checks.has(thinking, "/thinking", budget_tokens=int):
        checks.need(1024 <= thinking["budget_tokens"] < body["max_tokens"],
                    "budget_tokens %d with max_tokens %d", thinking["budget_tokens"],
                    body["max_tokens"])
    if thinking["type"] != "disabled":
        checks.need(body.get("temperature", 1) == 1, "thinking with temperature %r",
                    body.get("temperature"))
        checks.need("top_k" not in body, "thinking with top_k")
        checks.need((body.get("tool_choice") or {}).get("type", "auto") in ("auto", "none"),
                    "thinking with a forced tool")


def _turns(checks, turns):
    checks.need(turns, "no messages")
    waiting = []
    for i, message in enumerate(turns):
        at = "/messages/%d" % i
        if not checks.has(message, at, role=frozenset(("user", "assistant", "system")),
                          content=(str, list)):
            continue
        _known(checks, message, at, ("role", "content"))
        role, content = message["role"], message["content"]
        checks.need(content, "%s: empty content", at)
        blocks = content if isinstance(content, list) else []
        results = [b.get("tool_use_id") for b in blocks if b.get("type") == "tool_result"]
        checks.need(sorted(results) == sorted(waiting), "%s: results for %r, calls were %r", at,
                    results, waiting)
        for k, block in enumerate(blocks):
            _block(checks, block, "%s/content/%d" % (at, k), role)
        waiting = [b.get("id") for b in blocks if b.get("type") == "tool_use"]
        checks.need(len(set(waiting)) == len(waiting), "%s: ids of calls are used twice", at)
    checks.need(not waiting, "calls %r have no results", waiting)


def _block(checks, block, at, role):
    if not checks.has(block, at, type=frozenset(_IN_ROLE.get(role, ("text",)))) or \
            not checks.has(block, at, **_BLOCKS[block["type"]]):
        return
    if block["type"] == "text":
        checks.need(block["text"], "%s: empty text", at)
    if block["type"] == "tool_use":
        checks.need(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), "%s: the id %r", at, block["id"])
    if block["type"] == "tool_result" and isinstance(block.get("content"), list):
        for part in block["content"]:
            checks.has(part, at, type=frozenset(("text", "image", "document", "search_result")))
    source = block.get("source")
    if source is not None and checks.has(source, at + "/source", type=frozenset((
            "base64", "url", "text", "file", "content"))):
        if source["type"] == "base64" and checks.has(source, at, data=str, media_type=str):
            images = ("image/jpeg", "image/png", "image/gif", "image/webp")
            kinds = images if block["type"] == "image" else ("application/pdf",)
            checks.need(source["media_type"] in kinds, "%s: a %s of type %s", at, block["type"],
                        source["media_type"])
        if source["type"] == "url":
            checks.has(source, at, url=str)


# -- Gemini -----------------------------------------------------------------------------------

_GEMINI = set("""contents tools toolConfig safetySettings systemInstruction generationConfig
cachedContent model labels serviceTier store""".split())
_CONFIG = set("""stopSequences responseMimeType responseSchema responseJsonSchema _responseJsonSchema
responseModalities candidateCount maxOutputTokens temperature topP topK seed presencePenalty
frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig thinkingConfig
imageConfig mediaResolution audioTimestamp routingConfig""".split())
_SCHEMA = set("""type format title description nullable enum maxItems minItems properties required
minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering default items
minimum maximum""".split())
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode",
         "codeExecutionResult", "toolCall", "toolResponse")


def gemini(body):
    checks = Checks()
    if not checks.has(body, "body", contents=list, tools=[list], toolConfig=[dict],
                      systemInstruction=[dict], generationConfig=[dict]):
        return checks.found
    _known(checks, body, "", _GEMINI)
    calls = 0
    checks.need(body["contents"], "no contents")
    for i, content in enumerate(body["contents"]):
        calls = _gemini_content(checks, content, "/contents/%d" % i, calls)
    for i, tool in enumerate(body.get("tools", ())):
        for k, function in enumerate(tool.get("functionDeclarations", ())):
            at = "/tools/%d/functionDeclarations/%d" % (i, k)
            if checks.has(function, at, name=str, description=[str], parameters=[dict]):
                checks.need(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", function["name"]),
                            "%s: the name is %r", at, function["name"])
                if "parameters" in function:
                    _schema(checks, function["parameters"], at + "/parameters")
    config = body.get("generationConfig", {})
    _known(checks, config, "/generationConfig", _CONFIG)
    checks.has(config, "/generationConfig", temperature=[float], topP=[float], topK=[float],
               maxOutputTokens=[int], candidateCount=[int], stopSequences=[list], seed=[int],
               responseMimeType=[str], thinkingConfig=[dict])
    if "responseSchema" in config:
        _schema(checks, config["responseSchema"], "/generationConfig/responseSchema")
    if "responseSchema" in config or "responseJsonSchema" in config:
        checks.need(config.get("responseMimeType") in ("application/json", "text/x.enum"),
                    "a schema without its responseMimeType")
    return checks.found


def _gemini_content(checks, content, at, calls):
    """Returns how many calls this turn made."""
    if not checks.has(content, at, parts=list, role=[frozenset(("user", "model", "function"))]):
        return 0
    _known(checks, content, at, ("role", "parts"))
    checks.need(content["parts"], "%s has no parts", at)
    made = answered = 0
    for k, part in enumerate(content["parts"]):
        where = "%s/parts/%d" % (at, k)
        if not checks.has(part, where, text=[str], inlineData=[dict], fileData=[dict],
                          functionCall=[dict], functionResponse=[dict]):
            continue
        checks.need(sum(name in part for name in _DATA) == 1, "%s is of %r", where, sorted(part))
        if "functionCall" in part:
            made += 1
            checks.has(part["functionCall"], where, name=str, args=[dict])
        if "functionResponse" in part:
            answered += 1
            checks.has(part["functionResponse"], where, name=str, response=dict)
        if "inlineData" in part:
            checks.has(part["inlineData"], where, mimeType=str, data=str)
        if "fileData" in part:
            checks.has(part["fileData"], where, fileUri=str, mimeType=[str])
    checks.need(answered == calls, "%s: %d results for %d calls", at, answered, calls)
    checks.need(not made or content.get("role") == "model", "%s: the user calls tools", at)
    return made


def _schema(checks, schema, at):
    """The part of OpenAPI 3 that `parameters` and `responseSchema` take."""
    if not checks.has(schema, at, type=[str], properties=[dict], required=[list], enum=[list]):
        return
    _known(checks, schema, at, _SCHEMA)
    for value in schema.get("enum", ()):
        checks.need(isinstance(value, str), "%s/enum: %r is no string", at, value)
    properties = schema.get("properties", {})
    checks.need(set(schema.get("required", ())) <= set(properties), "%s/required: %r", at,
                schema.get("required"))
    for name, inner in properties.items():
        _schema(checks, inner, "%s/properties/%s" % (at, name))
    if "items" in schema:
        _schema(checks, schema["items"], at + "/items")
    for i, inner in enumerate(schema.get("anyOf", ())):
        _schema(checks, inner, "%s/anyOf/%d" % (at, i))


# -- Ollama -----------------------------------------------------------------------------------

_OLLAMA = set("model messages tools format options stream keep_alive think logprobs top_logprobs "
              "truncate shift".split())
_OPTIONS = set("""num_keep seed num_predict top_k top_p min_p typical_p repeat_last_n temperature
repeat_penalty presence_penalty frequency_penalty penalize_newline stop num_ctx num_batch num_gpu
main_gpu use_mmap num_thread tfs_z mirostat mirostat_tau mirostat_eta low_vram numa vocab_only
use_mlock draft_num_predict""".split())


def ollama(body):
    checks = Checks()
    if not checks.has(body, "body", model=str, messages=list, stream=[bool], options=[dict],
                      format=[(str, dict)], tools=[list], think=[(bool, str)]):
        return checks.found
    _known(checks, body, "", _OLLAMA)
    options = body.get("options", {})
    _known(checks, options, "/options", _OPTIONS)
    checks.has(options, "/options", temperature=[float], top_p=[float], top_k=[int],
               num_predict=[int], seed=[int], stop=[list])
    for i, message in enumerate(body["messages"]):
        at = "/messages/%d" % i
        if not checks.has(message, at, role=frozenset(("system", "user", "assistant", "tool")),
                          content=[str], images=[list], tool_calls=[list], thinking=[str]):
            continue
        _known(checks, message, at, ("role", "content", "images", "tool_calls", "thinking",
                                     "tool_name", "tool_call_id"))
        checks.need("content" in message or message.get("tool_calls"), "%s has no content", at)
        for k, call in enumerate(message.get("tool_calls") or ()):
            if checks.has(call, "%s/tool_calls/%d" % (at, k), function=dict):
                checks.has(call["function"], at, name=str, arguments=dict)
    for i, tool in enumerate(body.get("tools") or ()):
        if checks.has(tool, "/tools/%d" % i, type="function", function=dict):
            checks.has(tool["function"], "/tools/%d" % i, name=str, parameters=[dict])
    return checks.found
