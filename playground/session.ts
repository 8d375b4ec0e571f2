import * as tf from "@tensorflow/tfjs-core";
import { middle95 } from "../src/base/mean.js";
import type { CheckpointFiles } from "../src/base/source.js";
import { turn } from "../src/base/turn.js";
import { towerSize } from "../src/model/architecture.js";
import { endsOf } from "../src/model/pass.js";
import { answerAttention, lookingSite, lookingToken } from "../src/patching/answer-attention.js";
import { attentionOverlay } from "../src/patching/attention-functions.js";
import { choiceName, said } from "../src/patching/choices.js";
import { keptBy } from "../src/patching/faithful.js";
import { everyHead } from "../src/patching/head-effects.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import { loadModel } from "../src/patching/load-model.js";
import { logitDifference, probability } from "../src/patching/metrics.js";
import type { Model } from "../src/patching/model.js";
import type { Pair } from "../src/patching/pair.js";
import { type Measured, patchHead, patchMetrics } from "../src/patching/patch.js";
import { hasPath, patchPath, type Receiver, type Sender } from "../src/patching/paths.js";
import type { Question } from "../src/patching/positions.js";
import { greedy } from "../src/patching/rules/greedy.js";
import type { Run } from "../src/patching/run.js";
import { type CircuitSite, parseSite } from "../src/patching/sites.js";
import { fromRun, meanOf, type Source, zero } from "../src/patching/sources.js";
import { sweep } from "../src/patching/sweep.js";
import type { Backend } from "../src/platform/backend.js";
import type { CircuitRead } from "../src/study/compared.js";
import { formOf } from "../src/study/form.js";
import { readingPosition } from "../src/study/reading.js";
import { pieceText } from "../src/words/piece-text.js";
import { type KnownWeights, watched } from "./embedded.js";
import { type EvidenceAsked, evidenceOf } from "./evidence.js";
import { attentionsOf } from "./receivers.js";
import type { How, PairFound, PairGiven, PathMap } from "./shown.js";

/** The model behind the page: one pair at a time, everything that the page asks of it, in plain data. */
export class Session {
  #pair: Pair | undefined;
  #given: PairGiven | undefined;

  private constructor(
    private readonly model: Model,
    private readonly site: CircuitSite,
    private readonly embedded: boolean,
    /** Of its weights: others have another. */
    private readonly identity: string,
  ) {}

  /** @param known the weights that the page's example is of. */
  static async open(files: CheckpointFiles, backend: Backend, known?: KnownWeights): Promise<Session> {
    const own = watched(files, known);
    const model = await loadModel(own.files, { backend, warn: () => {} });
    const site = lookingSite(model);
    if (site) return new Session(model, site, own.isEmbedded(), own.identity());
    model[Symbol.dispose]();
    throw new Error(`No head of ${files.name} looks from a text at the picture, and the page shows those alone.`);
  }

  [Symbol.dispose](): void {
    this.#pair?.[Symbol.dispose]();
    this.model[Symbol.dispose]();
  }

  get facts() {
    const { name, backend, architecture } = this.model;
    const { layers, heads } = towerSize(this.model, parseSite(this.model, this.site).tower);
    const { classes } = architecture.readout;
    const form = formOf(architecture);
    const shape = { site: this.site as string, layers, heads };
    const position = readingPosition(architecture, this.site);
    // `embedded`: it is the model of the page's own example. `bytes`: of its tensors in this worker.
    return {
      name,
      backend,
      architecture: architecture.name as string,
      form,
      classes,
      embedded: this.embedded,
      ...shape,
      position,
      bytes: tf.memory().numBytes,
    };
  }

  /** Of one pass: what two backends are compared by. */
  async logits({ image, question }: PairGiven): Promise<Float32Array> {
    using run = await this.model.run({ image, question });
    return (await run.logits.data()) as Float32Array;
  }

