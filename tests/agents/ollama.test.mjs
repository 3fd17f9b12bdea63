import assert from "node:assert/strict";
import test from "node:test";
import { Ollama } from "ollama";
import { conversation, limited, tool, withServer } from "./server.mjs";

const user = { role: "user", content: "Read both files." };
const tools = [{ type: "function", function: { name: tool.name, description: tool.description, parameters: tool.schema } }];

async function collect(stream) {
  const message = { role: "assistant", content: "", thinking: "", tool_calls: [] };
  let last;
  for await (const part of stream) {
    message.content += part.message.content;
    message.thinking += part.message.thinking ?? "";
    message.tool_calls.push(...(part.message.tool_calls ?? []));
    last = part;
  }
  return { message, last };
}

test("chat: thinking, parallel tool calls, usage, then text", () =>
  withServer(conversation, async ({ url, control }) => {
    const ollama = new Ollama({ host: url });
    const { message, last } = await collect(await ollama.chat({ model: "mock", messages: [user], tools, stream: true }));
    assert.equal(message.thinking, "Let me look.");
    assert.equal(message.content, "Reading both.");
    assert.deepEqual(message.tool_calls.map((call) => call.function.arguments.path), ["a.txt", "ö.txt"]);
    assert.deepEqual([last.done_reason, last.prompt_eval_count, last.eval_count], ["stop", 100, 30]);
    const results = message.tool_calls.map((call) => ({ role: "tool", tool_name: call.function.name, content: "hällo" }));
    const second = await ollama.chat({ model: "mock", messages: [user, message, ...results], tools, stream: true });
    assert.equal((await collect(second)).message.content, "It says hällo.");
    assert.deepEqual(await control("prefix_breaks"), []);
  }));

test("chat: split bytes, whole answers, a limit, an error in the stream", () =>
  withServer(
    [{ ...conversation[0], chunk_bytes: 1 }, conversation[0], limited, { text: "par", failed: { code: "x", message: "it broke" } }],
    async ({ url }) => {
      const ollama = new Ollama({ host: url });
      const odd = await collect(await ollama.chat({ model: "mock", messages: [user], stream: true }));
      const whole = await ollama.chat({ model: "mock", messages: [user] });
      assert.deepEqual(odd.message, whole.message);
      await assert.rejects(ollama.chat({ model: "mock", messages: [user] }), (error) => error.status_code === 429 && /slow down/.test(error.message));
      await assert.rejects(async () => collect(await ollama.chat({ model: "mock", messages: [user], stream: true })), /it broke/);
    },
  ));

test("models", () =>
  withServer([], async ({ url }) => {
    const ollama = new Ollama({ host: url });
    assert.deepEqual((await ollama.list()).models.map((model) => model.name), ["mock"]);
    assert.equal((await ollama.ps()).models.length, 1);
    assert.equal((await ollama.show({ model: "mock" })).model_info["mock.context_length"], 32768);
    assert.ok((await ollama.version()).version);
  }));
