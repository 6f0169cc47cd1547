// The official SDKs of the gateway's dialects, asked by lines of JSON (lines.mjs).
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { join, serve, turnsOf } from './lines.mjs';

const url = process.env.WEIR_URL;

const claude = new Anthropic({ baseURL: url, apiKey: 'x', maxRetries: 0, timeout: 30_000 });
const google = new GoogleGenAI({ apiKey: 'x', httpOptions: { baseUrl: url, timeout: 30_000 } });
const llama = new Ollama({ host: url });
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x', maxRetries: 0, timeout: 30_000 });

function messagesRequest(model, asked) {
  const messages = turnsOf(asked).map(([role, content]) => ({ role, content }));
  const out = { model, max_tokens: 2000, messages };
  if (asked.system) out.system = asked.system;
  if (asked.tools) out.tools = [{ name: 'get_weather', input_schema: asked.weather }];
  if (asked.calls) {
    messages.push({ role: 'assistant', content: asked.calls.map(([id, name, input]) =>
      ({ type: 'tool_use', id, name, input })) });
    messages.push({ role: 'user', content: asked.results.map(([id, , content]) =>
      ({ type: 'tool_result', tool_use_id: id, content })) });
  }
  if (asked.image) {
    messages[0].content = [{ type: 'text', text: 'Hi' }, { type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: asked.image } }];
  }
  if (asked.think) out.thinking = { type: 'enabled', budget_tokens: 1024 };
  if (asked.schema) out.output_config = { format: { type: 'json_schema', schema: asked.schema } };
  return out;
}

const anthropic = {
  kinds: Anthropic.APIError,
  async ask(model, streamed, asked) {
    const request = messagesRequest(model, asked);
    const message = streamed ? await claude.messages.stream(request).finalMessage()
      : await claude.messages.create(request);
    const of = (type) => message.content.filter((block) => block.type === type);
    const { usage } = message;
    return { text: join(of('text'), (b) => b.text),
      reasoning: join(of('thinking'), (b) => b.thinking),
      calls: of('tool_use').map((b) => [b.name, b.input]),
      usage: [usage.input_tokens + (usage.cache_read_input_tokens ?? 0) +
        (usage.cache_creation_input_tokens ?? 0), usage.output_tokens] };
  },
  async leave(model) {
    const stream = await claude.messages.create({ ...messagesRequest(model, {}), stream: true });
    for await (const event of stream) if (event.type === 'content_block_delta') break;
    stream.controller.abort();
  },
};

function contentRequest(model, asked) {
  const contents = turnsOf(asked).map(([role, text]) =>
    ({ role: role === 'user' ? 'user' : 'model', parts: [{ text }] }));
  const config = {};
  if (asked.system) config.systemInstruction = asked.system;
  if (asked.tools) {
    config.tools = [{ functionDeclarations: [{ name: 'get_weather', description: 'Tells it',
      parametersJsonSchema: asked.weather }] }];
  }
  if (asked.calls) {
    contents.push({ role: 'model', parts: asked.calls.map(([id, name, args]) =>
      ({ functionCall: { id, name, args } })) });
    contents.push({ role: 'user', parts: asked.results.map(([id, name, output]) =>
      ({ functionResponse: { id, name, response: { output } } })) });
  }
  if (asked.image) {
    contents[0].parts.push({ inlineData: { mimeType: 'image/png', data: asked.image } });
  }
  if (asked.think) config.thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
  if (asked.schema) {
    config.responseMimeType = 'application/json';
    config.responseJsonSchema = asked.schema;
  }
  return { model, contents, config };
}

const genai = {
  kinds: ApiError,
  async ask(model, streamed, asked) {
    const request = contentRequest(model, asked);
    const chunks = [];
    if (streamed) {
      for await (const chunk of await google.models.generateContentStream(request)) {
        chunks.push(chunk);
      }
    } else {
      chunks.push(await google.models.generateContent(request));
    }
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
    const usage = chunks.map((chunk) => chunk.usageMetadata).filter(Boolean).at(-1);
    return { text: join(parts.filter((p) => p.text && !p.thought), (p) => p.text),
      reasoning: join(parts.filter((p) => p.text && p.thought), (p) => p.text),
      calls: parts.filter((p) => p.functionCall)
        .map((p) => [p.functionCall.name, p.functionCall.args ?? {}]),
      usage: [usage.promptTokenCount,
        (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0)] };
  },
  async leave(model) {
    const leaving = new AbortController();
    const request = contentRequest(model, {});
    request.config.abortSignal = leaving.signal;
    const stream = await google.models.generateContentStream(request);
    await stream.next();
    leaving.abort();
  },
};

function llamaRequest(model, asked) {
  const messages = turnsOf(asked).map(([role, content]) => ({ role, content }));
  const out = { model, messages };
  if (asked.system) messages.unshift({ role: 'system', content: asked.system });
  if (asked.tools) {
    out.tools = [{ type: 'function', function: { name: 'get_weather', description: 'Tells it',
      parameters: asked.weather } }];
  }
  if (asked.calls) {
    messages.push({ role: 'assistant', content: '', tool_calls: asked.calls.map(
      ([, name, args]) => ({ function: { name, arguments: args } })) });
    messages.push(...asked.results.map(([, name, content]) =>
      ({ role: 'tool', tool_name: name, content })));
  }
  if (asked.image) messages[0].images = [asked.image];
  if (asked.think) out.think = true;
  if (asked.schema) out.format = asked.schema;
  return out;
}

