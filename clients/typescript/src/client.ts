import { Connection, type Fields } from "./connection.js";
import { LatheError } from "./errors.js";
import type { Calls, Event, HttpAck, Ops, Routes } from "./protocol.js";
import { dataOf } from "./sse.js";

export type * from "./protocol.js";
export { Connection, type Fields } from "./connection.js";
export { LatheError } from "./errors.js";

export interface LatheOptions {
  /** "http://127.0.0.1:8090" */
  url: string;
  /** lathe daemon token create */
  token?: string;
  /** who asks, as the daemon's records name it */
  client?: string;
}

export interface EventOptions {
  /** seq of the last event that was seen; 0: all, -1: only what comes */
  since?: number;
  signal?: AbortSignal;
}

type Part = "path" | "query" | "body";
/** What a route needs; parts that it does not have may be left out. */
export type RouteInput<R extends keyof Routes> = {
  [P in Part as {} extends Routes[R][P] ? never : undefined extends Routes[R][P] ? never : P]: Routes[R][P];
} & { query?: Routes[R]["query"] };

const RECONNECT_MS = 500;

/** A daemon of Lathe over HTTP. */
export class Lathe {
  constructor(private readonly options: LatheOptions) {}

  /** A call of the protocol; gives the fields of its reply. */
  call<T extends keyof Calls>(type: T, fields: Fields<Calls[T]["call"]>): Promise<Fields<Calls[T]["reply"]>> {
    return this.json("POST", `/v1/calls/${type}`, fields);
  }

  newSession(fields: Fields<Ops["configure_session"]>): Promise<HttpAck> {
    return this.json("POST", "/v1/sessions", fields);
  }

  /** Done when it is recorded; what becomes of it comes as events. */
  op<T extends keyof Ops>(session: string, type: T, fields: Fields<Ops[T]>): Promise<HttpAck> {
    return this.json("POST", `/v1/sessions/${encodeURIComponent(session)}/ops/${type}`, fields);
  }

  /** Any other route that answers JSON: route("GET /sessions/{session}", { path: { session } }). */
  route<R extends keyof Routes>(route: R, input: RouteInput<R>): Promise<Routes[R]["answer"]> {
    const [method = "GET", template = "/"] = route.split(" ");
    const { path, query, body } = input as { path?: Record<string, string>; query?: Record<string, number>; body?: unknown };
    const place = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path?.[name] ?? ""));
    const parameters = new URLSearchParams(Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]));
    return this.json(method, parameters.size > 0 ? `${place}?${parameters}` : place, body);
  }

  /**
   * The session's events as they come. A connection that is lost, or that fell behind, is made again from the last durable
   * event on; passing events may be missing then. Ends when `signal` is aborted or the session is closed.
   */
  async *events(session: string, { since = 0, signal }: EventOptions = {}): AsyncGenerator<Event> {
    let seen = since;
    while (!signal?.aborted) {
      try {
        const path = `/v1/sessions/${encodeURIComponent(session)}/events?since=${seen}`;
        const response = await this.fetch("GET", path, undefined, signal);
        if (response.body === null) return;
        for await (const data of dataOf(response.body)) {
          const event: Event = JSON.parse(data);
          if (event.msg.type === "lagged") break;
          if (event.seq !== undefined) seen = event.seq;
          yield event;
          if (event.msg.type === "shutdown_complete") return;
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (error instanceof LatheError && !error.retryable) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }

  /** A WebSocket with frames of the protocol. */
  connect(): Promise<Connection> {
    const url = `${this.options.url.replace(/^http/, "ws")}/v1/connect`;
    return Connection.open(url, this.client, this.options.token);
  }

  private get client(): string {
    return this.options.client ?? "lathe-client";
  }

  private async json<T>(method: string, path: string, body: unknown): Promise<T> {
    return (await this.fetch(method, path, body)).json() as Promise<T>;
  }

  private async fetch(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.options.token !== undefined) headers["authorization"] = `Bearer ${this.options.token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const request: RequestInit = { method, headers };
    if (body !== undefined) request.body = JSON.stringify(body);
    if (signal !== undefined) request.signal = signal;
    const response = await fetch(this.options.url + path, request);
    if (!response.ok) throw await LatheError.of(response);
    return response;
  }
}
