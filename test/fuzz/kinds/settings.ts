import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import type { Random } from "../../../src/base/random.js";
import {
  type BegunSettings,
  checkSettings,
  completeSettings,
  readSettings,
  reread,
  settingsHash,
} from "../../../src/study/settings.js";
import { parseShard } from "../../../src/study/shard.js";
import { temporaryFolder } from "../../support/checkpoint.js";
import { Found } from "../judge.js";
import type { Kind } from "../kind.js";
import { anyJson, anyValue, HOSTILE, mutateBytes, mutatedJson, mutateJson, mutateText, NUMBERS } from "../mutate.js";

/** The settings of a study, as files (TOML, JSON), as values and as text of the command line. */
export const settings: Kind = {
  name: "settings",
  share: 120,
  open: async () => {
    const folder = temporaryFolder();
    const sound = completeSettings({ data: "data", candidates: 9, template: "is it {{ first }}?" });
    return {
      run: async (choose) => {
        if (choose.chance(0.1)) return shardOf(choose);
        const given = choose.chance(0.15)
          ? checkSettings(choose.chance(0.5) ? anyValue(choose) : anyJson(choose), "the settings")
          : await readSettings(written(choose, folder, sound));
        const whole = completeSettings(given);
        checkWhole(whole);
        if (choose.chance(0.5)) reread(sound, given, "the run");
        return "taken";
      },
    };
  },
};

function shardOf(choose: Random) {
  const number = () => `${choose.pick(NUMBERS)}`;
  const { index, count } = parseShard(choose.pick([`${number()}/${number()}`, choose.pick(HOSTILE), "0/1", " 1/2 "]));
  if (!(index >= 0 && index < count)) throw new Found("wrong", `shard ${index} of ${count}`);
  return "taken" as const;
}

function written(choose: Random, folder: string, sound: BegunSettings): string {
  const isJson = choose.chance(0.5);
  const file = join(folder, isJson ? "study.json" : "study.toml");
  const text = isJson ? mutatedJson(choose, sound) : mutatedToml(choose, sound);
  writeFileSync(file, choose.chance(0.9) ? text : mutateBytes(choose, Buffer.from(text)));
  return file;
}

function mutatedToml(choose: Random, sound: BegunSettings): string {
  const text = choose.chance(0.5) ? stringify(sound) : tomlOf(mutateJson(choose, sound));
  if (choose.chance(0.5)) return text;
  const line = choose.pick([
    "n = 0x7fffffffffffffff",
    "n = 1e400",
    "n = nan",
    "seed = 1979-05-27T07:32:00Z",
    "[n]\nn = 1",
  ]);
  return choose.pick([
    `${text}\n${line}\n`,
    mutateText(choose, text),
    `${text}${"[".repeat(choose.pick([1, 2000, 100_000]))}`,
    `n = ${"[".repeat(50_000)}`,
    `__proto__ = 1\n${text}`,
    `a${".a".repeat(20_000)} = 1`,
  ]);
}

/** TOML has no null. */
function tomlOf(value: unknown): string {
  try {
    return stringify(value);
  } catch {
    return JSON.stringify(value);
  }
}

function checkWhole(whole: BegunSettings): void {
  const numbers = Object.entries(whole).filter(([, value]) => typeof value === "number");
  for (const [name, value] of numbers)
    if (!Number.isFinite(value)) throw new Found("wrong", `${name} is ${String(value)}`);
  if (!/^[0-9a-f]{16}$/.test(settingsHash(whole))) throw new Found("wrong", "the settings' hash is no hash");
}
