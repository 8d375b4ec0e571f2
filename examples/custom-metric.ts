// A metric is a function of the logits, [batch, vocabulary] -> [batch]. Three that are there, and one of one's own.
import * as tf from "@tensorflow/tfjs-core";
import { divergence, type LogitMetric, loadBlip, logitDifference, patchMetrics, rank } from "vlm-notice";

using blip = await loadBlip("weights/scenes");
using pair = await blip.pair({
  image: "examples/star-red.png",
  corruptImage: "examples/star-blue.png",
  question: "is this star red or blue?",
  answers: ["red", "blue"],
});

/** How undecided the model is between all words, in bits. */
const entropy: LogitMetric = (logits) => {
  const logProb = tf.logSoftmax(logits);
  return tf.div(tf.sum(tf.mul(tf.exp(logProb), logProb), -1), -Math.LN2);
};

// All heads of layer 0, at every token.
const found = await patchMetrics(pair, [{ site: "text.cross.z", layer: 0 }], {
  entropy,
  logitDifference: logitDifference(pair.answers),
  rank: rank(pair.answers.correct), // 0: "red" is the likeliest word
  fromClean: divergence(pair.clean.logits), // KL in nats: 0 where the clean answer is back, word for word
});

// `base` is the pass that was patched (corrupted), `source` the one that the values came from (clean).
for (const [name, { base, patched, source }] of Object.entries(found))
  console.log(`${name}: ${base.toFixed(3)} -> ${patched.toFixed(3)} (clean: ${source.toFixed(3)})`);
