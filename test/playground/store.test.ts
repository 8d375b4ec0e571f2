import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Client } from "../../playground/client.js";
import { keptExample } from "../../playground/example.js";
import { Store } from "../../playground/store.js";
import type { ModelFacts } from "../../playground/view.js";

/** A worker that notes what it is asked, and answers only what the test says. */
function fakeClient(answers: Readonly<Record<string, unknown>>) {
  const asked: [name: string, args: readonly unknown[]][] = [];
  const client = {
    ask(name: string, args: readonly unknown[]) {
      asked.push([name, args]);
      return name in answers ? Promise.resolve(answers[name]) : new Promise(() => {});
    },
    close() {},
  };
  return { asked, client: client as unknown as Client };
}

const facts = { layers: 3, heads: 6, site: "text.cross.z", embedded: true, form: "question" } as unknown as ModelFacts;
const turns = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

test("a path is followed from the token that is shown, also before the model has answered", async () => {
  const { asked, client } = fakeClient({ open: facts });
  const example = await keptExample();
  const store = new Store({ hash: "#head=L0H0", example, onChange() {}, newClient: () => client, gpu: "wasm" });
  void store.connect("model", Promise.resolve([]));
  await turns();
  assert.equal(
    asked.map(([name]) => name),
    ["open", "pair"],
  );
  void store.paths();
  await turns();
  assert.equal(asked.at(-1), ["paths", [{ layer: 0, head: 0, token: example.found.token }]]);
  assert.is(store.view.busy, "paths");
});

test("an answer to a pair that is no longer shown is dropped", async () => {
  const { client } = fakeClient({ open: facts });
  const example = await keptExample();
  const waiting: ((found: unknown) => void)[] = [];
  const slow = {
    ...client,
    ask: (name: string) => (name === "open" ? Promise.resolve(facts) : new Promise((resolve) => waiting.push(resolve))),
  };
  const store = new Store({
    hash: "",
    example,
    onChange() {},
    newClient: () => slow as unknown as Client,
    gpu: "wasm",
  });
  void store.connect("model", Promise.resolve([]));
  await turns();
  store.scene("faces", 7);
  await turns();
  assert.is(waiting.length, 2);
  waiting[0]!({ ...example.found, says: { clean: "late", corrupted: "late" } });
  await turns();
  assert.is(store.view.found, undefined);
  waiting[1]!(example.found);
  await turns();
  assert.equal(store.view.found, example.found);
});

test.run();
