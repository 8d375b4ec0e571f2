import type { VNode } from "preact";
import { HeadMap } from "../src/page/head-map.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import { cautionOf } from "./caution.js";
import { extentOf, mapOf } from "./effects.js";
import { FORM_WORDS } from "./forms.js";
import { Look } from "./look-panel.js";
import { Says } from "./pair-panel.js";
import { megabytes } from "./pictures.js";
import { QuestionForm, type QuestionFormProps } from "./question-form.js";
import type { Side } from "./view.js";

export interface SideCardProps {
  /** Its place in tables, from 1. */
  readonly number: number;
  readonly name: string;
  readonly side: Side;
  /** The model beside it, for one scale of colours. */
  readonly other: Side;
  readonly onSelect: (head: HeadPlace) => void;
  /** Where it is asked in other words than the page's own model. */
  readonly onAsk?: QuestionFormProps["onAsk"] | undefined;
}

/** One of two models on the pair that is shown: what it says, its heads, and where the chosen one looks. */
export function SideCard({ number, name, side, other, onSelect, onAsk }: SideCardProps): VNode {
  const { facts, given, found, selected } = side;
  const token = found?.token;
  const map = token === undefined ? undefined : mapOf(side, token);
  const extent = Math.max(extentOf(side.effects), extentOf(other.effects));
  const caution = cautionOf(side);
  return (
    <article class="card" aria-label={`Model ${number}, ${name}`}>
      <h3>
        {number}. {name}
      </h3>
      {facts && (
        <p class="faint">
          A {facts.architecture} {FORM_WORDS[facts.form].does}: {facts.layers} layers of {facts.heads} heads at{" "}
          {facts.site}. It has a worker of its own, on {facts.backend}, and takes {megabytes(facts.bytes)} of memory
          there.
        </p>
      )}
      {onAsk ? (
        <>
          <p class="note">Your words are not of the form that {name} takes. Write here what it is to be given.</p>
          <QuestionForm key={`${given.question} ${given.answers}`} side={side} onAsk={onAsk} />
        </>
      ) : (
        <p>
          {FORM_WORDS[facts?.form ?? "question"].text}: “{given.question}”
        </p>
      )}
      {found ? <Says side={side} /> : <p>Waiting for the model …</p>}
      {caution && <p class="note">{caution}</p>}
      {found && token === undefined && (
        <p class="note">The right answer’s word is not in the text: there is no token to patch at. Put it in.</p>
      )}
      {map && side.effects.length > 0 && (
        <HeadMap
          map={{ ...map, title: `${name}: ${map.title[0]!.toLowerCase()}${map.title.slice(1)}`, extent }}
          selected={selected && [selected.layer, selected.head]}
          onSelect={(layer, head) => onSelect({ layer, head })}
        />
      )}
      {side.looked && <Look side={side} />}
    </article>
  );
}
