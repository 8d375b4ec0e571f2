import { mean } from "../../base/mean.js";
import { deviation } from "../circuits.js";
import { bySize, columnMeans, type Evidence, type HeadTable, type Rule, type Ruled } from "./rule.js";

/**
 * Where the authors' notebook (`circuit_analysis.ipynb`, `extract_selected_one_score`) reads a sample: the first token
 * that contains the answer's first piece, by its index among the tokens without [CLS], in a table that has [CLS]. So it
 * is the token before the answer.
 *
 * @param tokens of the question, [CLS] and [SEP] left out.
 * @returns the position, [CLS] being 0; undefined where no token has the piece, and the notebook leaves the sample out.
 */
export function publishedPosition(tokens: readonly string[], piece: string): number | undefined {
  const at = tokens.findIndex((token) => token.includes(piece));
  return at === -1 ? undefined : at;
}

/**
 * How far after the answer the authors' code for LLaVA patches (`LLAVA/patching_utils.py`, `trace_important_states`):
 * it adds the eight tokens of the frame to a place that counts them already.
 */
export const PUBLISHED_SHIFT = 8;

/** The notebook's `get_circuits`: mean |prob| at least two standard deviations above the mean. */
export function publishedCircuit(table: HeadTable): { readonly circuit: number[]; readonly threshold: number } {
  // `nan_to_num` makes 0 of what is no number.
  const rows = table.map((row) => row.map((score) => score ?? 0));
  const means = columnMeans(rows);
  const threshold = 2 * deviation(means) + mean(means);
  const circuit = bySize(means).filter((at) => means[at]! >= threshold);
  return { circuit, threshold };
}

/** As the notebook finds it, of the heads that it has scores of. */
export const asPublished: Rule = {
  about: "as the authors' notebook, its defects included: |prob| at the token before the answer",
  find({ heads, published = [] }: Evidence): Ruled | undefined {
    const here = heads.map((_, at) => at).filter((at) => published.some((row) => row[at] != null));
    if (here.length === 0) return undefined;
    const { circuit } = publishedCircuit(published.map((row) => here.map((at) => row[at] ?? null)));
    const order = circuit.map((at) => here[at]!);
    return { circuit: order, ranked: [...order, ...heads.map((_, at) => at).filter((at) => !order.includes(at))] };
  },
};
