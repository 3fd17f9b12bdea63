// Compiled, never run: what the types must take, and what they must refuse.
import { Lathe } from "./client.js";

export async function check(lathe: Lathe): Promise<void> {
  const { sessions } = await lathe.call("session_list", { limit: 3 });
  const state: "idle" | "running" | "parked" | "interrupted" | "damaged" | undefined = sessions[0]?.state;
  // @ts-expect-error: no such field
  await lathe.call("session_list", { limits: 3 });
  // @ts-expect-error: a field is missing
  await lathe.call("session_get", {});
  // @ts-expect-error: no such call
  await lathe.call("session_lists", {});
  const { session } = await lathe.newSession({ cwd: "/tmp" });
  await lathe.op(session, "user_input", { items: [{ type: "text", text: "go" }], if_busy: "queue" });
  // @ts-expect-error: not one of its values
  await lathe.op(session, "user_input", { items: [], if_busy: "now" });
  for await (const event of lathe.events(session)) {
    if (event.msg.type === "agent_message") event.msg.text satisfies string;
    // @ts-expect-error: not every event has text
    event.msg.text;
  }
  const snapshot = await lathe.route("GET /sessions/{session}", { path: { session } });
  snapshot.exit_code satisfies number | undefined;
  await lathe.route("GET /health", {});
  await lathe.route("GET /sessions", { query: { limit: 1 } });
  // @ts-expect-error: the session is missing
  await lathe.route("GET /sessions/{session}", {});
  void state;
}
