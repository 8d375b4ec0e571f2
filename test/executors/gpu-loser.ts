// Loaded into a worker before its own code (NODE_OPTIONS=--import): the first one loses its GPU at its second task.
import { existsSync, writeFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";

let tasks = 0;
const lost = process.env.LOST_ONCE!;
if (process.send)
  process.on("message", () => {
    if (++tasks < 2 || existsSync(lost)) return;
    writeFileSync(lost, "");
    (tf.backend() as unknown as { device: { destroy(): void } }).device.destroy();
  });