const ollama = {
  async ask(model, streamed, asked) {
    const request = { ...llamaRequest(model, asked), stream: streamed };
    const chunks = [];
    if (streamed) for await (const chunk of await llama.chat(request)) chunks.push(chunk);
    else chunks.push(await llama.chat(request));
    const last = chunks.at(-1);
    assert.equal(last.done, true);
    return { text: join(chunks, (c) => c.message.content ?? ''),
      reasoning: join(chunks, (c) => c.message.thinking ?? ''),
      calls: chunks.flatMap((c) => c.message.tool_calls ?? [])
        .map((call) => [call.function.name, call.function.arguments]),
      usage: [last.prompt_eval_count, last.eval_count] };
  },
  status(error) {
    assert.equal(error.name, 'ResponseError');
    return error.status_code;
  },
  async leave(model) {
    const stream = await llama.chat({ ...llamaRequest(model, {}), stream: true });
    try {
      for await (const _ of stream) stream.abort();
    } catch (error) {
      assert.equal(error.name, 'AbortError');
    }
  },
};

function responsesRequest(model, asked) {
  const input = turnsOf(asked).map(([role, content]) => ({ role, content }));
  const out = { model, input, store: false };
  if (asked.system) out.instructions = asked.system;
  if (asked.tools) {
    out.tools = [{ type: 'function', name: 'get_weather', parameters: asked.weather,
      strict: false }];
  }
  if (asked.calls) {
    input.push(...asked.calls.map(([id, name, args]) =>
      ({ type: 'function_call', call_id: id, name, arguments: JSON.stringify(args) })));
    input.push(...asked.results.map(([id, , output]) =>
      ({ type: 'function_call_output', call_id: id, output })));
  }
  if (asked.image) {
    input[0].content = [{ type: 'input_text', text: 'Hi' }, { type: 'input_image',
      detail: 'auto', image_url: `data:image/png;base64,${asked.image}` }];
  }
  if (asked.think) out.reasoning = { effort: 'low', summary: 'auto' };
  if (asked.schema) {
    out.text = { format: { type: 'json_schema', name: 'person', strict: true,
      schema: asked.schema } };
  }
  return out;
}

const responses = {
  kinds: OpenAI.APIError,
  async ask(model, streamed, asked) {
    const request = responsesRequest(model, asked);
    const response = streamed ? await openai.responses.stream(request).finalResponse()
      : await openai.responses.create(request);
    assert.equal(response.status, 'completed');
    const of = (type) => response.output.filter((item) => item.type === type);
    const thoughts = of('reasoning').flatMap((item) =>
      [...(item.summary ?? []), ...(item.content ?? [])]);
    return { text: response.output_text, reasoning: join(thoughts, (one) => one.text),
      calls: of('function_call').map((item) => [item.name, JSON.parse(item.arguments)]),
      usage: [response.usage.input_tokens, response.usage.output_tokens] };
  },
  async leave(model) {
    const stream = await openai.responses.create({ ...responsesRequest(model, {}), stream: true });
    for await (const event of stream) if (event.type === 'response.output_text.delta') break;
    stream.controller.abort();
  },
};

function chatRequest(model, asked) {
  const messages = turnsOf(asked).map(([role, content]) => ({ role, content }));
  const out = { model, messages };
  if (asked.system) messages.unshift({ role: 'system', content: asked.system });
  if (asked.tools) {
    out.tools = [{ type: 'function', function: { name: 'get_weather', parameters: asked.weather } }];
  }
  if (asked.calls) {
    messages.push({ role: 'assistant', content: null, tool_calls: asked.calls.map(
      ([id, name, args]) =>
        ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } })) });
    messages.push(...asked.results.map(([id, , content]) =>
      ({ role: 'tool', tool_call_id: id, content })));
  }
  if (asked.image) {
    messages[0].content = [{ type: 'text', text: 'Hi' }, { type: 'image_url',
      image_url: { url: `data:image/png;base64,${asked.image}` } }];
  }
  if (asked.think) out.reasoning_effort = 'low';
  if (asked.schema) {
    out.response_format = { type: 'json_schema',
      json_schema: { name: 'person', strict: true, schema: asked.schema } };
  }
  return out;
}

const chat = {
  kinds: OpenAI.APIError,
  async ask(model, streamed, asked) {
    const request = chatRequest(model, asked);
    let reasoning = '';
    let completion;
    if (streamed) {
      const stream = openai.chat.completions
        .stream({ ...request, stream_options: { include_usage: true } });
      stream.on('chunk', (chunk) => {
        reasoning += chunk.choices[0]?.delta?.reasoning_content ?? '';
      });
      completion = await stream.finalChatCompletion();
    } else {
      completion = await openai.chat.completions.create(request);
      reasoning = completion.choices[0].message.reasoning_content ?? '';
    }
    const { message } = completion.choices[0];
    return { text: message.content ?? '', reasoning,
      calls: (message.tool_calls ?? [])
        .map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
      usage: [completion.usage.prompt_tokens, completion.usage.completion_tokens] };
  },
  async leave(model) {
    const stream = await openai.chat.completions.create({ ...chatRequest(model, {}), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
    stream.controller.abort();
  },
};

await serve({ anthropic, genai, ollama, responses, chat });
