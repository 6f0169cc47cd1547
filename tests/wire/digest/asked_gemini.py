"""Requests of Gemini's generateContent; members in camelCase or snake_case, as it takes both."""

import json

from .asked import Obj, Request, modalities, of_data, of_url

_PARAMS = {"temperature": "temperature", "topP": "top_p", "topK": "top_k", "seed": "seed",
           "candidateCount": "n", "maxOutputTokens": "max_tokens", "stopSequences": "stop",
           "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty",
           "responseLogprobs": "logprobs", "logprobs": "top_logprobs"}


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def both(name):
    return name, snake(name)


def digest(body):
    request = Request()
    top = Obj(body, "", request)
    top.take("model")
    system = top.value.get("systemInstruction", top.value.get("system_instruction"))
    if isinstance(system, str):
        request.say("system", "text", top.take(*both("systemInstruction")))
    else:
        holder = top.obj(*both("systemInstruction"))
        holder.take("role")
        for part, _ in holder.items("parts"):
            request.say("system", "text", part.take("text"))
            part.take("thought")
            part.rest()
        holder.rest()
    for content, _ in top.items("contents"):
        role = "assistant" if content.take("role") == "model" else "user"
        for part, _ in content.items("parts"):
            if _part(request, role, part):
                part.rest()
            else:
                request.other(part.at, part.value)
        content.rest()
    for tool, _ in top.items("tools"):
        for function, _ in tool.items(*both("functionDeclarations")):
            schema = function.take("parameters", *both("parametersJsonSchema"))
            request.tools.append([function.take("name"), function.take("description"), schema])
            function.rest()
        tool.rest()
    request.param("service_tier", top.take(*both("serviceTier")))
    _choice(request, top)
    _config(request, top.obj(*both("generationConfig")))
    top.rest()
    return request


def _part(request, role, part):
    thought = part.take("thought")
    if "text" in part:
        request.say(role, "reasoning" if thought else "text", part.take("text"))
    elif "inlineData" in part or "inline_data" in part:
        data = part.obj(*both("inlineData"))
        mime = str(data.take(*both("mimeType")))
        request.say(role, _kind(mime), of_data(data.take("data")))
        data.rest()
    elif "fileData" in part or "file_data" in part:
        data = part.obj(*both("fileData"))
        mime = str(data.take(*both("mimeType")))
        request.say(role, _kind(mime), of_url(data.take(*both("fileUri"))))
        data.rest()
    elif "functionCall" in part or "function_call" in part:
        call = part.obj(*both("functionCall"))
        request.call(call.take("id"), call.take("name"), call.take("args") or {})
        call.rest()
    elif "functionResponse" in part or "function_response" in part:
        _response(request, part.obj(*both("functionResponse")))
    else:
        return False
    return True


def _kind(mime):
    """`media`: a reference that does not say of what kind."""
    major = mime.split("/")[0]
    return major if major in ("image", "audio") else "media" if mime == "None" else "file"


def _response(request, response):
    value = response.take("response")
    media = []
    for part, _ in response.items("parts"):
        held = part.obj(*both("inlineData"), *both("fileData"))
        of = of_data(held.take("data")) if "data" in held else \
            of_url(held.take(*both("fileUri")))
        media.append([_kind(str(held.take(*both("mimeType")))), of])
    failed = isinstance(value, dict) and set(value) == {"error"}
    request.result(response.take("id"), response.take("name"), _said(value) + media, failed)
    response.rest()


def _said(value):
    if value in (None, "", {}):
        return []
    return [["text", value if isinstance(value, str) else json.dumps(value)]]


def _choice(request, top):
    config = top.obj(*both("toolConfig"))
    calling = config.obj(*both("functionCallingConfig"))
    mode = calling.take("mode")
    names = calling.take(*both("allowedFunctionNames"))
    mode = {"ANY": "required", "VALIDATED": "auto"}.get(str(mode).upper(), str(mode).lower()) \
        if mode else None
    if names:
        request.choice = {"name": names[0]} if len(names) == 1 and mode == "required" else \
            ["allowed", mode, names]
    else:
        request.choice = mode
    calling.rest()
    config.rest()


def _config(request, config):
    for name, ours in _PARAMS.items():
        value = config.take(*both(name))
        request.param(ours, value or None if name == "stopSequences" else value)
    mime = config.take(*both("responseMimeType"))
    schema = config.take(*both("responseSchema"), *both("responseJsonSchema"),
                         "_responseJsonSchema")
    if schema is not None:
        request.format = schema
    elif mime == "application/json":
        request.format = "json"
    elif mime not in (None, "text/plain"):
        request.other(config.at + "/responseMimeType", mime)
    name = "thinkingConfig" if "thinkingConfig" in config else "thinking_config"
    thinking = config.obj(name)
    request.param("budget", thinking.take(*both("thinkingBudget")))
    level = thinking.take(*both("thinkingLevel"))
    request.param("effort", level.lower() if isinstance(level, str) else level)
    shown = thinking.take(*both("includeThoughts"))
    if shown is not None:
        request.param("summary", "auto" if shown else "none")
    thinking.rest()
    modalities(request, config.take(*both("responseModalities")))
    config.rest()
