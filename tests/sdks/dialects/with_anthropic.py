"""The official anthropic SDK."""

import base64

import anthropic

from cells import WEATHER, Sdk, answer


class Anthropic(Sdk):
    name = "anthropic"
    statuses = {503: 529}

    def __init__(self, url):
        self.client = anthropic.Anthropic(base_url=url, api_key="x", max_retries=0, timeout=30)

    @staticmethod
    def _request(asked):
        turns = [{"role": role, "content": text}
                 for role, text in asked.get("turns", [("user", "Hi")])]
        out = {"max_tokens": 2000, "messages": turns}
        if "system" in asked:
            out["system"] = asked["system"]
        if asked.get("tools"):
            out["tools"] = [{"name": "get_weather", "input_schema": WEATHER}]
        if "calls" in asked:
            turns.append({"role": "assistant", "content": [
                {"type": "tool_use", "id": i, "name": name, "input": arguments}
                for i, name, arguments in asked["calls"]]})
            turns.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": i, "content": text}
                for i, _, text in asked["results"]]})
        if "image" in asked:
            turns[0]["content"] = [
                {"type": "text", "text": "Hi"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                             "data": base64.b64encode(asked["image"]).decode()}}]
        if asked.get("think"):
            out["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        if "schema" in asked:
            out["output_config"] = {"format": {"type": "json_schema", "schema": asked["schema"]}}
        return out

    def _message(self, model, streamed, asked):
        if not streamed:
            return self.client.messages.create(model=model, **self._request(asked))
        with self.client.messages.stream(model=model, **self._request(asked)) as stream:
            return stream.get_final_message()

    def ask(self, model, streamed, asked):
        message = self._message(model, streamed, asked)
        blocks = message.content
        return answer("".join(b.text for b in blocks if b.type == "text"),
                      "".join(b.thinking for b in blocks if b.type == "thinking"),
                      [(b.name, b.input) for b in blocks if b.type == "tool_use"],
                      (message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0) +
                       (message.usage.cache_creation_input_tokens or 0),
                       message.usage.output_tokens))

    def failed(self, model, streamed):
        try:
            self._message(model, streamed, {})
        except anthropic.APIStatusError as error:
            kinds = {400: anthropic.BadRequestError, 429: anthropic.RateLimitError}
            assert isinstance(error, kinds.get(error.status_code, anthropic.InternalServerError))
            assert error.body["type"] == "error", error.body
            return error.status_code

    def leave(self, model):
        with self.client.messages.stream(model=model, **self._request({})) as stream:
            for _ in stream.text_stream:
                return
