import type { WeightBits } from "../../checkpoint/weights.js";
import { openModel } from "../../files/open.js";
import { startAt } from "../../files/page-address.js";
import { JOBS, type JobName, jobNamed } from "../../jobs/jobs.js";
import { loadModel } from "../../patching/load-model.js";
import type { Model } from "../../patching/model.js";
import type { Backend } from "../../platform/backend.js";
import type { Progress } from "./channel.js";
import { plain } from "./plain.js";
import { serve } from "./serve.js";

// A Web Worker that holds a model and performs jobs. scripts/browser.mjs bundles it.

/** What it is opened with. */
interface Setup {
  /** The address of the checkpoint's folder, as it was given. */
  readonly model: string;
  /** Of the page: where relative addresses start. */
  readonly page: string;
  readonly backend?: Backend | "auto" | undefined;
  readonly memory?: number | undefined;
  readonly split?: boolean | undefined;
  readonly bits?: WeightBits | undefined;
}

let model: Model;
/** Of what is in work. */
let warn: Progress = () => {};

const WORKS = {
  async open({ model: name, page, ...options }: Setup, progress: Progress): Promise<Backend> {
    warn = progress;
    startAt(page);
    const { files } = await openModel(name);
    model = await loadModel({ ...files, name }, { ...options, warn: (message) => warn(message) });
    return model.backend;
  },
  async perform([name, input]: [JobName, unknown], progress: Progress, signal: AbortSignal): Promise<unknown> {
    warn = progress;
    jobNamed(name);
    return plain(await JOBS[name].perform(model, input as never, () => signal.throwIfAborted()));
  },
};

/** What it can be asked. */
export type JobWorks = typeof WORKS;

serve(WORKS);
