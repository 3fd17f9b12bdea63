// Starts the real `lathe daemon` in fresh folders, with the ScriptedModelServer as its backend, and stops it with the test.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { withServer } from "./server.mjs";

const program = join(dirname(process.env.LATHE_MODEL_SERVER), "lathe");

/** Runs `use({ url, cwd, token })`, where token(scopes) gives one out. */
export function withDaemon(answers, use) {
  return withServer(answers, async ({ url: model }) => {
    const folder = mkdtempSync(join(tmpdir(), "lathe-client-"));
    const [home, cwd] = ["home", "project"].map((name) => join(folder, name));
    mkdirSync(home);
    mkdirSync(cwd);
    const backend = `  mock:\n    type: openai\n    url: ${model}/v1\n    api-key-env: MOCK_KEY\n`;
    writeFileSync(join(home, "config.yaml"), `default-backend: mock\ndefault-model: mock\nbackends:\n${backend}`);
    const env = { ...process.env, HOME: folder, LATHE_HOME: home, MOCK_KEY: "key-of-the-test", LATHE_DAEMON_AUTO_START: "never" };
    delete env.CI;
    const lathe = (...words) => execFileSync(program, words, { env, cwd, encoding: "utf8" });
    lathe("daemon", "start", "--listen", "127.0.0.1:0");
    try {
      const { listen } = JSON.parse(lathe("daemon", "status", "--json"));
      await use({ url: `http://${listen}`, cwd, token: (scopes) => lathe("daemon", "token", "create", "--scope", scopes).trim() });
    } finally {
      lathe("daemon", "stop");
      rmSync(folder, { recursive: true });
    }
  });
}
