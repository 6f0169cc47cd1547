"""The official openai SDK's Responses API."""

import base64
import json

import openai

from cells import WEATHER, Sdk, answer


class Responses(Sdk):
    name = "openai-responses"

    def __init__(self, url):
        self.client = openai.OpenAI(base_url=url + "/v1", api_key="x", max_retries=0, timeout=30)

    @staticmethod
    def _request(asked):
        items = [{"role": role, "content": text}
                 for role, text in asked.get("turns", [("user", "Hi")])]
        out = {"input": items, "store": False}
        if "system" in asked:
            out["instructions"] = asked["system"]
        if asked.get("tools"):
            out["tools"] = [{"type": "function", "name": "get_weather", "parameters": WEATHER,
                             "strict": False}]
        if "calls" in asked:
            items += [{"type": "function_call", "call_id": i, "name": name,
                       "arguments": json.dumps(arguments)}
                      for i, name, arguments in asked["calls"]]
            items += [{"type": "function_call_output", "call_id": i, "output": text}
                      for i, _, text in asked["results"]]
        if "image" in asked:
            url = "data:image/png;base64," + base64.b64encode(asked["image"]).decode()
            items[0]["content"] = [{"type": "input_text", "text": "Hi"},
                                   {"type": "input_image", "detail": "auto", "image_url": url}]
        if asked.get("think"):
            out["reasoning"] = {"effort": "low", "summary": "auto"}
        if "schema" in asked:
            out["text"] = {"format": {"type": "json_schema", "name": "person", "strict": True,
                                      "schema": asked["schema"]}}
        return out

    def _response(self, model, streamed, asked):
        if not streamed:
            return self.client.responses.create(model=model, **self._request(asked))
        with self.client.responses.stream(model=model, **self._request(asked)) as stream:
            return stream.get_final_response()

    def ask(self, model, streamed, asked):
        response = self._response(model, streamed, asked)
        assert response.status == "completed", response.status
        thoughts = [one.text for item in response.output if item.type == "reasoning"
                    for one in list(item.summary or []) + list(item.content or [])]
        return answer(response.output_text, "".join(thoughts),
                      [(item.name, json.loads(item.arguments)) for item in response.output
                       if item.type == "function_call"],
                      (response.usage.input_tokens, response.usage.output_tokens))

    def failed(self, model, streamed):
        try:
            self._response(model, streamed, {})
        except openai.APIStatusError as error:
            kinds = {400: openai.BadRequestError, 429: openai.RateLimitError}
            assert isinstance(error, kinds.get(error.status_code, openai.InternalServerError))
            assert error.body and error.body.get("message"), error.body
            return error.status_code

    def leave(self, model):
        stream = self.client.responses.create(model=model, stream=True, **self._request({}))
        for event in stream:
            if event.type == "response.output_text.delta":
                break
        stream.close()
