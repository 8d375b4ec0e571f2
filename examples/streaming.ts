// Many pairs over several processes: results come as they finish, pairs are read as processes come free.
import type { PairInput } from "vlm-notice";
import { openPool } from "vlm-notice/pool";

/** Pairs may come from anywhere: a file read line by line, a database, a generator that never ends. */
async function* pairs(): AsyncGenerator<PairInput & { key: string }> {
  for (const [colour, other] of [["red", "blue"] as const, ["blue", "red"] as const])
    for (const question of ["is this star red or blue?", "is this star blue or red?"])
      yield {
        key: `${colour}: ${question}`, // comes back with the result
        image: `examples/star-${colour}.png`,
        corruptImage: `examples/star-${other}.png`,
        question,
        answers: [colour, other],
      };
}

await using pool = await openPool("weights/scenes", { workers: 2 });
let [count, sum] = [0, 0];
const options = { site: "text.cross.z", layers: [0], heads: [0], together: true } as const;
for await (const { key, scores, error } of pool.sweep(pairs(), options)) {
  if (error) {
    console.log(`${key} ${error.message}`); // one pair's mistake ends nothing
    continue;
  }
  const effect = scores[0]!.at("effect", 0, 0) ?? 0; // layer, head; null where the answers hardly differ
  sum += effect;
  console.log(`${key} L0H0 ${effect.toFixed(2)}, mean of ${++count}: ${(sum / count).toFixed(2)}`);
}
