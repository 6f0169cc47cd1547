"""Requests of OpenAI Responses."""

from .asked import Obj, Request, arguments_of, of_data, of_url

_PARAMS = ("temperature", "top_p", "top_logprobs", "user", "service_tier", "metadata", "store",
           "prompt_cache_key")


def digest(body):
    request = Request()
    top = Obj(body, "", request)
    for name in ("model", "stream"):
        top.take(name)
    instructions = top.take("instructions")
    if isinstance(instructions, str):
        request.say("system", "text", instructions)
    elif instructions:
        _items(request, Obj({"instructions": instructions}, "", request), "instructions")
    if isinstance(body.get("input"), str):
        request.say("user", "text", top.take("input"))
    else:
        _items(request, top, "input")
    for tool, _ in top.items("tools"):
        _tool(request, tool)
    request.choice = _choice(top)
    request.parallel = top.take("parallel_tool_calls")
    for name in _PARAMS:
        request.param(name, top.take(name))
    request.param("user", top.take("user", "safety_identifier"))
    _include(request, top)
    request.param("max_tokens", top.take("max_output_tokens"))
    if "reasoning" in top:
        reasoning = top.obj("reasoning")
        request.param("effort", reasoning.take("effort"))
        request.param("summary", reasoning.take("summary", "generate_summary"))
        reasoning.rest()
    _text(request, top)
    top.rest()
    return request


def _include(request, top):
    """What else the answer is to hold; the probabilities of tokens are asked for here."""
    wanted = list(top.take("include") or ())
    if "message.output_text.logprobs" in wanted:
        wanted.remove("message.output_text.logprobs")
        request.param("logprobs", True)
    request.other("/include", wanted)


def _items(request, top, name):
    for item, raw in top.items(name):
        if isinstance(raw, dict):
            _item(request, item)


def _item(request, item):
    kind = item.value.get("type") or ("message" if "role" in item else None)
    item.take("type")
    if kind == "message":
        role = item.take("role")
        role = "system" if role in ("system", "developer") else role
        for name in ("id", "status"):
            item.take(name)               # of an earlier answer; its text says it all
        if role == "tool":                # as in Chat Completions, by those who do not know better
            request.result(item.take("tool_call_id"), item.take("name"),
                           _output(item.take("content")))
        else:
            _content(request, role, item)
    elif kind in ("function_call", "custom_tool_call"):
        arguments = item.take("arguments", "input")
        request.call(item.take("call_id"), item.take("name"),
                     arguments_of(arguments))
        for name in ("id", "status"):
            item.take(name)
    elif kind in ("function_call_output", "custom_tool_call_output"):
        output = item.take("output")
        request.result(item.take("call_id"), None, _output(output))
        for name in ("id", "status"):
            item.take(name)
    elif kind == "reasoning":
        parts = [p.get("text", "") for p in
                 (item.take("summary") or []) + (item.take("content") or [])]
        request.say("assistant", "reasoning", "".join(parts))
        item.take("status")
    else:
        request.other(item.at, item.value)
        return
    item.rest()


def _output(output):
    if not isinstance(output, list):
        return [["text", output]] if output else []
    request = Request()
    _content(request, "tool", Obj({"content": output}, "", request))
    return [atom[1:] for atom in request.messages]


def _content(request, role, item):
    if not isinstance(item.value.get("content"), list):
        request.say(role, "text", item.take("content"))
        return
    for part, _ in item.items("content"):
        kind = part.take("type")
        if kind in ("input_text", "output_text", "text"):
            request.say(role, "text", part.take("text"))
            part.take("annotations", "logprobs")
            part.take("logprobs")
        elif kind == "refusal":
            request.say(role, "refusal", part.take("refusal"))
        elif kind == "input_image":
            ident, url = part.take("file_id"), part.take("image_url")
            request.say(role, "image", "id:" + ident if ident else of_url(url))
            if part.value.get("detail") == "auto":
                part.take("detail")
        elif kind == "input_file":
            request.say(role, "file", _file(part))
        elif kind == "input_audio":
            audio = part.obj("input_audio")
            request.say(role, "audio", of_data(audio.take("data")))
        else:
            request.other(part.at, part.value)
            continue
        part.rest()


def _file(part):
    ident, data = part.take("file_id"), part.take("file_data")
    if ident:
        return "id:" + ident
    if data:
        return of_url(data if data.startswith("data:") else "data:;base64," + data)
    return of_url(part.take("file_url"))


def _tool(request, tool):
    kind = tool.value.get("type")
    if kind == "function":
        tool.take("type", "strict")
        tool.take("strict")
        request.tools.append([tool.take("name"), tool.take("description"),
                              tool.take("parameters")])
        tool.rest()
    elif kind == "custom":
        tool.take("type")
        request.free_tool(tool.at, tool.take("name"), tool.take("description"),
                          tool.take("format"))
        tool.rest()
    else:
        request.other(tool.at, tool.value)


def _choice(top):
    choice = top.take("tool_choice")
    if not isinstance(choice, dict):
        return choice
    if choice.get("type") == "allowed_tools":
        return ["allowed", choice.get("mode"), [t["name"] for t in choice.get("tools", ())
                                               if "name" in t]]
    return {"name": choice.get("name") or choice.get("type")}


def _text(request, top):
    if "text" not in top:
        return
    text = top.obj("text")
    if "format" in text:
        form = text.obj("format")
        kind = form.take("type")
        if kind == "json_schema":
            request.format = form.take("schema") or {}
            form.take("name", "strict")
            form.take("strict")
        elif kind == "json_object":
            request.format = "json"
        form.rest()
    text.rest()
