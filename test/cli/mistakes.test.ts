import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

// What a new user mistypes, and what is said: what was given, what was expected, what to do; exit code 2, in one line.

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = at("run");
writeFileSync(at("notes.txt"), "my notes\n");
writeFileSync(at("list.jsonl"), "{}\n");
const pair = { image: "clean.png", corruptImage: "corrupt.png", question: CLEAN_QUESTION, answers: ANSWERS };
writeFileSync(at("pairs.json"), JSON.stringify([pair], null, 2));
writeFileSync(at("pairs.csv"), "id,image,question\n1,clean.png,is it red?\n");
copyFileSync(CLEAN_IMAGE, at("clean.png"));
mkdirSync(at("models/mine"), { recursive: true });
writeFileSync(at("models/mine/config.json"), "{}");

const ask = (...more: string[]) => ["ask", NARROW, "--image", CLEAN_IMAGE, "--question", CLEAN_QUESTION, ...more];
const PAIR = ["--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE, "--question", CLEAN_QUESTION];
const sweep = (...more: string[]) => ["sweep", NARROW, ...PAIR, "--answers", ANSWERS.join(","), ...more];
const study = (...more: string[]) => ["study", "--out", run, ...more];

const overlay = (...more: string[]) => ["overlay", NARROW, ...PAIR, "--answers", ANSWERS.join(","), ...more];
const path = (...more: string[]) => ["path", ...overlay("--to", "answer", ...more).slice(1)];
const pairs = (name: string) => ["sweep", NARROW, "--pairs", at(name), "--out", at("results.jsonl")];

type Mistake = readonly [what: string, args: readonly string[], ...said: (string | RegExp)[]];

const MISTAKES: readonly Mistake[] = [
  ["a misspelt command", ["swep"], 'There is no command "swep". Did you mean sweep?'],
  ["no such command", ["frobnicate"], 'no command "frobnicate"', "`notice --help` lists all commands"],
  [
    "an option before the command",
    ["--image", "x.png", "ask"],
    "The command comes before its options, and --image is none",
  ],
  ["a misspelt required option", ["ask", NARROW, "--imgae", "x.png"], "no option --imgae. Did you mean --image?"],
  ["the same with =", ["ask", NARROW, "--imgae=x.png"], "no option --imgae. Did you mean --image?"],
  ["an option of another name", ["ask", NARROW, "--picture", "x"], "no option --picture. It takes --image, --question"],
  ["one letter too few", sweep("--layer", "0"), "no option --layer. Did you mean --layers?"],
  ["a misspelt option beside a conflict", sweep("--pairs", "x", "--sit", "y"), "Did you mean --site?"],
  [
    "nothing but the command",
    ["ask"],
    "needs <model> (checkpoint folder",
    "and --image <file> (PNG, JPEG, WebP, GIF or BMP)",
  ],
  [
    "words without quotation marks",
    ["ask", NARROW, "is", "it", "red"],
    "takes <model>, and was given",
    "quotation marks",
  ],
  ["an option without its value", ["sweep", NARROW, "--image"], "--image <file> was given without its value"],
  [
    "a misspelt model",
    ["ask", "weights/scene", "--image", CLEAN_IMAGE],
    "is no folder here; did you mean weights/scenes?",
  ],
  [
    "a folder that holds models",
    ["ask", "weights", "--image", CLEAN_IMAGE],
    "has no config.json: it is no checkpoint; did you mean weights/scenes?",
  ],
  [
    "another folder that holds models",
    ["ask", at("models"), "--image", CLEAN_IMAGE],
    `did you mean ${at("models/mine")}?`,
  ],
  ["a model's name alone", ["ask", "scenes", "--image", CLEAN_IMAGE], "did you mean weights/scenes?"],
  ["a model that is a file", ["ask", at("notes.txt"), "--image", CLEAN_IMAGE], "is a file, not a folder"],
  [
    "a folder without a checkpoint",
    ["ask", folder, "--image", CLEAN_IMAGE],
    "has no config.json: it is not a checkpoint",
  ],
  ["no such picture", ask("--image", "nowhere.png"), "There is no picture nowhere.png", "relative ones start at"],
  ["a folder for a picture", ask("--image", folder), "is not a file but a folder. Give the path of a file"],
  ["a text for a picture", ask("--image", at("notes.txt")), "notes.txt", "PNG, JPEG"],
  ["no question", ["ask", NARROW, "--image", CLEAN_IMAGE], "give a question"],
  ["too long a question", ask("--question", "is it red ".repeat(9)), "29 tokens", "at most 24", "Shorten it"],
  ["a count that is a word", ask("--top", "many"), "'many' is invalid. A whole number was expected"],
  ["a size without its unit", ask("--memory", "500"), "A size such as 500MB or 3GB was expected"],
  ["no such backend", ask("--backend", "gpu"), "'gpu' is invalid. Allowed choices are auto, node-gpu"],
  ["a misspelt site", sweep("--site", "text.cros.z"), "Did you mean text.cross.z?"],
  ["a site of TransformerLens", sweep("--site", "blocks.0.attn.hook_z"), "Did you mean text.self.z with { layer: 0 }?"],
  ["no such layer", sweep("--layers", "7"), "There is no layer 7 in the text tower: it has 2, 0 to 1"],
  ["no such head", sweep("--heads", "9"), "There is no head 9", "it has 4, 0 to 3"],
  ["a range that ends nowhere", sweep("--layers", "0-"), "is neither an index nor a range such as 2-4"],
  ["a word that is not asked", sweep("--position", "blue"), '"blue"', "Give one of its words, or an index"],
  ["a position past the last", sweep("--position", "99"), "There is no position 99", "0 to 8"],
  ["a head of a site without", sweep("--site", "text.resid_post", "--heads", "0"), "text.resid_post has no heads"],
  ["no answers", ["sweep", NARROW, ...PAIR], "the correct and the incorrect one"],
  ["one answer", sweep("--answers", "red"), "Two answers with a comma between them were expected"],
  ["one answer twice", sweep("--answers", "red,red"), "Choose answers that differ there"],
  ["a direction of one's own", sweep("--direction", "up"), "Allowed choices are denoise, noise"],
  [
    "both corruptions",
    sweep("--corrupt-question", "is it green?"),
    "Give exactly one of --corrupt-image and --corrupt-q",
  ],
  ["a figure as a photograph", sweep("--png", at("map.jpg")), "figures are written as .png or .svg, and not as .jpg"],
  ["an output in no folder", sweep("--json", at("none/x.json")), "none does not exist"],
  ["an output over one's notes", sweep("--json", at("notes.txt")), "did not write as json. Give another name"],
  [
    "two outputs at one place",
    sweep("--json", "-", "--png", "-"),
    "--png - cannot be written: another option names it too",
  ],
  ["a list without a place for its results", ["sweep", NARROW, "--pairs", at("list.jsonl")], "--pairs needs --out"],
  ["pairs as JSON", pairs("pairs.json"), "is JSON, but not of one object a line", "Give one object a line"],
  ["pairs as CSV", pairs("pairs.csv"), "is a table with columns", "`notice study --dataset` takes tables"],
  ["a head past the last", overlay("--head", "L0H9"), "There is no head L0H9: there are L0H0 to L1H3"],
  ["a head past the last of a place", path("--from", "text.cross.z:L0H9"), "There is no head 9", "it has 4, 0 to 3"],
  ["a head in small letters", overlay("--head", "l0h1"), "A head such as L2H3 was expected"],
  [
    "results over the list",
    ["sweep", NARROW, "--pairs", at("list.jsonl"), "--out", at("list.jsonl")],
    "the list of pairs itself",
  ],
  [
    "a site without its layer",
    ["path", NARROW, "--from", "text.cross.z", "--to", "answer"],
    "no place such as text.cross.z:L0H1",
  ],
  [
    "a misspelt receiver",
    ["path", NARROW, "--from", "text.cross.z:L0H1", "--to", "anser"],
    "such as text.cross.z:L0H1 or answer",
  ],
  ["a head without its site", ["faithful", NARROW, "--heads", "L0H1"], "no place such as text.cross.z:L0H1"],
  ["a misspelt site of a study", study("--sites", "text.cros.z"), "Did you mean text.cross.z?"],
  [
    "a misspelt modality",
    study("--modalities", "imge"),
    'found "imge", expected image, text or gaussian, did you mean image?',
  ],
  ["a number that is none", study("--sigma", "abc"), "'abc' is invalid. A number was expected"],
  ["settings that are not there", study("--settings", at("no.toml")), "no.toml cannot be read: there is no such file"],
  ["a run that was never begun", ["circuits", "--out", run], "is no run", "`notice study` begins one"],
  ["standard output for a folder", ["scenes", "--out", "-"], "A folder was expected, and standard output is none"],
  ["a data set that is not on the web", ["fetch", "mit-states", "--data", folder], "only svo-probes"],
];

for (const [what, args, ...said] of MISTAKES)
  test(what, async () => {
    const { code, stdout, stderr } = await noticeHere(...args);
    assert.equal([code, stdout], [2, ""], stderr);
    assert.match(stderr, /^notice: \P{C}+\n$/u); // one line, no stack
    for (const part of said) assert.match(stderr, part);
    assert.not(existsSync(run), "a run is begun");
  });

test.run();
