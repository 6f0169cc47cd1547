// Vercel's AI SDK over its provider for compatible APIs, asked by lines of JSON (lines.mjs).
import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateObject, generateText, isStepCount, jsonSchema, Output, streamObject,
  streamText, tool } from 'ai';
import { join, serve, turnsOf } from './lines.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;

const weir = createOpenAICompatible({ name: 'weir', baseURL: `${process.env.WEIR_URL}/v1`,
  apiKey: 'x', includeUsage: true, supportsStructuredOutputs: true });

function requestOf(model, asked) {
  const messages = turnsOf(asked).map(([role, content]) => ({ role, content }));
  const out = { model: weir(model), messages, maxRetries: 0,
    abortSignal: AbortSignal.timeout(30_000) };
  if (asked.system) out.instructions = asked.system;
  if (asked.tools) {
    const get_weather = { description: 'Tells it', inputSchema: jsonSchema(asked.weather) };
    const weather = { ...get_weather };
    const clock = { inputSchema: jsonSchema({ type: 'object', properties: {} }) };
    if (asked.loop) {
      weather.execute = ({ city }) => `Fair in ${city}`;
      clock.execute = () => '10:30';
      out.stopWhen = isStepCount(2);
    }
    out.tools = { get_weather: tool(get_weather), weather: tool(weather), clock: tool(clock) };
  }
  if (asked.calls) {
    messages.push({ role: 'assistant', content: asked.calls.map(([toolCallId, toolName, input]) =>
      ({ type: 'tool-call', toolCallId, toolName, input })) });
    messages.push({ role: 'tool', content: asked.results.map(([toolCallId, toolName, value]) =>
      ({ type: 'tool-result', toolCallId, toolName, output: { type: 'text', value } })) });
  }
  if (asked.image) {
    messages[0].content = [{ type: 'text', text: 'Hi' }, { type: 'file',
      mediaType: 'image/png', data: Buffer.from(asked.image, 'base64') }];
  }
  if (asked.think) out.reasoning = 'low';
  return out;
}

// What whole and streamed texts have in common, once all is there.
function answered(steps) {
  const calls = steps.flatMap((step) => step.toolCalls);
  // What does not fit its tool is marked, not thrown.
  for (const call of calls) assert.ok(!call.invalid, String(call.error));
  const { text, usage, finishReason, toolCalls } = steps.at(-1);
  assert.equal(finishReason, toolCalls.length ? 'tool-calls' : 'stop');
  return { text, reasoning: join(steps, (step) => step.reasoningText ?? ''),
    calls: calls.map((call) => [call.toolName, call.input]),
    usage: [usage.inputTokens, usage.outputTokens] };
}

async function textStreamed(request) {
  const result = streamText({ ...request, onError() {} });
  const seen = [];
  for await (const part of result.stream) {
    if (part.type === 'error') throw part.error;
    seen.push(part);
  }
  const steps = await result.steps;
  // What was shown on the way is what there is in the end.
  const shown = (type) => join(seen.filter((part) => part.type === type), (part) => part.text);
  assert.equal(shown('text-delta'), join(steps, (step) => step.text));
  assert.equal(shown('reasoning-delta'), join(steps, (step) => step.reasoningText ?? ''));
  return answered(steps);
}

const objectOf = ({ object, usage }) => ({ text: JSON.stringify(object), reasoning: '', calls: [],
  usage: [usage.inputTokens, usage.outputTokens] });

async function objectStreamed(request) {
  let wrong;
  const result = streamObject({ ...request, onError({ error }) { wrong = error; } });
  const seen = [];
  for await (const part of result.partialObjectStream) seen.push(part);
  if (wrong) throw wrong;
  assert.ok(seen.length > 2, `${seen.length} partial objects`);
  return objectOf({ object: await result.object, usage: await result.usage });
}

async function outputStreamed(request) {
  const result = streamText({ ...request, onError() {} });
  const seen = [];
  for await (const part of result.partialOutputStream) seen.push(part);
  assert.ok(seen.length > 2, `${seen.length} partial objects`);
  return objectOf({ object: await result.output, usage: await result.usage });
}

const status = (error) => {
  assert.ok(APICallError.isInstance(error), String(error));
  assert.ok(error.message.includes('It is so'), error.message);
  assert.equal(error.isRetryable, error.statusCode !== 400);
  return error.statusCode;
};

const ai = {
  status,
  ask(model, streamed, asked) {
    const request = requestOf(model, asked);
    if (asked.schema && asked.output) {
      request.output = Output.object({ schema: jsonSchema(asked.schema), name: 'person' });
      if (streamed) return outputStreamed(request);
      return generateText(request).then(({ output, usage }) => objectOf({ object: output, usage }));
    }
    if (asked.schema) {
      request.schema = jsonSchema(asked.schema);
      request.schemaName = 'person';
      return streamed ? objectStreamed(request) : generateObject(request).then(objectOf);
    }
    return streamed ? textStreamed(request) : generateText(request).then((r) => answered(r.steps));
  },
  async leave(model) {
    const leaving = new AbortController();
    const result = streamText({ ...requestOf(model, {}), abortSignal: leaving.signal,
      onError() {} });
    let aborted = false;
    for await (const part of result.stream) {
      if (part.type === 'text-delta') leaving.abort();
      if (part.type === 'abort') aborted = true;
    }
    assert.ok(aborted);
  },
};

await serve({ ai });
