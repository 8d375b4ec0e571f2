import { NoticeError } from "../base/errors.js";
import { answeredRightly, isFinished, unasked } from "./queries/samples.js";
import type { Stage } from "./stage.js";

/**
 * Chooses up to `n` samples of each data set among those answered rightly, as evenly over its groups as they allow.
 * Which ones follows from the seed.
 *
 * @throws NoticeError `options` where questions are not asked yet, or none was answered rightly.
 */
export async function select({ run }: Stage): Promise<void> {
  const { store, settings } = run;
  if (await isFinished(store, "select")) return;
  let unprepared: string | undefined;
  for (const name of settings.dataset) if (!(await isFinished(store, "prepare", name))) unprepared ??= name;
  const left = (await unasked(store, settings.candidates)).length;
  if (unprepared !== undefined || left > 0) {
    const what = unprepared === undefined ? `${left} questions are not asked yet` : `${unprepared} is not prepared yet`;
    throw new NoticeError("options", `${what}, and a selection stays as it is; finish \`notice evaluate\` first.`);
  }
  const right = await answeredRightly(store);
  if (right.length === 0)
    throw new NoticeError(
      "options",
      `${settings.model} answered no question of the run ${run.folder} rightly, so there is nothing to patch.`,
    );
  const rows = [...grouped(right, ({ dataset }) => dataset).values()].flatMap((candidates) =>
    balanced(candidates, settings.n).map(({ dataset, sample }, ordinal) => ({ dataset, sample, ordinal })),
  );
  await store.transaction(async () => {
    await store.insert("selected", rows);
    await store.insert("finished", [{ stage: "select", dataset: "" }]);
  });
}

/** The groups take turns, until there are `count` or none are left. */
function balanced<Item extends { readonly sample_group: string }>(items: readonly Item[], count: number): Item[] {
  const groups = [...grouped(items, ({ sample_group }) => sample_group)].sort(([a], [b]) => (a < b ? -1 : 1));
  const longest = Math.max(0, ...groups.map(([, members]) => members.length));
  const turns = Array.from({ length: longest }, (_, turn) => groups.flatMap(([, members]) => members[turn] ?? []));
  return turns.flat().slice(0, count);
}

/** Items by their key, in the order in which the keys come up. */
function grouped<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const members = groups.get(key(item));
    if (members) members.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
