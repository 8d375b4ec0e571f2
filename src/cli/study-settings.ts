import { type Command, Option } from "commander";
import { FORMS } from "../data/sample.js";
import { METRICS } from "../patching/metrics.js";
import { checkSite } from "../patching/sites.js";
import { MODALITIES } from "../study/settings.js";
import { decimal, folder, listOf, wholeNumber } from "./options.js";

/** The settings of a study as options. */
export const withStudySettings = (command: Command): Command => withCircuits(withPatches(withSamples(command)));

function withSamples(command: Command): Command {
  return command
    .requiredOption("--out <run>", "the run's folder; made where there is none", folder)
    .option("--settings <file>", "TOML or JSON file with any of the settings below; options take precedence")
    .option("--model <model>", "checkpoint folder or hub id; default: weights/scenes")
    .option(
      "--dataset <names>",
      "scenes, svo-probes, mit-states, faces, or a CSV or JSONL file; several by commas",
      listOf,
    )
    .option(
      "--data <folder>",
      "folder of the data set, or of a table's pictures; of several, the folder that holds theirs",
    )
    .addOption(
      new Option("--as <form>", "how samples are put to the model; default: as its architecture is asked").choices(
        FORMS,
      ),
    )
    .option("--n <samples>", "samples to patch in each data set; default: 60", wholeNumber)
    .option("--candidates <samples>", "samples to ask about in each data set; default: all, of scenes 2 n", wholeNumber)
    .option("--template <jinja>", "Jinja template of the questions, instead of the data set's own")
    .option("--seed <number>", "seed of all random choices; default: 0", wholeNumber);
}

function withPatches(command: Command): Command {
  return command
    .option("--modalities <names>", `${MODALITIES.join(", ")}; default: image,text`, listOf)
    .option(
      "--sites <names>",
      "default: of the tower that reads the question cross.z and self.z, as it has them, and resid_post",
      (text) => listOf(text).map(checkSite),
    )
    .addOption(new Option("--direction <direction>", "default: denoise").choices(["denoise", "noise"]))
    .option(
      "--sigma <deviation>",
      "standard deviation of gaussian noise, in units of normalised pixels; default: 1",
      decimal,
    )
    .option(
      "--screen <heads>",
      "patch only this many heads of each site, those that gradients rate highest; default: 0, all",
      wholeNumber,
    )
    .option("--attribution", "also store the attribution (gradient estimate) of every patch; the default")
    .option("--no-attribution", "do not store attributions")
    .option(
      "--steps <passes>",
      "number of passes of integrated gradients; default: 0, the plain gradient",
      wholeNumber,
    );
}

function withCircuits(command: Command): Command {
  return command
    .option(
      "--position <where>",
      "where circuits are read: answer, answer-1, last, an index or a token; default: answer, or last where it is causal",
    )
    .addOption(
      new Option("--metric <metric>", "metric by which circuits are found; default: effect").choices([...METRICS]),
    )
    .option(
      "--least-difference <logits>",
      "leave out the effect of samples whose corruption changes the answer by less; default: 0.5",
      decimal,
    )
    .option("--rate <share>", "false discovery rate; default: 0.05", decimal)
    .option("--resamples <number>", "number of bootstrap samples and of sign flips; default: 2000", wholeNumber)
    .option("--verify <samples>", "samples of each data set to test its circuits on; default: 20; 0: none", wholeNumber)
    .option("--random-sets <sets>", "number of random sets to compare each circuit with; default: 20", wholeNumber)
    .option(
      "--headline-sets <sets>",
      "the same of the circuit that the report begins with, where none of those keeps as much; default: 1000",
      wholeNumber,
    );
}
