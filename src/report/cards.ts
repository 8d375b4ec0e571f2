import { namesOf } from "../base/options.js";
import { headFunctions } from "../patching/attention-functions.js";
import { headName } from "../patching/head-place.js";
import type { HeadFunctionFacts } from "../study/head-functions.js";
import { CLEAR } from "./clearest.js";
import { aloneIn, aloneWords } from "./finding.js";
import type { ReportData, SharedHead } from "./report-data.js";
import { listed, share, shareWithin } from "./words.js";

/** What the card of a head says. */
export interface HeadCard {
  readonly title: string;
  readonly role: string;
  readonly facts: readonly (readonly [what: string, value: string])[];
  readonly pictures: SharedHead["pictures"];
  /** Why there is no clearest picture. */
  readonly unclear: string | undefined;
}

/** Cards on the first screen. */
const MOST = 6;

/** The heads that are in most circuits, as cards. */
export function headCards(data: ReportData): HeadCard[] {
  return data.shared.slice(0, MOST).map((head) => {
    const looks = data.headFunctions.filter((one) => one.layer === head.layer && one.head === head.head);
    const own = head.site === data.looking ? looks : [];
    return {
      title: `${headName(head)}, ${head.site}`,
      role: head.site === data.looking ? roleSentence(own) : `${head.site} does not look from the text at the picture.`,
      facts: [
        ["in circuits", `${head.circuits.length} of ${head.of}`],
        ...alone(data, head),
        ...keepsAlone(data, head),
        ...own.flatMap(aurocFact),
      ],
      pictures: head.pictures,
      unclear: unclearIn(head),
    };
  });
}

/** That no picture shows what the head does, where none does. */
function unclearIn({ looked, pictures }: SharedHead): string | undefined {
  if (looked === 0 || pictures.some(({ what }) => what === "clearest")) return undefined;
  const where =
    looked === 1
      ? "On the one picture that was looked at it does not"
      : `On none of the ${looked} pictures that were looked at does it`;
  return `${where} bring back ${share(CLEAR)} of the answer: no picture shows it clearly.`;
}

/** By itself, where the first corruption is patched. */
function alone(data: ReportData, head: SharedHead): [string, string][] {
  const found = aloneIn(data, head);
  const own = found.filter(({ modality }) => modality === found[0]?.modality);
  return own.map((one) => [`put back alone, ${one.dataset}`, aloneWords(one)]);
}

/** Where the same corruption is tested, in the data sets whose circuit has it by half of the pairs. */
function keepsAlone(data: ReportData, { site, layer, head }: SharedHead): [string, string][] {
  const found = (data.alone ?? []).filter((one) => one.site === site && one.layer === layer && one.head === head);
  return found
    .filter(({ modality }) => modality === found[0]!.modality)
    .map(({ dataset, kept, low, high, none }) => [
      `keeps alone, ${dataset}`,
      `${shareWithin(kept, [low, high])}; no\u00A0head\u00A0${share(none)}`,
    ]);
}

const ROLES = {
  segmentation: "Looks at the object",
  "object inhibition": "Looks at everything but the object",
  "outlier inhibition": "Looks away from outlier patches",
} as const;

function roleSentence(looks: readonly HeadFunctionFacts[]): string {
  if (looks.length === 0) return "Where it looks was not measured.";
  const has = looks.map((one) => ({ dataset: one.dataset, names: headFunctions(one) }));
  const told = namesOf(ROLES).flatMap((name) => {
    const where = has.filter(({ names }) => names.includes(name)).map(({ dataset }) => dataset);
    return where.length === 0 ? [] : [`${ROLES[name]} (${listed(where)})`];
  });
  const blind = looks.filter(({ objectSamples }) => objectSamples === 0).map(({ dataset }) => dataset);
  const said = told.map((one, at) => (at === 0 ? one : one[0]!.toLowerCase() + one.slice(1))).join("; ");
  const unknown = blind.length === 0 ? "" : ` No mask says where the object is on ${listed(blind)}.`;
  return `${told.length === 0 ? "Has none of the functions that are told apart by where heads look" : said}.${unknown}`;
}

function aurocFact({ dataset, auroc, aurocWithin, noise }: HeadFunctionFacts): [string, string][] {
  if (auroc === null) return [];
  const range = ([low, high]: readonly [number, number]) => `${low.toFixed(2)}, ${high.toFixed(2)}`;
  const sure = aurocWithin ? ` [${range(aurocWithin)}]` : "";
  return [[`AUROC of the object, ${dataset}`, `${auroc.toFixed(2)}${sure}${noise ? `; noise [${range(noise)}]` : ""}`]];
}
