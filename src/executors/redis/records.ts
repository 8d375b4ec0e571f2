import type { Redis } from "ioredis";
import { NoticeError } from "../../base/errors.js";
import { PREFIX, readText, type Session, type WorkerRecord } from "./protocol.js";

// Who is there: each says so again and again, and is forgotten when it falls silent.

/** More are a mistake. */
const MOST = 100_000;

async function keysAt(redis: Redis, kind: "session" | "worker"): Promise<string[]> {
  const found: string[] = [];
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", `${PREFIX}:${kind}:*`, "COUNT", 1000);
    found.push(...keys);
    cursor = next;
  } while (cursor !== "0" && found.length < MOST);
  return [...new Set(found)].sort();
}

async function recordsAt<Kind extends "session" | "worker">(redis: Redis, kind: Kind) {
  const keys = await keysAt(redis, kind);
  const texts = keys.length > 0 ? await redis.mget(keys) : [];
  return texts.flatMap((text) => {
    if (text === null) return [];
    try {
      return [readText(kind, text)];
    } catch (error) {
      // Somebody else's key.
      if (error instanceof NoticeError) return [];
      throw error;
    }
  });
}

/** What coordinators want computed. */
export const sessionsAt = (redis: Redis): Promise<Session[]> => recordsAt(redis, "session");

/** The workers that are there. */
export const workersAt = (redis: Redis): Promise<WorkerRecord[]> => recordsAt(redis, "worker");
