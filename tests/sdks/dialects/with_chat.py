"""The official openai SDK's chat completions."""

import base64
import json

import openai

from cells import WEATHER, Sdk, answer


class Chat(Sdk):
    name = "openai-chat"

    def __init__(self, url):
        self.client = openai.OpenAI(base_url=url + "/v1", api_key="x", max_retries=0, timeout=30)

    @staticmethod
    def _request(asked):
        messages = [{"role": role, "content": text}
                    for role, text in asked.get("turns", [("user", "Hi")])]
        out = {"messages": messages}
        if "system" in asked:
            messages.insert(0, {"role": "system", "content": asked["system"]})
        if asked.get("tools"):
            out["tools"] = [{"type": "function", "function": {
                "name": "get_weather", "parameters": WEATHER}}]
        if "calls" in asked:
            messages.append({"role": "assistant", "content": None, "tool_calls": [
                {"id": i, "type": "function",
                 "function": {"name": name, "arguments": json.dumps(arguments)}}
                for i, name, arguments in asked["calls"]]})
            messages += [{"role": "tool", "tool_call_id": i, "content": text}
                         for i, _, text in asked["results"]]
        if "image" in asked:
            url = "data:image/png;base64," + base64.b64encode(asked["image"]).decode()
            messages[0]["content"] = [{"type": "text", "text": "Hi"},
                                      {"type": "image_url", "image_url": {"url": url}}]
        if asked.get("think"):
            out["reasoning_effort"] = "low"
        if "schema" in asked:
            out["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "person", "strict": True, "schema": asked["schema"]}}
        return out

    def _completion(self, model, streamed, asked):
        """The completion, and its reasoning, which has no type in the SDK."""
        request = dict(self._request(asked), model=model)
        if not streamed:
            completion = self.client.chat.completions.create(**request)
            return completion, getattr(completion.choices[0].message, "reasoning_content", "")
        thoughts = []
        with self.client.chat.completions.stream(
                **request, stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "chunk" and event.chunk.choices:
                    delta = event.chunk.choices[0].delta
                    thoughts.append(getattr(delta, "reasoning_content", None) or "")
            return stream.get_final_completion(), "".join(thoughts)

    def ask(self, model, streamed, asked):
        completion, reasoning = self._completion(model, streamed, asked)
        message = completion.choices[0].message
        return answer(message.content or "", reasoning or "",
                      [(call.function.name, json.loads(call.function.arguments))
                       for call in message.tool_calls or []],
                      (completion.usage.prompt_tokens, completion.usage.completion_tokens))

    def failed(self, model, streamed):
        try:
            self._completion(model, streamed, {})
        except openai.APIStatusError as error:
            kinds = {400: openai.BadRequestError, 429: openai.RateLimitError}
            assert isinstance(error, kinds.get(error.status_code, openai.InternalServerError))
            assert error.body and error.body.get("message"), error.body
            return error.status_code

    def leave(self, model):
        stream = self.client.chat.completions.create(model=model, stream=True, **self._request({}))
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        stream.close()
