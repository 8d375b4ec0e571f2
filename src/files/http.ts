import { NoticeError } from "../base/errors.js";
import { QUIET_MS, TransientError, type Waiting } from "./retry.js";

/**
 * A connection's limits: `timeoutMs` is the longest silence, before the first header and between two pieces of a body.
 * In ten times as long at least 64 KiB must come of what is not at its end.
 */
export interface Connection extends Waiting {
  readonly timeoutMs: number;
  /** `manual`: a redirect is the reply. */
  readonly redirect?: "follow" | "manual";
}

/**
 * A response whose body is read under the connection's limits. `close` ends the connection whatever is still to come.
 */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  body(): AsyncGenerator<Uint8Array>;
  close(): void;
}

const LEAST_BYTES = 64 * 1024;
const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * One GET, redirects followed unless they are asked for.
 * @throws TransientError for a broken or silent connection and for statuses that ask to come back later.
 */
export async function get(url: string, headers: Record<string, string>, connection: Connection): Promise<Reply> {
  const { signal, redirect } = connection;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const close = () => {
    signal?.removeEventListener("abort", stop);
    controller.abort();
  };
  const within = async <T>(step: Promise<T>): Promise<T> => {
    try {
      return await unlessSilent(step, url, connection);
    } catch (error) {
      close();
      signal?.throwIfAborted();
      throw new TransientError(`${url}: ${reason(error)}`);
    }
  };

  // A compressed body has neither the listed size nor ranges.
  const sent = { "user-agent": "vlm-notice", "accept-encoding": "identity", ...headers };
  const response = await within(fetch(url, { headers: sent, signal: controller.signal, redirect }));
  if (TRANSIENT_STATUS.has(response.status)) {
    close();
    throw new TransientError(`${url}: the server answered ${response.status}`, retryAfterMs(response.headers));
  }
  return {
    status: response.status,
    headers: response.headers,
    close,
    body: () => piecesOf(response, within, { ...connection, close, end: (why) => controller.abort(new Error(why)) }),
  };
}

async function* piecesOf(
  { body }: Response,
  within: <T>(step: Promise<T>) => Promise<T>,
  { timeoutMs, close, end }: { timeoutMs: number; close: () => void; end: (why: string) => void },
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  let came = 0;
  const timer = setInterval(() => {
    if (came < LEAST_BYTES) end(`only ${came} bytes came in ${timeoutMs / 100} s`);
    came = 0;
  }, 10 * timeoutMs);
  try {
    while (reader) {
      const { done, value } = await within(reader.read());
      if (done) return;
      came += value.length;
      yield value;
    }
  } finally {
    clearInterval(timer);
    close();
  }
}

/** What the step gives, if it gives it in time. */
async function unlessSilent<T>(
  step: Promise<T>,
  url: string,
  { timeoutMs, quietMs = QUIET_MS, onWait }: Connection,
): Promise<T> {
  const tell = () => onWait?.(`waiting for ${new URL(url).host}, up to ${timeoutMs / 1000} s`);
  const quiet = setTimeout(tell, quietMs);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([step, silence]);
  } finally {
    clearTimeout(quiet);
    clearTimeout(timer);
  }
}

/** A whole small body, refused as soon as it is longer than `limit` bytes. */
export async function readAll(reply: Reply, limit: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of reply.body()) {
    length += piece.length;
    if (length > limit) throw new NoticeError("network", `${what}: more than the ${limit} bytes expected at most`);
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

function retryAfterMs(headers: Headers): number {
  const value = headers.get("retry-after");
  if (!value) return 0;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;
  return ms > 0 ? ms : 0;
}

function reason(error: unknown): string {
  const deepest = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (deepest as NodeJS.ErrnoException).code;
  const message = deepest instanceof Error ? deepest.message : String(deepest);
  return code && !message.includes(code) ? `${message} (${code})` : message;
}
