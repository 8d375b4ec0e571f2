import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Pace, pacing, paperFolders } from "../../src/study/paper.js";

test("the pace is that of the first minute of patching, over all runs, and is said once", () => {
  let time = 0;
  const said: Pace[] = [];
  const counted: number[] = [];
  const quiet = { begin: () => ({ update: (done: number) => void counted.push(done), end() {} }), warn() {} };
  const watch = pacing(quiet, { pending: 1000, say: (pace) => said.push(pace), now: () => time });
  const evaluate = watch.begin("evaluate", 10);
  time = 120_000;
  evaluate.update(10);
  assert.equal(said, [], "only patching counts");
  // The first run has 5 samples, which take half a minute.
  const short = watch.begin("patch", 5);
  time += 30_000;
  short.update(5);
  short.end();
  const long = watch.begin("patch", 995);
  for (let done = 1; done <= 95; done++) {
    time += 1000;
    long.update(done);
  }
  // 60 samples in the minute; 1000 - 5 - 60 are left.
  assert.equal(said, [{ rate: 60, hours: 935 / 60 / 60 }]);
  assert.is(counted.length, 1 + 1 + 95);
});

test("each data set that is there, by either name of its folder", () => {
  const found = paperFolders("data", ["facial-expressions", "mit-states", "other"]);
  assert.equal(
    found.map(({ dataset, folder, n }) => [dataset, folder, n]),
    [
      ["mit-states", "mit-states", 1500],
      ["faces", "facial-expressions", 3500],
    ],
  );
});

test.run();
