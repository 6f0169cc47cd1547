"""Requests of Anthropic Messages."""

from .asked import Obj, Request, of_bytes, of_data, of_url

_PARAMS = ("temperature", "top_p", "top_k", "service_tier")


def digest(body):
    request = Request()
    top = Obj(body, "", request)
    for name in ("model", "stream"):
        top.take(name)
    system = body.get("system")
    if isinstance(system, str):
        request.say("system", "text", top.take("system"))
    else:
        for part, _ in top.items("system"):
            part.take("type")
            request.say("system", "text", part.take("text"))
            part.rest()
    for message, _ in top.items("messages"):
        role = message.take("role")
        _content(request, role, message)
        message.rest()
    for tool, _ in top.items("tools"):
        _tool(request, tool)
    choice = top.obj("tool_choice")
    kind = choice.take("type")
    request.choice = {"any": "required", "tool": {"name": choice.take("name")}}.get(kind, kind)
    if choice.take("disable_parallel_tool_use"):
        request.parallel = False
    choice.rest()
    for name in _PARAMS:
        request.param(name, top.take(name))
    request.param("max_tokens", top.take("max_tokens"))
    request.param("stop", top.take("stop_sequences") or None)
    metadata = top.obj("metadata")
    request.param("user", metadata.take("user_id"))
    metadata.rest()
    _thinking(request, top)
    _format(request, top)
    top.rest()
    return request


def _content(request, role, message):
    if not isinstance(message.value.get("content"), list):
        request.say(role, "text", message.take("content"))
        return
    for block, _ in message.items("content"):
        if _block(request, role, block):
            block.rest()
        else:
            request.other(block.at, block.value)


def _block(request, role, block):
    kind = block.take("type")
    if kind == "text":
        request.say(role, "text", block.take("text"))
    elif kind in ("image", "document"):
        _media(request, role, "image" if kind == "image" else "file", block)
    elif kind == "thinking":
        request.say("assistant", "reasoning", block.take("thinking"))
    elif kind == "tool_use":
        request.call(block.take("id"), block.take("name"), block.take("input") or {})
    elif kind == "tool_result":
        content = block.take("content")
        request.result(block.take("tool_use_id"), None, _result(content), block.take("is_error"))
    else:
        return False
    return True


def _media(request, role, what, block):
    source = block.obj("source")
    kind = source.take("type")
    data = source.take("data")
    source.take("media_type")
    if kind == "base64":
        of = of_data(data)
    elif kind == "text":
        of = of_bytes(str(data).encode())
    elif kind == "file":
        of = "id:%s" % source.take("file_id")
    else:
        of = of_url(source.take("url"))
    request.say(role, what, of)
    source.rest()


def _result(content):
    if not isinstance(content, list):
        return [["text", content]] if content else []
    request = Request()
    _content(request, "tool", Obj({"content": content}, "", request))
    return [atom[1:] for atom in request.messages]


def _tool(request, tool):
    if tool.value.get("type") not in (None, "custom"):
        request.other(tool.at, tool.value)
        return
    tool.take("type", "strict")
    tool.take("strict")
    request.tools.append([tool.take("name"), tool.take("description"), tool.take("input_schema")])
    tool.rest()


def _thinking(request, top):
    if "thinking" in top:
        thinking = top.obj("thinking")
        kind = thinking.take("type")
        if kind == "disabled":
            request.param("budget", 0)
        elif kind == "adaptive":
            request.param("budget", -1)
        else:
            request.param("budget", thinking.take("budget_tokens"))
        display = thinking.take("display")
        if display:
            request.param("summary", "none" if display == "omitted" else "auto")
        thinking.rest()


def _format(request, top):
    config = top.obj("output_config")
    request.param("effort", config.take("effort"))
    form = config.obj("format") if "format" in config else top.obj("output_format")
    if form.value:
        form.take("type")
        request.format = form.take("schema")
    form.rest()
    config.rest()
