import type { Redis } from "ioredis";
import { KEPT_SECONDS, pictureKey } from "./protocol.js";

/** Pictures of jobs that are done stay for those that follow, as far as this many bytes. */
const MOST_KEPT_BYTES = 256 * 1024 * 1024;

interface Held {
  jobs: number;
  readonly bytes: number;
}

/** The pictures of jobs in work: each is sent once, and taken back when room is needed. */
export class Pictures {
  /** By digest, the longest unused first. */
  readonly #sent = new Map<string, Held>();

  constructor(private readonly redis: Redis) {}

  /** Sends what is not there yet. `send` sends all of it once more. */
  async hold(pictures: ReadonlyMap<string, Uint8Array>): Promise<{ send(): Promise<void> }> {
    const send = async (some: Iterable<[string, Uint8Array]>) => {
      for (const [digest, bytes] of some)
        await this.redis.set(pictureKey(digest), Buffer.from(bytes), "EX", KEPT_SECONDS);
    };
    const fresh: [string, Uint8Array][] = [];
    for (const [digest, bytes] of pictures) {
      const held = this.#sent.get(digest);
      if (!held) fresh.push([digest, bytes]);
      this.#sent.delete(digest);
      this.#sent.set(digest, { jobs: (held?.jobs ?? 0) + 1, bytes: bytes.length });
    }
    await send(fresh);
    return { send: () => send(pictures) };
  }

  async release(pictures: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const digest of pictures.keys()) {
      const held = this.#sent.get(digest);
      if (held) held.jobs--;
    }
    let kept = 0;
    for (const { bytes } of this.#sent.values()) kept += bytes;
    for (const [digest, { jobs, bytes }] of this.#sent) {
      if (kept <= MOST_KEPT_BYTES) return;
      if (jobs > 0) continue;
      this.#sent.delete(digest);
      kept -= bytes;
      await this.redis.unlink(pictureKey(digest));
    }
  }

  /** Takes all of them back. */
  async clear(): Promise<void> {
    const keys = [...this.#sent.keys()].map(pictureKey);
    this.#sent.clear();
    if (keys.length > 0) await this.redis.unlink(...keys);
  }
}
