// A whole study, from a data set to circuits and a report. Stopped at any time, it goes on where it was.
import { gatherReport, readFindings, runStages, STAGES, StudyRun, summarise, writeReport } from "vlm-notice/study";

// A run is a folder. What is left out here is as docs/study.md says; `dataset` may name tables of your own.
using run = await StudyRun.open("runs/example", {
  model: "weights/scenes",
  dataset: ["scenes"],
  n: 8, // samples to patch in each data set: far too few to conclude anything
  sites: ["text.cross.z"],
  modalities: ["image"],
});
await runStages(run, STAGES, { workers: 2 });

for (const { dataset, asked, correct, patched } of await summarise(run))
  console.log(`${dataset}: ${correct} of ${asked} answered rightly, ${patched} patched`);

const found = await readFindings(run);
for (const { dataset, circuit } of found.circuits) {
  const heads = circuit.heads.filter(({ inCircuit }) => inCircuit);
  const names = heads.map(({ layer, head, mean }) => `L${layer}H${head} (mean |effect| ${mean.toFixed(2)})`);
  console.log(`circuit of ${dataset}: ${names.join(", ") || "no head stands out"}`);
}

// Rows for a notebook: `exportScores(run, "scores.parquet", "parquet")`.
console.log(await writeReport(await gatherReport(run, found), run.folder, { png: false }));
