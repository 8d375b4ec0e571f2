import { checkList, NoticeError } from "../base/errors.js";
import { lookingSite } from "../patching/answer-attention.js";
import { headScores, readCircuits } from "./circuits.js";
import { type CircuitRead, type Comparison, compareCircuits, membersOf, readCircuit } from "./compared.js";
import { formOf } from "./form.js";
import { functionsOfHeads } from "./head-functions.js";
import { patchedBy } from "./queries/provenance.js";
import type { StudyRun } from "./run.js";

/**
 * Compares the circuits of runs, of the same model or of others, on the same data or in another form, as
 * `compareCircuits` does.
 *
 * @throws NoticeError `options` where there are fewer than two runs, one has no scores, or nothing can be compared.
 */
export async function compareRuns(runs: readonly StudyRun[]): Promise<Comparison> {
  checkList("What compareRuns compares", runs, "[run, other]");
  if (runs.length < 2)
    throw new NoticeError("options", `A comparison needs two or more runs; ${runs.length} was given.`);
  const facts: Comparison["runs"][number][] = [];
  const read: CircuitRead[] = [];
  for (const [index, run] of runs.entries()) {
    const { model, metric, position } = run.settings;
    const architecture = await run.architecture();
    const asked = { architecture: architecture.name, form: formOf(architecture) };
    facts.push({ folder: run.folder, model, ...asked, metric, position });
    read.push(...(await circuitsOf(run, index)));
  }
  return compareCircuits(facts, read);
}

async function circuitsOf(run: StudyRun, index: number): Promise<CircuitRead[]> {
  const { circuits } = await readCircuits(run);
  const looking = lookingSite({ architecture: await run.architecture() });
  const hashes = (await patchedBy(run.store)).map(({ model_hash }) => model_hash).join(" ");
  const found: CircuitRead[] = [];
  for (const { dataset, modality, site, circuit } of circuits) {
    const { samples } = await headScores(run, { dataset, modality, site });
    const looks = site === looking;
    const functions = looks ? await functionsOfHeads(run, dataset, membersOf(circuit)) : {};
    found.push(readCircuit({ run: index, dataset, modality, site, looks, hashes }, circuit, samples, functions));
  }
  return found;
}
