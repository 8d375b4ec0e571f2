import { NoticeError } from "../base/errors.js";
import type { Watch } from "./stage.js";

/** A data set of the paper, as its authors sampled it. */
export interface PaperDataset {
  readonly dataset: string;
  /** Names of its folder. */
  readonly folders: readonly string[];
  /** Samples that are patched, at most. */
  readonly n: number;
  /** Where these numbers stand. */
  readonly place: string;
}

const NOTEBOOK = "github:wrudman/NOTICE, preprocessing/3_select_final_samples";

/** The paper's data sets with the caps of the authors' notebooks, which take only questions answered rightly. */
const PAPER: readonly PaperDataset[] = [
  {
    dataset: "svo-probes",
    folders: ["svo-probes"],
    n: 3000,
    place: `500 of each of subject, object and verb, positive and negative picture (${NOTEBOOK}_svo_probes.ipynb)`,
  },
  {
    dataset: "mit-states",
    folders: ["mit-states"],
    n: 1500,
    place: `500 of each of colour, shape and texture (${NOTEBOOK}_mit_states.ipynb)`,
  },
  {
    dataset: "faces",
    folders: ["faces", "facial-expressions"],
    n: 3500,
    place: `250 of each of 7 emotions and 2 orders (${NOTEBOOK}_facial_expressions.ipynb)`,
  },
];

/** What the paper says of blip-vqa-base, for comparison. */
export const PAPER_HEADS = {
  heads: ["L5H3", "L3H0", "L0H11"],
  place: "universal cross-attention heads, section 4 of arXiv 2406.16320",
} as const;

/** How fast samples are patched. */
export interface Pace {
  /** Samples a minute. */
  readonly rate: number;
  /** Of all that are still to be patched, at this rate. */
  readonly hours: number;
}

/**
 * Watches stages as another watch does, and says once how long patching will take: when it has gone on for a minute.
 *
 * @param pending samples that are still to be patched, of all runs. @param say is told once. @param now milliseconds.
 */
export function pacing(
  watch: Watch,
  {
    pending,
    say,
    minute = 60_000,
    now = () => performance.now(),
  }: {
    readonly pending: number;
    readonly say: (pace: Pace) => void;
    readonly minute?: number;
    readonly now?: () => number;
  },
): Watch {
  let said = false;
  let before = 0;
  return {
    ...watch,
    begin(stage, total) {
      const inner = watch.begin(stage, total);
      if (stage !== "patch") return inner;
      const begun = now();
      let done = 0;
      return {
        update(count) {
          inner.update(count);
          done = count;
          const passed = now() - begun;
          if (said || passed < minute) return;
          said = true;
          const rate = (count / passed) * 60_000;
          say({ rate, hours: (pending - before - count) / rate / 60 });
        },
        end() {
          before += done;
          inner.end();
        },
      };
    },
  };
}

/** @throws NoticeError `options` where a folder has none of the data sets. */
export function paperFolders(data: string, found: readonly string[]): (PaperDataset & { readonly folder: string })[] {
  const sets = PAPER.flatMap((one) => {
    const folder = one.folders.find((name) => found.includes(name));
    return folder === undefined ? [] : [{ ...one, folder }];
  });
  if (sets.length > 0) return sets;
  const names = PAPER.map(({ folders }) => folders.join(" or ")).join(", ");
  throw new NoticeError(
    "options",
    `${data} has none of the paper's data sets; give --data the folder that holds ${names}, each as its publishers lay it out.`,
  );
}
