"""Requests of Ollama's chat."""

from .asked import Obj, Request, of_data

_OPTIONS = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
            "num_predict": "max_tokens", "presence_penalty": "presence_penalty",
            "frequency_penalty": "frequency_penalty"}


def digest(body):
    request = Request()
    top = Obj(body, "", request)
    for name in ("model", "stream"):
        top.take(name)
    for message, _ in top.items("messages"):
        _message(request, message)
        message.rest()
    for tool, _ in top.items("tools"):
        tool.take("type")
        function = tool.obj("function")
        request.tools.append([function.take("name"), function.take("description"),
                              function.take("parameters")])
        function.take("strict")
        function.rest()
        tool.rest()
    options = top.obj("options")
    for name, ours in _OPTIONS.items():
        value = options.take(name)
        if name != "num_predict" or value is None or value >= 0:      # -1: as many as it likes
            request.param(ours, value)
    stop = options.take("stop")
    request.param("stop", [stop] if isinstance(stop, str) else stop or None)
    options.rest()
    form = top.take("format")
    request.format = form or None
    think = top.take("think")
    if isinstance(think, str):
        request.param("effort", think)
    elif think is not None:
        request.param("budget", -1 if think else 0)
    logprobs = top.take("logprobs")
    request.param("logprobs", logprobs)
    request.param("top_logprobs", top.take("top_logprobs"))
    top.rest()
    return request


def _message(request, message):
    role = message.take("role")
    if role == "tool":
        content = message.take("content")
        said = [["text", content]] if content else []
        said += [["image", of_data(image)] for image in message.take("images") or ()]
        request.result(message.take("tool_call_id"), message.take("tool_name", "name"), said)
        return
    request.say(role, "reasoning", message.take("thinking"))
    request.say(role, "text", message.take("content"))
    for image in message.take("images") or ():
        request.say(role, "image", of_data(image))
    for call, _ in message.items("tool_calls"):
        call.take("type")
        function = call.obj("function")
        function.take("index")
        request.call(call.take("id"), function.take("name"), function.take("arguments") or {})
        function.rest()
        call.rest()
