import { Command } from "commander";
import { SHIPPED_MODEL } from "../files/package.js";
import { loadModel, type ModelOptions, withBackend } from "./options.js";

/** `notice repl [MODEL]`: a prompt with the library, a model and sample pairs. */
export function replCommand(): Command {
  const command = new Command("repl")
    .description("explore at a prompt: JavaScript with the library, a model and sample pairs loaded")
    .argument("[model]", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base", SHIPPED_MODEL)
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
