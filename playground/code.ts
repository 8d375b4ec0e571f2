import { headName } from "../src/patching/head-place.js";
import { MOST_SCENES, STUDY_SEED } from "./scenes.js";
import { offered } from "./second-model.js";
import { type Side, sideOf, type View } from "./view.js";

/** What reproduces the page elsewhere. The two pictures are saved beside it by the page. */
export interface Code {
  readonly typescript: string;
  readonly shell: string;
}

export const FILES = { image: "clean.png", corruptImage: "corrupted.png" } as const;

/** Programs that sweep this very pair, switch off what is switched off, and do the same of a model beside it. */
export function codeOf(view: View): Code {
  const { state, models, beside } = view;
  const own = sideOf(view);
  const site = siteOf(own);
  const from = models[0]?.from ?? (own.facts?.embedded === false ? "MODEL" : "weights/scenes");
  const off = state.off.map(({ layer, head }) => `{ site: "${site}", layer: ${layer}, head: ${head} }`);
  const { names, lines } = switched(off, state.how);
  const other = beside && { from: offered(models, beside.name)?.from ?? "OTHER_MODEL", side: beside };
  const typescript = `import { ${["loadModel", "sweep", ...names].sort().join(", ")} } from "vlm-notice";

${sweepProgram({ from, side: own }, ["model", "pair", "scores"])}
${lines}${other ? `\n${sweepProgram(other, ["other", "otherPair", "otherScores"])}\n` : ""}`;
  const shell = [
    sweepCommand({ from, side: own }, "scores.json"),
    ...(other ? [sweepCommand(other, "other-scores.json")] : []),
    ...(other && state.over !== undefined ? comparisonCommands([{ from, side: own }, other], state.over) : []),
  ];
  return { typescript, shell: `${shell.join("\n")}\n` };
}

/** A model as programs name it, on the pair. */
interface Sided {
  readonly from: string;
  readonly side: Side;
}

const siteOf = ({ facts }: Side) => facts?.site ?? "text.cross.z";

function sweepProgram({ from, side }: Sided, [model, pair, scores]: readonly [string, string, string]): string {
  const { question, answers } = side.given;
  return `using ${model} = await loadModel(${JSON.stringify(from)});
using ${pair} = await ${model}.pair({
  image: "${FILES.image}",
  corruptImage: "${FILES.corruptImage}",
  question: ${JSON.stringify(question)},
  answers: ${JSON.stringify(answers)},
});
const ${scores} = await sweep(${pair}, { site: "${siteOf(side)}" });
console.log(JSON.stringify(${scores}));`;
}

function sweepCommand({ from, side }: Sided, file: string): string {
  const { question, answers } = side.given;
  return `npx notice sweep ${word(from)} --image ${FILES.image} --corrupt-image ${FILES.corruptImage} \\
    --question ${quoted(question)} --answers ${quoted(answers.join(","))} --site ${siteOf(side)} --json ${file}`;
}

/** Of the page's scenes, of all kinds. */
function comparisonCommands(models: readonly Sided[], scenes: number): string[] {
  const runs = models.map((_, i) => `runs/model-${i + 1}`);
  const studies = models.map(
    ({ from, side }, i) =>
      `npx notice study --out ${runs[i]} --model ${word(from)} --seed ${STUDY_SEED} --n ${scenes} --candidates ${scenes} \\
    --modalities image --sites ${siteOf(side)} --verify 0 --no-attribution`,
  );
  return [...studies, `npx notice compare ${runs.join(" ")}`];
}

function switched(places: readonly string[], how: View["state"]["how"]): { names: string[]; lines: string } {
  if (places.length === 0) return { names: [], lines: "" };
  const list = `[${places.join(", ")}]`;
  if (how === "clean") return { names: ["patch"], lines: `console.log(await patch(pair, ${list}));\n` };
  const [name, source] = how === "zero" ? ["zero", "zero"] : ["fromRun", "fromRun(pair.corrupted)"];
  const why = how === "mean" ? "// The page puts in the mean over eight scenes: give meanOf(runs) of your own.\n" : "";
  return { names: ["ablate", name], lines: `${why}console.log(await ablate(pair, ${list}, ${source}));\n` };
}

/** Quoted where a shell would not take it as it is. */
const word = (text: string) => (/^[\w./@:-]+$/.test(text) ? text : quoted(text));

/** A word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** All that the page shows, for other programs. */
export function resultOf({ given, state, found, effects, circuit, own, beside, comparison }: View): string {
  const heads = { off: state.off.map(headName), how: state.how };
  const scene = own.image || own.corruptImage ? undefined : { task: state.task, index: state.scene, of: MOST_SCENES };
  const { question, answers } = given;
  const second = beside && {
    ...{ model: beside.name, question: beside.given.question, answers: beside.given.answers },
    ...{ found: beside.found, effects: beside.effects },
  };
  const all = { scene, question, answers, found, effects, ...heads, circuit, beside: second, comparison };
  return `${JSON.stringify(all, undefined, 1)}\n`;
}
