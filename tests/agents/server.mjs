// Starts lathe-model-server with a script and ends it with the test.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const program = process.env.LATHE_MODEL_SERVER;

/** Runs `use({ url, control })` against a server with these answers, then checks that it saw no broken request. */
export async function withServer(answers, use) {
  const folder = mkdtempSync(join(tmpdir(), "lathe-agents-"));
  const script = join(folder, "script.json");
  writeFileSync(script, JSON.stringify({ answers }));
  const child = spawn(program, ["--script", script, "--until-stdin-closes"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [line] = await Promise.race([
      createInterface({ input: child.stdout })[Symbol.asyncIterator]().next().then(({ value }) => [value]),
      new Promise((_, reject) => child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)))),
    ]);
    const url = `http://127.0.0.1:${JSON.parse(line).port}`;
    const control = async (path) => (await fetch(`${url}/_control/${path}`)).json();
    await use({ url, control });
    const violations = await control("violations");
    if (violations.length > 0) throw new Error(violations.join("\n"));
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.stdin.end();
    if (child.exitCode === null) await gone;
    rmSync(folder, { recursive: true });
  }
}

/** The script that every library is shown: two parallel calls, then text; then a limit, then a plain answer. */
export const conversation = [
  {
    reasoning: ["Let me ", "look."],
    reasoning_opaque: "opaque==",
    text: "Reading both.",
    tool_calls: [
      { name: "read", arguments: { path: "a.txt" }, id: "call_a" },
      { name: "read", arguments: { path: "ö.txt" }, id: "call_b" },
    ],
    usage: { input: 100, cached: 60, output: 30, reasoning: 10 },
  },
  { text: ["It ", "says ", "hällo."], usage: { input: 150, output: 8 } },
];
export const limited = { error: { status: 429, headers: { "retry-after": "7" }, message: "slow down" } };
export const overloaded = { text: "par", failed: { code: "server_error", message: "it broke" } };
export const tool = {
  name: "read",
  description: "Reads a file.",
  schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
};
