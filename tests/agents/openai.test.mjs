import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";
import { conversation, limited, overloaded, tool, withServer } from "./server.mjs";

const client = (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-test", maxRetries: 0 });
const user = { role: "user", content: "Read both files." };
const chatTools = [
  { type: "function", function: { name: tool.name, description: tool.description, parameters: tool.schema } },
];
const responseTools = [
  { type: "function", name: tool.name, description: tool.description, parameters: tool.schema, strict: false },
];

test("chat: parallel tool calls, usage, then text", () =>
  withServer(conversation, async ({ url, control }) => {
    const openai = client(url);
    const ask = (messages) =>
      openai.chat.completions
        .stream({ model: "mock", messages, tools: chatTools, stream_options: { include_usage: true } })
        .finalChatCompletion();
    const first = await ask([user]);
    const { message, finish_reason } = first.choices[0];
    assert.equal(finish_reason, "tool_calls");
    assert.equal(message.content, "Reading both.");
    assert.deepEqual(
      message.tool_calls.map((call) => [call.id, call.function.name, JSON.parse(call.function.arguments).path]),
      [["call_a", "read", "a.txt"], ["call_b", "read", "ö.txt"]],
    );
    assert.equal(first.usage.prompt_tokens, 100);
    assert.equal(first.usage.prompt_tokens_details.cached_tokens, 60);
    assert.equal(first.usage.completion_tokens_details.reasoning_tokens, 10);
    const results = message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "hällo" }));
    const { role, content, tool_calls } = message;
    const second = await ask([user, { role, content, tool_calls }, ...results]);
    assert.equal(second.choices[0].message.content, "It says hällo.");
    assert.equal(second.choices[0].finish_reason, "stop");
    assert.deepEqual(await control("prefix_breaks"), []);
  }));

test("chat: interleaved argument pieces, reasoning member, odd bytes", () =>
  withServer(
    [{ ...conversation[0], interleave_calls: true, chunk_bytes: 1, crlf: true, keep_alive_every: 2 }],
    async ({ url }) => {
      const stream = await client(url).chat.completions.create({ model: "mock", messages: [user], stream: true });
      let reasoning = "";
      const args = ["", ""];
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta ?? {};
        reasoning += delta.reasoning_content ?? "";
        for (const call of delta.tool_calls ?? []) args[call.index] += call.function.arguments;
      }
      assert.equal(reasoning, "Let me look.");
      assert.deepEqual(args.map(JSON.parse), [{ path: "a.txt" }, { path: "ö.txt" }]);
    },
  ));

test("chat: whole answers and failures", () =>
  withServer([conversation[0], limited, overloaded], async ({ url }) => {
    const openai = client(url);
    const whole = await openai.chat.completions.create({ model: "mock", messages: [user] });
    assert.equal(whole.choices[0].message.tool_calls.length, 2);
    assert.equal(whole.usage.total_tokens, 130);
    await assert.rejects(openai.chat.completions.create({ model: "mock", messages: [user], stream: true }), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.headers.get("retry-after"), "7");
      assert.match(error.message, /slow down/);
      return true;
    });
    await assert.rejects(openai.chat.completions.stream({ model: "mock", messages: [user] }).done(), /it broke/);
  }));

test("responses: reasoning, parallel function calls, usage, then text", () =>
  withServer(conversation, async ({ url, control }) => {
    const openai = client(url);
    const ask = (input) =>
      openai.responses.stream({ model: "mock", input, tools: responseTools, store: false }).finalResponse();
    const first = await ask([user]);
    assert.equal(first.status, "completed");
    assert.equal(first.output_text, "Reading both.");
    const [reasoning, message, ...calls] = first.output;
    assert.equal(reasoning.summary[0].text, "Let me look.");
    assert.equal(reasoning.encrypted_content, "opaque==");
    assert.deepEqual(calls.map((call) => [call.call_id, JSON.parse(call.arguments).path]), [
      ["call_a", "a.txt"],
      ["call_b", "ö.txt"],
    ]);
    assert.equal(first.usage.input_tokens_details.cached_tokens, 60);
    assert.equal(first.usage.output_tokens_details.reasoning_tokens, 10);
    const plain = calls.map(({ call_id, name, arguments: args }) => ({ type: "function_call", call_id, name, arguments: args }));
    const results = calls.map((call) => ({ type: "function_call_output", call_id: call.call_id, output: "hällo" }));
    const second = await ask([user, { role: "assistant", content: message.content[0].text }, ...plain, ...results]);
    assert.equal(second.output_text, "It says hällo.");
    assert.deepEqual(await control("prefix_breaks"), []);
  }));

test("responses: events one by one, incomplete, failed, a limit, whole", () =>
  withServer(
    [conversation[1], { text: "cut", finish_reason: "max_output_tokens" }, overloaded, limited, conversation[0]],
    async ({ url }) => {
      const openai = client(url);
      const events = async () => {
        const seen = [];
        for await (const event of await openai.responses.create({ model: "mock", input: "hi", stream: true })) seen.push(event);
        return seen;
      };
      const plain = await events();
      assert.equal(plain.filter((e) => e.type === "response.output_text.delta").map((e) => e.delta).join(""), "It says hällo.");
      assert.deepEqual(plain.map((e) => e.sequence_number), plain.map((_, i) => i));
      const incomplete = (await events()).at(-1);
      assert.equal(incomplete.type, "response.incomplete");
      assert.equal(incomplete.response.incomplete_details.reason, "max_output_tokens");
      const failed = (await events()).at(-1);
      assert.equal(failed.type, "response.failed");
      assert.equal(failed.response.error.message, "it broke");
      await assert.rejects(events(), OpenAI.RateLimitError);
      const whole = await openai.responses.create({ model: "mock", input: "hi" });
      assert.equal(whole.output_text, "Reading both.");
      assert.equal(whole.output.filter((item) => item.type === "function_call").length, 2);
    },
  ));

test("models", () =>
  withServer([], async ({ url }) => {
    const ids = [];
    for await (const model of client(url).models.list()) ids.push(model.id);
    assert.deepEqual(ids, ["mock"]);
    await assert.rejects(client(url).models.retrieve("nope"), OpenAI.NotFoundError);
  }));
