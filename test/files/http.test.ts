import { mock } from "node:test";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { get, readAll } from "../../src/files/http.js";
import { TransientError } from "../../src/files/retry.js";
import { ImageServer, redirect, send } from "./image-server.js";

const failure = (step: Promise<unknown>) =>
  step.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a silent server is told of, and may still answer", async () => {
  const told: string[] = [];
  let onWait = (_: string) => {};
  const heard = new Promise<void>((resolve) => {
    onWait = (message) => {
      told.push(message);
      resolve();
    };
  });
  await using server = await ImageServer.start({
    "/": (response, nth, request) => void heard.then(() => send("late")(response, nth, request)),
  });
  const reply = await get(`${server.origin}/`, {}, { timeoutMs: 60_000, quietMs: 20, onWait });
  assert.is(Buffer.from(await readAll(reply, 100, "it")).toString(), "late");
  assert.equal(told, [`waiting for ${server.origin.slice(7)}, up to 60 s`]);
});

test("a body that comes a byte at a time is given up", async () => {
  await using server = await ImageServer.start({ "/": (response) => void response.writeHead(200).write("x") });
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const body = (await get(`${server.origin}/`, {}, { timeoutMs: 60_000 })).body();
    assert.is((await body.next()).value?.length, 1);
    mock.timers.tick(600_000);
    const error = await failure(body.next());
    assert.instance(error, TransientError);
    assert.match((error as Error).message, "only 1 bytes came in 600 s");
  } finally {
    mock.timers.reset();
  }
});

test("redirects have an end", async () => {
  await using server = await ImageServer.start({ "/": redirect("/") });
  const error = await failure(get(`${server.origin}/`, {}, { timeoutMs: 5000 }));
  assert.instance(error, TransientError);
  assert.ok(server.count("/") <= 21);
});

test.run();
