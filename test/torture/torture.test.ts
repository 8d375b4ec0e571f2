import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { compare, filesOf, type Rows } from "./compare.js";
import { type Job, jobsIn, measure, torture } from "./jobs.js";

// NOTICE_KILLS=50 kills fifty times; the quick suite once. `npm run torture` kills merges, downloads and exports too.
const KILLS = Number(process.env.NOTICE_KILLS ?? 1);

const ROWS: Rows = [
  ["scores\ta\t0", "0.5"],
  ["scores\ta\t1", "0.25"],
  ["scores\tb\t0", "null"],
];

test("a row that is lost, doubled or changed is counted as that", () => {
  assert.equal(compare(ROWS, [...ROWS].reverse()), { lost: 0, doubled: 0, changed: 0 });
  assert.equal(compare(ROWS, ROWS.slice(1)), { lost: 1, doubled: 0, changed: 0 });
  assert.equal(compare(ROWS, [...ROWS, ROWS[1]!]), { lost: 0, doubled: 1, changed: 0 });
  assert.equal(compare(ROWS, [...ROWS, ["scores\tc\t0", "1"]]), { lost: 0, doubled: 1, changed: 0 });
  assert.equal(compare(ROWS, [ROWS[0]!, ["scores\ta\t1", "0.26"], ROWS[2]!]), { lost: 0, doubled: 0, changed: 1 });
});

test("what is left over, and what does not go on, is found", async () => {
  const folder = temporaryFolder();
  const rows = async (out: string) => filesOf(join(out, "scenes"));
  const job: Job = {
    name: "scenes",
    share: 1,
    args: (out) => ["scenes", "--out", join(out, "scenes"), "--n", "1"],
    rows,
  };
  const measured = await measure(job, join(folder, "undisturbed"));
  const spoilt = join(folder, "spoilt");
  mkdirSync(spoilt);
  writeFileSync(join(spoilt, "scenes.part"), "");
  const { kills, leftovers, failure, lost } = await torture(measured, spoilt, random("none"), 0);
  assert.equal([kills, leftovers, failure, lost], [0, ["scenes.part"], undefined, 0]);
  const refused = await torture(
    { ...measured, args: () => ["export", "nowhere", "--out", "x"] },
    spoilt,
    random("none"),
    0,
  );
  assert.match(refused.failure!, /^exit code 2: notice: nowhere is no run/);
});

test(`killed ${KILLS} times, a study loses nothing and doubles nothing`, async () => {
  const root = temporaryFolder();
  const { jobs, hub } = await jobsIn(root, ["study"]);
  await using _ = hub;
  const study = await measure(jobs[0]!, join(root, "undisturbed"));
  const choose = random("kills");
  for (let [kills, round] = [0, 0]; kills < KILLS; round++) {
    const found = await torture(study, join(root, `killed-${round}`), choose, KILLS - kills);
    assert.equal({ ...found, kills: 0 }, { kills: 0, leftovers: [], lost: 0, doubled: 0, changed: 0 });
    kills += found.kills;
  }
});

test.run();
