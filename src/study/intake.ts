import type { Exclusion, Prepared, Sample } from "../data/sample.js";
import { contentOf, MANY_FILES } from "../files/placeholders.js";
import { drawOf } from "./balanced.js";
import { REMARK, sampleNames } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import type { Row } from "./tables.js";

/** Rows that are written together. */
const CHUNK = 1000;

/** So many things that were left out are named. */
const NAMED = 3;

/** Takes a data set into the tables of a run, and knows what it left out. */
export class Intake {
  /** How many it took. */
  samples = 0;
  readonly #reasons = new Map<string, number>();
  readonly #first: Exclusion[] = [];
  readonly #folders: Exclusion[] = [];
  readonly #contents = new Contents();
  /** As its samples call it. */
  #dataset = "";

  constructor(private readonly run: StudyRun) {}

  /** @throws the signal's reason */
  async takeAll(
    prepared: AsyncIterable<Prepared>,
    onProgress: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const { store } = this.run;
    const known = new Set(await sampleNames(store));
    const rows: { samples: Row[]; exclusions: Row[] } = { samples: [], exclusions: [] };
    const flush = async () => {
      await store.insert("samples", rows.samples.splice(0));
      await store.insert("exclusions", rows.exclusions.splice(0));
    };
    let read = 0;
    for await (const { sample, excluded } of prepared) {
      signal?.throwIfAborted();
      const left = excluded ?? (await this.#refused(sample, known));
      if (left) {
        this.#leaveOut(left);
        rows.exclusions.push({ stage: "prepare", ...left });
      } else {
        known.add(keyOf(sample!));
        this.samples++;
        this.#dataset = sample!.dataset;
        rows.samples.push(rowOf(this.run, sample!));
      }
      if (++read % CHUNK === 0) await flush();
      onProgress(read);
    }
    await flush();
  }

  async #refused(sample: Sample, known: ReadonlySet<string>): Promise<Exclusion | undefined> {
    const { dataset, id, image, corruptImage } = sample;
    const leftOut = (reason: string, detail: string) => ({ dataset, source: id, reason, detail });
    if (known.has(keyOf(sample))) return leftOut("same name twice", "Another sample has this name.");
    const clean = await this.#contents.of(image);
    if (corruptImage === undefined) return undefined;
    const corrupt = await this.#contents.of(corruptImage);
    if (clean !== undefined && clean === corrupt)
      return leftOut("one image for both", `${image} and ${corruptImage} are the same picture`);
    return undefined;
  }

  #leaveOut(left: Exclusion): void {
    this.#reasons.set(left.reason, (this.#reasons.get(left.reason) ?? 0) + 1);
    if (this.#first.length < NAMED) this.#first.push(left);
    if (left.reason === "unknown folder") this.#folders.push(left);
  }

  /** In words: how many, for which reasons, and the first ones. */
  whatIsLeftOut(): string {
    const reasons = [...this.#reasons].sort(([, a], [, b]) => b - a);
    if (reasons.length === 0) return "there is nothing in it.";
    const counted = reasons.map(([reason, count]) => `${count} for ${JSON.stringify(reason)}`).join(", ");
    const named = this.#first.map(({ source, detail }) => `${source}: ${detail}`).join("; ");
    return `all that is in it was left out, ${counted}. ${named}.`;
  }

  /** Pictures that stand in many files, for the table of exclusions: nothing is left out for that. */
  sharedPictures(): Row[] {
    return this.#contents.shared().map((shared) => ({
      ...{ stage: REMARK, dataset: this.#dataset, source: shared.first[0]!, reason: "one picture in many files" },
      detail: inWords(shared),
    }));
  }

  /** What somebody should know of a data set that was taken. */
  remarks(): string[] {
    const folders = this.#folders.map(
      ({ dataset, source, detail }) => `${dataset}: the folder ${source} is left out (${detail})`,
    );
    const all = this.#contents.shared();
    const shared = all.slice(0, NAMED).map(inWords);
    if (all.length > NAMED) shared.push(`${all.length - NAMED} more pictures are in ${MANY_FILES} files or more`);
    return [...folders, ...shared].map((remark) => `${remark}.`);
  }
}

interface Shared {
  readonly files: number;
  readonly first: readonly string[];
}

const inWords = ({ files, first }: Shared) => `${files} files hold one picture, such as ${first.join(", ")}`;

/** What is in files of pictures. */
class Contents {
  readonly #ofFiles = new Map<string, string | undefined>();
  readonly #files = new Map<string, { files: number; first: string[] }>();

  /** Names the bytes; undefined where there are none, or too many. */
  async of(file: string): Promise<string | undefined> {
    if (this.#ofFiles.has(file)) return this.#ofFiles.get(file);
    const content = await contentOf(file);
    this.#ofFiles.set(file, content);
    if (content !== undefined) {
      const shared = this.#files.get(content) ?? { files: 0, first: [] };
      shared.files++;
      if (shared.first.length < NAMED) shared.first.push(file);
      this.#files.set(content, shared);
    }
    return content;
  }

  /** Pictures in many files, those in most first. */
  shared() {
    return [...this.#files.values()].filter(({ files }) => files >= MANY_FILES).sort((a, b) => b.files - a.files);
  }
}

const keyOf = ({ dataset, id }: Sample) => `${dataset}/${id}`;

function rowOf(run: StudyRun, sample: Sample): Row {
  const { id, dataset, group, image, question, answers, corruptImage, corruptQuestion, mask, answerPlace } = sample;
  const stored = (path: string | undefined) => (path === undefined ? undefined : run.stored(path));
  return {
    dataset,
    sample: id,
    draw: drawOf(run.settings.seed, dataset, id),
    sample_group: group,
    image: run.stored(image),
    corrupt_image: stored(corruptImage),
    question,
    corrupt_question: corruptQuestion,
    correct: answers[0],
    incorrect: answers[1],
    mask: stored(mask),
    answer_place: answerPlace,
  };
}
