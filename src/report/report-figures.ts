import type { DataTableProps } from "../page/data-table.js";
import type { HeadMap } from "../page/map.js";
import { number, percent } from "../page/number.js";
import { circuitHeads, type HeadStatistics } from "../patching/circuits.js";
import { headName } from "../patching/head-place.js";
import type { Modality } from "../study/settings.js";
import type { VegaLiteSpec } from "./figure.js";
import type { SiteCircuit, TokenMap } from "./report-data.js";
import { LEGENDS } from "./score-map.js";

/** What a figure says to those who do not see it, and its numbers. */
interface Told {
  /** The main finding, in numbers. */
  readonly alt: string;
  readonly numbers: DataTableProps;
}

/** A drawing of points and lines. */
export interface Chart extends Told {
  readonly spec: VegaLiteSpec;
}

export interface MapFigure extends Told {
  readonly map: HeadMap;
}

/** What each corruption is called. */
export const MODALITY_NAMES: Record<Modality, string> = {
  image: "SIP (image)",
  text: "STR (text)",
  gaussian: "Gaussian noise",
};

/** The heads with their signed means: "L2H1 (0.512), L1H0 (−0.203)". */
export function listHeads(heads: readonly HeadStatistics[]): string {
  return heads.map((one) => `${headName(one)} (${number(one.signedMean)})`).join(", ") || "none";
}

/** The largest |value| of maps that are to have the same colours. */
export function sharedExtent(tables: readonly (readonly (readonly (number | null)[])[])[]): number {
  return Math.max(0, ...tables.flat(2).map((value) => Math.abs(value ?? 0)));
}

/** [layer][head]: signed means. */
export function circuitMeans({ circuit, layers, heads }: SiteCircuit): (number | null)[][] {
  const means = Array.from({ length: layers }, () => new Array<number | null>(heads).fill(null));
  for (const { layer, head, signedMean } of circuit.heads) means[layer]![head] = signedMean;
  return means;
}

function counted({ samples, degenerate }: { readonly samples: number; readonly degenerate: number }): string {
  return `${samples} samples${degenerate > 0 ? `, ${degenerate} more without a score` : ""}`;
}

/** Of a screened run, how many heads there is a score of. */
function patchedHeads({ circuit, layers, heads }: SiteCircuit): string {
  const all = layers * heads;
  return circuit.heads.length < all ? `, ${circuit.heads.length} of ${all} heads patched` : "";
}

/** Layer x head, the circuit framed; undefined where no sample counts. */
export function circuitFigure(of: SiteCircuit, extent: number): MapFigure | undefined {
  const { dataset, modality, site, metric, circuit } = of;
  if (circuit.heads.length === 0) return undefined;
  const found = circuitHeads(of.circuit);
  const values = circuitMeans(of);
  const title = `${dataset}, ${MODALITY_NAMES[modality]}, ${site}`;
  const largest = circuit.heads.reduce((best, one) =>
    Math.abs(one.signedMean) > Math.abs(best.signedMean) ? one : best,
  );
  return {
    map: {
      values,
      title,
      subtitle: counted(circuit) + patchedHeads(of),
      legend: `mean ${LEGENDS[metric]}`,
      rows: { title: "layer" },
      columns: { title: "head" },
      extent,
      marks: {
        cells: found.map(({ layer, head }) => [layer, head] as const),
        meaning: `in the circuit: mean |${metric}| ≥ ${number(circuit.threshold)}`,
      },
      notes: headNotes(of),
      compact: true,
    },
    alt:
      `Map of ${of.layers} layers by ${of.heads} heads. ${title}, ${circuit.samples} samples${patchedHeads(of)}. The largest mean ${metric} is ` +
      `${number(largest.signedMean)}, at ${headName(largest)}. In the circuit: ${listHeads(found)}.`,
    numbers: headTable(of),
  };
}

/** For tooltips, [layer][head]. */
function headNotes({ metric, layers, heads, circuit }: SiteCircuit): string[][] {
  const notes = Array.from({ length: layers }, () => new Array<string>(heads).fill(""));
  for (const { layer, head, mean, low, high, inCircuit } of circuit.heads)
    notes[layer]![head] =
      `mean |${metric}| ${number(mean)} [${number(low)}, ${number(high)}], ${inCircuit ? "" : "not "}in the circuit`;
  return notes;
}

