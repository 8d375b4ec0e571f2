import type { Kind } from "./kind.js";
import { checkpoints } from "./kinds/checkpoints.js";
import { commands } from "./kinds/commands.js";
import { http } from "./kinds/http.js";
import { jobs } from "./kinds/jobs.js";
import { options } from "./kinds/options.js";
import { pictures } from "./kinds/pictures.js";
import { runs } from "./kinds/runs.js";
import { settings } from "./kinds/settings.js";
import { tables } from "./kinds/tables.js";

/** What is mutated, each kind in a file of its own. */
export const KINDS: readonly Kind[] = [pictures, checkpoints, tables, settings, options, jobs, runs, http, commands];
