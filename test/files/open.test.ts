import { readFileSync } from "node:fs";
import { chdir } from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as browser from "../../src/files/open.browser.js";
import * as node from "../../src/files/open.js";
import { orShipped } from "../../src/files/package.js";
import { loadBlip } from "../../src/patching/load-model.js";
import * as browserPlatform from "../../src/platform/platform.browser.js";
import * as nodePlatform from "../../src/platform/platform.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";
import { type Answer, ImageServer } from "./image-server.js";

const MODEL = "weights/scenes";
const PICTURE = "examples/star-red.png";

/** A file with what a server says that it is. */
const file =
  (path: string, type = "application/octet-stream"): Answer =>
  (response) =>
    void response.writeHead(200, { "content-type": type }).end(readFileSync(path));

/** A web server with the model; a page stands where a file is missing, as with servers of single-page applications. */
function server(): Promise<ImageServer> {
  const names = ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"];
  return ImageServer.start({
    ...Object.fromEntries(names.map((name) => [`/model/${name}`, file(`${MODEL}/${name}`)])),
    "/model/tokenizer_config.json": (response) =>
      void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html>"),
    "/star.png": file(PICTURE),
    "/broken": (response) => void response.writeHead(500).end(),
  });
}

test("a model at an address is the model of the folder", async () => {
  await using web = await server();
  const { files } = await browser.openModel(`${web.origin}/model/`);
  using remote = await loadBlip(files);
  using local = await loadBlip(MODEL);
  const question = "is this star red or blue?";
  const image = await browser.readPicture(`${web.origin}/star.png`);
  assert.equal(await remote.ask({ image, question }), await local.ask({ image: PICTURE, question }));
});

test("an address with nothing, or with a fault, is named", async () => {
  await using web = await server();
  await refused(() => browser.readPicture(`${web.origin}/none.png`), "image", "/none.png");
  await refused(() => browser.readPicture(`${web.origin}/broken`), "network", "500");
  await refused(() => browser.readPicture("http://127.0.0.1:9/x.png"), "network", "127.0.0.1:9");
  const { files } = await browser.openModel(`${web.origin}/elsewhere`);
  await refused(() => loadBlip(files), "checkpoint", "elsewhere has no config.json");
});

test("bodies are read no further than files are", async () => {
  let sent = 0;
  const endless: Answer = (response) => {
    const piece = Buffer.alloc(1 << 20);
    const more = () => {
      while (response.writable && response.write(piece)) sent++;
    };
    response.writeHead(200).on("drain", more);
    more();
  };
  await using web = await ImageServer.start({ "/config.json": endless, "/x.png": endless });
  const { files } = await browser.openModel(web.origin);
  await refused(() => files.text("config.json"), "network", "/config.json has more than 67108864 bytes");
  await refused(() => browser.readPicture(`${web.origin}/x.png`), "network", "/x.png has more than 67108864 bytes");
  assert.ok(sent < 512, `${sent} MiB were sent`);
});

test("both platforms offer the same", () => {
  const opened: typeof node = browser;
  assert.equal(Object.keys(opened).sort(), Object.keys(node).sort());
  const offered: typeof nodePlatform = browserPlatform;
  assert.equal(Object.keys(offered).sort(), Object.keys(nodePlatform).sort());
});

test("what the package ships is found from any folder, after what lies there, and nothing else is", () => {
  const root = process.cwd();
  try {
    chdir(temporaryFolder());
    assert.equal(readFileSync(orShipped(PICTURE)), readFileSync(`${root}/${PICTURE}`));
    for (const path of ["package.json", "../package.json", "examples/../package.json", "examples/none.jpg", "weights"])
      assert.is(orShipped(path), path);
  } finally {
    chdir(root);
  }
  assert.is(orShipped(PICTURE), PICTURE);
});

test.run();
