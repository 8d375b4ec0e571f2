import type { Circuit, Universality } from "../patching/circuits.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { Metric } from "../patching/metrics.js";
import type { Site } from "../patching/sites.js";
import type { Picture } from "../pictures/picture.js";
import type { AttributionAgreement } from "../study/agreement.js";
import type { KeptAlone } from "../study/alone.js";
import type { Comparison } from "../study/compared.js";
import type { HeadFunctionFacts } from "../study/head-functions.js";
import type { ExcludedCount, GroupCounts } from "../study/queries/samples.js";
import type { Headline, RuledCircuit } from "../study/ruled.js";
import type { Modality } from "../study/settings.js";
import type { Verified } from "../study/verified.js";
import type { SharedPlace } from "./shared-heads.js";

/** Everything that the report of a study says: plain data, of which no string is trusted. */
export interface ReportData {
  readonly title: string;
  readonly run: RunFacts;
  readonly datasets: readonly DatasetFacts[];
  /** Where circuits are read: `answer`, `answer-1`, an index, a token. */
  readonly position: string;
  /** One for each data set, modality and site with heads that was patched. */
  readonly circuits: readonly SiteCircuit[];
  /** One for each data set and modality of which whole rows were patched. */
  readonly tokenMaps: readonly TokenMap[];
  /** What the circuits of each site have in common. */
  readonly universality: readonly SiteUniversality[];
  /** What circuits keep of the answer on other samples; one for each data set and modality that was tested. */
  readonly verified: readonly Verified[];
  /** Circuits by every rule, on other samples, and the smallest that keep enough. */
  readonly rules?: readonly RuledCircuit[];
  readonly headlines?: readonly Headline[];
  /** What single heads of the tested circuits keep, on pairs that did not find them. */
  readonly alone?: readonly KeptAlone[];
  /** What gradients expected beside what patching did; one for each data set and modality that has both. */
  readonly attribution: readonly AttributionAgreement[];
  readonly headFunctions: readonly HeadFunctionFacts[];
  /** With other runs, where some were given. */
  readonly comparison?: Comparison;
  readonly overlays: readonly OverlaySample[];
  /** The heads that are in most circuits, with pictures. */
  readonly shared: readonly SharedHead[];
  /** The site whose heads look at the picture, where the architecture has one. */
  readonly looking?: Site | undefined;
  /** What a reader should know: warnings of the stages, choices that were made. */
  readonly notes: readonly string[];
}

/** What was run. */
export interface RunFacts {
  /** Of this package. */
  readonly version: string;
  readonly model: string;
  /** Of the weights. */
  readonly modelHash: string;
  readonly backend: string;
  readonly seed: number;
  /** Whatever else was chosen, by name. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

/** How a data set came down to the samples that were patched. */
export interface DatasetFacts {
  readonly name: string;
  /** What the data set's files hold, before anything is left out. */
  readonly candidates: number;
  readonly exclusions: readonly ExclusionCount[];
  readonly groups: readonly GroupFacts[];
}

/** Candidates or samples left out for one reason. */
export type ExclusionCount = Omit<ExcludedCount, "dataset">;

/** A group that selection balances. */
type GroupFacts = Omit<GroupCounts, "dataset" | "samples">;

/** The circuit of a data set under one corruption, at one site. */
export interface SiteCircuit {
  readonly dataset: string;
  readonly modality: Modality;
  readonly site: Site;
  readonly metric: Metric;
  /** How many the model has: a circuit over no samples has no heads. */
  readonly layers: number;
  readonly heads: number;
  readonly circuit: Circuit;
  /** Patched samples whose question has no such position. */
  readonly unplaced: number;
}

/** Mean scores of whole rows, by layer and the part that a token plays in the question. */
export interface TokenMap {
  readonly dataset: string;
  readonly modality: Modality;
  readonly site: Site;
  readonly metric: Metric;
  readonly samples: number;
  /** Samples left out, because they have no effect. */
  readonly degenerate: number;
  /** `[CLS]`, `correct answer`, `or`, …: columns. */
  readonly roles: readonly string[];
  /** [layer][role]; null where no sample has the role. */
  readonly means: readonly (readonly (number | null)[])[];
}

export interface SiteUniversality {
  readonly site: Site;
  /** Of the circuits that have samples: one without is shared by no head, and then none is universal. */
  readonly universality: Universality;
}

/** What some heads attend to on one picture. */
export interface OverlaySample {
  readonly dataset: string;
  readonly id: string;
  readonly question: string;
  /** Correct and incorrect. */
  readonly answers: readonly [string, string];
  readonly picture: Picture;
  readonly heads: readonly HeadOnPicture[];
}

/** Where a head looks on a picture, and what it does there. */
export interface HeadOnPicture extends HeadPlace {
  /** As `attentionOverlay` gives it, [row][column]. */
  readonly overlay: readonly (readonly number[])[];
  /** At the run's position; null where the pair has none, undefined where the head was not patched. */
  readonly effect?: number | null | undefined;
  /** Where the middle 95% of all other heads of the site lie on this pair; null where there are not two. */
  readonly others: readonly [low: number, high: number] | null;
}

/** A head that circuits share. */
export interface SharedHead extends SharedPlace {
  /** Of a head that looks at the picture: where its role shows most and where least. */
  readonly pictures: readonly HeadPicture[];
  /** Among how many pictures these were chosen. */
  readonly looked: number;
}

/** A picture on which a head does what it does, or does not. */
export interface HeadPicture {
  readonly what: "clearest" | "counter-example";
  readonly sample: OverlaySample;
  readonly auroc: number | null;
}
