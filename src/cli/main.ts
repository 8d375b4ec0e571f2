#!/usr/bin/env node
import { run } from "./program.js";
import { outliveReaders } from "./streams.js";

outliveReaders();
process.exitCode = await run(process.argv.slice(2));
