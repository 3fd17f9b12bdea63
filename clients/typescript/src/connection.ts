import { LatheError } from "./errors.js";
import type { Calls, ClientFrame, Event, HttpAck, Ops, ServerFrame } from "./protocol.js";

/** What a call or op takes: its fields, without the name that stands beside them. */
export type Fields<T> = Omit<T, "type">;

interface Waiting {
  resolve(frame: ServerFrame): void;
  reject(error: Error): void;
}

/** One WebSocket: frames of the protocol both ways, and events of every session that it subscribes to or configures. */
export class Connection implements AsyncIterable<Event> {
  private readonly waiting = new Map<string, Waiting>();
  private readonly arrived: Event[] = [];
  private wake: (() => void) | undefined;
  private ended: Error | undefined;
  private lastId = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener("message", (message) => this.take(JSON.parse(String(message.data))));
    socket.addEventListener("close", () => this.end());
    socket.addEventListener("error", () => this.end());
  }

  /** Says hello with the token: a WebSocket of a browser has no headers of its own. */
  static async open(url: string, client: string, token: string | undefined): Promise<Connection> {
    const socket = new WebSocket(url);
    const connection = new Connection(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new LatheError("unavailable", `${url} cannot be reached`, "", true)));
    });
    try {
      await connection.call("hello", token === undefined ? { client } : { client, token });
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  async call<T extends keyof Calls>(type: T, fields: Fields<Calls[T]["call"]>): Promise<Calls[T]["reply"]> {
    const frame = await this.ask((id) => ({ id, call: { type, ...fields } }) as unknown as ClientFrame);
    if (!("reply" in frame)) throw new LatheError("internal", "a call was not answered by a reply");
    return frame.reply as Calls[T]["reply"];
  }

  /** Done when it is recorded. Without a session: the one that this connection configured last. */
  async submit<T extends keyof Ops>(type: T, fields: Fields<Ops[T]>, session?: string): Promise<HttpAck> {
    const place = session === undefined ? {} : { session };
    const frame = await this.ask((id) => ({ id, ...place, op: { type, ...fields } }) as unknown as ClientFrame);
    if (!("ack" in frame)) throw new LatheError("internal", "an op was not answered by an ack");
    return frame.ack;
  }

  /** Events as they come, until the connection is closed. One reader at a time. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    while (true) {
      const event = this.arrived.shift();
      if (event !== undefined) yield event;
      else if (this.ended !== undefined) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  close(): void {
    this.socket.close();
    this.end();
  }

  private ask(frame: (id: string) => ClientFrame): Promise<ServerFrame> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    const id = String(++this.lastId);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.socket.send(JSON.stringify(frame(id)));
    });
  }

  private take(frame: ServerFrame): void {
    if ("msg" in frame) {
      this.arrived.push(frame);
      this.wake?.();
      return;
    }
    const waiting = this.waiting.get(frame.id);
    this.waiting.delete(frame.id);
    if ("error" in frame) {
      const { code, message, hint, retryable } = frame.error;
      waiting?.reject(new LatheError(code, message, hint, retryable));
    } else {
      waiting?.resolve(frame);
    }
  }

  private end(): void {
    this.ended ??= new LatheError("unavailable", "the connection is closed", "", true);
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
    this.wake?.();
  }
}
