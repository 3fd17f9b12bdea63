import assert from "node:assert/strict";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { conversation, limited, tool, withServer } from "./server.mjs";

const client = (url) => new Anthropic({ baseURL: url, apiKey: "sk-test", maxRetries: 0 });
const user = { role: "user", content: "Read both files." };
const base = { model: "mock", max_tokens: 1000 };
const tools = [{ name: tool.name, description: tool.description, input_schema: tool.schema }];

test("messages: thinking, parallel tool use, usage, then text", () =>
  withServer(conversation, async ({ url, control }) => {
    const anthropic = client(url);
    const first = await anthropic.messages.stream({ ...base, tools, messages: [user] }).finalMessage();
    assert.equal(first.stop_reason, "tool_use");
    const [thinking, text, ...calls] = first.content;
    assert.deepEqual([thinking.type, thinking.thinking, thinking.signature], ["thinking", "Let me look.", "opaque=="]);
    assert.equal(text.text, "Reading both.");
    assert.deepEqual(calls.map((call) => [call.id, call.input.path]), [["call_a", "a.txt"], ["call_b", "ö.txt"]]);
    assert.equal(first.usage.input_tokens, 40);
    assert.equal(first.usage.cache_read_input_tokens, 60);
    assert.equal(first.usage.output_tokens, 30);
    const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: "hällo" }));
    const second = await anthropic.messages
      .stream({ ...base, tools, messages: [user, { role: "assistant", content: first.content }, { role: "user", content: results }] })
      .finalMessage();
    assert.equal(second.content[0].text, "It says hällo.");
    assert.equal(second.stop_reason, "end_turn");
    assert.deepEqual(await control("prefix_breaks"), []);
  }));

test("messages: split bytes, whole answers, a limit, an error in the stream", () =>
  withServer(
    [
      { ...conversation[0], chunk_bytes: 1, crlf: true, keep_alive_every: 1 },
      conversation[0],
      limited,
      { text: "par", failed: { code: "overloaded_error", message: "it broke" } },
    ],
    async ({ url }) => {
      const anthropic = client(url);
      const odd = await anthropic.messages.stream({ ...base, messages: [user] }).finalMessage();
      const whole = await anthropic.messages.create({ ...base, messages: [user] });
      assert.deepEqual(odd.content, whole.content);
      await assert.rejects(anthropic.messages.create({ ...base, messages: [user] }), (error) => {
        assert.ok(error instanceof Anthropic.RateLimitError);
        assert.equal(error.headers.get("retry-after"), "7");
        return true;
      });
      await assert.rejects(anthropic.messages.stream({ ...base, messages: [user] }).finalMessage(), /it broke/);
    },
  ));

test("models and token counts", () =>
  withServer([], async ({ url }) => {
    const ids = [];
    for await (const model of client(url).models.list()) ids.push(model.id);
    assert.deepEqual(ids, ["mock"]);
    const count = await client(url).messages.countTokens({ model: "mock", messages: [user] });
    assert.equal(count.input_tokens, 10);
  }));