function headTable({ dataset, modality, site, metric, circuit }: SiteCircuit): DataTableProps {
  return {
    caption:
      `${dataset}, ${MODALITY_NAMES[modality]}, ${site}: every head, by mean |${metric}| over ${circuit.samples} samples. ` +
      "Interval: bootstrap, 95%. p: sign flips, against the sample's average head. FDR: Benjamini and Hochberg.",
    columns: ["head", `mean |${metric}|`, "95% interval", `mean ${metric}`, "std", "p", "FDR", "circuit"],
    rows: [...circuit.heads]
      .sort((a, b) => b.mean - a.mean)
      .map((one) => [
        headName(one),
        number(one.mean),
        `${number(one.low)} to ${number(one.high)}`,
        number(one.signedMean),
        number(one.std),
        number(one.pValue),
        one.inControlled ? "yes" : "no",
        one.inCircuit ? "yes" : "no",
      ]),
  };
}

/** Layer x part of the question; undefined where there is nothing in it. */
export function tokenFigure(of: TokenMap, extent: number): MapFigure | undefined {
  const { dataset, modality, site, metric, samples, roles, means } = of;
  const cells = means.flatMap((line, layer) => line.map((value, role) => ({ value, layer, role: roles[role]! })));
  const known = cells.filter((cell): cell is typeof cell & { value: number } => cell.value !== null);
  if (known.length === 0) return undefined;
  const largest = known.reduce((best, cell) => (Math.abs(cell.value) > Math.abs(best.value) ? cell : best));
  const title = `${dataset}, ${MODALITY_NAMES[modality]}, ${site}`;
  return {
    map: {
      values: means,
      title,
      subtitle: counted(of),
      legend: `mean ${LEGENDS[metric]}`,
      rows: { title: "layer" },
      columns: { title: "token", labels: roles },
      extent,
      compact: true,
    },
    alt:
      `Map of ${means.length} layers by ${roles.length} tokens. ${title}, ${samples} samples. The largest mean ${metric} is ` +
      `${number(largest.value)}, at layer ${largest.layer}, token ${largest.role}.`,
    numbers: {
      caption: `${title}: mean ${metric} by layer and token, ${samples} samples.`,
      columns: ["layer", ...roles],
      rows: means.map((line, layer) => [`${layer}`, ...line.map((value) => number(value, "in no question"))]),
    },
  };
}

/** Circuit x layer of one site: which layers the scores come from. Undefined where there is no circuit. */
export function shareFigure(circuits: readonly SiteCircuit[]): MapFigure | undefined {
  const [first] = circuits;
  const counted = circuits.filter(({ circuit }) => circuit.heads.length > 0);
  if (!first || counted.length === 0) return undefined;
  const names = circuits.map(({ dataset, modality }) => `${dataset}, ${MODALITY_NAMES[modality]}`);
  const shares = circuits.map(({ circuit, layers }) =>
    circuit.heads.length > 0 ? circuit.layerShare : new Array<null>(layers).fill(null),
  );
  const strongest = counted.map(({ dataset, modality, circuit: { layerShare } }) => {
    const share = Math.max(...layerShare);
    return `${dataset}, ${MODALITY_NAMES[modality]}: layer ${layerShare.indexOf(share)} (${percent(share, 1)})`;
  });
  return {
    map: {
      values: shares,
      title: `${first.site}: share of each layer`,
      subtitle: "in the sum of mean |score| over all heads",
      legend: "share",
      sequential: true,
      rows: { title: "circuit", labels: names },
      columns: { title: "layer" },
    },
    alt: `Map of ${circuits.length} circuits by ${first.layers} layers, ${first.site}. The largest share: ${strongest.join("; ")}.`,
    numbers: {
      caption: `${first.site}: share of each layer in the sum of mean |score| over all heads.`,
      columns: ["circuit", ...Array.from({ length: first.layers }, (_, layer) => `layer ${layer}`)],
      rows: shares.map((line, i) => [
        names[i]!,
        ...line.map((share) => (share === null ? "no circuit" : percent(share, 1))),
      ]),
    },
  };
}
