import { either, NoticeError } from "../base/errors.js";
import { ADAPTER_CONFIG, adapterError } from "../checkpoint/adapter.js";
import { type Connection, get, type Reply, readAll } from "./http.js";
import { COMMIT, type ModelId, NEEDED, SMALL_FILES, WEIGHTS, WEIGHTS_INDEX } from "./hub-cache.js";
import { type Retry, withRetries } from "./retry.js";
import type { RemoteFile } from "./verified-file.js";

/** One hub, and how to talk to it. `endpoint` has no slash at its end. */
export interface Hub extends Connection {
  readonly endpoint: string;
  readonly token?: string;
  readonly retry: Retry;
}

/** The root files of one commit. Blobs are stored under their digest. */
export interface Listing {
  readonly commit: string;
  readonly files: ReadonlyMap<string, RemoteFile>;
}

const LONGEST_ANSWER = 16 << 20;
const LONGEST_SMALL_FILE = 64 << 20;
const MOST_REQUESTS = 50;
const MOST_FILES = 10_000;

/**
 * Ask the hub which commit a revision is and which files it has, through `@huggingface/hub`.
 * @throws NoticeError "network": no such model or revision, no access, or an answer that is not a hub's.
 */
export async function listModel(hub: Hub, id: ModelId): Promise<Listing> {
  const { listFiles, modelInfo } = await import("@huggingface/hub");
  const asHub = { hubUrl: hub.endpoint, fetch: boundedFetch(hub, id) };
  try {
    const info = await modelInfo({ name: id.name, revision: id.revision, additionalFields: ["sha"], ...asHub });
    if (!COMMIT.test(info.sha)) throw new Error(`${JSON.stringify(info.sha)} is not a commit`);
    const files = new Map<string, RemoteFile>();
    for await (const entry of listFiles({ repo: id.name, revision: info.sha, ...asHub })) {
      if (entry.type !== "file" || entry.path.includes("/")) continue;
      const digest = entry.lfs
        ? ({ algorithm: "sha256", hex: entry.lfs.oid } as const)
        : ({ algorithm: "git-sha1", hex: entry.oid ?? "" } as const);
      const url = `${hub.endpoint}/${id.name}/resolve/${info.sha}/${encodeURIComponent(entry.path)}`;
      if (files.size >= MOST_FILES)
        throw new NoticeError("network", `${id.name}: the hub lists more than ${MOST_FILES} files in one folder`);
      files.set(entry.path, { name: entry.path, url, headers: authorization(hub, url), size: entry.size, digest });
    }
    return { commit: info.sha, files };
  } catch (error) {
    hub.signal?.throwIfAborted();
    if (error instanceof NoticeError) throw error;
    throw new NoticeError("network", `${hub.endpoint}: not the answer of a hub to ${id.name}: ${error}`, {
      cause: error,
    });
  }
}

/** A listed file, once its size and digest are known to be what they should be: the digest becomes a file name. */
export function listed(listing: Listing, name: string, id: ModelId): RemoteFile {
  const file = listing.files.get(name);
  if (!file) throw new NoticeError("checkpoint", `${id.name}: ${WEIGHTS_INDEX} names ${name}, which is not there`);
  const hex = file.digest.algorithm === "sha256" ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
  const limit = name.endsWith(".safetensors") ? Number.MAX_SAFE_INTEGER : LONGEST_SMALL_FILE;
  if (!hex.test(file.digest.hex) || !Number.isInteger(file.size) || file.size < 0 || file.size > limit) {
    throw new NoticeError(
      "network",
      `${id.name}: the hub lists ${name} with size ${file.size} and ${file.digest.algorithm} ${JSON.stringify(file.digest.hex)}; ` +
        `expected at most ${limit} bytes and a hexadecimal digest`,
    );
  }
  return file;
}

/** The names to download, weights last: a sharded checkpoint's shards are not among them, its index is. */
export function wantedFiles(listing: Listing, id: ModelId): string[] {
  const has = (name: string) => listing.files.has(name);
  if (has(ADAPTER_CONFIG)) throw adapterError(id.name);
  const lacking = NEEDED.filter((names) => !names.some(has)).map((names) => either(names));
  if (lacking.length > 0) {
    throw new NoticeError(
      "checkpoint",
      `${id.name}: the repository lacks ${lacking.join(", ")}: not a whole checkpoint in the layout of transformers`,
    );
  }
  if (!has(WEIGHTS) && !has(WEIGHTS_INDEX)) throw new NoticeError("checkpoint", noSafetensors(listing, id));
  return [...SMALL_FILES.filter(has), has(WEIGHTS) ? WEIGHTS : WEIGHTS_INDEX];
}

function noSafetensors(listing: Listing, id: ModelId): string {
  if (![...listing.files.keys()].some((name) => /^pytorch_model.*\.bin/.test(name))) {
    return `${id.name}: the repository has neither ${WEIGHTS} nor ${WEIGHTS_INDEX}`;
  }
  return (
    `${id.name}: the repository has its weights as pytorch_model.bin only (a Python pickle, which can run code). ` +
    `Take a revision with ${WEIGHTS} (${id.name}@REVISION; the hub's conversion bot opens one as refs/pr/N), or convert ` +
    `it and give the folder: python -c "from transformers import BlipForQuestionAnswering as M; ` +
    `M.from_pretrained('${id.name}').save_pretrained('FOLDER')"`
  );
}

/** What a refused request means. The hub says 401 for names that do not exist, too. */
export function requestError(hub: Hub, id: ModelId, reply: Reply): NoticeError {
  const page = `${hub.endpoint}/${id.name}`;
  const text = `${id.name}@${id.revision}: ${hub.endpoint} answered ${reply.status}`;
  const reason = reply.headers.get("x-error-code");
  if (reply.status === 401 || reply.status === 403) {
    const token = hub.token ? "HF_TOKEN is set, but gives no access" : "no HF_TOKEN is set";
    const gated = reason === "GatedRepo" ? "the model is gated" : "there is no such model, or it is private or gated";
    return new NoticeError(
      "network",
      `${text}: ${gated}; ${token}. Check the name; for a gated model accept its terms on ${page}, ` +
        `make a read token on ${hub.endpoint}/settings/tokens and run with HF_TOKEN=hf_…`,
    );
  }
  if (reply.status !== 404) return new NoticeError("network", text);
  const missing =
    reason === "RevisionNotFound" ? `it has no revision "${id.revision}"` : "there is no such model or file";
  return new NoticeError("network", `${text}: ${missing}. Look on ${page}`);
}

/** The hub client's requests with retries, limits on size and number, and the token for this hub's own origin only. */
function boundedFetch(hub: Hub, id: ModelId): typeof fetch {
  let requests = 0;
  return async (input) => {
    if (++requests > MOST_REQUESTS) throw new NoticeError("network", `${id.name}: the hub's list of files has no end`);
    const url = String(input);
    const headers = { accept: "application/json", ...authorization(hub, url) };
    const answer = async () => {
      const reply = await get(url, headers, hub);
      if (reply.status !== 200) {
        reply.close();
        throw requestError(hub, id, reply);
      }
      return new Response(await readAll(reply, LONGEST_ANSWER, url), { headers: reply.headers });
    };
    return withRetries(answer, hub.retry, hub);
  };
}

function authorization(hub: Hub, url: string): Record<string, string> {
  const own = new URL(url).origin === new URL(hub.endpoint).origin;
  return own && hub.token ? { authorization: `Bearer ${hub.token}` } : {};
}
