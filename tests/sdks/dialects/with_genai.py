"""The official google-genai SDK."""

from google import genai
from google.genai import errors, types

from cells import WEATHER, Sdk, answer


class GoogleGenai(Sdk):
    name = "google-genai"

    def __init__(self, url):
        self.client = genai.Client(api_key="x", http_options=types.HttpOptions(
            base_url=url, timeout=30000, retry_options=types.HttpRetryOptions(attempts=1)))

    @staticmethod
    def _request(asked):
        roles = {"user": "user", "assistant": "model"}
        contents = [types.Content(role=roles[role], parts=[types.Part(text=text)])
                    for role, text in asked.get("turns", [("user", "Hi")])]
        config = {"automatic_function_calling": {"disable": True}}
        if "system" in asked:
            config["system_instruction"] = asked["system"]
        if asked.get("tools"):
            config["tools"] = [types.Tool(function_declarations=[types.FunctionDeclaration(
                name="get_weather", description="Tells it", parameters_json_schema=WEATHER)])]
        if "calls" in asked:
            contents.append(types.Content(role="model", parts=[
                types.Part(function_call=types.FunctionCall(id=i, name=name, args=arguments))
                for i, name, arguments in asked["calls"]]))
            contents.append(types.Content(role="user", parts=[
                types.Part(function_response=types.FunctionResponse(
                    id=i, name=name, response={"output": text}))
                for i, name, text in asked["results"]]))
        if "image" in asked:
            contents[0].parts.append(types.Part.from_bytes(data=asked["image"],
                                                           mime_type="image/png"))
        if asked.get("think"):
            config["thinking_config"] = types.ThinkingConfig(include_thoughts=True,
                                                             thinking_budget=1024)
        if "schema" in asked:
            config.update(response_mime_type="application/json",
                          response_json_schema=asked["schema"])
        return {"contents": contents, "config": types.GenerateContentConfig(**config)}

    def _chunks(self, model, streamed, asked):
        if not streamed:
            return [self.client.models.generate_content(model=model, **self._request(asked))]
        return list(self.client.models.generate_content_stream(model=model,
                                                               **self._request(asked)))

    def ask(self, model, streamed, asked):
        chunks = self._chunks(model, streamed, asked)
        parts = [part for chunk in chunks for one in (chunk.candidates or [])[:1]
                 for part in (one.content and one.content.parts) or []]
        usage = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata][-1]
        output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        return answer("".join(p.text for p in parts if p.text and not p.thought),
                      "".join(p.text for p in parts if p.text and p.thought),
                      [(p.function_call.name, p.function_call.args or {}) for p in parts
                       if p.function_call], (usage.prompt_token_count, output))

    def failed(self, model, streamed):
        try:
            self._chunks(model, streamed, {})
        except errors.APIError as error:
            assert isinstance(error, errors.ServerError if error.code >= 500
                              else errors.ClientError)
            assert error.status, error.details
            return error.code

    def leave(self, model):
        stream = self.client.models.generate_content_stream(model=model, **self._request({}))
        for _ in stream:
            break
        stream.close()
