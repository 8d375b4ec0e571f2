import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { loadBlip } from "../src/patching/load-model.js";
import type { Blip } from "../src/patching/model.js";
import { sweep } from "../src/patching/sweep.js";
import { vegaToSvg } from "../src/report/figure.js";
import { writeRandomCheckpoint } from "./base-checkpoint.js";
import { lineThrough } from "./line.js";
import { noisePair } from "./noise-pair.js";

// `npm run bench -- --scaling FILE.svg`: what a sweep costs with more tokens, more layers, more pairs, on a model of 4
// heads x 32.

interface Point {
  readonly against: Against;
  readonly x: number;
  readonly y: number;
}

const AGAINST = {
  tokens: { x: "tokens of the question", y: "ms a patch" },
  layers: { x: "layers of each text tower", y: "ms a patch" },
  pairs: { x: "pairs", y: "seconds" },
} as const;
type Against = keyof typeof AGAINST;

const TOKENS = [8, 16, 24, 32, 40, 48, 56, 64];
const LAYERS = [2, 4, 6, 8, 10, 12];
const PAIRS = 6;
const [SOME_TOKENS, SOME_LAYERS] = [16, 6];

/** Measures, prints a table beside the straight line through each row of points, and writes the drawing. */
export async function drawScaling(file: string): Promise<void> {
  const points: Point[] = [];
  let backend = "";
  for (const layers of LAYERS)
    await withModel(layers, async (blip) => {
      backend = blip.backend;
      points.push({ against: "layers", x: layers, y: 1e3 * (await secondsAPatch(blip, SOME_TOKENS)) });
      if (layers !== SOME_LAYERS) return;
      for (const x of TOKENS) points.push({ against: "tokens", x, y: 1e3 * (await secondsAPatch(blip, x)) });
      let seconds = 0;
      for (let x = 1; x <= PAIRS; x++) {
        seconds += await pairSeconds(blip);
        points.push({ against: "pairs", x, y: seconds });
      }
    });
  for (const against of Object.keys(AGAINST) as Against[]) printPoints(points, against);
  console.log(
    "Against tokens the line bends upwards a little: self-attention costs tokens² in every row's scores and sums. Against layers a\n" +
      "patch passes half of the text encoder's on average and all of the decoder's. Pairs cost the same each.",
  );
  await writeFile(file, await drawing(points, backend));
}

async function withModel(layers: number, work: (blip: Blip) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "notice-scaling-"));
  try {
    const tower = { hidden_size: 128, num_attention_heads: 4, intermediate_size: 512 };
    await writeRandomCheckpoint(folder, {
      model_type: "blip",
      vision_config: { ...tower, num_hidden_layers: 2, image_size: 96 },
      text_config: {
        ...tower,
        num_hidden_layers: layers,
        encoder_hidden_size: 128,
        vocab_size: 3000,
        bos_token_id: 2999,
      },
    });
    using blip = await loadBlip(folder);
    await work(blip);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The faster of two sweeps of all heads at a question of so many tokens, after a small one that warms up. */
async function secondsAPatch(blip: Blip, tokens: number): Promise<number> {
  using pair = await randomPair(blip, tokens);
  const site = "text.cross.z";
  await sweep(pair, { site, heads: [0], position: [0] });
  const times: number[] = [];
  for (let i = 0; i < 2; i++) times.push(await timed(() => sweep(pair, { site })));
  return Math.min(...times) / (blip.config.text.num_hidden_layers * blip.config.text.num_attention_heads * tokens);
}

/** Of a pair from its pictures on. */
const pairSeconds = (blip: Blip) =>
  timed(async () => {
    using pair = await randomPair(blip, SOME_TOKENS);
    await sweep(pair, { site: "text.cross.z" });
  });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1e3;
}

/** [CLS] and [SEP] are two of the tokens. */
const randomPair = (blip: Blip, tokens: number) => noisePair(blip, `is${" star".repeat(tokens - 3)}`);

function printPoints(points: readonly Point[], against: Against): void {
  const some = points.filter((point) => point.against === against);
  const straight = lineThrough(some);
  const { x, y } = AGAINST[against];
  console.table(
    some.map((point) => ({
      [x]: point.x,
      [y]: point.y.toFixed(3),
      "straight line": straight(point.x).toFixed(3),
      off: `${((100 * (point.y - straight(point.x))) / point.y).toFixed(1)} %`,
    })),
  );
}

function drawing(points: readonly Point[], backend: string): Promise<string> {
  const charts = (Object.keys(AGAINST) as Against[]).map((against) => {
    const some = points.filter((point) => point.against === against);
    const straight = lineThrough(some);
    const x = { field: "x", type: "quantitative" as const, title: AGAINST[against].x };
    const y = (field: string) => ({ field, type: "quantitative" as const, title: AGAINST[against].y });
    return {
      width: 220,
      height: 200,
      data: { values: some.map((point) => ({ ...point, line: straight(point.x) })) },
      layer: [
        { mark: { type: "line" as const, color: "#999", strokeDash: [4, 3] }, encoding: { x, y: y("line") } },
        { mark: { type: "point" as const, filled: true, size: 50, color: "#2166ac" }, encoding: { x, y: y("y") } },
      ],
    };
  });
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    padding: 14,
    title: {
      text: `What a sweep costs: text.cross.z, all heads, layers and tokens; 4 heads x 32, ${backend}`,
      subtitle: "dashed: the straight line through the points",
      anchor: "start",
      offset: 14,
    },
    hconcat: charts,
  };
  return vegaToSvg(spec);
}
