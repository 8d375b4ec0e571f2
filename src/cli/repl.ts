import { Command } from "commander";
import { loadModel, type ModelOptions, withBackend } from "./options.js";

const EMBEDDED = "weights/scenes";

/** `notice repl [MODEL]`: a prompt with the library, a model and sample pairs. */
export function replCommand(): Command {
  const command = new Command("repl")
    .description("explore at a prompt: JavaScript with the library, a model and sample pairs loaded")
    .argument("[model]", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base", EMBEDDED)
    .addHelpText(
      "after",
      "\nLines may also be piped in: echo 'await blip.ask(pairs[0])' | notice repl\n" +
        "NOTICE_REPL_HISTORY names the file of the history; empty for none. NO_COLOR is heeded.",
    );
  return withBackend(command).action(async (model: string, options: ModelOptions) => {
    const { runSession } = await import("../repl/session.js");
    await runSession(await loadModel(model, options), await import("../index.js"));
  });
}
