import type { Random } from "../../../src/base/random.js";
import { pack, unpack } from "../../../src/executors/redis/parcel.js";
import { read } from "../../../src/executors/redis/protocol.js";
import { jobNamed } from "../../../src/jobs/jobs.js";
import { loadModel } from "../../../src/patching/load-model.js";
import { INPUTS } from "../../support/job-inputs.js";
import { NARROW } from "../../support/samples.js";
import { Found } from "../judge.js";
import type { Kind } from "../kind.js";
import { anyJson, mutateBytes, mutateJson } from "../mutate.js";

/** A sound job as it lies in a queue, with what its digests stand for. */
interface Sent {
  readonly payload: unknown;
  readonly pictures: ReadonlyMap<string, Uint8Array>;
}

/** Jobs as strangers may put them into a queue, taken as a worker and its process take them. */
export const jobs: Kind = {
  name: "jobs",
  share: 40,
  open: async () => {
    const sent: Sent[] = [];
    for (const [name, given] of Object.entries(INPUTS)) {
      const { input, pictures } = await pack(given);
      sent.push({ payload: JSON.parse(JSON.stringify({ name, input })), pictures });
    }
    const model = await loadModel(NARROW);
    return {
      run: async (choose) => {
        const { payload, pictures } = choose.pick(sent);
        const { name, input } = read("payload", hostile(choose, payload));
        const fetch = async (digest: string) => fetched(choose, pictures.get(digest));
        const unpacked = await unpack(input, fetch);
        if (READS_FILE.test(JSON.stringify(unpacked) ?? "")) throw new Found("wrong", "an input names a file to read");
        // What was accepted is sent back as plain data.
        JSON.stringify(await jobNamed(name).performSent(model, unpacked));
        return "taken";
      },
      close: async () => model[Symbol.dispose](),
    };
  },
};

/** A path stands where a picture is read. */
const READS_FILE = /"(image|images|corruptImage|mask)":\[?"/;

function hostile(choose: Random, payload: unknown): unknown {
  if (choose.chance(0.03)) return anyJson(choose);
  let mutated = payload;
  for (let round = choose.pick([1, 1, 2, 4]); round > 0; round--) mutated = mutateJson(choose, mutated);
  return JSON.parse(JSON.stringify(mutated) ?? "null");
}

/** What Redis has by a digest; a stranger's may be anything. */
function fetched(choose: Random, bytes: Uint8Array | undefined): Uint8Array {
  if (!bytes) return new Uint8Array();
  return choose.chance(0.1) ? mutateBytes(choose, bytes) : bytes;
}
