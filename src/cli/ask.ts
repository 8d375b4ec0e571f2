import type { Command } from "commander";
import { pieceText } from "../words/piece-text.js";
import { columns, loadModel, type ModelOptions, modelCommand, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs, type Outputs, printResult } from "./outputs.js";

interface AskOptions extends ModelOptions, Outputs {
  readonly image: string;
  readonly question?: string;
  readonly top: number;
}

/** `notice ask MODEL`: one answer, and the tokens that were likeliest at its first position. */
export function askCommand(): Command {
  const command = modelCommand("ask", "ask a model a question about a picture")
    .requiredOption("--image <file>", "PNG, JPEG, WebP, GIF or BMP")
    .option("--question <text>", "the question; for matching the sentence, for captions the prompt, if any")
    .option("--top <count>", "how many of the likeliest tokens to list", wholeNumber, 5);
  return withJson(withBackend(command)).action(async (model: string, options: AskOptions) => {
    await checkOutputs({ json: options.json });
    using blip = await loadModel(model, options);
    const { image, question, top } = options;
    const result = await blip.ask({ image, question }, { top });
    const rows = result.top.map(({ token, id, logit, prob }) => [
      pieceText(token),
      id,
      logit.toFixed(3),
      prob.toFixed(4),
    ]);
    const alike = result.similarity === undefined ? "" : `\nsimilarity ${result.similarity.toFixed(4)}`;
    const table = () => `${result.answer}${alike}\n\n${columns(rows, ["token", "id", "logit", "prob"])}`;
    await printResult(result, table, options);
  });
}
