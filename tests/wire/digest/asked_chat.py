"""Requests of OpenAI Chat Completions."""

from .asked import Obj, Request, arguments_of, modalities, of_data, of_url

_PARAMS = ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "n",
           "logprobs", "top_logprobs", "logit_bias", "user", "service_tier", "metadata", "store",
           "prompt_cache_key")


def digest(body):
    request = Request()
    top = Obj(body, "", request)
    for name in ("model", "stream", "stream_options"):
        top.take(name)
    for message, _ in top.items("messages"):
        _message(request, message)
        message.rest()
    for tool, _ in top.items("tools"):
        _tool(request, tool)
    for function, _ in top.items("functions"):
        _function(request, function)
    request.choice = _choice(top)
    request.parallel = top.take("parallel_tool_calls")
    for name in _PARAMS:
        request.param(name, top.take(name))
    request.param("user", top.take("user", "safety_identifier"))
    request.param("max_tokens", top.take("max_completion_tokens", "max_tokens"))
    stop = top.take("stop")
    request.param("stop", [stop] if isinstance(stop, str) else stop or None)
    request.param("effort", top.take("reasoning_effort"))
    modalities(request, top.take("modalities"))
    _format(request, top)
    top.rest()
    return request


def _message(request, message):
    role = message.take("role")
    if role in ("system", "developer"):
        _content(request, "system", message)
    elif role in ("tool", "function"):
        content = message.take("content")
        request.result(message.take("tool_call_id"), message.take("name"), _result(content),
                       message.take("is_error"))
    elif role == "assistant":
        _assistant(request, message)
    else:
        _content(request, "user", message)


def _result(content):
    if not isinstance(content, list):
        return [["text", content]] if content else []
    request = Request()
    holder = Obj({"content": content}, "", request)
    _content(request, "tool", holder)
    return [atom[1:] for atom in request.messages]


def _content(request, role, message):
    content = message.value.get("content")
    if not isinstance(content, list):
        request.say(role, "text", message.take("content"))
        return
    for part, raw in message.items("content"):
        kind = part.take("type")
        if isinstance(raw, str):
            request.say(role, "text", raw)
        elif kind == "text":
            request.say(role, "text", part.take("text"))
        elif kind == "refusal":
            request.say(role, "refusal", part.take("refusal"))
        elif kind == "image_url":
            image = part.obj("image_url")
            request.say(role, "image", of_url(image.take("url")))
            if image.value.get("detail") == "auto":
                image.take("detail")      # the default
            image.rest()
        elif kind == "input_audio" and isinstance(part.value.get("input_audio"), str):
            request.say(role, "audio", of_data(part.take("input_audio")))      # Mistral
        elif kind == "input_audio":
            audio = part.obj("input_audio")
            request.say(role, "audio", of_data(audio.take("data")))
            audio.take("format")
            audio.rest()
        elif kind == "file":
            file = part.obj("file")
            request.say(role, "file", _file(file))
            file.rest()
        elif kind == "thinking":
            request.say(role, "reasoning", "".join(
                p if isinstance(p, str) else p.get("text", "")
                for p in part.take("thinking") or ()))
        else:
            request.other(part.at, part.value)
            continue
        part.rest()


def _file(file):
    ident, data = file.take("file_id"), file.take("file_data")
    if ident:
        return "id:" + ident
    return of_url(data if data.startswith("data:") else "data:;base64," + data) if data else \
        of_url(file.take("file_url"))


def _assistant(request, message):
    beside, details = message.take("reasoning_content", "reasoning"), _details(request, message)
    request.say("assistant", "reasoning", details or beside)
    _content(request, "assistant", message)
    request.say("assistant", "refusal", message.take("refusal"))
    for call, _ in message.items("tool_calls"):
        call.take("type", "index")
        function = call.obj("custom" if "custom" in call else "function")
        arguments = function.take("arguments", "input")
        request.call(call.take("id"), function.take("name"), arguments_of(arguments))
        function.rest()
        call.rest()
    if "function_call" in message:
        function = message.obj("function_call")
        request.call(None, function.take("name"), arguments_of(function.take("arguments")))


def _details(request, message):
    """The text of OpenRouter's reasoning_details, which may stand beside as well. What only its
    owner can read is not passed over; who formatted it, and its number, says nothing."""
    text = ""
    for detail, _ in message.items("reasoning_details"):
        for name in ("type", "format", "index"):
            detail.take(name)
        if "data" not in detail:
            detail.take("id")
        text += detail.take("text", "summary") or ""
        detail.rest()
    return text


def _tool(request, tool):
    kind = tool.take("type")
    if kind in ("function", None) and "function" in tool:
        _function(request, tool.obj("function"))
        tool.rest()
    elif kind in ("function", None) and "name" in tool:
        _function(request, tool)          # flat, as some SDKs have sent it
    elif kind == "custom" and "custom" in tool:
        custom = tool.obj("custom")
        request.free_tool(custom.at, custom.take("name"), custom.take("description"),
                          custom.take("format"))
        custom.rest()
        tool.rest()
    else:
        request.other(tool.at, tool.value)


def _function(request, function):
    request.tools.append([function.take("name"), function.take("description"),
                          function.take("parameters")])
    function.take("strict")               # see rules: not compared
    function.rest()


def _choice(top):
    choice = top.take("tool_choice", "function_call")
    if not isinstance(choice, dict):
        return "required" if choice == "any" else choice
    kind = choice.get("type")
    if kind == "allowed_tools":
        allowed = choice["allowed_tools"]
        return ["allowed", allowed.get("mode"),
                [(t.get("function") or t).get("name") for t in allowed.get("tools", ())]]
    named = choice.get("function") or choice.get("custom") or choice
    return {"name": named.get("name")}


def _format(request, top):
    raw = top.value.get("response_format")
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind == "json_schema" and isinstance(raw.get("json_schema"), dict):
        form = top.obj("response_format")
        form.take("type")
        schema = form.obj("json_schema")
        request.format = schema.take("schema") or {}
        for name in ("name", "strict"):
            schema.take(name)             # see rules: not compared
        schema.rest()
        form.rest()
    elif kind in ("json_schema", "json_object") and isinstance(raw.get("schema"), dict):
        form = top.obj("response_format")    # as llama.cpp, Together and Anyscale have it
        form.take("type")
        request.format = form.take("schema")
        form.rest()
    elif kind == "json_object":
        form = top.obj("response_format")
        form.take("type")
        form.rest()
        request.format = "json"
    elif kind == "text":
        top.take("response_format")
