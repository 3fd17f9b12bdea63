import type { AgentruntimeError, HttpError } from "./protocol.js";

/** What the daemon refused, with its stable code. */
export class LatheError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = "",
    readonly retryable = false,
    /** of HTTP; absent where the refusal came in a frame */
    readonly status?: number,
  ) {
    super(message);
    this.name = "LatheError";
  }

  /** From the body of a refusal, in either of the two forms that routes have. */
  static async of(response: Response): Promise<LatheError> {
    const text = await response.text();
    let body: HttpError | AgentruntimeError;
    try {
      body = JSON.parse(text);
    } catch {
      return new LatheError("internal", text || response.statusText, "", false, response.status);
    }
    if (typeof body.error === "string") {
      const { code, error, retryable } = body as AgentruntimeError;
      return new LatheError(code, error, "", retryable, response.status);
    }
    const { code, message, hint, retryable } = body.error;
    return new LatheError(code, message, hint, retryable, response.status);
  }
}
