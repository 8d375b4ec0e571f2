import { NoticeError } from "../base/errors.js";
import { shown } from "../base/json.js";
import { answersJob, askJob } from "./ask.js";
import { attributeJob } from "./attribute.js";
import { chooseJob } from "./choose.js";
import { faithfulJob, headEffectsJob } from "./faithful.js";
import type { Job } from "./job.js";
import { keptSetsJob } from "./kept-sets.js";
import { knockOutJob } from "./knock-out.js";
import { patchPairsJob } from "./patch-pairs.js";
import { pathsJob } from "./paths.js";
import { sweepJob } from "./sweep.js";

const list = {
  ask: askJob,
  answers: answersJob,
  choose: chooseJob,
  sweep: sweepJob,
  attribute: attributeJob,
  paths: pathsJob,
  knockOut: knockOutJob,
  faithful: faithfulJob,
  headEffects: headEffectsJob,
  keptSets: keptSetsJob,
  patchPairs: patchPairsJob,
};

/** The name of a job. */
export type JobName = keyof typeof list;

/** What each job is given, and what it finds. */
export type Jobs = {
  readonly [Name in JobName]: (typeof list)[Name] extends Job<infer Input, infer Output>
    ? { readonly input: Input; readonly output: Output }
    : never;
};

/** All that can be asked of a model, by name. */
export const JOBS: { readonly [Name in JobName]: Job<Jobs[Name]["input"], Jobs[Name]["output"]> } = list;

/** A job by a name that came from elsewhere. @throws NoticeError `options` where there is none. */
export function jobNamed(name: string): Pick<Job<unknown, unknown>, "performSent"> {
  if (Object.hasOwn(JOBS, name)) return JOBS[name as JobName];
  throw new NoticeError("options", `There is no job ${shown(name)}; there are ${Object.keys(JOBS).join(", ")}.`);
}

/** A job to be done, in plain data. */
export interface Task {
  readonly name: JobName;
  readonly input: unknown;
}
