import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFloats, readSafetensors } from "../../src/checkpoint/safetensors.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { DECODERS } from "../support/decoders.js";
import { FIXTURES, readJson } from "../support/fixture.js";
import { lacking } from "../support/needed.js";

// Every fixture's logits beside Hugging Face's, on SwiftShader, a program that stands in for a GPU.

const TOLERANCE = 1e-4;
/** Of matrices that are rounded to float16. */
const ROUNDING = 1e-2;

interface Asked {
  readonly image: string;
  readonly question?: string;
  readonly logits: ArrayLike<number>;
}

/** One of a fixture's passes, and what transformers made of it. */
async function recorded(name: string): Promise<Asked> {
  const folder = join(FIXTURES, name);
  const entries = await readSafetensors((await checkpointFolder(folder).bytes("expected.safetensors"))!);
  const expected = readJson<{
    readonly texts?: Readonly<Record<string, string>>;
    readonly said?: readonly { readonly image: string; readonly text: string; readonly logits: number[] }[];
    readonly questions?: Readonly<Record<string, string | { readonly question: string }>>;
  }>(join(folder, "expected.json"));
  const [said] = expected.said ?? [];
  if (said) {
    const question = said.text === "none" ? undefined : expected.texts![said.text]!;
    return { image: join(folder, `${said.image}.png`), ...(question && { question }), logits: said.logits };
  }
  const clean = expected.questions!.clean!;
  const question = typeof clean === "string" ? clean : clean.question;
  return { image: join(folder, "clean.png"), question, logits: await readFloats(entries.get("clean/logits")!) };
}

if (process.env.VK_ICD_FILENAMES === undefined) lacking("gpu", "VK_ICD_FILENAMES names no driver");
else {
  for (const name of ["narrow", "wide", "tied", "itm-small", "caption-small", ...DECODERS])
    for (const bits of [32, 16] as const)
      test(`${name}: logits on a GPU are Hugging Face's, weights in ${bits} bits`, async () => {
        using model = (await loadModel(join(FIXTURES, name), {
          backend: "webgpu",
          bits,
          warn: () => undefined,
        })) as Model;
        const { logits, ...asked } = await recorded(name);
        using run = await model.run(asked as never);
        const found = await run.logits.data();
        const off = Math.max(...Array.from(found, (value, i) => Math.abs(value - logits[i]!)));
        const rounded = bits === 16 && (name === "narrow" || name === "tied");
        assert.ok(off <= (rounded ? ROUNDING : TOLERANCE), `off by ${off}`);
      });

  test.run();
}
