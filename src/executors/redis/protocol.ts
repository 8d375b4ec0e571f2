import { z } from "zod";
import { NoticeError } from "../../base/errors.js";
import { complaintsOf, parseJson } from "../../base/json.js";
import { packageVersion } from "../../files/package.js";
import { BACKENDS } from "../../platform/backend.js";

// What coordinators and workers say to each other through Redis. All of it is read as a stranger's.

/** Before every key, and BullMQ's own prefix. */
export const PREFIX = "notice";

/** So many seconds after its last word a coordinator or a worker counts as gone. */
export const SILENT_SECONDS = 20;

/** Results and pictures that nobody asks for are forgotten after so many seconds. */
export const KEPT_SECONDS = 3600;

const text = z.string().max(4096);

/** What a coordinator wants computed: jobs of one model, all by one backend and one version of this package. */
const session = z.object({
  /** A folder or hub id. */
  model: text,
  digest: z.string().regex(/^[0-9a-f]{16}$/),
  backend: z.enum(BACKENDS),
  version: text,
  /** False where pictures are taken whole. */
  split: z.boolean().optional(),
  /** In which matrices are kept. */
  bits: z.union([z.literal(16), z.literal(32)]).optional(),
});
export type Session = z.infer<typeof session>;

/** What a worker says of itself. */
const workerRecord = z.object({
  host: text,
  pid: z.number(),
  processes: z.number(),
  version: text,
  /** What it computes with, once it has a model. */
  backend: text.optional(),
  model: text.optional(),
  done: z.number(),
  /** Samples in work. */
  active: z.number(),
  /** When it began, in milliseconds. */
  since: z.number(),
  /** Why it takes no jobs of a session. */
  refuses: text.optional(),
});
export type WorkerRecord = z.infer<typeof workerRecord>;

/** A job as it lies in the queue. */
const payload = z.object({ name: text, input: z.unknown() });

/** What became of a job: its output, an error of its own, or pictures that it needs and that are gone. */
const result = z.union([
  z.object({ output: z.unknown() }).strict(),
  z.object({ error: z.object({ code: text, message: z.string() }) }).strict(),
  z.object({ missing: z.array(text) }).strict(),
]);
export type Result = z.infer<typeof result>;

const readers = { session, worker: workerRecord, payload, result };
type Read = { [Kind in keyof typeof readers]: z.infer<(typeof readers)[Kind]> };

/** @throws NoticeError `network` where it is no such thing. */
export function read<Kind extends keyof Read>(kind: Kind, given: unknown): Read[Kind] {
  const parsed = readers[kind].safeParse(given, { reportInput: true });
  if (parsed.success) return parsed.data as Read[Kind];
  throw new NoticeError("network", `What Redis holds is no ${kind}: ${complaintsOf(parsed.error, "in all")}.`);
}

/** The same of JSON. */
export const readText = <Kind extends keyof Read>(kind: Kind, json: string): Read[Kind] =>
  read(kind, parseJson(json, `The ${kind} in Redis`, { code: "network" }));

/** Jobs that may share workers have one queue. */
export const queueOf = ({ digest, backend, version, split, bits }: Session): string =>
  `${version}-${digest}-${backend}${split === false ? "-whole" : ""}${bits === 16 ? "-16" : ""}`;

export const sessionKey = (session: Session): string => `${PREFIX}:session:${queueOf(session)}`;
export const workerKey = (id: string): string => `${PREFIX}:worker:${id}`;
export const pictureKey = (digest: string): string => `${PREFIX}:picture:${digest}`;
export const resultKey = (queue: string, id: string): string => `${PREFIX}:result:${queue}:${id}`;
/** Where a worker says which job is done. */
export const doneChannel = (queue: string): string => `${PREFIX}:done:${queue}`;

/** Why a worker cannot take a session's jobs; undefined where it can. */
export function objection({ version, backend }: Session, own?: string): string | undefined {
  if (version !== packageVersion())
    return `the coordinator is vlm-notice ${version}, and this worker ${packageVersion()}; install the same on both`;
  if (own !== undefined && own !== backend)
    return `the coordinator wants ${backend}, and this worker was started with --backend ${own}`;
  return undefined;
}
