import { compile } from "./compile.mjs";

// `npm test`: compiles everything once, without a look at types, and runs that. Tests start dozens of processes,
// commands and workers, and a loader would take half a second in each.

const TO = ".compiled";

await compile(TO);
await import(`../${TO}/test/run.js`);
