import { suite } from "uvu";

/** What a machine may lack that slow tests need. */
export type Needed = "browser" | "kernel" | "gpu" | "redis" | "slurm";

/** Whether tests may be left out where it is lacking: NOTICE_MAY_SKIP names it, as in `browser,kernel`. */
export function maySkip(needed: Needed, allowed = process.env.NOTICE_MAY_SKIP ?? ""): boolean {
  return allowed
    .split(",")
    .map((name) => name.trim())
    .includes(needed);
}

/** In the place of tests for which something is lacking: says so where that is allowed, and fails where it is not. */
export function lacking(needed: Needed, why: string): void {
  const told = suite(maySkip(needed) ? `skipped: ${why}` : "lacking");
  if (maySkip(needed)) told.skip(why);
  else
    told(`${why}; NOTICE_MAY_SKIP=${needed} allows to skip what needs it`, () => {
      throw new Error(why);
    });
  told.run();
}