  /** Runs both passes of a pair, which all that follows is about. */
  async pair(given: PairGiven): Promise<PairFound> {
    const made = await this.model.pair(given);
    this.#pair?.[Symbol.dispose]();
    [this.#pair, this.#given] = [made, given];
    const { correct, incorrect } = made.answers;
    const [clean, corrupted] = [await this.#read(made.clean, made), await this.#read(made.corrupted, made)];
    const others = [...clean.probs.keys()]
      .map((id) => ({ id, prob: Math.max(clean.probs[id]!, corrupted.probs[id]!) }))
      .filter(({ id, prob }) => prob >= LIKELY && id !== correct.id && id !== incorrect.id)
      .sort((a, b) => b.prob - a.prob);
    const ids = [correct.id, incorrect.id, ...others.slice(0, MOST_OTHERS).map(({ id }) => id)];
    return {
      says: { clean: clean.says, corrupted: corrupted.says },
      same: clean.first === corrupted.first,
      tokens: made.question.tokens.map(pieceText),
      imageTokens: [...(made.question.image ?? [])],
      frameTokens: frameOf(made.question),
      token: lookingToken(made),
      readings: { clean: { ...made.readings.clean }, corrupted: { ...made.readings.corrupted } },
      top: ids.map((id) => {
        const text = pieceText(choiceName(this.model, id)).trim();
        return { id, text, clean: clean.probs[id]!, corrupted: corrupted.probs[id]! };
      }),
    };
  }

  /** What a run says, and how probable it makes every choice at the first place of the answer. */
  async #read({ activations, logits }: Run, { question }: Pair) {
    const { readout } = this.model.architecture;
    const [ids] = await readout.say(this.model, endsOf(activations), [question.ids]);
    const softmax = tf.tidy(() => tf.softmax(tf.squeeze(logits)));
    const probs = await softmax.data();
    softmax.dispose();
    return { says: said(this.model, question.ids, ids!), first: probs.indexOf(Math.max(...probs)), probs };
  }

  /** The effect of every head at every token, [layer][head][token], layer by layer as they are found. */
  async sweep(onLayer: (layer: number, effects: (number | null)[][]) => void, signal: AbortSignal): Promise<void> {
    const pair = this.#asked();
    const { layers, heads } = this.facts;
    for (let layer = layers - 1; layer >= 0; layer--) {
      const scores = await sweep(pair, { site: this.site, layers: [layer] }, { signal });
      const tokens = pair.question.tokens.map((_, token) => token);
      onLayer(
        layer,
        Array.from({ length: heads }, (_, head) => tokens.map((token) => scores.at("effect", layer, head, token))),
      );
    }
  }

  /** Where a head looks from a token, [row][column], and what patching it there does. */
  async look({ layer, head, token }: HeadPlace & { readonly token: number }) {
    const pair = this.#asked();
    const { patterns } = await answerAttention(pair.clean, token, { site: this.site });
    const { effect } = await patchHead(pair, { site: this.site, layer, head, position: token } as never);
    return { grid: attentionOverlay(patterns, { layer, head }), effect };
  }

  /**
   * How much of a head's effect goes through each later head, and straight to the answer, [layer][head] for each
   * attention that it reaches. Heads that share keys and values are one column.
   */
  async paths({ layer, head, token }: HeadPlace & { readonly token: number }, onDone: Progress, signal: AbortSignal) {
    const pair = this.#asked();
    const sender = { site: this.site, layer, head, position: token } as Sender;
    const through = async (ends: readonly Receiver[]) => {
      const reached = ends.filter((end) => hasPath(pair, sender, end));
      if (reached.length === 0) return null;
      const { effect } = await patchPath(pair, [sender], reached);
      onDone();
      await turn(signal);
      return effect;
    };
    const maps: PathMap[] = [];
    for (const attention of attentionsOf(this.model)) {
      const effects: (number | null)[][] = [];
      for (const line of attention.heads) {
        const row: (number | null)[] = [];
        for (const ends of line) row.push(await through(ends));
        effects.push(row);
      }
      if (effects.flat().some((effect) => effect !== null))
        maps.push({ site: attention.site, says: attention.says, effects });
    }
    const plain = await patchHead(pair, sender as never);
    return { maps, direct: await through(["answer"]), plain: plain.effect };
  }

  /**
   * What the answers become where heads are switched off, or patched, at all tokens, by their ids; and how much of the
   * answer is left, or comes back.
   */
  async intervene(heads: readonly HeadPlace[], how: How, others: readonly PairGiven[], ids: readonly number[]) {
    const pair = this.#asked();
    const places = heads.map((place) => ({ site: this.site, ...place })) as never[];
    const read = (id: number) => probability({ id, token: "", text: "" });
    const metrics = {
      ...Object.fromEntries(ids.map((id) => [`${id}`, read(id)])),
      answer: logitDifference(pair.answers),
    };
    const runs = how === "mean" ? await this.#runs(others) : [];
    try {
      const source: Source = how === "zero" ? zero : how === "mean" ? meanOf(runs) : fromRun(pair.corrupted);
      const options = how === "clean" ? ({ direction: "denoise" } as const) : ({ direction: "noise", source } as const);
      const found: Record<string, Measured> = await patchMetrics(pair, places, metrics, options);
      const { effect } = found.answer!;
      const left = effect === null || how === "clean" ? effect : 1 - effect;
      return { probs: ids.map((id) => found[`${id}`]!.patched), left };
    } finally {
      for (const run of runs) run[Symbol.dispose]();
    }
  }

  /** The fewest heads that carry this pair's answer alone, and what they keep of those of others. */
  async circuit(others: readonly PairGiven[], onDone: (done: number) => void, signal: AbortSignal) {
    const pair = this.#asked();
    const heads = everyHead(pair, [this.site]);
    const sites = [this.site];
    const kept = (one: Pair, sets: readonly (readonly number[])[]) =>
      keptBy(
        one,
        sets.map((set) => set.map((at) => heads[at]!)),
        { sites, signal },
      );
    const scores = await sweep(pair, { site: this.site, together: true }, { signal });
    const effects = [heads.map(({ layer, head }) => scores.at("effect", layer, head))];
    const evidence = {
      heads,
      effects,
      scores: {} as never,
      keep: (sets: readonly (readonly number[])[]) => kept(pair, sets),
    };
    const found = await greedy("", false).find(evidence);
    if (!found) throw new Error("Clean and corrupted answers hardly differ here: there is nothing to be found.");
    const here = (await kept(pair, [found.circuit]))[0]!;
    const there: number[] = [];
    for (const [i, given] of others.entries()) {
      using other = await this.model.pair(given);
      const { clean, corrupted } = other.readings;
      // Where the model does not tell the two pictures apart, there is nothing to keep.
      if (clean.logitDiff > 0 && corrupted.logitDiff < 0) there.push((await kept(other, [found.circuit]))[0]!);
      onDone(i + 1);
    }
    there.sort((a, b) => a - b);
    const middle = there.length > 0 ? { median: there[there.length >> 1]!, range: middle95(there) } : undefined;
    const circuit = found.circuit.map((at) => ({ layer: heads[at]!.layer, head: heads[at]!.head }));
    return { circuit, here, there: middle, counted: there.length, of: others.length };
  }

  /** What it shows on many scenes. */
  evidence(asked: EvidenceAsked, onDone: Progress, signal: AbortSignal): Promise<CircuitRead> {
    return evidenceOf({ model: this.model, site: this.site, identity: this.identity }, asked, onDone, signal);
  }

  async #runs(others: readonly PairGiven[]) {
    const { question } = this.#given!;
    return Promise.all(others.map(({ image }) => this.model.run({ image, question })));
  }

  #asked(): Pair {
    if (!this.#pair) throw new Error("No pair has been given yet.");
    return this.#pair;
  }
}

/** Which tokens are neither the picture's nor of the words that somebody asked. */
function frameOf({ tokens, image = [], question }: Question): number[] {
  const own = new Set([...image, ...(question ?? tokens.keys())]);
  return [...tokens.keys()].filter((at) => !own.has(at));
}

/** Another answer than the two is shown from this probability on. */
const LIKELY = 0.01;
const MOST_OTHERS = 3;

type Progress = () => void;
