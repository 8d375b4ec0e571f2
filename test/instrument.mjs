import { compile } from "./compile.mjs";

// `npm run fuzz` and `npm run torture`: compiled apart from the tests, so that a run of hours is not changed beneath
// itself.

const [name] = process.argv.splice(2, 1);
const folder = `.compiled-${name}`;
await compile(folder);
await import(`../${folder}/test/${name}/main.js`);
