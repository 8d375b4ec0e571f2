import { headName } from "../src/patching/head-place.js";
import { MOST_SCENES } from "./scenes.js";
import type { View } from "./store.js";

/** What reproduces the page elsewhere. The two pictures are saved beside it by the page. */
export interface Code {
  readonly typescript: string;
  readonly shell: string;
}

export const FILES = { image: "clean.png", corruptImage: "corrupted.png" } as const;

/** Programs that sweep this very pair, and switch off what is switched off. */
export function codeOf({ given, state, model }: View): Code {
  const site = model.facts?.site ?? "text.cross.z";
  const folder = model.facts?.embedded === false ? "MODEL" : "weights/scenes";
  const { question, answers } = given;
  const input = `{
  image: "${FILES.image}",
  corruptImage: "${FILES.corruptImage}",
  question: ${JSON.stringify(question)},
  answers: ${JSON.stringify(answers)},
}`;
  const off = state.off.map(({ layer, head }) => `{ site: "${site}", layer: ${layer}, head: ${head} }`);
  const { names, lines } = switched(off, state.how);
  const typescript = `import { ${["loadModel", "sweep", ...names].sort().join(", ")} } from "vlm-notice";

using model = await loadModel("${folder}");
using pair = await model.pair(${input});
const scores = await sweep(pair, { site: "${site}" });
console.log(JSON.stringify(scores));
${lines}`;
  const shell = `npx notice sweep ${folder} --image ${FILES.image} --corrupt-image ${FILES.corruptImage} \\
    --question ${quoted(question)} --answers ${quoted(answers.join(","))} --site ${site} --json scores.json
`;
  return { typescript, shell };
}

function switched(off: readonly string[], how: View["state"]["how"]): { names: string[]; lines: string } {
  if (off.length === 0) return { names: [], lines: "" };
  const [name, source] = how === "zero" ? ["zero", "zero"] : ["fromRun", "fromRun(pair.corrupted)"];
  const why = how === "mean" ? "// The page puts in the mean over eight scenes: give meanOf(runs) of your own.\n" : "";
  return {
    names: ["ablate", name],
    lines: `${why}console.log(await ablate(pair, [${off.join(", ")}], ${source}));\n`,
  };
}

/** A word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** All that the page shows, for other programs. */
export function resultOf({ given, state, found, effects, circuit, own }: View): string {
  const heads = { off: state.off.map(headName), how: state.how };
  const scene = own.image || own.corruptImage ? undefined : { task: state.task, index: state.scene, of: MOST_SCENES };
  const { question, answers } = given;
  return `${JSON.stringify({ scene, question, answers, found, effects, ...heads, circuit }, undefined, 1)}\n`;
}
