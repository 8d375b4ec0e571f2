import { join } from "node:path";
import { Command, Option } from "commander";
import { NoticeError } from "../base/errors.js";
import { svoImages } from "../data/svo-probes.js";
import { fetchImages } from "../files/fetch-images.js";
import { wholeNumber } from "./options.js";
import { type Progress, progress } from "./progress.js";
import { oneLine, print, say } from "./streams.js";
import { untilSignal } from "./until-signal.js";

interface FetchOptions {
  readonly data: string;
  readonly concurrency: number;
  readonly retry?: boolean;
}

const WAIT_LINE_MS = 10_000;

/** `notice fetch svo-probes`: the pictures that a data set names by their addresses. */
export function fetchCommand(): Command {
  return new Command("fetch")
    .description("download the pictures of a data set from the web; pictures already there are kept")
    .argument("<dataset>", "svo-probes; put its svo_probes.csv into the folder first", onlySvoProbes)
    .requiredOption("--data <folder>", "the data set's folder; pictures go into images/ below it")
    .addOption(
      new Option("--concurrency <number>", "number of pictures downloaded at a time")
        .argParser(wholeNumber)
        .default(16),
    )
    .option("--retry", "also retry pictures that were not found or not pictures; temporary failures are always retried")
    .addHelpText(
      "after",
      "\nmanifest.json in the folder counts the missing pictures by reason. Many addresses are dead by now, or send one " +
        "picture in the place of all that are gone: that is moved to placeholders/.",
    )
    .action((_dataset: string, options: FetchOptions) => runFetch(options));
}

function onlySvoProbes(name: string): string {
  if (name === "svo-probes") return name;
  throw new NoticeError(
    "options",
    `${JSON.stringify(name)} cannot be fetched; only svo-probes has its pictures elsewhere.`,
  );
}

/** Of hundreds of pictures that are waited for, one in ten seconds is named. */
function seldom(tell: (message: string) => void): (message: string) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (message) => {
    if (performance.now() - last < WAIT_LINE_MS) return;
    last = performance.now();
    tell(message);
  };
}

async function runFetch({ data, concurrency, retry }: FetchOptions): Promise<void> {
  if (concurrency < 1 || concurrency > 256)
    throw new NoticeError("options", `--concurrency is ${concurrency}; a number from 1 to 256 was expected.`);
  const images = await svoImages(data);
  let bar: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progress(total, "fetch", "pictures");
    bar.update(done);
  };
  try {
    await untilSignal(async (signal) => {
      const { present, missing } = await fetchImages(images, data, {
        concurrency,
        retryFailed: retry,
        signal,
        onProgress,
        onWait: seldom(say),
      });
      bar?.stop();
      const reasons = Object.entries(missing).sort(([, a], [, b]) => b - a);
      const counted = reasons.map(([reason, count]) => `${count} ${oneLine(reason)}`).join(", ");
      print(`${join(data, "images")} has ${present} of ${images.length} pictures\n`);
      if (counted) print(`missing: ${counted}; each in ${join(data, "manifest.json")}\n`);
    });
  } finally {
    bar?.stop();
  }
}
