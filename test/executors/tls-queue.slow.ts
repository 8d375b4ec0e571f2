import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { lacking } from "../support/needed.js";
import { hasRedis, OwnRedis } from "../support/redis.js";
import { MAIN } from "../support/root.js";

// A real Redis with TLS by a certificate made here, and a password.

const PASSWORD = "correct-horse-battery";

const test = suite("queue by TLS");
const folder = temporaryFolder();
const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
let redis: OwnRedis;
const running = new Set<Ran>();

/** A command whose address stands in its environment. */
class Ran {
  output = "";
  readonly ended: Promise<number | null>;
  readonly child;

  constructor(env: NodeJS.ProcessEnv, ...args: string[]) {
    const whole = { ...process.env, NOTICE_BACKEND: "wasm", NOTICE_DEBUG: "1", ...env };
    this.child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"], env: whole });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on("data", (text) => {
        this.output += text;
      });
    this.ended = new Promise((resolve) => this.child.once("close", resolve));
    running.add(this);
  }
}

test.before(async () => {
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
  const made = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", ...made, ...name], { stdio: "ignore" });
  redis = await OwnRedis.start({ password: PASSWORD, key, certificate });
});

test.after(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await redis.stop();
});

const trusted = () => ({ NODE_EXTRA_CA_CERTS: certificate, NOTICE_REDIS: redis.url });
const accuracy = (env: NodeJS.ProcessEnv) =>
  new Ran(env, "accuracy", "weights/scenes", "--n", "1", "--executor", "redis");

test("a command and a worker meet through TLS by a password that nobody prints", async () => {
  const worker = new Ran(trusted(), "worker", "--concurrency", "1");
  const asked = accuracy(trusted());
  assert.is(await asked.ended, 0, asked.output);
  assert.match(asked.output, /attributes/);
  const listed = new Ran(trusted(), "workers");
  assert.is(await listed.ended, 0, listed.output);
  assert.match(listed.output, new RegExp(`${worker.child.pid}`));
  // Nor does it stand in the list of processes.
  assert.not.match(readFileSync(`/proc/${worker.child.pid}/cmdline`, "utf8"), new RegExp(PASSWORD));
  worker.child.kill("SIGTERM");
  await worker.ended;
  for (const { output } of [worker, asked, listed]) assert.not.match(output, new RegExp(PASSWORD));
  assert.match(worker.output, /Waiting for jobs from rediss:\/\/127\.0\.0\.1:\d+\/0\./);
});

test("a certificate that nobody vouches for, and a wrong password, are refused without the password", async () => {
  const refused = async (env: NodeJS.ProcessEnv, why: RegExp) => {
    const asked = accuracy(env);
    assert.is(await asked.ended, 1, asked.output);
    assert.match(asked.output, why);
    assert.not.match(asked.output, new RegExp(PASSWORD));
  };
  await refused({ NOTICE_REDIS: redis.url }, /No Redis answers at rediss:.*self-signed certificate/);
  const wrong = redis.url.replace(PASSWORD, `not-${PASSWORD}`);
  await refused({ ...trusted(), NOTICE_REDIS: wrong }, /No Redis answers at rediss:.*(WRONGPASS|NOAUTH)/);
});

if (hasRedis()) test.run();
else lacking("redis", "there is no redis-server");
