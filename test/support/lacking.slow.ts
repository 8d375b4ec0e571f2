// A slow test on a machine that lacks what it needs, for needed.test.ts.
import { lacking } from "./needed.js";

lacking("kernel", "there is no kernel");
