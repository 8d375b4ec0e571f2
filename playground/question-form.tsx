import type { VNode } from "preact";
import { FORM_WORDS } from "./forms.js";
import type { Side } from "./view.js";

export interface QuestionFormProps {
  readonly side: Pick<Side, "given" | "facts">;
  readonly onAsk: (question: string, answers: [string, string]) => void;
}

/** What a model is asked, in its own form, and the two answers. */
export function QuestionForm({ side: { given, facts }, onAsk }: QuestionFormProps): VNode {
  const { question, answers } = given;
  const { form = "question", classes } = facts ?? {};
  const words = FORM_WORDS[form];
  const ask = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(given.get(name)).trim();
    onAsk(text("question"), [text("right"), text("wrong")]);
  };
  return (
    <form class="question" onSubmit={ask}>
      <label>
        {words.text} <input name="question" defaultValue={question} maxLength={200} required />
      </label>
      <AnswerInput name="right" label={words.right} answer={answers[0]} classes={classes} />
      <AnswerInput name="wrong" label={words.wrong} answer={answers[1]} classes={classes} />
      <button type="submit">Ask</button>
    </form>
  );
}

interface AnswerInputProps {
  readonly name: string;
  readonly label: string;
  readonly answer: string;
  /** All that there are to choose from, of a model that has classes. */
  readonly classes: readonly string[] | undefined;
}

function AnswerInput({ name, label, answer, classes }: AnswerInputProps): VNode {
  if (!classes)
    return (
      <label>
        {label} <input name={name} defaultValue={answer} maxLength={40} required />
      </label>
    );
  return (
    <label>
      {label}{" "}
      <select name={name} defaultValue={answer}>
        {classes.map((one) => (
          <option value={one}>{one}</option>
        ))}
      </select>
    </label>
  );
}
