import { readdir, rm } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { checkOptions, NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import { checkpointFolder } from "../files/folder.js";
import { type HubOptions, resolveModel } from "../files/hub.js";
import { removeLeftovers } from "../files/leftovers.js";
import { modelDigest } from "../files/model-digest.js";
import { packageVersion } from "../files/package.js";
import { findFile, readText } from "../files/read.js";
import { DATABASE, refuseLinks, SCENES, SETTINGS } from "../files/run-files.js";
import { makeFolder, writeWhole } from "../files/write.js";
import type { Architecture } from "../model/architecture.js";
import { KNOWN, readConfig } from "../model/architectures.js";
import type { Backend } from "../platform/backend.js";
import { begunWith, otherModel, provenances, rebegin, usedArchitecture } from "./queries/provenance.js";
import { forgetPrepared, isUnprepared } from "./queries/samples.js";
import { countRows } from "./queries/shards.js";
import {
  type BegunSettings,
  checkSettings,
  completeSettings,
  differences,
  type GivenSettings,
  readSettings,
  reread,
  type Settings,
  settingsHash,
  settle,
} from "./settings.js";
import { Store } from "./store.js";

/** A study on disk: a folder with its settings, its database and what it writes. */
export class StudyRun implements Disposable {
  #modelHash: string | undefined;
  private modelPlace: string | undefined;

  #settings: Settings;

  private constructor(
    readonly folder: string,
    settings: BegunSettings,
    readonly store: Store,
  ) {
    this.#settings = settings as Settings;
  }

  /** Sites and position, where nobody gave them, are there as soon as the model is. */
  get settings(): Settings {
    return this.#settings;
  }

  /**
   * Opens a run, or begins one where the folder is missing or empty, or where of another with other settings nothing is
   * prepared yet.
   *
   * @throws NoticeError `options` where the folder holds something else or may not be made, the run was begun with
   * other settings, or another process works on it.
   */
  static open(folder: string, given: GivenSettings = {}): Promise<StudyRun> {
    return StudyRun.#open(folder, given, true);
  }

  static async #open(folder: string, given: GivenSettings, mayBegin: boolean): Promise<StudyRun> {
    checkOptions("StudyRun.open", given, "{ n: 60 }");
    await refuseLinks(folder);
    const file = join(folder, SETTINGS);
    const stored = (await findFile(file)) ? completeSettings(await readSettings(file)) : undefined;
    if (!stored) await refuseForeign(folder);
    else await refuseEmpty(join(folder, DATABASE));
    const fresh = completeSettings(given);
    await makeFolder(folder);
    const store = await Store.open(join(folder, DATABASE));
    try {
      await refuseEdited(store, file, stored);
      await removeLeftovers(folder);
      const goesOn =
        stored && !(mayBegin && differences(stored, given).length > 0 && (await isUnprepared(store, stored.dataset)));
      const run = new StudyRun(folder, goesOn ? reread(stored, given, folder) : fresh, store);
      if (stored && !goesOn) await run.forget();
      await run.keep();
      // What is wrong with the model, or is not downloaded yet, is for the first stage.
      await run.settle({ offline: true }).catch((error) => {
        if (!(error instanceof NoticeError)) throw error;
      });
      return run;
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Opens a run that is there.
   *
   * @throws NoticeError `options` where it is not, and as `open`.
   */
  static async reopen(folder: string, given: GivenSettings = {}): Promise<StudyRun> {
    checkOptions("StudyRun.reopen", given, '{ position: "last" }');
    checkSettings(given, "The settings");
    await refuseLinks(folder);
    if (!(await findFile(join(folder, SETTINGS))))
      throw new NoticeError(
        "options",
        `${folder} is no run: it has no ${SETTINGS}. \`notice study\` begins one; where it was one, put the file back.`,
      );
    return StudyRun.#open(folder, given, false);
  }

  /** Stores the settings, as far as they are not stored. */
  async keep(): Promise<void> {
    const file = join(this.folder, SETTINGS);
    const content = `${JSON.stringify(this.settings, null, 2)}\n`;
    if (!(await findFile(file)) || (await readText(file)) !== content) await writeWhole(file, content);
    if ((await begunWith(this.store)) === undefined)
      await this.store.insert("begun", [{ settings: JSON.stringify(this.settings) }]);
  }

  /** Fills in the settings that follow from the model, where nobody gave others. */
  async settle(options?: HubOptions): Promise<void> {
    const { sites, position }: BegunSettings = this.#settings;
    if (sites && position !== undefined) return;
    await this.modelFolder(options);
    const settled = settle(this.#settings, await this.architecture());
    this.#settings = settled;
    // In this order, so that after an interruption between both the file says no more than the database.
    await rebegin(this.store, JSON.stringify(settled));
    await this.keep();
  }

  /**
   * Takes the settings back where not all data sets are prepared, with what was made by them: a mistyped one is not
   * kept. What was left out, and why, stays until the next `prepare`.
   */
  async forget(): Promise<void> {
    const { folder, store, settings } = this;
    if (!(await isUnprepared(store, settings.dataset))) return;
    await forgetPrepared(store);
    await rm(join(folder, SCENES), { recursive: true, force: true });
    await rm(join(folder, SETTINGS), { force: true });
  }

  /**
   * Makes sure, before anything is computed, that the model is the one that the run was begun with.
   *
   * @throws NoticeError `checkpoint`
   */
  async checkModel(): Promise<void> {
    const hash = await this.modelHash();
    const other = await otherModel(this.store, hash);
    if (other)
      throw new NoticeError(
        "checkpoint",
        `${this.settings.model} has other weights (${hash}) than when the run ${this.folder} was begun (${other}). Begin another run.`,
      );
  }

  /**
   * Makes sure that there is something to patch.
   *
   * @throws NoticeError `options`
   */
  async checkSelected(): Promise<void> {
    if ((await countRows(this.store, "selected")) === 0)
      throw new NoticeError(
        "options",
        `The run ${this.folder} has no selected samples yet; \`notice select\` makes them.`,
      );
  }

  /** The row of `provenance` for what this package computes now on a backend. */
  async provenance(backend: Backend): Promise<number> {
    const { store, settings } = this;
    const version = packageVersion();
    const known = await provenances(store);
    const same = known.find((row) => row.backend === backend && row.package === version);
    if (same) return same.id;
    const { architecture, config } = await this.modelConfig();
    const { note } = config;
    const row = {
      architecture: architecture.name,
      package: version,
      model: settings.model,
      model_hash: await this.modelHash(),
      backend,
      note,
    };
    const id = known.length;
    await store.insert("provenance", [{ id, ...row, settings_hash: settingsHash(settings) }]);
    return id;
  }

  /** Where the checkpoint is on disk; downloaded first if need be. @throws NoticeError as `resolveModel` */
  async modelFolder(options: HubOptions = {}): Promise<string> {
    this.modelPlace ??= await resolveModel(this.settings.model, options);
    return this.modelPlace;
  }

  /** The checkpoint on disk. */
  async modelFiles(): Promise<CheckpointFiles> {
    return { ...checkpointFolder(await this.modelFolder()), name: this.settings.model };
  }

  /** @throws NoticeError `checkpoint` */
  async modelConfig(): Promise<ReturnType<typeof readConfig>> {
    const files = await this.modelFiles();
    // Loading the model has already reported what was repaired.
    return readConfig((await files.text("config.json")) ?? "", `${files.name}/config.json`, () => {});
  }

  /** The architecture that computed what is in the run folder; before anything is computed, the checkpoint's. */
  async architecture(): Promise<Architecture> {
    const used = await usedArchitecture(this.store);
    if (used === undefined) return (await this.modelConfig()).architecture;
    // Run folders of 0.1.0 have no name: then there was one architecture.
    return KNOWN.find(({ name }) => name === used) ?? KNOWN[0]!;
  }

  /** SHA-256 of the config and the weights: 16 hexadecimal digits. */
  async modelHash(): Promise<string> {
    this.#modelHash ??= await modelDigest(await this.modelFolder());
    return this.#modelHash;
  }

  /** A path as the database holds it: relative where it lies in the run's folder, so that the folder can be moved. */
  stored(path: string): string {
    const within = relative(this.folder, path);
    return within.startsWith("..") || isAbsolute(within) ? resolve(path) : within;
  }

  /** A path from the database. */
  path(stored: string): string {
    return resolve(this.folder, stored);
  }

  /** Closes its database. */
  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
  }
}

/** As `StudyRun.reopen`, all or none. The caller disposes of them. */
export async function reopenAll(folders: readonly string[]): Promise<StudyRun[]> {
  const runs: StudyRun[] = [];
  try {
    for (const folder of folders) runs.push(await StudyRun.reopen(folder));
    return runs;
  } catch (error) {
    for (const run of runs) run[Symbol.dispose]();
    throw error;
  }
}

/** Files that an interrupted start left behind. All other files in a folder belong to the user. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new NoticeError("options", `${folder} is no folder for a run: ${error.message}.`, { cause: error });
  });
  const foreign = names.find((name) => !name.startsWith(DATABASE) && !name.startsWith(`${SETTINGS}.`));
  if (foreign)
    throw new NoticeError(
      "options",
      `${folder} is no run and not empty: it holds ${JSON.stringify(foreign)} and no ${SETTINGS}. Give the name of a new folder.`,
    );
}

/** DuckDB takes an empty file for a new database. */
async function refuseEmpty(database: string): Promise<void> {
  const found = await findFile(database);
  if (found?.size === 0)
    throw new NoticeError("options", `${database} is damaged: it is empty. Take a copy of the run, or begin another.`);
}

/**
 * Checks that the settings in the database equal those in the file. Otherwise rows would be misread.
 *
 * @throws NoticeError `options`
 */
async function refuseEdited(store: Store, file: string, stored: BegunSettings | undefined): Promise<void> {
  const begun = await begunWith(store);
  const again = `Put it back as it was, or begin another run.`;
  if (!stored && (begun !== undefined || (await countRows(store, "samples")) > 0))
    throw new NoticeError("options", `${file} is missing, and ${store.file} belongs to a run with settings. ${again}`);
  if (begun === undefined || !stored) return;
  const meant = completeSettings(
    checkSettings(parseJson(begun, `What ${store.file} was begun with`, { code: "options" }), store.file),
  );
  const different = differences(meant, stored, `in ${DATABASE}`, `in ${SETTINGS}`);
  if (different.length > 0)
    throw new NoticeError("options", `${file} was edited after the run was begun: ${different.join("; ")}. ${again}`);
}
