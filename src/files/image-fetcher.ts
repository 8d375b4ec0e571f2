import { join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { oneByOne } from "../base/one-by-one.js";
import { decodePicture, kindOfPicture, MAX_FILE_BYTES } from "../pictures/decode.js";
import type { Failure } from "./fetch-manifest.js";
import { type Connection, get, type Reply, readAll } from "./http.js";
import { type Retry, TransientError, type Waiting, withRetries } from "./retry.js";
import { writeWhole } from "./write.js";

/** A picture that a data set names. */
export interface RemoteImage {
  /** Becomes the file's name: letters, digits, `-`, `_`. */
  readonly id: string;
  /** http or https. A relative one says that the picture should be here already. */
  readonly url: string;
}

export interface FetchLimits {
  /** The longest silence of a connection, milliseconds. A whole picture may take ten times as long. */
  readonly timeoutMs: number;
  readonly retry: Retry;
  /** The largest file that is taken. */
  readonly maxBytes: number;
}

interface Fetched {
  readonly id: string;
  readonly failure?: Failure;
}

const DEFAULTS: FetchLimits = {
  timeoutMs: 20_000,
  retry: { attempts: 3, delayMs: 500, longestMs: 60_000 },
  maxBytes: MAX_FILE_BYTES,
};
const MOST_REDIRECTS = 10;
const MAX_URL = 8192;
const HEADERS = { accept: "image/jpeg, image/png, image/webp, image/gif, image/bmp, */*;q=0.1" };

/** Why a picture does not come. */
class Missing extends Error {
  constructor(
    readonly reason: string,
    detail: string,
    readonly transient = false,
  ) {
    super(detail);
  }
}

/**
 * What fetches one picture into a folder and says how that went. Pictures are decoded one at a time: a few bytes may be
 * a few hundred megabytes of pixels.
 */
export function imageFetcher(
  folder: string,
  limits: Partial<FetchLimits>,
  waiting: Omit<Waiting, "signal"> = {},
): (image: RemoteImage, signal: AbortSignal) => Promise<Fetched> {
  const { timeoutMs, retry, maxBytes } = { ...DEFAULTS, ...limits };
  const decoding = oneByOne();
  return async ({ id, url }, signal) => {
    try {
      checkNames(id, url);
      const connection = { ...waiting, timeoutMs, signal };
      const bytes = await withRetries(() => download(url, maxBytes, connection), retry, connection);
      const ending = await decoding(() => checkPicture(bytes, id));
      signal.throwIfAborted();
      await writeWhole(join(folder, `${id}.${ending}`), bytes);
      return { id };
    } catch (error) {
      signal.throwIfAborted();
      const { reason, message, transient } = missingOf(error);
      return { id, failure: { id, url, reason, detail: message.slice(0, 300), transient } };
    }
  };
}

/** @throws what is no picture's fault. */
function missingOf(error: unknown): Missing {
  if (error instanceof Missing) return error;
  const gaveUp = error instanceof NoticeError && error.cause instanceof TransientError;
  if (!gaveUp) throw error;
  const [, status] = /: the server answered (\d+)/.exec(error.message) ?? [];
  return new Missing(status === undefined ? "no answer" : `HTTP ${status}`, error.message, true);
}

function checkNames(id: string, url: string): void {
  if (!/^[\w-]{1,100}$/.test(id)) throw new Missing("unusable id", "letters, digits, - and _ were expected");
  if (url.length > MAX_URL) throw new Missing("unusable address", `it has ${url.length} characters`);
  if (!/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(url)) throw new Missing("not here", "its address is relative", true);
  checkUrl(url);
}

function checkUrl(url: string): void {
  const { protocol, username, password } = URL.canParse(url) ? new URL(url) : { protocol: "" };
  if (!/^https?:$/.test(protocol) || username || password)
    throw new Missing("unusable address", "an http or https address without user or password was expected");
}

async function download(
  url: string,
  maxBytes: number,
  connection: Connection & { readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { timeoutMs, signal } = connection;
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const tooSlow = new Missing("too slow", `not whole after ${(10 * timeoutMs) / 1000} s`, true);
  const timer = setTimeout(() => stop.abort(tooSlow), 10 * timeoutMs);
  try {
    let at = url;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const reply = await get(at, HEADERS, { ...connection, signal: stop.signal, redirect: "manual" });
      try {
        const to = reply.status >= 300 && reply.status < 400 ? reply.headers.get("location") : null;
        if (to === null) return await content(reply, maxBytes);
        if (!URL.canParse(to, at)) throw new Missing("unusable address", `redirected to ${to}`);
        at = new URL(to, at).href;
        checkUrl(at);
      } finally {
        reply.close();
      }
    }
    throw new Missing("redirects without end", `more than ${MOST_REDIRECTS}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

async function content(reply: Reply, maxBytes: number): Promise<Uint8Array> {
  if (reply.status !== 200) throw new Missing(`HTTP ${reply.status}`, `the server answered ${reply.status}`);
  const tooLarge = (what: string) => new Missing("too large", `${what}; at most ${maxBytes} bytes are taken`);
  const length = Number(reply.headers.get("content-length") ?? 0);
  if (length > maxBytes) throw tooLarge(`it has ${length} bytes`);
  try {
    return await readAll(reply, maxBytes, "the picture");
  } catch (error) {
    throw error instanceof NoticeError ? tooLarge("it goes on and on") : error;
  }
}

/** The ending that goes with the content, whatever its address or server call it. */
async function checkPicture(bytes: Uint8Array, id: string): Promise<string> {
  const kind = kindOfPicture(bytes);
  try {
    await decodePicture(bytes, id);
    return kind!; // what can be decoded has one
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    const damaged = / CMYK /.test(error.message) ? "CMYK picture" : "damaged picture";
    throw new Missing(kind ? damaged : isPage(bytes) ? "web page" : "no picture", error.message);
  }
}

/** Many servers say of what is gone that all is well, and send a page. */
const isPage = (bytes: Uint8Array) =>
  /^\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body|script|meta|title)\b/is.test(
    new TextDecoder().decode(bytes.subarray(0, 1024)),
  );
