import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { svoProbes } from "../../src/data/svo-probes.js";
import { type Answer, ImageServer, send } from "../files/image-server.js";
import { noticeHere } from "../support/command.js";
import { CONTEXT, collect, folderOf, reasons } from "../support/prepare.js";
import { MAIN } from "../support/root.js";
import { CLEAN_IMAGE } from "../support/samples.js";

const PNG = readFileSync(CLEAN_IMAGE);
const HEADER = "sentence,pos_triplet,neg_triplet,pos_url,neg_url,pos_image_id,neg_image_id,subj_neg,verb_neg,obj_neg";

/** An SVO-Probes folder whose pictures `ids`, two a row, are at the server. */
function dataFolder(origin: string, ids: readonly (readonly [number, number])[]): string {
  const rows = ids.map(
    ([one, other]) =>
      `s,"girl,holding,dog","girl,walking,dog",${origin}/${one},${origin}/${other},${one},${other},False,True,False`,
  );
  return folderOf({ "svo_probes.csv": `${[HEADER, ...rows].join("\n")}\n` });
}

test("fetch brings what is there, counts what is not, and preparing goes on from that", async () => {
  await using server = await ImageServer.start({
    "/1": send(PNG),
    "/2": send(PNG),
    "/3": send("<!DOCTYPE html><p>gone"),
  });
  const folder = dataFolder(server.origin, [
    [1, 2],
    [1, 3],
    [2, 4],
  ]);
  const args = ["fetch", "svo-probes", "--data", folder];
  const { code, stdout, stderr } = await noticeHere(...args);
  assert.is(stderr, "");
  assert.is(code, 0);
  assert.is(
    stdout,
    `${join(folder, "images")} has 2 of 4 pictures\n` +
      `missing: 1 web page, 1 HTTP 404; each in ${join(folder, "manifest.json")}\n`,
  );
  assert.equal(readdirSync(join(folder, "images")).sort(), ["1.png", "2.png"]);
  assert.is(server.count("/1"), 1); // named in two rows

  const { samples, excluded } = await collect(svoProbes(folder, CONTEXT));
  assert.equal(
    samples.map(({ id }) => id),
    ["1.2.verb", "2.1.verb"],
  );
  assert.equal(reasons(excluded), { "missing image": 2 });

  const requests = server.requests.length;
  await noticeHere(...args);
  assert.is(server.requests.length, requests);
  await noticeHere(...args, "--retry", "--concurrency", "2");
  assert.equal(server.requests.slice(requests).sort(), ["/3", "/4"]);
});

test("Ctrl-C ends it by that signal with a manifest of what is missing", async () => {
  let silent!: () => void;
  const reached = new Promise<void>((resolve) => {
    silent = resolve;
  });
  const second: Answer = () => silent();
  await using server = await ImageServer.start({ "/1": send(PNG), "/2": second });
  const folder = dataFolder(server.origin, [[1, 2]]);
  const args = [MAIN, "fetch", "svo-probes", "--data", folder, "--concurrency", "1"];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  await reached;
  child.kill("SIGINT");
  const [code, signal] = await once(child, "exit");
  assert.equal([code, signal], [null, "SIGINT"]);
  assert.ok(existsSync(join(folder, "images/1.png")));
  assert.equal(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")), {
    images: 2,
    present: 1,
    missing: { "not tried yet": 1 },
    failures: [],
  });
});

test("what cannot be fetched is refused", async () => {
  const folder = folderOf([]);
  for (const [args, part] of [
    [["fetch", "mit-states", "--data", folder], "only svo-probes"],
    [["fetch", "svo-probes", "--data", folder], "svo_probes.csv"],
    [["fetch", "svo-probes"], "--data"],
    [["fetch", "svo-probes", "--data", folder, "--concurrency", "0"], "--concurrency is 0"],
    [["fetch", "svo-probes", "--data", folder, "--concurrency", "many"], "whole number"],
  ] as const) {
    const { code, stdout, stderr } = await noticeHere(...args);
    assert.is(code, 2, stderr);
    assert.is(stdout, "");
    assert.match(stderr, part);
    assert.match(stderr, /^notice: /);
  }
  assert.equal(readdirSync(folder), []);
});

test.run();
