import type { Store } from "../store.js";

// What computed a run's rows.

/** The weights that a run was begun with, where they are others than these. */
export const otherModel = async (store: Store, hash: string): Promise<string | undefined> => {
  const rows = await store.rows<{ model_hash: string }>(
    "SELECT model_hash FROM provenance WHERE model_hash <> $1 LIMIT 1",
    [hash],
  );
  return rows[0]?.model_hash;
};

/** Everything that computed rows. */
export const provenances = (store: Store): Promise<{ id: number; backend: string; package: string }[]> =>
  store.rows("SELECT id, backend, package FROM provenance");

/**
 * The architecture that computed rows: null in runs from before there were several; undefined where nothing is
 * computed.
 */
export const usedArchitecture = async (store: Store): Promise<string | null | undefined> =>
  (await store.rows<{ architecture: string | null }>("SELECT architecture FROM provenance LIMIT 1"))[0]?.architecture;

/** What computed the patches. */
export const patchedBy = (store: Store): Promise<Record<"package" | "model_hash" | "backend", string>[]> =>
  store.rows(
    `SELECT DISTINCT package, model_hash, backend FROM provenance JOIN patched ON provenance.id = patched.provenance
     ORDER BY ALL`,
  );

/** What checkpoints say of themselves. */
export const checkpointNotes = async (store: Store): Promise<string[]> =>
  (await store.rows<{ note: string }>("SELECT DISTINCT note FROM provenance WHERE note IS NOT NULL")).map(
    ({ note }) => note,
  );

/** The settings that a run was begun with, as JSON. */
export const begunWith = async (store: Store): Promise<string | undefined> =>
  (await store.rows<{ settings: string }>("SELECT settings FROM begun LIMIT 1"))[0]?.settings;

/** Replaces them. */
export const rebegin = (store: Store, settings: string): Promise<void> =>
  store.run("UPDATE begun SET settings = $1", [settings]);
