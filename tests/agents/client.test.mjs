// Our own TypeScript client (clients/typescript), compiled, against a real daemon.
import assert from "node:assert/strict";
import test from "node:test";
import { withDaemon } from "./daemon.mjs";

const { Lathe, LatheError } = await import(process.env.LATHE_CLIENT);
const say = (text) => ({ items: [{ type: "text", text }] });

test("client: a Task over HTTP, its events, and where a reader goes on", () =>
  withDaemon([{ text: "Over HTTP." }], async ({ url, cwd, token }) => {
    const lathe = new Lathe({ url, token: token("read,prompt") });
    assert.equal((await lathe.route("GET /health", {})).status, "ok");
    const { session } = await lathe.newSession({ cwd });
    const { seq } = await lathe.op(session, "user_input", say("go"));
    const events = [];
    for await (const event of lathe.events(session)) {
      events.push(event);
      if (event.msg.type === "task_complete") break;
    }
    assert.equal(events[0].msg.type, "session_configured");
    assert.equal(events.find(({ msg }) => msg.type === "agent_message").msg.text, "Over HTTP.");
    const durable = events.filter((event) => event.seq !== undefined).map((event) => event.seq);
    for await (const event of lathe.events(session, { since: seq })) {
      assert.equal(event.seq, durable.find((one) => one > seq));
      break;
    }
    const { sessions } = await lathe.call("session_list", {});
    assert.deepEqual(sessions.map((one) => one.session_id), [session]);
    assert.equal((await lathe.route("GET /sessions/{session}", { path: { session } })).exit_code, 0);
    assert.equal((await lathe.route("GET /sessions", { query: { limit: 1 } })).length, 1);
  }));

test("client: what is refused has its code", () =>
  withDaemon([], async ({ url, cwd, token }) => {
    const lathe = new Lathe({ url, token: token("read") });
    const refused = (code, status) => (error) => error instanceof LatheError && error.code === code && error.status === status;
    await assert.rejects(lathe.newSession({ cwd }), refused("permission_denied", 403));
    await assert.rejects(lathe.call("session_get", { session: "nowhere" }), refused("not_found", 404));
    await assert.rejects(lathe.route("GET /sessions/{session}", { path: { session: "nowhere" } }), refused("not_found", 404));
    await assert.rejects(new Lathe({ url, token: "wrong" }).call("session_list", {}), refused("permission_denied", 401));
    await assert.rejects(lathe.events("nowhere").next(), refused("invalid", 400));
  }));

test("client: a Task over a WebSocket", () =>
  withDaemon([{ text: "By frame." }], async ({ url, cwd, token }) => {
    await assert.rejects(new Lathe({ url, token: "wrong" }).connect(), (error) => error.code === "permission_denied");
    const connection = await new Lathe({ url, token: token("read,prompt") }).connect();
    const { session } = await connection.submit("configure_session", { cwd });
    await connection.submit("user_input", say("go"));
    for await (const { msg } of connection) {
      if (msg.type === "agent_message") assert.equal(msg.text, "By frame.");
      if (msg.type === "task_complete") break;
    }
    assert.equal((await connection.call("session_get", { session })).session.session_id, session);
    await assert.rejects(connection.call("index_rebuild", {}), (error) => error.code === "permission_denied");
    connection.close();
    await assert.rejects(connection.call("session_list", {}), (error) => error.code === "unavailable");
  }));
