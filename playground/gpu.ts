import { useBackend } from "../src/platform/backend.js";
import { loadWebgpuBackend } from "../src/platform/platform.js";
import { largestDifference, TOLERANCE } from "../src/platform/self-check.js";
import type { Session } from "./session.js";
import type { GpuChoice, PairGiven } from "./shown.js";

/** The model on the GPU, or why it stays where it is; neither where nobody would expect a GPU. */
interface OnGpu {
  readonly session?: Session;
  readonly why?: string;
}

/**
 * Opens the model on the GPU, if there is one and a pass of it says what `session`, on wasm, says. What a browser calls
 * a GPU may be a program, which is slower than wasm.
 */
export async function onGpu(
  session: Session,
  openThere: () => Promise<Session>,
  given: PairGiven,
  choice: GpuChoice,
): Promise<OnGpu> {
  if (choice === "wasm") return {};
  try {
    const { name, software } = await loadWebgpuBackend();
    if (software && choice === "auto") return { why: `${name} is no hardware` };
  } catch (error) {
    return choice === "auto" ? {} : { why: (error as Error).message };
  }
  const expected = await session.logits(given);
  let other: Session | undefined;
  let why: string;
  try {
    other = await openThere();
    const difference = largestDifference(await other.logits(given), expected);
    if (difference <= TOLERANCE) return { session: other };
    why = `a pass is ${difference.toPrecision(1)} from what wasm says`;
  } catch (error) {
    why = (error as Error).message;
  }
  await useBackend("wasm");
  other?.[Symbol.dispose]();
  return { why };
}
