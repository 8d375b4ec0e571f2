import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import type { ArchitectureName } from "../model/architectures.js";
import { atOnce } from "../model/steps.js";
import { siteGradients } from "./backward.js";
import { apply, type LogitMetric } from "./metrics.js";
import type { Run } from "./run.js";
import { parseSite, type Site } from "./sites.js";
import { checkRun } from "./sources.js";

/**
 * The gradient of a metric towards every value of a site, [layer, …] in the shape that `run.at` has without the batch,
 * from one backward pass. The caller disposes of it. Of an edited run it leads through the edits' functions.
 *
 * @param metric a function of the logits that can be differentiated: `logitDifference(answers)`, `probability(answer)`,
 * `divergence(logits)` or one's own.
 * @throws NoticeError `site`; `options` for no run, or a metric that has no gradient.
 * @example const slopes = gradients(run, probability(blip.answer("red")), "text.cross.z");
 */
export function gradients<A extends ArchitectureName>(run: Run<A>, metric: LogitMetric, site: Site<A>): tf.Tensor {
  checkRun("gradients", run);
  const { model, activations } = run;
  const parts = parseSite(model, site);
  if (typeof metric !== "function")
    throw new NoticeError(
      "options",
      "gradients takes a metric that is a function of the logits, such as logitDifference(pair.answers).",
    );
  const objective: LogitMetric = (logits) => apply(metric, "that is differentiated", logits);
  // A metric that fails says so before anything is differentiated.
  tf.tidy(() => {
    objective(activations.logits);
  });
  try {
    return tf.tidy(() => {
      const [layers] = atOnce(siteGradients(model, activations, objective, [{ site: parts }]));
      return tf.concat(layers!); // [layer, …], of one pass
    });
  } catch (cause) {
    // tfjs leaves what its tape holds where it throws.
    const tape = tf.engine().state.activeTape ?? [];
    tf.dispose(tape.flatMap(({ saved }) => saved ?? []));
    if (cause instanceof NoticeError) throw cause;
    const why = (cause as Error).message;
    throw new NoticeError("options", `The metric cannot be differentiated: ${why}`, { cause });
  }
}
