import type { Side } from "./view.js";

/** What must be known before an effect of this pair is read; undefined where the model tells the two pictures apart. */
export function cautionOf({ found, given }: Pick<Side, "found" | "given">): string | undefined {
  if (!found) return undefined;
  const [right, other] = given.answers.map((answer) => `“${answer}”`);
  const { clean, corrupted } = found.readings;
  const moves = clean.logitDiff > 0 !== corrupted.logitDiff > 0;
  if (found.same && moves)
    return (
      `The model says “${found.says.clean}” to both pictures, and neither ${right} nor ${other}. Effects say what moves ` +
      "it between these two."
    );
  if (found.same)
    return (
      `The model says “${found.says.clean}” to both pictures. There is no answer to bring back, and the effects ` +
      "below mean nothing. Take another picture or another question."
    );
  const wrong = clean.logitDiff <= 0 ? "clean" : corrupted.logitDiff >= 0 ? "corrupted" : undefined;
  if (!wrong) return undefined;
  const [takes, rather] = wrong === "clean" ? [other, right] : [right, other];
  return (
    `With the ${wrong} picture the model takes ${takes} to be likelier than ${rather}. Effects say what moves it ` +
    "between the two, and not what makes it right."
  );
}
