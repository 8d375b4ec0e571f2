import { NoticeError } from "../base/errors.js";
import type { Form } from "../data/sample.js";
import type { Architecture } from "../model/architecture.js";
import { KNOWN } from "../model/architectures.js";

/** A model that has classes matches sentences; one that may do without a text writes captions. */
export const formOf = ({ readout, intake }: Architecture): Form =>
  readout.classes ? "match" : intake.optional ? "caption" : "question";

const WHAT: Readonly<Record<Form, string>> = {
  question: "answer a question",
  match: "match a picture and a sentence",
  caption: "go on with a caption",
};

/**
 * How samples are put to a model.
 *
 * @param given what was asked for, if anything.
 * @throws NoticeError `options` where the model cannot do that, with those that can.
 */
export function checkForm(architecture: Architecture, model: string, given: Form | undefined): Form {
  const own = formOf(architecture);
  if (given === undefined || given === own) return own;
  const able = KNOWN.filter((one) => formOf(one) === given).map(({ name }) => name);
  throw new NoticeError(
    "options",
    `${model} is a ${architecture.name}, which cannot ${WHAT[given]}; ${able.join(", ")} can. Leave --as ${given} out: ` +
      `this model can ${WHAT[own]}.`,
  );
}
